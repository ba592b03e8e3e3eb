"""Exercises of chapter 14, recurrent networks for speech and series."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["labeller", "last_real", "mase", "split_windows", "without_week"]

_random = np.random.default_rng(14)


def _last_real(states, mask):
    steps = np.where(mask, np.arange(mask.shape[1]), -1).max(axis=1)  # number of the last real step, (n,)
    return states[np.arange(len(states)), steps]


def _scaled(y, forecast, history, season, *, power=1):
    return np.mean(np.abs(y - forecast) ** power) / np.mean(np.abs(history[season:] - history[:-season]) ** power)


last_real = Exercise(
    "ch14.last_real",
    _last_real,
    [
        (np.arange(8.0).reshape(1, 4, 2), np.array([[True, True, False, False]])),
        (_random.normal(size=(3, 5, 2)), np.arange(5) < np.array([[5], [1], [3]])),
        (_random.normal(size=(2, 4, 3)), np.array([[False, False, True, True], [True, True, True, False]])),
        (_random.normal(size=(4, 6, 1)), np.arange(6) < np.array([[2], [6], [4], [1]])),
    ],
    hints=[
        "You need one number for each sequence: at which step is its mask True for the last time?",
        "np.where(mask, np.arange(time), -1) numbers the real steps; the largest number of a row is its last one.",
        "states[rows, steps] with two arrays of length n takes one vector of each sequence.",
    ],
    mistakes=[
        (lambda states, mask: states[:, -1], "You took the last step of the block, where most sequences have padding."),
        (
            lambda states, mask: states[np.arange(len(states)), mask.sum(axis=1) - 1],
            "You counted the real steps; that fails where the padding stands in front of them, as in one case.",
        ),
        (
            lambda states, mask: scratch.masked_mean(states, mask),
            "This is the mean over the real steps; take the state after the last of them.",
        ),
        (
            lambda states, mask: states[np.arange(len(states)), mask.argmax(axis=1)],
            "You found the first real step of each sequence; the last one is wanted.",
        ),
    ],
)

mase = Exercise(
    "ch14.mase",
    scratch.mean_absolute_scaled_error,
    [
        (np.array([4.0, 8.0]), np.array([5.0, 5.0]), np.array([0.0, 1.0, 3.0, 6.0]), 1),
        (np.array([2.0]), np.array([5.0]), np.array([0.0, 9.0, 1.0, 7.0]), 2),
        (*_random.normal(size=(2, 12)), _random.normal(size=30), 7),
        (*_random.normal(size=(2, 5)), 1000 * _random.normal(size=40), 3),
    ],
    hints=[
        "Two mean absolute errors, one divided by the other. The upper one needs y and forecast only.",
        "The lower one is the seasonal naive forecast's inside the history: each value minus the one a season before.",
        "history[season:] are the values that have one a season before them; history[:-season] are those earlier ones.",
    ],
    mistakes=[
        (
            lambda y, forecast, history, season: np.mean(np.abs(y - forecast)),
            "This is the error in the unit of the series; divide it by the baseline's error on the history.",
        ),
        (
            lambda y, forecast, history, season: _scaled(y, forecast, history, 1),
            "You compared each value of the history with the one just before; go a whole season back.",
        ),
        (
            lambda y, forecast, history, season: _scaled(y, forecast, history, season, power=2),
            "You squared the errors; take their absolute values.",
        ),
        (
            lambda y, forecast, history, season: (
                abs(np.mean(y - forecast)) / np.mean(np.abs(history[season:] - history[:-season]))
            ),
            "Errors above and below cancel in your mean: take the absolute value first, then the mean.",
        ),
        (
            lambda y, forecast, history, season: (
                np.mean(np.abs(y - forecast)) / np.mean(np.abs(history - history.mean()))
            ),
            "Your scale is the distance from the mean; it should be the distance from the value one season before.",
        ),
    ],
)


def _labeller(units, classes):
    inputs = keras.Input((None, 12))
    hidden = keras.layers.Masking()(inputs)
    both_ways = keras.layers.Bidirectional(keras.layers.GRU(units, return_sequences=True))
    return keras.Model(inputs, keras.layers.Dense(classes)(both_ways(hidden)))


def _without_a_mask(units, classes):
    inputs = keras.Input((None, 12))
    both_ways = keras.layers.Bidirectional(keras.layers.GRU(units, return_sequences=True))
    return keras.Model(inputs, keras.layers.Dense(classes)(both_ways(inputs)))


def _one_way(units, classes):
    inputs = keras.Input((None, 12))
    states = keras.layers.GRU(units, return_sequences=True)(keras.layers.Masking()(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes)(states))


def _last_state_alone(units, classes):
    inputs = keras.Input((None, 12))
    both_ways = keras.layers.Bidirectional(keras.layers.GRU(units))
    return keras.Model(inputs, keras.layers.Dense(classes)(both_ways(keras.layers.Masking()(inputs))))


def _summed(units, classes):
    inputs = keras.Input((None, 12))
    layer = keras.layers.GRU(units, return_sequences=True)
    both_ways = keras.layers.Bidirectional(layer, merge_mode="sum")
    return keras.Model(inputs, keras.layers.Dense(classes)(both_ways(keras.layers.Masking()(inputs))))


def _probabilities(units, classes):
    model = _labeller(units, classes)
    return keras.Model(model.inputs, keras.layers.Softmax()(model.outputs[0]))


def _logits_of_real_frames(model) -> np.ndarray:
    """Give the model weights that depend on their shapes alone, and ask it with little and with much padding."""
    random = np.random.default_rng(2)
    model(np.zeros((1, 6, 12), "float32"))  # a model without an Input has no weights before
    model.set_weights([random.normal(scale=0.5, size=weight.shape) for weight in model.get_weights()])
    x = random.normal(size=(2, 6, 12)).astype("float32")
    x[1, 4:] = 0.0  # padding
    answers = []
    for more in (0, 5):
        logits = keras.ops.convert_to_numpy(model(np.pad(x, ((0, 0), (0, more), (0, 0)))))
        # One answer a sequence is an answer of another shape, not a fault of the check.
        answers.append(logits[:, :6][x.any(axis=-1)] if logits.ndim == 3 else logits)
    return np.concatenate(answers)


labeller = Exercise(
    "ch14.labeller",
    _labeller,
    [(8, 9), (5, 3), (1, 1)],
    hints=[
        "Masking, a recurrent layer in Bidirectional, then Dense. Which states of the GRU have to come out?",
        "keras.layers.GRU(units, return_sequences=True) gives a state for every frame; Bidirectional takes that layer.",
        "hidden = keras.layers.Masking()(inputs) first: the recurrent layer then skips frames of zeros by itself.",
    ],
    mistakes=[
        (_without_a_mask, "Padding changes your logits: put a Masking layer in front of the recurrent one."),
        (_one_way, "Your model reads from the beginning only; wrap the GRU in keras.layers.Bidirectional."),
        (
            _last_state_alone,
            "There is one answer for the whole sequence; return_sequences=True gives one for each frame.",
        ),
        (_probabilities, "These are probabilities: leave out the softmax, the logits are asked for."),
        (_summed, "The two directions were added up; the default of Bidirectional puts them side by side."),
    ],
    probe=_logits_of_real_frames,
    tolerance=1e-4,
)


def _split_windows(series, past, horizon, first):
    x, y = scratch.forecast_windows(series[:first], past, horizon)
    x_val, y_val = scratch.forecast_windows(series[first - past :], past, horizon)
    return x, y, x_val, y_val


def _leaky(series, past, horizon, first):
    x, y = scratch.forecast_windows(series, past, horizon)
    return x[:first], y[:first], x[first:], y[first:]


def _cut_at_the_window(series, past, horizon, first):
    x, y = scratch.forecast_windows(series, past, horizon)
    return x[: first - past], y[: first - past], x[first - past :], y[first - past :]


def _strict(series, past, horizon, first):
    known = scratch.forecast_windows(series[:first], past, horizon)
    return (*known, *scratch.forecast_windows(series[first:], past, horizon))


split_windows = Exercise(
    "ch14.split_windows",
    _split_windows,
    [
        (np.arange(20), 3, 2, 12),
        (np.arange(30.0), 4, 1, 15),
        (_random.normal(size=40), 5, 5, 25),
        (_random.normal(size=(24, 2)), 2, 4, 14),
    ],
    hints=[
        "Cut the series first, then cut windows out of each part: two calls of scratch.forecast_windows.",
        "Training gets series[:first]. Which earlier steps may a validation window look back at?",
        "The validation part begins past steps before first, so that its first forecast is for step first.",
    ],
    mistakes=[
        (_leaky, "You counted windows, not steps: window number first - 1 reaches far beyond step first."),
        (
            _cut_at_the_window,
            "The last training windows forecast steps from first on if horizon is above 1: cut the series first.",
        ),
        (_strict, "Your first validation forecast comes too late: its past may reach back before first."),
    ],
)

without_week = Question(
    "ch14.without_week",
    1.67,
    why="190.5 MW against 114.0 MW: two fifths of the error are gone once the model sees the week.",
    hints=[
        "autoregression(demand, [1, 2, 3, 47, 48, 49], half_hours) is the forecast; truth is what came.",
        "The mean of the absolute differences is its error; divide it by the error of the nine lags.",
    ],
    mistakes={
        0.6: "You divided the smaller error by the larger one.",
        1.05: "These are the lags of the week, with those of the day left out: take out 335, 336 and 337 instead.",
        2.44: "You left out the lags of the day as well; take out those of the week only.",
        2.67: "That is the ratio of squared errors: compare mean absolute errors.",
    },
    tolerance=0.01,
)
