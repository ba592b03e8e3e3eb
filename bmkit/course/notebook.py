"""The file of a notebook: read from its source, laid out as JupyterLab saves it, with ids and outputs that stay."""

import ast
import configparser
import functools
import hashlib
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from bmkit.course import needs, presenting
from bmkit.course.chapters import ROOT, Chapter

__all__ = [
    "MEASURED",
    "code_of",
    "fault_of_code",
    "is_laid_out",
    "keep",
    "note_needs",
    "noted_needs",
    "read",
    "read_source",
    "retold",
    "same_cells",
    "text_of",
]

MEASURED = ROOT / "tests" / "nbval_sanitize.cfg"  # what stands for numbers of one machine: patterns and replacements
OURS = "bmkit"  # the kit's own notes in a notebook's metadata


def read_source(chapter: Chapter):
    """Turn a chapter's text source into a notebook without outputs; the same text gives the same bytes.

    Args:
        chapter: a chapter that is ready.

    Returns:
        An `nbformat` notebook; ids are those that the file on disk has for the same cells, others come from the text.
    """
    import jupytext

    notebook = jupytext.read(chapter.source, fmt="py:percent")
    for cell in notebook.cells:
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key == "tags"}
    presenting.tag_cells(notebook.cells)
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    _name_cells(notebook.cells, read(chapter.notebook).cells if chapter.notebook.exists() else [])
    return notebook


def read(path: Path):
    """Read a notebook file.

    Args:
        path: the file.

    Returns:
        An `nbformat` notebook.
    """
    import nbformat

    return nbformat.read(path, as_version=4)


def text_of(notebook) -> str:
    """Lay a notebook out as JupyterLab saves it: whoever saves it unchanged there changes no byte.

    Args:
        notebook: from `read` or `read_source`.

    Returns:
        What stands in the file.
    """
    import nbformat

    return nbformat.writes(notebook) + "\n"


def is_laid_out(path: Path) -> bool:
    """Tell whether a file has the layout that `text_of` gives.

    Args:
        path: the file of a notebook.

    Returns:
        Whether JupyterLab would save it unchanged to the byte.
    """
    return path.read_bytes() == text_of(read(path)).encode()


def code_of(notebook) -> list[str]:
    """List a notebook's code cells.

    Args:
        notebook: from `read` or `read_source`.

    Returns:
        The text of each.
    """
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def fault_of_code(notebook) -> str:
    """Say which code cell cannot be read as Python: an empty one, one half written, one with a %magic.

    Args:
        notebook: from `read` or `read_source`.

    Returns:
        What is wrong, for the first such cell; empty if nothing is.

    Example:
        >>> from types import SimpleNamespace as Some
        >>> fault_of_code(Some(cells=[Some(cell_type="code", source="%time x = 1")]))
        "code cell 1, line 1 is not Python (invalid syntax): '%time x = 1'"
    """
    code = code_of(notebook)
    for number, text in enumerate(code, start=1):
        if not text.strip():
            return f"code cell {number} is empty"
        try:
            ast.parse(text)
        except SyntaxError as error:
            line = text.splitlines()[error.lineno - 1].strip()
            return f"code cell {number}, line {error.lineno} is not Python ({error.msg}): {line!r}"
    return "" if code else "there is no code cell"


def same_cells(one, other) -> bool:
    """Tell whether two notebooks hold the same cells: kinds, texts, tags.

    Args:
        one: from `read` or `read_source`.
        other: another.

    Returns:
        Whether they do, whatever their outputs.
    """
    both = ([(c.cell_type, c.source, c.metadata.get("tags", [])) for c in notebook.cells] for notebook in (one, other))
    return next(both) == next(both)


def retold(draft, old) -> bool:
    """Give a source the outputs of a notebook whose code it shares, so that new words need no new run.

    Args:
        draft: from `read_source`; changed in place.
        old: the notebook with outputs.

    Returns:
        Whether the code cells are the same; if not, nothing was changed.
    """
    now, before = ([cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in (draft, old))
    if [cell.source for cell in now] != [cell.source for cell in before]:
        return False
    for cell, run in zip(now, before, strict=True):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count
    draft.metadata = old.metadata
    return True


def keep(notebook, old) -> None:
    """Give a notebook that has just been executed the old outputs, if nothing but what was measured differs.

    All or none: a page that shows the outputs of two runs can contradict itself. None where the code, the data or the
    weights that they come from have changed: then what was measured is not the same thing any more.

    Args:
        notebook: the new one; changed in place.
        old: the one that it replaces.
    """
    new_cells, old_cells = ([cell for cell in one.cells if cell.cell_type == "code"] for one in (notebook, old))
    shown = [[(cell.source, _comparable(cell.outputs)) for cell in cells] for cells in (new_cells, old_cells)]
    if shown[0] == shown[1] and not needs.changed(noted_needs(old) or {}, needs.needs(code_of(notebook))):
        for now, before in zip(new_cells, old_cells, strict=True):
            now.outputs = before.outputs


def noted_needs(notebook) -> dict[str, str] | None:
    """Return what a notebook's outputs came from when it was built.

    Args:
        notebook: from `read`.

    Returns:
        As `needs.needs` gives it; None where nothing was noted.
    """
    return notebook.metadata.get(OURS, {}).get("needs")


def note_needs(notebook) -> None:
    """Note in a notebook what its outputs come from today.

    Args:
        notebook: changed in place.
    """
    notebook.metadata[OURS] = {"needs": needs.needs(code_of(notebook))}


@functools.cache
def _measured() -> list[tuple[re.Pattern, str]]:
    config = configparser.ConfigParser(interpolation=None)
    config.read(MEASURED, "utf-8")
    return [(re.compile(config[name]["regex"]), config[name]["replace"]) for name in config.sections()]


def _comparable(outputs):
    """Return outputs without what was measured on one machine."""
    if isinstance(outputs, dict):
        return {key: _comparable(value) for key, value in outputs.items()}
    if isinstance(outputs, list):
        return [_comparable(value) for value in outputs]
    if isinstance(outputs, str):
        for pattern, replacement in _measured():
            outputs = pattern.sub(replacement, outputs)
    return outputs


def _pairs(old: list, new: list) -> Iterator[tuple]:
    """Pair the cells of two notebooks that are the same, or that stand in the same place between two that are."""
    texts = ([(cell.cell_type, cell.source) for cell in cells] for cells in (old, new))
    for kind, a, a_end, b, b_end in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        if kind in ("equal", "replace"):
            yield from zip(old[a:a_end], new[b:b_end], strict=False)


def _name_cells(cells: list, old: list) -> None:
    """Give each cell the id that it had before, also where its text was edited; a new one is named by its text."""
    kept = {id(now): before["id"] for before, now in _pairs(old, cells) if before.cell_type == now.cell_type}
    taken = set(kept.values())
    for cell in cells:
        name = kept.get(id(cell)) or _free_name(cell, taken)
        taken.add(name)
        cell["id"] = name


def _free_name(cell, taken: set[str]) -> str:
    name = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    more = 1
    while name in taken:  # two cells of the same text
        more += 1
        name = f"{name[:8]}-{more}"
    return name
