"""Exercises of chapter 16, the Transformer."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["block_parameters", "century", "decoder_input", "layer_norm", "memory_bits"]

_random = np.random.default_rng(16)
EPSILON = 1e-5


def _layer_norm(x, epsilon):
    """Bring each step to mean 0 and spread 1."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon)


def _decoder_input(answers, start):
    """Put the start in front and drop the last token."""
    first = np.full((len(answers), 1), start)
    return np.concatenate([first, answers[:, :-1]], axis=1)


layer_norm = Exercise(
    "ch16.layer_norm",
    _layer_norm,
    [
        (np.array([[1.0, 3.0], [10.0, 50.0]]), EPSILON),
        (_random.normal(size=(4, 6)), EPSILON),
        (5 + 3 * _random.normal(size=(2, 3, 8)), EPSILON),
        (np.array([[2.0, 2.0, 2.0]]), EPSILON),
    ],
    hints=[
        "Each step is centred by its own mean: the mean runs along the last axis, with keepdims=True.",
        "The variance is the mean of the squared centred numbers, along the same axis.",
        "Divide what is centred by the root of variance plus epsilon.",
    ],
    mistakes=[
        (
            lambda x, epsilon: (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon),
            "You took mean and variance over the steps; that would mix different steps. Take them along the last axis.",
        ),
        (
            lambda x, epsilon: (x - x.mean()) / np.sqrt(x.var() + epsilon),
            "One mean and one variance for everything: each step must have its own.",
        ),
        (
            lambda x, epsilon: x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon),
            "You scaled but did not centre (that is the RMS norm of newer models); subtract each step's mean first.",
        ),
        (
            lambda x, epsilon: (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + epsilon),
            "You divided by the variance; the spread is its square root.",
        ),
        (
            lambda x, epsilon: (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + epsilon),
            "Right but for the place of epsilon: it is added to the variance, under the root.",
        ),
    ],
    tolerance=1e-7,
)

decoder_input = Exercise(
    "ch16.decoder_input",
    _decoder_input,
    [
        (np.array([[5, 6, 7, 2]]), 1),
        (np.array([[5, 6, 2, 0], [9, 8, 7, 2]]), 1),
        (_random.integers(3, 14, size=(4, 11)), 1),
        (np.array([[4, 2], [3, 2], [5, 2]]), 9),
    ],
    hints=[
        "To write token t the decoder may know the tokens before t: everything moves one place to the right.",
        "The first place has nothing before it: there stands the start token. The last token is never an input.",
        "np.concatenate joins a column of start tokens and all columns but the last, along axis 1.",
    ],
    mistakes=[
        (
            lambda answers, start: np.roll(answers, 1, axis=1),
            "np.roll carries the last token round to the front; the start token belongs there.",
        ),
        (
            lambda answers, start: answers,
            "Input and answer are the same: place t would be shown the very token that it has to guess.",
        ),
        (
            lambda answers, start: np.pad(answers, ((0, 0), (1, 0)), constant_values=start),
            "The last token is still there: one input too many, for which there is no answer.",
        ),
        (
            lambda answers, start: np.pad(answers[:, 1:], ((0, 0), (0, 1)), constant_values=start),
            "You moved to the left: place t would be shown the token after the one that it has to guess.",
        ),
    ],
)

block_parameters = Question(
    "ch16.block_parameters",
    49_984,
    why="Attention 4(d² + d), perceptron 8d² + 5d, two norms of 2d: 12d² + 13d.",
    hints=[
        "Attention: four matrices of d · d and four biases of d.",
        "Perceptron: d · 4d numbers and 4d biases, then 4d · d numbers and d biases.",
        "Each of the two norms has a scale and a shift for each of the d numbers of a step.",
    ],
    mistakes={
        49_152: "That is 12d², the matrices alone; biases and norms add 13d.",
        49_728: "The two norms learn something too: a scale and a shift for each number of a step.",
        16_640: "That is attention alone, 4(d² + d); the perceptron has twice as many.",
        33_344: "That is perceptron and norms; attention is missing.",
    },
)

century = Question(
    "ch16.century",
    0,
    why="In training every year began with 19 or 20, so the network never had a reason to copy those two digits.",
    hints=[
        "What would the network have had to learn in order to copy the first two digits of a year?",
        "Did any example in training punish it for writing 19 or 20 without looking?",
        "Think of the lowest share there can be.",
    ],
    mistakes={
        1: "So one would hope. But nothing in training ever asked for a year that begins with 18.",
        0.5: "A half would be luck between 19 and 20; but the right two digits, 18, are neither.",
    },
    tolerance=0.05,  # a stray hit is possible
)

memory_bits = Question(
    "ch16.memory_bits",
    2048,
    why="A value of 16 kinds is 4 bits, and any of the 512 may be asked: 4 · 512, not counting the names.",
    hints=[
        "How many bits tell one of 16 values from the others?",
        "The question comes last, so each of the 512 values must still be known then.",
    ],
    mistakes={
        512: "One bit tells two values apart; here there are 16.",
        8192: "Bits, not values: one of 16 values takes the logarithm of 16 to the base 2, which is 4.",
        4: "Four bits answer the one question; but before it comes, any note may be the one that is asked for.",
    },
)
