"""The form of a chapter: every rule that its cells and its exercises keep, in one sentence each where they do not.

`rules(chapter)` is what `build`, `test NN` and the tests share. `bmkit.course.rules` holds the rules of a code cell.
"""

import ast
import importlib
import itertools
import re
import statistics
from collections.abc import Callable, Iterable, Iterator

from bmkit.check import Exercise, Question
from bmkit.course import book, needs, notebook, shown, terms
from bmkit.course import rules as cells
from bmkit.course.chapters import NOTEBOOKS, ROOT, TITLE, Chapter, chapters, unfilled_places
from bmkit.course.knowledge import faults_of

__all__ = ["DENSE", "RULES", "rules", "unmet"]

# Written before the rules of `bmkit.course.rules`; each leaves this list when it is rewritten, and no new one joins it.
DENSE = {"03", "07", "08"}
VERDICT = re.compile(r"✓ .*? (?P<bounds>[≥≤] .*?) \(here: (?P<here>[^)]+)\)$", re.MULTILINE)
CALLED_LATER = {"plot.explore", "demo.picture", "demo.sound", "demo.text"}  # their function runs when cells below have
LARGEST_FIGURE, LARGEST_NOTEBOOK = 61_000, 600_000  # bytes


def rules(chapter: Chapter, *, of_source: bool = False) -> list[str]:
    """Say what a chapter still lacks.

    Args:
        chapter: one whose source exists.
        of_source: only what its text shows before it has been run.

    Returns:
        One sentence for each rule that is not kept; none for a finished chapter. Where a code cell cannot be read as
        Python, only that and the CAPITALS that are left: the other rules read code.

    Example:
        >>> from bmkit.course.chapters import find
        >>> [sentence for sentence in rules(find("05")) if "caption" in sentence]
        []
    """
    if fault := notebook.fault_of_code(book.read_source(chapter)):
        return [*_is_filled_in(chapter), fault]
    chosen = [rule for rule in RULES if not (of_source and rule in OF_OUTPUTS)]
    return [sentence for rule in chosen for sentence in rule(chapter)]


def unmet(chosen: Iterable[Chapter], *, of_source: bool = False) -> list[str]:
    """Say what several chapters still lack.

    Args:
        chosen: chapters whose sources exist.
        of_source: only what their texts show before they have been run.

    Returns:
        One line for each rule that is not kept.

    Example:
        >>> from bmkit.course.chapters import find
        >>> [sentence for sentence in unmet([find("05")]) if "caption" in sentence]
        []
    """
    return [f"✗ {chapter.number}: {sentence}" for chapter in chosen for sentence in rules(chapter, of_source=of_source)]


def _source(chapter: Chapter) -> list:
    return book.read_source(chapter).cells


def _built(chapter: Chapter) -> list:
    """Return the cells of the notebook with their outputs, none before it has been built."""
    return notebook.read(chapter.notebook).cells if chapter.notebook.exists() else []


def _printed(output) -> str:
    return f"{output.ename}: {output.evalue}" if output.output_type == "error" else output.get("text", "")


def _code(chapter: Chapter) -> list[str]:
    return notebook.code_of(book.read_source(chapter))


def _first_line(text: str) -> str:
    return f"the cell that begins with {text.splitlines()[0] if text else ''!r}"


def _is_filled_in(chapter: Chapter) -> Iterator[str]:
    """Nothing that a template left in CAPITALS stays."""
    yield from unfilled_places(chapter)


def _is_built(chapter: Chapter) -> Iterator[str]:
    """The notebook holds the cells of the source, each executed, in order, without an error or a warning."""
    if problem := book.out_of_step(chapter):
        yield f"{chapter.notebook.name} {problem}; run: python3 -m bmkit build {chapter.number}"
    counts = [cell.execution_count for cell in _built(chapter) if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        yield f"not every code cell was executed, or not in order; run: python3 -m bmkit build {chapter.number}"
    for cell in _built(chapter):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error" or output.get("name") == "stderr":
                yield f"an error or a warning is stored below {_first_line(cell.source)}: {_printed(output)[:200]}"


def _saving_it_unchanged_in_jupyterlab_changes_no_byte(chapter: Chapter) -> Iterator[str]:
    """The file is laid out as JupyterLab saves it."""
    if chapter.notebook.exists() and not notebook.is_laid_out(chapter.notebook):
        yield f"the file has another layout; run: python3 -m bmkit build --accept {chapter.number}"


def _shows_the_plan_as_it_is(chapter: Chapter) -> Iterator[str]:
    """What a notebook shows of the plan, as the course map, is the plan of today."""
    if not book.out_of_step(chapter):
        built = notebook.read(chapter.notebook)
        noted, now = notebook.noted_needs(built), needs.needs(notebook.code_of(built))
        if noted is None or noted.get(needs.PLAN) != now.get(needs.PLAN):
            yield f"the notebook shows another plan than today's; run: python3 -m bmkit build {chapter.number}"


def _title_and_plan_agree(chapter: Chapter) -> Iterator[str]:
    """The title cell has the common form and says what notebooks/chapters.toml says."""
    title = _source(chapter)[0].source
    if not TITLE.match(title) or not title.startswith(f"# {chapter.number} · {chapter.title}\n"):
        yield f"the title cell has another form or title than notebooks/chapters.toml, {chapter.title!r}"
        return
    before = tuple(re.findall(r"\[(\d\d) ·", re.search(r"\*\*Before\*\* (.+)", title)[1]))
    if before != chapter.before:
        yield f"the title cell names {before} as read before, notebooks/chapters.toml {chapter.before}"
    if chapter.aims.count(",") + 1 > 7:
        yield "the title cell names more than seven aims"
    if chapter.run_seconds > 90:
        yield f"the chapter runs for {chapter.run_seconds} s; 90 are the limit, 45 the aim"


def _setup_is_short_and_seeds(chapter: Chapter) -> Iterator[str]:
    """The first code cell imports and seeds, in seven lines at most."""
    setup = _code(chapter)[0].splitlines()
    if len([line for line in setup if line.strip()]) > 7:
        yield "the first code cell has more than seven lines"
    if setup[-1] not in ("train.seed(0)", "random = train.seed(0)"):
        yield "the first code cell does not end in train.seed(0)"


def _cells_are_mixed(chapter: Chapter) -> Iterator[str]:
    """There are 25 to 70 cells, about one of text for one or two of code."""
    code, every = len(_code(chapter)), len(_source(chapter))
    if not 25 <= every <= 70:
        yield f"{every} cells; a chapter has 25 to 70"
    if not 0.5 <= (every - code) / code <= 2.5:
        yield f"{every - code} text cells for {code} code cells; one for one or two is right"


def _code_can_be_read_aloud(chapter: Chapter) -> Iterator[str]:
    """Each code cell keeps the rules of `bmkit.course.rules`."""
    if chapter.number in DENSE:
        for code in _code(chapter):
            if len(code.splitlines()) > 25 or max(map(len, code.splitlines())) > 104:
                yield f"more than 25 lines or 104 columns in {_first_line(code)}"
        return
    for code in _code(chapter):
        for fault in cells.code_rules(code):
            yield f"{fault}, in {_first_line(code)}"
    mean = statistics.mean(map(cells.density, _code(chapter)))
    if mean > cells.MOST_NODES_A_CHAPTER:
        yield f"{mean:.1f} syntax nodes a line in the mean of its code cells; at most {cells.MOST_NODES_A_CHAPTER}"


def _headings_come_in_order(chapter: Chapter) -> Iterator[str]:
    """One first-level heading, and no level is left out on the way down."""
    texts = (cell.source for cell in _source(chapter) if cell.cell_type == "markdown")
    levels = [len(mark) for text in texts for mark in re.findall(r"^(#+) ", text, re.MULTILINE)]
    if levels[:1] != [1] or levels.count(1) != 1 or any(b > a + 1 for a, b in itertools.pairwise(levels)):
        yield f"the headings have the levels {levels}; begin with one #, and go down one level at a time"


def _figures_are_small_and_told_in_words(chapter: Chapter) -> Iterator[str]:
    """Four figures or more, each small, with a caption and the same in words below."""
    found = _built(chapter)
    images = [
        [out["data"]["image/png"] for out in c.get("outputs", []) if "image/png" in out.get("data", {})] for c in found
    ]
    if found and sum(map(bool, images)) < 4:
        yield f"{sum(map(bool, images))} cells show a figure; a chapter lives from its pictures, four at least"
    for index, pictures in enumerate(images):
        where = _first_line(found[index].source)
        if any(len(image) * 3 / 4 > LARGEST_FIGURE for image in pictures):
            yield f"a figure has more than {LARGEST_FIGURE:,} bytes below {where}"
        below = next((cell.source for cell in found[index + 1 :] if cell.cell_type == "markdown"), "")
        if pictures and not below.startswith("*Figure. "):
            yield f'no caption ("*Figure. …*") below {where}'
        elif pictures and "<details><summary>In words</summary>" not in below:
            yield f"the caption has no <details><summary>In words</summary> below {where}"
    if found and chapter.notebook.stat().st_size > LARGEST_NOTEBOOK:
        yield f"the notebook has more than {LARGEST_NOTEBOOK:,} bytes"


def _claims_hold_as_stored(chapter: Chapter) -> Iterator[str]:
    """Three claims or more are asserted with a bound, and the stored numbers keep it."""
    printed = "\n".join(_printed(out) for cell in _built(chapter) for out in cell.get("outputs", []))
    found = list(VERDICT.finditer(printed))
    if _built(chapter) and len(found) < 3:
        yield f"{len(found)} claims with at_least or at_most; a chapter asserts what it says, three at least"
    for match in found:
        here = float(match["here"].replace(",", ""))
        slack = 0.006 * abs(here)  # numbers are stored with three figures: the last may be rounded past the bound
        for sign, bound in re.findall(r"([≥≤]) (\S+)", match["bounds"].replace(",", "")):
            if (here - float(bound)) * (1 if sign == "≥" else -1) < -slack:
                yield f"the stored number breaks its own bound: {match[0]}"


def _summary_has_questions_and_references(chapter: Chapter) -> Iterator[str]:
    """The last cell sums up, asks three questions, names what comes next and three dated references."""
    summary = _source(chapter)[-1].source
    for part in ("## Summary", "**Ask yourself**", "**Next** ", "**References**"):
        if part not in summary:
            yield f"the last cell has no {part.strip()}"
    if summary.partition("**Ask yourself**")[2].count("<details><summary>") < 3:
        yield "the last cell asks fewer than three questions with folded answers"
    references = re.findall(r"^\* .*\(\d{4}\)", summary.partition("**References**")[2], re.MULTILINE)
    if len(references) < 3:
        yield f"the last cell has {len(references)} references with a year, as * AUTHOR (2024), …; three at least"


def _links_resolve(chapter: Chapter) -> Iterator[str]:
    """Links to other chapters lead to notebooks that are there, and what is called planned is not there yet."""
    ready = {one.number: one.notebook.name for one in chapters() if one.ready}
    for cell in _source(chapter):
        for link in re.findall(r"\]\(([^)\s]+\.ipynb)[^)]*\)", cell.source):
            if not (NOTEBOOKS / link).exists():
                yield f"a link to {link} leads nowhere"
        for number in re.findall(r"[Cc]hapter\s+(\d\d)(?:, \*[^*]+\*)?,?\s+\(?planned", cell.source):
            if number in ready:
                yield f"it calls chapter {number} planned, which is ready: link to {ready[number]}"


def _exercises_stand_in_it_untouched(chapter: Chapter) -> Iterator[str]:
    """Three exercises or more, one of them a question; each has an untouched stub that says so, and keeps its rules."""
    place = f"ch{chapter.number}"
    if not (ROOT / "bmkit" / "exercises" / f"{place}.py").exists():
        yield f"bmkit/exercises/{place}.py is missing; three exercises at least"
        return
    module = importlib.import_module(f"bmkit.exercises.{place}")
    yield from faults_of(module)
    found = {name: one for name, one in vars(module).items() if isinstance(one, (Exercise, Question))}
    if len(found) < 3 or not any(isinstance(one, Question) for one in found.values()):
        yield f"{len(found)} exercises; three at least, one of them a Question (predict, then run)"
    for name in found:
        ending = f"{place}.{name}.check({name})"
        if not any(cell.source.endswith(ending) for cell in _source(chapter)):
            yield f"no code cell ends in {ending}"
        for cell in _built(chapter):
            if cell.source.endswith(ending) and not any("not attempted" in _printed(out) for out in cell.outputs):
                yield f"the stub of {name} is not untouched: its check does not say 'not attempted'"


def _nothing_switches_checking_off(chapter: Chapter) -> Iterator[str]:
    """No comment and no tag keeps a cell from being compared."""
    for cell in _source(chapter):
        tags = set(cell.metadata.get("tags", []))
        if "NBVAL" in cell.source.upper() or {"raises-exception", "nbval-ignore-output", "nbval-skip"} & tags:
            yield f"a comment or a tag switches checking off in {_first_line(cell.source)}"


def _drawn_from(drawn: ast.expr, functions: dict) -> set[str]:
    """Collect the notebook's names that a slider's function reads, by way of other functions too."""
    seen: set[str] = set()
    named = cells.names(drawn, ast.Load) & functions.keys()
    bodies = [drawn] if isinstance(drawn, ast.Lambda) else [functions[one] for one in named]
    while bodies:
        body = bodies.pop()
        own = cells.names(body, ast.Store) | {one.arg for one in ast.walk(body) if isinstance(one, ast.arg)}
        reads = cells.names(body, ast.Load) - own - seen
        seen |= reads
        bodies += [functions[one] for one in reads & functions.keys()]
    return seen


def _no_later_cell_takes_a_name_away_from_a_slider(chapter: Chapter) -> Iterator[str]:
    """What a slider draws with, or a demo answers with, keeps its value to the end of the chapter."""
    body = ast.parse("\n".join(_code(chapter))).body
    for place, statement in enumerate(body):
        call = getattr(statement, "value", None)
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) in CALLED_LATER):
            continue
        functions = {one.name: one for one in body[:place] if isinstance(one, ast.FunctionDef)}
        later: set[str] = set()
        for other in body[place + 1 :]:
            is_definition = isinstance(other, (ast.FunctionDef, ast.ClassDef))
            later |= {other.name} if is_definition else cells.names(other, ast.Store)
        if taken := set().union(*(_drawn_from(drawn, functions) for drawn in call.args[:1])) & later:
            user = ast.unparse(call.func)
            yield f"a later cell gives {', '.join(sorted(taken))} another value, and {user} goes on using it: rename"


def _no_helper_is_used_before_it_was_shown(chapter: Chapter) -> Iterator[str]:
    """No helper of the kit is used before its lines, or a few that do the same, were shown in a code cell."""
    ready = [one for one in shown.reading_order(chapters()) if one.ready]
    cells = {one.number: shown.code_of_source(one.source.read_text("utf-8")) for one in ready}
    cells[chapter.number] = _code(chapter)
    yield from shown.unshown(chapter.number, cells, shown.entries())


def _uses_the_fields_terms(chapter: Chapter) -> Iterator[str]:
    """The field's terms stand first where notebooks/terms.toml introduces them, and no word of ours stands for one."""
    yield from terms.faults(chapter)


RULES: tuple[Callable[[Chapter], Iterator[str]], ...] = (
    _is_filled_in,
    _is_built,
    _saving_it_unchanged_in_jupyterlab_changes_no_byte,
    _shows_the_plan_as_it_is,
    _title_and_plan_agree,
    _setup_is_short_and_seeds,
    _cells_are_mixed,
    _code_can_be_read_aloud,
    _no_helper_is_used_before_it_was_shown,
    _headings_come_in_order,
    _figures_are_small_and_told_in_words,
    _claims_hold_as_stored,
    _summary_has_questions_and_references,
    _links_resolve,
    _exercises_stand_in_it_untouched,
    _nothing_switches_checking_off,
    _no_later_cell_takes_a_name_away_from_a_slider,
    _uses_the_fields_terms,
)
OF_OUTPUTS = {_is_built, _saving_it_unchanged_in_jupyterlab_changes_no_byte, _shows_the_plan_as_it_is}
OF_OUTPUTS |= {_figures_are_small_and_told_in_words, _claims_hold_as_stored, _exercises_stand_in_it_untouched}
