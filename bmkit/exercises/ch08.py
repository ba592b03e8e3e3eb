"""Exercises of chapter 08, data preprocessing."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["animals_in_a_batch", "columns", "fill_with_median", "scale_like"]

_random = np.random.default_rng(8)
_nan = np.nan


def _fill_with_median(column):
    """Put the median of the known values where a value is missing."""
    known = column[~np.isnan(column)]
    return np.where(np.isnan(column), np.median(known), column)


def _scale_like(train, other):
    """Standardise `other` by the statistics of `train`."""
    return (other - train.mean(axis=0)) / train.std(axis=0)


fill_with_median = Exercise(
    "ch08.fill_with_median",
    _fill_with_median,
    [
        (np.array([1.0, _nan, 3.0, 8.0]),),
        (np.array([_nan, 2.0, 2.0, 40.0, _nan]),),
        (np.array([5.0, 7.0]),),
        (np.where(_random.uniform(size=30) < 0.2, _nan, _random.normal(10, 3, 30)),),
    ],
    hints=[
        "np.isnan(column) is True where a value is missing; ~ turns it round.",
        "np.median of a column with a gap is again a gap: take the median of the known values only.",
        "np.where(np.isnan(column), middle, column) chooses place by place.",
    ],
    mistakes=[
        (lambda c: np.where(np.isnan(c), np.nanmean(c), c), "This is the mean; one huge value pulls it far off."),
        (lambda c: np.nan_to_num(c, nan=0.0), "You filled in zeros; here the median of the known values is asked for."),
        (lambda c: c[~np.isnan(c)], "You dropped the rows; every row must stay, in its place."),
        (lambda c: np.where(np.isnan(c), np.median(c), c), "The median of a column with gaps is a gap itself."),
    ],
)

columns = Question(
    "ch08.columns",
    40,
    why="Nine numbers stay, and ten categories become 3 + 3 + 6 · 3 + 3 + 4 = 31 columns; 9 + 31 = 40.",
    hints=[
        "A column of numbers stays one column. A category becomes as many columns as it has different values.",
        "Six services give 6 · 3 columns, three more 3 · 3, the way to pay 4. Then add the nine columns of numbers.",
    ],
    mistakes={
        31: "These are the columns of the categories; the nine columns of numbers stay beside them.",
        19: "19 is the number of columns before; one-hot gives every kind its own.",
        30: "Each category becomes as many columns as it has kinds, and one of them has four.",
    },
)

scale_like = Exercise(
    "ch08.scale_like",
    _scale_like,
    [
        (np.array([[0.0], [2.0]]), np.array([[1.0], [5.0]])),
        (np.array([[1.0, 10.0], [3.0, 50.0]]), np.array([[2.0, 30.0], [6.0, 20.0]])),
        (_random.normal(5, 2, size=(20, 3)), _random.normal(6, 3, size=(4, 3))),
    ],
    hints=[
        "Two statistics, one of each for every column: train.mean(axis=0) and train.std(axis=0).",
        "Subtract the mean of train from other, then divide by the deviation of train.",
        "other's own mean and deviation must not appear anywhere.",
    ],
    mistakes=[
        (
            lambda train, other: (other - other.mean(axis=0)) / other.std(axis=0),
            "You used the statistics of `other`: at inference a model sees one row at a time and has none of its own.",
        ),
        (
            lambda train, other: (other - train.mean(axis=0)) / train.var(axis=0),
            "You divided by the variance; its square root, the standard deviation, has the right unit.",
        ),
        (
            lambda train, other: (other - train.mean()) / train.std(),
            "One mean for the whole table mixes units; each column needs its own: axis=0.",
        ),
        (
            lambda train, other: scratch.min_max(other, train.min(axis=0), train.max(axis=0)),
            "This stretches onto 0 … 1; asked for is the distance from the mean in standard deviations.",
        ),
    ],
)

animals_in_a_batch = Question(
    "ch08.animals_in_a_batch",
    2,
    why="A batch of 64 neighbours lies within one block of 700 equal animals or across one border: at most 2.",
    hints=[
        "`batch` is called first: it packs 64 neighbours, and `shuffle` then only moves whole packets.",
        "The pictures lie sorted, 700 bears, then 700 birds, … How many borders can 64 neighbours cross?",
    ],
    mistakes={
        10: "That would be so with shuffle before batch; here whole packets of 64 neighbours are shuffled.",
        1: "Nearly: most batches hold one animal, but a batch can lie across the border of two blocks.",
        64: "64 is the number of pictures; there are only ten animals.",
    },
)
