"""Measure how many small faults the tests notice: the mutation score of the modules that must not fail in silence.

Each mutant (see `mutants.py`) is a copy of one module with one fault; a test that fails has killed it. The packages
that the tests need are imported once, then each mutant gets a forked process and a copy of the repository of its own,
so that programs which a test starts see the mutant too. Tests that run the changed line come first, quick ones before
slow ones::

    python3 benchmarks/mutation.py --module check --survivors
    python3 benchmarks/mutation.py --module train --sample 40
    python3 benchmarks/mutation.py  # everything; hours

Needs fork (Linux, macOS). A mutant may delete what a guard would have saved: home, cache and temporary folder are
replaced, and for an administrator on Linux the disk is read-only meanwhile (`--no-fence` leaves that out).
"""

import argparse
import contextlib
import gc
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutants import Mutant, mutants
from mutation_plugins import Order, Watch
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
# What is mutated, and the tests that must notice, the files that load little first. Patterns, so that a new file
# beside the old ones is taken too.
MODULES = {
    "check": (
        ["bmkit/check.py", "bmkit/compare.py"],
        ["tests/test_check.py", "tests/test_compare.py", "tests/test_check_*.py"],
    ),
    "losses": (["bmkit/scratch/losses.py"], ["tests/scratch/test_scratch.py", "tests/scratch/test_scratch_losses.py"]),
    "train": (
        ["bmkit/train/*.py"],
        ["tests/train/test_checkpoint*.py", "tests/train/test_train*.py"],
    ),
    "fetch": (
        ["bmkit/data/fetch.py", "bmkit/data/store.py", "bmkit/data/record.py"],
        [
            f"tests/data/test_data_{name}*.py"
            for name in ("record", "store", "fetch", "online", "faults", "hostile", "disk")
        ],
    ),
    "parcels": (
        ["bmkit/data/parcels.py", "bmkit/data/transport.py"],
        [f"tests/data/test_data_{name}*.py" for name in ("parcels", "transport", "hostile", "faults")],
    ),
    "unpickle": (
        ["bmkit/data/unpickle.py", "bmkit/data/records.py"],
        ["tests/data/test_data_unpickle*.py", "tests/data/test_data_readers*.py"],
    ),
}
# Mutants that no test can notice, because they do the same: "file, function: before → after", and why.
EQUIVALENT = {
    "bmkit/check.py, _told: text = '' → text = None": "it is only asked whether there is a text",
    "bmkit/check.py, Exercise._explain: return '' → return None": "it is only asked whether there is a text",
    "bmkit/check.py, Question._in_wrapping: return '' → return None": "it is only asked whether there is a text",
    "bmkit/data/transport.py, _command: -1 → 1": "cut at one hyphen, a name has two parts",
    "bmkit/data/transport.py, _index: encoding='utf-8' → nothing": "where the locale's encoding is UTF-8, as here",
    "bmkit/data/transport.py, _watch: time.monotonic() - moved > WINDOW → time.monotonic() - moved >= WINDOW": (
        "no clock gives the same time twice to the last digit"
    ),
    "bmkit/train/keeper.py, Keeper.on_epoch_end: 0.0 → 1.0": "it is only asked whether the number is finite",
    "bmkit/scratch/losses.py, categorical_cross_entropy: -1 → 1": "the last axis of two is axis 1",
}
MEMORY, FILE_SIZE = 8 * 2**30, 2**30  # bytes; a mutant of a limit fills neither memory nor disk
FENCE = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"'


class Desk:
    """A copy of the repository in which one mutant at a time is tried."""

    def __init__(self, folder: Path):
        self.root, self.home = folder / "kit", folder / "home"
        self._restore()

    def run(self, tests: list[str], plugin, change: tuple[str, str] | None = None) -> int:
        """Fork a process that runs the tests here, with another source of one file; return its number."""
        if self._state() != self._clean:
            self._restore()
        shutil.rmtree(self.home, ignore_errors=True)
        (self.home / "tmp").mkdir(parents=True)
        if change:
            (self.root / change[0]).write_text(change[1], "utf-8")
        process = os.fork()
        if not process:
            code = 70
            try:
                self._settle()
                options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={self.home / 'tests'}"]
                options += ["--assert=plain"] if change else []  # quicker; without a mutant a failure is read
                # File by file, so that what kills the mutant soon imports nothing that only later files need.
                for group in plugin.groups(tests) if change else [tests]:
                    code = pytest.main([*options, *group], plugins=[plugin])
                    if code:
                        break
            finally:
                os._exit(code)
        return process

    def _settle(self) -> None:
        """Let the process, and all that it starts, live in this copy only."""
        os.setsid()
        log = os.open(self.home / "log", os.O_RDWR | os.O_CREAT)
        for number in (1, 2):
            os.dup2(log, number)
        places = {"HOME": self.home, "TMPDIR": self.home / "tmp", "BMKIT_CACHE": self.home / "cache"}
        os.environ |= {name: str(path) for name, path in places.items()} | {"PYTHONPATH": str(self.root)}
        tempfile.tempdir = None
        os.chdir(self.root)
        sys.path.insert(0, str(self.root))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
        with contextlib.suppress(ValueError, OSError):  # not every system counts a process's memory
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))

    def _state(self) -> set:
        found = {path: path.lstat() for path in self.root.rglob("*")}
        return {(path, about.st_size, about.st_mtime_ns) for path, about in found.items() if path.is_file()}

    def _restore(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(".*", "__pycache__", "my_*", "shared"))
        self._clean = self._state()


def measure(name: str, desks: list[Desk], sample: int | None, survivors: bool) -> list[tuple[str, Mutant, str]]:
    """Try the mutants of a group of files; return file, mutant and outcome of each."""
    files, tests = map(_found, MODULES[name])
    known = _watched(files, [*tests, *files], desks[0])
    tests += [file for file in files if any(name.startswith(f"{file}::") for name in known["tests"])]  # doctests
    for package in known["packages"]:
        with contextlib.suppress(Exception):
            importlib.import_module(package)
    gc.collect()
    gc.freeze()  # what was loaded stays: no collection in a child looks through it again
    begun = time.monotonic()
    _end_well(desks[0].run(tests, Order(known["tests"], ("", 0))), desks[0], "in another order")
    limit = 20 + 4 * (time.monotonic() - begun)
    work = [(file, mutant) for file in files for mutant in mutants((ROOT / file).read_text("utf-8"))]
    work = random.Random(0).sample(work, min(sample or len(work), len(work)))
    print(f"{name}: {len(work)} mutants, {len(known['tests'])} tests, at most {limit:.0f} s each", flush=True)
    outcomes = []
    for outcome in _tried(work, desks, tests, known["tests"], limit):
        outcomes.append(outcome)
        if survivors and outcome[2] == "survived":
            print(f"{outcome[0]}:{outcome[1].line}, {outcome[1].label}", flush=True)
        if len(outcomes) % 20 == 0 or len(outcomes) == len(work):
            counts = ", ".join(f"{count} {word}" for word, count in Counter(o[2] for o in outcomes).items())
            print(f"{name}: {len(outcomes)} of {len(work)}, {time.monotonic() - begun:.0f} s: {counts}", flush=True)
    return outcomes


def _found(patterns: list[str]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for pattern in patterns for path in sorted(ROOT.glob(pattern))]


def _watched(files: list[str], tests: list[str], desk: Desk) -> dict:
    note = desk.home.parent / "note.json"
    _end_well(desk.run(tests, Watch(desk.root, files, note)), desk, "without any mutant")
    return json.loads(note.read_text("utf-8"))


def _end_well(process: int, desk: Desk, how: str) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if code:
        raise SystemExit(f"the tests fail {how} ({code}):\n{(desk.home / 'log').read_text('utf-8')[-4000:]}")


def _tried(work: list, desks: list[Desk], tests: list[str], known: dict, limit: float) -> Iterator:
    waiting, free, running = work[::-1], list(desks), {}
    try:
        while waiting or running:
            while waiting and free:
                file, mutant = waiting.pop()
                if f"{file}, {mutant.label}" in EQUIVALENT:
                    yield file, mutant, "equivalent"
                    continue
                desk = free.pop()
                process = desk.run(tests, Order(known, (file, mutant.line)), (file, mutant.source))
                running[process] = desk, file, mutant, time.monotonic() + limit
            for process, (desk, file, mutant, end) in list(running.items()):
                outcome = _outcome(process, late=time.monotonic() > end)
                if outcome:
                    del running[process]
                    free.append(desk)
                    yield file, mutant, outcome
            time.sleep(0.01)
    finally:
        for process in running:
            _end(process)


def _outcome(process: int, *, late: bool) -> str:
    """Tell what became of a process; the empty string while it runs."""
    done, status = os.waitpid(process, os.WNOHANG)
    if not done and not late:
        return ""
    _end(process)
    if not done:
        os.waitpid(process, 0)
        return "timed out"
    return "killed" if os.waitstatus_to_exitcode(status) else "survived"


def _end(process: int) -> None:
    for send in (os.killpg, os.kill):  # what its tests started, too
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(process, signal.SIGKILL)


def report(outcomes: list[tuple[str, Mutant, str]]) -> None:
    """Print the table."""
    columns = ("mutants", "killed", "timed out", "survived", "equivalent", "score")
    table = Table("file", *columns, title="small faults that the tests notice")
    files = list(dict.fromkeys(file for file, _, _ in outcomes))
    for name, chosen in [*((file, [file]) for file in files), ("all", files)]:
        count = Counter(outcome for file, _, outcome in outcomes if file in chosen)
        noticed, counted = count["killed"] + count["timed out"], count.total() - count["equivalent"]
        cells = [count.total(), *(count[word] for word in columns[1:5]), f"{noticed / max(counted, 1):.1%}"]
        table.add_row(name, *map(str, cells))
    Console(width=120).print(table)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module", choices=MODULES, action="append", help="only this one (may be repeated)")
    parser.add_argument("--sample", type=int, help="only so many mutants of each, drawn with a fixed seed")
    parser.add_argument("--survivors", action="store_true", help="list the mutants that no test noticed")
    parser.add_argument("--workers", type=int, default=2, help="mutants tried at once (2)")
    parser.add_argument("--no-fence", action="store_true", help="leave the disk writable")
    options = parser.parse_args()
    # A mutant written in the same second as the last must not be taken for it: no compiled files.
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    os.environ |= quiet
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # tests that become other users must reach what is theirs
        if shutil.which("unshare") and not os.geteuid() and not options.no_fence:
            command = ["unshare", "--mount", "sh", "-c", FENCE, folder, sys.executable, *sys.argv, "--no-fence"]
            raise SystemExit(subprocess.run(command, env=os.environ | {"TMPDIR": folder}).returncode)
        os.environ["HOME"] = folder
        desks = [Desk(Path(folder, str(number))) for number in range(options.workers)]
        chosen = options.module or MODULES
        report([o for name in chosen for o in measure(name, desks, options.sample, options.survivors)])


if __name__ == "__main__":
    main()
