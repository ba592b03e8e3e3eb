"""The folder ``.venv`` beside the package: noticed when half-made, built, repaired. Standard library only.

A stamp, written last, tells a finished environment from one that was killed in the middle.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import IO

__all__ = ["Environment", "Trouble", "locked", "missing"]

ROOT = Path(__file__).resolve().parent.parent
SIZE = "about 0.93 GB to download, 3.4 GB on disk, 1 to 15 minutes"  # measured on Linux, Python 3.11
SPACE_GB = {"create": 4.5, "repair": 1.0}
NO_VENV = (
    "this Python cannot make environments (its venv or ensurepip module is missing); "
    "on Debian or Ubuntu type: sudo apt install python{}.{}-venv".format(*sys.version_info)
)
# What pip writes when it fails, and the one line a reader needs instead; the first match counts.
PIP_TROUBLES = (
    (r"No space left|Errno 28", "the disk is full; make room (about 4.5 GB) and run the same command again"),
    (
        r"Permission denied|Errno 13",
        "no permission to write here or in pip's cache; mend the rights and run this again",
    ),
    (
        r"Retrying|Max retries|NewConnection|name resolution|timed? ?out|ProxyError|SSLError",
        "the package index cannot be reached; check network and proxy, then run the same command again",
    ),
    (r"No matching distribution found for (\S+)", "there is no build of {} for this computer and this Python"),
)


class Trouble(RuntimeError):
    """What stops the set-up, in one line that says how to mend it."""


def missing(requirements: Path) -> list[str]:
    """List the pinned lines of a requirements file that the running interpreter does not have.

    A line with a marker (``; sys_platform == …``) may be absent, as the standard library cannot evaluate it.

    Args:
        requirements: the file, one ``name==version`` a line; lines that begin with ``-`` are passed over.

    Returns:
        One text a package, such as ``numpy 2.4.6``.
    """
    lacking = []
    for line in requirements.read_text("utf-8").splitlines():
        pin, _, marker = line.split("#")[0].strip().partition(";")
        if not pin or pin.startswith("-"):
            continue
        name, _, wanted = (part.strip() for part in pin.partition("=="))
        try:
            here = metadata.version(name.split("[")[0])
        except metadata.PackageNotFoundError:
            here = None
        if here != wanted and not (marker and here is None):
            lacking.append(f"{name} {wanted}")
    return lacking


@contextlib.contextmanager
def locked(path: Path) -> Iterator[IO]:
    """Hold a lock file; a second set-up of the same folder says that it waits, and waits.

    Args:
        path: the file; made when missing, left behind empty.
    """
    with path.open("a+") as handle:
        if not _grab(handle):
            _say("another set-up of this folder is running; waiting for it to end …")
            while not _grab(handle):
                time.sleep(0.3)
        yield handle


def _grab(handle: IO) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # a file system without locks must not stop a learner who is alone
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def _say(text: str) -> None:
    print(f"bmkit: {text}", file=sys.stderr, flush=True)


class Environment:
    """The environment of one copy of the kit.

    Args:
        root: the folder with ``requirements.txt``; the kit's own by default.
    """

    def __init__(self, root: Path = ROOT):
        self.root, self.folder, self.requirements = root, root / ".venv", root / "requirements.txt"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.stamp = self.folder / "bmkit-ready.txt"

    def version(self) -> str:
        """Start its Python and return "3.11" or so; an empty text when it does not start."""
        command = [str(self.python), "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def mark(self, version: str) -> str:
        """Return what the stamp of a finished environment says."""
        return f"{hashlib.sha256(self.requirements.read_bytes()).hexdigest()} python{version}\n"

    def fault(self) -> tuple[str, str] | None:
        """Return ("create" or "repair", why), or None when the environment is ready."""
        if not self.folder.exists():
            return "create", "there is none yet"
        version = self.version()
        if version not in ("3.11", "3.12", "3.13"):
            return "create", f"the old one has Python {version}" if version else "the old one does not start"
        if self._moved():
            return "create", "this folder was moved or copied"
        mark = self.stamp.read_text("utf-8", errors="replace") if self.stamp.is_file() else ""
        if mark == self.mark(version):
            return None
        if not mark.strip():
            return "repair", "an earlier set-up did not end"
        if not mark.endswith(f" python{version}\n"):
            return "create", f"the old one was made for another Python than {version}"
        return "repair", "requirements.txt has changed"

    def _moved(self) -> bool:
        # Scripts and the editable install keep absolute paths; Python ≥ 3.11 notes where it made an environment.
        notes = self.folder / "pyvenv.cfg"
        text = notes.read_text("utf-8", errors="replace") if notes.is_file() else ""
        made = re.search(r"^command = .* -m venv (?:--\S+ )*(.+?)\s*$", text, re.MULTILINE)
        return bool(made) and os.path.realpath(made[1]) != os.path.realpath(self.folder)

    def make(self, action: str, why: str, *, lock: IO) -> None:
        """Create the environment, or install in place what is missing; the stamp comes last.

        Args:
            action: ``create`` (empties the folder first) or ``repair``.
            why: the reason that is told.
            lock: the open lock file; the children keep it open too.

        Raises:
            Trouble: one line for each known reason why it cannot be done.
        """
        start, free = time.monotonic(), shutil.disk_usage(self.root).free / 1e9
        if free < SPACE_GB[action]:
            raise Trouble(
                f"only {free:.1f} GB are free here; {SPACE_GB[action]} GB are needed: make room, run this again"
            )
        if action == "create" and not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            raise Trouble(NO_VENV)
        if action == "repair" and not self._pip_starts():
            action = "create"  # killed while pip replaced itself
        self.stamp.unlink(missing_ok=True)
        if action == "create":
            _say(f"making the environment {self.folder.name} ({why}): {SIZE}")
            _say("1/3 empty environment with Python {}.{}.{}".format(*sys.version_info))
            base = getattr(sys, "_base_executable", None) or sys.executable
            self._call([base, "-I", "-m", "venv", "--clear", str(self.folder)], lock=lock)
        else:
            _say(f"repairing the environment {self.folder.name} ({why}); what is whole is kept")
            self._drop_halves()
        self._install(lock)
        fresh = self.stamp.with_suffix(".new")
        fresh.write_text(self.mark(self.version()), "utf-8")
        fresh.replace(self.stamp)
        _say(f"environment ready after {time.monotonic() - start:.0f} s")

    def _pip_starts(self) -> bool:
        command = [str(self.python), "-I", "-m", "pip", "--version"]
        return subprocess.run(command, capture_output=True).returncode == 0

    def _drop_halves(self) -> None:
        # pip writes INSTALLER after a package's last file; without it the package would pass as installed.
        for packages in (*self.folder.glob("lib/python*/site-packages"), *self.folder.glob("Lib/site-packages")):
            for notes in packages.glob("*.dist-info"):
                if not (notes / "INSTALLER").is_file():
                    shutil.rmtree(notes)

    def _install(self, lock: IO) -> None:
        pip = re.search(r"^pip==[\w.]+", self.requirements.read_text("utf-8"), re.MULTILINE)[0]
        quiet = [] if os.isatty(2) else ["--quiet", "--progress-bar", "off"]
        options = ["install", "--disable-pip-version-check", "--no-input", "--no-user", *quiet]
        for step, wanted in ((pip, [pip]), ("the packages of requirements.txt", ["-r", "requirements.txt"])):
            _say(f"{2 if step == pip else 3}/3 {step}")
            self._call([str(self.python), "-I", "-m", "pip", *options, *wanted], lock=lock)

    def _call(self, command: list[str], *, lock: IO) -> None:
        # The child keeps the lock: were this process killed alone, the next set-up would wait for pip to end.
        kept = {} if os.name == "nt" else {"pass_fds": (lock.fileno(),)}
        text = {"text": True, "encoding": "utf-8", "errors": "replace"}
        complaints = ""
        with subprocess.Popen(command, cwd=self.root, stdout=2, stderr=subprocess.PIPE, **text, **kept) as child:
            try:
                for line in child.stderr:
                    if "Retrying" in line and "Retrying" not in complaints:
                        _say("the package index does not answer; pip tries again …")
                    complaints += line
            except KeyboardInterrupt:
                child.terminate()
                raise
        if child.returncode:
            raise Trouble(_advice(complaints.strip() or f"{command[3]} ended with exit code {child.returncode}"))


def _advice(complaints: str) -> str:
    for pattern, advice in PIP_TROUBLES:
        if found := re.search(pattern, complaints):
            return advice.format(*found.groups())
    return "the set-up failed: " + complaints.splitlines()[-1]
