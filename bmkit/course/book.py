"""The book: source ⇄ notebook, execution, freshness."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from bmkit import data, files
from bmkit.course import kernels, memory, needs, notebook
from bmkit.course.chapters import NOTEBOOKS, ROOT, BookError, Chapter, chapters, find, readme_table, unfilled_places
from bmkit.course.notebook import read_source
from bmkit.data import credits
from bmkit.errors import WrongUse

__all__ = [
    "NOTEBOOKS",
    "ROOT",
    "BookError",
    "Chapter",
    "accept",
    "also_stale",
    "build",
    "chapters",
    "execute",
    "find",
    "nbval_arguments",
    "out_of_step",
    "prepare_out",
    "quiet_environment",
    "read_source",
    "renewed_readme",
    "run",
    "seconds_a_cell",
    "stale",
    "update_readme",
]

SECONDS_A_CELL = 300


def stale(numbers: Iterable[str] | None = None) -> list[str]:
    """Tell which notebooks do not hold what their source says, or may not, because what they come from has changed.

    Args:
        numbers: chapters to look at; all ready ones when None.

    Returns:
        One sentence for each stale notebook, with the command that mends it.
    """
    return [problem for chapter in _selected(numbers) if (problem := _problem(chapter))]


def _problem(chapter: Chapter) -> str:
    build_it = f"run: python3 -m bmkit build {chapter.number}"
    if problem := out_of_step(chapter):
        return f"{chapter.notebook.name} {problem}; {build_it}"
    if problem := _outdated(chapter):
        return (
            f"{chapter.notebook.name} {problem}; {build_it}, or, if test {chapter.number} passes and its pictures are "
            f"still right, build --accept {chapter.number}"
        )
    return ""


def out_of_step(chapter: Chapter) -> str:
    """Tell whether a notebook holds other cells than its source.

    Args:
        chapter: a chapter that is ready.

    Returns:
        What is wrong, as the end of a sentence about the notebook; empty if nothing is.
    """
    if not chapter.notebook.exists():
        return "has not been built from its source"
    if not notebook.same_cells(read_source(chapter), notebook.read(chapter.notebook)):
        return f"and source/{chapter.source.name} do not hold the same cells; edit the source, not the notebook"
    return ""


def _outdated(chapter: Chapter) -> str:
    built = notebook.read(chapter.notebook)
    noted = notebook.noted_needs(built)
    if noted is None:
        return "does not say what it was built from"
    if fault := notebook.fault_of_code(built):
        return f"cannot be compared with what it was built from: {fault}"
    if changed := needs.changed(noted, needs.needs(notebook.code_of(built))):
        return f"was built before these changed: {', '.join(changed)}"
    return "" if notebook.is_laid_out(chapter.notebook) else "is not laid out as JupyterLab saves it"


def _refuse_unfinished(wanted: Iterable[Chapter]) -> None:
    """Raise a BookError before anything runs where CAPITALS are not filled in or a cell is not Python."""
    for chapter in wanted:
        fault = notebook.fault_of_code(read_source(chapter))
        if found := [*unfilled_places(chapter), *([f"{chapter.source.name}: {fault}"] if fault else [])]:
            raise BookError("; ".join(found) + ".")


def build(numbers: Iterable[str] | None = None, report: Callable[[str], None] = print) -> list[Path]:
    """Execute sources into notebooks: the stale ones, or those asked for.

    Args:
        numbers: chapters to build whether stale or not; the stale ones when None.
        report: receives one line a step.

    Returns:
        The notebooks written.

    Raises:
        BookError: CAPITALS of a template are not filled in, a cell is not Python, or one failed; the notebook on disk
            is as it was.
    """
    wanted = _selected(numbers) if numbers else [chapter for chapter in _selected(None) if _problem(chapter)]
    _refuse_unfinished(wanted)
    if wanted and data.verify():
        with kernels.entered():
            data.fetch()  # beforehand, or a set's "once" lines would be stored in the notebook
    for chapter in wanted:
        started = time.monotonic()
        report(f"executing {chapter.number} {chapter.title} …")
        built = execute(chapter, read_source(chapter))
        if chapter.notebook.exists():
            notebook.keep(built, notebook.read(chapter.notebook))
        _write(chapter, built)
        report(f"wrote {chapter.notebook.name} in {time.monotonic() - started:.0f} s")
    update_readme()
    return [chapter.notebook for chapter in wanted]


def accept(numbers: Iterable[str] | None = None, report: Callable[[str], None] = print) -> list[Path]:
    """Take stored outputs as right without executing anything: take new words, note what the outputs come from today.

    Args:
        numbers: chapters; all ready ones when None.
        report: receives one line for each notebook that is not there, or whose code is not its source's: it stays so.

    Returns:
        The notebooks that changed.

    Raises:
        BookError: CAPITALS of a template are not filled in, or a cell is not Python; nothing was changed.
    """
    wanted, changed = _selected(numbers), []
    _refuse_unfinished(wanted)
    for chapter in wanted:
        draft, path = read_source(chapter), chapter.notebook
        if not (path.exists() and notebook.retold(draft, notebook.read(path))):
            report(f"{path.name} {out_of_step(chapter)}; run: python3 -m bmkit build {chapter.number}")
            continue
        before = path.read_bytes()
        _write(chapter, draft)
        changed += [path] if path.read_bytes() != before else []
    update_readme()
    return changed


def also_stale(chosen: Collection[str]) -> list[str]:
    """Name the notebooks that are stale besides those that were asked for.

    Args:
        chosen: numbers of chapters; of all chapters nothing is beside.

    Returns:
        One line, or none.
    """
    others = sorted({line[:2] for line in stale()} - set(chosen)) if chosen else ()
    told = ", ".join(others) if len(others) <= 5 else f"{len(others)} notebooks"
    return [f"Stale, too: {told}; why: python3 -m bmkit build --check"] if others else []


def _write(chapter: Chapter, built) -> None:
    notebook.note_needs(built)
    files.write(chapter.notebook, notebook.text_of(built))
    os.utime(chapter.source)  # Jupytext opens no pair whose notebook is newer than its text


def prepare_out(out: Path) -> Path:
    """Make the folder for web pages and make sure that it can be written, before minutes are spent on a chapter.

    Args:
        out: the folder; made when missing.

    Returns:
        The same folder.

    Raises:
        WrongUse: it cannot be made or written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     prepare_out(Path(folder) / "pages").name
        'pages'
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            return out
    except OSError as error:
        raise WrongUse(f"{out} cannot be written ({error.strerror}); name another folder: --out FOLDER") from None


def run(chapter: Chapter, out: Path, report: Callable[[str], None] = print, *, present: bool = False) -> Path:
    """Execute a chapter without a browser and write it as a web page.

    Args:
        chapter: what to run.
        out: folder for the page; made when missing.
        report: receives one line a cell.
        present: whether cells that only check or draw show no code.

    Returns:
        The page.

    Raises:
        BookError: the folder cannot be written, a cell failed or took too long, or the kernel died.
    """
    from bmkit.course import page

    path = prepare_out(out) / f"{chapter.number}_{chapter.slug}.html"
    draft = read_source(chapter)
    places = [index for index, cell in enumerate(draft.cells) if cell.cell_type == "code"]

    def tell(cell_index: int, **_) -> None:
        report(f"cell {places.index(cell_index) + 1} of {len(places)}")

    content = page.html(execute(chapter, draft, tell), present=present)
    try:
        files.write(path, content)
    except OSError as error:
        raise BookError(f"{path} cannot be written ({error.strerror}); name another folder: --out FOLDER") from None
    return path


def seconds_a_cell() -> int:
    """Return how long a cell may take, from the environment variable BMKIT_CELL_SECONDS where a machine is slow.

    Returns:
        Seconds.

    Raises:
        BookError: the variable does not hold a whole number above 0.

    Example:
        >>> seconds_a_cell() > 0
        True
    """
    text = os.environ.get("BMKIT_CELL_SECONDS") or str(SECONDS_A_CELL)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise BookError(f"BMKIT_CELL_SECONDS is {text!r}; it must be a whole number of seconds, such as 900.")
    return int(text)


def execute(
    chapter: Chapter,
    draft,
    after_cell: Callable[..., None] = lambda **_: None,
    variables: dict[str, str] | None = None,
    *,
    allow_errors: bool = False,
):
    """Run a notebook's cells in a new kernel of the kit, and put what they show into it.

    Args:
        chapter: what is run, for messages.
        draft: from `read_source`; it is changed.
        after_cell: called after each code cell with the names `cell`, `cell_index` and `execute_reply`.
        variables: environment variables of the kernel, besides those of every test.
        allow_errors: go on after a cell that raised an error.

    Returns:
        The same notebook.

    Raises:
        BookError: a cell failed or took too long, or the kernel died.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    total = sum(cell.cell_type == "code" for cell in draft.cells)
    done = 0

    def count(**told) -> None:
        nonlocal done
        done += 1
        after_cell(**told)

    limit = seconds_a_cell()
    client = NotebookClient(
        draft,
        timeout=limit,
        kernel_name=kernels.NAME,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        on_cell_executed=count,
        allow_errors=allow_errors,
    )
    try:
        with kernels.entered(quiet=True):
            client.execute(stderr=subprocess.DEVNULL, env={**os.environ, **(variables or {})})
    except CellExecutionError as error:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        raise BookError(f"chapter {chapter.number} stopped at code cell {done} of {total}:\n{plain}") from None
    except CellTimeoutError:
        raise BookError(_too_slow(chapter, f"code cell {done + 1} of {total}", limit)) from None
    except DeadKernelError:
        raise BookError(_dead(chapter, f"code cell {done + 1} of {total}")) from None
    return draft


def _too_slow(chapter: Chapter, where: str, limit: int) -> str:
    return (
        f"chapter {chapter.number} was stopped in {where}, which took more than {limit} s; close other programs, "
        f"or give each cell more time: set BMKIT_CELL_SECONDS={3 * limit} and run it again."
    )


def _dead(chapter: Chapter, where: str) -> str:
    free, whole = memory.available() / 1e9, memory.total() / 1e9
    return (
        f"the kernel of chapter {chapter.number} died in {where}, most likely because memory ran out: "
        f"{free:.1f} of {whole:.1f} GB are free now. Close other programs or other kernels and run it again."
    )


def quiet_environment() -> dict[str, str]:
    """Return the environment in which notebooks are built and tested: the kit's own, one thread, nothing that moves."""
    return kernels.environment(quiet=True)


def nbval_arguments(paths: Iterable[Path]) -> list[str]:
    """Return pytest's arguments that re-run notebooks and compare every stored output, strictly.

    Args:
        paths: notebooks.

    Returns:
        Arguments for ``python -m pytest``.
    """
    return [
        "--nbval",
        f"--nbval-kernel-name={kernels.NAME}",  # in `quiet_environment` the kit's own
        "--nbval-sanitize-with",
        str(notebook.MEASURED),
        f"--nbval-cell-timeout={seconds_a_cell()}",
        *(str(path) for path in paths),
    ]


def renewed_readme(text: str) -> str:
    """Put the tables of chapters, data sets, weights and recordings between their marks.

    Args:
        text: what README.md holds.

    Returns:
        What it should hold.
    """
    tables = {"sets": credits.sets_table, "weights": credits.weights_table, "recordings": credits.recordings_table}
    for name, table in {"chapters": readme_table, **tables}.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text = marked.sub(lambda match, table=table: match[1] + table() + "\n" + match[2], text)
    return text


def update_readme() -> None:
    """Renew the tables of README.md."""
    path = ROOT / "README.md"
    text = path.read_text("utf-8")
    if (renewed := renewed_readme(text)) != text:
        files.write(path, renewed)


def _selected(numbers: Iterable[str] | None) -> list[Chapter]:
    if numbers is None:
        return [chapter for chapter in chapters() if chapter.ready]
    return [find(number) for number in numbers]
