"""Let pip transfer a parcel, within bounds: the expected bytes and no others, never a wait without end.

pip is the only transport: it works behind mirrors and proxies that the user has already set up. It gets the parcel's
SHA-256, so it opens nothing else, and it is stopped when more comes than the manifest says, or nothing any more. What
the user reads are the kit's own sentences; pip's advice is about its own options.
"""

import collections
import contextlib
import errno
import http.client
import os
import queue
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from bmkit.data.cache import FULL
from bmkit.data.entries import DataError, Parcel

__all__ = ["PIP_DOWNLOAD", "PURE", "REFUSED", "Progress", "download", "reaches"]

Progress = Callable[[int, int], None]
PIP_DOWNLOAD = (
    *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"),
    "--disable-pip-version-check",
)
PURE = ("--implementation", "py", "--abi", "none")  # of wheels that every Python takes
INDEX = "https://pypi.org/simple"  # where pip looks unless it is told otherwise
PATIENCE = 5  # seconds in which a computer must take a connection
SILENCE = 10  # seconds without a byte after which pip gives up
WINDOW = 20  # seconds in which pip must have written a piece of the file; pieces are of 256 KiB
SLACK = 2**16  # bytes that a file of pip's may be larger than the parcel: the list of what is wanted is one, too
MEMORY = 2**30  # bytes that pip may take; it needs a fifth

REFUSED = (
    "it was thrown away. Try again; if you changed data/parcels, take it back with `git checkout data/parcels`; "
    "else your package mirror serves something else: tell its keeper."
)
# What pip writes when it fails, and what it means; the first match counts.
MEANINGS = (
    (r"MemoryError", "the package index answered with more than pip can take in"),
    (r"incomplete-download|IncompleteRead|ConnectionReset|Connection broken", "the connection broke, or fell silent"),
    (r"ProxyError|NewConnection|Max retries|name resolution|SSLError", "the package index cannot be reached"),
    (r"from versions: none", "the package index did not answer, or does not have it"),
    (r"No matching distribution", "the package index has other versions of it only"),
)


def reaches(address: str) -> bool:
    """Tell within five seconds whether a computer takes a connection, through the proxy where one is set.

    Args:
        address: the name of the computer, or the address of a page on it; an empty text for none.

    Returns:
        Whether there was a connection, whatever came through it; `True` for an empty text.

    Example:
        >>> reaches(""), reaches("http://127.0.0.1:9/")
        (True, False)

    Reference:
        Python documentation, urllib.request, https://docs.python.org/3/library/urllib.request.html
    """
    if not address:
        return True
    address = address if "://" in address else f"https://{address}/"
    connected = threading.Event()
    thread = threading.Thread(target=_connect, args=(address, connected), daemon=True)
    thread.start()
    thread.join(PATIENCE)  # looking up a name knows no limit of its own
    return connected.is_set()


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follow no redirection: the first answer is answer enough."""

    def redirect_request(self, *_: object) -> None:
        return None


def _connect(address: str, connected: threading.Event) -> None:
    """Ask for a page's head and note whether there was a connection; a late or strange answer is one, too."""
    try:
        asked = urllib.request.Request(address, method="HEAD")
        urllib.request.build_opener(_Stay).open(asked, timeout=PATIENCE * 0.8).close()
    except urllib.error.HTTPError as error:
        error.close()
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # pip and requests have certificates of their own
            return
    except (OSError, ValueError, http.client.HTTPException):
        pass
    connected.set()


def _index() -> str:
    """Ask pip which index it will use; an empty text where it uses none, or reaches it in a way of its own."""
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        told = subprocess.run(command, check=False, timeout=SILENCE, encoding="utf-8", errors="replace", **quiet).stdout
    except subprocess.TimeoutExpired:
        return ""
    settings = dict(re.findall(r"^(?:global|download|:env:)\.([a-z-]+)='(.*)'$", told, re.MULTILINE))
    if {"no-index", "find-links", "extra-index-url", "proxy"} & set(settings):
        return ""
    index = settings.get("index-url", INDEX)  # the environment's, which pip lists last, wins
    return index if index.startswith("http") else ""


def _command(parcel: Parcel, folder: Path) -> list[str]:
    """Write down what is wanted, with its hash, and make the command line that fetches it."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{parcel.name}=={parcel.version} --hash=sha256:{parcel.sha256}\n", encoding="utf-8")
    # The tags of the wheel, whatever computer this is: a wheel for another one may hold nothing but data for us.
    _, python, abi, systems = parcel.file.removesuffix(".whl").rsplit("-", 3)  # "py3", "none", "any"; "cp38", "abi3", …
    kind = PURE if python.startswith("py") else ("--implementation", python[:2], "--abi", abi)
    command = [*PIP_DOWNLOAD, *kind, "--platform", systems.split(".")[0], "--no-cache-dir", "--progress-bar", "raw"]
    command += ["--retries", "0", "--timeout", str(SILENCE), "--require-hashes"]
    return [*command, "-d", str(folder), "-r", str(wanted)]


@contextlib.contextmanager
def _running(command: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen, queue.Queue]]:
    """Start pip and give it with its lines as they come, `None` last; at the end of the block it runs no more."""
    # pip writes half-done downloads to its temporary folder: that one must be ours, to be swept after a kill. Versions
    # that do not know an option refuse it on the command line and pass over it in the environment.
    places = {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    environment = os.environ | places | {"PIP_RESUME_RETRIES": "0"}
    process = subprocess.Popen(command, env=environment, encoding="utf-8", errors="replace", **pipes)
    lines = queue.Queue(maxsize=1000)
    stopped = threading.Event()

    def listen() -> None:
        while not stopped.is_set() and (line := process.stdout.readline(4096)):
            lines.put(line)
        lines.put(None)

    listener = threading.Thread(target=listen, daemon=True)
    try:
        _limit_memory(process.pid)
        listener.start()
        yield process, lines
    finally:  # after Ctrl-C, too: pip must not go on behind our back
        stopped.set()
        process.kill()
        process.wait()
        while listener.is_alive():
            with contextlib.suppress(queue.Empty):
                lines.get(timeout=0.1)  # a listener that waits for room in the queue could not see the end
        process.stdout.close()


def _limit_memory(number: int) -> None:
    """Bound the memory of a process: an index may answer with a page that has no end (on Linux; else time does)."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import resource

        resource.prlimit(number, resource.RLIMIT_AS, (MEMORY, MEMORY))


def _largest(folder: Path) -> int:
    """Return the size of the largest file below a folder, while another process writes there."""
    sizes = [0]
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append(os.lstat(os.path.join(place, name)).st_size)
    return max(sizes)


def download(parcel: Parcel, folder: Path, progress: Progress) -> None:
    """Let pip download a parcel into a folder.

    Args:
        parcel: the manifest's entry.
        folder: an empty folder; pip's own temporary files come into it, too.
        progress: called with (bytes done, bytes in all).

    Raises:
        DataError: no network, no such parcel, another file than expected, more bytes than expected, or no more bytes.
        OSError: the folder cannot be written, or its disk is full.

    Reference:
        pip, "Secure installs", https://pip.pypa.io/en/stable/topics/secure-installs/
    """
    index = _index()
    if not reaches(f"{index.rstrip('/')}/{parcel.name}/" if index else ""):
        raise _trouble(parcel, "the package index cannot be reached")
    heard = collections.deque(maxlen=200)
    with _running(_command(parcel, folder), folder) as (process, lines):
        _watch(parcel, folder, progress, lines, heard)
        failed = process.wait(timeout=WINDOW)
    if failed:
        _explain(parcel, list(heard))


def _watch(parcel: Parcel, folder: Path, progress: Progress, lines: queue.Queue, heard: collections.deque) -> None:
    """Follow a running pip to its end, or raise what makes an end of it."""
    done, moved = 0, time.monotonic()
    while True:
        try:
            line = lines.get(timeout=0.2)
        except queue.Empty:
            line = ""
        if line is None:
            return
        told = re.fullmatch(r"Progress (\d+) of (\d+)\s*", line)
        received, offered = (int(told[1]), max(int(told[1]), int(told[2]))) if told else (0, 0)
        received = max(received, _largest(folder))
        if offered > parcel.bytes or received > parcel.bytes + SLACK:
            raise DataError(
                f"more than the {parcel.bytes:,} bytes of {parcel.name} {parcel.version} were offered, so it is not "
                f"the expected file; {REFUSED}"
            )
        if told:
            progress(int(told[1]), int(told[2]))
        elif line.strip():
            heard.append(line.strip())
        if received != done:
            done, moved = received, time.monotonic()
        if time.monotonic() - moved > WINDOW:
            raise _trouble(parcel, f"nothing came any more for {WINDOW} seconds")


def _trouble(parcel: Parcel, what: str) -> DataError:
    """Make the one sentence that a failed transfer deserves."""
    return DataError(
        f"{parcel.name} {parcel.version} could not be fetched: {what}; without a network, connect to one once and run "
        "`python3 -m bmkit data fetch`; behind a mirror or a proxy, set pip up for it first."
    )


def _explain(parcel: Parcel, lines: list[str]) -> None:
    """Raise what pip's last lines mean."""
    said = "\n".join(lines)
    if "No space left" in said or any(f"[Errno {number}]" in said for number in FULL):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if received := re.search(r"Got +([0-9a-f]{64})", said):
        raise DataError(
            f"the file received for {parcel.name} {parcel.version} is not the expected one: its SHA-256 is "
            f"{received[1]}, expected {parcel.sha256}; {REFUSED}"
        )
    for pattern, meaning in MEANINGS:
        if re.search(pattern, said):
            raise _trouble(parcel, meaning)
    told = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["it said nothing"]
    raise _trouble(parcel, f"pip ended with {told[-1][:300]!r}")
