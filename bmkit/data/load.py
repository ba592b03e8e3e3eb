"""Load a data set as `tf.data` pipelines or NumPy arrays, always in the same form."""

import dataclasses
from typing import Any

import numpy as np

from bmkit.data.fetch import open_splits
from bmkit.data.manifest import SPLITS, DataError, Description, Entry, Field, Recording, Weights, entry, read

__all__ = ["DataSet", "describe", "load", "names"]

SHUFFLED = 65_536  # rows in the shuffle buffer: whole splits of every core set, bounded memory for larger ones


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class DataSet:
    """One data set: three pipelines of batches `(x, y)`, and its description.

    `train` comes in a new order each epoch, the same orders for the same seed; `validation` and `test` keep theirs.

    Example:
        >>> from bmkit import data
        >>> digits = data.load("digits", batch_size=16)
        >>> x, y = next(iter(digits.train))
        >>> tuple(x.shape), tuple(y.shape)
        ((16, 8, 8, 1), (16,))
    """

    name: str
    train: Any = dataclasses.field(repr=False)
    validation: Any = dataclasses.field(repr=False)
    test: Any = dataclasses.field(repr=False)
    description: Description = dataclasses.field(repr=False)
    _rows: dict[str, Any] = dataclasses.field(repr=False)

    def arrays(self, split: str) -> tuple[Any, np.ndarray]:
        """Return a whole split as NumPy arrays, in the stored order (never shuffled).

        Args:
            split: "train", "validation" or "test".

        Returns:
            `(x, y)` with x of shape (rows, ...), or a dictionary of such arrays where a row has several inputs.
            Texts, in x or y, come as object arrays of `str`. Sequences are filled up with zeros to the longest
            of the set.

        Raises:
            DataError: there is no such split.

        Example:
            >>> x, y = load("digits").arrays("test")
            >>> x.shape, y.shape
            ((360, 8, 8, 1), (360,))

        Reference:
            tf.data, https://www.tensorflow.org/guide/data
        """
        if split not in SPLITS:
            raise DataError(f"there is no split {split!r}; there are: {', '.join(SPLITS)}.")
        batches = list(self._rows[split].as_numpy_iterator())
        first = batches[0][0]
        if isinstance(first, dict):
            x = {name: _decoded(np.concatenate([x[name] for x, _ in batches])) for name in first}
        else:
            x = _decoded(np.concatenate([x for x, _ in batches]))
        return x, _decoded(np.concatenate([y for _, y in batches]))


def _decoded(values: np.ndarray) -> np.ndarray:
    """Turn texts from bytes into `str`; numbers stay as they are."""
    return np.array([text.decode() for text in values], dtype=object) if values.dtype == object else values


def _pair(data_set: Entry) -> Any:
    """Make the function from a batch of stored examples to `(x, y)` in the types of the manifest, x scaled."""
    import tensorflow as tf

    description, recipe = data_set.description, data_set.recipe

    def typed(value: Any, field: Field, divide_by: int = 1) -> Any:
        if field.dtype == "string":
            return value
        value = tf.cast(value, field.dtype)
        return value / divide_by if divide_by != 1 else value

    def pair(example: dict) -> tuple:
        x, y = (example[key] for key in recipe.keys)
        if isinstance(description.x, Field):
            return typed(x, description.x, recipe.divide_by), typed(y, description.y)
        inputs = {name: typed(x[name], field, recipe.divide_by) for name, field in description.x.items()}
        return inputs, typed(y, description.y)

    return pair


def load(name: str, *, batch_size: int = 32, seed: int = 0) -> DataSet:
    """Load a data set; the first use fetches and prepares it, later uses need no network.

    Args:
        name: a name of `data.names()`.
        batch_size: rows per batch, at least 1; the last batch of a split may be smaller.
        seed: of the order of `train`. Together with TensorFlow's global seed it fixes the order of every epoch.

    Returns:
        The data set.

    Raises:
        DataError: no such set, no network on first use, damaged data, a full disk.
        ValueError: `batch_size` is below 1.

    Example:
        >>> load("digits").description.classes[:3]
        ('0', '1', '2')

    Reference:
        tf.data, https://www.tensorflow.org/guide/data
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}, expected 1 or more.")
    data_set = entry(name)
    stored = open_splits(data_set)
    pair, size = _pair(data_set), min(data_set.description.rows["train"], SHUFFLED)
    # Shuffling comes before scaling: stored bytes are smaller than the floats made of them.
    ordered = stored | {"train": stored["train"].shuffle(size, seed=seed, reshuffle_each_iteration=True)}
    batched = {split: examples.batch(batch_size) for split, examples in ordered.items()}
    return DataSet(
        name=name,
        description=data_set.description,
        _rows={split: examples.batch(1024).map(pair) for split, examples in stored.items()},
        **{split: batches.map(pair, num_parallel_calls=-1).prefetch(-1) for split, batches in batched.items()},
    )


def describe(name: str) -> Description | Weights | Recording:
    """Describe a data set, pretrained weights or a recording without fetching them.

    Args:
        name: a name of `data.names()`, `data.weights()` or `data.recordings()`.

    Returns:
        Rows per split, shapes, units, classes, split rule, licence, citation, source and size; `str()` is readable.

    Raises:
        DataError: there is nothing of that name.

    Example:
        >>> describe("mnist_5k").rows
        {'train': 3600, 'validation': 400, 'test': 1000}

    Reference:
        Gebru et al., 2021, "Datasheets for Datasets", https://doi.org/10.1145/3458723
    """
    _, _, weights, recordings = read()
    return weights.get(name) or recordings.get(name) or entry(name).description


def names() -> list[str]:
    """List the data sets.

    Returns:
        Names in alphabetical order.

    Example:
        >>> names()[:2]
        ['announcements', 'breast_cancer']

    Reference:
        TFDS's catalogue, as a model, https://www.tensorflow.org/datasets/catalog/overview
    """
    return list(read()[1])
