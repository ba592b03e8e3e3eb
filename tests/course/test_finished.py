"""The day when every planned chapter has been written, and the day after, when somebody adds one more."""

import re
import shutil
import subprocess
import sys

import pytest

from bmkit.course import chapters

pytestmark = pytest.mark.slow

PARTS = (
    *("benchmarks", "bmkit", "data", "notebooks", "tests"),
    *("CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml", "requirements.txt", "requirements.lock"),
)
MODEL = chapters.find("loss_functions")  # what the chapters that do not exist yet are copied from
TAKE_OVER = "import sys; from bmkit.course import book; book.update_readme(); book.accept(sys.argv[1:])"


def written(kit, chapter, needs):
    """Write a chapter into a copy of the kit: source, notebook and exercises are those of `MODEL` under its number."""
    links = ", ".join(f"[{one.number} · {one.title}]({one.notebook.name})" for one in needs)
    folder = kit / "notebooks"
    pairs = {
        MODEL.source: folder / "source" / chapter.source.name,
        MODEL.notebook: folder / chapter.notebook.name,
        chapters.ROOT / "bmkit" / "exercises" / f"ch{MODEL.number}.py": kit / f"bmkit/exercises/ch{chapter.number}.py",
    }
    for old, new in pairs.items():
        text = old.read_text("utf-8").replace(f"{MODEL.number} · {MODEL.title}", f"{chapter.number} · {chapter.title}")
        text = re.sub(r"(\*\*Before\*\* ).+?(?=\n|\\n)", lambda found: found[1] + links, text, count=1)
        new.write_text(text.replace(f"ch{MODEL.number}", f"ch{chapter.number}"), "utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the kit in which the plan has one chapter more and all chapters are there."""
    kit = tmp_path_factory.mktemp("kit")
    for part in map(chapters.ROOT.joinpath, PARTS):
        copy = shutil.copytree if part.is_dir() else shutil.copy
        copy(part, kit / part.name)
    plan = chapters.chapters()
    more = chapters.Chapter(f"{len(plan):02d}", "one_more", "One more", "More", before=("00",))
    line = f'{{ number = "{more.number}", slug = "{more.slug}", title = "{more.title}", before = ["00"] }}'
    with (kit / "notebooks" / "chapters.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[parts]]\ntitle = "{more.part}"\nchapters = [\n  {line},\n]\n')
    by_number = {chapter.number: chapter for chapter in plan}
    new = [*(one for one in plan if not one.ready), more]
    for chapter in new:
        written(kit, chapter, [by_number[number] for number in chapter.before])
    subprocess.run([sys.executable, "-c", TAKE_OVER, *(chapter.number for chapter in new)], cwd=kit, check=True)
    return kit


def pytest_in(kit, *words):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=kit, capture_output=True, encoding="utf-8", check=False)


def test_nothing_waits_for_a_planned_chapter_when_tests_are_collected(finished):
    done = pytest_in(finished, "--collect-only", "tests")
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_tests_of_chapters_and_commands_pass_and_what_is_no_longer_planned_is_told(finished):
    files = [f"tests/course/test_{name}.py" for name in ("chapters", "cli", "skeleton")]
    files.append("tests/course/test_book.py::test_a_planned_chapter_is_called_planned")
    # That a new chapter can be built is tested in the kit as it is; here it would be built a second time, for a minute.
    done = pytest_in(finished, *files, "-k", "not keeps_every_rule_once_its_capitals_are_filled_in")
    failed = re.findall(r"^FAILED \S+::(\S+)", done.stdout, re.MULTILINE)
    told = ["shows_the_plan_as_it_is-00_start_here"]
    for chapter in filter(lambda one: one.ready, chapters.chapters()):  # what they call planned is ready then
        if re.search(r"[Cc]hapter\s+(?:#\s+)?\d\d[^.;]{0,40}planned", chapter.source.read_text("utf-8")):
            told.append(f"links_resolve-{chapter.source.stem}")
    assert failed == [f"test_a_chapter_keeps_the_rule[{case}]" for case in told], done.stdout[-3000:]
