"""Run chapters in other ways than they were built: seeds, threads, an older processor. Every claim must hold in all."""

import contextlib
import functools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import psutil

from bmkit import data, files
from bmkit.course import book, claims, kernels, shaken, tables
from bmkit.course.chapters import Chapter

__all__ = ["Kernels", "Outcome", "Run", "old_machine", "report", "run", "shake", "single", "variants"]

ENTER = "from bmkit.course import shaken\nshaken.enter(get_ipython())"
# What an older processor lacks, by the names that NumPy gives to groups of instructions.
NEWER = ("AVX512", "X86_V4", "AMX")


@dataclass(frozen=True)
class Run:
    """One chapter in one variant."""

    chapter: Chapter
    variant: str


@dataclass(frozen=True)
class Outcome:
    """What one run showed.

    Attributes:
        run: the chapter and the variant.
        records: pairs of a cell's place, counted from 0, and what `expect` was given there.
        trouble: what stopped a cell that made no claim fail; empty when nothing did.
        seconds: how long it took.
    """

    run: Run
    records: list[tuple[int, dict]]
    trouble: str
    seconds: float

    @property
    def failures(self) -> int:
        """How many claims failed."""
        return sum(bool(record["failure"]) for _, record in self.records)


def variants(seeds: int) -> dict[str, dict[str, str]]:
    """List the ways in which a chapter is run: each seed on another kind of machine, so that few runs try both.

    Args:
        seeds: how many seeds; the first is the one that the chapter was built with.

    Returns:
        From each variant's name to the environment variables that make it.

    Example:
        >>> list(variants(2))
        ['seed-0', 'seed-1-old-machine', 'seed-0-all-threads', 'seed-1-older-machine', 'seed-0-one-thread']
    """
    kinds = {"": {}, "old-machine": old_machine()}
    kinds["all-threads"] = {"TF_NUM_INTRAOP_THREADS": "0", "TF_NUM_INTEROP_THREADS": "0"}  # 0: one a core
    kinds["older-machine"] = old_machine(2008)
    kinds["one-thread"] = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    found = {}
    for number in range(max(seeds, len(kinds))):
        kind, seed = list(kinds)[number] if number < len(kinds) else "", number % seeds
        found[f"seed-{seed}-{kind}".removesuffix("-")] = {shaken.SHIFT: str(seed), **kinds[kind]}
    return found


def single(seeds: int) -> dict[str, dict[str, str]]:
    """List the variants that change one thing alone, which tell what made a claim fail.

    Args:
        seeds: how many seeds.

    Returns:
        As `variants`, by the names ``seed-0``, ``seed-1``, … and ``old-machine``, ``one-thread``, ….

    Example:
        >>> list(single(2))
        ['seed-0', 'seed-1', 'all-threads', 'old-machine', 'older-machine', 'one-thread']
    """
    plain = {f"seed-{number}": {shaken.SHIFT: str(number)} for number in range(seeds)}
    kinds = {name.removeprefix("seed-0-"): ways for name, ways in variants(1).items() if name != "seed-0"}
    return plain | dict(sorted(kinds.items()))


def old_machine(year: int = 2013) -> dict[str, str]:
    """Return the environment in which libraries use only the instructions that an older processor has.

    Other instructions add in another order, and results differ in their last figures; a training makes more of that.

    Args:
        year: 2013 for AVX2 (Haswell), 2008 for SSE4 (Nehalem), as far as libraries can do without AVX.

    Returns:
        Variables that must be set before NumPy and TensorFlow are loaded.

    Example:
        >>> old_machine()["TF_ENABLE_ONEDNN_OPTS"]
        '0'
    """
    variables = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return variables
    haswell = year >= 2013
    names = ("AVX2", "AVX2", "Haswell") if haswell else ("SSE41", "SSE4_2", "Nehalem")
    variables |= {"ONEDNN_MAX_CPU_ISA": names[0], "OPENBLAS_CORETYPE": names[2]}
    variables["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa={names[1]}".strip()
    disabled = [name for name in _dispatched() if not haswell or name.startswith(NEWER)]
    if disabled:
        variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(disabled)
    return variables


def _dispatched() -> list[str]:
    """List the instructions that NumPy uses here where there are, and can do without; it refuses other names."""
    import numpy as np

    return np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])


def shake(
    chapters: Iterable[Chapter],
    ways: dict[str, dict[str, str]],
    *,
    jobs: int = 1,
) -> Iterator[Outcome]:
    """Run chapters in variants and hand each outcome on as soon as it is there.

    Args:
        chapters: what to run.
        ways: from `variants`.
        jobs: how many kernels work at the same time.

    Yields:
        One outcome for each chapter and variant; fewer when the caller stops, which ends all kernels.
    """
    runs, kernels_at_work = [Run(chapter, name) for chapter in chapters for name in ways], Kernels()
    with kernels.entered(quiet=True), _bar(runs) as advance, _workers(jobs, kernels_at_work) as pool:
        if runs and data.verify():  # without a run nothing is needed
            data.fetch()
        waiting = [
            pool.submit(run, one, ways[one.variant], kernels_at_work, functools.partial(advance, one)) for one in runs
        ]
        for future in as_completed(waiting):
            yield future.result()


class Kernels:
    """The kernels at work, so that all can be ended at once.

    Example:
        >>> kernels_at_work = Kernels()
        >>> kernels_at_work.end()
        >>> kernels_at_work.ended
        True
    """

    def __init__(self):
        self.processes: list[psutil.Process] = []  # an object, not a number, which may be another's by and by
        self.ended = False

    def add(self, process: int) -> None:
        """Take a kernel in.

        Args:
            process: its number.
        """
        self.processes.append(psutil.Process(process))

    def check(self) -> None:
        """Stop a run whose kernel was just starting when all were ended.

        Raises:
            RuntimeError: the kernels have been ended.
        """
        if self.ended:
            raise RuntimeError("the kernels have been ended.")

    def end(self) -> None:
        """Kill all kernels; one that is just starting stops at the next `check`."""
        self.ended = True
        for process in list(self.processes):
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def _workers(jobs: int, kernels_at_work: Kernels) -> Iterator[ThreadPoolExecutor]:
    """Give threads that run kernels; at the end, also at Ctrl-C, no kernel is left."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        kernels_at_work.end()
        pool.shutdown(cancel_futures=True)


def report(chapters: list[Chapter], ways: dict[str, dict[str, str]], *, jobs: int = 1, out: Path | None = None) -> bool:
    """Run chapters in variants and print what became of each claim; after Ctrl-C, of those that were reached.

    Args:
        chapters: what to run.
        ways: from `variants`.
        jobs: how many kernels work at the same time.
        out: a file for the table, too: JSON where its name ends so, else Markdown.

    Returns:
        Whether every claim held.
    """
    count = len(chapters) * len(ways)
    minutes = sum(chapter.run_seconds for chapter in chapters) * len(ways) / jobs / 60
    print(f"chapters: {len(chapters)}, variants: {len(ways)}, about {minutes:.0f} min", flush=True)
    outcomes = []
    try:
        with contextlib.closing(shake(chapters, ways, jobs=jobs)) as running:
            for outcome in running:
                outcomes.append(outcome)
                print(f"{len(outcomes)} of {count}: {_told(outcome)}", flush=True)
    finally:
        every = [(one.run.chapter.number, one.run.variant, *pair) for one in outcomes for pair in one.records]
        found = claims.gather(every)
        tables.table("bmkit shake", claims.COLUMNS, [claim.row(len(ways)) for claim in found])
        if out:
            text = claims.as_json(found) if out.suffix == ".json" else claims.markdown(found, len(ways))
            files.write(out, text)
        problems = [*_failed(found), *_broken(outcomes)]
        print("\n".join(problems) or f"Every claim held in {len(outcomes)} of {count} runs.")
    return not problems


def _failed(found: Iterable[claims.Claim]) -> Iterator[str]:
    for claim in found:
        for variant, failure in claim.failed.items():
            yield f"✗ {claim.chapter} [{claim.cell}], {variant}: {failure}"


def _broken(outcomes: Iterable[Outcome]) -> Iterator[str]:
    for one in outcomes:
        if one.trouble:
            yield f"✗ {one.run.chapter.number}, {one.run.variant}: {one.trouble}"


def _told(outcome: Outcome) -> str:
    verdict = f"{len(outcome.records)} claims, " + (f"{outcome.failures} failed" if outcome.failures else "all hold")
    stopped = f"; {outcome.trouble.splitlines()[0]}" if outcome.trouble else ""
    return f"{outcome.run.chapter.number} {outcome.run.variant}, {outcome.seconds:.0f} s: {verdict}{stopped}"


@contextlib.contextmanager
def _bar(runs: list[Run]) -> Iterator[Callable[[Run], None]]:
    """Show in a terminal how far all runs are and how long they will take; a chapter counts its seconds."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    weights = {one.chapter.number: one.chapter.run_seconds / _code_cells(one.chapter) for one in runs}
    total = sum(one.chapter.run_seconds for one in runs)
    both = sys.stdout.isatty()  # else lines for a file would go to the terminal
    with Progress(console=console, transient=True, redirect_stdout=both, disable=not console.is_terminal) as progress:
        task = progress.add_task("shaking", total=total)

        def advance(one: Run) -> None:
            progress.update(
                task, advance=weights[one.chapter.number], description=f"{one.chapter.number} {one.variant}"
            )

        yield advance


def _code_cells(chapter: Chapter) -> int:
    return sum(cell.cell_type == "code" for cell in book.read_source(chapter).cells)


def _process(content: dict, line: str) -> int:
    """Return the number of a kernel's process, which `ENTER` wrote as its first line."""
    if content["status"] == "error":
        raise RuntimeError(f"its kernel could not be prepared: {content['evalue']}")
    return int(line)


def run(
    one: Run, variables: dict[str, str], kernels_at_work: Kernels, after_cell: Callable[[], None] = lambda: None
) -> Outcome:
    """Run a chapter once, from its source; claims that fail do not stop it, other errors only their cell.

    Args:
        one: chapter and variant.
        variables: the environment variables of the variant.
        kernels_at_work: takes this run's kernel in while it works.
        after_cell: called after each code cell of the chapter.

    Returns:
        The outcome, also of a run that broke off.
    """
    import nbformat

    notebook = book.read_source(one.chapter)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(ENTER))
    records, troubles, started = [], [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bmkit-shake-") as folder:
        path = Path(folder) / "claims.jsonl"
        path.touch()
        with path.open(encoding="utf-8") as lines:

            def look(cell, cell_index, execute_reply) -> None:
                content = execute_reply["content"]
                if cell_index == 0:
                    kernels_at_work.add(_process(content, lines.readline()))
                kernels_at_work.check()
                if cell_index == 0:
                    return
                place = cell_index - 1  # without the cell that went before the chapter
                records.extend((place, json.loads(line)) for line in lines)
                if content["status"] == "error":
                    troubles.append(f"cell [{place}] stopped with {content['ename']}: {content['evalue']}")
                after_cell()

            try:
                book.execute(one.chapter, notebook, look, {**variables, shaken.CLAIMS: str(path)}, allow_errors=True)
            except (book.BookError, RuntimeError, psutil.Error) as error:  # the last two: its start failed
                troubles.insert(0, str(error))
    more = f" (and {len(troubles) - 1} more cells)" if len(troubles) > 1 else ""
    return Outcome(one, records, troubles[0] + more if troubles else "", time.monotonic() - started)
