"""Exercises of chapter 15, attention."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["causal_weights", "cross_attention", "crossing", "mean_look", "sharp_keys"]

ops = keras.ops
_random = np.random.default_rng(15)


def _cross_attention(key_dim, value_dim):
    class CrossAttention(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.query = keras.layers.Dense(key_dim, use_bias=False)
            self.key = keras.layers.Dense(key_dim, use_bias=False)
            self.value = keras.layers.Dense(value_dim, use_bias=False)

        def call(self, x, context):
            queries = self.query(x)  # (batch, n, key_dim)
            keys = self.key(context)  # (batch, m, key_dim)
            scores = queries @ keras.ops.transpose(keys, (0, 2, 1)) / key_dim**0.5  # (batch, n, m)
            return keras.ops.softmax(scores) @ self.value(context)  # (batch, n, value_dim)

    return CrossAttention()


class _Wrong(keras.layers.Layer):
    """A cross-attention with one fault, which `fault` names."""

    def __init__(self, key_dim, value_dim, fault):
        super().__init__()
        self.divisor = {"not divided": 1, "by d": key_dim}.get(fault, key_dim**0.5)
        self.fault = fault
        biased = fault == "bias"
        self.query, self.key = (keras.layers.Dense(key_dim, use_bias=biased) for _ in range(2))
        self.value = keras.layers.Dense(value_dim, use_bias=biased)

    def call(self, x, context):
        scores = self.query(x) @ ops.transpose(self.key(context), (0, 2, 1)) / self.divisor
        weights = ops.softmax(scores, axis=1 if self.fault == "columns" else -1)
        return (scores if self.fault == "no softmax" else weights) @ self.value(context)


def _cross_attention_with(fault):
    return lambda key_dim, value_dim: _Wrong(key_dim, value_dim, fault)


def _answers(layer) -> tuple:
    """Give a layer weights that depend on their shapes alone: what it answers, and the shapes that it trains."""
    random = np.random.default_rng(151)
    x = ops.convert_to_tensor(random.normal(size=(2, 4, 3)), "float32")
    context = ops.convert_to_tensor(random.normal(size=(2, 6, 5)), "float32")
    layer(x, context)  # the first call builds it
    for weight in layer.weights:  # in whatever order they were made; keys and values differ in size in every case
        weight.assign(np.random.default_rng(list(weight.shape)).normal(size=weight.shape))
    shapes = np.array(sorted((*weight.shape, 0)[:2] for weight in layer.trainable_weights))
    return shapes, ops.convert_to_numpy(layer(x, context))


def _mean_look(tokens, vectors):
    real = tokens != 0
    look = keras.layers.Attention()
    looked = look([vectors, vectors], mask=[None, real])
    return keras.layers.GlobalAveragePooling1D()(looked, mask=real)


def _mean_look_with(mask, pooled):
    def wrong(tokens, vectors):
        looked = keras.layers.Attention()([vectors, vectors], mask=[None, mask(tokens)])
        return pooled(looked, tokens != 0)

    return wrong


def _mean_of_all(looked, real):
    return ops.mean(looked, axis=1)


def _mean_of_real(looked, real):
    return keras.layers.GlobalAveragePooling1D()(looked, mask=real)


def _sum_over_all(looked, real):
    return ops.sum(looked * ops.cast(real, looked.dtype)[..., None], axis=1) / looked.shape[1]


def _causal_weights(scores):
    """Turn scores into weights; no query looks ahead."""
    allowed = np.tri(len(scores), dtype=bool)
    return scratch.softmax(np.where(allowed, scores, -1e30))


causal_weights = Exercise(
    "ch15.causal_weights",
    _causal_weights,
    [
        (np.array([[1.0, 2.0], [0.0, 0.0]]),),
        (np.zeros((4, 4)),),
        (_random.normal(size=(3, 3)),),
        (3 * _random.normal(size=(6, 6)),),
        (np.array([[-5000.0, 0.0, 0.0], [0.0, -2000.0, 1000.0], [3.0, 1.0, 2.0]]),),
    ],
    hints=[
        "np.tri(n) holds ones on and below the diagonal: row i may look at the columns 0 … i.",
        "np.where(allowed, scores, -1e30) makes every forbidden score vanish in the softmax.",
        "Then the softmax along each row: subtract the row's maximum, take exp, divide by the row's sum.",
    ],
    mistakes=[
        (
            lambda scores: scratch.softmax(np.where(np.tri(len(scores), k=-1) > 0, scores, -1e30)),
            "A step may look at itself: allow the diagonal too, np.tri(n) without k=-1.",
        ),
        (
            lambda scores: scratch.softmax(np.where(np.tri(len(scores)) > 0, scores, -100.0)),
            "A forbidden score of -100 is low only beside small scores; others may lie below it. Take -1e30.",
        ),
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
            "This looks ahead only: rows are the queries, so allow the columns up to the row's own number.",
        ),
        (
            lambda scores: scratch.softmax(np.where(np.tri(len(scores)) > 0, scores, -1e30).T).T,
            "The softmax runs down the columns; each row, one query, must sum to 1.",
        ),
        (scratch.softmax, "Nothing is forbidden yet: step 0 must not see step 1."),
    ],
)

cross_attention = Exercise(
    "ch15.cross_attention",
    _cross_attention,
    [(2, 3), (4, 2), (7, 1)],
    hints=[
        "Copy SelfAttention. Which of its three Dense layers reads x now, and which two read context?",
        "call(self, x, context): queries from x, keys and values from context. The scores have shape (batch, n, m).",
        "A softmax along the last axis of queries @ keys transposed over √key_dim; times the values of context.",
    ],
    mistakes=[
        (
            _cross_attention_with("not divided"),
            "The scores are not divided by the square root of key_dim.",
        ),
        (_cross_attention_with("by d"), "You divided by key_dim; its square root is needed."),
        (
            _cross_attention_with("columns"),
            "The softmax runs over the queries; each query's weights must sum to 1, so take the last axis.",
        ),
        (_cross_attention_with("no softmax"), "Scores are no weights yet: a softmax along the last axis is missing."),
        (_cross_attention_with("bias"), "The right look-up, but with biases: use_bias=False in all three layers."),
        (
            lambda key_dim, value_dim: keras.layers.MultiHeadAttention(1, key_dim, value_dim),
            "Keras' own layer has biases and a fourth matrix at the end; build this one of three Dense layers.",
        ),
    ],
    probe=_answers,
    tolerance=1e-4,
)

sharp_keys = Question(
    "ch15.sharp_keys",
    3.5,
    why="The scores have the standard deviation 4, as those of size 16 without division: large weights still sharpen.",
    hints=[
        "measure has an argument for it: query_std=4.",
        "measure(64, query_std=4) returns three numbers; the second is the mean effective number of keys.",
    ],
    mistakes={
        4: "That is the standard deviation of the scores; the effective number of keys is the second result.",
        21: "So it is at standard deviation 1. Give measure the argument query_std=4.",
        32: "32 would need scores that are all equal, and these are far from that.",
        1.84: "That is without the division and with standard deviation 1; only query_std changes.",
        1.15: "That is without the division as well; only query_std changes.",
    },
    tolerance=0.12,
)

mean_look = Exercise(
    "ch15.mean_look",
    _mean_look,
    [
        (np.array([[3, 5]]), _random.normal(size=(1, 2, 3)).astype("float32")),
        (np.array([[3, 5, 0, 0]]), _random.normal(size=(1, 4, 3)).astype("float32")),
        (np.array([[4, 0, 0], [7, 2, 9]]), _random.normal(size=(2, 3, 4)).astype("float32")),
    ],
    hints=[
        "In Keras a mask is True where a step may be looked at. What does tokens == 0 say?",
        "The second fault is in the last line: the rows of the padding have answers too, and they enter the mean.",
        "keras.layers.GlobalAveragePooling1D() takes a mask in its call; or add up real rows, divide by their number.",
    ],
    mistakes=[
        (
            _mean_look_with(lambda tokens: tokens == 0, _mean_of_all),
            "This is as broken as before. Start with the mask: True means that a step may be looked at.",
        ),
        (
            _mean_look_with(lambda tokens: tokens == 0, _mean_of_real),
            "The mean is right now, but the words look at the padding: True means that a step may be looked at.",
        ),
        (
            _mean_look_with(lambda tokens: tokens != 0, _mean_of_all),
            "The mask is right now. But the last line still takes the mean over all rows, those of the padding too.",
        ),
        (
            _mean_look_with(lambda tokens: tokens != 0, _sum_over_all),
            "The rows of the padding are zero now, but they are still counted: divide by the number of real words.",
        ),
    ],
    tolerance=1e-5,
)

crossing = Question(
    "ch15.crossing",
    1024,
    why="2 · n² · d = 4 · n · d² at n = 2 · d: below that length the projections cost more, above it scores and means.",
    hints=[
        "Set 2 · n² · d equal to 4 · n · d² and divide both sides by 2 · n · d.",
        "What is left is n = 2 · d.",
    ],
    mistakes={
        512: "At n = d the projections still cost twice as much as scores and means together.",
        256: "The other way round: n is twice d, not half of it.",
        2048: "There are four projections, but scores and means are two more products.",
    },
)
