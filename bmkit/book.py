"""The book: source ⇄ notebook, execution, freshness."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bmkit import data
from bmkit.chapters import NOTEBOOKS, ROOT, BookError, Chapter, chapters, find, readme_table

__all__ = [
    "NOTEBOOKS",
    "ROOT",
    "BookError",
    "Chapter",
    "build",
    "chapters",
    "find",
    "nbval_arguments",
    "quiet_environment",
    "read_source",
    "run",
    "stale",
    "update_readme",
]

SECONDS_A_CELL = 300


def read_source(chapter: Chapter):
    """Turn a chapter's text source into a notebook without outputs; the same text gives the same bytes.

    Args:
        chapter: a chapter that is ready.

    Returns:
        An `nbformat` notebook with fixed cell ids.
    """
    import jupytext

    notebook = jupytext.read(chapter.source, fmt="py:percent")
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"{chapter.number}-{index:03d}"
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key == "tags"}
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return notebook


def stale(numbers: Iterable[str] | None = None) -> list[str]:
    """Tell which notebooks do not hold what their source says.

    Args:
        numbers: chapters to look at; all ready ones when None.

    Returns:
        One sentence for each stale notebook, with the command that mends it.
    """
    problems = []
    for chapter in _selected(numbers):
        mend = f"run: python3 -m bmkit build {chapter.number}"
        if not chapter.notebook.exists():
            problems.append(f"{chapter.notebook.name} has not been built from its source; {mend}")
        elif _cells(read_source(chapter)) != _cells(json.loads(chapter.notebook.read_text("utf-8"))):
            problems.append(
                f"{chapter.notebook.name} and source/{chapter.source.name} do not hold the same cells; "
                f"edit the source, then {mend}"
            )
    return problems


def _cells(notebook) -> list[tuple[str, str, list]]:
    def text(source) -> str:
        return source if isinstance(source, str) else "".join(source)

    return [(cell["cell_type"], text(cell["source"]), cell["metadata"].get("tags", [])) for cell in notebook["cells"]]


def build(numbers: Iterable[str] | None = None, report: Callable[[str], None] = print) -> list[Path]:
    """Execute sources into notebooks: the stale ones, or those asked for.

    Args:
        numbers: chapters to build whether stale or not; the stale ones when None.
        report: receives one line a step.

    Returns:
        The notebooks written.

    Raises:
        BookError: a cell failed; the notebook on disk is left as it was.
    """
    wanted = _selected(numbers) if numbers else [chapter for chapter in _selected(None) if stale([chapter.number])]
    if wanted and data.verify():
        data.fetch()  # beforehand, or a set's "once" lines would be stored in the notebook
    for chapter in wanted:
        started = time.monotonic()
        report(f"executing {chapter.number} {chapter.title} …")
        _write(chapter.notebook, _as_text(_execute(chapter, read_source(chapter))))
        report(f"wrote {chapter.notebook.name} in {time.monotonic() - started:.0f} s")
    update_readme()
    return [chapter.notebook for chapter in wanted]


def run(chapter: Chapter, out: Path, report: Callable[[str], None] = print) -> Path:
    """Execute a chapter without a browser and write it as a web page.

    Args:
        chapter: what to run.
        out: folder for the page; made when missing.
        report: receives one line a cell.

    Returns:
        The page.

    Raises:
        BookError: a cell failed.
    """
    from nbconvert import HTMLExporter

    notebook = _execute(chapter, read_source(chapter), report)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _with_mathml(cell.source)
    # Without these two addresses the page asks for nothing from outside.
    page, _ = HTMLExporter(mathjax_url="", require_js_url="").from_notebook_node(notebook)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{chapter.number}_{chapter.slug}.html"
    _write(path, page)
    return path


def _execute(chapter: Chapter, notebook, report: Callable[[str], None] | None = None):
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    done = 0

    def after_cell(cell, cell_index, **_):
        nonlocal done
        done += 1
        if report:
            report(f"cell {done} of {total}")

    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        on_cell_executed=after_cell,
    )
    try:
        client.execute(env=quiet_environment(), stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        raise BookError(f"chapter {chapter.number} stopped at code cell {done} of {total}:\n{plain}") from None
    return notebook


def _with_mathml(text: str) -> str:
    """Turn formulas into MathML, which browsers show by themselves: MathJax would have to be downloaded."""
    from latex2mathml.converter import convert

    def formula(match: re.Match) -> str:
        return convert(match["block"] or match["inline"], display="block" if match["block"] else "inline")

    return re.sub(r"\$\$(?P<block>.+?)\$\$|(?<!\\)\$(?P<inline>[^$\n]+?)\$", formula, text, flags=re.DOTALL)


def quiet_environment() -> dict[str, str]:
    """Return the environment in which notebooks are built and tested: one thread, nothing that moves.

    One thread a notebook takes the number of cores out of the results.
    """
    fixed = {"BMKIT_QUIET": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    return {**os.environ, **fixed}


def nbval_arguments(paths: Iterable[Path]) -> list[str]:
    """Return pytest's arguments that re-run notebooks and compare every stored output, strictly.

    Args:
        paths: notebooks.

    Returns:
        Arguments for ``python -m pytest``.
    """
    return [
        "--nbval",
        "--nbval-current-env",
        "--nbval-sanitize-with",
        str(ROOT / "tests" / "nbval_sanitize.cfg"),
        f"--nbval-cell-timeout={SECONDS_A_CELL}",
        *(str(path) for path in paths),
    ]


def update_readme() -> None:
    """Put the chapter table between its two marks in README.md."""
    path = ROOT / "README.md"
    text = path.read_text("utf-8")
    marked = re.compile(r"(<!-- chapters -->\n).*?(<!-- end of chapters -->)", re.DOTALL)
    renewed = marked.sub(lambda match: match[1] + readme_table() + "\n" + match[2], text)
    if renewed != text:
        _write(path, renewed)


def _selected(numbers: Iterable[str] | None) -> list[Chapter]:
    if numbers is None:
        return [chapter for chapter in chapters() if chapter.ready]
    return [find(number) for number in numbers]


def _as_text(notebook) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _write(path: Path, text: str) -> None:
    """Write beside, then rename: a reader never sees half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, "utf-8", newline="\n")
    beside.replace(path)
