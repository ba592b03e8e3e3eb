"""Which helpers of the kit a chapter uses, and where their lines were shown: none is used before.

A helper has been shown by a code cell that defines a function or class of its name, an exercise's stub included, or by
one that holds the piece of code that ``notebooks/shown.toml`` names, such as ``"scratch.relu" = "np.maximum(0, x"``.
"""

import ast
import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bmkit.course.chapters import NOTEBOOKS, Chapter

__all__ = ["code_of_source", "entries", "reading_order", "unshown"]

HELPER = re.compile(r"bmkit\.((?:generate|layers|models|pretrained|recipes|scratch|train)\.\w+)")  # what is taught
Cells = Mapping[str, Sequence[str]]  # from a chapter's number to its code cells; the chapters in the order of reading
Place = tuple[int, int]  # of a code cell: which chapter, which cell


def entries() -> dict[str, dict[str, str]]:
    """Read ``notebooks/shown.toml``.

    Returns:
        From a chapter's number to its table: from each helper to the piece of code that shows it.

    Example:
        >>> entries()["00"]["train.seed"]
        'keras.utils.set_random_seed(0)'
    """
    path = NOTEBOOKS / "shown.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def reading_order(plan: Iterable[Chapter]) -> list[Chapter]:
    """Put chapters into the order in which they are read: by number, each behind those that it needs.

    Args:
        plan: chapters in the order of their numbers.

    Returns:
        The same.

    Example:
        >>> from bmkit.course.chapters import chapters
        >>> [chapter.number for chapter in reading_order(chapters())][:5]
        ['00', '01', '04', '02', '03']
    """
    known = {chapter.number: chapter for chapter in plan}
    order: dict[str, Chapter] = {}

    def visit(number: str) -> None:
        if number in known and number not in order:
            for earlier in known[number].before:
                visit(earlier)
            order[number] = known[number]

    for number in known:
        visit(number)
    return list(order.values())


@functools.cache
def code_of_source(text: str) -> tuple[str, ...]:
    r"""List the code cells of a chapter's source, which need not be Python.

    Args:
        text: what stands in the source.

    Returns:
        The text of each.

    Example:
        >>> code_of_source("# %% [markdown]\n# # A title\n\n# %%\nx = 1")
        ('x = 1',)
    """
    import jupytext

    return tuple(cell.source for cell in jupytext.reads(text, fmt="py:percent").cells if cell.cell_type == "code")


def unshown(number: str, cells: Cells, pieces: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Say which helpers a chapter uses before they were shown, and which of its pieces show nothing.

    Args:
        number: of the chapter.
        cells: the code cells of every chapter, this one among them.
        pieces: as `entries` gives them.

    Returns:
        One sentence for each.

    Example:
        >>> [sentence] = unshown("00", {"00": ["from bmkit import scratch", "scratch.relu(1)"]}, {})
        >>> sentence.partition(";")[0]
        "scratch.relu is used before it was shown, in the cell that begins with 'scratch.relu(1)'"
    """
    numbers = list(cells)
    own = numbers.index(number)
    facts = [_facts(tuple(cells[one])) for one in numbers]
    uses: dict[str, list[Place]] = {}
    shown: dict[str, list[Place]] = {}  # by a definition, then by a piece of code too
    for chapter, (defined, used) in enumerate(facts):
        for name, cell in defined.items():
            shown.setdefault(name, []).append((chapter, cell))
        for helper, cell in used.items():
            uses.setdefault(helper, []).append((chapter, cell))
    by_piece: dict[tuple[str, str], int | None] = {}
    for one in numbers:
        for helper, piece in pieces.get(one, {}).items():
            by_piece[one, helper] = next((place for place, code in enumerate(cells[one]) if piece in code), None)

    def first_shown(helper: str, without: str | None = None) -> Place:
        places = list(shown.get(helper.partition(".")[2], []))
        for (one, other), cell in by_piece.items():
            if other == helper and one != without and cell is not None:
                places.append((numbers.index(one), cell))
        return min(places, default=(len(numbers), 0))

    for helper, cell in facts[own][1].items():
        if first_shown(helper) > (own, cell):
            begins = cells[number][cell].splitlines()[0]
            yield (
                f"{helper} is used before it was shown, in the cell that begins with {begins!r}; show its lines, or a "
                f"few that do the same, in that cell or earlier, in a function of its name or with a line in "
                f"notebooks/shown.toml, under [{number}]: \"{helper}\" = '…'"
            )
    for helper, piece in pieces.get(number, {}).items():
        told = f'notebooks/shown.toml has "{helper}" under [{number}]'
        if by_piece[number, helper] is None:
            yield f"{told}, and no code cell of this chapter holds {piece!r}; name what shows {helper} today"
        elif not any(first_shown(helper, without=number) > use for use in uses.get(helper, [])):
            yield f"{told}, and it is shown before its first use without that; delete the line"


@functools.cache
def _facts(cells: tuple[str, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """Return what code cells define, and which helpers they use, each with its first cell."""
    defined: dict[str, int] = {}
    used: dict[str, int] = {}
    bound: dict[str, str] = {}  # from a name of the notebook to what was imported by it
    for place, code in enumerate(cells):
        try:
            tree = ast.parse(code)
        except SyntaxError:  # its own chapter is told
            continue
        for node in ast.walk(tree):
            bound |= _imported(node)
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                defined.setdefault(node.name, place)
        for node in ast.walk(tree):
            if helper := HELPER.fullmatch(_dotted(node, bound)):
                used.setdefault(helper[1], place)
    return defined, used


def _imported(node: ast.AST) -> dict[str, str]:
    """Return what each imported name stands for, `bmkit.scratch.relu` from whichever module of `bmkit.scratch`."""
    if isinstance(node, ast.ImportFrom) and node.module:
        module = ".".join(node.module.split(".")[:2])
        return {one.asname or one.name: f"{module}.{one.name}" for one in node.names}
    if isinstance(node, ast.Import):
        roots = ((one.asname, one.name) if one.asname else (one.name.split(".")[0],) * 2 for one in node.names)
        return dict(roots)
    return {}


def _dotted(node: ast.AST, bound: Mapping[str, str]) -> str:
    """Write a name or attribute as what it was imported as; empty for anything else."""
    if isinstance(node, ast.Name):
        return bound.get(node.id, "")
    if isinstance(node, ast.Attribute):
        of = _dotted(node.value, bound)
        return f"{of}.{node.attr}" if of else ""
    return ""
