"""Exercises of chapter 11, convolutional networks for images."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["flatten", "max_pool", "output_side", "parameters", "rows", "small_cnn"]

_random = np.random.default_rng(11)


def _flatten(features):
    return features.reshape(len(features), -1)


def _small_cnn(side, channels, classes):
    model = keras.Sequential([keras.Input((side, side, channels))])
    model.add(keras.layers.Conv2D(8, 3, padding="same", activation="relu"))
    model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Conv2D(16, 3, activation="relu"))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(classes))
    return model


def _changed(first="relu", pooling=keras.layers.MaxPooling2D, padding=("same", "valid"), second="relu", end=None):
    """Make a frequent wrong network: one choice differs."""

    def build(side, channels, classes):
        model = keras.Sequential([keras.Input((side, side, channels))])
        model.add(keras.layers.Conv2D(8, 3, padding=padding[0], activation=first))
        model.add(pooling(2))
        model.add(keras.layers.Conv2D(16, 3, padding=padding[1], activation=second))
        model.add(keras.layers.Flatten())
        model.add(keras.layers.Dense(classes, activation=end))
        return model

    return build


def _answers(model) -> np.ndarray:
    """Give a model fixed weights, and two pictures: what it answers tells how it is built."""
    random = np.random.default_rng(11)
    model.set_weights([random.normal(scale=0.3, size=weight.shape) for weight in model.weights])
    pictures = random.normal(size=(2, *model.input_shape[1:])).astype("float32")
    return keras.ops.convert_to_numpy(model(pictures))


output_side = Exercise(
    "ch11.output_side",
    scratch.conv_output_size,
    [(28, 3, 1, 0), (28, 3, 1, 1), (32, 2, 2, 0), (27, 2, 2, 0), (224, 7, 2, 3), (5, 5, 1, 0)],
    hints=[
        "Draw a side of 5 pixels and a window of 3: the window can start at pixel 0, 1 or 2. So 5 - 3 + 1 positions.",
        "Padding makes the side longer at both ends: size + 2 * padding.",
        "A stride of s visits every s-th position: divide the distance (side - kernel) by s, rounding down, and add 1.",
    ],
    mistakes=[
        (
            lambda size, kernel, stride, padding: (size + padding - kernel) // stride + 1,
            "Zeros are added at each end, so the side grows by twice the padding.",
        ),
        (
            lambda size, kernel, stride, padding: (size + 2 * padding - kernel) // stride,
            "One short: a window as large as the side still has one position.",
        ),
        (
            lambda size, kernel, stride, padding: (size + 2 * padding - kernel + 1) // stride,
            "Add the 1 after dividing by the stride: the first position is always there.",
        ),
        (
            lambda size, kernel, stride, padding: (size + 2 * padding - kernel) / stride + 1,
            "A window that would hang over the edge does not count: divide with // to round down.",
        ),
    ],
)

max_pool = Exercise(
    "ch11.max_pool",
    scratch.max_pool2d,
    [
        (np.arange(16.0).reshape(4, 4, 1),),
        (np.array([[1.0, 3.0], [2.0, 0.0]])[:, :, np.newaxis],),
        (_random.normal(size=(6, 8, 3)),),
        (-np.ones((4, 4, 2)),),
    ],
    hints=[
        "image[0::2, 0::2] is the upper left pixel of every block. What are the other three?",
        "np.maximum compares two arrays place by place; use it three times for four arrays.",
        "Or reshape to (height / 2, 2, width / 2, 2, channels) and take the maximum over axes 1 and 3.",
    ],
    mistakes=[
        (
            lambda image: image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2, -1).mean(axis=(1, 3)),
            "This is average pooling; keep the largest value of each block.",
        ),
        (lambda image: image[::2, ::2], "You kept the upper left pixel of each block, not the largest."),
        (
            lambda image: np.maximum(scratch.max_pool2d(image), 0),
            "A block of negative numbers has a negative maximum: do not start from zero.",
        ),
    ],
)

parameters = Question(
    "ch11.parameters",
    896,
    why="(3 · 3 · 3 + 1) · 32: each of the 32 filters has 27 weights and one bias.",
    hints=[
        "One filter looks at 3 × 3 pixels in all three channels at once.",
        "27 weights and one bias for each filter, times 32 filters.",
    ],
    mistakes={
        864: "Each filter also has a bias: 32 more.",
        288: "Each filter sees all three channels: 3 · 3 · 3 weights. And it has a bias.",
        320: "That would be right for one input channel; here there are three.",
        865: "Every filter has a bias of its own, not one for all.",
        960: "One bias for each filter, not for each channel.",
    },
)

rows = Question(
    "ch11.rows",
    16,
    why="9 · 4096 = 36,864 numbers, and 36,864 / 2,304 = 16: the batch has silently become larger.",
    hints=[
        "How many numbers are 9 pictures of 4,096 numbers? How often does 2,304 go into that?",
        "4096 / 2304 = 16 / 9.",
    ],
    mistakes={
        9: "It would be 9 if each picture had 2,304 numbers; these have 4,096.",
        1: "-1 means as many rows as it takes.",
    },
)

small_cnn = Exercise(
    "ch11.small_cnn",
    _small_cnn,
    [(12, 1, 10), (9, 3, 4), (8, 2, 2)],
    hints=[
        "A chain is enough: keras.Sequential([keras.Input((side, side, channels)), …]).",
        'keras.layers.Conv2D(8, 3, padding="same", activation="relu"), then keras.layers.MaxPooling2D(2).',
        "Then Conv2D(16, 3, activation='relu') without padding, Flatten(), and Dense(classes) without activation.",
    ],
    mistakes=[
        (_changed(end="softmax"), "The model should end in logits: leave the softmax to the loss."),
        (_changed(padding=("valid", "valid")), 'The first convolution keeps the size: padding="same".'),
        (_changed(padding=("same", "same")), 'Only the first convolution is padded; the second one is "valid".'),
        (
            _changed(first=None, second=None),
            "Without ReLU both together are linear: give each convolution its activation.",
        ),
        (_changed(first=None), "The first convolution has no ReLU."),
        (_changed(second=None), "The second convolution has no ReLU."),
        (_changed(pooling=keras.layers.AveragePooling2D), "This is average pooling; keep the largest of each block."),
    ],
    probe=_answers,
    tolerance=1e-4,
)

flatten = Exercise(
    "ch11.flatten",
    _flatten,
    [
        (np.arange(24.0).reshape(2, 3, 2, 2),),
        (_random.normal(size=(9, 4, 8, 8)),),
        (_random.normal(size=(1, 64, 6, 6)),),
    ],
    hints=[
        "How many rows must come out? As many as there are pictures: len(features).",
        "In reshape the -1 may stand for the numbers of one picture, but not for the batch.",
        "Give reshape two numbers: how many pictures there are, and -1 for the rest.",
    ],
    mistakes=[
        (
            lambda features: features.reshape(-1, features.shape[1]),
            "Each row has one number for each channel; a row must hold all numbers of a picture.",
        ),
        (lambda features: features.reshape(-1), "Everything in one row: keep the pictures apart."),
        (
            lambda features: features.reshape(-1, len(features)).T,
            "The shape is right, but the numbers of different pictures are mixed.",
        ),
    ],
)
