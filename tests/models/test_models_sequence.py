"""The sequence classifier keeps its promises: filling does not count, and order counts only with a wider window."""

import numpy as np
import pytest

from bmkit import models, scratch
from bmkit.backend import keras

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(size=(4, 9, 3)).astype("float32")


def answer(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


@pytest.mark.parametrize("window", [1, 2, 5])
def test_filling_changes_no_answer(window):
    model = models.sequence_classifier((None, 3), 5, window=window)
    filled = np.pad(X, ((0, 0), (0, 20), (0, 0)))
    np.testing.assert_allclose(answer(model, filled), answer(model, X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("window", "alike"), [(1, True), (3, False)])
def test_order_counts_only_with_a_wider_window(window, alike):
    model = models.sequence_classifier((None, 3), 5, window=window)
    assert (
        np.allclose(answer(model, X), answer(model, X[:, np.random.default_rng(1).permutation(9)]), atol=1e-5) == alike
    )


def test_an_empty_sequence_gets_finite_logits():
    assert np.isfinite(answer(models.sequence_classifier((None, 3), 5), np.zeros((2, 4, 3), "float32"))).all()


def test_it_is_what_the_formulas_say():
    model = models.sequence_classifier((None, 3), 5, window=1, filters=6, dense_units=4)
    kernel, bias, w1, b1, w2, b2 = model.get_weights()
    x = np.concatenate([X, np.zeros((4, 2, 3))], axis=1)
    steps = scratch.relu(x @ kernel[0] + bias)  # (4, 11, 6)
    hidden = scratch.relu(scratch.masked_mean(steps, x.any(axis=-1)) @ w1 + b1)
    np.testing.assert_allclose(answer(model, x), hidden @ w2 + b2, rtol=1e-5, atol=1e-5)
