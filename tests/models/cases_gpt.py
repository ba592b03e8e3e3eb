"""Tiny configurations of the builders in `bmkit.models.gpt`, the richest of each last."""

from parameters import block, dense

from bmkit import models

CASES = [
    *[
        (
            f"gpt, {positions}",
            models.gpt,
            {"vocabulary_size": 7, "length": 9, "width": 16, "depth": 2, "num_heads": 2, "positions": positions},
            7 * 16 + table * 16 + 2 * block(16) + 2 * 16 + dense(16, 7),
        )
        for positions, table in (("rotary", 0), ("learned", 9))
    ],
]
