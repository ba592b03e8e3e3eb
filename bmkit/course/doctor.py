"""Look at the machine: what is there, what is missing, how to mend it. Loads neither Keras nor TensorFlow unasked."""

import functools
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from bmkit import surroundings
from bmkit.console import shown
from bmkit.course import memory
from bmkit.course.chapters import ROOT

__all__ = ["Finding", "examine", "packages", "report", "settings", "summary"]

GIGABYTE = 1e9
MIN_MEMORY_GB = 4
MIN_DISK_GB = 1
REPAIR = "run: python3 -m bmkit doctor (the environment mends itself), or: pip install -r requirements.txt"


@dataclass(frozen=True)
class Finding:
    """What one look found.

    Attributes:
        name: what was looked at, the same on every machine.
        here: what was found on this machine.
        ok: True or False; None when it is told for information only.
        mend: what to do about it; empty when nothing is to be done.
        group: ``machine``, ``setting``, ``package`` or ``device``.
    """

    name: str
    here: str
    ok: bool | None
    mend: str = ""
    group: str = "machine"


def examine(*, devices: bool = False) -> list[Finding]:
    """Look at everything the course needs.

    Args:
        devices: also load Keras and look for accelerators, which takes some seconds.

    Returns:
        Findings in a fixed order; what the user has set up for other projects only where there is something.

    Example:
        >>> examine()[0].name
        'Python 3.11–3.13'
    """
    looks = [_python, _system, _processor, _memory, _disk_of_the_kit, _disk_of_the_cache, _pip, _git, _core_data]
    findings = [look() for look in looks] + settings() + packages()
    return findings + _devices() if devices else findings


def report(*, devices: bool = False) -> bool:
    """Print a table of all findings, and below it how to mend what is wrong.

    Args:
        devices: also load Keras and look for accelerators.

    Returns:
        Whether nothing is missing.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    findings = examine(devices=devices)
    table = Table("", "what", "here", title="bmkit doctor")
    for finding in findings:
        table.add_row(*(escape(shown(text)) for text in (_sign(finding.ok), finding.name, finding.here)))
    console = Console()
    console.print(table)
    for finding in findings:
        if finding.mend:
            console.print(f"{_sign(finding.ok)} {finding.name}: {finding.mend}", markup=False, soft_wrap=True)
    good = all(finding.ok is not False for finding in findings)
    console.print("Nothing is missing." if good else "Something is missing; the lines above say how to mend it.")
    return good


def summary() -> list[str]:
    """Tell the state of the machine in lines for a notebook cell.

    Whatever differs from machine to machine stands in ``(here: …)`` at a line's end, which tests do not compare.

    Returns:
        One line a check; all packages together make one line.

    Example:
        >>> summary()[0].split(" (")[0]
        '✓ Python 3.11–3.13'
    """
    findings = [finding for finding in examine() if finding.group == "machine"]
    wrong = [finding.name for finding in packages() if not finding.ok]
    here = "all of them" if not wrong else "not so: " + ", ".join(wrong)
    findings.append(Finding("packages of requirements.txt in the tested versions", here, not wrong))
    return [f"{_sign(f.ok)} {f.name} (here: {f.here.replace('(', '[').replace(')', ']')})" for f in findings]


def _sign(ok: bool | None) -> str:
    return "·" if ok is None else "✓" if ok else "✗"


def packages(requirements: Path = ROOT / "requirements.txt") -> list[Finding]:
    """Compare each pinned requirement that applies to this machine with what is installed.

    Args:
        requirements: the file with the pins.

    Returns:
        One finding a package.
    """
    findings = []
    for line in requirements.read_text("utf-8").splitlines():
        text = line.split("#")[0].strip()
        if not text or text.startswith("-"):
            continue
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate():
            continue
        try:
            here = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            here = "missing"
        ok = wanted.specifier.contains(here, prereleases=True) if here != "missing" else False
        mend = "" if ok else REPAIR
        findings.append(Finding(f"{wanted.name} {wanted.specifier}", here, ok, mend, group="package"))
    return findings


def settings() -> list[Finding]:
    """Tell what this user has set up for other projects, or for the kit, and what the kit does about it.

    Returns:
        One finding a setting; none on a machine where nothing was set up.

    Example:
        >>> all(finding.ok is None and finding.mend for finding in settings())
        True
    """
    return [Finding(name, here, None, answer, group="setting") for name, here, answer in surroundings.found()]


def _python() -> Finding:
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13) and sys.maxsize > 2**32
    mend = "" if ok else "install a 64-bit Python 3.11, 3.12 or 3.13 and start the kit with it"
    return Finding("Python 3.11–3.13", platform.python_version(), ok, mend)


def _system() -> Finding:
    return Finding("operating system", f"{platform.system()} {platform.release()} {platform.machine()}", None)


def _processor() -> Finding:
    file = Path("/proc/cpuinfo")
    words = file.read_text("utf-8", errors="replace").split() if file.exists() else []
    features = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in words]
    return Finding("processor", ", ".join([f"{os.cpu_count()} cores", *features]), None)


def _memory() -> Finding:
    name, size, machine = f"memory, {MIN_MEMORY_GB} GB advised", memory.total(), psutil.virtual_memory().total
    here = f"{size / GIGABYTE:.1f} GB, {memory.available() / GIGABYTE:.1f} GB free"
    if size < machine:
        here += f", by a limit on a machine of {machine / GIGABYTE:.1f} GB"
    advice = f"close other programs, or run the chapters one at a time: {MIN_MEMORY_GB} GB are advised"
    return Finding(name, here, None, advice if size < MIN_MEMORY_GB * GIGABYTE else "")


def _disk(name: str, folder: Path) -> Finding:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIGABYTE
    mend = "" if free >= MIN_DISK_GB else f"make room on the disk that holds {folder}"
    return Finding(f"free disk for {name}, {MIN_DISK_GB} GB or more", f"{free:.0f} GB", not mend, mend)


_disk_of_the_kit = functools.partial(_disk, "the kit", ROOT)


def _disk_of_the_cache() -> Finding:
    from bmkit.data import cache

    return _disk("the data", cache.cache_folder())


def _pip() -> Finding:
    try:
        return Finding("pip, which carries the data", metadata.version("pip"), True)
    except metadata.PackageNotFoundError:
        return Finding("pip, which carries the data", "missing", False, f"run: {sys.executable} -m ensurepip")


def _git() -> Finding:
    mend = "" if shutil.which("git") else "install git to get newer editions with: git pull"
    return Finding("git, which brings newer editions", "missing" if mend else "present", None, mend)


def _core_data() -> Finding:
    from bmkit import data

    try:
        problems = data.verify([name for name in data.names() if data.describe(name).core])
    except data.DataError as error:
        return Finding("core data", "cannot be read", False, str(error))
    names = ", ".join(sorted({problem.split(":")[0] for problem in problems}))
    mend = "run: python3 -m bmkit data fetch" if problems else ""
    return Finding("core data", f"not ready: {names}" if problems else "present", not problems, mend)


def _devices() -> list[Finding]:
    from bmkit import backend

    keras = backend.keras
    accelerators = keras.distribution.list_devices("gpu")
    here = ", ".join(accelerators) or "none, the processor does the work"
    return [
        Finding("Keras backend", keras.backend.backend(), None, group="device"),
        Finding("accelerators", here, None, group="device"),
    ]
