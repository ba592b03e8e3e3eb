"""Penalties, ridge, lasso and dropout: worked by hand, their slopes, and held against Keras and scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso, Ridge

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(4, 3))
X = RANDOM.normal(size=(40, 6))
X -= X.mean(axis=0)
Y = X @ [3.0, 0.0, -2.0, 0.0, 0.5, 0.0] + RANDOM.normal(size=40)
Y -= Y.mean()
KEEP = RANDOM.random((4, 3)) >= 0.25

HAND = [
    ("l1_penalty", (np.array([[1.0, -2.0], [0.0, 3.0]]), 0.5), 3.0),
    ("l1_penalty_gradient", (np.array([[1.0, -2.0], [0.0, 3.0]]), 0.5), [[0.5, -0.5], [0.0, 0.5]]),
    ("l2_penalty", (np.array([1.0, -2.0]), 0.5), 2.5),
    ("l2_penalty_gradient", (np.array([1.0, -2.0, 0.0]), 0.5), [1.0, -2.0, 0.0]),
    ("soft_threshold", (np.array([2.0, -3.0, 0.5, -0.5, 1.0]), 1.0), [1.0, -2.0, 0.0, 0.0, 0.0]),
    ("soft_threshold", (np.array([2.0, -3.0]), 0.0), [2.0, -3.0]),
    ("ridge", (np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), 0.5), [2.0]),
    ("ridge", (np.array([[1.0, 1.0], [-1.0, -1.0]]), np.array([3.0, -3.0]), 0.5), [1.2, 1.2]),
    ("lasso", (np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), 1.0), [2.0]),
    ("lasso", (np.array([[1.0], [-1.0]]), np.array([3.0, -3.0]), 3.0), [0.0]),
    ("lasso", (np.array([[1.0, 1.0], [-1.0, -1.0]]), np.array([3.0, -3.0]), 1.0), {"sweeps": 1}, [2.0, 0.0]),
    ("dropout", (np.array([[1.0, 2.0]]), 0.75, np.array([[True, False]])), [[4.0, 0.0]]),
    ("dropout", (np.array([1.0, 2.0]), 0.0, np.array([1, 1])), [1.0, 2.0]),
]


def slope_by_keras(regularizer):
    import tensorflow as tf

    def slope(weights, strength):
        variable = tf.Variable(weights)
        with tf.GradientTape() as tape:
            price = regularizer(strength)(variable)
        return tape.gradient(price, variable)

    return slope


def mask_of_keras(values, rate, keep):
    """What Keras does to these values where it happens to keep the same ones."""
    layer = keras.layers.Dropout(rate, seed=1)
    dropped = np.asarray(layer(np.tile(values, (200, 1, 1)), training=True))  # (200, 4, 3)
    kept = np.max(dropped / values, axis=0)  # each was kept at least once in 200 throws
    return np.where(keep, kept * values, 0.0)


PARITY = [
    ("l1_penalty", (WEIGHTS, 0.03), lambda w, s: keras.regularizers.L1(s)(w)),
    ("l2_penalty", (WEIGHTS, 0.03), lambda w, s: keras.regularizers.L2(s)(w)),
    ("l1_penalty_gradient", (WEIGHTS, 0.03), slope_by_keras(keras.regularizers.L1)),
    ("l2_penalty_gradient", (WEIGHTS, 0.03), slope_by_keras(keras.regularizers.L2)),
    ("soft_threshold", (WEIGHTS, 0.4), lambda v, t: keras.ops.soft_shrink(v, t)),
    *[
        ("ridge", (X, Y, s), lambda x, y, s: Ridge(alpha=40 * s, fit_intercept=False).fit(x, y).coef_)
        for s in (0.01, 1.0, 100.0)
    ],
    *[
        ("lasso", (X, Y, s), lambda x, y, s: Lasso(alpha=s, fit_intercept=False, tol=1e-10).fit(x, y).coef_)
        for s in (0.01, 0.3, 1.0, 10.0)
    ],
    ("dropout", (WEIGHTS, 0.25, KEEP), mask_of_keras),
]

GRADIENTS = [(f"{name}_penalty", f"{name}_penalty_gradient", (WEIGHTS, 0.3), 0) for name in ("l1", "l2")]

ERRORS = [
    ("soft_threshold", (WEIGHTS, -1.0), "it must be 0 or more"),
    *[("dropout", (WEIGHTS, rate, KEEP), "in [0, 1)") for rate in (-0.1, 1.0)],
    ("dropout", (WEIGHTS, 0.5, KEEP[0]), "one keep for each value"),
    *[
        (name, arguments, "expected (n, features)")
        for name in ("ridge", "lasso")
        for arguments in ((X, Y[:5], 1.0), (X, X, 1.0), (Y, Y, 1.0), (X, Y, -1.0))
    ],
]


@pytest.mark.parametrize("target", [-2.0, -0.3, 0.0, 0.2, 1.7])
def test_the_soft_threshold_is_the_lowest_point_of_loss_and_price(target):
    w = np.linspace(-3, 3, 60_001)
    lowest = w[(0.5 * (w - target) ** 2 + 0.5 * np.abs(w)).argmin()]
    assert scratch.soft_threshold(np.array(target), 0.5) == pytest.approx(lowest, abs=1e-4)


@pytest.mark.parametrize("strength", [0.01, 0.5, 3.0])
def test_ridge_stands_where_the_gradient_is_zero(strength):
    w = scratch.ridge(X, Y, strength)
    gradient = 2 * X.T @ (X @ w - Y) / 40 + scratch.l2_penalty_gradient(w, strength)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


@pytest.mark.parametrize("strength", [0.01, 0.5, 1.5])
def test_lasso_balances_pull_and_price(strength):
    w = scratch.lasso(X, Y, strength)
    pull = X.T @ (Y - X @ w) / 40
    np.testing.assert_allclose(pull[w != 0], strength * np.sign(w[w != 0]), atol=1e-6)
    assert (np.abs(pull[w == 0]) <= strength + 1e-9).all()


def test_more_strength_means_smaller_weights():
    strengths = [0.01, 0.1, 1.0, 10.0]
    assert (np.diff([scratch.l2_penalty(scratch.ridge(X, Y, s), 1.0) for s in strengths]) < 0).all()
    assert (np.diff([scratch.l1_penalty(scratch.lasso(X, Y, s), 1.0) for s in strengths]) < 0).all()
    largest = np.abs(X.T @ Y / 40).max()  # from here on nothing is left
    assert not scratch.lasso(X, Y, largest * 1.0001).any() and scratch.lasso(X, Y, largest * 0.999).any()
    np.testing.assert_allclose(scratch.ridge(X, Y, 0), scratch.lasso(X, Y, 0), atol=1e-6)


def test_dropout_keeps_the_mean():
    keep = np.random.default_rng(1).random((50_000, 3)) >= 0.4
    values = np.tile([1.0, -2.0, 0.0], (50_000, 1))
    np.testing.assert_allclose(scratch.dropout(values, 0.4, keep).mean(axis=0), [1.0, -2.0, 0.0], atol=0.03)


def test_nothing_changes_its_arguments():
    x, y = X.copy(), Y.copy()
    scratch.lasso(x, y, 0.1)
    scratch.ridge(x, y, 0.1)
    assert (x == X).all() and (y == Y).all()
