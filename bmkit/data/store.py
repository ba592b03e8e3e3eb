"""Prepared sets in TFDS's own on-disk format: written, opened, or downloaded by TFDS itself.

The only module of `bmkit.data` that needs TensorFlow; it is loaded when a set is opened, never at import.
"""

import contextlib
import errno
import io
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.data.cache import cache_folder, of_network, say, storage_errors
from bmkit.data.draw import Splits
from bmkit.data.entries import SPLITS, DataError, Entry
from bmkit.data.transport import reaches

__all__ = ["open_online", "open_stored", "store"]

SILENCE = 20  # seconds without a byte after which TFDS gives a connection up


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


def _disk_error(error: BaseException) -> OSError | None:
    """Find a fault of the disk in what TFDS raised: it wraps what TensorFlow says, and TensorFlow what the system."""
    import tensorflow as tf

    while error is not None:
        if isinstance(error, tf.errors.ResourceExhaustedError):
            return OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}, says TensorFlow")
        if isinstance(error, tf.errors.PermissionDeniedError):
            return OSError(errno.EACCES, f"{os.strerror(errno.EACCES)}, says TensorFlow")
        if isinstance(error, OSError) and error.errno and not of_network(error):
            return error
        if type(error) is OSError and "disk space" in str(error):  # TFDS looks at the free space beforehand
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        error = error.__cause__ or error.__context__
    return None


def _told(error: Exception) -> str:
    """Return kind and text of an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def store(data_set: Entry, splits: Splits, folder: Path) -> Path:
    """Write three splits in TFDS's format.

    Args:
        data_set: the manifest's entry.
        splits: `(x, y)` of each split, as a reader returns them.
        folder: where TFDS makes its folders.

    Returns:
        The folder that holds the files.

    Raises:
        DataError: the rows are not as many as the manifest says, or cannot be stored.
        OSError: the folder cannot be written, or the disk is full.

    Reference:
        TFDS, https://www.tensorflow.org/datasets/format_specific_dataset_builders
    """
    rows = {split: len(splits[split][1]) for split in SPLITS}
    if rows != data_set.description.rows:
        raise DataError(
            f"{data_set.name} came out with rows {rows}; the manifest expects {data_set.description.rows}. "
            f"Mend `rows` in data/sets/{data_set.name}.toml, or the reader."
        )
    with _quietly() as tfds:
        x, y = splits["train"]
        example = {"x": _feature(x, tfds.features), "y": _feature(y, tfds.features)}
        try:
            builder = tfds.dataset_builders.store_as_tfds_dataset(
                name=data_set.name,
                version="1.0.0",
                features=tfds.features.FeaturesDict(example),
                split_datasets={split: _examples(*splits[split]) for split in SPLITS},
                data_dir=folder,
                disable_shuffling=data_set.recipe.ordered,
            )
        except Exception as error:  # TFDS wraps one error into another
            told = DataError(f"{data_set.name} could not be stored ({_told(error)}); report it to the project.")
            raise _disk_error(error) or told from error
    return Path(builder.data_dir)


def open_stored(folder: Path) -> dict[str, Any]:
    """Open a prepared set.

    Args:
        folder: what `store` returned, wherever it lies now.

    Returns:
        One `tf.data.Dataset` of single stored examples per split.
    """
    with _quietly() as tfds:
        builder = tfds.builder_from_directory(folder)
        splits = {split: builder.as_dataset(split=split) for split in SPLITS}
        next(iter(builder.as_dataset(split="test").take(1)))  # TensorFlow chatters at a process's first read: now
    return splits


def open_online(data_set: Entry) -> dict[str, Any]:
    """Open a set that TFDS downloads by itself; the local copy is always tried first.

    Args:
        data_set: the manifest's entry.

    Returns:
        One `tf.data.Dataset` of single stored examples per split.

    Raises:
        DataError: there is no network, the host is blocked, the transfer failed, or the disk is full.

    Reference:
        TFDS, https://www.tensorflow.org/datasets/api_docs/python/tfds/load
    """
    recipe, folder = data_set.recipe, cache_folder() / "online"
    wanted = {"split": [recipe.splits[split] for split in SPLITS], "data_dir": folder}
    with _quietly() as tfds, contextlib.suppress(AssertionError):  # what TFDS raises where it finds no local copy
        return dict(zip(SPLITS, tfds.load(recipe.dataset, download=False, **wanted), strict=True))
    if not reaches(recipe.host):
        raise DataError(
            f"{data_set.name} is not on this computer, and {recipe.host} cannot be reached: there is no network, or it "
            f"is blocked. Connect to one that lets it through and run `python3 -m bmkit data fetch {data_set.name}`."
        )
    say(f"fetching {data_set.name} ({recipe.bytes / 1e6:.1f} MB) through TensorFlow Datasets, once")
    watched = contextlib.redirect_stdout(sys.stderr) if sys.stderr.isatty() else _quietly()
    try:
        with watched, _impatience():
            return dict(zip(SPLITS, tfds.load(recipe.dataset, download=True, **wanted), strict=True))
    except Exception as error:  # the network can fail in any way at all
        if broken := _disk_error(error):
            with storage_errors(f"fetching {data_set.name}"):
                raise broken from error
        raise DataError(
            f"TensorFlow Datasets could not fetch {data_set.name} ({_told(error)}); try again later."
        ) from error


@contextlib.contextmanager
def _impatience() -> Iterator[None]:
    """Give TFDS's transfers, which have no limit of their own, one for a connection that has fallen silent."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
