"""One table of integers, the class in its last column."""

import io

import numpy as np

from bmkit.data.draw import Members, Splits, stratified_splits
from bmkit.data.entries import Description
from bmkit.data.unpack import gunzip

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read one gzipped table of integers 0 to 255 without a header, whose last column is the class."""
    (packed,) = members.values()
    text = io.BytesIO(gunzip(packed))
    table = np.loadtxt(text, delimiter=",", dtype=np.uint8, ndmin=2)
    x = table[:, :-1].reshape(-1, *description.x.shape)
    return stratified_splits(x, table[:, -1].astype(np.int64), description)
