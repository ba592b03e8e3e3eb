"""Exercises of chapter 07, cross-validation."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["folds", "never_seen", "shared", "standardized"]

_random = np.random.default_rng(7)


def _folds(order, k):
    sizes = np.full(k, len(order) // k)
    sizes[: len(order) % k] += 1  # what is left over goes to the first folds, one row each
    ends = np.cumsum(sizes)
    return [order[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _standardized(train, hidden):
    center, spread = train.mean(axis=0), train.std(axis=0)
    return (train - center) / spread, (hidden - center) / spread


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

standardized = Exercise(
    "ch07.standardized",
    _standardized,
    [
        (np.array([[1.0], [3.0]]), np.array([[2.0], [5.0]])),
        (np.array([[0.0, 10.0], [2.0, 30.0]]), np.array([[1.0, 40.0], [4.0, 10.0]])),
        (_random.normal(3, 2, size=(20, 4)), _random.normal(3, 2, size=(6, 4))),
    ],
    hints=[
        "Mean and standard deviation of each column: axis=0. Of which of the two arrays?",
        "The hidden rows must not take part: use the mean and spread of train for both.",
        "center, spread = train.mean(axis=0), train.std(axis=0), then (… - center) / spread, twice.",
    ],
    mistakes=[
        (
            lambda train, hidden: (_standardized(train, train)[0], (hidden - hidden.mean(axis=0)) / hidden.std(axis=0)),
            "You scaled the hidden rows by themselves; one new patient alone has no spread. Use train's numbers.",
        ),
        (
            lambda train, hidden: tuple(
                (part - np.concatenate([train, hidden]).mean(axis=0)) / np.concatenate([train, hidden]).std(axis=0)
                for part in (train, hidden)
            ),
            "That is the leak itself: mean and spread of all rows have seen the hidden ones.",
        ),
        (
            lambda train, hidden: ((train - train.mean()) / train.std(), (hidden - train.mean()) / train.std()),
            "One mean for the whole table; every column has its own: axis=0.",
        ),
        (
            lambda train, hidden: (train - train.mean(axis=0), hidden - train.mean(axis=0)),
            "Centred, but not yet scaled: divide by train's standard deviation.",
        ),
        (
            lambda train, hidden: (_standardized(train, hidden)[0], hidden),
            "The hidden rows must be scaled in the same way, or the model meets other units.",
        ),
    ],
)
