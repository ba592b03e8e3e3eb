"""The folder ``.venv`` beside the package: noticed when half-made, built, repaired. Standard library only.

What counts is what is installed in that folder, read from its own notes. A stamp, written last, tells a finished
environment from one that was killed in the middle. One that works is never taken down before the new one stands.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bmkit import files, surroundings
from bmkit.console import say
from bmkit.course import packages, troubles
from bmkit.errors import Error

__all__ = ["Environment", "Trouble", "locked"]

ROOT = Path(__file__).resolve().parents[2]
SIZE = "about 0.93 GB to download, 3.4 GB on disk, 1 to 15 minutes"  # measured on Linux, Python 3.11
SPACE_GB = {"create": 4.5, "repair": 1.0}
RETRIES = {"create": 5, "repair": 1}  # a learner with a working environment should not wait for a dead network
NO_VENV = (
    "this Python cannot make environments (its venv or ensurepip module is missing); "
    "on Debian or Ubuntu type: sudo apt install python{}.{}-venv".format(*sys.version_info)
)


class Trouble(Error):
    """What stops the set-up, in one line that says how to mend it."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[IO]:
    """Hold a lock file; a second set-up of the same folder says that it waits, and waits.

    Args:
        path: the file; made when missing, left behind empty.
    """
    with path.open("a+", encoding="utf-8") as handle:
        if not _grab(handle):
            say("another set-up of this folder is running; waiting for it to end …")
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


class Environment:
    """The environment of one copy of the kit.

    Args:
        root: the folder with ``requirements.txt`` and ``requirements.lock``; the kit's own by default.
    """

    def __init__(self, root: Path = ROOT):
        self.root, self.folder, self.requirements = root, root / ".venv", root / "requirements.txt"
        self.lock = root / "requirements.lock"  # every package that comes along, with its hashes
        self.programs = self.folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.programs / ("python.exe" if os.name == "nt" else "python")
        self.stamp = self.folder / "bmkit-ready.txt"

    def version(self) -> str:
        """Start its Python and return "3.11" or so; an empty text when it does not start."""
        command = [str(self.python), "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            done = subprocess.run(command, capture_output=True, encoding="ascii", errors="replace", timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def starts(self) -> bool:
        """Tell whether the command line can be loaded with what is installed, complete or not."""
        trial = f"import sys; sys.path.insert(0, {str(self.root)!r}); import bmkit.course.cli"
        try:
            return subprocess.run([str(self.python), "-I", "-c", trial], capture_output=True).returncode == 0
        except OSError:
            return False

    def mark(self, version: str) -> str:
        """Return what the stamp of a finished environment says: the pins, not how the file is laid out."""
        pins = "\n".join(sorted(packages.pins(self.lock)))
        return f"{hashlib.sha256(pins.encode()).hexdigest()} python{version}\n"

    def fault(self) -> tuple[str, str] | None:
        """Return ("create" or "repair", why), or None when the environment is ready.

        Raises:
            Trouble: something that the kit did not make stands in its place, or the path cannot hold an environment.
        """
        self._refuse_foreign()
        if not (self.folder / "pyvenv.cfg").is_file():
            return "create", "there is none yet"
        version = self.version()
        if version not in ("3.11", "3.12", "3.13"):
            return "create", f"the old one has Python {version}" if version else "the old one does not start"
        mark = self.stamp.read_text("utf-8", errors="replace") if self.stamp.is_file() else ""
        if mark.strip() and not mark.endswith(f" python{version}\n"):
            return "create", f"the old one was made for another Python than {version}"
        if lacking := self.lacking():
            return "repair", lacking
        if mark != self.mark(version):
            return "repair", "its list of packages has changed" if mark.strip() else "an earlier set-up did not end"
        return None

    def _refuse_foreign(self) -> None:
        if os.pathsep in str(self.root):
            raise Trouble(
                f"the path of this folder, {self.root}, contains {os.pathsep!r}, which separates folders in Python's "
                "search path; give the folder another name, then run this again"
            )
        if not os.path.lexists(self.folder) or self._ours() or (self.folder / "pyvenv.cfg").is_file():
            return
        if self.folder.is_symlink() or not self.folder.is_dir() or any(self.folder.iterdir()):
            raise self._foreign("is not an environment")

    def _foreign(self, what: str) -> Trouble:
        return Trouble(
            f"{self.folder} {what}, and the kit did not make it, so nothing in it was touched: "
            "move or rename it, then run this again"
        )

    def _ours(self) -> bool:
        notes = self.folder / "pyvenv.cfg"
        text = notes.read_text("utf-8", errors="replace") if notes.is_file() else ""
        # Before there were markers, the kit made its environments with this option and left a stamp.
        earlier = "-m venv --clear " in text and self.stamp.is_file()
        return not self.folder.is_symlink() and (earlier or (self.folder / files.MARKER).is_file())

    def lacking(self) -> str:
        """Say what is pinned and not installed here: "numpy 2.4.6 and 2 more are missing"; empty if nothing."""
        lacking = packages.lacking(self.requirements, self._libraries())
        if len(lacking) > 1:
            return f"{lacking[0]} and {len(lacking) - 1} more are missing"
        return f"{lacking[0]} is missing" if lacking else ""

    def _libraries(self) -> list[Path]:
        return [*self.folder.glob("lib/python3*/site-packages"), *self.folder.glob("Lib/site-packages")]

    def shadows(self, search_path: str) -> dict[str, str]:
        """Find the folders of a search path that would hide a library of this environment.

        Args:
            search_path: what the variable PYTHONPATH holds.

        Returns:
            Folder → name of the first library that it would hide; the kit's own folder hides nothing.
        """
        own = set().union(*map(surroundings.importable, self._libraries()))
        others = [one for one in search_path.split(os.pathsep) if one and Path(one).resolve() != self.root.resolve()]
        hidden = {entry: sorted(own & surroundings.importable(Path(entry))) for entry in others}
        return {entry: names[0] for entry, names in hidden.items() if names}

    def make(self, action: str, why: str, *, lock: IO) -> None:
        """Create the environment, or install in place what is missing; the stamp comes last.

        Args:
            action: ``create`` (empties the folder first, if the kit made it) or ``repair``.
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
        if action == "repair":
            say(f"repairing the environment {self.folder.name} ({why}); what is whole is kept")
            # Pip would take half a package for installed. What somebody else's environment holds is theirs.
            for notes in packages.halves(self._libraries()) if self._ours() else ():
                shutil.rmtree(notes)
            if not self._pip_can_be_had(lock):
                action, why = "create", "its pip does not start"
        if action == "create":
            self._create(why, lock)
        self._install(action, lock)
        if lacking := self.lacking():
            raise Trouble(
                f"{lacking} after the set-up, though pip reports success; look for a setting that makes pip install "
                f"elsewhere: {self.python} -m pip config list"
            )
        self._join_the_kit()
        files.write(self.stamp, self.mark(self.version()))
        say(f"environment ready after {time.monotonic() - start:.0f} s")

    def _create(self, why: str, lock: IO) -> None:
        if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            raise Trouble(NO_VENV)
        if self._ours():
            files.write(self.folder / files.MARKER, "")
            files.remove(self.folder)
        elif self.folder.is_symlink() or (self.folder.is_dir() and any(self.folder.iterdir())):
            raise self._foreign(f"cannot be used ({why})")
        say(f"making the environment {self.folder.name} ({why}): {SIZE}")
        say("1/3 empty environment with Python {}.{}.{}".format(*sys.version_info))
        files.mark(self.folder, "the environment of this copy of the kit")
        base = getattr(sys, "_base_executable", None) or sys.executable
        self._call([base, "-I", "-m", "venv", str(self.folder)], lock=lock)

    def _pip_can_be_had(self, lock: IO) -> bool:
        """Bring back a pip that was killed while it replaced itself, for which Python needs no network."""
        if self._pip_starts():
            return True
        with contextlib.suppress(Trouble):
            self._call([str(self.python), "-I", "-m", "ensurepip", "--upgrade"], lock=lock)
        if self._pip_starts():
            return True
        if self.starts():
            raise Trouble(f"the pip of {self.folder} does not start; delete that folder and run this again")
        return False

    def _pip_starts(self) -> bool:
        command = [str(self.python), "-I", "-m", "pip", "--version"]
        return subprocess.run(command, capture_output=True).returncode == 0

    def _install(self, action: str, lock: IO) -> None:
        if unlocked := packages.unlocked(self.requirements, self.lock):
            raise Trouble(
                f"requirements.txt asks for {unlocked[0]}, which {self.lock.name} does not hold; "
                f"whoever changed the one writes the other too, as its first lines say"
            )
        quiet = [] if os.isatty(2) else ["--quiet", "--progress-bar", "off"]
        options = ["install", "--disable-pip-version-check", "--no-input", "--no-user", *quiet]
        options += ["--retries", str(RETRIES[action if self.starts() else "create"]), "--require-hashes", "--no-deps"]
        pip = [str(self.python), "-I", "-m", "pip", *options, "-r"]
        lacking = packages.lacking(self.requirements, self._libraries())
        for first in (pin for pin in lacking if pin.startswith("pip ")):  # the others come by it
            say(f"2/3 {first}")
            files.write(self.folder / "pip.lock", packages.locked_lines(self.lock, "pip"))
            self._call([*pip, str(self.folder / "pip.lock")], lock=lock)
        say(f"3/3 the packages of {self.lock.name}")
        self._call([*pip, str(self.lock)], lock=lock)

    def _join_the_kit(self) -> None:
        """Let this Python find the kit, and `bmkit` start it: nothing is built or fetched for that."""
        for folder in self._libraries():
            files.write(folder / "bmkit-kit.pth", Path(os.path.relpath(self.root, folder)).as_posix() + "\n")
        if os.name == "nt":
            files.write(self.programs / "bmkit.cmd", '@"%~dp0python.exe" -m bmkit %*\n')
        else:
            files.write(self.programs / "bmkit", '#!/bin/sh\nexec "$(dirname "$0")/python" -m bmkit "$@"\n')
            (self.programs / "bmkit").chmod(0o755)

    def _call(self, command: list[str], *, lock: IO) -> None:
        # The child keeps the lock: were this process killed alone, the next set-up would wait for pip to end.
        kept = {} if os.name == "nt" else {"pass_fds": (lock.fileno(),)}
        text = {"text": True, "encoding": "utf-8", "errors": "replace"}
        complaints = ""
        with subprocess.Popen(command, cwd=self.root, stdout=2, stderr=subprocess.PIPE, **text, **kept) as child:
            try:
                for line in child.stderr:
                    if "Retrying" in line and "Retrying" not in complaints:
                        say("the package index does not answer; pip tries again …")
                    complaints += line
            except KeyboardInterrupt:
                child.terminate()
                raise
        if child.returncode:
            raise Trouble(
                troubles.advice(complaints.strip() or f"{command[3]} ended with exit code {child.returncode}")
            )
