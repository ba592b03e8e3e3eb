"""Samples of concrete."""

import numpy as np

from bmkit.data.draw import Members, Splits, cut, group_numbers, grouped
from bmkit.data.entries import Description
from bmkit.data.unpack import frames

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read the concrete samples; all samples of one mixture, whatever their age, come into the same split."""
    (frame,) = frames(members)
    x = np.stack([frame[name].astype(np.float32) for name in description.features], axis=1)  # (rows, 8)
    y = frame["compressive_strength"].astype(np.float32)
    mixture = group_numbers(*(frame[name] for name in description.features if name != "age"))
    return cut(x, y, grouped(mixture, np.zeros(len(y))))
