"""The verbs of ``python3 -m bmkit``: each a thin call. Whatever is heavy is imported inside the verb that needs it."""

import difflib
import functools
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bmkit import console
from bmkit.course import tables
from bmkit.course.chapters import NOTEBOOKS
from bmkit.errors import Error, WrongUse

__all__ = ["app", "main"]

PROGRAM = "python3 -m bmkit"
STOPPED = 130  # the exit code of a program that Ctrl-C ended

app = typer.Typer(
    help="A course on building applications with large AI models, in Keras notebooks that test themselves.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

Numbers = Annotated[list[str] | None, typer.Argument(metavar="[NN …]", help="Such as 04 11; all if left out.")]
Number = Annotated[str, typer.Argument(metavar="NN", help="A chapter, such as 20.")]
_line = functools.partial(print, flush=True)
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Print the address, open no browser.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Exactly this port.")]


class Action(StrEnum):
    """What `data` can do."""

    LIST = "list"
    FETCH = "fetch"
    VERIFY = "verify"


class Kind(StrEnum):
    """What `new` can write."""

    CHAPTER = "chapter"
    EXERCISE = "exercise"
    DATASET = "dataset"


@app.callback(invoke_without_command=True)
def _without_verb(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
    elif not (NOTEBOOKS / "chapters.toml").is_file():
        raise Error(
            "this is the package alone, without notebooks and data; the kit runs in its clone: fetch it with git "
            f"clone, and type there: {PROGRAM} {context.invoked_subcommand}"
        )


@app.command("lab")
def _lab(
    no_browser: NoBrowser = False,
    port: Port = None,
    notebooks: Annotated[Path | None, typer.Option(help="Folder for your copy (or BMKIT_NOTEBOOKS).")] = None,
    present: Annotated[bool, typer.Option("--present", help="For the front of a class, in my_presentation.")] = False,
) -> int:
    """Open JupyterLab on your own copy of the notebooks; your edits are never overwritten."""
    from bmkit.course import lab

    return lab.open_lab(port=port, browser=not no_browser, notebooks=notebooks, present=present)


@app.command("test")
def _test(
    numbers: Numbers = None,
    fast: Annotated[bool, typer.Option("--fast", help="Leave out notebooks, browser and slow tests.")] = False,
    old_machine: Annotated[bool, typer.Option("--old-machine", help="Only notebooks, on an older processor.")] = False,
) -> int:
    """Run everything that continuous integration runs: style, tests, every notebook compared with its outputs."""
    from bmkit.course import book, form, shake, suite

    if fast and old_machine:
        raise WrongUse(f"--old-machine runs notebooks, --fast leaves them out; type one: {PROGRAM} test --old-machine")
    chosen = _chapters(numbers)
    if unmet := form.unmet(chosen):
        print("\n".join(unmet))
        return 1
    notebooks = [chapter.notebook for chapter in chosen or book.chapters() if chapter.ready]
    nbval = book.nbval_arguments(notebooks) if notebooks else []
    names = [chapter.notebook.stem for chapter in chosen]
    quiet = book.quiet_environment()
    if old_machine:
        stages = suite.notebook_stages(nbval, {**quiet, **shake.old_machine()})
    else:
        stages = suite.stages(fast=fast, chapters=names, nbval=nbval, quiet=quiet)
    if not fast and not old_machine and not suite.browser_is_there():
        print("Browser tests are left out: they need Playwright and Chromium.", flush=True)
    verdicts = suite.run(stages, _line)
    tables.verdicts(verdicts)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


@app.command("list")
def _list() -> None:
    """List the chapters with their times."""
    from bmkit.course import book

    rows = [
        (c.number, c.title, f"{c.read_minutes} min", f"{c.teach_minutes} min", f"{c.run_seconds} s")
        if c.ready
        else (c.number, c.title, "planned", "", "")
        for c in book.chapters()
    ]
    tables.table("Chapters", ["NN", "title", "to read", "to teach", "to run"], rows)


@app.command("run")
def _run(
    numbers: Annotated[list[str], typer.Argument(metavar="NN …", help="Chapters, such as 04 11.")],
    out: Annotated[Path, typer.Option(help="Folder for the web pages.")] = Path("out"),
    present: Annotated[bool, typer.Option("--present", help="Without code that only checks or draws.")] = False,
) -> None:
    """Execute chapters without a browser and write them as web pages."""
    from bmkit.course import book

    chosen = _chapters(numbers)
    book.prepare_out(out)  # before minutes of work whose result would have no place
    for chapter in chosen:
        print(f"{chapter.number} {chapter.title} (about {chapter.run_seconds} s)", flush=True)
        print("wrote", book.run(chapter, out, lambda line: print("  " + line, flush=True), present=present))


@app.command("demo")
def _demo(number: Number, no_browser: NoBrowser = False, port: Port = None) -> int:
    """Open a chapter's application alone in the browser, for the front of a class."""
    from bmkit.course import demo

    return demo.open_demo(number, port=port, browser=not no_browser)


@app.command("data")
def _data(
    action: Annotated[Action, typer.Argument(help="list, fetch or verify.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME …]", help="Data sets, weights, recordings; all for offline use if left out."),
    ] = None,
) -> int:
    """Show the catalogue of data sets, pretrained weights and recordings, download them, or hash them again."""
    from bmkit import data
    from bmkit.course import kernels, skeleton

    known = [*data.names(), *data.weights(), *data.recordings()]
    for name in names or []:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            advice = f"type: {PROGRAM} data {action} {near[0]}" if near else f"see them with: {PROGRAM} data list"
            raise WrongUse(f"there is no data set {name!r}; {advice}")
    if action is Action.LIST:
        tables.catalogue([data.describe(name) for name in names or known])
    elif action is Action.FETCH:
        skeleton.refuse_unfilled(names or known)
        with kernels.entered():
            data.fetch(names or None)
    else:
        return _told(data.verify(names or None), "All data are as they should be.")
    return 0


def _told(problems: list[str], otherwise: str) -> int:
    print("\n".join(problems) or otherwise)
    return 1 if problems else 0


@app.command("build")
def _build(
    numbers: Numbers = None,
    check: Annotated[bool, typer.Option("--check", help="Only tell what is stale, and why.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Execute nothing: take new words; the outputs are right, as `test` showed.")
    ] = False,
) -> int:
    """Execute changed sources into notebooks."""
    from bmkit.course import book, form

    if check and accept:
        raise WrongUse(f"--check only tells, --accept writes; type one: {PROGRAM} build --check")
    chosen = [chapter.number for chapter in _chapters(numbers)] or None
    if check:
        return _told(book.stale(chosen), "All notebooks are up to date.")
    write = book.accept if accept else book.build
    early = form.unmet(_chapters(numbers), of_source=True)  # before minutes are spent on a run
    print(*early, sep="\n", end="\n" if early else "", flush=True)
    built = write(chosen, _line)
    late = [unmet for unmet in form.unmet(_chapters(numbers)) if unmet not in early]
    count = f"{len(built)} notebook{'' if len(built) == 1 else 's'} written."
    print(count, *late, *book.also_stale(chosen or ()), sep="\n")
    return 0


@app.command("shake")
def _shake(
    numbers: Numbers = None,
    variant: Annotated[list[str] | None, typer.Option(help="Only this one, such as old-machine; repeatable.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, 0 among them.")] = 5,
    jobs: Annotated[int, typer.Option(min=1, help="Kernels that work at the same time.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Also write the table: FILE.md or FILE.json.")] = None,
) -> int:
    """Run chapters with other seeds, threads and processors; tell how near each claim came to its bound."""
    from bmkit.course import book, shake

    chosen = _chapters(numbers) or [chapter for chapter in book.chapters() if chapter.ready]
    ways = shake.variants(seeds) | (shake.single(seeds) if variant else {})
    if unknown := set(variant or []) - set(ways):
        raise WrongUse(f"there is no variant {unknown.pop()!r}; there are: {', '.join(ways)}")
    if out:
        book.prepare_out(out.absolute().parent)
    return 0 if shake.report(chosen, {name: ways[name] for name in variant or ways}, jobs=jobs, out=out) else 1


@app.command("new")
def _new(
    kind: Annotated[Kind, typer.Argument(help="chapter, exercise or dataset.")],
    name: Annotated[str, typer.Argument(help="12_cnn_speech, ch12.frame_count, or a data set's name.")],
    of: Annotated[
        str | None,
        typer.Argument(help="Of an exercise: function, question or build; of a data set: PACKAGE==VERSION."),
    ] = None,
) -> None:
    """Write the skeleton of a chapter, an exercise or a data set, and say what to fill in."""
    from bmkit.course import skeleton

    if kind is Kind.CHAPTER and of:
        raise WrongUse(f"a chapter takes its name alone; type: {PROGRAM} new chapter {name}")
    write = {"chapter": skeleton.chapter, "exercise": skeleton.exercise, "dataset": skeleton.dataset}[kind]
    print("\n".join(write(name, of) if of else write(name)))


@app.command("doctor")
def _doctor(
    devices: Annotated[bool, typer.Option("--devices", help="Also load Keras and look for accelerators.")] = False,
) -> int:
    """Look at versions, processor, memory, disk and data; say what is missing and how to mend it."""
    from bmkit.course import doctor

    return 0 if doctor.report(devices=devices) else 1


def _chapters(numbers: list[str] | None) -> list:
    from bmkit.course import book

    try:
        return [book.find(number) for number in numbers or []]
    except book.BookError as error:
        raise WrongUse(f"{str(error).rstrip('.')}; see all with: {PROGRAM} list") from None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after ``python3 -m bmkit``; taken from the process when None.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C.

    Example:
        >>> main(["data", "list", "--help"])  # doctest: +ELLIPSIS
        <BLANKLINE>
        ...
        0
    """
    console.prepare()
    try:
        code = app(args=arguments, prog_name=PROGRAM, standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except Error as error:
        return _fail(str(error), error.exit_code)
    except Exception as error:
        if hasattr(error, "format_message"):  # Typer's own, whose class has moved between its versions
            return _fail(_advice(error), 2)
        raise
    return _fail("stopped", STOPPED) if code == STOPPED else code


def _fail(text: str, code: int) -> int:
    print(f"bmkit: {text}", file=sys.stderr)
    return code


def _advice(error) -> str:
    message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else PROGRAM
    near = message.split("Did you mean '")[1].split("'")[0] if "Did you mean '" in message else "--help"
    return f"{message.split('. Did you mean')[0]}; type: {path} {near}"


if __name__ == "__main__":
    sys.exit(main())
