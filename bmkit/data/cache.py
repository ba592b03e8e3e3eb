"""The cache on the user's disk: where it is, temporary folders inside it, and errors that say what to do.

Everything is written into a temporary folder of the cache, renamed when it is complete, and looked at again in its
place, so an interrupted run leaves nothing that could be mistaken for data, and two processes at once do not disturb
each other. The cache may be a folder that holds other things, too: what the kit did not make is never deleted.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from bmkit.data.entries import DataError
from bmkit.files import MARKER, NotOurs, mark, remove

__all__ = [
    "cache_folder",
    "lies_at",
    "of_network",
    "publish",
    "say",
    "set_aside",
    "sha256_of",
    "storage_errors",
    "work_folder",
]

STALE = 3600  # seconds without any change after which a temporary folder belongs to a killed run
PREFIX = "bmkit-"  # of temporary folders: with the marker inside it tells them from a user's own
SHARED = " Where it is shared and read-only on purpose, its keeper adds what is missing: `python3 -m bmkit data fetch`."
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", None))
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
NETWORK = ("requests", "urllib3", "urllib", "http", "ssl", "socket")  # packages whose errors are OSErrors, too


def cache_folder() -> Path:
    """Say where fetched and prepared data lives.

    A relative `BMKIT_CACHE` is made absolute the first time it is seen, for child processes as well: a kernel has
    another working folder and would make a second cache there.

    Returns:
        The folder in the environment variable `BMKIT_CACHE`, else the user's cache folder of the operating system.

    Example:
        >>> cache_folder().is_absolute()
        True

    Reference:
        platformdirs, https://platformdirs.readthedocs.io
    """
    named = os.environ.get("BMKIT_CACHE")
    if not named:
        return Path(platformdirs.user_cache_dir("bmkit")).absolute()
    folder = os.path.abspath(os.path.expanduser(named))
    if folder != named:
        os.environ["BMKIT_CACHE"] = folder
    return Path(folder)


cache_folder()  # at import: before the working folder changes and before any child process starts


def say(text: str) -> None:
    """Tell the user one line on the standard error stream, where it stays apart from results.

    Args:
        text: the line.

    Example:
        >>> say("fetching nothing")

    Reference:
        Command Line Interface Guidelines, "Output", https://clig.dev/#output
    """
    print(text, file=sys.stderr, flush=True)


def sha256_of(path: Path) -> str:
    """Hash a file.

    Args:
        path: the file.

    Returns:
        SHA-256 as 64 hexadecimal digits.

    Example:
        >>> with work_folder() as folder:
        ...     _ = (folder / "empty").write_bytes(b"")
        ...     sha256_of(folder / "empty")[:8]
        'e3b0c442'

    Reference:
        FIPS 180-4, https://doi.org/10.6028/NIST.FIPS.180-4
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lies_at(path: Path) -> bool:
    """Tell whether anything lies at a path, a link without a goal too; a place that may not be read is no "no".

    Args:
        path: the path.

    Returns:
        Whether something is there.

    Raises:
        OSError: it cannot be known, as a folder on the way may not be read.

    Example:
        >>> lies_at(Path(__file__)), lies_at(Path(__file__) / "no")
        (True, False)
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def of_network(error: OSError) -> bool:
    """Tell a fault of the network from one of the disk: libraries raise an `OSError` for both.

    Args:
        error: what was raised.

    Returns:
        Whether it came from a connection, a name that was not found, or a library that transfers.

    Example:
        >>> of_network(ConnectionRefusedError(111, "refused")), of_network(PermissionError(13, "denied"))
        (True, False)

    Reference:
        Requests, "Errors and Exceptions", https://requests.readthedocs.io/en/latest/user/quickstart/
    """
    of_library = type(error).__module__.split(".")[0] in NETWORK
    return of_library or isinstance(error, (ConnectionError, TimeoutError)) or error.errno in UNREACHABLE


@contextlib.contextmanager
def storage_errors(doing: str, *, temporary: bool = False) -> Iterator[None]:
    """Turn a full disk, a missing permission or the like into a `DataError` that says what to do.

    Args:
        doing: what the block does, as "writing …".
        temporary: it does so in the system's folder for temporary files, not in the cache.

    Raises:
        DataError: the block raised an `OSError` that is not one of the network.

    Example:
        >>> with storage_errors("writing a file"):  # doctest: +ELLIPSIS
        ...     raise OSError(errno.ENOSPC, "No space left on device")
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the disk is full while writing a file ...

    Reference:
        Python documentation, errno, https://docs.python.org/3/library/errno.html
    """
    try:
        yield
    except OSError as error:
        if of_network(error):
            raise
        if temporary:
            where, move = "the system's folder for temporary files", "or set the environment variable TMPDIR to another"
        else:
            where = "the cache"
            move = f"or set the environment variable BMKIT_CACHE to another folder (now {cache_folder()})"
        if error.errno in FULL:
            raise DataError(f"the disk is full while {doing} ({error}); free some space {move}.") from error
        raise DataError(
            f"{where} cannot be used while {doing} ({type(error).__name__}: {error}); make the folder writable {move}."
            + ("" if temporary else SHARED)
        ) from error


def _sweep(parent: Path) -> None:
    """Delete what killed runs left: the kit's own temporary folders in which nothing has changed for an hour."""
    if parent.is_symlink():
        return
    for leftover in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, NotOurs):
            if leftover.is_symlink() or not (leftover / MARKER).is_file():
                continue
            newest = max(path.lstat().st_mtime for path in [leftover, *leftover.rglob("*")])
            if newest < time.time() - STALE:
                remove(leftover)


@contextlib.contextmanager
def work_folder(*, doing: str = "making a temporary folder", temporary: bool = False) -> Iterator[Path]:
    """Give a new temporary folder, by default inside the cache, so that a finished result can be renamed into place.

    Args:
        doing: what it is for, for the message of a cache that cannot be written.
        temporary: make it in the system's folder for temporary files, which needs no cache that can be written.

    Returns:
        The folder; it is deleted at the end of the block. Leftovers of killed runs are deleted first.

    Raises:
        DataError: the cache cannot be written, or the disk is full.

    Example:
        >>> with work_folder() as folder:
        ...     folder.is_dir()
        True

    Reference:
        Python documentation, tempfile, https://docs.python.org/3/library/tempfile.html
    """
    with storage_errors(doing, temporary=temporary):
        parent = Path(tempfile.gettempdir()) if temporary else cache_folder() / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        own = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            folder = mark(own, "a temporary folder, deleted at its run's end or an hour after it") / "work"
            folder.mkdir()
        except BaseException:
            shutil.rmtree(own, ignore_errors=True)  # made two lines above, under a name that did not exist
            raise
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError, NotOurs):  # what cannot be deleted now is swept later
            remove(own)


def publish(finished: Path, place: Path, problem_at: Callable[[Path], str]) -> None:
    """Rename a finished file or folder into its place, then look at what lies there: success is never assumed.

    The first of two processes wins; the other's copy is dropped.

    Args:
        finished: what is complete, on the same disk.
        place: where it belongs. A file there is replaced, a folder stays.
        problem_at: says what is wrong with what lies at a path, or returns an empty text.

    Raises:
        OSError: the place cannot be written and holds nothing sound.
        DataError: something else than was put there lies there.

    Example:
        >>> with work_folder() as folder:
        ...     _ = (folder / "new").write_text("done")
        ...     publish(folder / "new", folder / "shelf" / "new", lambda path: "" if path.exists() else "it is missing")
        ...     (folder / "shelf" / "new").read_text()
        'done'

    Reference:
        POSIX, rename, https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    refused = None
    try:
        os.replace(finished, place)
    except OSError as error:
        refused = error
    if problem := problem_at(place):
        raise refused or DataError(f"{place} is not what was put there a moment ago: {problem}; try again.")


def set_aside(place: Path) -> None:
    """Rename what lies in the way and is not the kit's to delete, and say so.

    Args:
        place: a path inside the cache; nothing happens when nothing lies there.

    Raises:
        OSError: it cannot be renamed.

    Example:
        >>> with work_folder() as folder:
        ...     _ = (folder / "place").write_text("a learner's")
        ...     set_aside(folder / "place")
        ...     (folder / "place.aside-1").read_text()
        "a learner's"
    """
    if not lies_at(place):
        return
    number = 1
    while os.path.lexists(aside := place.with_name(f"{place.name}.aside-{number}")):
        number += 1
    os.replace(place, aside)
    say(f"{place} was not made by the kit; it is now {aside.name} in the same folder")
