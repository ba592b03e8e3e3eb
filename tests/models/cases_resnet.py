"""Tiny configurations of the builders in `bmkit.models.resnet`, the richest of each last."""

from parameters import convolution, dense

from bmkit import models

CASES = [
    (
        "plain network",
        models.resnet,
        {"input_shape": (8, 8, 1), "num_classes": 3, "blocks": (1,), "filters": (8,), "residual": False},
        convolution(1, 8) + 2 * convolution(8, 8) + 3 * (4 - 1) * 8 + dense(8, 3),
    ),
    (
        "resnet",
        models.resnet,
        {"input_shape": (9, 8, 2), "num_classes": 3, "blocks": (1, 1), "filters": (4, 8)},
        convolution(2, 4)
        + 2 * convolution(4, 4)
        + convolution(4, 8)
        + convolution(8, 8)
        + (4 - 1) * (3 * 4 + 2 * 8)  # a normalisation has four numbers a feature map, the bias it replaces one
        + dense(8, 3),
    ),
]
