"""Tiny configurations of the builders in `bmkit.models.cnn`, the richest of each last."""

from parameters import convolution, dense

from bmkit import models

CASES = [
    (
        "cnn",
        models.cnn,
        {"input_shape": (9, 6, 2), "num_classes": 3, "filters": (4, 8), "dense_units": 16},
        convolution(2, 4) + convolution(4, 8) + dense(2 * 1 * 8, 16) + dense(16, 3),
    ),
    (
        "normalised cnn",
        models.cnn,
        {
            "input_shape": (6, 6, 1),
            "num_classes": 3,
            "filters": (4,),
            "dense_units": 16,
            "batch_normalization": True,
        },
        convolution(1, 4) - 4 + 4 * 4 + dense(3 * 3 * 4, 16) + dense(16, 3),  # no bias, but 4 numbers a feature map
    ),
    (
        "article_cnn",
        models.article_cnn,
        {"input_shape": (8, 8, 3), "num_classes": 4},
        convolution(3, 32) + convolution(32, 64) + dense(2 * 2 * 64, 128) + dense(128, 4),
    ),
    (
        "spectrogram_cnn",
        models.spectrogram_cnn,
        {"input_shape": (9, 8), "num_classes": 3, "filters": (4, 6), "dense_units": 16},
        convolution(1, 4) - 4 + 4 * 4 + convolution(4, 6) - 6 + 4 * 6 + dense(2 * 6, 16) + dense(16, 3),
    ),
]
