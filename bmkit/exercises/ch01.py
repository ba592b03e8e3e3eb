"""Exercises of chapter 01, neural networks."""

import itertools

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["between", "count", "forward", "neuron"]

_random = np.random.default_rng(1)

neuron = Exercise(
    "ch01.neuron",
    scratch.neuron,
    [
        (np.array([[1.0, 2.0]]), np.array([1.0, 1.0]), -3.0),
        (np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]), np.array([1.0, -1.0]), 0.5),
        (_random.normal(size=(6, 4)), _random.normal(size=4), 0.7),
    ],
    hints=[
        "Two steps: the weighted sum z, then the sigmoid of z.",
        "x @ w adds up weight times input for every row of x at once.",
        "scratch.sigmoid(x @ w + b)",
    ],
    mistakes=[
        (lambda x, w, b: x @ w + b, "This is the weighted sum z; squash it with the sigmoid."),
        (lambda x, w, b: scratch.sigmoid(x @ w), "The bias is missing: add b before the sigmoid."),
        (lambda x, w, b: scratch.sigmoid(x @ w) + b, "Add the bias before the sigmoid, not after it."),
        (lambda x, w, b: scratch.sigmoid(x * w + b), "Add the products up: x @ w gives one number for each example."),
        (lambda x, w, b: (x @ w + b > 0).astype(float), "This is the verdict; the neuron gives a probability."),
    ],
)

between = Question(
    "ch01.between",
    -1.5,
    why="z is linear: ¼ · (-3) + ¾ · (-1) = -1.5. Between two noes there is never a yes.",
    hints=[
        "Along a straight path z changes evenly, like height on a ramp.",
        "Halfway it is -2; three quarters of the way is halfway between -2 and -1.",
    ],
    mistakes={
        -2: "-2 is halfway; three quarters of the way is nearer to the second point.",
        -2.5: "-2.5 is one quarter of the way; go on to three quarters.",
        -0.75: "Three quarters of -1 leaves the first point out: add a quarter of -3.",
        1.5: "Both ends are below zero, so every point between them is.",
    },
)


def _forward(x, w1, b1, w2, b2):
    hidden = scratch.relu(x @ w1 + b1)
    return hidden @ w2 + b2


forward = Exercise(
    "ch01.forward",
    _forward,
    [
        (np.array([[1.0, -1.0]]), np.eye(2), np.zeros(2), np.ones((2, 1)), np.array([0.5])),
        (np.array([[1.0], [-3.0]]), np.array([[1.0, -1.0]]), np.array([0.0, -1.0]), np.eye(2), np.zeros(2)),
        tuple(_random.normal(size=shape) for shape in ((5, 3), (3, 4), 4, (4, 2), 2)),
    ],
    hints=[
        "Layer by layer: hidden values first, shape (n, hidden), then logits, shape (n, outputs).",
        "The hidden layer is scratch.relu(x @ w1 + b1).",
        "The last layer takes the hidden values in place of x and has no activation: hidden @ w2 + b2.",
    ],
    mistakes=[
        (lambda x, w1, b1, w2, b2: (x @ w1 + b1) @ w2 + b2, "The activation between the layers is missing."),
        (
            lambda x, w1, b1, w2, b2: scratch.relu(_forward(x, w1, b1, w2, b2)),
            "The last layer has no activation: a logit may be negative.",
        ),
        (lambda x, w1, b1, w2, b2: scratch.relu(x @ w1) @ w2 + b2, "The hidden layer has a bias too: add b1."),
        (
            lambda x, w1, b1, w2, b2: (scratch.relu(x @ w1) + b1) @ w2 + b2,
            "Add the hidden bias before the activation, not after it.",
        ),
        (lambda x, w1, b1, w2, b2: scratch.relu(x @ w1 + b1) @ w2, "The last layer has a bias too: add b2."),
    ],
)

count = Exercise(
    "ch01.count",
    scratch.dense_parameters,
    [([2, 1],), ([2, 8, 1],), ([64, 32, 10],), ([5, 4, 3, 2],)],
    hints=[
        "Count one layer first: each of its neurons has one weight for each input, and one bias.",
        "A layer from a to b numbers has (a + 1) · b parameters. Go through neighbours in the list and add up.",
        "sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))",
    ],
    mistakes=[
        (lambda s: sum(a * b for a, b in itertools.pairwise(s)), "Each neuron also has a bias."),
        (
            lambda s: sum(a * b + 1 for a, b in itertools.pairwise(s)),
            "Every neuron has a bias of its own, not one for the layer.",
        ),
        (
            lambda s: sum(a * (b + 1) for a, b in itertools.pairwise(s)),
            "The bias belongs to the neurons of the layer, not to its inputs: (a + 1) · b.",
        ),
        (lambda s: sum(s), "These are the numbers that flow through; count the weights between them."),
    ],
)
