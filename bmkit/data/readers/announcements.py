"""Announcements at a station, drawn from a closed language."""

import numpy as np

from bmkit.data.announcements import KINDS, announcement
from bmkit.data.draw import Members, Splits, cut
from bmkit.data.entries import SPLITS, Description

__all__ = ["read"]


def read(_: Members, description: Description) -> Splits:
    """Draw announcements with seed 0, the three kinds in turn, each sentence only once."""
    drawn, texts = np.random.default_rng(0), {}
    while len(texts) < sum(description.rows.values()):
        kind = len(texts) % len(KINDS)
        texts.setdefault(announcement(KINDS[kind], drawn), kind)
    x, y = np.array(list(texts), dtype=object), np.array(list(texts.values()), np.int64)
    ends = np.cumsum([description.rows[split] for split in SPLITS])
    return cut(x, y, np.split(np.arange(len(y)), ends)[:3])
