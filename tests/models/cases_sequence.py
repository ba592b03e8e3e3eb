"""Tiny configurations of the builders in `bmkit.models.sequence`, the richest of each last."""

from parameters import dense

from bmkit import models, scratch

CASES = [
    (
        "sequence_classifier",
        models.sequence_classifier,
        {"input_shape": (6, 5), "num_classes": 3, "window": 3, "filters": 8, "dense_units": 16},
        scratch.conv2d_parameters(3, 1, 5, 8) + dense(8, 16) + dense(16, 3),
    ),
]
