"""Series in NumPy: windows that do not look ahead, a seasonal baseline, an error without a unit, what filling costs.

Axes: ``time`` counts the steps of the series, ``horizon`` the steps ahead that are forecast.
"""

import numpy as np

__all__ = ["forecast_windows", "mean_absolute_scaled_error", "padding_share", "seasonal_naive"]


def forecast_windows(series: np.ndarray, past: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into what was known and what came next: ``x[i] = s[i : i+past]``, ``y[i] = s[i+past : …]``.

    Args:
        series: in the order of time, shape ``(time,)`` or ``(time, features)``.
        past: steps that a forecast may look at, ≥ 1.
        horizon: steps that it must foretell, ≥ 1.

    Returns:
        ``x`` of shape ``(windows, past, …)`` and ``y`` of shape ``(windows, horizon, …)`` with
        ``windows = time - past - horizon + 1``; both are copies.

    Raises:
        ValueError: the series is shorter than one window, or a number is not positive.

    Example:
        >>> x, y = forecast_windows(np.array([10, 11, 12, 13]), past=2, horizon=1)
        >>> x.tolist(), y.tolist()
        ([[10, 11], [11, 12]], [[12], [13]])

    Reference:
        Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, section 5.10, https://otexts.com/fpp3/
    """
    series = np.asarray(series)
    windows = len(series) - past - horizon + 1
    if past < 1 or horizon < 1 or windows < 1:
        raise ValueError(
            f"a series of {len(series)} steps cannot be cut into windows of {past} past steps and {horizon} ahead; "
            "both must be at least 1, and together no longer than the series."
        )
    first = np.arange(windows)[:, np.newaxis]
    return series[first + np.arange(past)], series[first + past + np.arange(horizon)]


def seasonal_naive(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Say that the last season comes again: ``ŷ[T+h] = y[T+h-season·k]`` with the smallest k that lies in the past.

    Args:
        history: what is known, ``y[0] … y[T-1]``, shape ``(time,)``.
        season: steps after which the series resembles itself; 1 repeats the last value.
        horizon: steps to foretell.

    Returns:
        Shape ``(horizon,)``.

    Raises:
        ValueError: the history is shorter than a season.

    Example:
        >>> seasonal_naive(np.array([1, 2, 3, 4, 5]), season=2, horizon=3).tolist()
        [4, 5, 4]

    Reference:
        Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, section 5.2, https://otexts.com/fpp3/
    """
    history = np.asarray(history)
    if not 1 <= season <= len(history):
        raise ValueError(
            f"a season of {season} steps does not fit a history of {len(history)}; expected 1 or more, in it."
        )
    return history[len(history) - season :][np.arange(horizon) % season]


def mean_absolute_scaled_error(y: np.ndarray, forecast: np.ndarray, history: np.ndarray, season: int = 1) -> float:
    """Measure misses in units of the seasonal baseline's: ``mean|y - ŷ| / mean_t|history[t] - history[t-season]|``.

    Below 1: better than saying "as one season ago" was, one step at a time, on the training data.

    Args:
        y: what came, any shape.
        forecast: ``ŷ``, what had been said, the same shape.
        history: the training series that gives the scale, shape ``(time,)``, longer than a season.
        season: steps in a season.

    Returns:
        The error without a unit, ≥ 0; the same for a series in watts and in megawatts.

    Raises:
        ValueError: shapes differ, or the history is too short, or it repeats itself exactly and gives no scale.

    Example:
        >>> mean_absolute_scaled_error(np.array([5.0]), np.array([4.0]), history=np.array([0.0, 2.0, 4.0]))
        0.5

    Reference:
        Hyndman and Koehler (2006), Another look at measures of forecast accuracy,
        https://doi.org/10.1016/j.ijforecast.2006.03.001
    """
    y, forecast, history = (np.asarray(values, dtype=float) for values in (y, forecast, history))
    if y.shape != forecast.shape:
        raise ValueError(f"y has shape {y.shape} and the forecast {forecast.shape}; expected the same shape.")
    if not 1 <= season < len(history):
        raise ValueError(
            f"a history of {len(history)} steps gives no scale for a season of {season}; use a longer one."
        )
    scale = np.abs(history[season:] - history[:-season]).mean()
    if scale == 0:
        raise ValueError("the history repeats itself exactly: its seasonal baseline never misses; use another scale.")
    return float(np.abs(y - forecast).mean() / scale)


def padding_share(lengths: np.ndarray, batch_size: int) -> float:
    """Count what filling wastes: ``1 - Σ lengths / Σ_batches (rows · longest)``, batches cut in the order given.

    Args:
        lengths: real steps of each sequence, in the order in which they are batched, ≥ 1, shape ``(n,)``.
        batch_size: sequences in a batch; the last batch may be smaller.

    Returns:
        Share of all steps computed that are filling, in [0, 1).

    Raises:
        ValueError: no sequence, an empty one, or a batch size below 1.

    Example:
        >>> padding_share(np.array([1, 3, 3, 1]), batch_size=2)  # two batches of 2 × 3 steps hold 8 real ones
        0.33333333333333337

    Reference:
        Khomenko et al. (2016), Accelerating recurrent neural network training using sequence bucketing,
        https://arxiv.org/abs/1708.05604
    """
    lengths = np.asarray(lengths)
    if batch_size < 1 or lengths.size == 0 or lengths.min() < 1:
        raise ValueError(
            f"{lengths.size} lengths in batches of {batch_size}; expected lengths and a size of 1 or more."
        )
    batches = [lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size)]
    return float(1 - lengths.sum() / sum(len(batch) * batch.max() for batch in batches))
