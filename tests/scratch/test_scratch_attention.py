"""Attention, masks and positions of `bmkit.scratch`: worked by hand, held against Keras, their promises and errors."""

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(2, 5, 12))
CONTEXT = RANDOM.normal(size=(2, 7, 12))
HEADS = 3
WEIGHTS = [
    RANDOM.normal(scale=0.5, size=size)
    for size in [*[(12, HEADS, 4), (HEADS, 4)] * 3, (HEADS, 4, 12), (12,)]  # query, key, value, output
]
ONE = np.ones((1, 1, 1))

# name, arguments, what comes out, worked by hand
HAND = [
    # Scores 0 and ln 3 · √4 / √4: weights 1/4 and 3/4.
    (
        "dot_product_attention",
        (2 * np.eye(1, 4), np.array([[0.0, 9, 9, 9], [np.log(3), 0, 0, 0]]), np.array([[4.0], [8.0]])),
        ([[7.0]], [[0.25, 0.75]]),
    ),
    ("dot_product_attention", (np.zeros((1, 1)), np.zeros((3, 1)), np.arange(3.0)[:, None], [True, False, True]), None),
    ("dot_product_attention", (ONE[0], ONE[0], ONE[0], [[0]]), ([[0.0]], [[0.0]])),
    # One head of size 1: x = 0 and 1, doubled as value, tripled by the output, plus 1; the scores are all 0.
    (
        "multi_head_attention",
        (np.array([[[0.0], [1.0]]]), [0 * ONE, 0.0, ONE, 0.0, 2 * ONE, 0.0, 3 * ONE, 1.0]),
        ([[[4.0], [4.0]]], [[[[0.5, 0.5], [0.5, 0.5]]]]),
    ),
    ("causal_mask", (2,), [[True, False], [True, True]]),
    ("causal_mask", (2, 4), [[True, True, True, False], [True, True, True, True]]),
    ("padding_mask", ([0, 2], 2), [[False, False], [True, True]]),
    ("attention_multiply_adds", (3, 2), 2 * 9 * 2 + 4 * 3 * 4),
    ("attention_multiply_adds", (0, 2), 0),
    ("position_frequencies", (2,), [1.0]),
    ("position_frequencies", (4, 9.0), [1.0, 1 / 3]),
    ("sinusoidal_positions", (2, 2, 7.0), [[0.0, 1.0], [np.sin(1), np.cos(1)]]),
    ("sinusoidal_positions", (1, 6), [[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]),
    # Frequencies 1 and 1/3: at step 1 the pairs (1, 3) and (2, 4) turn by 1 and by 1/3 radian.
    (
        "rotary",
        (np.array([[1.0, 2.0, 3.0, 4.0]] * 2),),
        {"base": 9.0},
        [
            [1.0, 2.0, 3.0, 4.0],
            [
                np.cos(1) - 3 * np.sin(1),
                2 * np.cos(1 / 3) - 4 * np.sin(1 / 3),
                3 * np.cos(1) + np.sin(1),
                4 * np.cos(1 / 3) + 2 * np.sin(1 / 3),
            ],
        ],
    ),
]
HAND[1] = (*HAND[1][:2], ([[1.0]], [[0.5, 0.0, 0.5]]))


def numbers(result):
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


ERRORS = [
    ("dot_product_attention", (X, CONTEXT[..., :6], CONTEXT), "do not fit"),
    ("dot_product_attention", (X, CONTEXT, CONTEXT[:, :6]), "do not fit"),
    ("multi_head_attention", (X, WEIGHTS[:7]), "expected eight"),
    ("multi_head_attention", (X[..., :8], WEIGHTS), "(n, queries, width)"),
    ("causal_mask", (3, 2), "only 2 keys"),
    ("padding_mask", (np.array([1, 9]), 5), "expected 0 … 5"),
    ("attention_multiply_adds", (3, -1), "neither may be negative"),
    ("position_frequencies", (5,), "an even number"),
    ("sinusoidal_positions", (4, 0), "an even number"),
    ("rotary", (X[..., :5],), "an even number"),
]


@pytest.mark.parametrize("causal", [False, True])
def test_scaled_dot_products_are_those_of_keras(causal):
    query, key, value = RANDOM.normal(size=(3, 2, 4, 6, 5))  # Keras wants (n, time, heads, size)
    ours, _ = scratch.dot_product_attention(query, key, value, scratch.causal_mask(6) if causal else None)
    heads_last = [np.float32(np.swapaxes(array, 1, 2)) for array in (query, key, value)]
    theirs = keras.ops.convert_to_numpy(keras.ops.dot_product_attention(*heads_last, is_causal=causal))
    np.testing.assert_allclose(np.swapaxes(ours, 1, 2), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", ["self", "causal", "cross, padded"])
def test_several_heads_are_those_of_keras(case):
    context, mask = None, None
    if case == "causal":
        mask = scratch.causal_mask(5)
    if case == "cross, padded":
        context, mask = CONTEXT, np.repeat(scratch.padding_mask([7, 3], 7)[:, np.newaxis], 5, axis=1)
    ours, weights = scratch.multi_head_attention(X, WEIGHTS, mask, context=context)
    layer = keras.layers.MultiHeadAttention(HEADS, 4)
    other = np.float32(X if context is None else context)
    layer.build(X.shape, other.shape)
    layer.set_weights(WEIGHTS)
    theirs = layer(np.float32(X), other, attention_mask=mask, return_attention_scores=True)
    for mine, known in zip((ours, weights), theirs, strict=True):
        np.testing.assert_allclose(mine, keras.ops.convert_to_numpy(known), rtol=1e-5, atol=1e-5)


def test_weights_are_shares_and_obey_the_mask():
    mask = scratch.causal_mask(5) & scratch.padding_mask([5, 2], 5)[:, np.newaxis]
    _, weights = scratch.multi_head_attention(X, WEIGHTS, mask)
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    assert not weights[~np.repeat(mask[:, np.newaxis], HEADS, axis=1)].any()


def test_attention_sees_a_set():
    order = RANDOM.permutation(7)
    ours, _ = scratch.multi_head_attention(X, WEIGHTS, context=CONTEXT)
    mixed, _ = scratch.multi_head_attention(X, WEIGHTS, context=CONTEXT[:, order])
    np.testing.assert_allclose(mixed, ours)


def test_nothing_leaks_from_the_future():
    changed = X.copy()
    changed[:, 3:] = 99.0
    before, after = (scratch.multi_head_attention(x, WEIGHTS, scratch.causal_mask(5))[0] for x in (X, changed))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])


def test_attention_is_quadratic_and_its_projections_are_linear():
    lengths = np.array([64, 128, 256, 512])
    core = np.array([scratch.attention_multiply_adds(int(length), 16, projections=False) for length in lengths])
    assert (core[1:] == 4 * core[:-1]).all()
    rest = np.array([scratch.attention_multiply_adds(int(length), 16) for length in lengths]) - core
    assert (rest[1:] == 2 * rest[:-1]).all()
    # The formula is what the two matrix products of all heads multiply: (queries, size, keys) and back.
    assert core[0] == 4 * 2 * (64 * (16 // 4) * 64)


def test_rotary_positions_are_turns_of_complex_numbers():
    turned = (X[..., :6] + 1j * X[..., 6:]) * np.exp(1j * np.outer(3 + np.arange(5), 10_000 ** (-np.arange(6) / 6)))
    np.testing.assert_allclose(scratch.rotary(X, start=3), np.concatenate([turned.real, turned.imag], axis=-1))


def test_a_rotary_product_depends_on_the_distance_alone():
    query, key = RANDOM.normal(size=(2, 1, 8))
    products = [
        scratch.rotary(query, start=start) @ scratch.rotary(key, start=start + distance).T
        for distance in (0, 3)
        for start in (0, 17, 400)
    ]
    np.testing.assert_allclose(np.ravel(products), np.repeat([products[0], products[3]], 3))
    np.testing.assert_allclose(products[0], query @ key.T)


def test_sinusoids_turn_by_the_same_matrix_at_every_step():
    table = scratch.sinusoidal_positions(50, 8)
    turn = np.linalg.lstsq(table[:-3], table[3:], rcond=None)[0]
    np.testing.assert_allclose(table[:-3] @ turn, table[3:], atol=1e-9)
    np.testing.assert_allclose((table**2).sum(axis=1), 4)


def test_positions_are_those_of_keras_hub():
    hub = pytest.importorskip("keras_hub").layers
    x = np.float32(RANDOM.normal(size=(2, 9, 12)))
    waves = keras.ops.convert_to_numpy(hub.SinePositionEncoding()(x))[0]
    np.testing.assert_allclose(scratch.sinusoidal_positions(9, 12), waves, rtol=1e-5, atol=1e-5)
    heads = np.float32(RANDOM.normal(size=(2, 9, 3, 8)))  # KerasHub has (n, time, heads, size)
    theirs = keras.ops.convert_to_numpy(hub.RotaryEmbedding()(heads, start_index=4))
    ours = scratch.rotary(np.swapaxes(heads, 1, 2), start=4)
    np.testing.assert_allclose(np.swapaxes(ours, 1, 2), theirs, rtol=1e-5, atol=1e-5)
