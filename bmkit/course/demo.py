"""Open a chapter's application alone in the browser: run its cells up to *Your own input*, then answer visitors.

The chapter names nothing for this. Its demo is the code cell that calls `demo.text`, `demo.picture` or `demo.sound` of
`bmkit`; of several the last. All code cells up to it are run, in their order, so that the model that answers is the one
that the notebook trains. That is done once, however often the page is loaded.
"""

import ast
import contextlib
import functools
import io
import os
import signal
import webbrowser
from collections.abc import Callable, Iterator

from bmkit.course import kernels
from bmkit.course.chapters import NOTEBOOKS, BookError, Chapter, chapters, find
from bmkit.course.notebook import code_of, fault_of_code, read_source
from bmkit.errors import WrongUse

__all__ = ["cells_of", "open_demo", "panel_of"]

ASKS = {"picture", "sound", "text"}
_print = functools.partial(print, flush=True)


def cells_of(chapter: Chapter) -> list[str]:
    """List the code cells that a chapter's demo needs.

    Args:
        chapter: one that is ready.

    Returns:
        All up to the cell with the demo, which is the last; none for a chapter without one.

    Raises:
        BookError: a cell is not Python.

    Example:
        >>> cells_of(find("05"))
        []
    """
    source = read_source(chapter)
    if fault := fault_of_code(source):
        raise BookError(f"{chapter.source.name}: {fault}.")
    code = code_of(source)
    places = [place for place, text in enumerate(code, start=1) if _asks(text)]
    return code[: places[-1]] if places else []


def _asks(code: str) -> bool:
    called = (node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    owned = (one for one in called if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name))
    return any(one.value.id == "demo" and one.attr in ASKS for one in owned)


def _with_a_demo() -> list[Chapter]:
    return [chapter for chapter in chapters() if chapter.ready and "demo." in chapter.source.read_text("utf-8")]


def _found(number: str) -> tuple[Chapter, list[str]]:
    try:
        chapter = find(number)
    except BookError as error:
        raise WrongUse(f"{str(error).rstrip('.')}; see all with: python3 -m bmkit list") from None
    if cells := cells_of(chapter):
        return chapter, cells
    others = [one.number for one in _with_a_demo() if cells_of(one)]
    advice = f"type one of: python3 -m bmkit demo {' '.join(others)}" if others else "no chapter has one yet"
    raise WrongUse(f"chapter {chapter.number} ({chapter.title}) has no demo; {advice}")


@contextlib.contextmanager
def _shell() -> Iterator:
    """Make a shell in this process, as notebooks have it: functions keep their source, which tf.function reads."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.showtraceback = lambda *_, **__: None  # what happened is told in one sentence
    try:
        yield shell
    finally:
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


def panel_of(chapter: Chapter, cells: list[str], shell, tell: Callable[[str], None] = print):
    """Run a chapter's cells and return the panel that the last of them makes.

    Args:
        chapter: for messages.
        cells: from `cells_of`.
        shell: IPython's, in which they run.
        tell: receives one line a cell.

    Returns:
        A `bmkit.demo.Panel`.

    Raises:
        BookError: a cell failed; a claim that does not hold on this machine is told, and stops nothing.
        KeyboardInterrupt: Ctrl-C.
    """
    from bmkit import demo
    from bmkit.check import ExpectationError

    with demo.collected() as panels:
        for number, code in enumerate(cells, start=1):
            tell(f"running chapter {chapter.number}, cell {number} of {len(cells)} …")
            with contextlib.redirect_stdout(io.StringIO()):
                result = shell.run_cell(code, store_history=True)
            error = result.error_before_exec or result.error_in_exec
            if isinstance(error, KeyboardInterrupt):
                raise error
            if isinstance(
                error, ExpectationError
            ):  # a claim stands in a cell of its own; the model is there all the same
                tell(f"a claim does not hold here: {error}")
            elif error is not None:
                raise BookError(
                    f"chapter {chapter.number} stopped at code cell {number} ({type(error).__name__}: {error}); "
                    f"see it all with: python3 -m bmkit run {chapter.number}"
                )
    return panels[-1]


def open_demo(
    number: str, *, port: int | None = None, browser: bool = True, report: Callable[[str], None] = _print
) -> int:
    """Open a page, run the chapter, answer visitors until Ctrl-C; nothing is left behind then.

    Args:
        number: of the chapter, such as "20".
        port: exactly this port; any free one when None.
        browser: whether to open one.
        report: receives each line for the terminal.

    Returns:
        The exit code, 0.

    Raises:
        WrongUse: there is no such chapter, or it has no demo.
        BookError: one of its cells failed.
        bmkit.course.demo_server.ServerError: the port is taken.
    """
    chapter, cells = _found(number)
    title = f"{chapter.number} · {chapter.title}"
    with kernels.entered():  # before Keras or Matplotlib is loaded in this process
        from bmkit.course.demo_server import Server

        with _ended_by_a_request_to_end(), Server(title, port=port) as server, contextlib.chdir(NOTEBOOKS):
            report(f"{title}: {server.address}")
            report(f"The chapter is run first, about {chapter.run_seconds} s. Ctrl-C in this window ends the demo.")
            if browser:
                webbrowser.open(server.address)

            def tell(line: str) -> None:
                report(f"  {line}")
                server.tell(line)

            try:
                with _shell() as shell:
                    server.answer(panel_of(chapter, cells, shell, tell), report)
            except KeyboardInterrupt:
                report("The demo has ended.")
    return 0


@contextlib.contextmanager
def _ended_by_a_request_to_end() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that both leave nothing behind."""
    before = None
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        before = signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
