"""What `new` writes has the form that the gates ask for, and nothing is overwritten."""

import contextlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jupytext
import pytest

from bmkit.course import chapters, skeleton

# A plan of the tests' own: the course's may be finished.
NUMBER, SLUG, TITLE = "97", "not_yet", "Not yet"
NAME = f"{NUMBER}_{SLUG}"
PLAN = f"""
[[parts]]
title = "Part"
chapters = [{{ number = "{NUMBER}", slug = "{SLUG}", title = "{TITLE}", before = [] }}]
"""
ROOT = Path(skeleton.__file__).resolve().parents[2]


@pytest.fixture
def kit(tmp_path):
    """The parts of the kit that `new` reads and writes."""
    for part in ("bmkit/__init__.py", "data/manifest.toml", "bmkit/data/readers.py"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, tmp_path / part)
    (tmp_path / "bmkit" / "exercises").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "chapters.toml").write_text(PLAN, "utf-8")
    return tmp_path


def test_a_new_chapter_has_title_cell_sections_and_exercises(kit):
    told = skeleton.chapter(NAME, kit)
    source = kit / "notebooks" / "source" / f"{NAME}.py"
    notebook = jupytext.read(source, fmt="py:percent")
    assert chapters.TITLE.fullmatch(notebook.cells[0].source)["title"] == TITLE
    text = source.read_text("utf-8")
    assert "«" not in text and "### Exercise 2" in text and "## Summary" in text and text.count("<details>") == 4
    assert f"ch{NUMBER}.first.check(first)" in text
    assert len(told) == 3 and told[-1] == f"then run: python3 -m bmkit build {NUMBER}"


def test_new_files_pass_ruff(kit):
    skeleton.chapter(NAME, kit)
    skeleton.exercise(f"{NUMBER}.third", kit)
    skeleton.dataset("iris_flowers", kit)
    shutil.copy(ROOT / "pyproject.toml", kit)
    ours = 'lint.isort.known-first-party = ["bmkit"]'  # most of the package is not in this folder
    for words in (["check", "--config", ours], ["format", "--check"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=kit, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_new_exercises_can_be_imported_and_checked(kit, capsys):
    skeleton.chapter(NAME, kit)
    skeleton.exercise(f"ch{NUMBER}.third", kit)
    path = kit / "bmkit" / "exercises" / f"ch{NUMBER}.py"
    known = {}
    exec(compile(path.read_text("utf-8"), path, "exec"), known)
    assert known["__all__"] == ["first", "second", "third"]
    known["third"].check(lambda x: x.sum(axis=-1))
    assert "right" in capsys.readouterr().out


def test_an_unplanned_chapter_is_told_to_the_plan(kit):
    told = skeleton.chapter("98_quite_new", kit)
    assert any("chapters.toml" in line for line in told)
    assert "# # 98 · Quite new\n" in (kit / "notebooks" / "source" / "98_quite_new.py").read_text("utf-8")


def test_nothing_is_overwritten(kit):
    skeleton.chapter(NAME, kit)
    source = kit / "notebooks" / "source" / f"{NAME}.py"
    source.write_text("mine")
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.chapter(NAME, kit)
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.exercise(f"{NUMBER}.first", kit)
    assert source.read_text() == "mine"


@pytest.mark.parametrize("name", ["class", "type", "list", "np", "keras", "expect", "data"])
def test_an_exercise_hides_neither_python_nor_what_its_chapter_imports(kit, name):
    skeleton.chapter("98_quite_new", kit)
    before = _content(kit)
    with pytest.raises(skeleton.SkeletonError, match=rf"{name} is .*; choose another name, such as {name}_1"):
        skeleton.exercise(f"98.{name}", kit)
    assert _content(kit) == before


def _content(kit):
    return {path: path.read_bytes() for path in kit.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk, which needs root")
@pytest.mark.parametrize("write", [("dataset", "iris_flowers"), ("chapter", "98_quite_new"), ("exercise", "98.third")])
def test_on_a_full_disk_all_files_are_written_or_none(kit, tmp_path, write):
    skeleton.chapter("98_quite_new", kit) if write[0] == "exercise" else None
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        small = shutil.copytree(kit, disk / "kit", ignore=shutil.ignore_patterns("disk"))
        with (disk / "rest").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1024))
        before = _content(small)
        with pytest.raises(skeleton.SkeletonError, match=r"nothing was written: .*No space left"):
            getattr(skeleton, write[0])(write[1], small)
        assert _content(small) == before
        (disk / "rest").unlink()
        getattr(skeleton, write[0])(write[1], small)
        assert _content(small) != before
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_data_set_is_a_comment_until_it_is_filled_in(kit):
    path, readers = kit / "data" / "manifest.toml", kit / "bmkit" / "data" / "readers.py"
    before, code = tomllib.loads(path.read_text("utf-8")), readers.read_text("utf-8")
    skeleton.dataset("iris_flowers", kit)
    text = path.read_text("utf-8")
    assert tomllib.loads(text) == before and "# [sets.iris_flowers]" in text
    entry = text[text.index("# [parcels.PACKAGE]") :].replace("\n# ", "\n").replace("\n#\n", "\n\n")
    assert set(tomllib.loads(entry[2:])["sets"]["iris_flowers"]) == set(before["sets"]["mnist_5k"])
    assert readers.read_text("utf-8").replace("def iris_flowers(", "") != code
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.dataset("iris_flowers", kit)
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.dataset("mnist_5k", kit)


@pytest.mark.parametrize(
    ("write", "name", "told"),
    [
        (skeleton.chapter, "cnn", "12_cnn_speech"),
        (skeleton.chapter, "../98_x", "12_cnn_speech"),
        (skeleton.chapter, f"{NUMBER}_other", f"new chapter {NAME}"),
        (skeleton.exercise, "third", "ch12.frame_count"),
        (skeleton.exercise, "98.third", "new chapter 98_SLUG"),
        (skeleton.dataset, "Iris-Flowers", "iris_flowers"),
        (skeleton.dataset, "import", "a word of Python"),
        (skeleton.dataset, "match", "a word of Python"),
        (skeleton.dataset, "print", "a word of Python"),
        (skeleton.dataset, "lzma", "lzma is imported there and would be hidden; choose another name, such as lzma_1"),
        (skeleton.dataset, "x" * 41, "41 letters"),
        (skeleton.chapter, "98_" + "x" * 300, "303 letters"),
        (skeleton.exercise, "ch98." + "x" * 300, "300 letters"),
    ],
)
def test_a_wrong_name_says_what_to_type(kit, write, name, told):
    before = _content(kit)
    with pytest.raises(skeleton.SkeletonError) as caught:
        write(name, kit)
    assert _content(kit) == before
    assert told in str(caught.value) and "\n" not in str(caught.value)
