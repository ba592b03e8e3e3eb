"""The form every chapter keeps, and that its notebook is what its source says, fully executed."""

import ast
import importlib
import itertools
import json
import re
import statistics

import pytest

from bmkit.check import Exercise, Question
from bmkit.course import book, chapters, needs, notebook, rules

READY = [chapter for chapter in chapters.chapters() if chapter.ready]
each_chapter = pytest.mark.parametrize("chapter", READY, ids=lambda chapter: f"{chapter.number}_{chapter.slug}")
VERDICT = re.compile(r"✓ .*? (?P<bounds>[≥≤] .*?) \(here: (?P<here>[^)]+)\)$", re.MULTILINE)


def cells_of(chapter):
    return json.loads(chapter.notebook.read_text("utf-8"))["cells"]


def text(cell) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def printed(output) -> str:
    return "".join(output.get("text", ""))


def has_figure(cell) -> bool:
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


@each_chapter
def test_notebook_is_in_step_with_its_source(chapter):
    problem = book.out_of_step(chapter)
    assert not problem, f"{chapter.notebook.name} {problem}; run: python3 -m bmkit build {chapter.number}"


@each_chapter
def test_saving_the_notebook_unchanged_in_jupyterlab_changes_no_byte(chapter):
    laid_out = notebook.text_of(notebook.read(chapter.notebook)).encode()
    assert chapter.notebook.read_bytes() == laid_out, f"run: python3 -m bmkit build --accept {chapter.number}"


@each_chapter
def test_what_a_notebook_shows_of_the_plan_is_the_plan(chapter):
    built = notebook.read(chapter.notebook)
    noted, now = notebook.noted_needs(built), needs.needs(notebook.code_of(built))
    assert noted is not None, f"run: python3 -m bmkit build {chapter.number}"
    assert noted.get(needs.PLAN) == now.get(needs.PLAN), f"run: python3 -m bmkit build {chapter.number}"


@each_chapter
def test_every_code_cell_was_executed_in_order(chapter):
    counts = [cell["execution_count"] for cell in cells_of(chapter) if cell["cell_type"] == "code"]
    mend = f"run: python3 -m bmkit build {chapter.number}"
    assert None not in counts, f"cells were not executed and nothing in them would be compared; {mend}"
    assert counts == list(range(1, len(counts) + 1)), f"cells were executed out of order; {mend}"


@each_chapter
def test_no_stored_error_and_no_warning(chapter):
    for cell in cells_of(chapter):
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error", f"a stored error in:\n{text(cell)}"
            assert output.get("name") != "stderr", f"a stored warning in:\n{text(cell)}\n{printed(output)}"


@each_chapter
def test_title_cell_and_plan_agree(chapter):
    title = text(cells_of(chapter)[0])
    assert chapters.TITLE.match(title), "the title cell has not the common form"
    assert title.startswith(f"# {chapter.number} · {chapter.title}\n"), "notebooks/chapters.toml has another title"
    before = re.search(r"\*\*Before\*\* (.+)", title)[1]
    assert tuple(re.findall(r"\[(\d\d) ·", before)) == chapter.before, "notebooks/chapters.toml names others"
    assert 1 <= chapter.aims.count(",") + 1 <= 7 and chapter.run_seconds <= 90


@each_chapter
def test_setup_cell_is_short_and_seeds(chapter):
    setup = next(text(cell) for cell in cells_of(chapter) if cell["cell_type"] == "code").splitlines()
    assert len([line for line in setup if line.strip()]) <= 7
    assert setup[-1] in ("train.seed(0)", "random = train.seed(0)")


# Written before the rules of `bmkit.course.rules`; each leaves this list when it is rewritten, and no new one joins it.
DENSE = {f"{number:02d}" for number in range(20)} - {"00", "01", "02", "04", "05", "06", "10", "11"}


def code_of(chapter) -> list[str]:
    return [text(cell) for cell in cells_of(chapter) if cell["cell_type"] == "code"]


@each_chapter
def test_cells_are_mixed(chapter):
    code, cells = len(code_of(chapter)), len(cells_of(chapter))
    assert 25 <= cells <= 70, f"{cells} cells"
    assert 0.5 <= (cells - code) / code <= 2.5, "about one text cell for one or two code cells"


@each_chapter
def test_code_can_be_read_aloud(chapter):
    if chapter.number in DENSE:
        for code in code_of(chapter):
            assert len(code.splitlines()) <= 25 and max(map(len, code.splitlines())) <= 104, code
        return
    faults = [f"{fault}, in:\n{code}" for code in code_of(chapter) for fault in rules.code_rules(code)]
    assert not faults, "\n\n".join(faults)
    mean = statistics.mean(map(rules.density, code_of(chapter)))
    assert mean <= rules.MOST_NODES_A_CHAPTER, f"{mean:.1f} syntax nodes a line, the mean of its code cells"


@each_chapter
def test_headings_come_in_order(chapter):
    levels = [
        len(mark)
        for cell in cells_of(chapter)
        if cell["cell_type"] == "markdown"
        for mark in re.findall(r"^(#+) ", text(cell), re.MULTILINE)
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels


@each_chapter
def test_figures_are_small_and_told_in_words(chapter):
    cells = cells_of(chapter)
    figures = [index for index, cell in enumerate(cells) if has_figure(cell)]
    assert len(figures) >= 4, "a chapter lives from its pictures"
    for index in figures:
        for output in cells[index]["outputs"]:
            size = len(output.get("data", {}).get("image/png", "")) * 3 / 4
            assert size <= 61_000, f"a figure of {size:.0f} bytes in:\n{text(cells[index])}"
        below = next(text(cell) for cell in cells[index + 1 :] if cell["cell_type"] == "markdown")
        assert below.startswith("*Figure. "), f"no caption below:\n{text(cells[index])}"
        assert "<details><summary>In words</summary>" in below, f"no text alternative below:\n{text(cells[index])}"
    assert chapter.notebook.stat().st_size <= 600_000


@each_chapter
def test_claims_hold_as_stored(chapter):
    found = [
        match
        for cell in cells_of(chapter)
        for out in cell.get("outputs", [])
        for match in VERDICT.finditer(printed(out))
    ]
    assert len(found) >= 3, "a chapter asserts what it says"
    for match in found:
        here = float(match["here"].replace(",", ""))
        for sign, bound in re.findall(r"([≥≤]) (\S+)", match["bounds"].replace(",", "")):
            # Numbers are stored with three figures, so the last of them may be rounded past the bound.
            slack = 0.006 * abs(here)
            assert (here >= float(bound) - slack) if sign == "≥" else (here <= float(bound) + slack), match[0]


@each_chapter
def test_summary_has_questions_and_references(chapter):
    summary = text(cells_of(chapter)[-1])
    assert "## Summary" in summary and "**References**" in summary and "**Next** " in summary
    questions = summary.split("**Ask yourself**")[1]
    assert questions.count("<details><summary>") >= 3
    references = summary.split("**References**")[1]
    assert len(re.findall(r"^\* .*\(\d{4}\)", references, re.MULTILINE)) >= 3


@each_chapter
def test_links_between_chapters_resolve(chapter):
    for cell in cells_of(chapter):
        for link in re.findall(r"\]\(([^)\s]+\.ipynb)[^)]*\)", text(cell)):
            assert (book.NOTEBOOKS / link).exists(), f"{link} leads nowhere"


@each_chapter
def test_every_exercise_of_the_chapter_stands_in_it_untouched(chapter):
    module = importlib.import_module(f"bmkit.exercises.ch{chapter.number}")
    names = [name for name in module.__all__ if isinstance(getattr(module, name), (Exercise, Question))]
    assert len(names) >= 3, "at least three exercises a chapter"
    assert any(isinstance(getattr(module, name), Question) for name in names), "at least one: predict, then run"
    for name in names:
        ending = f"ch{chapter.number}.{name}.check({name})"
        cell = next((cell for cell in cells_of(chapter) if text(cell).endswith(ending)), None)
        assert cell, f"no cell ends in {ending}"
        assert "not attempted" in printed(cell["outputs"][0]), f"the stub of {name} is not untouched"


@each_chapter
def test_sources_hold_no_comment_that_switches_checking_off(chapter):
    for cell in cells_of(chapter):
        assert "NBVAL" not in text(cell).upper()
        assert not {"raises-exception", "nbval-ignore-output", "nbval-skip"} & set(cell["metadata"].get("tags", []))


def named(node, context) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, context)}


def drawn_from(name: str, functions: dict) -> set[str]:
    """Collect the notebook's names that a function reads, by way of other functions too."""
    seen, waiting = set(), {name}
    while waiting:
        seen |= waiting
        bodies = [functions[one] for one in waiting if one in functions]
        own = [{argument.arg for argument in ast.walk(body) if isinstance(argument, ast.arg)} for body in bodies]
        reads = [named(body, ast.Load) - named(body, ast.Store) - mine for body, mine in zip(bodies, own, strict=True)]
        waiting = set().union(*reads) - seen
    return seen - {name}


@each_chapter
def test_no_later_cell_takes_a_name_away_from_a_slider(chapter):
    body = ast.parse(chapter.source.read_text("utf-8")).body
    for place, statement in enumerate(body):
        call = getattr(statement, "value", None)
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "plot.explore"):
            continue
        functions = {one.name: one for one in body[:place] if isinstance(one, ast.FunctionDef)}
        later: set[str] = set()
        for other in body[place + 1 :]:
            is_definition = isinstance(other, (ast.FunctionDef, ast.ClassDef))
            later |= {other.name} if is_definition else named(other, ast.Store)
        taken = drawn_from(call.args[0].id, functions) & later
        assert not taken, f"a later cell gives {sorted(taken)} another value, and the slider draws with it: rename"


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


def test_readme_has_the_current_table():
    assert chapters.readme_table() in (book.ROOT / "README.md").read_text("utf-8"), "run: python3 -m bmkit build"
