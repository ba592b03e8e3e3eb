"""A series of one value per half-hour."""

import numpy as np

from bmkit.data.draw import Members, Splits, cut
from bmkit.data.entries import SPLITS, DataError, Description
from bmkit.data.unpack import frames

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read a series of one value per half-hour from a Monday's midnight on, split in the order of time."""
    (frame,) = frames(members)
    step, y = np.arange(len(frame["x"])), frame["x"].astype(np.float32)
    if not np.array_equal(frame["rownames"], step + 1):
        raise DataError(f"{description.name} is not in the order of time; expected rows numbered from 1.")
    x = {"step": step, "weekday": step // 48 % 7, "half_hour": step % 48}
    ends = np.cumsum([description.rows[split] for split in SPLITS])
    return cut(x, y, np.split(step, ends)[:3])
