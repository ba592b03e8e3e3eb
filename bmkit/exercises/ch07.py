"""Exercises of chapter 07, cross-validation."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["best_columns", "folds", "never_seen", "shared"]

_random = np.random.default_rng(7)


def _folds(order, k):
    sizes = np.full(k, len(order) // k)
    sizes[: len(order) % k] += 1  # what is left over goes to the first folds, one row each
    ends = np.cumsum(sizes)
    return [order[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _best_columns(x, y, hidden, k):
    known = np.setdiff1d(np.arange(len(y)), hidden)
    strength = [abs(np.corrcoef(column, y[known])[0, 1]) for column in x[known].T]
    return np.argsort(strength)[::-1][:k]  # the strongest first


def _best_of_all(x, y, hidden, k):
    return _best_columns(x, y, [], k)


folds = Exercise(
    "ch07.folds",
    _folds,
    [
        (np.array([3, 0, 2, 1]), 2),
        (np.array([4, 1, 0, 3, 2]), 2),
        (_random.permutation(11), 4),
        (_random.permutation(5), 5),
    ],
    hints=[
        "11 rows in 4 folds: 3, 3, 3 and 2. What is 11 // 4, and what is 11 % 4?",
        "The first n % k folds have n // k + 1 rows, the others n // k. Cut from front to back.",
        "np.array_split does exactly this; how would you write it with slices?",
    ],
    mistakes=[
        (
            lambda order, k: [order[first::k] for first in range(k)],
            "You dealt the rows out like cards. That is fair too, but the task is to cut one piece after the other.",
        ),
        (
            lambda order, k: [order[j * (len(order) // k) : (j + 1) * (len(order) // k)] for j in range(k)],
            "When n does not divide by k, the last rows are never hidden; the first folds must be one row longer.",
        ),
        (
            lambda order, k: [
                order[j * (len(order) // k) : None if j == k - 1 else (j + 1) * (len(order) // k)] for j in range(k)
            ],
            "All that is left over went into the last fold; give one row each to the first folds instead.",
        ),
        (
            lambda order, k: _folds(np.arange(len(order)), k),
            "You cut 0, 1, 2, …; cut the order that was handed in, for it was shuffled.",
        ),
        (
            lambda order, k: [np.sort(fold) for fold in _folds(order, k)],
            "The right rows, but sorted; leave them in the order they came in.",
        ),
    ],
)

shared = Question(
    "ch07.shared",
    8 / 9,
    why="Each model leaves out one fold of ten. Of the first model's nine folds, the second lacks one: 8 / 9 = 0.89.",
    hints=[
        "Number the folds 1 to 10. The first model learns from 2 … 10. Which folds does the second learn from?",
        "They share folds 3 to 10. How many is that, out of the nine of the first model?",
    ],
    mistakes={
        0.8: "8 of 10 folds are shared, that is right; but the first model was trained on nine, not ten.",
        0.9: "Each was trained on 0.9 of all rows; the question is how much of that the other one shares.",
        0: "The hidden folds do not overlap; the training rows do, and heavily.",
        1: "Almost: each lacks one fold that the other has.",
    },
    tolerance=0.005,
)

never_seen = Question(
    "ch07.never_seen",
    0,
    why="Each fold is exactly one grower, so each model is asked for a grower it has never seen: always wrong.",
    hints=[
        "Write down the growers of the first 30 rows. And of the 60 rows that the model learns from?",
        "A classifier can only answer with classes that it has seen in training.",
    ],
    mistakes={
        1 / 3: "Guessing among three would give 1/3; but this model knows only two growers, and both are wrong.",
        0.5: "It guesses between two growers, but neither of them is the right one.",
        1: "The folds are pure, but look at what is left to learn from.",
    },
    tolerance=0.01,
)

best_columns = Exercise(
    "ch07.best_columns",
    _best_columns,
    [
        # In the known rows column 1 goes with y exactly and column 0 falls as y rises; the hidden rows tell otherwise.
        (
            np.array([[4.0, 0, 1], [3, 1, 5], [1, 2, 2], [0, 3, 3], [9, 0, 8], [8, 1, 9], [9, 0, 7]]),
            np.array([0.0, 1.0, 2.0, 3.0, 8.0, 9.0, 7.0]),
            np.array([4, 5, 6]),
            2,
        ),
        (_random.normal(size=(20, 8)) * np.geomspace(1, 100, 8), _random.normal(size=20), np.arange(0, 20, 3), 3),
        (_random.normal(size=(16, 12)), np.tile([0.0, 1.0, 1.0, 0.0], 4), np.array([1, 5, 6, 11, 12]), 4),
    ],
    hints=[
        "Which rows may have a say? known = np.setdiff1d(np.arange(len(y)), hidden).",
        "np.corrcoef(column, y[known])[0, 1] is the correlation of one column; x[known].T gives the columns in turn.",
        "Strong means far from zero on either side: abs. np.argsort sorts from weak to strong; [::-1] turns it round.",
    ],
    mistakes=[
        (_best_of_all, "That is the leak itself: the hidden rows had a say in the choice."),
        (
            lambda x, y, hidden, k: _best_columns(x, y, np.setdiff1d(np.arange(len(y)), hidden), k),
            "You chose by the hidden rows alone; they must have no say, so choose by all the others.",
        ),
        (
            lambda x, y, hidden, k: np.argsort(
                [-np.corrcoef(c, np.delete(y, hidden))[0, 1] for c in np.delete(x, hidden, axis=0).T]
            )[:k],
            "A column that falls when y rises is worth as much: take the absolute correlation.",
        ),
        (
            lambda x, y, hidden, k: _best_columns(x, y, hidden, x.shape[1])[::-1][:k],
            "These are the columns that agree worst; argsort begins with the smallest.",
        ),
        (
            lambda x, y, hidden, k: _best_columns(x, y, hidden, k)[::-1],
            "The right columns, but the best one comes first.",
        ),
        (
            lambda x, y, hidden, k: np.argsort(
                [-abs(np.cov(c, np.delete(y, hidden))[0, 1]) for c in np.delete(x, hidden, axis=0).T]
            )[:k],
            "That is the covariance, which grows with a column's unit; the correlation does not.",
        ),
    ],
)
