"""The cache on the user's disk: where it is, temporary folders inside it, and errors that say what to do.

Everything is written into a temporary folder of the cache and renamed when it is complete and verified, so an
interrupted run leaves nothing that could be mistaken for data, and two processes at once do not disturb each other.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from bmkit.data.manifest import DataError

__all__ = ["cache_folder", "publish", "say", "sha256_of", "storage_errors", "work_folder"]

STALE = 3600  # seconds without any change after which a temporary folder belongs to a killed run


def cache_folder() -> Path:
    """Say where fetched and prepared data lives.

    Returns:
        The folder in the environment variable `BMKIT_CACHE`, else the user's cache folder of the operating system.

    Example:
        >>> cache_folder().is_absolute()
        True

    Reference:
        platformdirs, https://platformdirs.readthedocs.io
    """
    return Path(os.environ.get("BMKIT_CACHE") or platformdirs.user_cache_dir("bmkit")).expanduser().absolute()


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


@contextlib.contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Turn a full disk, a missing permission or the like into a `DataError` that says what to do.

    Args:
        doing: what the block does, as "writing …".

    Raises:
        DataError: the block raised an `OSError`.

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
        move = f"or set the environment variable BMKIT_CACHE to another folder (now {cache_folder()})"
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            raise DataError(f"the disk is full while {doing} ({error}); free some space {move}.") from error
        raise DataError(
            f"the cache cannot be used while {doing} ({type(error).__name__}: {error}); "
            f"make the folder writable {move}."
        ) from error


def _sweep(folder: Path) -> None:
    """Delete what killed runs left: temporary folders in which nothing has changed for an hour."""
    for leftover in folder.iterdir():
        with contextlib.suppress(OSError):
            newest = max(path.stat().st_mtime for path in [leftover, *leftover.rglob("*")])
            if newest < time.time() - STALE:
                shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """Give a new temporary folder inside the cache, so that a finished result can be renamed into place.

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
    with storage_errors("making a temporary folder in the cache"):
        parent = cache_folder() / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(finished: Path, place: Path) -> None:
    """Rename a finished file or folder into its place; the first of two processes wins, the other's copy is dropped.

    Args:
        finished: what is complete and verified, on the same disk.
        place: where it belongs. A file there is replaced, a folder stays.

    Raises:
        OSError: the place cannot be written.

    Example:
        >>> with work_folder() as folder:
        ...     _ = (folder / "new").write_text("done")
        ...     publish(folder / "new", folder / "shelf" / "new")
        ...     (folder / "shelf" / "new").read_text()
        'done'

    Reference:
        POSIX, rename, https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(finished, place)
    except OSError:
        if not place.exists():
            raise
