"""Accuracy, its interval, confusion, the cosine schedule: by hand, by invariants, against other libraries."""

import itertools

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(10)
TRUE, READ = RANDOM.integers(0, 4, (2, 50))
POINTS = RANDOM.normal(size=(80, 3))

HAND = [
    ("accuracy", ([0, 1, 1, 2], [0, 1, 2, 2]), 0.75),
    ("confusion_matrix", ([0, 0, 1, 2], [0, 1, 1, 0], 3), [[1, 1, 0], [0, 1, 0], [1, 0, 0]]),
    ("nearest_average", ([[0.0, 0.0], [4.0, 0.0], [6.0, 6.0]], [1, 1, 0], [[3.0, 2.0], [9.0, 9.0]]), [1, 0]),
    ("wilson_interval", (0, 4), {"z": 2.0}, [0.0, 0.5]),  # middle (0 + 1/2) / 2, half 2 · √(4/64) / 2
    ("wilson_interval", (2, 4), {"z": 2.0}, [0.5 - 0.125**0.5, 0.5 + 0.125**0.5]),
    ("cosine_decay", (0, 8, 0.1), 0.1),
    ("cosine_decay", (2, 6, 1.0), 0.75),  # cos 60° = 1/2
    ("cosine_decay", (9, 6, 1.0), 0.0),
]


def binomial_interval(right, n):
    stats = pytest.importorskip("scipy.stats")
    return [*stats.binomtest(right, n).proportion_ci(method="wilson", confidence_level=0.95)]


def keras_accuracy(y_true, y_pred):
    metric = keras.metrics.Accuracy()
    metric.update_state(y_true, y_pred)
    return float(metric.result())


def sklearn_confusion(y_true, y_pred, classes):
    return pytest.importorskip("sklearn.metrics").confusion_matrix(y_true, y_pred, labels=range(classes))


def sklearn_centroids(x, labels, asked):
    return pytest.importorskip("sklearn.neighbors").NearestCentroid().fit(x, labels).predict(asked)


def keras_cosine(step, total, start):
    return float(keras.optimizers.schedules.CosineDecay(start, total)(step))


PARITY_TOLERANCE = (2e-5, 2e-5)  # 1.96 is the rounded 97.5 % point of the normal distribution
PARITY = [
    ("accuracy", (TRUE, READ), keras_accuracy),
    ("confusion_matrix", (TRUE, READ, 4), sklearn_confusion),
    ("nearest_average", (POINTS[:50], TRUE, POINTS[50:]), sklearn_centroids),
    *[("wilson_interval", case, binomial_interval) for case in ((95, 100), (1, 3), (360, 360), (0, 17))],
    *[("cosine_decay", (step, 40, 0.3), keras_cosine) for step in (0, 7, 39, 40, 50)],
]

ERRORS = [
    ("accuracy", (TRUE, READ[:5]), "one class number for each question"),
    ("confusion_matrix", (TRUE, READ, 3), "must lie in 0 … 2"),
    ("confusion_matrix", (TRUE, READ[:, np.newaxis], 4), "one class number for each question"),
    ("nearest_average", (POINTS, TRUE, POINTS), "expected (n, …)"),
    ("nearest_average", (POINTS[:50], TRUE, POINTS[:, :2]), "do not fit"),
    ("nearest_average", (POINTS[:50], 2 * TRUE, POINTS), "each with an example"),
    *[("wilson_interval", case, "0 ≤ right ≤ n") for case in ((1, 0), (5, 4), (-1, 4), (1, 4, 0.0))],
    ("cosine_decay", (-1, 4, 1.0), "step ≥ 0"),
    ("cosine_decay", (0, 0, 1.0), "total ≥ 1"),
]


def test_the_ends_of_the_interval_are_where_the_measured_share_is_just_plausible():
    for right, n in ((3, 10), (97, 100), (340, 360)):
        for end in scratch.wilson_interval(right, n):
            assert abs(right / n - end) == pytest.approx(1.96 * np.sqrt(end * (1 - end) / n))


def test_the_interval_is_mirrored_and_narrows():
    low, high = scratch.wilson_interval(3, 40)
    assert scratch.wilson_interval(37, 40) == pytest.approx((1 - high, 1 - low))
    widths = [np.diff(scratch.wilson_interval(9 * n // 10, n)).item() for n in (10, 40, 160, 640)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(widths[-2] / 2, rel=0.02)  # four times the questions, half the width


def test_confusion_keeps_every_answer():
    counts = scratch.confusion_matrix(TRUE, READ, 4)
    assert counts.sum() == len(TRUE)
    assert np.trace(counts) / len(TRUE) == scratch.accuracy(TRUE, READ)
    assert (counts.sum(axis=1) == np.bincount(TRUE, minlength=4)).all()


def test_the_schedule_only_falls():
    rates = [scratch.cosine_decay(step, 20, 0.1) for step in range(25)]
    assert all(after <= before for before, after in itertools.pairwise(rates))
    assert np.mean(rates[:20]) == pytest.approx(0.05, rel=0.06)  # on average half the first rate
