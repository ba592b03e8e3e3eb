"""Neuron, layer and perceptron: worked by hand, what must always hold, held against Keras, and their errors."""

import itertools

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(7, 5))
SIZES = (5, 6, 4, 3)
SHAPES = [shape for before, units in itertools.pairwise(SIZES) for shape in ((before, units), units)]
WEIGHTS = [RANDOM.normal(size=shape) for shape in SHAPES]
LOG3 = 1.0986122886681098

HAND = [
    ("neuron", ([[1.0, 2.0], [0.0, 0.0]], [LOG3, 0.0], 0.0), [0.75, 0.5]),
    ("neuron", ([1.0, 1.0], [LOG3, LOG3], -LOG3), 0.75),
    (
        "dense",
        ([[1.0, 2.0], [0.0, 1.0]], [[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]], [0.0, 0.5, -5.0]),
        [[1, 2.5, 1], [0, 1.5, -3]],
    ),
    ("dense", ([2.0], [[3.0]]), [6.0]),
    ("mlp_forward", ([[1.0, -2.0]], [np.eye(2), np.zeros(2), np.ones((2, 1)), np.array([0.5])]), [[1.5]]),
    ("mlp_forward", ([[3.0]], [np.array([[2.0]]), np.array([-7.0])]), [[-1.0]]),  # no hidden layer: nothing is clipped
    (
        "forward_pass",
        ([(np.array([[1.0, -1.0]]), np.zeros(2)), (np.array([[2.0], [5.0]]), np.ones(1))], np.array([[3.0]])),
        ([[[3.0]], [[3.0, 0.0]]], [[7.0]]),
    ),
    ("dense_parameters", ((64, 32, 10),), 64 * 32 + 32 + 32 * 10 + 10),
    ("dense_parameters", ((2, 1),), 3),
    ("dense_parameters", ((5,),), 0),
]


def perceptron(x, weights, activation="relu"):
    """Keras' answer with the same weights."""
    model = keras.Sequential([keras.Input((x.shape[1],))])
    for kernel in weights[:-2:2]:
        model.add(keras.layers.Dense(kernel.shape[1], activation=activation))
    model.add(keras.layers.Dense(weights[-2].shape[1]))
    model.set_weights(weights)
    return keras.ops.convert_to_numpy(model(x.astype("float32")))


def layer(x, kernel, bias):
    return perceptron(x, [kernel, bias])


def judge(x, w, b):
    return keras.ops.convert_to_numpy(keras.ops.sigmoid(perceptron(x, [w[:, np.newaxis], np.array([b])])))[:, 0]


def number_of_weights(sizes):
    model = keras.Sequential([keras.Input((sizes[0],)), *[keras.layers.Dense(units) for units in sizes[1:]]])
    return model.count_params()


PARITY = [
    ("neuron", (X, WEIGHTS[0][:, 0], 0.3), judge),
    ("dense", (X, WEIGHTS[0], WEIGHTS[1]), layer),
    ("mlp_forward", (X, WEIGHTS), perceptron),
    ("dense_parameters", (SIZES,), number_of_weights),
]

# The logits of forward_pass are those of mlp_forward; its slopes and activations are held against TensorFlow's tape.
ALONE = {"forward_pass"}

ERRORS = [
    ("forward_pass", ([(np.ones((5, 2)), 0.0), (np.ones((3, 1)), 0.0)], X), "one row of the kernel"),
    ("neuron", (X, np.zeros(4), 0.0), "one weight a feature"),
    ("dense", (X, np.zeros((4, 3))), "one row of the kernel for each feature"),
    ("dense", (X, np.zeros(5)), "(features, units)"),
    ("mlp_forward", (X, WEIGHTS[:3]), "two for each layer"),
    ("mlp_forward", (X, []), "has 0 arrays"),
    ("mlp_forward", (X, [*WEIGHTS[:2], *WEIGHTS[4:]]), "one row of the kernel"),
]


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_every_activation_agrees_with_keras(name):
    function = getattr(scratch, name, None) or getattr(np, name)
    np.testing.assert_allclose(scratch.mlp_forward(X, WEIGHTS, function), perceptron(X, WEIGHTS, name), atol=1e-5)


def test_a_neuron_cannot_see_what_lies_along_its_line():
    w = WEIGHTS[0][:2, 0]
    along = np.array([-w[1], w[0]])  # at a right angle to w
    points = X[:, :2]
    np.testing.assert_allclose(scratch.neuron(points + 3 * along, w, 0.2), scratch.neuron(points, w, 0.2))
    np.testing.assert_array_equal(scratch.neuron(points, 2 * w, 0.4) > 0.5, scratch.neuron(points, w, 0.2) > 0.5)


def test_layers_without_activation_collapse_to_one():
    w1, b1, w2, b2 = WEIGHTS[:4]
    one = scratch.dense(X, w1 @ w2, b1 @ w2 + b2)
    np.testing.assert_allclose(scratch.mlp_forward(X, WEIGHTS[:4], lambda z: z), one)
