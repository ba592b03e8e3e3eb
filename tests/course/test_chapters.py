"""The form every chapter keeps, and that its notebook is what its source says, fully executed."""

import re

import pytest

from bmkit.course import book, chapters, form

READY = [chapter for chapter in chapters.chapters() if chapter.ready]
each_chapter = pytest.mark.parametrize("chapter", READY, ids=lambda chapter: f"{chapter.number}_{chapter.slug}")


@each_chapter
@pytest.mark.parametrize("rule", form.RULES, ids=lambda rule: rule.__name__.strip("_"))
def test_a_chapter_keeps_the_rule(rule, chapter):
    unmet = list(rule(chapter))
    assert not unmet, f"{rule.__doc__}\n" + "\n".join(unmet)


def test_every_notebook_has_a_source_and_a_plan():
    built = {path.name for path in book.NOTEBOOKS.glob("*.ipynb")}
    assert built == {chapter.notebook.name for chapter in READY}
    sources = {path.name for path in (book.NOTEBOOKS / "source").glob("*.py")}
    assert sources == {chapter.source.name for chapter in READY}


def test_the_plan_is_complete_and_can_be_read_in_order_of_needs():
    plan = chapters.chapters()
    assert [chapter.number for chapter in plan] == [f"{number:02d}" for number in range(len(plan))]
    needs = {chapter.number: set(chapter.before) for chapter in plan}
    done: set[str] = set()
    while len(done) < len(needs):
        free = {number for number, before in needs.items() if number not in done and before <= done}
        assert free, f"these wait for one another: {sorted(set(needs) - done)}"
        done |= free


def test_readme_has_the_current_tables_of_chapters_sets_and_weights():
    text = (book.ROOT / "README.md").read_text("utf-8")
    assert all(text.count(f"<!-- end of {name} -->") == 1 for name in ("chapters", "sets", "weights", "recordings"))
    assert book.renewed_readme(text) == text, "run: python3 -m bmkit build"


def test_contributing_lists_the_rules():
    text = (book.ROOT / "CONTRIBUTING.md").read_text("utf-8")
    listed = text.partition("<!-- rules -->\n")[2].partition("<!-- end of rules -->")[0]
    expected = "".join(f"* {rule.__doc__}\n" for rule in form.RULES)
    assert listed == expected, f"write into CONTRIBUTING.md:\n{expected}"


def test_contributing_names_files_and_commands_that_there_are():
    text = (book.ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"`((?:notebooks|bmkit|data|tests)/[\w./]+)`", text)
    to_come = {"data/parcels/palmerpenguins.toml", "data/sets/penguins.toml", "bmkit/data/readers/penguins.py"}
    missing = [path for path in paths if path not in to_come and "ch20" not in path and not (book.ROOT / path).exists()]
    assert len(paths) > 10 and not missing, missing
