"""The optimizers of `bmkit.scratch`: worked by hand, held against Keras, their invariants, their errors."""

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(0)
SLOPES = RANDOM.normal(size=(40, 5))
EIGENVALUES = np.array([1.0, 9.0])
ZERO = np.zeros(2)

HAND = [
    ("sgd_step", (np.array([1.0, 2.0]), np.array([4.0, -4.0]), 0.5), [-1.0, 4.0]),
    ("momentum_step", (ZERO, np.array([2.0, -2.0]), ZERO), {"learning_rate": 0.5}, ([-1.0, 1.0], [-1.0, 1.0])),
    (
        "momentum_step",
        (np.array([1.0]), np.array([2.0]), np.array([4.0])),
        {"learning_rate": 0.5, "momentum": 0.25},
        ([1.0], [0.0]),
    ),
    (
        "adam_step",
        (ZERO, np.array([8.0, -0.5])),
        {"learning_rate": 0.1, "epsilon": 0.0},
        ([-0.1, 0.1], ([0.8, -0.05], [0.064, 0.00025], 1)),
    ),
    (
        "adam_step",
        (np.array([1.0]), np.array([0.0]), (np.array([1.0]), np.array([4.0]), 1)),
        {"learning_rate": 0.75, "beta_1": 0.5, "beta_2": 0.5, "epsilon": 0.0},
        # m = 0.5, s = 2, t = 2: m̂ = 0.5 / 0.75, ŝ = 2 / 0.75
        ([1.0 - 0.75 * (0.5 / 0.75) / (2 / 0.75) ** 0.5], ([0.5], [2.0], 2)),
    ),
    ("clip_by_norm", (np.array([30.0, 40.0]), 5.0), [3.0, 4.0]),
    ("clip_by_norm", (np.array([0.3, -0.4]), 5.0), [0.3, -0.4]),
    ("clip_by_norm", (ZERO, 5.0), [0.0, 0.0]),
    ("contraction_factor", (EIGENVALUES, 0.2), 0.8),
    ("contraction_factor", (EIGENVALUES, 1.0), 8.0),
    ("best_learning_rate", (EIGENVALUES,), 0.2),
]


def keras_path(optimizer):
    """Follow Keras through all gradients from ones; one row a step."""
    weights = keras.Variable(np.ones(5), dtype="float64")
    path = []
    for gradient in SLOPES:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weights])
        path.append(keras.ops.convert_to_numpy(weights).copy())
    return np.array(path)


def our_path(step, memory):
    weights, path = np.ones(5), []
    for gradient in SLOPES:
        weights, memory = step(weights, gradient, memory)
        path.append(weights)
    return np.array(path)


# Steps of Keras carry a memory along: (our step, its first memory, the optimizer of Keras).
PATHS = [
    ("sgd_step", lambda w, g, _: (scratch.sgd_step(w, g, 0.01), None), None, lambda: keras.optimizers.SGD(0.01)),
    (
        "momentum_step",
        lambda w, g, v: scratch.momentum_step(w, g, v, learning_rate=0.01),
        np.zeros(5),
        lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    ),
    (
        "adam_step",
        lambda w, g, state: scratch.adam_step(w, g, state, learning_rate=0.01),
        None,
        lambda: keras.optimizers.Adam(0.01),
    ),
    (
        "clip_by_norm",
        lambda w, g, _: (scratch.sgd_step(w, scratch.clip_by_norm(g, 1.5), 0.01), None),
        None,
        lambda: keras.optimizers.SGD(0.01, clipnorm=1.5),
    ),
]

ERRORS = [
    ("sgd_step", (np.zeros(3), np.zeros((3, 1)), 0.1), "have shapes (3,), (3, 1)"),
    ("momentum_step", (np.zeros(3), np.zeros(3), np.zeros(1)), {"learning_rate": 0.1}, "they must be equal"),
    ("adam_step", (np.zeros(3), np.zeros(2)), "they must be equal"),
    ("contraction_factor", (np.array([0.0, 1.0]), 0.1), "all must be positive"),
    ("best_learning_rate", (np.array([-1.0, 1.0]),), "the smallest eigenvalue is -1"),
]


@pytest.mark.parametrize(("name", "step", "memory", "optimizer"), PATHS, ids=[case[0] for case in PATHS])
def test_keras_gives_the_same_at_every_step(name, step, memory, optimizer):
    np.testing.assert_allclose(our_path(step, memory), keras_path(optimizer()), rtol=0, atol=1e-6)


def test_the_best_rate_beats_every_other_and_keeps_the_bound():
    for _ in range(20):
        eigenvalues = RANDOM.uniform(0.1, 20, size=6)
        best = scratch.best_learning_rate(eigenvalues)
        least = scratch.contraction_factor(eigenvalues, best)
        condition = eigenvalues.max() / eigenvalues.min()
        assert least == pytest.approx((condition - 1) / (condition + 1))
        assert all(scratch.contraction_factor(eigenvalues, best * other) > least for other in (0.5, 0.99, 1.01, 2))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999, 1.001])
def test_no_step_on_a_quadratic_shrinks_less_than_the_factor(share):
    rotation = np.linalg.qr(RANDOM.normal(size=(4, 4)))[0]
    eigenvalues = np.array([0.5, 1.0, 3.0, 8.0])
    hessian = rotation @ np.diag(eigenvalues) @ rotation.T
    rate = share * 2 / eigenvalues.max()
    error = RANDOM.normal(size=4)
    for _ in range(300):
        moved = scratch.sgd_step(error, hessian @ error, rate)
        ratio = np.linalg.norm(moved) / np.linalg.norm(error)
        error = moved
        assert ratio <= scratch.contraction_factor(eigenvalues, rate) + 1e-9
    assert ratio == pytest.approx(scratch.contraction_factor(eigenvalues, rate), abs=1e-3)
    assert (ratio < 1) == (share < 1)


def test_momentum_of_zero_is_plain_descent():
    gradient = SLOPES[0]
    weights, velocity = scratch.momentum_step(np.ones(5), gradient, np.ones(5), learning_rate=0.3, momentum=0.0)
    np.testing.assert_allclose(weights, scratch.sgd_step(np.ones(5), gradient, 0.3))
    np.testing.assert_allclose(velocity, -0.3 * gradient)


def test_adam_does_not_care_for_the_unit_of_the_loss():
    one, _ = scratch.adam_step(np.zeros(5), SLOPES[0], learning_rate=0.1, epsilon=0.0)
    other, _ = scratch.adam_step(np.zeros(5), 1000 * SLOPES[0], learning_rate=0.1, epsilon=0.0)
    np.testing.assert_allclose(one, other)
    np.testing.assert_allclose(np.abs(one), 0.1)


def test_no_step_changes_its_arguments():
    weights, gradient = np.ones(5), SLOPES[0].copy()
    _, state = scratch.adam_step(weights, gradient)
    kept = state[0].copy()
    scratch.adam_step(weights, gradient, state)
    scratch.momentum_step(weights, gradient, kept, learning_rate=0.1)
    scratch.sgd_step(weights, gradient, 0.1)
    scratch.clip_by_norm(gradient, 0.1)
    assert (weights == 1).all() and (gradient == SLOPES[0]).all() and (kept == state[0]).all()
