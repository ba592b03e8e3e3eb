"""Dates in seven languages."""

import datetime

import numpy as np

from bmkit.data.draw import Members, Splits, cut
from bmkit.data.entries import SPLITS, Description
from bmkit.data.texts import LANGUAGES, dates_of

__all__ = ["read"]


def read(_: Members, description: Description) -> Splits:
    """Draw days from 1900 to 2099 with seed 0, each only once, and write them, one language after the other."""
    first = datetime.date(1900, 1, 1)
    days = (datetime.date(2100, 1, 1) - first).days
    drawn = np.random.default_rng(0)
    order = drawn.permutation(days)[: sum(description.rows.values())]
    texts, isos, languages = [], [], []
    for row, number in enumerate(order.tolist()):
        day, language = first + datetime.timedelta(number), LANGUAGES[row % len(LANGUAGES)]
        ways = dates_of(day, language)
        texts.append(ways[drawn.integers(len(ways))])
        isos.append(day.isoformat())
        languages.append(language)
    x = {"text": np.array(texts, dtype=object), "language": np.array(languages, dtype=object)}
    y = np.array(isos, dtype=object)
    ends = np.cumsum([description.rows[split] for split in SPLITS])
    return cut(x, y, np.split(np.arange(len(y)), ends)[:3])
