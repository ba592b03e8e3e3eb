"""What `new` writes has the form that the gates ask for, and nothing is overwritten."""

import contextlib
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
import types
import zipfile
from pathlib import Path

import jupytext
import numpy as np
import pytest

from bmkit.course import chapters, skeleton, templates, wheel
from bmkit.data import manifest, readers
from bmkit.data.parcels import read_members

# A plan of the tests' own: the course's may be finished.
NUMBER, SLUG, TITLE = "97", "not_yet", "Not yet"
NAME = f"{NUMBER}_{SLUG}"
PLAN = f"""
[[parts]]
title = "Part"
chapters = [
  {{ number = "00", slug = "start_here", title = "Start here", before = [] }},
  {{ number = "{NUMBER}", slug = "{SLUG}", title = "{TITLE}", before = ["00"] }},
]
"""
ROOT = Path(skeleton.__file__).resolve().parents[2]


@pytest.fixture
def kit(tmp_path):
    """The parts of the kit that `new` reads and writes."""
    kept = shutil.ignore_patterns("*.safetensors", "__pycache__")
    for part in ("data", "bmkit/data/readers"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=kept)
    shutil.copy(ROOT / "bmkit" / "__init__.py", tmp_path / "bmkit")
    (tmp_path / "bmkit" / "exercises").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "chapters.toml").write_text(PLAN, "utf-8")
    return tmp_path


def filled(path):
    """Do what an author does: nothing in CAPITALS stays."""
    text = path.read_text("utf-8")
    assert templates.unfilled(path.name, text)
    text = templates.MARK.sub(lambda mark: "2024" if mark[0] == "YEAR" else mark[0].lower(), text)
    path.write_text(text, "utf-8")
    assert not templates.unfilled(path.name, text)


def test_a_new_chapter_has_title_cell_sections_and_exercises(kit):
    told = skeleton.chapter(NAME, kit)
    source = kit / "notebooks" / "source" / f"{NAME}.py"
    notebook = jupytext.read(source, fmt="py:percent")
    title = chapters.TITLE.fullmatch(notebook.cells[0].source)
    assert title["title"] == TITLE
    assert tuple(re.findall(r"\[(\d\d) ·", title["before"])) == ("00",)
    text = source.read_text("utf-8")
    assert "«" not in text and "### Exercise 3" in text and "## Summary" in text
    assert f"ch{NUMBER}.first.check(first)" in text
    assert len(told) == 4 and told[-2] == f"then run: python3 -m bmkit build {NUMBER}"


def test_new_files_pass_ruff(kit, wheel_of_flowers):
    skeleton.chapter(NAME, kit)
    for kind in skeleton.KINDS:
        skeleton.exercise(f"{NUMBER}.of_the_kind_{kind}", kind, kit)
    shutil.copy(ROOT / "bmkit" / "exercises" / "ch00.py", kit / "bmkit" / "exercises")
    skeleton.exercise("00.quite_new", "build", kit)  # brings the import of Keras with it
    skeleton.dataset("iris_flowers", "flowers==1.2", kit)
    skeleton.dataset("wine_2", root=kit)
    shutil.copy(ROOT / "pyproject.toml", kit)
    ours = 'lint.isort.known-first-party = ["bmkit"]'  # most of the package is not in this folder
    for words in (["check", "--config", ours], ["format", "--check"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=kit, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_new_chapter_keeps_every_rule_once_its_capitals_are_filled_in(kit, monkeypatch):
    """Built and judged in a copy of the kit, as an author would."""
    for part in ("bmkit", "README.md", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        ignore = (
            {"ignore": shutil.ignore_patterns("__pycache__"), "dirs_exist_ok": True} if copy is not shutil.copy else {}
        )
        copy(ROOT / part, kit / part, **ignore)
    others = shutil.ignore_patterns("[!0]*.ipynb", "0[!0]*.ipynb", ".ipynb_checkpoints")
    shutil.copytree(ROOT / "notebooks", kit / "notebooks", ignore=others, dirs_exist_ok=True)
    number = f"{len(chapters.chapters()):02d}"
    skeleton.chapter(f"{number}_quite_new", kit)
    for kind in skeleton.KINDS:
        skeleton.exercise(f"{number}.of_the_kind_{kind}", kind, kit)

    def typed(*words):
        environment = os.environ | {"PYTHONPATH": str(kit)}
        command = [sys.executable, "-m", "bmkit.course.cli", *words]
        return subprocess.run(command, cwd=kit, env=environment, capture_output=True, text=True, encoding="utf-8")

    refused = typed("build", number)
    assert refused.returncode == 1 and f"{number}_quite_new.py still has CAPITALS to fill in: line 4" in refused.stderr
    filled(kit / "notebooks" / "source" / f"{number}_quite_new.py")
    filled(kit / "bmkit" / "exercises" / f"ch{number}.py")
    before = typed("test", number)
    assert before.returncode == 1 and "has not been built from its source" in before.stdout
    done = typed("build", number)
    assert done.returncode == 0 and "\n1 notebook written.\n" in done.stdout, done.stdout + done.stderr
    assert "✗" not in done.stdout, done.stdout
    tests = ["tests/test_exercises.py", "tests/course/test_chapters.py"]
    shutil.copytree(ROOT / "tests", kit / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", "-q", *tests, "-k", f"ch{number} or {number}_quite_new"]
    run = subprocess.run(command, cwd=kit, env=os.environ | {"PYTHONPATH": str(kit)}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:]


def test_new_exercises_can_be_imported_and_checked(kit, capsys, monkeypatch):
    skeleton.chapter(NAME, kit)
    skeleton.exercise(f"ch{NUMBER}.fourth", root=kit)
    path = kit / "bmkit" / "exercises" / f"ch{NUMBER}.py"
    known = {}
    exec(compile(path.read_text("utf-8"), path, "exec"), known)
    assert known["__all__"] == ["first", "fourth", "second", "third"]
    known["fourth"].check(lambda x: x.sum(axis=-1))
    assert "right" in capsys.readouterr().out
    known["fourth"].check(known["_fourth_mistaken"])
    assert "WHAT WENT WRONG" in capsys.readouterr().out
    text = (kit / "notebooks" / "source" / f"{NAME}.py").read_text("utf-8")
    assert text.index("### Exercise 4 ") < text.index(f"ch{NUMBER}.fourth.check(fourth)") < text.index("## Summary")


def test_an_unplanned_chapter_comes_into_the_plan(kit):
    told = skeleton.chapter("98_quite_new", kit)
    assert any("chapters.toml" in line for line in told)
    assert "# # 98 · Quite new\n" in (kit / "notebooks" / "source" / "98_quite_new.py").read_text("utf-8")
    plan = tomllib.loads((kit / "notebooks" / "chapters.toml").read_text("utf-8"))
    new = {"number": "98", "slug": "quite_new", "title": "Quite new", "before": ["00"]}
    assert plan["parts"][-1]["chapters"][-1] == new


def test_a_source_that_is_not_in_the_plan_is_told_so(kit, monkeypatch):
    (kit / "notebooks" / "source").mkdir()
    (kit / "notebooks" / "source" / "98_quite_new.py").write_text("", "utf-8")
    monkeypatch.setattr(chapters, "NOTEBOOKS", kit / "notebooks")
    with pytest.raises(chapters.BookError, match=r"^98_quite_new\.py is not in the plan; add it to notebooks/chapters"):
        chapters.find("98")


def test_nothing_is_overwritten(kit):
    skeleton.chapter(NAME, kit)
    source = kit / "notebooks" / "source" / f"{NAME}.py"
    source.write_text("mine")
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.chapter(NAME, kit)
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.exercise(f"{NUMBER}.first", root=kit)
    assert source.read_text() == "mine"


@pytest.mark.parametrize("name", ["class", "type", "list", "np", "keras", "expect", "data"])
def test_an_exercise_hides_neither_python_nor_what_its_chapter_imports(kit, name):
    skeleton.chapter("98_quite_new", kit)
    before = _content(kit)
    with pytest.raises(skeleton.SkeletonError, match=rf"{name} is .*; choose another name, such as {name}_1"):
        skeleton.exercise(f"98.{name}", root=kit)
    assert _content(kit) == before


def test_a_source_that_is_no_python_is_named_with_its_line(kit):
    skeleton.chapter("98_quite_new", kit)
    source = kit / "notebooks" / "source" / "98_quite_new.py"
    source.write_text("# %%\nx = 1\ny = = 2\n", "utf-8")
    with pytest.raises(
        skeleton.SkeletonError, match=r"^98_quite_new\.py is no Python: line 3: invalid syntax; mend it"
    ):
        skeleton.exercise("98.fourth", root=kit)


def _content(kit):
    return {path: path.read_bytes() for path in kit.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk, which needs root")
@pytest.mark.parametrize("write", [("dataset", "iris_flowers"), ("chapter", "98_quite_new"), ("exercise", "98.fourth")])
def test_on_a_full_disk_all_files_are_written_or_none(kit, tmp_path, write):
    skeleton.chapter("98_quite_new", kit) if write[0] == "exercise" else None
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        small = shutil.copytree(kit, disk / "kit", ignore=shutil.ignore_patterns("disk"))
        with (disk / "rest").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1024))
        before = _content(small)
        with pytest.raises(skeleton.SkeletonError, match=r"nothing was written: .*No space left"):
            getattr(skeleton, write[0])(write[1], root=small)
        assert _content(small) == before
        (disk / "rest").unlink()
        getattr(skeleton, write[0])(write[1], root=small)
        assert _content(small) != before
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_data_set_is_filled_in_as_far_as_its_wheel_tells(kit, wheel_of_flowers, monkeypatch):
    monkeypatch.setattr(readers, "__path__", [str(kit / "bmkit" / "data" / "readers")])
    told = skeleton.dataset("iris_flowers", "flowers==1.2", kit)
    parcels, sets, *_ = manifest.read(kit / "data")
    content = wheel_of_flowers.read_bytes()
    flowers = parcels["flowers"]
    assert (flowers.file, flowers.bytes, flowers.licence) == (wheel_of_flowers.name, len(content), "MIT")
    assert flowers.sha256 == hashlib.sha256(content).hexdigest() and flowers.version == "1.2"
    one = sets["iris_flowers"]
    assert one.recipe.members == ("flowers/iris.csv",) and one.recipe.reader == "iris_flowers"
    assert one.description.features == ("length", "width") and one.description.x.shape == (2,)
    text = (kit / "data" / "sets" / "iris_flowers.toml").read_text("utf-8")
    assert '# there are also "flowers/about.txt"' in text and len(told) == 6
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.dataset("iris_flowers", "flowers==1.2", kit)
    with pytest.raises(skeleton.SkeletonError, match="exists already"):
        skeleton.dataset("mnist_5k", "flowers==1.2", kit)
    told = skeleton.dataset("more_flowers", "flowers==1.2", kit)
    assert "data/parcels/flowers.toml is there already and stays; look whether it has the version you want" in told


def test_the_reader_of_a_new_set_reads_its_table(kit, wheel_of_flowers):
    skeleton.dataset("iris_flowers", "flowers==1.2", kit)
    code, known = (kit / "bmkit" / "data" / "readers" / "iris_flowers.py").read_text("utf-8"), {}
    exec(code, known)
    about = types.SimpleNamespace(
        name="iris_flowers", features=("a",), classes=("no", "yes"), rows={"train": 2, "validation": 1, "test": 1}
    )
    splits = known["read"]({"x.csv": b"a,species\n1,yes\n,no\n3,no\n4,yes\n"}, about)
    assert sorted(len(y) for _, y in splits.values()) == [1, 1, 2]
    assert np.isnan(np.concatenate([x for x, _ in splits.values()])).sum() == 1


def test_what_a_stranger_named_stays_a_text_in_python_and_toml(kit, tmp_path, monkeypatch):
    label = '"]]; told.append(1)\n"""\'«source»\x7f\\é'
    member = 'flowers/[1] "x"\n\x7f[recipe].csv'
    path = tmp_path / "flowers-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([["a", label], ["1", "no"]])
        archive.writestr(member, text.getvalue())
        archive.writestr("flowers/\nversion = 9\x7f", "")
        archive.writestr("flowers-1.2.dist-info/METADATA", 'License: "\x7f\\é" # MIT\n')
    monkeypatch.setattr(wheel, "fetched", lambda requirement: wheel.looked_at(path, *requirement.split("==")))
    monkeypatch.setattr(readers, "__path__", [str(kit / "bmkit" / "data" / "readers")])
    skeleton.dataset("iris_flowers", "flowers==1.2", kit)
    parcels, sets, *_ = manifest.read(kit / "data")
    assert parcels["flowers"].licence == '"\x7f\\é" # MIT'
    members = read_members(path, sets["iris_flowers"].recipe.members)
    assert list(members) == [member]
    known, told = {}, []
    known["told"] = told
    exec((kit / "bmkit" / "data" / "readers" / "iris_flowers.py").read_text("utf-8"), known)
    rows = dict.fromkeys(("train", "validation", "test"), 1)
    about = types.SimpleNamespace(name="iris_flowers", features=("a",), classes=("no",), rows=rows)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", label], ["1", "no"], ["2", "no"], ["3", "no"]])
    assert len(known["read"]({member: text.getvalue().encode()}, about)["train"][1]) == 1 and not told


def test_a_set_without_a_package_comes_from_one_that_is_installed(kit):
    skeleton.dataset("iris", root=kit)
    recipe = manifest.read(kit / "data")[1]["iris"].recipe
    assert (recipe.source, recipe.reader) == ("scikit-learn", "embedded_table"), "there are no members to read"
    assert not (kit / "bmkit" / "data" / "readers" / "iris.py").exists()


def test_a_set_is_not_fetched_before_its_capitals_are_filled_in(kit, wheel_of_flowers):
    skeleton.dataset("iris_flowers", "flowers==1.2", kit)
    told = r"^iris_flowers\.toml still has CAPITALS to fill in: line 1: title = .*; iris_flowers\.py still has CAPITALS"
    with pytest.raises(skeleton.SkeletonError, match=told):
        skeleton.refuse_unfilled(["iris_flowers"], kit)
    skeleton.refuse_unfilled(["digits", "minilm"], kit)
    filled(kit / "data" / "sets" / "iris_flowers.toml")
    filled(kit / "bmkit" / "data" / "readers" / "iris_flowers.py")
    parcel = kit / "data" / "parcels" / "flowers.toml"
    parcel.write_text('licence = "WHICH LICENCE THE PACKAGE HAS"\n', "utf-8")
    with pytest.raises(skeleton.SkeletonError, match=r"^flowers\.toml still has CAPITALS to fill in: line 1: licence"):
        skeleton.refuse_unfilled(["iris_flowers"], kit)


@pytest.mark.parametrize(
    ("write", "name", "told"),
    [
        (skeleton.chapter, "cnn", "12_cnn_speech"),
        (skeleton.chapter, "../98_x", "12_cnn_speech"),
        (skeleton.chapter, "९८_x", "12_cnn_speech"),
        (skeleton.chapter, f"{NUMBER}_other", f"new chapter {NAME}"),
        (skeleton.exercise, "third", "ch12.frame_count"),
        (skeleton.exercise, "98.third", "new chapter 98_SLUG"),
        (skeleton.exercise, "९८.third", "ch12.frame_count"),
        (skeleton.dataset, "Iris-Flowers", "iris_flowers"),
        (skeleton.dataset, "import", "a word of Python"),
        (skeleton.dataset, "match", "a word of Python"),
        (skeleton.dataset, "print", "a word of Python"),
        (skeleton.dataset, "x" * 41, "41 letters"),
        (skeleton.chapter, "98_" + "x" * 300, "303 letters"),
        (skeleton.exercise, "ch98." + "x" * 300, "300 letters"),
    ],
)
def test_a_wrong_name_says_what_to_type(kit, write, name, told):
    before = _content(kit)
    with pytest.raises(skeleton.SkeletonError) as caught:
        write(name, root=kit)
    assert _content(kit) == before
    assert told in str(caught.value) and "\n" not in str(caught.value)
