"""Tiny configurations of the builders in `bmkit.models.mlp`, the richest of each last."""

from parameters import dense

from bmkit import models

CASES = [
    (
        "mlp",
        models.mlp,
        {"input_shape": (4, 3, 1), "num_classes": 3, "hidden_units": (16,)},
        dense(12, 16) + dense(16, 3),
    ),
    ("linear", models.mlp, {"input_shape": (12,), "num_classes": 3, "hidden_units": ()}, dense(12, 3)),
    (
        "deep mlp",
        models.mlp,
        {"input_shape": (12,), "num_classes": 2, "hidden_units": (16, 8)},
        dense(12, 16) + dense(16, 8) + dense(8, 2),
    ),
]
