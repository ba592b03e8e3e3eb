"""Exercises of chapter 27, speech synthesis."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["l1_of_half", "samples_of_sentence", "soft_regulator", "steps_from"]

samples_of_sentence = Question(
    "ch27.samples_of_sentence",
    21_000,
    why="The durations add up to 35 steps. A step lasts 25 ms, which are two frames of 300 samples: 35 · 600 = 21,000.",
    hints=[
        "How many steps are there in all? The length regulator repeats each phoneme as often as its duration says.",
        "A step has two frames, and a frame moves on by 300 samples.",
        "Compute 600 * sum([12, 2, 3, 1, 4, 13]).",
    ],
    mistakes={
        20_700: "That is what Griffin–Lim gives: it ends at the middle of the last frame. The teacher goes to its end.",
        10_500: "That is one frame a step; a step has two frames of 300 samples.",
        35: "That is the number of steps; a step has 600 samples.",
        70: "That is the number of frames; each of them moves on by 300 samples.",
        3_600: "That is six steps, one a phoneme; the durations say how often each of them is repeated.",
        84_000: "That counts whole windows of 1,200 samples; they overlap, and a frame moves on by 300 only.",
        42_000: "That counts whole windows for each step; the windows overlap, a frame moves on by 300.",
    },
)


def _soft_regulator(durations, length):
    durations = np.asarray(durations, float)
    ends = np.cumsum(durations)
    starts = ends - durations
    step = np.arange(length)[:, None]
    return np.maximum(0, np.minimum(ends, step + 1) - np.maximum(starts, step))


def _rounded(durations, length):
    steps = np.round(np.asarray(durations, float)).astype(int)
    owner = np.repeat(np.arange(len(steps)), steps)[:length]
    matrix = np.zeros((length, len(steps)))
    matrix[np.arange(len(owner)), owner] = 1
    return matrix


def _transposed(durations, length):
    return _soft_regulator(durations, length).T


def _by_middles(durations, length):
    ends = np.cumsum(np.asarray(durations, float))
    middle = np.arange(length)[:, None] + 0.5
    return ((middle >= ends - durations) & (middle < ends)).astype(float)


def _unclipped(durations, length):
    durations = np.asarray(durations, float)
    ends = np.cumsum(durations)
    step = np.arange(length)[:, None]
    return np.minimum(ends, step + 1) - np.maximum(ends - durations, step)


def _scaled(durations, length):
    found = _soft_regulator(durations, length)
    return found / np.maximum(found.sum(axis=1, keepdims=True), 1e-9)


def _touched(durations, length):
    return (_soft_regulator(durations, length) > 0).astype(float)


soft_regulator = Exercise(
    "ch27.soft_regulator",
    _soft_regulator,
    [
        ([1.5, 1.0], 3),
        ([2, 1, 3], 6),
        ([0.3, 0.4, 1.7, 0.0, 2.1], 6),
        ([4.0], 2),
        ([0.25, 0.25], 2),
    ],
    hints=[
        "Where does each phoneme begin and end, if the first one begins at 0? Let numpy add up.",
        "Step t reaches from t to t + 1. How long is the piece that two stretches of time have in common?",
        "min(end, t + 1) - max(start, t), and 0 where that is negative; step[:, None] against ends gives the matrix.",
    ],
    mistakes=[
        (_rounded, "The durations were rounded: a step in which one phoneme ends and the next begins belongs to both."),
        (_transposed, "The matrix lies on its side: the rows are steps, the columns phonemes."),
        (_by_middles, "Each step belongs to one phoneme here; share it between all that sound in it."),
        (_unclipped, "Where a phoneme does not sound in a step there are negative numbers: take 0 there."),
        (_touched, "Each phoneme that sounds in a step has a 1 here; tell which part of the step is its own."),
        (_scaled, "Each row adds up to 1 here; a step that is only partly filled adds up to less."),
    ],
    tolerance=1e-6,
)


def _whole(steps):
    steps = np.asarray(steps)
    if steps.dtype.kind not in "iu":
        raise TypeError(f"the numbers are of type {steps.dtype}; expected integers, which np.repeat can use")
    return steps


def _steps_from(log_steps):
    return np.maximum(1, np.round(np.expm1(log_steps))).astype(int)


def _colleague(log_steps):
    return np.exp(log_steps).astype(int) - 1


def _no_least(log_steps):
    return np.round(np.expm1(log_steps)).astype(int)


def _cut_off(log_steps):
    return np.maximum(1, np.expm1(log_steps)).astype(int)


def _one_more(log_steps):
    return np.maximum(1, np.round(np.exp(log_steps))).astype(int)


def _upwards(log_steps):
    return np.maximum(1, np.ceil(np.expm1(log_steps))).astype(int)


steps_from = Exercise(
    "ch27.steps_from",
    _steps_from,
    [
        (np.log1p(np.array([1.9, 2.2, 4.6, 12.4])),),
        (np.log1p(np.array([0.2, 0.6, 0.0])),),
        (np.array([-0.4, 3.0]),),
    ],
    hints=[
        "What does astype(int) do with 2.9? And what becomes of a phoneme of 0.4 steps?",
        "Round before you turn the numbers into integers; then let no number be below 1.",
        "np.maximum(1, np.round(np.expm1(log_steps))).astype(int).",
    ],
    mistakes=[
        (_colleague, "Both faults are still there: fractions are cut off, and short phonemes vanish."),
        (_no_least, "A phoneme of 0.4 steps vanishes: every one lasts at least one step."),
        (_cut_off, "astype(int) cuts fractions off, so that every phoneme is a little short: round first."),
        (_one_more, "The network gives log(1 + steps): subtract the 1 again, as np.expm1 does."),
        (_upwards, "Every fraction is rounded up, so that the sentence gets too long: take the nearest whole number."),
    ],
    probe=_whole,
)

l1_of_half = Question(
    "ch27.l1_of_half",
    0.402,
    why="Half the leaves make the error about a fifth larger, no more: the questions that matter most are asked first.",
    hints=[
        "Change the line that begins with LEAVES and run that cell again; it prints the error on validation.",
        "The number is the mean of `errors`, which that cell makes for the sentences in `held`.",
    ],
    mistakes={
        0.338: "That is the error of the tree with all its leaves: set LEAVES = 414, and run the cell again.",
    },
    tolerance=0.012,
)
