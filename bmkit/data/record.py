"""What lies beside a prepared set: which set it is, and size and SHA-256 of every file. Standard library only.

A record does not vouch for itself: name, digest and rows are expected from the manifest, and the folder holds exactly
the files that the record names.
"""

import fnmatch
import json
import time
from pathlib import Path

from bmkit.data.cache import lies_at, sha256_of
from bmkit.data.entries import DataError, Entry

__all__ = ["RECORD", "is_own", "old_editions", "problem_of_set", "write_record"]

RECORD = "bmkit.json"
LONGEST = 2**20  # bytes of a record; an honest one has some thousand
KEPT = 86_400  # seconds for which an older edition stays: a notebook that runs may still read it
# What a file browser leaves in any folder that it shows.
OF_SYSTEM = (".DS_Store", "Thumbs.db", "desktop.ini")


def _expected(data_set: Entry) -> dict:
    """Return what a record says of its set."""
    return {"name": data_set.name, "digest": data_set.digest, "rows": data_set.description.rows}


def write_record(folder: Path, data_set: Entry) -> None:
    """Write the record of a set that was just stored.

    Args:
        folder: holds the files of the set and nothing else.
        data_set: the manifest's entry.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    files = {path.name: [path.stat().st_size, sha256_of(path)] for path in sorted(folder.iterdir())}
    (folder / RECORD).write_text(json.dumps(_expected(data_set) | {"files": files}, indent=1), encoding="utf-8")


def _read(path: Path) -> dict:
    """Read a record; whatever else lies in its place is not opened."""
    if not path.is_file():
        raise DataError("it is not a file" if lies_at(path) else "it is missing")
    if path.stat().st_size > LONGEST:
        raise DataError(f"it has more than {LONGEST:,} bytes")
    try:
        record = json.loads(path.read_bytes())
        return {name: record[name] for name in ("name", "digest", "rows", "files")} | {"files": dict(record["files"])}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{type(error).__name__} while reading it") from error


def problem_of_set(folder: Path, data_set: Entry) -> str:
    """Compare a prepared set with its record, and the record with the manifest.

    Args:
        folder: where the set lies.
        data_set: the manifest's entry.

    Returns:
        An empty text when all is as it was stored, else the first thing that is not.

    Raises:
        OSError: it lies there but cannot be read.

    Example:
        >>> from bmkit.data.manifest import entry
        >>> problem_of_set(Path("nowhere"), entry("digits"))
        'its record nowhere/bmkit.json cannot be used: it is missing'

    Reference:
        FIPS 180-4 (SHA-256), https://doi.org/10.6028/NIST.FIPS.180-4
    """
    try:
        record = _read(folder / RECORD)
    except DataError as error:
        return f"its record {(folder / RECORD).as_posix()} cannot be used: {error}"
    files = record.pop("files")
    if record != _expected(data_set):
        return f"{folder} holds another set or another edition of it"
    there = {path.name for path in folder.iterdir()} - {RECORD, *OF_SYSTEM}
    for name in sorted(there ^ set(files)):
        return f"{folder / name} is {'not in the record' if name in there else 'missing'}"
    for name in sorted(files):
        if not _is_as_stored(folder / name, files[name]):
            return f"{folder / name} is not what was stored"
    return "" if files else f"{folder} holds no files"


def _is_as_stored(path: Path, noted: object) -> bool:
    """Compare a file with size and hash; a folder, a device or a pipe is never opened."""
    if not path.is_file() or not isinstance(noted, list) or noted[:1] != [path.stat().st_size]:
        return False
    return noted[1:] == [sha256_of(path)]


def is_own(folder: Path, name: str) -> bool:
    """Tell whether a folder is a prepared set with nothing of anybody else's in it, and may be deleted.

    Args:
        folder: a path inside the cache.
        name: the name of the set.

    Returns:
        Whether it is a real folder with a record in it, and with no other names than the kit gives.

    Example:
        >>> is_own(Path("nowhere"), "digits")
        False
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()} - set(OF_SYSTEM)
    given = (RECORD, "dataset_info.json", "features.json", f"{name}-*.tfrecord-*")
    return RECORD in names and all(any(fnmatch.fnmatchcase(one, pattern) for pattern in given) for one in names)


def old_editions(place: Path, name: str) -> list[Path]:
    """List the earlier editions of a set that the kit made more than a day ago.

    Args:
        place: where the present edition lies.
        name: the name of the set.

    Returns:
        Folders beside it that may be deleted.

    Raises:
        OSError: the folder of the set cannot be read.
    """
    beside = [path for path in place.parent.iterdir() if path != place and is_own(path, name)]
    return sorted(path for path in beside if (path / RECORD).lstat().st_mtime < time.time() - KEPT)
