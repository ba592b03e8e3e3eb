"""Exercises of chapter 15, attention."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["causal_weights", "crossing", "split_heads"]

_random = np.random.default_rng(15)


def _causal_weights(scores):
    """Turn scores into weights; nobody looks ahead."""
    allowed = np.tri(len(scores), dtype=bool)
    return scratch.softmax(np.where(allowed, scores, -1e30))


def _split_heads(x, heads):
    """Give each head its own columns."""
    time, width = x.shape
    columns = x.reshape(time, heads, width // heads)
    return columns.swapaxes(0, 1)


causal_weights = Exercise(
    "ch15.causal_weights",
    _causal_weights,
    [
        (np.array([[1.0, 2.0], [0.0, 0.0]]),),
        (np.zeros((4, 4)),),
        (_random.normal(size=(3, 3)),),
        (3 * _random.normal(size=(6, 6)),),
    ],
    hints=[
        "np.tri(n) holds ones on and below the diagonal: row i may look at the columns 0 … i.",
        "np.where(allowed, scores, -1e9) makes every forbidden score hopeless before the softmax.",
        "Then the softmax along each row: subtract the row's maximum, take exp, divide by the row's sum.",
    ],
    mistakes=[
        (
            lambda scores: scratch.softmax(scores) * np.tri(len(scores)),
            "You masked after the softmax: the rows no longer sum to 1, and the future still counts in what was "
            "divided by. Mask the scores instead.",
        ),
        (
            lambda scores: scratch.softmax(scores * np.tri(len(scores))),
            "A forbidden score of 0 is not a weight of 0, since exp(0) is 1. Make it hugely negative.",
        ),
        (
            lambda scores: scratch.softmax(np.where(np.tri(len(scores)).T > 0, scores, -1e30)),
            "This looks ahead only: rows are those who ask, so allow the columns up to the row's own number.",
        ),
        (
            lambda scores: scratch.softmax(np.where(np.tri(len(scores)) > 0, scores, -1e30).T).T,
            "The softmax runs down the columns; each row, one who asks, must sum to 1.",
        ),
        (scratch.softmax, "Nothing is forbidden yet: step 0 must not see step 1."),
    ],
)

split_heads = Exercise(
    "ch15.split_heads",
    _split_heads,
    [
        (np.arange(12.0).reshape(3, 4), 2),
        (np.arange(6.0).reshape(1, 6), 3),
        (_random.normal(size=(5, 8)), 4),
        (_random.normal(size=(4, 4)), 1),
    ],
    hints=[
        "Head 0 gets the first width / heads columns of every step, head 1 the next ones, and so on.",
        "x.reshape(time, heads, size) cuts each row into heads: the axes are then (time, heads, size).",
        "Exchange the first two axes: np.swapaxes(…, 0, 1), or np.split along axis 1 and np.stack.",
    ],
    mistakes=[
        (
            lambda x, heads: x.reshape(heads, len(x), -1),
            "The shape is right, but the numbers are mixed: reshape alone gives head 0 whole steps instead of its "
            "columns. Cut the columns first, then exchange the axes.",
        ),
        (
            lambda x, heads: x.reshape(len(x), heads, -1),
            "The axes are (time, heads, size); bring the heads to the front.",
        ),
        (
            lambda x, heads: x.reshape(len(x), -1, heads).transpose(2, 0, 1),
            "You dealt the columns out in turn; head 0 gets the first ones side by side.",
        ),
    ],
)

crossing = Question(
    "ch15.crossing",
    1024,
    why="2 · n² · d = 4 · n · d² at n = 2 · d: below that length the projections cost more, above it the looking.",
    hints=[
        "Set 2 · n² · d equal to 4 · n · d² and divide both sides by 2 · n · d.",
        "What is left is n = 2 · d.",
    ],
    mistakes={
        512: "At n = d the projections still cost twice as much as scores and averages together.",
        256: "The other way round: n is twice d, not half of it.",
        2048: "There are four projections, but the looking has two products as well: scores and averages.",
    },
)
