"""A table that ships inside scikit-learn under the name of the set."""

import numpy as np

from bmkit.data.draw import Members, Splits, cut, stratified, stratified_splits
from bmkit.data.entries import SPLITS, DataError, Description

__all__ = ["read"]


def read(_: Members, description: Description) -> Splits:
    """Take the table of the same name that ships inside scikit-learn, in its own units, never scaled."""
    from sklearn import datasets

    raw = {"scaled": False} if description.name == "diabetes" else {}
    bunch = getattr(datasets, f"load_{description.name}")(**raw)
    if tuple(bunch.feature_names) != description.features:
        raise DataError(f"{description.name} has the columns {list(bunch.feature_names)}; the manifest names others.")
    x, y = bunch.data.astype(np.float32), bunch.target.astype(description.y.dtype)
    if description.classes:
        return stratified_splits(x, y, description)
    chosen = stratified(np.zeros(len(y), int), [description.rows[split] for split in SPLITS])
    return cut(x, y, chosen)
