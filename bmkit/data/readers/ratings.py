"""Students' ratings of lecturers."""

import numpy as np

from bmkit.data.draw import Members, Splits, cut
from bmkit.data.entries import SPLITS, Description
from bmkit.data.unpack import frames

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read the lecture ratings; every student and lecturer of validation and test is also in train."""
    (frame,) = frames(members)
    columns = {"student": "s", "lecturer": "d"} | {name: name for name in ("studage", "lectage", "service", "dept")}
    x = {name: np.unique(frame[column], return_inverse=True)[1] for name, column in columns.items()}
    y, tenth = frame["y"].astype(np.float32), len(frame["y"]) // 10
    order = np.random.default_rng(0).permutation(len(y))
    train = order[2 * tenth :]
    held = order[: 2 * tenth]
    known = np.isin(x["student"][held], x["student"][train]) & np.isin(x["lecturer"][held], x["lecturer"][train])
    rows = {"validation": held[tenth:][known[tenth:]], "test": held[:tenth][known[:tenth]]}
    rows = {"train": np.concatenate([train, held[~known]])} | rows
    return cut(x, y, [np.sort(rows[split]) for split in SPLITS])
