"""The digits that ship inside scikit-learn."""

import numpy as np

from bmkit.data.draw import Members, Splits, stratified_splits
from bmkit.data.entries import Description

__all__ = ["read"]


def read(_: Members, description: Description) -> Splits:
    """Take the digits that ship inside scikit-learn: integers from 0 to 16, x of shape (rows, 8, 8, 1)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = bunch.images.astype(np.uint8)[..., np.newaxis]
    return stratified_splits(x, bunch.target.astype(np.int64), description)
