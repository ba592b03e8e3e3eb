"""Exercises of chapter 11, convolutional networks for images."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["max_pool", "output_side", "parameters", "rows"]

_random = np.random.default_rng(11)

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
        "27 weights and one bias a filter, times 32 filters.",
    ],
    mistakes={
        864: "Each filter also has a bias: 32 more.",
        288: "Each filter sees all three channels: 3 · 3 · 3 weights. And it has a bias.",
        320: "That would be right for one input channel; here there are three.",
        865: "Every filter has a bias of its own, not one for all.",
        960: "One bias a filter, not one a channel.",
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
