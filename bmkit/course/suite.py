"""Everything that `test` and the continuous integration run, stage by stage, with one table at the end."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bmkit.course import kernels
from bmkit.course.chapters import ROOT

__all__ = ["Stage", "Verdict", "browser_is_there", "notebook_stages", "run", "stages"]

NOTHING_COLLECTED = 5  # pytest's exit code: no test has the chapter's name
MOST_WORKERS = 4
TWICE = "tests/course/test_twice.py"  # takes as long as two runs of all notebooks


@dataclass(frozen=True)
class Stage:
    """One step of the suite.

    Attributes:
        name: what is tested.
        action: does it and returns whether it passed.
        mend: what to do when it fails.
        first: whether nothing after it is worth the time while it fails.
    """

    name: str
    action: Callable[[], bool]
    mend: str
    first: bool = False


@dataclass(frozen=True)
class Verdict:
    """How a stage ended."""

    stage: Stage
    passed: bool
    seconds: float


def stages(*, fast: bool, chapters: Iterable[str] = (), nbval: Iterable[str] = (), quiet=None) -> list[Stage]:
    """List the stages in the order in which they run.

    Args:
        fast: leave out notebooks, browser and the tests that are marked slow.
        chapters: names such as ``11_cnn_images``; the tests are narrowed to these when given.
        nbval: pytest's arguments for the notebooks; without any that stage is left out.
        quiet: environment variables for the notebooks.

    Returns:
        Stages for `run`.
    """
    python = [sys.executable, "-m"]
    narrowed, nbval = _narrowed(list(chapters)), list(nbval)
    fetch, *notebooks = notebook_stages([] if fast else nbval, quiet)
    # All tests: 53 s with two workers, 89 s with one. For a few tests starting workers is not worth it.
    tests = [*python, "pytest", "-q", f"--ignore={TWICE}", *(narrowed or _side_by_side()), *_marked(fast)]
    ruff = [*python, "ruff"]
    shown = " ".join([os.path.relpath(ruff[0], ROOT), *ruff[1:]])
    found = [
        fetch,
        Stage("ruff check", _calls([*ruff, "check", "."]), f"run: {shown} check --fix .", bool(narrowed)),
        Stage("ruff format", _calls([*ruff, "format", "--check", "."]), f"run: {shown} format .", bool(narrowed)),
        Stage("tests", _calls(tests), "read the first failure above; its last lines say what was expected"),
        *notebooks,
    ]
    if narrowed and notebooks:  # as long as two runs of its notebook: for one who writes a chapter
        twice = [*python, "pytest", "-q", *narrowed, TWICE]
        found.append(Stage("cells run twice", _calls(twice), "mend the cell so that it leaves alone what it was given"))
    return found


def notebook_stages(nbval: Iterable[str], quiet=None) -> list[Stage]:
    """List the stages that compare notebooks with a fresh run, and nothing else.

    Args:
        nbval: pytest's arguments for the notebooks; without any only the data are fetched.
        quiet: environment variables for the notebooks.

    Returns:
        Stages for `run`.
    """
    found, nbval = [Stage("core data", _fetch, "run: python3 -m bmkit data fetch")], list(nbval)
    if nbval:
        notebooks = [sys.executable, "-m", "pytest", "-q", *_side_by_side(), *nbval]
        mend = "if the new output is right, run: python3 -m bmkit build NN; else mend the cell named above"
        found.append(Stage("notebooks", _calls(notebooks, quiet), mend))
    return found


def _side_by_side() -> list[str]:
    return ["-n", str(min(os.cpu_count() or 1, MOST_WORKERS)), "--dist", "loadfile"]


def run(these: Iterable[Stage], report: Callable[[str], None] = print) -> list[Verdict]:
    """Run all stages, also those after a failure, unless it is one that must be mended first.

    Args:
        these: from `stages`.
        report: receives one line at the start of each stage.

    Returns:
        One verdict for each stage that was run.
    """
    verdicts = []
    for stage in these:
        report(f"▶ {stage.name}")
        start = time.monotonic()
        passed = stage.action()
        verdicts.append(Verdict(stage, passed, time.monotonic() - start))
        if stage.first and not passed:
            break
    return verdicts


def browser_is_there() -> bool:
    """Tell whether the tests marked ``browser`` can run: Playwright and a Chromium are present."""
    programs = ("chromium", "chromium-browser", "google-chrome")
    return importlib.util.find_spec("playwright") is not None and any(map(shutil.which, programs))


def _marked(fast: bool) -> list[str]:
    if fast:
        return ["-m", "not browser and not slow"]
    return [] if browser_is_there() else ["-m", "not browser"]


def _narrowed(chapters: list[str]) -> list[str]:
    """Choose the tests that bear a chapter's name: ``ch11`` or ``11_cnn_images`` in file, function or case."""
    words = [word for name in chapters for word in (f"ch{name[:2]}", name)]
    return ["-k", " or ".join(words)] if words else []


def _calls(command: list[str], quiet: dict[str, str] | None = None) -> Callable[[], bool]:
    def action() -> bool:
        done = subprocess.run(command, cwd=ROOT, env={**kernels.environment(), **(quiet or {})})
        return done.returncode in ((0, NOTHING_COLLECTED) if "-k" in command else (0,))

    return action


def _fetch() -> bool:
    from bmkit import data

    try:
        if data.verify():  # without this look TensorFlow would be loaded for nothing
            with kernels.entered():
                data.fetch()
    except data.DataError as error:
        print(error, file=sys.stderr)
        return False
    return True
