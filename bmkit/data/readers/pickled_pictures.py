"""Pictures and labels in two pickles, without the repeated ones."""

import numpy as np

from bmkit.data.draw import Members, Splits, stratified_splits
from bmkit.data.entries import Description
from bmkit.data.unpack import gunzip
from bmkit.data.unpickle import read_array

__all__ = ["pictures", "read"]


def pictures(members: Members, description: Description) -> tuple[np.ndarray, np.ndarray]:
    """Read two gzipped pickles, pictures and labels, in the order of their names.

    Args:
        members: the two pickles.
        description: of the set; its x has the shape of a picture.

    Returns:
        Pictures of shape (rows, ...) and labels of shape (rows,).

    Example:
        >>> from bmkit.data.manifest import entry
        >>> about = entry("silhouettes").description
        >>> pictures({"images.pkl": b"no gzip", "labels.pkl": b""}, about)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: compressed data is damaged (Error -3 ...
    """
    x, y = (read_array(gunzip(packed)) for packed in members.values())
    return x.reshape(-1, *description.x.shape), y


def read(members: Members, description: Description) -> Splits:
    """Read pictures and labels and keep the first of every group of equal pictures."""
    x, y = pictures(members, description)
    _, first = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
    first = np.sort(first)
    return stratified_splits(x[first], y[first], description)
