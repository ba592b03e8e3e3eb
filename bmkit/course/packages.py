"""Which packages requirements.txt and requirements.lock pin, and which of them are there. Standard library only."""

import re
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

__all__ = ["halves", "lacking", "locked_lines", "missing", "pins", "unlocked"]


def pins(requirements: Path) -> list[str]:
    """Read the lines that pin a package, without comments and hashes; lines that begin with ``-`` are passed over.

    Args:
        requirements: the file.

    Returns:
        Lines such as ``numpy==2.4.6``.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "requirements.txt").write_text("numpy==2.4.6  # arrays", "utf-8")
        ...     pins(Path(folder) / "requirements.txt")
        ['numpy==2.4.6']
    """
    lines = [line.split("#")[0].rstrip("\\ ").strip() for line in requirements.read_text("utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("-")]


def unlocked(requirements: Path, lock: Path) -> list[str]:
    """List the pins of one file that the other, which is to hold all that comes along, has not or has otherwise.

    Args:
        requirements: the file that people write.
        lock: the file that a program made of it.

    Returns:
        Lines such as ``numpy==2.4.6``.
    """
    held = {_normal(pin.partition(";")[0].strip()) for pin in pins(lock)}
    return [pin for pin in pins(requirements) if _normal(pin.partition(";")[0].strip()) not in held]


def locked_lines(lock: Path, name: str) -> str:
    """Cut what a lock says of one package: its pin and the hashes of its files.

    Args:
        lock: the file.
        name: of the package.

    Returns:
        Lines that pip reads.
    """
    found = re.search(rf"^{re.escape(name)}==.*(?:\n[ \t].*)*\n?", lock.read_text("utf-8"), re.MULTILINE)
    return found[0] if found else ""


def missing(requirements: Path) -> list[str]:
    """List the pins that the running interpreter cannot import.

    Args:
        requirements: the file, one ``name==version`` a line.

    Returns:
        One text a package, such as ``numpy 2.4.6``.
    """

    def installed(name: str) -> set[str]:
        try:
            return {metadata.version(name)}
        except metadata.PackageNotFoundError:
            return set()

    return _unmet(requirements, installed)


def lacking(requirements: Path, libraries: Iterable[Path]) -> list[str]:
    """List the pins that are not installed in an environment, whatever else the running interpreter can see.

    Args:
        requirements: the file, one ``name==version`` a line.
        libraries: the environment's ``site-packages`` folders.

    Returns:
        One text a package, such as ``numpy 2.4.6``.
    """
    installed: dict[str, set[str]] = {}
    half = set(halves(libraries))
    for notes in {notes for folder in libraries for notes in folder.glob("*.dist-info")} - half:
        name, _, version = notes.name.removesuffix(".dist-info").rpartition("-")
        installed.setdefault(_normal(name), set()).add(version)
    return _unmet(requirements, lambda name: installed.get(_normal(name), set()))


def _unmet(requirements: Path, installed: Callable[[str], set[str]]) -> list[str]:
    unmet = []
    for line in pins(requirements):
        pin, _, marker = line.partition(";")
        name, _, wanted = (part.strip() for part in pin.partition("=="))
        here = installed(name.split("[")[0])
        # A line with a marker may be absent, as the standard library cannot evaluate it.
        if wanted not in here and not (marker and not here):
            unmet.append(f"{name} {wanted}")
    return unmet


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def halves(libraries: Iterable[Path]) -> list[Path]:
    """List the notes of packages whose installation was killed: pip writes INSTALLER after a package's last file.

    Args:
        libraries: the environment's ``site-packages`` folders.

    Returns:
        Folders that end in ``.dist-info``; none of them is a link.
    """
    notes = [notes for folder in libraries for notes in folder.glob("*.dist-info")]
    return [one for one in notes if not (one / "INSTALLER").is_file() and not one.is_symlink()]
