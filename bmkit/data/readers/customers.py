"""Customers of a telephone company."""

import numpy as np

from bmkit.data.draw import Members, Splits, cut, group_numbers, grouped
from bmkit.data.entries import Description
from bmkit.data.unpack import frames

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read the telephone company's customers; those with equal data come into the same split."""
    (frame,) = frames(members)
    x = {name: frame[name] for name in description.x}
    x = {name: column if column.dtype == object else column.astype(np.float32) for name, column in x.items()}
    y = (frame["churn"] == "Yes").astype(np.int64)
    return cut(x, y, grouped(group_numbers(*x.values()), y))
