"""Open JupyterLab on the learner's own copy of the notebooks.

The copy lives in ``my_notebooks``. A ledger there holds the hash of every edition that was handed out, so that an
untouched copy can be told from an edited one: the first is brought up to date, the second is never overwritten.
"""

import contextlib
import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bmkit import files, surroundings
from bmkit.course import kernels, presenting
from bmkit.course.chapters import NOTEBOOKS, ROOT
from bmkit.errors import Error

__all__ = ["LabError", "command", "folder_of_the_learner", "hand_out", "open_lab"]

LEDGER = ".editions.json"
FIRST = "00_start_here.ipynb"
PORT = 8888
# Without the user's and the machine's configuration no extension starts unasked. Jupytext is left out: it would write
# a text file beside each notebook that is saved.
EXTENSIONS = {"jupyterlab": True, "jupyter_lsp": True, "jupyter_server_terminals": True}


class LabError(Error):
    """What keeps JupyterLab from opening, in one line that says how to mend it."""


def hand_out(originals: Path, copies: Path, report: Callable[[str], None] = print, *, present: bool = False) -> None:
    """Bring the learner's copies up to date without ever overwriting an edit.

    Args:
        originals: folder with the kit's notebooks.
        copies: the learner's folder; made when missing.
        report: receives one line for each edition put beside an edited copy.
        present: whether the code of cells that only check or draw is folded in new copies.

    Raises:
        LabError: the folder cannot be written.
    """
    try:
        copies.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(copies, error) from None
    ledger = _read_ledger(copies / LEDGER)
    for original in sorted(originals.glob("*.ipynb")):
        newest = original.read_bytes()
        newest = presenting.presented(newest) if present else newest
        _hand_out_one(newest, copies / original.name, ledger.setdefault(original.name, []), report)
    _write(copies / LEDGER, json.dumps(ledger, indent=1, sort_keys=True))


def _hand_out_one(newest: bytes, copy: Path, editions: list[str], report: Callable[[str], None]) -> None:
    edition = _fingerprint(newest)
    try:
        here = _fingerprint(_content(copy)) if os.path.lexists(copy) else None
    except OSError as error:
        report(f"{copy.name} cannot be read ({error.strerror}) and stays as it is; move it away to get the chapter.")
        return
    untouched = here is None or here in editions
    if untouched and here != edition:
        _write(copy, newest)
    elif not untouched and here != edition and edition not in editions:
        beside = copy.with_name(f"{copy.stem}.new-edition-{edition[:8]}.ipynb")
        if not os.path.lexists(beside):
            _write(beside, newest)
        report(f"{copy.name} has your edits and stays as it is; the newer edition is {beside.name} beside it.")
    if edition not in editions:
        editions.append(edition)


def _content(path: Path) -> bytes:
    """Read an ordinary file; a pipe or a device has no end, or one that is never reached."""
    if not path.is_file():
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    return path.read_bytes()


def _write(path: Path, content: bytes | str) -> None:
    try:
        files.write(path, content)
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> LabError:
    return LabError(
        f"cannot write {path} ({error.strerror}); mend this, or name another folder for your notebooks: "
        "python3 -m bmkit lab --notebooks FOLDER"
    )


def _fingerprint(content: bytes) -> str:
    """Hash what a person writes, text and code: JupyterLab itself changes the rest when it opens or runs a notebook."""
    try:
        cells = json.loads(content)["cells"]
        written = json.dumps([(cell["cell_type"], "".join(cell["source"])) for cell in cells]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):  # the last: nested deeper than Python reads
        written = content
    return hashlib.sha256(written).hexdigest()


def _read_ledger(path: Path) -> dict[str, list[str]]:
    # Without a ledger every file counts as edited, which costs a second file but never a learner's work.
    try:
        ledger = json.loads(_content(path))
        return {str(name): [str(edition) for edition in editions] for name, editions in ledger.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}


def command(folder: Path, *, port: int | None = None, browser: bool = True) -> list[str]:
    """Write the command that starts JupyterLab: local only, no news, no look for updates.

    Args:
        folder: root of the file browser.
        port: exactly this port; 8888 or the next free one when None.
        browser: whether to open one.

    Returns:
        Arguments for a child process that is started in `bmkit.course.kernels.environment`.
    """
    words = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port or PORT}",
        "--ServerApp.answer_yes=True",  # Ctrl-C stops at once instead of asking
        f"--ServerApp.jpserver_extensions={EXTENSIONS}",
        f"--LabApp.app_settings_dir={kernels.home() / 'settings'}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--KernelManager.transport_encryption=auto",  # without it each kernel start warns of eavesdropping
        "--LabApp.extension_manager=readonly",  # the other one asks the package index
        "--Application.log_level=ERROR",  # the address is shown all the same; "not trusted" at each opening is not
    ]
    if (folder / FIRST).exists():
        words.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if port:
        words.append("--ServerApp.port_retries=0")
    if not browser:
        words.append("--no-browser")
    if _is_root():
        words.append("--allow-root")
    return words


def folder_of_the_learner(folder: Path | None = None, *, present: bool = False) -> Path:
    """Choose the folder for the learner's copy of the notebooks.

    Args:
        folder: the wish; without one the environment variable BMKIT_NOTEBOOKS, then ``my_notebooks`` in the clone.
        present: whether it is a presenter's; without a wish ``my_presentation`` in the clone.

    Returns:
        An absolute path.

    Raises:
        LabError: it is the folder of the kit's own notebooks.

    Example:
        >>> folder_of_the_learner(Path("here")).is_absolute()
        True
    """
    usual = ROOT / "my_presentation" if present else os.environ.get("BMKIT_NOTEBOOKS") or ROOT / "my_notebooks"
    chosen = Path(folder or usual).expanduser().absolute()
    if chosen.resolve() in (NOTEBOOKS, NOTEBOOKS / "source"):
        raise LabError(f"{chosen} holds the kit's own notebooks, which are not to be edited; name another folder.")
    return chosen


def open_lab(
    *,
    port: int | None = None,
    browser: bool = True,
    notebooks: Path | None = None,
    present: bool = False,
    report: Callable[[str], None] = print,
) -> int:
    """Fetch the core data, hand out the notebooks, start JupyterLab and wait for its end.

    Args:
        port: exactly this port; 8888 or the next free one when None.
        browser: whether to open one.
        notebooks: the learner's folder; see `folder_of_the_learner`.
        present: for the front of a class; see `hand_out`.
        report: receives each line for the learner.

    Returns:
        The exit code of JupyterLab.

    Raises:
        LabError: the port is taken, or the notebooks cannot be written.
        KernelError: nothing can be written that Jupyter needs.
    """
    folder = folder_of_the_learner(notebooks, present=present)
    if port:
        _refuse_taken(port)
    _fetch_core_data(report)
    hand_out(ROOT / "notebooks", folder, report, present=present)
    taken = surroundings.namesakes(folder)
    if taken:
        report(surroundings.about(taken))
    report(f"Your notebooks are in {folder}. Ctrl-C in this window stops JupyterLab.")
    if _is_root():
        report("You are root: JupyterLab is started with --allow-root.")
    words = command(folder, port=port, browser=browser)
    return _wait(subprocess.Popen(words, env=kernels.environment(), cwd=folder))


def _fetch_core_data(report: Callable[[str], None]) -> None:
    from bmkit import data

    try:
        core = [one for one in map(data.describe, data.names()) if one.core]  # weights: when a chapter needs them
        names = [one.name for one in core]
        if data.verify(names):  # without this look TensorFlow would be loaded at every start
            size = sum({one.source: one.download_bytes for one in core}.values()) / 1e6
            report(f"Fetching the core data, {len(core)} sets, {size:.0f} MB in all, once …")
            with kernels.entered():  # whatever backend the user has chosen for Keras elsewhere
                data.fetch(names)
    except data.DataError as error:
        report(f"The data are not complete ({error}) Chapters that need them will stop; JupyterLab opens all the same.")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        if os.name != "nt":  # there the option would let two programs share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            other = port + 1 if port < 65535 else PORT
            raise LabError(
                f"port {port} cannot be used ({error.strerror}); try another: python3 -m bmkit lab --port {other}"
            ) from None


def _wait(child: subprocess.Popen) -> int:
    """Wait for the child; Ctrl-C reaches it as well, a request to end is passed on."""
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue
