"""Fetch and prepare data sets: parcel → reader → TFDS's own on-disk format, once; then only read.

A prepared set lies in the cache under a name made of what its rows depend on, beside a record of its files. The record
is checked against the manifest before every use: what was damaged is made again, never served.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bmkit.data.cache import cache_folder, lies_at, publish, say, set_aside, storage_errors, work_folder
from bmkit.data.installed import read_installed
from bmkit.data.manifest import Entry, Recording, Weights, entry, read
from bmkit.data.parcels import fetch_parcel, problem_of, read_members
from bmkit.data.readers import reader
from bmkit.data.record import is_own, old_editions, problem_of_set, write_record
from bmkit.data.store import open_online, open_stored, store
from bmkit.data.transport import Progress
from bmkit.data.weights import own_problem

__all__ = ["fetch", "open_splits", "prepared_folder", "verify"]


def prepared_folder(data_set: Entry) -> Path:
    """Say where the prepared form of a set belongs.

    Args:
        data_set: the manifest's entry.

    Returns:
        A folder of the cache whose name changes with whatever changes the rows of the set.

    Example:
        >>> prepared_folder(entry("digits")).parent.name
        'digits'

    Reference:
        platformdirs, https://platformdirs.readthedocs.io
    """
    return cache_folder() / "sets" / data_set.name / data_set.digest[:16]


def _prepare(data_set: Entry, progress: Progress | None) -> Path:
    """Return the folder of a sound prepared set, making it if there is none."""
    place, recipe = prepared_folder(data_set), data_set.recipe
    with storage_errors(f"reading {place}"):
        problem = problem_of_set(place, data_set) if lies_at(place) else "it is missing"
    if not problem:
        return place
    if lies_at(place):
        say(f"the prepared set {data_set.name} is damaged ({problem}); preparing it again")
    read_splits = reader(recipe.reader)
    wheels = {parcel.name: fetch_parcel(parcel, progress=progress) for parcel in data_set.parcels}
    doing = f"preparing the set {data_set.name}"
    with work_folder(doing=doing) as folder:  # first: a cache that cannot be written is told now
        say(f"preparing {data_set.name} ({sum(data_set.description.rows.values()):,} rows), once")
        members = read_installed(recipe.packages, () if wheels else recipe.members)
        for name, patterns in data_set.files.items():
            members |= read_members(wheels[name], tuple(patterns))
        splits = read_splits(members, data_set.description)
        with storage_errors(doing):
            made = store(data_set, splits, folder)
            write_record(made, data_set)
            _clear(place, data_set, folder)
            publish(made, place, lambda there: problem_of_set(there, data_set))
        for number, old in enumerate(old_editions(place, data_set.name)):
            with contextlib.suppress(OSError):  # in use, or another process was first
                os.replace(old, folder / f"old-{number}")
    return place


def _clear(place: Path, data_set: Entry, folder: Path) -> None:
    """Move a damaged set out of the way; what is not wholly the kit's own is kept beside."""
    if not lies_at(place) or not problem_of_set(place, data_set):
        return  # or another process has mended it meanwhile
    with contextlib.suppress(FileNotFoundError):  # another process was first to move it away
        if is_own(place, data_set.name):
            os.replace(place, folder / "damaged")
        else:
            set_aside(place)


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
    online = data_set.recipe.source == "tfds"
    return open_online(data_set) if online else open_stored(_prepare(data_set, progress))


def _chosen(names: Iterable[str] | str | None) -> list[Entry | Weights | Recording]:
    """Turn names into entries; none means all core sets, all weights and all recordings."""
    _, sets, weights, recordings = read()
    others = weights | recordings
    if names is None:
        return [one for one in sets.values() if one.description.core] + list(others.values())
    return [others.get(name) or entry(name) for name in ([names] if isinstance(names, str) else names)]


def fetch(names: Iterable[str] | str | None = None, *, progress: Progress | None = None) -> None:
    """Fetch and prepare data sets, pretrained weights and recordings, so that later uses need no network.

    Args:
        names: of `data.names()`, `data.weights()` and `data.recordings()`; `None` is all of them but the online sets.
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
        names: of `data.names()`, `data.weights()` and `data.recordings()`; `None` is all of them but the online sets.

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
        with storage_errors(f"reading {cache_folder()}"):
            if isinstance(one, Entry) and one.recipe.source != "tfds":  # TFDS checked those while it downloaded them
                place = prepared_folder(one)
                there = lies_at(place)
                problem = problem_of_set(place, one) if there else "it is not prepared yet"
                problems += [f"{one.name}: {problem}; {mend}"] if problem else []
            for parcel in one.parcels:
                wheel = cache_folder() / "parcels" / parcel.file
                problem = problem_of(wheel, parcel)
                if problem and lies_at(wheel):
                    problems.append(f"{one.name}: {wheel}: {problem}; delete it and {mend}")
                elif problem and not isinstance(one, Entry):  # a set lives on in its prepared form
                    problems.append(f"{one.name}: it is not fetched yet; {mend}")
    return problems
