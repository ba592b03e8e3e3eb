"""Fetch and prepare data sets: parcel → reader → TFDS's own on-disk format, once; then only read.

A prepared set lies in the cache under a name made of its manifest entry and the readers' version, beside a list of
the SHA-256 of its files. The list is checked before every use: what was damaged is made again, never served.
"""

import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.data import readers
from bmkit.data.cache import cache_folder, publish, say, sha256_of, storage_errors, work_folder
from bmkit.data.installed import read_installed
from bmkit.data.manifest import SPLITS, DataError, Entry, Weights, entry, read
from bmkit.data.parcels import Progress, fetch_parcel, problem_of, read_members, resolves
from bmkit.data.weights import own_problem

__all__ = ["fetch", "open_splits", "prepared_folder", "verify"]

RECORD = "bmkit.json"


def prepared_folder(data_set: Entry) -> Path:
    """Say where the prepared form of a set belongs.

    Args:
        data_set: the manifest's entry.

    Returns:
        A folder of the cache whose name changes with the manifest entry and the readers' version.

    Example:
        >>> prepared_folder(entry("digits")).parent.name
        'digits'

    Reference:
        platformdirs, https://platformdirs.readthedocs.io
    """
    return cache_folder() / "sets" / data_set.name / f"{data_set.digest[:16]}-r{readers.VERSION}"


def _damages(folder: Path) -> list[str]:
    """Compare a prepared set with the list of hashes beside it."""
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"].items()
    except (OSError, ValueError, KeyError, AttributeError) as error:
        return [f"{folder / RECORD} cannot be read ({type(error).__name__})"]
    damaged = [n for n, sha256 in files if not (folder / n).is_file() or sha256_of(folder / n) != sha256]
    return [f"{folder / name} is not what was stored" for name in damaged]


@contextlib.contextmanager
def _quietly() -> Iterator[Any]:
    """Give TFDS with its bars, prints and log lines off: in a notebook they would be stored as output."""
    from bmkit import backend  # before TFDS, so that TensorFlow's start-up lines are silenced

    with backend.silenced():
        import tensorflow_datasets as tfds
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    tfds.display_progress_bar(False)
    try:
        with backend.silenced(), contextlib.redirect_stdout(io.StringIO()):
            yield tfds
    finally:
        tfds.display_progress_bar(True)
        logger.setLevel(level)


def _feature(values: Any, features: Any) -> Any:
    """Describe arrays to TFDS: a text, a tensor, or a dictionary of these."""
    if isinstance(values, dict):
        return {name: _feature(array, features) for name, array in values.items()}
    if values.dtype == object:
        return features.Text()
    # Sound is stored as bytes: as a list of numbers, which is the rule, a negative one would take ten.
    encoding = "bytes" if values.dtype == np.int16 else "none"
    return features.Tensor(shape=values.shape[1:], dtype=values.dtype, encoding=encoding)


def _examples(x: Any, y: np.ndarray) -> Iterator[tuple[int, dict]]:
    """Yield the rows as TFDS takes them: (key, example)."""
    for row in range(len(y)):
        one = {name: codes[row] for name, codes in x.items()} if isinstance(x, dict) else x[row]
        yield row, {"x": one, "y": y[row]}


def _store(data_set: Entry, splits: readers.Splits, folder: Path) -> Path:
    """Write three splits in TFDS's format, with the list of hashes, and return where they lie."""
    rows = {split: len(splits[split][1]) for split in SPLITS}
    if rows != data_set.description.rows:
        raise DataError(
            f"{data_set.name} came out with rows {rows}; the manifest expects {data_set.description.rows}. "
            "Mend `rows` in data/manifest.toml, or the reader."
        )
    with _quietly() as tfds:
        import tensorflow as tf

        example = {axis: _feature(values, tfds.features) for axis, values in zip("xy", splits["train"], strict=True)}
        try:
            builder = tfds.dataset_builders.store_as_tfds_dataset(
                name=data_set.name,
                version="1.0.0",
                features=tfds.features.FeaturesDict(example),
                split_datasets={split: _examples(*splits[split]) for split in SPLITS},
                data_dir=folder,
                disable_shuffling=data_set.recipe.ordered,
            )
        except tf.errors.OpError as error:  # TensorFlow's own words for a full or read-only disk
            raise OSError(f"TensorFlow could not write: {error.message}") from error
    made = Path(builder.data_dir)
    hashes = {path.name: sha256_of(path) for path in sorted(made.iterdir())}
    (made / RECORD).write_text(json.dumps({"files": hashes}, indent=1), encoding="utf-8")
    return made


def _prepare(data_set: Entry, progress: Progress | None) -> Path:
    """Return the folder of a sound prepared set, making it if there is none."""
    place, recipe = prepared_folder(data_set), data_set.recipe
    with storage_errors(f"reading {place}"):
        problems = _damages(place) if place.exists() else []
        if place.exists() and not problems:
            return place
    for problem in problems[:1]:
        say(f"the prepared set {data_set.name} is damaged ({problem}); preparing it again")
    if recipe.reader not in readers.READERS:
        raise DataError(f"{data_set.name} names the reader {recipe.reader!r}; there are {', '.join(readers.READERS)}.")
    parcel = data_set.parcel and fetch_parcel(data_set.parcel, progress=progress)
    say(f"preparing {data_set.name} ({sum(data_set.description.rows.values()):,} rows), once")
    members = read_members(parcel, recipe.members) if parcel else read_installed(recipe.packages, recipe.members)
    splits = readers.READERS[recipe.reader](members, data_set.description)
    with work_folder() as folder, storage_errors(f"writing the prepared set {data_set.name}"):
        made = _store(data_set, splits, folder)
        if problems:
            with contextlib.suppress(FileNotFoundError):  # another process was first to move it away
                os.replace(place, folder / "damaged")
        publish(made, place)
    return place


def _online(data_set: Entry) -> dict[str, Any]:
    """Open a set that TFDS downloads by itself; the local copy is always tried first."""
    recipe, folder = data_set.recipe, cache_folder() / "online"
    wanted = {"split": [recipe.splits[split] for split in SPLITS], "data_dir": folder}
    with _quietly() as tfds, contextlib.suppress(AssertionError):  # what TFDS raises where it finds no local copy
        return dict(zip(SPLITS, tfds.load(recipe.dataset, download=False, **wanted), strict=True))
    if not resolves(recipe.host):
        raise DataError(
            f"{data_set.name} is not on this computer and there is no network; connect to the network once and run "
            f"`python3 -m bmkit data fetch {data_set.name}`."
        )
    say(f"fetching {data_set.name} ({recipe.bytes / 1e6:.1f} MB) through TensorFlow Datasets, once")
    watched = contextlib.redirect_stdout(sys.stderr) if sys.stderr.isatty() else _quietly()
    try:
        with storage_errors(f"fetching {data_set.name}"), watched:
            return dict(zip(SPLITS, tfds.load(recipe.dataset, download=True, **wanted), strict=True))
    except DataError:
        raise
    except Exception as error:  # the network can fail in any way at all
        told = " ".join(str(error).split())[:300]
        raise DataError(
            f"TensorFlow Datasets could not fetch {data_set.name} ({type(error).__name__}: {told}); try again later."
        ) from error


def open_splits(data_set: Entry, *, progress: Progress | None = None) -> dict[str, Any]:
    """Open the stored rows of a set, fetching and preparing it if need be.

    Args:
        data_set: the manifest's entry.
        progress: called with (bytes done, bytes in all) while a parcel is fetched.

    Returns:
        One `tf.data.Dataset` of single stored examples per split.

    Raises:
        DataError: the set cannot be fetched, prepared or read.

    Example:
        >>> sorted(open_splits(entry("digits"))["test"].element_spec)
        ['x', 'y']

    Reference:
        TFDS, https://www.tensorflow.org/datasets/format_specific_dataset_builders
    """
    if data_set.recipe.source == "tfds":
        return _online(data_set)
    folder = _prepare(data_set, progress)
    with _quietly() as tfds:
        builder = tfds.builder_from_directory(folder)
        splits = {split: builder.as_dataset(split=split) for split in SPLITS}
        next(iter(builder.as_dataset(split="test").take(1)))  # TensorFlow chatters at a process's first read: now
    return splits


def _chosen(names: Iterable[str] | str | None) -> list[Entry | Weights]:
    """Turn names into entries; none means all core sets and all weights."""
    _, sets, weights = read()
    if names is None:
        return [one for one in sets.values() if one.description.core] + list(weights.values())
    return [weights.get(name) or entry(name) for name in ([names] if isinstance(names, str) else names)]


def fetch(names: Iterable[str] | str | None = None, *, progress: Progress | None = None) -> None:
    """Fetch and prepare data sets and pretrained weights, so that later uses need no network.

    Args:
        names: names of `data.names()` and `data.weights()`; `None` is all core sets and all weights.
        progress: called with (bytes done, bytes in all); `None` shows a bar if standard error is a terminal.

    Raises:
        DataError: one cannot be fetched or prepared; those before it in the list are ready.

    Example:
        >>> fetch(["digits"])

    Reference:
        pip download, https://pip.pypa.io/en/stable/cli/pip_download/
    """
    for one in _chosen(names):
        if isinstance(one, Entry):
            open_splits(one, progress=progress)
            continue
        for parcel in one.parcels:
            fetch_parcel(parcel, progress=progress)


def verify(names: Iterable[str] | str | None = None) -> list[str]:
    """Hash parcels and prepared files again.

    Args:
        names: names of `data.names()` and `data.weights()`; `None` is all core sets and all weights.

    Returns:
        One sentence per problem, saying what to do; empty when all is well.

    Raises:
        DataError: there is nothing of that name, or the cache cannot be read.

    Example:
        >>> fetch(["digits"])
        >>> verify(["digits"])
        []

    Reference:
        FIPS 180-4 (SHA-256), https://doi.org/10.6028/NIST.FIPS.180-4
    """
    problems = []
    for one in _chosen(names):
        mend = f"run `python3 -m bmkit data fetch {one.name}`."
        if isinstance(one, Weights) and one.own:  # it came with the kit: nothing is ever fetched
            problems += [f"{one.name}: {problem}" for problem in [own_problem(one.own)] if problem]
            continue
        parcels = one.parcels if isinstance(one, Weights) else filter(None, [one.parcel])
        with storage_errors(f"reading {cache_folder()}"):
            if isinstance(one, Entry) and one.recipe.source != "tfds":  # TFDS checked those while it downloaded them
                place = prepared_folder(one)
                found = _damages(place) if place.exists() else ["it is not prepared yet"]
                problems += [f"{one.name}: {problem}; {mend}" for problem in found]
            for parcel in parcels:
                wheel = cache_folder() / "parcels" / parcel.file
                problem = problem_of(wheel, parcel)
                if wheel.exists() and problem:
                    problems.append(f"{one.name}: {wheel}: {problem}; delete it and {mend}")
                elif problem and isinstance(one, Weights):  # a set lives on in its prepared form
                    problems.append(f"{one.name}: it is not fetched yet; {mend}")
    return problems
