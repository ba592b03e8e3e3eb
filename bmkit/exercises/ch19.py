"""Exercises of chapter 19, residual networks."""

import functools

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["down_block", "gradient_at_front", "layers_with_weights", "three_labels"]


def _down(filters, *, end="relu", bias=False, add=True, first=2, second=1):
    """Build the block that changes the shape, or one of its common misreadings."""
    inputs = keras.Input((8, 8, 4))
    inner = keras.layers.Conv2D(filters, 3, strides=first, padding="same", activation="relu")(inputs)
    residual = keras.layers.Conv2D(filters, 3, strides=second, padding="same")(inner)
    if end == "inside":
        residual = keras.layers.ReLU()(residual)
    outputs = residual
    if add:
        past = keras.layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=bias)(inputs)
        outputs = keras.layers.Add()([past, residual])
    if end == "relu":
        outputs = keras.layers.ReLU()(outputs)
    return keras.Model(inputs, outputs)


def _down_block(filters):
    inputs = keras.Input((8, 8, 4))
    inner = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(inputs)
    residual = keras.layers.Conv2D(filters, 3, padding="same")(inner)
    shortcut = keras.layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(inputs)
    outputs = keras.layers.Add()([shortcut, residual])
    return keras.Model(inputs, keras.layers.ReLU()(outputs))


def _answers(model) -> np.ndarray:
    """Give each weight values that depend on its shape only, so that the order of the layers does not count."""
    for weight in model.weights:
        weight.assign(np.random.default_rng(list(map(int, weight.shape))).normal(size=weight.shape) / 3)
    pictures = np.random.default_rng(19).normal(size=(2, 8, 8, 4)).astype("float32")
    return keras.ops.convert_to_numpy(model(pictures))


def _gradient_at_front(gradient, derivatives):
    """Walk back through blocks x + F(x): each multiplies the gradient by 1 + F'."""
    for derivative in reversed(derivatives):
        gradient = gradient * (1 + derivative)
    return gradient


down_block = Exercise(
    "ch19.down_block",
    _down_block,
    [(5,), (6,), (8,)],
    hints=[
        "Start from `block_model` above. Which layers need strides=2 so that both ways end in (4, 4, filters)?",
        "F: Conv2D(filters, 3, strides=2, padding='same', activation='relu'), then another one with stride 1.",
        "Shortcut: Conv2D(filters, 1, strides=2, padding='same', use_bias=False)(inputs). Then Add, then ReLU.",
    ],
    mistakes=[
        (functools.partial(_down, add=False), "This is the plain block: the shortcut is missing."),
        (functools.partial(_down, end="inside"), "ReLU comes after the sum: before it, F could only add."),
        (functools.partial(_down, end="none"), "The last ReLU, after the sum, is missing."),
        (functools.partial(_down, bias=True), "The convolution of the shortcut has a bias; use use_bias=False."),
        (functools.partial(_down, first=1, second=2), "The stride of 2 belongs to the first convolution of F."),
    ],
    probe=_answers,
    tolerance=1e-4,
)

gradient_at_front = Exercise(
    "ch19.gradient_at_front",
    _gradient_at_front,
    [
        (1.0, [0.0, 0.0, 0.0]),
        (2.0, [0.5, -0.5]),
        (1.0, [0.1] * 20),
        (-1.0, [-0.2, 0.3, 0.05]),
    ],
    hints=[
        "One block y = x + F(x) has the derivative 1 + F'(x).",
        "By the chain rule the gradient is multiplied by this factor once for every block.",
    ],
    mistakes=[
        (
            lambda gradient, derivatives: gradient * float(np.prod(derivatives)),
            "This is the plain chain: each factor lacks the 1 of the shortcut.",
        ),
        (
            lambda gradient, derivatives: gradient * (1 + sum(derivatives)),
            "You added where the chain rule multiplies: (1 + a)(1 + b) also holds the product ab.",
        ),
        (
            lambda gradient, derivatives: gradient + float(np.prod([1 + d for d in derivatives])),
            "The gradient that arrives at the end is a factor too.",
        ),
    ],
)

layers_with_weights = Question(
    "ch19.layers_with_weights",
    50,
    why="1 + 3 · (3 + 4 + 6 + 3) + 1: that is where its name comes from.",
    hints=["How many blocks are there in all? How many convolutions has each?", "Add the first and the last layer."],
    mistakes={
        48: "The first convolution and the last dense layer have weights too.",
        49: "One is missing: there is a layer before the blocks and one after them.",
        18: "Each block has three convolutions.",
        34: "That is the network with two convolutions a block; here there are three.",
    },
)

three_labels = Question(
    "ch19.three_labels",
    0.58,  # five draws of the labelled pictures gave 0.48 to 0.66
    why="With three of each it depends on which three: between about a half and two thirds. Ten give four fifths.",
    hints=[
        "The places of the first three of each animal: [10 * animal + i for animal in range(10) for i in range(3)].",
        "model = linear(0.1).fit(features_few[places], y_few[places]), then model.score(features_fresh, y_fresh).",
    ],
    mistakes={
        0.83: "That is about the share with ten labels of each; fit on three of each.",
        0.34: "That is about the share with one label of each; fit on three of each.",
        0.1: "That is chance: take features and labels at the same places.",
    },
    tolerance=0.12,
)
