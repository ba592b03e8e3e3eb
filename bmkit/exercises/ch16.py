"""Exercises of chapter 16, the Transformer."""

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = [
    "block_parameters",
    "century",
    "decoder_input",
    "feed_forward",
    "layer_norm",
    "memory_bits",
    "small_steps",
]

_random = np.random.default_rng(16)
EPSILON = 1e-5


def _layer_norm(x, epsilon):
    """Bring each step to mean 0 and standard deviation 1."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon)


def _decoder_input(answers, start):
    """Put the start in front and drop the last token."""
    first = np.full((len(answers), 1), start)
    return np.concatenate([first, answers[:, :-1]], axis=1)


def _feed_forward(width):
    inputs = keras.Input((None, width))
    x = keras.layers.LayerNormalization(epsilon=EPSILON)(inputs)
    x = keras.layers.Dense(4 * width, activation="gelu")(x)
    x = keras.layers.Dense(width)(x)
    return keras.Model(inputs, inputs + x)


def _feed_forward_with(shortcut=True, norm="first", activation="gelu", times=4):
    def build(width):
        x = inputs = keras.Input((None, width))
        normalize = keras.layers.LayerNormalization(epsilon=EPSILON)
        normed = normalize(inputs)
        if norm in ("first", "shared"):
            x = normed
        x = keras.layers.Dense(times * width, activation=activation)(x)
        x = keras.layers.Dense(width)(x)
        if shortcut:
            x = x + (normed if norm == "shared" else inputs)
        return keras.Model(inputs, normalize(x) if norm == "after" else x)

    return build


def _transformed(model) -> tuple:
    """Give a model weights that depend on their names and shapes alone: what it answers, and what it trains."""
    steps = np.random.default_rng(161).normal(1, 2, size=(2, 3, 4))
    x = keras.ops.convert_to_tensor(steps, "float32")
    model(x)  # the first call builds a layer
    for weight in model.weights:  # in whatever order they were made: gamma, beta, kernels and biases differ
        name = weight.path.split("/")[-1]
        seed = [*map(ord, name), *weight.shape]
        weight.assign(np.random.default_rng(seed).normal(scale=0.7, size=weight.shape))
    shapes = np.array(sorted((*weight.shape, 0)[:2] for weight in model.trainable_weights))
    return shapes, keras.ops.convert_to_numpy(model(x))


layer_norm = Exercise(
    "ch16.layer_norm",
    _layer_norm,
    [
        (np.array([[1.0, 3.0], [10.0, 50.0]]), EPSILON),
        (_random.normal(size=(4, 6)), EPSILON),
        (5 + 3 * _random.normal(size=(2, 3, 8)), EPSILON),
        (np.array([[2.0, 2.0, 2.0]]), EPSILON),
        (np.array([[0.0, 0.1], [0.01, 0.0]]), 0.01),
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
            "You divided by the variance; the standard deviation is its square root.",
        ),
        (
            lambda x, epsilon: (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + epsilon),
            "Right but for the place of epsilon: it is added to the variance, under the root.",
        ),
    ],
    tolerance=1e-5,  # Keras' own layer calculates with 32 bits
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
        "Nothing comes before the first place, so the start token stands there. The last token is never an input.",
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

feed_forward = Exercise(
    "ch16.feed_forward",
    _feed_forward,
    [(4,), (4,), (4,)],  # the width of the steps that the probe sends through
    hints=[
        "Three layers in a chain, norm, wide, narrow; the result is added to what came in.",
        "inputs = keras.Input((None, width)), then x = keras.layers.LayerNormalization(epsilon=1e-5)(inputs), …",
        "In the end keras.Model(inputs, …), with the sum of inputs and the last Dense as its output.",
    ],
    mistakes=[
        (_feed_forward_with(shortcut=False), "The shortcut is missing: the answer is added to what came in."),
        (
            _feed_forward_with(norm="shared"),
            "The shortcut starts after the norm; it must carry the input itself.",
        ),
        (_feed_forward_with(norm="after"), "The norm stands after the sum, as in 2017; here it comes first."),
        (_feed_forward_with(activation="relu"), 'The activation is a ReLU; take "gelu".'),
        (_feed_forward_with(activation=None), 'The wide Dense has no activation; give it activation="gelu".'),
        (_feed_forward_with(times=1), "The first Dense must be four times as wide as a step."),
    ],
    probe=_transformed,
    tolerance=5e-3,  # both ways to calculate gelu
)

small_steps = Question(
    "ch16.small_steps",
    1.03,
    why="A tenth of each part changes little: the gradient comes down nearly unchanged, and no norm was needed for it.",
    hints=[
        "def tenth(x, part, norm): return x + 0.1 * part(x)",
        "gradients, similarities = measure(tenth); the gradient at the bottom is gradients[0].",
    ],
    mistakes={
        12: "That is the number of blocks. Give your way to measure, and take the first number of the first result.",
        0.1: "That is the factor; give the size of the gradient at the bottom, compared with the top.",
    },
    tolerance=0.1,
)

block_parameters = Question(
    "ch16.block_parameters",
    49_984,
    why="Attention 4(d² + d), feed-forward 8d² + 5d, two norms of 2d: 12d² + 13d.",
    hints=[
        "Attention: four matrices of d · d and four biases of d.",
        "Feed-forward: d · 4d numbers and 4d biases, then 4d · d numbers and d biases.",
        "Each of the two norms has a scale and a shift for each of the d numbers of a step.",
    ],
    mistakes={
        49_152: "That is 12d², the matrices alone; biases and norms add 13d.",
        49_728: "The two norms learn something too: a scale and a shift for each number of a step.",
        16_640: "That is attention alone, 4(d² + d); the feed-forward part has twice as many.",
        33_344: "That is feed-forward part and norms; attention is missing.",
    },
)

century = Question(
    "ch16.century",
    0,
    why="Nearly none. In training every year began with 19 or 20: little reason to copy those two digits.",
    hints=[
        "What would the network have had to learn in order to copy the first two digits of a year?",
        "Did any example in training punish it for writing 19 or 20 without looking?",
        "Think of a share near the lowest there can be.",
    ],
    mistakes={
        1: "So one would hope. But nothing in training ever asked for a year that begins with 18.",
        0.5: "A half would be luck between 19 and 20; but the right two digits, 18, are neither.",
    },
    tolerance=0.15,  # some stray hits are possible
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
