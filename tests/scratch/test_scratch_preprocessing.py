"""Formulas of preprocessing: by hand, against Keras, scikit-learn and Matplotlib, their promises, their errors."""

import numpy as np
from matplotlib import cbook
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal([0, 50, -3], [1, 20, 0.1], size=(40, 3))
OTHER = RANDOM.normal([0, 50, -3], [1, 20, 0.1], size=(7, 3))
P = np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.6, 0.4], [0.1, 0.1, 0.8], [0.4, 0.3, 0.3]])

HAND = [
    ("min_max", ([[10.0, -1.0], [15.0, 0.0], [30.0, 1.0]],), [[0.0, 0.0], [0.25, 0.5], [1.0, 1.0]]),
    ("min_max", ([[40.0]],), {"low": [10.0], "high": [30.0]}, [[1.5]]),
    ("standardize", ([1.0, 3.0],), [-1.0, 1.0]),
    ("standardize", ([[5.0, 0.0]],), {"mean": [1.0, 1.0], "deviation": [2.0, 4.0]}, [[2.0, -0.25]]),
    ("iqr_bounds", ([1.0, 2.0, 3.0, 4.0, 5.0],), (-1.0, 7.0)),
    ("iqr_bounds", ([1.0, 2.0, 3.0, 4.0, 5.0, np.nan],), {"reach": 0.0}, (2.0, 4.0)),
    # thresholds .65, .7, .6: row 2 has label 2 but only class 1 comes near its threshold; row 4 reaches none
    ("suspects", ([0, 1, 2, 2, 0], P), [0, 0, 0, 0, 0]),
    ("suspects", ([0, 1, 2, 1, 0], P), [0, 0, 1, 1, 0]),
]


def adapted(x, mean=None, deviation=None):
    """Keras' answer, with statistics from the data or given."""
    variance = None if deviation is None else np.square(deviation)
    layer = keras.layers.Normalization(mean=mean, variance=variance)
    if mean is None:
        layer.adapt(x)
    else:
        layer.build(x.shape)
    return keras.ops.convert_to_numpy(layer(x.astype("float32")))


def whiskers(x):
    """Matplotlib tells which values lie beyond the fences; ours must call the same ones outliers."""
    fliers = cbook.boxplot_stats(x)[0]["fliers"]
    low, high = scratch.iqr_bounds(x)
    assert sorted(x[(x < low) | (x > high)]) == sorted(fliers) and len(fliers)
    return low, high


def counted(labels, p):
    """The same rule in plain loops."""
    classes = range(p.shape[1])
    t = [sum(p[i, k] for i in range(len(p)) if labels[i] == k) / sum(labels == k) for k in classes]
    chosen = [max((k for k in classes if row[k] >= t[k]), key=lambda k: row[k], default=None) for row in p]
    return np.array([k is not None and k != y for k, y in zip(chosen, labels, strict=True)])


CHANCES = scratch.softmax(RANDOM.normal(scale=2, size=(60, 4)))
PARITY = [
    ("min_max", (TABLE,), lambda x: MinMaxScaler().fit_transform(x)),
    ("min_max", (OTHER, TABLE.min(0), TABLE.max(0)), lambda x, *_: MinMaxScaler().fit(TABLE).transform(x)),
    ("standardize", (TABLE,), adapted),
    ("standardize", (TABLE,), lambda x: StandardScaler().fit_transform(x)),
    ("standardize", (OTHER, TABLE.mean(0), TABLE.std(0)), adapted),
    ("iqr_bounds", (RANDOM.standard_t(2, size=200),), whiskers),
    ("suspects", (np.arange(60) % 4, CHANCES), counted),
]

ERRORS = [
    ("min_max", (np.ones((3, 2)),), "cannot be scaled"),
    ("standardize", (np.array([[1.0, 2.0], [1.0, 3.0]]),), "cannot be scaled"),
    ("iqr_bounds", (TABLE, -1.0), "expected 0 or more"),
    ("suspects", (np.zeros(3), P), "expected (n,) and (n, classes)"),
    ("suspects", (np.array([0, 1, 1, 0, 1]), P), "each needs a row"),
]


def test_scaling_keeps_its_promises():
    scaled = scratch.standardize(TABLE)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1)
    stretched = scratch.min_max(TABLE)
    assert stretched.min(axis=0).tolist() == [0, 0, 0] and stretched.max(axis=0).tolist() == [1, 1, 1]
    # A change of unit changes nothing.
    np.testing.assert_allclose(scratch.standardize(TABLE * 1.8 + 32), scaled)
    np.testing.assert_allclose(scratch.min_max(TABLE * 1.8 + 32), stretched)


def test_fences_move_with_the_unit_and_the_reach():
    x = TABLE[:, 1]
    np.testing.assert_allclose(scratch.iqr_bounds(2 * x + 1), 2 * np.array(scratch.iqr_bounds(x)) + 1)
    narrow, wide = scratch.iqr_bounds(x, 1.0), scratch.iqr_bounds(x, 3.0)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_model_that_agrees_suspects_nobody():
    labels = np.arange(12) % 3
    assert not scratch.suspects(labels, np.eye(3)[labels]).any()
    assert (scratch.one_hot(labels, range(3)) == np.eye(3)[labels]).all()


def test_one_flipped_label_among_sure_rows_is_found():
    labels = np.arange(30) % 3
    p = 0.8 * np.eye(3)[labels] + 0.2 / 3
    given = labels.copy()
    given[4] = 2
    assert np.flatnonzero(scratch.suspects(given, p)).tolist() == [4]
