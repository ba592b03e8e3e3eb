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

def _fired(scores, threshold, rest):
    steps = []
    rest_until = 0
    for step, row in enumerate(scores):
        if step >= rest_until and row[1:].max() >= threshold:
            steps.append(step)
            rest_until = step + rest
    return np.array(steps, int)


def _fires_at_nothing(scores, threshold, rest):
    everything = np.concatenate([scores[:, :1], scores], axis=1)  # column 0 counts as a word
    return _fired(everything, threshold, rest)


def _never_rests(scores, threshold, rest):
    return _fired(scores, threshold, 1)


def _as_printed(scores, threshold, rest):
    return _fires_at_nothing(scores, threshold, 1)


def _rests_too_long(scores, threshold, rest):
    return _fired(scores, threshold, rest + 1)


def _waits_for_silence(scores, threshold, rest):
    high = scores[:, 1:].max(axis=1) >= threshold
    return np.flatnonzero(high & ~np.r_[False, high[:-1]])


def _steps_of(result) -> np.ndarray:
    return np.asarray(result, float)


def _scores(*rows: float) -> np.ndarray:
    """Write scores of nothing and two words from the score of the first word."""
    first = np.array(rows)
    return np.stack([1 - first, 0.9 * first, 0.1 * first], axis=1)


fired = Exercise(
    "ch28.fired",
    _fired,
    [
        (_scores(0.1, 0.9, 1.0, 0.9, 0.1, 0.1), 0.6, 3),
        (_scores(0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9), 0.5, 3),
        (_scores(0.0, 0.1, 0.2, 0.1), 0.5, 2),
        (_random.dirichlet([2, 0.5, 0.5, 0.5], size=40), 0.6, 4),
        (_random.dirichlet([2, 0.5, 0.5, 0.5], size=40), 0.5, 8),
    ],
    hints=[
        "Column 0 is the score of nothing. Which columns may fire?",
        "row[1:].max() is the best keyword. And remember until when the trigger rests: start with 0.",
        "rest_until = step + rest behind the append, and `if step >= rest_until and …` in front of it.",
    ],
    mistakes=[
        (_as_printed, "Neither fault is mended yet: column 0 fires, and the trigger never rests."),
        (_fires_at_nothing, "It still fires when it is sure of nothing: leave column 0 out."),
        (_never_rests, "It fires again at the next step: let it rest after each trigger."),
        (_rests_too_long, "It rests one step too long: at step t + rest it may fire again."),
        (
            _waits_for_silence,
            "You wait until the score has fallen; asked for is a rest of a fixed number of steps.",
        ),
    ],
    probe=_steps_of,
)

telltale = Question(
    "ch28.telltale",
    5,
    why="0.82, against 0.75 for loudness, which differs most in decibels but also varies most within each group.",
    hints=[
        "np.array([frames.mean(axis=0) for frames in frames_by_speaker.values()]) has shape (6, 13); likewise std.",
        "means.std(axis=0) / stds.mean(axis=0) are the 13 ratios; argmax names the coefficient.",
    ],
    mistakes={
        0: "Loudness has the largest differences, but it also varies most within each group: divide by that.",
        6: "Coefficients are counted from 0.",
        2: "This is the smallest ratio; the largest is asked for.",
    },
)
