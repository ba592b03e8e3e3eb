"""Backpropagation of `bmkit.scratch`: worked by hand, held against TensorFlow's tape, against finite differences."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from bmkit import scratch

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(7, 4))
LABELS = RANDOM.integers(0, 3, 7)


def network(*widths):
    return [(RANDOM.normal(size=pair), RANDOM.normal(size=pair[1])) for pair in itertools.pairwise(widths)]


NETWORKS = [network(4, 3), network(4, 5, 3), network(4, 6, 5, 6, 3)]
by_depth = pytest.mark.parametrize("layers", NETWORKS, ids=lambda layers: f"{len(layers)} layers")

SMALL = [(np.array([[1.0, -1.0]]), np.zeros(2)), (np.array([[2.0], [5.0]]), np.ones(1))]
HAND_TOLERANCE = 0  # small whole numbers
HAND = [
    (
        "dense_backward",
        (np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[3.0], [4.0]]), np.array([[10.0], [1.0]])),
        ([[30.0, 40.0], [3.0, 4.0]], [[10.0], [21.0]], [11.0]),
    ),
    ("numerical_gradient", (lambda v: (v**3).sum(), np.array([[2.0], [-1.0]])), {"step": 1.0}, [[13.0], [4.0]]),
    (
        "backward_pass",
        (SMALL, [np.array([[3.0]]), np.array([[3.0, 0.0]])], np.array([[1.0]])),
        [([[6.0, 0.0]], [2.0, 0.0]), ([[3.0], [0.0]], [1.0])],
    ),
]

ERRORS = [
    ("dense_backward", (np.ones((2, 3)), np.ones((3, 4)), np.ones((2, 3))), "expected (n, inputs)"),
    ("dense_backward", (np.ones((2, 3)), np.ones((2, 4)), np.ones((2, 4))), "do not fit"),
    ("backward_pass", (SMALL, [np.ones((1, 1))], np.ones((1, 1))), "2 layers but 1 activations"),
]


def loss_of(layers):
    return scratch.softmax_cross_entropy(LABELS, scratch.forward_pass(layers, X)[1])


def slopes_of(layers):
    received, logits = scratch.forward_pass(layers, X)
    return scratch.backward_pass(layers, received, scratch.softmax_cross_entropy_gradient(LABELS, logits))


def flatten(pairs):
    return [array for pair in pairs for array in pair]


@by_depth
def test_tensorflow_gives_the_same_logits_and_slopes(layers):
    variables = [tf.Variable(array) for array in flatten(layers)]
    with tf.GradientTape() as tape:
        a = tf.constant(X)
        for place in range(0, len(variables), 2):
            z = a @ variables[place] + variables[place + 1]
            a = tf.nn.relu(z)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, z))
    np.testing.assert_allclose(scratch.forward_pass(layers, X)[1], z.numpy(), atol=1e-12)
    for ours, theirs in zip(flatten(slopes_of(layers)), tape.gradient(loss, variables), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-12)


@by_depth
def test_every_slope_is_what_a_nudge_measures(layers):
    for place, slope in enumerate(flatten(slopes_of(layers))):

        def moved(array, place=place):
            arrays = flatten(layers)
            arrays[place] = array
            return loss_of(list(zip(arrays[::2], arrays[1::2], strict=True)))

        measured = scratch.numerical_gradient(moved, flatten(layers)[place], step=1e-6)
        np.testing.assert_allclose(slope, measured, rtol=1e-6, atol=1e-7)


@by_depth
def test_a_small_step_against_the_slopes_lowers_the_loss(layers):
    moved = [(w - 1e-3 * dw, b - 1e-3 * db) for (w, b), (dw, db) in zip(layers, slopes_of(layers), strict=True)]
    assert loss_of(moved) < loss_of(layers)


def test_the_slopes_of_a_batch_are_the_mean_of_its_examples():
    layers = NETWORKS[1]
    received, logits = scratch.forward_pass(layers, X)
    single = []
    for row in range(len(X)):
        one, z = scratch.forward_pass(layers, X[row : row + 1])
        slope = scratch.softmax_cross_entropy_gradient(LABELS[row : row + 1], z)
        single.append(flatten(scratch.backward_pass(layers, one, slope)))
    for place, slope in enumerate(flatten(slopes_of(layers))):
        np.testing.assert_allclose(slope, np.mean([example[place] for example in single], axis=0), atol=1e-12)
    assert len(received) == 2 and logits.shape == (7, 3)


def test_nothing_changes_its_arguments():
    layers = NETWORKS[2]
    kept = [array.copy() for array in flatten(layers)]
    slopes_of(layers)
    assert all((one == other).all() for one, other in zip(kept, flatten(layers), strict=True))
