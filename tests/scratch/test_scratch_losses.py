"""Activations and losses: worked by hand, held against Keras and finite differences, and their promises."""

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(scale=3, size=(6, 4))
LABELS = RANDOM.integers(0, 4, 6)
ONE_HOT = np.eye(4)[LABELS]
CHANCES = scratch.softmax(RANDOM.normal(size=(6, 4)))
YES = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
SCORES = RANDOM.normal(scale=4, size=5)
LOG2, LOG3 = 0.6931471805599453, 1.0986122886681098

HAND = [
    ("relu", ([[-2.0, 0.0], [0.5, 3.0]],), [[0.0, 0.0], [0.5, 3.0]]),
    ("sigmoid", ([0.0, LOG3, -LOG3],), [0.5, 0.75, 0.25]),
    ("sigmoid", ([-1e4, 1e4],), [0.0, 1.0]),
    ("log_sum_exp", ([0.0, 0.0, 0.0],), LOG3),
    ("log_sum_exp", ([-1e4, -1e4],), -1e4 + LOG2),
    ("log_sum_exp", ([[0.0, 1e3], [0.0, 1e3]],), {"axis": 0}, [LOG2, 1e3 + LOG2]),
    ("log_sum_exp", ([[0.0, 0.0]],), {"keepdims": True}, [[LOG2]]),
    ("log_softmax", ([0.0, LOG3],), [-2 * LOG2, LOG3 - 2 * LOG2]),
    ("log_softmax", ([0.0, 1e4],), [-1e4, 0.0]),
    ("softmax", ([[0.0, LOG3], [1e4, 1e4]],), [[0.25, 0.75], [0.5, 0.5]]),
    ("softmax", ([[0.0, 0.0], [LOG3, 0.0]],), {"axis": 0}, [[0.25, 0.5], [0.75, 0.5]]),
    ("mean_squared_error", ([0.0, 0.0, 0.0], [1.0, -1.0, 2.0]), 2.0),
    ("mean_squared_error", ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 6.0]]), 1.0),
    ("mean_squared_error_gradient", ([0.0, 0.0], [3.0, -1.0]), [3.0, -1.0]),
    ("binary_cross_entropy", ([1, 0], [0.25, 0.75]), 2 * LOG2),
    ("binary_cross_entropy", ([1, 0], [0.0, 1.0]), {"epsilon": 0.125}, 3 * LOG2),
    ("binary_cross_entropy_from_logits", ([1, 0], [0.0, 0.0]), LOG2),
    ("binary_cross_entropy_from_logits", ([1, 0], [-1e4, 5e3]), 7500.0),
    ("binary_cross_entropy_gradient", ([1, 0], [LOG3, LOG3]), [-0.125, 0.375]),
    ("categorical_cross_entropy", ([[0, 1], [1, 0]], [[0.5, 0.5], [0.125, 0.875]]), 2 * LOG2),
    ("categorical_cross_entropy", ([[1, 0]], [[0.0, 1.0]]), {"epsilon": 0.25}, 2 * LOG2),
    ("softmax_cross_entropy", ([0, 1], [[0.0, LOG3], [0.0, 0.0]]), 1.5 * LOG2),
    ("softmax_cross_entropy_gradient", ([1, 0], [[0.0, LOG3], [0.0, 0.0]]), [[0.125, -0.125], [-0.25, 0.25]]),
]

LOSSES = keras.losses
MSE = LOSSES.MeanSquaredError(dtype="float64")
BCE = LOSSES.BinaryCrossentropy(dtype="float64")
BCE_LOGITS = LOSSES.BinaryCrossentropy(from_logits=True, dtype="float64")
CE = LOSSES.CategoricalCrossentropy(dtype="float64")
CE_LOGITS = LOSSES.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")


def slope_of(loss):
    return lambda y, at: scratch.numerical_gradient(lambda moved: loss(y, moved), at)


PARITY = [
    ("relu", (LOGITS,), keras.ops.relu),
    ("sigmoid", (LOGITS,), keras.ops.sigmoid),
    ("log_sum_exp", (LOGITS,), lambda z: keras.ops.logsumexp(z, axis=-1)),
    ("log_softmax", (LOGITS,), keras.ops.log_softmax),
    ("softmax", (LOGITS,), keras.ops.softmax),
    ("mean_squared_error", (LOGITS, CHANCES), MSE),
    (
        "mean_squared_error_gradient",
        (LOGITS, CHANCES),
        slope_of(MSE),
    ),
    ("binary_cross_entropy", (YES, scratch.sigmoid(SCORES)), BCE),
    ("binary_cross_entropy", (YES, 1.0 - YES), BCE),  # certain and wrong: both clip at 1e-7
    ("binary_cross_entropy_from_logits", (YES, SCORES), BCE_LOGITS),
    (
        "binary_cross_entropy_gradient",
        (YES, SCORES),
        slope_of(BCE_LOGITS),
    ),
    ("categorical_cross_entropy", (ONE_HOT, CHANCES), CE),
    ("softmax_cross_entropy", (LABELS, LOGITS), CE_LOGITS),
    (
        "softmax_cross_entropy_gradient",
        (LABELS, LOGITS),
        slope_of(CE_LOGITS),
    ),
]

GRADIENTS = [
    ("mean_squared_error", "mean_squared_error_gradient", (YES, SCORES), 1),
    ("mean_squared_error", "mean_squared_error_gradient", (CHANCES, LOGITS), 1),
    ("binary_cross_entropy_from_logits", "binary_cross_entropy_gradient", (YES, SCORES), 1),
    ("softmax_cross_entropy", "softmax_cross_entropy_gradient", (LABELS, LOGITS), 1),
]

ERRORS = [
    *[
        (name, (np.zeros(3), np.zeros((3, 1))), "y_true has shape (3,) but the prediction has shape (3, 1)")
        for name in (
            "mean_squared_error",
            "mean_squared_error_gradient",
            "binary_cross_entropy",
            "binary_cross_entropy_from_logits",
            "binary_cross_entropy_gradient",
            "categorical_cross_entropy",
        )
    ],
    *[
        (name, arguments, "one class number for each row of logits")
        for name in ("softmax_cross_entropy", "softmax_cross_entropy_gradient")
        for arguments in ((LABELS[:5], LOGITS), (ONE_HOT, LOGITS), (LABELS, LOGITS[0]))
    ],
]


def test_activations_keep_their_promises():
    assert (scratch.relu(scratch.relu(LOGITS)) == scratch.relu(LOGITS)).all()
    np.testing.assert_allclose(scratch.sigmoid(LOGITS) + scratch.sigmoid(-LOGITS), 1.0)
    np.testing.assert_allclose(scratch.softmax(LOGITS).sum(axis=-1), 1.0)
    np.testing.assert_allclose(scratch.softmax(LOGITS + 500), scratch.softmax(LOGITS))
    np.testing.assert_allclose(scratch.log_sum_exp(LOGITS + 500), scratch.log_sum_exp(LOGITS) + 500)
    assert (scratch.log_softmax(1e4 * LOGITS) <= 0).all() and np.isfinite(scratch.log_softmax(1e4 * LOGITS)).all()


def test_losses_agree_with_one_another():
    assert scratch.mean_squared_error(LOGITS, LOGITS) == 0
    probabilities = scratch.sigmoid(SCORES)
    direct = scratch.binary_cross_entropy_from_logits(YES, SCORES)
    assert direct == pytest.approx(scratch.binary_cross_entropy(YES, probabilities))
    loss = scratch.softmax_cross_entropy(LABELS, LOGITS)
    assert loss == pytest.approx(scratch.categorical_cross_entropy(ONE_HOT, scratch.softmax(LOGITS)))
    assert loss == pytest.approx(scratch.softmax_cross_entropy(LABELS, LOGITS + 500))
    two = np.stack([np.zeros_like(SCORES), SCORES], axis=1)  # a sigmoid is a softmax whose other logit is 0
    assert direct == pytest.approx(scratch.softmax_cross_entropy(YES.astype(int), two))
    np.testing.assert_allclose(scratch.softmax_cross_entropy_gradient(LABELS, LOGITS).sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "softmax_cross_entropy_gradient"])
def test_logits_of_low_precision_lose_nothing_more(name):
    low = LOGITS.astype("float16")
    np.testing.assert_allclose(getattr(scratch, name)(LABELS, low), getattr(scratch, name)(LABELS, low.astype(float)))


@pytest.mark.parametrize("name", ["mean_squared_error", "binary_cross_entropy", "categorical_cross_entropy"])
def test_targets_and_predictions_of_low_precision_lose_nothing_more(name):
    low, truth = CHANCES.astype("float16"), ONE_HOT.astype("float16")
    loss = getattr(scratch, name)
    np.testing.assert_allclose(loss(truth, low), loss(ONE_HOT, low.astype(float)), rtol=1e-12)


def test_nothing_changes_its_arguments():
    before = LOGITS.copy()
    scratch.softmax_cross_entropy_gradient(LABELS, LOGITS)
    assert (before == LOGITS).all()
