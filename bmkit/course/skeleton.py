"""Write the skeleton of a chapter, an exercise or a data set, and say what to fill in.

Nothing is ever overwritten, and all files of one call are written at its end, or none.
"""

import ast
import builtins
import contextlib
import glob
import json
import keyword
import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from bmkit.course import exercise_templates, set_templates, templates, wheel
from bmkit.course.chapters import ROOT
from bmkit.errors import WrongUse

__all__ = ["SkeletonError", "chapter", "dataset", "exercise", "refuse_unfilled"]


LONGEST = 40  # letters of a name: it stands in file names, headings and tables
KINDS = {  # of exercises: what comes into bmkit/exercises, and into the chapter
    "function": (exercise_templates.FUNCTION, exercise_templates.FUNCTION_CELLS),
    "question": (exercise_templates.QUESTION, exercise_templates.QUESTION_CELLS),
    "build": (exercise_templates.BUILD, exercise_templates.BUILD_CELLS),
}
FIRST_EXERCISES = (("first", "function"), ("second", "question"), ("third", "build"))


class SkeletonError(WrongUse):
    """A skeleton cannot be written, or is not filled in yet; the message says what to type or to mend."""


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
    if not re.fullmatch(r"[0-9]{2}_[a-z][a-z0-9_]*", name):
        raise SkeletonError(
            f"{name!r} is no chapter name; type for example: python3 -m bmkit new chapter 12_cnn_speech"
        )
    number, slug = name.split("_", 1)
    _refuse_long(name)
    title, before, planned = _planned(number, slug, root)
    source = root / "notebooks" / "source" / f"{name}.py"
    if os.path.lexists(source):
        raise SkeletonError(f"{source.name} exists already and stays as it is; choose another name")
    values = {"number": number, "title": title, "before": before}
    cells = [_filled(templates.CHAPTER, **values)]
    for n, (short, kind) in enumerate(FIRST_EXERCISES, start=1):
        cells += [_filled(templates.IDEA, n=str(n)), _filled(KINDS[kind][1], n=str(n), name=short, **values)]
    texts = {source: "".join([*cells, templates.SUMMARY])}
    exercises = root / "bmkit" / "exercises" / f"ch{number}.py"
    lines = [f"wrote {source.relative_to(root)}: fill in what stands in CAPITALS"]
    if not exercises.exists():
        text = _filled(exercise_templates.EXERCISES, number=number, title=title.rstrip("?!."))
        for short, kind in FIRST_EXERCISES:
            text = _with_exercise(text, number, short, KINDS[kind][0])
        texts[exercises] = text
        lines.append(f"wrote {exercises.relative_to(root)}: references, cases, hints; three exercises or more")
    if not planned:
        plan = root / "notebooks" / "chapters.toml"
        texts[plan] = _with_chapter(plan.read_text("utf-8"), number, slug, title)
        lines.append("added it to notebooks/chapters.toml, at the end: move the line to the part where it belongs")
    _write_all(texts)
    return [*lines, f"then run: python3 -m bmkit build {number}", _rules(number)]


def _rules(number: str) -> str:
    return f"and: python3 -m bmkit test {number}, which first lists every rule that is not kept yet"


def exercise(name: str, kind: str = "function", root: Path = ROOT) -> list[str]:
    """Add an exercise to a chapter.

    Args:
        name: chapter and exercise, such as ``ch12.frame_count`` or ``12.frame_count``.
        kind: "function", "question" (predict, then run) or "build" (a Keras layer).
        root: the kit's folder.

    Returns:
        One line for each thing to fill in.

    Raises:
        SkeletonError: the name has another form, the exercise exists, or the chapter does not.
    """
    match = re.fullmatch(r"(?:ch)?([0-9]{2})\.([a-z][a-z0-9_]*)", name)
    if not match or kind not in KINDS:
        raise SkeletonError(
            f"{name!r} {kind!r} is no exercise; type for example: python3 -m bmkit new exercise ch12.frame_count, with "
            f"one of {', '.join(KINDS)} behind it"
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
    bodies = {source: source.read_text("utf-8") for source in sources}
    codes = {"the template": templates.CHAPTER, path.name: text}
    _refuse_taken(short, codes | {source.name: body for source, body in bodies.items()})
    texts = {path: _with_exercise(text, number, short, KINDS[kind][0])}
    for source, body in bodies.items():
        last = body.rfind("\n# %% [markdown]\n# ## Summary")
        count = str(body.count("\n# ### Exercise ") + 1)
        cells = _filled(KINDS[kind][1], n=count, number=number, name=short)
        texts[source] = body[:last].rstrip("\n") + "\n" + cells + body[last:] if last > 0 else body + cells
    _write_all(texts)
    wrote = [f"added {short} to {one.relative_to(root)}: fill in what stands in CAPITALS" for one in texts]
    return [*wrote, f"move its cells to where they belong, then run: python3 -m bmkit build {number}", _rules(number)]


def dataset(name: str, requirement: str = "", root: Path = ROOT) -> list[str]:
    """Write the entry of a new data set; of one that lies in a package also its parcel, and a reader of a table.

    Args:
        name: such as ``iris_flowers``.
        requirement: the package that holds the data, as "palmerpenguins==0.1.4"; pip fetches its wheel. Without one
            the set comes from a package that is installed anyway.
        root: the kit's folder.

    Returns:
        One line for each thing to fill in.

    Raises:
        SkeletonError: the name has another form, or the set exists.
        WheelError: there is no such wheel.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SkeletonError(
            f"{name!r} is no data set name; type for example: python3 -m bmkit new dataset iris_flowers PACKAGE==1.0"
        )
    _refuse_long(name)
    _refuse_taken(name, {})
    place, code = root / "data" / "sets" / f"{name}.toml", root / "bmkit" / "data" / "readers" / f"{name}.py"
    if os.path.lexists(place) or os.path.lexists(code):
        raise SkeletonError(f"the data set or reader {name} exists already; choose another name")
    one = wheel.fetched(requirement) if requirement else None
    texts = {place: _filled(set_templates.SET, **_of_set(name, one))} | ({code: _reader(one)} if one else {})
    parcel = root / "data" / "parcels" / f"{one.name if one else ''}.toml"
    lines = [f"wrote {path.relative_to(root)}: fill in what stands in CAPITALS" for path in texts]
    if one and parcel.exists():
        lines.append(f"{parcel.relative_to(root)} is there already and stays; look whether it has the version you want")
    elif one:
        texts[parcel] = _filled(set_templates.PARCEL, **{key: _literal(value) for key, value in vars(one).items()})
        lines.append(f"wrote {parcel.relative_to(root)}, as pip fetched it")
    _write_all(texts)
    lines += ["if another reader fits, name it in the recipe and delete this one"] if one else []
    return [*lines, f"then run: python3 -m bmkit data fetch {name}", "and: python3 -m bmkit test --fast"]


def _columns(one: wheel.Wheel | None) -> tuple[list[str], str]:
    """Take the last column of a table for the label, until the author knows better."""
    *features, label = (one and one.columns) or ["WHICH COLUMN", "WHICH COLUMN"]
    return features, label


def _of_set(name: str, one: wheel.Wheel | None) -> dict[str, str]:
    """Fill in what the wheel tells about a set."""
    features, _ = _columns(one)
    source = f'source = "scikit-learn"  # its load_{name}, or WHERE ELSE'
    if one:
        others = f"  # there are also {_listed(one.members[1:9])}" if one.members[1:] else ""
        source = f'parcel = "{one.name}"\nmembers = [{_literal(glob.escape(one.members[0]))}]{others}'
    reader = name if one else "embedded_table"
    return {"reader": reader, "columns": str(len(features)), "features": _listed(features), "source": source}


def _reader(one: wheel.Wheel) -> str:
    packed = one.members[0].endswith(".gz")
    gunzip = "from bmkit.data.unpack import gunzip\n" if packed else ""
    content = "gunzip(content)" if packed else "content"
    return _filled(set_templates.READER, label=_literal(_columns(one)[1]), content=content, imports=gunzip)


def refuse_unfilled(names: Iterable[str], root: Path = ROOT) -> None:
    """Refuse data sets, weights and recordings in whose entries, readers or parcels a template's CAPITALS are left.

    Args:
        names: of the sets, weights and recordings.
        root: the kit's folder.

    Raises:
        SkeletonError: the message names file and line.

    Example:
        >>> refuse_unfilled(["digits"])
    """
    paths = dict.fromkeys(path for name in names for path in _files_of(name, root) if path.is_file())
    if told := [sentence for path in paths for sentence in templates.unfilled(path.name, path.read_text("utf-8"))]:
        raise SkeletonError("; ".join(told))


def _files_of(name: str, root: Path) -> list[Path]:
    """Return where entry, reader and parcels of a set, of weights or of a recording lie, if it has them."""
    places = [root / "data" / kind / f"{name}.toml" for kind in ("sets", "weights", "recordings")]
    tables = [tomllib.loads(place.read_text("utf-8")) for place in places if place.is_file()]
    single = [one.get("parcel") for table in tables for one in (table.get("recipe", {}), table)]
    parcels = [*filter(None, single), *(one for table in tables for one in table.get("files", ()))]
    reader = root / "bmkit" / "data" / "readers" / f"{name}.py"
    return [*places, reader, *(root / "data" / "parcels" / f"{one}.toml" for one in parcels)]


def _literal(value: object) -> str:
    """Write a value that a stranger chose so that TOML and Python read it, in one line, as what it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML takes no raw control character


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(map(_literal, texts))


def _planned(number: str, slug: str, root: Path) -> tuple[str, str, bool]:
    """Return the title, links to the chapters that come before, and whether the chapter is planned."""
    plan = root / "notebooks" / "chapters.toml"
    parts = tomllib.loads(plan.read_text("utf-8"))["parts"]
    entries = {entry["number"]: entry for part in parts for entry in part["chapters"]}
    known = entries.get(number)
    if known and known["slug"] != slug:
        wanted = f"{number}_{known['slug']}"
        raise SkeletonError(f"chapter {number} is planned as {wanted}; type: python3 -m bmkit new chapter {wanted}")
    needed = [entries[one] for one in known["before"]] if known else list(entries.values())[:1]
    links = [f"[{one['number']} · {one['title']}]({one['number']}_{one['slug']}.ipynb)" for one in needed]
    return known["title"] if known else slug.replace("_", " ").capitalize(), ", ".join(links), bool(known)


def _with_chapter(plan: str, number: str, slug: str, title: str) -> str:
    """Add a chapter to the last part of the plan."""
    text, end = plan.rstrip(), "]"
    if not text.endswith(end):
        raise SkeletonError("notebooks/chapters.toml does not end in a list of chapters; mend it first")
    line = f'  {{ number = "{number}", slug = "{slug}", title = "{title}", before = ["00"] }},\n'
    return text.removesuffix(end) + line + end + "\n"


def _filled(template: str, **values: str) -> str:
    return re.sub("«([a-z0-9]+)»", lambda match: values[match[1]], template)


def _refuse_long(name: str) -> None:
    if len(name) > LONGEST:
        raise SkeletonError(f"the name has {len(name)} letters; choose one of at most {LONGEST}")


def _refuse_taken(name: str, codes: dict[str, str]) -> None:
    """Refuse a name that Python needs, or that a function of that name would hide in the code it joins."""
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise SkeletonError(f"{name} is a word of Python itself; choose another name, such as {name}_1")
    for where, code in codes.items():
        if name in _imported(code, where):
            raise SkeletonError(f"{name} is imported there and would be hidden; choose another name, such as {name}_1")


def _imported(code: str, where: str) -> set[str]:
    """Return the names that a text of Python binds by its imports; «…» of a template stands for a number."""
    try:
        nodes = ast.walk(ast.parse(re.sub("«[a-z0-9]+»", "00", code)))
    except SyntaxError as error:
        raise SkeletonError(f"{where} is no Python: line {error.lineno}: {error.msg}; mend it first") from None
    aliases = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return {alias.asname or alias.name.split(".")[0] for alias in aliases}


def _with_exercise(text: str, number: str, name: str, template: str) -> str:
    listed = re.search(r"^__all__(?:: list\[str\])? = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    if listed:
        names = sorted({*re.findall(r"\w+", listed[1]), name})
        public = "__all__ = [" + ", ".join(f'"{known}"' for known in names) + "]"
        if len(public) > 120:
            public = "__all__ = [\n" + "".join(f'    "{known}",\n' for known in names) + "]"
        text = text[: listed.start()] + public + text[listed.end() :]
    added = _filled(template, number=number, name=name)
    text = text.rstrip("\n") + "\n" + added
    return _with_imports(text, added)


def _with_imports(text: str, added: str) -> str:
    """Import what the added lines use, where the others of `bmkit` are imported."""
    head, mark, rest = text.partition("\nfrom bmkit.check import ")
    names, _, rest = rest.partition("\n")
    wanted = {name for name in ("Exercise", "Question") if f"{name}(" in added}
    names = ", ".join(sorted({*names.split(", "), *wanted} - {""}))
    if "keras." in added and "import keras" not in head:
        head += "\nfrom bmkit.backend import keras"
    if "np." in added and "import numpy" not in head:
        docstring, _, others = head.partition('"""\n\n')
        head = f'{docstring}"""\n\nimport numpy as np\n\n{others}'
    return f"{head}{mark}{names}\n{rest}" if mark else text


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
