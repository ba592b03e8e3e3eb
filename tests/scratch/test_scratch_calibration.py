"""Calibration: by hand, against scikit-learn, and what is refused."""

import numpy as np
import pytest

from bmkit import scratch

RANDOM = np.random.default_rng(22)
TRUE_P = RANDOM.random(4000)
LABELS = (RANDOM.random(4000) < TRUE_P).astype(int)
LOGITS = np.log(TRUE_P / (1 - TRUE_P))


def test_by_hand():
    labels, p = np.array([1, 0, 1, 1]), np.array([0.92, 0.98, 1.0, 0.25])
    # the last bin: said 2.9 / 3, came 2 / 3; the third: said .25, came 1
    assert scratch.expected_calibration_error(labels, p) == pytest.approx(0.75 * (2.9 - 2) / 3 + 0.25 * 0.75)
    assert scratch.expected_calibration_error(labels, p, bins=1) == pytest.approx(p.mean() - 0.75)


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_as_the_curve_of_scikit_learn(bins):
    calibration = pytest.importorskip("sklearn.calibration")
    p = TRUE_P**2
    came, said = calibration.calibration_curve(LABELS, p, n_bins=bins)
    counts = np.histogram(p, bins, (0, 1))[0]
    wanted = np.average(np.abs(came - said), weights=counts[counts > 0])
    assert scratch.expected_calibration_error(LABELS, p, bins) == pytest.approx(wanted)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done_to_the_logits(temperature):
    found = scratch.calibration_temperature(LABELS, LOGITS * temperature)
    assert found == pytest.approx(temperature, rel=0.1)
    assert found == pytest.approx(temperature * scratch.calibration_temperature(LABELS, LOGITS))


def test_the_temperature_is_where_the_cross_entropy_is_least():
    logits = 2.5 * LOGITS + 0.3
    found = scratch.calibration_temperature(LABELS, logits)
    losses = [scratch.binary_cross_entropy_from_logits(LABELS, logits / (found * by)) for by in (0.99, 1, 1.01)]
    assert min(losses) == losses[1]


def test_no_temperature_is_best_where_all_are_right_or_all_are_wrong():
    labels, logits = np.array([1, 0]), np.array([3.0, -2.0])
    assert scratch.calibration_temperature(labels, logits) == pytest.approx(0.001)
    assert scratch.calibration_temperature(labels, -logits) == pytest.approx(1000)


@pytest.mark.parametrize(
    ("function", "labels", "values", "told"),
    [
        ("expected_calibration_error", [0, 1], [0.5], "expected"),
        ("expected_calibration_error", [], [], "expected"),
        ("expected_calibration_error", [0, 2], [0.5, 0.5], "0 or 1"),
        ("expected_calibration_error", [0, 1], [0.5, 1.5], "in \\[0, 1\\]"),
        ("expected_calibration_error", [0, 1], [0.5, np.nan], "in \\[0, 1\\]"),
        ("calibration_temperature", [0, 1], [0.5, np.inf], "finite"),
        ("calibration_temperature", [[0, 1]], [[0.5, 1.0]], "expected"),
    ],
)
def test_refused(function, labels, values, told):
    with pytest.raises(ValueError, match=told):
        getattr(scratch, function)(np.array(labels), np.array(values))


def test_no_bins():
    with pytest.raises(ValueError, match="bins"):
        scratch.expected_calibration_error(np.array([0, 1]), np.array([0.5, 0.5]), bins=0)
