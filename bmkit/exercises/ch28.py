"""Exercises of chapter 28, voice commands."""

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["centred_spotter", "fired", "telltale"]

_random = np.random.default_rng(28)


def _centred_spotter(width, words):
    inputs = keras.Input((None, 13))
    mean = keras.layers.GlobalAveragePooling1D(keepdims=True)(inputs)  # (batch, 1, 13)
    centred = keras.layers.Subtract()([inputs, mean])
    found = keras.layers.Conv1D(width, 5, padding="same", activation="relu")(centred)
    return keras.Model(inputs, keras.layers.Dense(words)(keras.layers.GlobalMaxPooling1D()(found)))


def _spotter(width, words, *, centre="time", pool=keras.layers.GlobalMaxPooling1D, relu="relu", last=None):
    """Build the exercise's model with one thing done otherwise."""
    inputs = keras.Input((None, 13))
    centred = inputs
    if centre == "coefficients":
        centred = inputs - keras.ops.mean(inputs, axis=2, keepdims=True)
    elif centre == "time":
        centred = inputs - keras.ops.mean(inputs, axis=1, keepdims=True)
    found = keras.layers.Conv1D(width, 5, padding="same", activation=relu)(centred)
    return keras.Model(inputs, keras.layers.Dense(words, activation=last)(pool()(found)))


def _not_centred(width, words):
    return _spotter(width, words, centre="")


def _centred_over_coefficients(width, words):
    return _spotter(width, words, centre="coefficients")


def _averaged(width, words):
    return _spotter(width, words, pool=keras.layers.GlobalAveragePooling1D)


def _straight(width, words):
    return _spotter(width, words, relu=None)


def _probabilities(width, words):
    return _spotter(width, words, last="softmax")


def _answers_to_sounds(model) -> np.ndarray:
    """Give the model weights that depend on their shapes alone, and ask it about two lengths and a loud microphone."""
    random = np.random.default_rng(2)
    x = random.normal(size=(3, 12, 13)).astype("float32")
    model(x)  # a model without an Input has no weights before
    scales = [2.0 if weight.ndim == 1 else 0.1 for weight in model.get_weights()]  # without ReLU, a low bias tells
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([random.normal(scale=scale, size=shape) for scale, shape in zip(scales, shapes, strict=True)])
    asked = (x, x[:, :7], x + np.arange(13, dtype="float32"))
    return np.concatenate([keras.ops.convert_to_numpy(model(one)) for one in asked])


centred_spotter = Exercise(
    "ch28.centred_spotter",
    _centred_spotter,
    [(6, 5), (3, 2), (1, 1)],
    hints=[
        "Which axis is time? The mean over it has one number for each coefficient of each window.",
        "keras.layers.GlobalAveragePooling1D(keepdims=True) is that mean, (batch, 1, 13); subtract it from the input.",
        "keras.Input((None, 13)), the subtraction, Conv1D, GlobalMaxPooling1D, Dense(words) without an activation.",
    ],
    mistakes=[
        (_not_centred, "A constant added to every frame changes your answers: take the mean over time away first."),
        (
            _centred_over_coefficients,
            "You took the mean over the 13 coefficients; take each coefficient's mean over time.",
        ),
        (_averaged, "You averaged over time what the convolution found; take the maximum."),
        (_straight, 'Your convolution has no ReLU: activation="relu".'),
        (_probabilities, "These are probabilities: leave out the softmax, the logits are asked for."),
    ],
    probe=_answers_to_sounds,
    tolerance=1e-4,
)


def _fired(scores, high, low):
    steps = []
    armed = True
    for step, row in enumerate(scores):
        best = row[1:].max()
        if armed and best >= high:
            steps.append(step)
            armed = False
        elif best < low:
            armed = True
    return np.array(steps, int)


def _fires_at_nothing(scores, high, low):
    everything = np.concatenate([scores[:, :1], scores], axis=1)  # column 0 counts as a word
    return _fired(everything, high, low)


def _never_waits(scores, high, low):
    return np.flatnonzero(scores[:, 1:].max(axis=1) >= high)


def _as_printed(scores, high, low):
    return np.flatnonzero(scores.max(axis=1) >= high)


def _one_threshold(scores, high, low):
    return _fired(scores, high, high)


def _fires_once(scores, high, low):
    return _fired(scores, high, low)[:1]


def _above_only(scores, high, low):
    return _fired(scores, np.nextafter(high, 2), low)


def _up_to_low(scores, high, low):
    return _fired(scores, high, np.nextafter(low, 2))


def _nothing_may_win(scores, high, low):
    best = scores[:, 1:].max(axis=1, keepdims=True)
    hidden = np.where((scores[:, :1] >= best) & (best >= low), low, scores)  # neither fires nor falls below low
    return _fired(hidden, high, low)


def _steps_of(result) -> np.ndarray:
    return np.asarray(result, float)


def _scores(*rows: float) -> np.ndarray:
    """Write scores of nothing and two words from the score of the first word."""
    first = np.array(rows)
    return np.stack([1 - first, first, 0 * first], axis=1)


fired = Exercise(
    "ch28.fired",
    _fired,
    [
        (_scores(0.1, 0.9, 1.0, 0.7, 0.9, 0.1, 0.8), 0.8, 0.3),
        (_scores(0.1, 0.4, 0.3, 0.4, 0.2, 0.45), 0.4, 0.3),  # nothing is surer, a keyword fires all the same
        (_scores(0.0, 0.1, 0.2, 0.1), 0.5, 0.2),
        (_random.dirichlet([2, 0.5, 0.5, 0.5], size=40), 0.6, 0.4),
        (_random.dirichlet([2, 0.5, 0.5, 0.5], size=40), 0.5, 0.1),
    ],
    hints=[
        "Column 0 is the score of nothing. Which columns may fire?",
        "row[1:].max() is the best keyword. And remember whether the trigger may fire: armed = True to start with.",
        "if armed and best >= high: append, armed = False; elif best < low: armed = True.",
    ],
    mistakes=[
        (_as_printed, "Neither fault is mended yet: column 0 fires, and low is not used."),
        (_fires_at_nothing, "It still fires when it is sure of nothing: leave column 0 out."),
        (_never_waits, "It fires again at the next step: after a trigger wait until the best keyword was below low."),
        (_one_threshold, "It may fire again as soon as the score is below high; it has to fall below low."),
        (_fires_once, "It fires once and never again: below low it is armed anew."),
        (_above_only, "A score that equals high fires, too: >=."),
        (_up_to_low, "A score that equals low is not below it: <."),
        (_nothing_may_win, "Column 0 does not matter: a keyword that reaches high fires even if nothing is surer."),
    ],
    probe=_steps_of,
)

telltale = Question(
    "ch28.telltale",
    (5, 0),
    why="With six groups coefficient 5 has 0.82, loudness 0.75. Without group 2 it falls to 0.57, and loudness leads "
    "with 0.78: what looked like a property of speakers was mostly one of a single speaker.",
    hints=[
        "np.array([frames.mean(axis=0) for frames in frames_by_speaker.values()]) has shape (6, 13); likewise std.",
        "means.std(axis=0) / stds.mean(axis=0) are the 13 ratios; argmax names the coefficient.",
        "Without group 2: np.delete(means, 2, axis=0), and likewise for the standard deviations.",
    ],
    mistakes={
        (0, 0): "With all six, loudness comes second: it has large differences, but it varies most within each group.",
        (5, 5): "Without group 2 it is another one: leave it out of the means and of the standard deviations.",
        (6, 1): "Coefficients are counted from 0.",
        (2, 2): "These are the smallest ratios; the largest are asked for.",
        5: "Two integers are asked for: with all six groups, and without group 2.",
    },
)
