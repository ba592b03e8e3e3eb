"""Open JupyterLab on the learner's own copy of the notebooks.

The copy lives in ``my_notebooks``. A ledger there holds the hash of every edition that was handed out, so that an
untouched copy can be told from an edited one: the first is brought up to date, the second is never overwritten.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bmkit.chapters import ROOT
from bmkit.errors import Error

__all__ = ["LabError", "command", "hand_out", "open_lab"]

LEDGER = ".editions.json"
FIRST = "00_start_here.ipynb"
PORT = 8888
SETTINGS = ROOT / ".jupyter" / "settings"
# No question about news at the first start, and no look for them over the network.
OVERRIDES = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


class LabError(Error):
    """What keeps JupyterLab from opening, in one line that says how to mend it."""


def hand_out(originals: Path, copies: Path, report: Callable[[str], None] = print) -> None:
    """Bring the learner's copies up to date without ever overwriting an edit.

    Args:
        originals: folder with the kit's notebooks.
        copies: the learner's folder; made when missing.
        report: receives one line for each edition put beside an edited copy.

    Raises:
        LabError: the folder cannot be written.
    """
    try:
        copies.mkdir(parents=True, exist_ok=True)
        ledger = _read_ledger(copies / LEDGER)
        for original in sorted(originals.glob("*.ipynb")):
            _hand_out_one(original, copies / original.name, ledger.setdefault(original.name, []), report)
        _write(copies / LEDGER, json.dumps(ledger, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise LabError(
            f"cannot write your notebooks into {copies}: {error.strerror}; mend this, then run it again"
        ) from None


def _hand_out_one(original: Path, copy: Path, editions: list[str], report: Callable[[str], None]) -> None:
    newest = original.read_bytes()
    edition = _fingerprint(newest)
    here = _fingerprint(copy.read_bytes()) if copy.exists() else None
    untouched = here is None or here in editions
    if untouched and here != edition:
        _write(copy, newest)
    elif not untouched and here != edition and edition not in editions:
        beside = copy.with_name(f"{copy.stem}.new-edition-{edition[:8]}.ipynb")
        if not beside.exists():
            _write(beside, newest)
        report(f"{copy.name} has your edits and stays as it is; the newer edition is {beside.name} beside it.")
    if edition not in editions:
        editions.append(edition)


def _fingerprint(content: bytes) -> str:
    """Hash what a person writes, text and code: JupyterLab itself changes the rest when it opens or runs a notebook."""
    try:
        cells = json.loads(content)["cells"]
        written = json.dumps([(cell["cell_type"], "".join(cell["source"])) for cell in cells]).encode()
    except (ValueError, KeyError, TypeError):
        written = content
    return hashlib.sha256(written).hexdigest()


def _read_ledger(path: Path) -> dict[str, list[str]]:
    # Without a ledger every file counts as edited, which costs a second file but never a learner's work.
    try:
        ledger = json.loads(path.read_text("utf-8"))
        return {str(name): [str(edition) for edition in editions] for name, editions in ledger.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write(path: Path, content: bytes) -> None:
    """Write beside, then rename: a kill leaves the old file or the new one, never half of one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def command(folder: Path, *, port: int | None = None, browser: bool = True) -> list[str]:
    """Write the command that starts JupyterLab: local only, no news, no look for updates.

    Args:
        folder: root of the file browser.
        port: exactly this port; 8888 or the next free one when None.
        browser: whether to open one.

    Returns:
        Arguments for a child process; the user's own Jupyter configuration stays untouched.
    """
    words = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port or PORT}",
        "--ServerApp.answer_yes=True",  # Ctrl-C stops at once instead of asking
        f"--LabApp.app_settings_dir={SETTINGS}",
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


def open_lab(*, port: int | None = None, browser: bool = True, report: Callable[[str], None] = print) -> int:
    """Fetch the core data, hand out the notebooks, start JupyterLab and wait for its end.

    Args:
        port: exactly this port; 8888 or the next free one when None.
        browser: whether to open one.
        report: receives each line for the learner.

    Returns:
        The exit code of JupyterLab.

    Raises:
        LabError: the port is taken, or the notebooks cannot be written.
    """
    if port:
        _refuse_taken(port)
    _fetch_core_data(report)
    folder = ROOT / "my_notebooks"
    hand_out(ROOT / "notebooks", folder, report)
    SETTINGS.mkdir(parents=True, exist_ok=True)
    _write(SETTINGS / "overrides.json", json.dumps(OVERRIDES).encode())
    report(f"Your notebooks are in {folder}. Ctrl-C in this window stops JupyterLab.")
    if _is_root():
        report("You are root: JupyterLab is started with --allow-root.")
    return _wait(subprocess.Popen(command(folder, port=port, browser=browser), env=_environment(), cwd=folder))


def _fetch_core_data(report: Callable[[str], None]) -> None:
    from bmkit import data

    try:
        core = [one for one in map(data.describe, data.names()) if one.core]  # weights: when a chapter needs them
        names = [one.name for one in core]
        if data.verify(names):  # without this look TensorFlow would be loaded at every start
            size = sum({one.source: one.download_bytes for one in core}.values()) / 1e6
            report(f"Fetching the core data, {len(core)} sets, {size:.0f} MB in all, once …")
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


def _environment() -> dict[str, str]:
    # Kernels start in the learner's folder and must find this copy of the kit; open tabs are remembered for the
    # kit alone, so that the tabs of the learner's other projects do not open here.
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {"JUPYTERLAB_WORKSPACES_DIR": str(ROOT / ".jupyter" / "workspaces")}
    return {**own, **os.environ, "PYTHONPATH": path}


def _wait(child: subprocess.Popen) -> int:
    """Wait for the child; Ctrl-C reaches it as well, a request to end is passed on."""
    with contextlib.suppress(ValueError):  # only the main thread may set handlers
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue
