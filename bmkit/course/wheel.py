"""Fetch a wheel by pip and say what an entry of data/parcels needs to know of it; nothing in it is installed or run."""

import csv
import email
import gzip
import hashlib
import io
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from bmkit.data.cache import work_folder
from bmkit.errors import Error

__all__ = ["Wheel", "WheelError", "fetched", "looked_at"]

CODE = (".py", ".pyi", ".pyc", ".so", ".pyd", ".dll", ".dylib", "/", "py.typed")


class WheelError(Error):
    """There is no such wheel, or none that runs on every computer; the message says what to type instead."""

    exit_code = 2


@dataclass(frozen=True)
class Wheel:
    """A wheel.

    Attributes:
        name: of the package.
        version: of the package.
        file: the name of the file.
        sha256: its hash.
        bytes: its size.
        licence: what its metadata say.
        members: its files but for code and metadata, tables first, then the largest.
        columns: of the first member, where that is a table with a header.
    """

    name: str
    version: str
    file: str
    sha256: str
    bytes: int
    licence: str
    members: tuple[str, ...]
    columns: tuple[str, ...]


def fetched(requirement: str) -> Wheel:
    """Let pip fetch a wheel and look at it.

    Args:
        requirement: as "palmerpenguins==0.1.4".

    Returns:
        What the wheel is.

    Raises:
        WheelError: it has another form, or pip finds no wheel for every computer.

    Example:
        >>> fetched("numpy")
        Traceback (most recent call last):
        ...
        bmkit.course.wheel.WheelError: 'numpy' names no exact version; type PACKAGE==VERSION, as palmerpenguins==0.1.4
    """
    name, _, version = requirement.partition("==")
    if not name or not version or name.startswith("-"):
        raise WheelError(f"{requirement!r} names no exact version; type PACKAGE==VERSION, as palmerpenguins==0.1.4")
    with work_folder(doing=f"fetching {requirement}", temporary=True) as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
        command += ["--platform", "any", "--implementation", "py", "--abi", "none", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "-q", "-d", str(folder), requirement], capture_output=True, encoding="utf-8", errors="replace"
        )
        if done.returncode or not (files := list(folder.glob("*.whl"))):
            told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
            raise WheelError(f"pip finds no wheel of {requirement} that fits every computer ({told[-1]}); name another")
        return looked_at(files[0], name, version)


def looked_at(path: Path, name: str, version: str) -> Wheel:
    """Look at a wheel.

    Args:
        path: the file.
        name: of the package.
        version: of the package.

    Returns:
        What it is.

    Raises:
        WheelError: it holds nothing but code, or is damaged.
    """
    content = path.read_bytes()
    try:
        licence, members, columns = _opened(content)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
        raise WheelError(f"{path.name} is not a sound wheel ({error}); type it again") from error
    if not members:
        raise WheelError(f"{path.name} holds nothing but code; name another package")
    return Wheel(
        name=name,
        version=version,
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence=licence,
        members=tuple(members),
        columns=columns,
    )


def _opened(content: bytes) -> tuple[str, list[str], tuple[str, ...]]:
    """Read licence, members and the columns of the first table."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        about = next((one for one in sizes if one.endswith(".dist-info/METADATA")), "")
        licence = _licence(email.message_from_bytes(archive.read(about) if about else b""))
        data = [one for one in sizes if not one.endswith(CODE) and ".dist-info/" not in one]
        members = sorted(data, key=lambda one: (not _is_table(one), -sizes[one]))
        return licence, members, _columns(members[0], archive) if members else ()


def _is_table(member: str) -> bool:
    return member.endswith((".csv", ".csv.gz"))


def _columns(member: str, archive: zipfile.ZipFile) -> tuple[str, ...]:
    if not _is_table(member):
        return ()
    packed = archive.read(member)
    text = (gzip.decompress(packed) if member.endswith(".gz") else packed).decode("utf-8", "replace")
    return tuple(next(csv.reader(io.StringIO(text)), ()))


def _licence(metadata) -> str:
    """Take the licence's name, where it is one and not its whole text."""
    classifiers = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line[:7] == "License"]
    told = [metadata["License-Expression"], *classifiers, metadata["License"]]
    short = [one for one in told if one and "\n" not in one and len(one) < 60 and one != "UNKNOWN"]
    return short[0] if short else "WHICH LICENCE THE PACKAGE HAS"
