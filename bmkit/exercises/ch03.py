"""Exercises of chapter 03, language, vision and speech as tensors."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["changed", "frames_a_second", "masked_mean", "one_hot"]

_random = np.random.default_rng(3)

one_hot = Exercise(
    "ch03.one_hot",
    scratch.one_hot,
    [
        (np.array([2, 0]), 3),
        (np.array([1, 1, 1]), 2),
        (np.array([4, 0, 3, 1]), 6),
        (_random.integers(0, 9, 12), 9),
    ],
    hints=[
        "Each token becomes one row: the output has as many rows as there are tokens, and `size` columns.",
        "np.eye(size) holds one row for each possible token; which of its rows do you need?",
        "np.eye(size)[tokens] picks them all at once.",
    ],
    mistakes=[
        (lambda tokens, size: np.eye(size)[tokens].T, "Rows and columns are exchanged: one row for each token."),
        (
            lambda tokens, size: np.eye(size)[tokens - 1],
            "Tokens are counted from 0: token 0 has its one in the first column.",
        ),
        (
            lambda tokens, size: np.eye(size)[tokens].sum(axis=0),
            "You added the rows up: this counts the tokens and forgets their order. Keep one row for each token.",
        ),
        (
            lambda tokens, size: np.eye(size)[tokens].max(axis=0),
            "You put all ones into one row, which forgets the order. Keep one row for each token.",
        ),
    ],
)

frames_a_second = Question(
    "ch03.frames_a_second",
    153,
    why="⌊(10,000 - 256) / 64⌋ + 1 = 153: the last frame must still fit, so it is a little less than 10,000 / 64.",
    hints=[
        "The first frame starts at sample 0, the second at 64, and so on; the last one must end by sample 10,000.",
        "How many steps of 64 fit into the 10,000 - 256 samples that are left after the first frame?",
        "Rounded down, plus one for the first frame itself.",
    ],
    mistakes={
        152: "Those are the steps after the first frame; the first frame counts too.",
        156: "10,000 / 64 = 156.25 counts starts; the last few frames would hang over the end.",
        157: "The last few frames would hang over the end of the sound.",
        39: "That many fit without overlap; here a frame starts every 64 samples.",
    },
)

masked_mean = Exercise(
    "ch03.masked_mean",
    scratch.masked_mean,
    [
        (np.array([[[1.0], [3.0], [0.0], [0.0]]]), np.array([[True, True, False, False]])),
        (np.array([[[2.0, 0.0], [4.0, 6.0], [9.0, 9.0]]]), np.array([[True, True, False]])),
        (_random.normal(size=(3, 5, 2)), np.arange(5) < np.array([[5], [1], [3]])),
        (_random.normal(size=(2, 3, 4)), np.arange(3) < np.array([[2], [0]])),
    ],
    hints=[
        "The mask has shape (n, time); mask[:, :, np.newaxis] can be multiplied with vectors of (n, time, features).",
        "Sum over axis 1, the time, above and below: vectors times mask above, the mask alone below.",
        "An empty sequence would divide 0 by 0: np.maximum(1, count) below.",
    ],
    mistakes=[
        (lambda vectors, mask: vectors.mean(axis=1), "You averaged over all steps, padding included."),
        (
            lambda vectors, mask: (vectors * mask[:, :, np.newaxis]).mean(axis=1),
            "You left the padding out of the sum, but you still divide by all steps; divide by the real ones.",
        ),
        (
            lambda vectors, mask: (vectors * mask[:, :, np.newaxis]).sum(axis=1),
            "This is the sum of the real steps; divide it by their number.",
        ),
        (
            lambda vectors, mask: np.where(mask.any(axis=1, keepdims=True), scratch.masked_mean(vectors, mask), np.nan),
            "Right but for a sequence without any real step: 0 / 0 is nan. Divide by at least 1.",
        ),
    ],
)

changed = Question(
    "ch03.changed",
    0,
    why="With a window of 1 each row is turned into numbers by itself, and a mean does not care about the order.",
    hints=[
        "What does the convolution see of the neighbours of a row when its window is 1?",
        "Exchange two rows of a picture: which terms of the mean change?",
    ],
    mistakes={
        400: "The pictures look different to you, but a mean over the rows notices nothing of their order.",
        360: "It does not fall to guessing: no term of the formula knows at which place it stands.",
    },
)
