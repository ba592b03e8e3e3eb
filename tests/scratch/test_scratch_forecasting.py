"""The formulas of `bmkit.scratch.forecasting`: worked by hand, held against Keras, their promises and their errors."""

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(14)
SERIES = RANDOM.normal(size=40)
PAIRS = RANDOM.normal(size=(20, 2))

# name, arguments, what comes out, worked by hand
HAND = [
    ("forecast_windows", (np.arange(5), 2, 2), ([[0, 1], [1, 2]], [[2, 3], [3, 4]])),
    ("forecast_windows", (np.arange(3), 2, 1), ([[0, 1]], [[2]])),
    ("seasonal_naive", (np.array([9, 1, 2, 3]), 3, 5), [1, 2, 3, 1, 2]),
    ("seasonal_naive", (np.array([4, 7]), 1, 2), [7, 7]),
    ("mean_absolute_scaled_error", ([4.0, 8.0], [5.0, 5.0], [0.0, 1.0, 3.0, 6.0]), 1.0),  # 2 over (1+2+3)/3
    ("mean_absolute_scaled_error", ([4.0], [4.0], [0.0, 1.0]), 0.0),
    ("mean_absolute_scaled_error", ([[2.0]], [[5.0]], [0.0, 9.0, 1.0, 7.0], 2), 2.0),  # 3 over (1+2)/2
    ("padding_share", ([2, 4, 1, 1, 3], 2), 1 - 11 / 13),  # 2·4 + 2·1 + 1·3 steps
    ("padding_share", ([5, 5], 1), 0.0),
]

ERRORS = [
    ("forecast_windows", (SERIES, 30, 11), "no longer than the series"),
    ("forecast_windows", (SERIES, 0, 1), "at least 1"),
    ("seasonal_naive", (SERIES, 41, 1), "does not fit a history of 40"),
    ("mean_absolute_scaled_error", (SERIES, SERIES[1:], SERIES), "expected the same shape"),
    ("mean_absolute_scaled_error", (SERIES, SERIES, SERIES, 40), "use a longer one"),
    ("mean_absolute_scaled_error", (SERIES, SERIES, np.ones(9)), "repeats itself exactly"),
    ("padding_share", ([], 2), "0 lengths"),
    ("padding_share", ([3, 0], 2), "1 or more"),
    ("padding_share", ([3], 0), "batches of 0"),
]


@pytest.mark.parametrize("series", [SERIES, PAIRS], ids=["one number a step", "two"])
def test_keras_cuts_the_same_windows(series):
    cut = keras.utils.timeseries_dataset_from_array(series[:-1], series[6:], 6, batch_size=64)
    theirs = next(iter(cut))
    x, y = scratch.forecast_windows(series, 6, 1)
    np.testing.assert_allclose(x, theirs[0], rtol=1e-6)
    np.testing.assert_allclose(y[:, 0], theirs[1], rtol=1e-6)


def test_keras_measures_the_same_misses():
    error = keras.losses.MeanAbsoluteError()
    ratio = float(error(SERIES[20:], SERIES[:20])) / float(error(SERIES[3:], SERIES[:-3]))
    assert scratch.mean_absolute_scaled_error(SERIES[20:], SERIES[:20], SERIES, 3) == pytest.approx(ratio, rel=1e-5)


def test_a_window_never_holds_what_it_must_foretell():
    x, y = scratch.forecast_windows(np.arange(40), 7, 4)
    assert (x.max(axis=1) < y.min(axis=1)).all() and (y.max(), x.min()) == (39, 0)
    assert (np.diff(np.concatenate([x, y], axis=1), axis=1) == 1).all()


def test_windows_are_copies():
    x, y = scratch.forecast_windows(PAIRS, 3, 2)
    x[:], y[:] = 0, 0
    assert PAIRS.all()


def test_the_scaled_error_has_no_unit_and_the_baseline_has_one():
    error = scratch.mean_absolute_scaled_error(SERIES[20:], SERIES[:20], SERIES, 5)
    assert scratch.mean_absolute_scaled_error(
        1000 * SERIES[20:] + 7, 1000 * SERIES[:20] + 7, 1000 * SERIES + 7, 5
    ) == pytest.approx(error)
    assert scratch.mean_absolute_scaled_error(SERIES[5:], SERIES[:-5], SERIES, 5) == pytest.approx(1)


def test_a_whole_season_repeats_the_last_one_and_sorting_wastes_no_more():
    np.testing.assert_array_equal(scratch.seasonal_naive(SERIES, 7, 7), SERIES[-7:])
    lengths = RANDOM.integers(1, 30, size=200)
    assert scratch.padding_share(np.sort(lengths), 16) < scratch.padding_share(lengths, 16)
