"""Write the skeleton of a chapter, an exercise or a data set, and say what to fill in.

Nothing is ever overwritten, and all files of one call are written at its end, or none.
"""

import ast
import builtins
import contextlib
import keyword
import os
import re
import tomllib
from pathlib import Path

from bmkit.course import templates
from bmkit.course.chapters import ROOT
from bmkit.errors import Error

__all__ = ["SkeletonError", "chapter", "dataset", "exercise"]


LONGEST = 40  # letters of a name: it stands in file names, headings and tables


class SkeletonError(Error):
    """The skeleton cannot be written; the message says what to type instead."""

    exit_code = 2


def chapter(name: str, root: Path = ROOT) -> list[str]:
    """Write source and exercises of a new chapter.

    Args:
        name: two digits and a slug, such as ``12_cnn_speech``.
        root: the kit's folder.

    Returns:
        One line for each thing to fill in.

    Raises:
        SkeletonError: the name has another form, or the chapter exists.
    """
    if not re.fullmatch(r"\d\d_[a-z][a-z0-9_]*", name):
        raise SkeletonError(
            f"{name!r} is no chapter name; type for example: python3 -m bmkit new chapter 12_cnn_speech"
        )
    number, slug = name.split("_", 1)
    _refuse_long(name)
    title, planned = _title(number, slug, root)
    source = root / "notebooks" / "source" / f"{name}.py"
    if os.path.lexists(source):
        raise SkeletonError(f"{source.name} exists already and stays as it is; choose another name")
    texts = {source: _filled(templates.CHAPTER, number=number, title=title)}
    exercises = root / "bmkit" / "exercises" / f"ch{number}.py"
    lines = [f"wrote {source.relative_to(root)}: fill in what stands in CAPITALS"]
    if not exercises.exists():
        text = _filled(templates.EXERCISES, number=number, title=title)
        text = _with_exercise(text, number, "first", templates.FIRST)
        texts[exercises] = _with_exercise(text, number, "second", templates.SECOND)
        lines.append(f"wrote {exercises.relative_to(root)}: references, cases, hints; three exercises or more")
    _write_all(texts)
    if not planned:
        lines.append("add a line for it to notebooks/chapters.toml")
    return [*lines, f"then run: python3 -m bmkit build {number}"]


def exercise(name: str, root: Path = ROOT) -> list[str]:
    """Add an exercise to a chapter.

    Args:
        name: chapter and exercise, such as ``ch12.frame_count`` or ``12.frame_count``.
        root: the kit's folder.

    Returns:
        One line for each thing to fill in.

    Raises:
        SkeletonError: the name has another form, the exercise exists, or the chapter does not.
    """
    match = re.fullmatch(r"(?:ch)?(\d\d)\.([a-z][a-z0-9_]*)", name)
    if not match:
        raise SkeletonError(
            f"{name!r} is no exercise; type for example: python3 -m bmkit new exercise ch12.frame_count"
        )
    number, short = match.groups()
    _refuse_long(short)
    path = root / "bmkit" / "exercises" / f"ch{number}.py"
    if not path.exists():
        raise SkeletonError(f"{path.name} does not exist; type first: python3 -m bmkit new chapter {number}_SLUG")
    text = path.read_text("utf-8")
    if re.search(rf"^{short}\b", text, re.MULTILINE):
        raise SkeletonError(f"ch{number}.{short} exists already; choose another name")
    sources = sorted((root / "notebooks" / "source").glob(f"{number}_*.py"))
    _refuse_taken(short, [templates.CHAPTER, text, *(source.read_text("utf-8") for source in sources)])
    _write_all({path: _with_exercise(text, number, short, templates.FIRST)})
    return [
        f"added {short} to {path.relative_to(root)}: fill in what stands in CAPITALS",
        f"add a text cell (the task) and a stub to the chapter's source, ending in ch{number}.{short}.check({short})",
        f"then run: python3 -m bmkit build {number}",
    ]


def dataset(name: str, root: Path = ROOT) -> list[str]:
    """Add a commented manifest entry and the stub of a reader for a new data set.

    Args:
        name: such as ``iris_flowers``.
        root: the kit's folder.

    Returns:
        One line for each thing to fill in.

    Raises:
        SkeletonError: the name has another form, or the set exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SkeletonError(
            f"{name!r} is no data set name; type for example: python3 -m bmkit new dataset iris_flowers"
        )
    _refuse_long(name)
    manifest, readers = root / "data" / "manifest.toml", root / "bmkit" / "data" / "readers.py"
    entries, code = manifest.read_text("utf-8"), readers.read_text("utf-8")
    place = code.index("\nREADERS: ") + 1
    if f"[sets.{name}]" in entries or f"def {name}(" in code:
        raise SkeletonError(f"the data set or reader {name} exists already; choose another name")
    _refuse_taken(name, [code])
    reader = code[:place] + _filled(templates.READER, name=name) + code[place:]
    _write_all({manifest: entries + _filled(templates.MANIFEST, name=name), readers: reader})
    return [
        f"added {name} to data/manifest.toml as a comment: fill it in, take the comment signs away",
        f"added a reader to bmkit/data/readers.py: write {name} and name it in READERS, or delete it if another fits",
        f"then run: python3 -m bmkit data fetch {name}",
    ]


def _title(number: str, slug: str, root: Path) -> tuple[str, bool]:
    """Return the title, and whether the chapter is planned."""
    plan = root / "notebooks" / "chapters.toml"
    parts = tomllib.loads(plan.read_text("utf-8"))["parts"] if plan.exists() else []
    for entry in (entry for part in parts for entry in part["chapters"]):
        if (entry["number"], entry["slug"]) == (number, slug):
            return entry["title"], True
        if entry["number"] == number:
            wanted = f"{number}_{entry['slug']}"
            raise SkeletonError(f"chapter {number} is planned as {wanted}; type: python3 -m bmkit new chapter {wanted}")
    return slug.replace("_", " ").capitalize(), False


def _filled(template: str, **values: str) -> str:
    return re.sub("«([a-z]+)»", lambda match: values[match[1]], template)


def _refuse_long(name: str) -> None:
    if len(name) > LONGEST:
        raise SkeletonError(f"the name has {len(name)} letters; choose one of at most {LONGEST}")


def _refuse_taken(name: str, codes: list[str]) -> None:
    """Refuse a name that Python needs, or that a function of that name would hide in the code it joins."""
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise SkeletonError(f"{name} is a word of Python itself; choose another name, such as {name}_1")
    for code in codes:
        if name in _imported(code):
            raise SkeletonError(f"{name} is imported there and would be hidden; choose another name, such as {name}_1")


def _imported(code: str) -> set[str]:
    """Return the names that a text of Python binds by its imports; «…» of a template stands for a number."""
    nodes = ast.walk(ast.parse(re.sub("«[a-z]+»", "00", code)))
    aliases = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return {alias.asname or alias.name.split(".")[0] for alias in aliases}


def _with_exercise(text: str, number: str, name: str, template: str) -> str:
    listed = re.search(r"^__all__(?:: list\[str\])? = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    if listed:
        names = sorted({*re.findall(r"\w+", listed[1]), name})
        public = "__all__ = [" + ", ".join(f'"{known}"' for known in names) + "]"
        text = text[: listed.start()] + public + text[listed.end() :]
    return text.rstrip("\n") + "\n" + _filled(template, number=number, name=name).removeprefix("\n")


def _write_all(texts: dict[Path, str]) -> None:
    """Write every file beside its place first, so that a full disk leaves all of them as they were."""
    beside = {path: path.with_name(f".{path.name}.{os.getpid()}.new") for path in texts}
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside[path].write_text(text, "utf-8", newline="\n")
        for path in texts:
            beside[path].replace(path)
    except OSError as error:
        where = error.filename or next(iter(texts)).parent
        raise SkeletonError(f"nothing was written: {where}: {error.strerror}; mend this and type it again") from None
    finally:
        for path in beside.values():
            with contextlib.suppress(OSError):  # its folder may not exist either
                path.unlink()
