"""Write the skeleton of a chapter, an exercise or a data set, and say what to fill in. Nothing is ever overwritten."""

import re
import tomllib
from pathlib import Path

from bmkit import templates
from bmkit.chapters import ROOT

__all__ = ["SkeletonError", "chapter", "dataset", "exercise"]


class SkeletonError(Exception):
    """The skeleton cannot be written; the message says what to type instead."""


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
    title, planned = _title(number, slug, root)
    source = root / "notebooks" / "source" / f"{name}.py"
    _create(source, templates.CHAPTER, number=number, title=title)
    exercises = root / "bmkit" / "exercises" / f"ch{number}.py"
    lines = [f"wrote {source.relative_to(root)}: fill in what stands in CAPITALS"]
    if not exercises.exists():
        _create(exercises, templates.EXERCISES, number=number, title=title)
        _add_exercise(exercises, number, "first", templates.FIRST)
        _add_exercise(exercises, number, "second", templates.SECOND)
        lines.append(f"wrote {exercises.relative_to(root)}: references, cases, hints; three exercises or more")
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
    path = root / "bmkit" / "exercises" / f"ch{number}.py"
    if not path.exists():
        raise SkeletonError(f"{path.name} does not exist; type first: python3 -m bmkit new chapter {number}_SLUG")
    if re.search(rf"^{short}\b", path.read_text("utf-8"), re.MULTILINE):
        raise SkeletonError(f"ch{number}.{short} exists already; choose another name")
    _add_exercise(path, number, short, templates.FIRST)
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
    manifest, readers = root / "data" / "manifest.toml", root / "bmkit" / "data" / "readers.py"
    entries, code = manifest.read_text("utf-8"), readers.read_text("utf-8")
    place = code.index("\nREADERS: ") + 1
    if f"[sets.{name}]" in entries or f"def {name}(" in code:
        raise SkeletonError(f"the data set or reader {name} exists already; choose another name")
    _replace(manifest, entries + _filled(templates.MANIFEST, name=name))
    _replace(readers, code[:place] + _filled(templates.READER, name=name) + code[place:])
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


def _create(path: Path, template: str, **values: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:  # "x": fail rather than overwrite
            file.write(_filled(template, **values))
    except FileExistsError:
        raise SkeletonError(f"{path.name} exists already and stays as it is; choose another name") from None


def _add_exercise(path: Path, number: str, name: str, template: str) -> None:
    text = path.read_text("utf-8")
    listed = re.search(r"^__all__(?:: list\[str\])? = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    if listed:
        names = sorted({*re.findall(r"\w+", listed[1]), name})
        public = "__all__ = [" + ", ".join(f'"{known}"' for known in names) + "]"
        text = text[: listed.start()] + public + text[listed.end() :]
    _replace(path, text.rstrip("\n") + "\n" + _filled(template, number=number, name=name).removeprefix("\n"))


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, "utf-8", newline="\n")
    beside.replace(path)
