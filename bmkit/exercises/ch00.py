"""Exercises of chapter 00, start here."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["accuracy", "can_refuse", "numbers"]


def _accuracy(y_true, y_pred):
    return np.mean(y_true == y_pred)


numbers = Question(
    "ch00.numbers",
    32 * 8 * 8,
    why="32 pictures of 8 · 8 pixels, one number a pixel: 2,048. Keras calls this shape (32, 8, 8, 1).",
    hints=["How many pixels has one picture?", "8 rows of 8 pixels are 64 numbers; there are 32 such pictures."],
    mistakes={
        64: "That is one picture; the batch has 32 of them.",
        256: "8 · 32 counts one row of each picture; each has 8 rows.",
        32: "That is the number of pictures; each one has 8 · 8 numbers.",
    },
)

accuracy = Exercise(
    "ch00.accuracy",
    _accuracy,
    [
        (np.array([1, 2, 3, 4]), np.array([1, 2, 3, 0])),
        (np.array([7, 7]), np.array([7, 7])),
        (np.array([0, 1, 2]), np.array([1, 2, 0])),
        (np.array([0, 0, 1, 0, 5]), np.array([0, 1, 1, 0, 9])),
        (np.arange(7), np.array([0, 1, 2, 0, 0, 0, 0])),
    ],
    hints=[
        "y_true == y_pred compares place by place and gives an array of True and False.",
        "True counts as 1 and False as 0: the mean of that array is the share of right answers.",
    ],
    mistakes=[
        (
            lambda y_true, y_pred: np.sum(y_true == y_pred),
            "You counted the right answers; divide by how many there are.",
        ),
        (lambda y_true, y_pred: np.mean(y_true != y_pred), "This is the share of wrong answers, the error rate."),
        (lambda y_true, y_pred: 100 * np.mean(y_true == y_pred), "Give a share from 0 to 1, not a percentage."),
        (lambda y_true, y_pred: y_true == y_pred, "Almost: these are the verdicts one by one; take their mean."),
    ],
)

can_refuse = Question(
    "ch00.can_refuse",
    "no",
    why="The ten probabilities always add up to 1, so some digit is always the most probable.",
    hints=["Softmax shares exactly 1 among the ten digits. Where could 'none' get its share from?"],
    mistakes={"yes": "There is no eleventh score: all of the probability is shared among the ten digits."},
)
