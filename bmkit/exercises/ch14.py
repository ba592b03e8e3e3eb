"""Exercises of chapter 14, recurrent networks for speech and series."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["last_real", "mase", "windows"]

_random = np.random.default_rng(14)


def _last_real(states, mask):
    steps = np.where(mask, np.arange(mask.shape[1]), -1).max(axis=1)  # number of the last real step, (n,)
    return states[np.arange(len(states)), steps]


def _scaled(y, forecast, history, season, *, power=1):
    return np.mean(np.abs(y - forecast) ** power) / np.mean(np.abs(history[season:] - history[:-season]) ** power)


last_real = Exercise(
    "ch14.last_real",
    _last_real,
    [
        (np.arange(8.0).reshape(1, 4, 2), np.array([[True, True, False, False]])),
        (_random.normal(size=(3, 5, 2)), np.arange(5) < np.array([[5], [1], [3]])),
        (_random.normal(size=(2, 4, 3)), np.array([[False, False, True, True], [True, True, True, False]])),
        (_random.normal(size=(4, 6, 1)), np.arange(6) < np.array([[2], [6], [4], [1]])),
    ],
    hints=[
        "You need one number for each sequence: at which step is its mask True for the last time?",
        "np.where(mask, np.arange(time), -1) numbers the real steps; the largest number of a row is its last one.",
        "states[rows, steps] with two arrays of length n takes one vector of each sequence.",
    ],
    mistakes=[
        (lambda states, mask: states[:, -1], "You took the last step of the block, where most sequences have filling."),
        (
            lambda states, mask: states[np.arange(len(states)), mask.sum(axis=1) - 1],
            "You counted the real steps; that fails where the filling stands in front of them, as in one case.",
        ),
        (
            lambda states, mask: scratch.masked_mean(states, mask),
            "This is the mean over the real steps; take the state after the last of them.",
        ),
        (
            lambda states, mask: states[np.arange(len(states)), mask.argmax(axis=1)],
            "You found the first real step of each sequence; the last one is wanted.",
        ),
    ],
)

mase = Exercise(
    "ch14.mase",
    scratch.mean_absolute_scaled_error,
    [
        (np.array([4.0, 8.0]), np.array([5.0, 5.0]), np.array([0.0, 1.0, 3.0, 6.0]), 1),
        (np.array([2.0]), np.array([5.0]), np.array([0.0, 9.0, 1.0, 7.0]), 2),
        (*_random.normal(size=(2, 12)), _random.normal(size=30), 7),
        (*_random.normal(size=(2, 5)), 1000 * _random.normal(size=40), 3),
    ],
    hints=[
        "Two means of absolute values, one divided by the other. The upper one needs y and forecast only.",
        "The lower one is a seasonal naive miss inside the history: each value minus the one a season before.",
        "history[season:] are the values that have one a season before them; history[:-season] are those earlier ones.",
    ],
    mistakes=[
        (
            lambda y, forecast, history, season: np.mean(np.abs(y - forecast)),
            "This is the mean miss in the unit of the series; divide it by the baseline's miss on the history.",
        ),
        (
            lambda y, forecast, history, season: _scaled(y, forecast, history, 1),
            "You compared each value of the history with the one just before; go a whole season back.",
        ),
        (
            lambda y, forecast, history, season: _scaled(y, forecast, history, season, power=2),
            "You squared the misses; take their absolute values.",
        ),
        (
            lambda y, forecast, history, season: (
                abs(np.mean(y - forecast)) / np.mean(np.abs(history[season:] - history[:-season]))
            ),
            "Misses above and below cancel in your mean: take the absolute value first, then the mean.",
        ),
        (
            lambda y, forecast, history, season: (
                np.mean(np.abs(y - forecast)) / np.mean(np.abs(history - history.mean()))
            ),
            "Your scale is the distance from the mean; it should be the distance from the value one season before.",
        ),
    ],
)

windows = Question(
    "ch14.windows",
    2593,
    why="A window is 48 + 48 = 96 half-hours long, and it can start at 2,688 - 96 + 1 = 2,593 places.",
    hints=[
        "How many half-hours does a window take, past and future together?",
        "The first window starts at half-hour 0. Where does the last one start, if it must end with the series?",
    ],
    mistakes={
        2592: "Count the first one too: from start 0 to start 2,592 there are one more.",
        2641: "The day ahead must lie inside as well: a window takes 96 half-hours, not 48.",
        2640: "The day ahead must lie inside as well, and the first start counts.",
        28: "That many fit side by side; windows may overlap, and a new one starts at every half-hour.",
        56: "That many days there are; windows may overlap, and a new one starts at every half-hour.",
    },
)
