"""Exercises of chapter 19, residual networks."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["block", "layers_with_weights", "paths", "slope_back"]

_random = np.random.default_rng(19)


def _block(x, first, second):
    """Add to x what two matrices make of it, then ReLU."""
    inner = scratch.relu(x @ first)
    return scratch.relu(x + inner @ second)


def _slope_back(slope, derivatives):
    """Walk back through blocks x + F(x): each multiplies the slope by 1 + F'."""
    for derivative in reversed(derivatives):
        slope = slope * (1 + derivative)
    return slope


block = Exercise(
    "ch19.block",
    _block,
    [
        (np.array([[1.0, 2.0]]), np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([[1.0, 2.0]]), np.array([[1.0, -1.0], [0.0, 1.0]]), np.array([[-3.0, 0.0], [0.0, 1.0]])),
        (_random.normal(size=(4, 3)), _random.normal(size=(3, 5)), _random.normal(size=(5, 3))),
    ],
    hints=[
        "First what the block adds: F(x) = relu(x @ first) @ second.",
        "Then y = relu(x + F(x)): the sum first, ReLU last. np.maximum(z, 0) is ReLU.",
    ],
    mistakes=[
        (
            lambda x, first, second: scratch.relu(scratch.relu(x @ first) @ second),
            "This is the plain block: x itself does not go past.",
        ),
        (
            lambda x, first, second: x + scratch.relu(scratch.relu(x @ first) @ second),
            "ReLU comes after the sum: before it, F could only add and never take away.",
        ),
        (
            lambda x, first, second: scratch.relu(x + x @ first @ second),
            "Between the two matrices a ReLU is missing; without it they are only one matrix.",
        ),
        (
            lambda x, first, second: x + scratch.relu(x @ first) @ second,
            "The last ReLU is missing.",
        ),
    ],
)

slope_back = Exercise(
    "ch19.slope_back",
    _slope_back,
    [
        (1.0, [0.0, 0.0, 0.0]),
        (2.0, [0.5, -0.5]),
        (1.0, [0.1] * 20),
        (-1.0, [-0.2, 0.3, 0.05]),
    ],
    hints=[
        "One block y = x + F(x) has the derivative 1 + F'(x).",
        "By the chain rule the slope is multiplied by this factor once for every block.",
    ],
    mistakes=[
        (
            lambda slope, derivatives: slope * float(np.prod(derivatives)),
            "This is the plain chain: each factor lacks the 1 of the shortcut.",
        ),
        (
            lambda slope, derivatives: slope * (1 + sum(derivatives)),
            "You added where the chain rule multiplies: (1 + a)(1 + b) also holds the product ab.",
        ),
        (
            lambda slope, derivatives: slope + float(np.prod([1 + d for d in derivatives])),
            "The slope from behind is a factor too.",
        ),
    ],
)

paths = Question(
    "ch19.paths",
    1024,
    why="Each block doubles the number of ways: around it or through it, and 2 to the power of 10 is 1,024.",
    hints=["With one block there are 2 ways. With two blocks each of these splits once more.", "2 · 2 · … ten times."],
    mistakes={
        20: "The choices of different blocks are combined, not added: multiply 2 by itself ten times.",
        10: "At each block there are two choices: around it or through it.",
        11: "That counts how many blocks a way can pass through, 0 to 10; but there are many ways of each length.",
        100: "Two choices ten times is 2 to the power of 10.",
    },
)

layers_with_weights = Question(
    "ch19.layers_with_weights",
    50,
    why="1 + 3 · (3 + 4 + 6 + 3) + 1: that is where its name comes from.",
    hints=["How many blocks are there in all? How many convolutions has each?", "Add the first and the last layer."],
    mistakes={
        48: "The first convolution and the last dense layer have weights too.",
        49: "One is missing: there is a layer before the blocks and one behind them.",
        18: "Each block has three convolutions.",
        34: "That is the network with two convolutions a block; here there are three.",
    },
)
