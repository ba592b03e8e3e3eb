"""Tiny configurations of the builders in `bmkit.models.rnn`, the richest of each last."""

from parameters import dense, recurrent

from bmkit import models

CASES = [
    *[
        (
            f"rnn of {cell}",
            models.rnn,
            {"input_shape": (None, 5), "num_outputs": 3, "cell": cell, "units": (8,)},
            recurrent(gates, 5, 8, biases) + dense(8, 3),
        )
        for cell, gates, biases in (("simple_rnn", 1, 1), ("lstm", 4, 1), ("gru", 3, 2))
    ],
    (
        "rnn on tokens",
        models.rnn,
        {"input_shape": (None,), "num_outputs": 3, "units": (6, 5), "embedding": (7, 4), "bidirectional": True},
        7 * 4 + 2 * recurrent(4, 4, 6) + 2 * recurrent(4, 12, 5) + dense(10, 3),
    ),
    *[
        (
            f"rnn_encoder_decoder of {cell}",
            models.rnn_encoder_decoder,
            {"source_vocabulary": 7, "target_vocabulary": 7, "cell": cell, "width": 8, "units": 16},
            2 * 7 * 8 + 2 * recurrent(gates, 8, 16, biases) + dense(16, 7),
        )
        for cell, gates, biases in (("lstm", 4, 1), ("gru", 3, 2))
    ],
]
