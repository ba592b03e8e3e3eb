"""Write files whole or not at all, and delete only what the kit can prove it wrote. Standard library only.

A folder of the kit's own bears a marker. What has none, what is reached through a link, and what lies at a place that
no program should empty (the working folder, the home folder, the root of a disk) is refused.
"""

import contextlib
import os
import shutil
from pathlib import Path

from bmkit.errors import Error

__all__ = ["MARKER", "NotOurs", "mark", "remove", "write"]

MARKER = ".made-by-bmkit"


class NotOurs(Error):
    """A folder that the kit was about to use as its own, or to delete, is not one that it made."""


def write(path: Path, content: bytes | str) -> None:
    """Write beside, then rename: after a kill or a power cut there is the old file or the new one, never half of one.

    Args:
        path: the file; its folder exists. A link is replaced, not followed.
        content: bytes, or a text that is stored as UTF-8 with Unix line ends.

    Raises:
        OSError: the folder cannot be written, or the disk is full; the old file is as it was.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(Path(folder) / "note.txt", "kept")
        ...     (Path(folder) / "note.txt").read_text()
        'kept'

    Reference:
        POSIX, rename, https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def mark(folder: Path, purpose: str) -> Path:
    """Make a folder the kit's own; only a new, an empty or an already marked one can become so.

    Args:
        folder: made when missing, with its parents.
        purpose: what the folder is for, in a line for whoever finds it.

    Returns:
        The same folder.

    Raises:
        NotOurs: it holds files that the kit did not write, is a link, or lies at a forbidden place.
        OSError: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     sorted(os.listdir(mark(Path(parent) / "own", "an example")))
        ['.made-by-bmkit']
    """
    _refuse_forbidden(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MARKER).is_file():
        if any(folder.iterdir()):
            raise NotOurs(f"{folder} holds files that are not the kit's; name a new or an empty folder instead.")
        write(folder / MARKER, f"This folder was made by bmkit and may be deleted by it: {purpose}.\n")
    return folder


def remove(folder: Path) -> None:
    """Delete a folder that `mark` made, with all that lies in it; links inside are deleted, never followed.

    Args:
        folder: the folder; nothing happens when it does not exist.

    Raises:
        NotOurs: it bears no marker, is a link, or lies at a forbidden place; nothing was deleted.
        OSError: something in it cannot be deleted; the marker goes last, so that a later call can go on.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     remove(mark(Path(parent) / "own", "an example"))
        ...     os.listdir(parent)
        []
    """
    if not os.path.lexists(folder):
        return
    _refuse_forbidden(folder)
    if not (folder / MARKER).is_file():
        raise NotOurs(f"{folder} was not made by the kit (it has no file {MARKER}); nothing in it was deleted.")
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARKER:
            path.unlink()
    (folder / MARKER).unlink()
    with contextlib.suppress(OSError):  # somebody may have put a file there in this very moment
        folder.rmdir()


def _refuse_forbidden(folder: Path) -> None:
    place = Path(os.path.abspath(folder))
    if place.is_symlink():
        raise NotOurs(f"{folder} is a link to another folder; name the folder itself.")
    home = Path(os.path.expanduser("~"))  # unlike `Path.home` it has an answer for a user whom the system does not know
    if place in (Path.cwd(), home, Path(place.anchor), *Path.cwd().parents, *home.parents):
        raise NotOurs(f"{folder} is {place}, which is not the kit's to fill or to empty; name a folder of its own.")
