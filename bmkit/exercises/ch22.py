"""Exercises of chapter 22, sentiment analysis."""

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["calibrated", "expected_error", "twins", "verdicts_changed"]

_random = np.random.default_rng(22)

twins = Question(
    "ch22.twins",
    0.186,
    why="Nearly one line in five begins like another one with other content: so few signs say too little.",
    hints=["The function in the cell measures it for any number of signs.", "twins = share_of_twins(5)."],
    mistakes={
        0.014: "That is the share for 10 signs; take 5.",
        186: "That is the number of lines; the share is a thousandth of it.",
    },
    tolerance=0.0005,
)

verdicts_changed = Question(
    "ch22.verdicts_changed",
    1,
    why="Only the logit 2 crosses the line: σ(2) = 0.881 was praise, σ(1) = 0.731 no longer is.",
    hints=[
        "The logits become 2, 1, -0.5 and -1.5. Which of them lie above the line, and which did before?",
        "p > 0.8 means a logit above ln(0.8 / 0.2) = 1.39.",
    ],
    mistakes={
        0: "That is right for a line at 0.5, which no division can cross. The line here is at 0.8: a logit of 1.39.",
        2: "The logit 4 becomes 2, and σ(2) = 0.881 is still above 0.8.",
        4: "All four probabilities change, but the question is on which side of 0.8 they lie.",
    },
)


def _expected_error(labels, p, bins):
    place = np.minimum((p * bins).astype(int), bins - 1)
    error = 0.0
    for k in np.unique(place):
        inside = place == k
        error += inside.mean() * abs(p[inside].mean() - labels[inside].mean())
    return error


def _as_found(labels, p, bins):
    place = (p * bins).astype(int)
    gaps = np.zeros(bins)
    for k in np.unique(place):
        inside = place == k
        gaps[k] = abs(p[inside].mean() - labels[inside].mean())
    return gaps.mean()


def _unweighted(labels, p, bins):
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = np.zeros(bins)
    for k in np.unique(place):
        inside = place == k
        gaps[k] = abs(p[inside].mean() - labels[inside].mean())
    return gaps.mean()


def _last_bin_alone(labels, p, bins):
    place = (p * bins).astype(int)
    error = 0.0
    for k in np.unique(place):
        inside = place == k
        error += inside.mean() * abs(p[inside].mean() - labels[inside].mean())
    return error


def _mid_of_bin(labels, p, bins):
    place = np.minimum((p * bins).astype(int), bins - 1)
    error = 0.0
    for k in np.unique(place):
        inside = place == k
        error += inside.mean() * abs((k + 0.5) / bins - labels[inside].mean())
    return error


def _signed(labels, p, bins):
    return abs(p.mean() - labels.mean())


expected_error = Exercise(
    "ch22.expected_error",
    _expected_error,
    [
        (np.array([1, 1, 0, 0]), np.array([0.92, 0.83, 0.33, 0.87]), 10),
        (np.array([1, 0, 1, 1, 0]), np.array([1.0, 0.95, 0.97, 0.22, 0.13]), 10),
        (_random.integers(0, 2, size=60), _random.random(60) ** 3, 5),
    ],
    hints=[
        "A bin with one text counts as much as a bin with a hundred. What should it be multiplied by?",
        "Into which bin does p = 1 fall? There are only bins 0 to bins - 1.",
        "place = np.minimum((p * bins).astype(int), bins - 1), and each gap times inside.mean(), summed.",
    ],
    mistakes=[
        (_as_found, "This is the function as you found it: weigh the bins, and put p = 1 into the last one."),
        (_unweighted, "p = 1 has its place now. But each gap must be weighed by the share of texts in its bin."),
        (
            _last_bin_alone,
            "The bins are weighed now. But p = 1 gets a bin of its own behind the last one: np.minimum(…, bins - 1).",
        ),
        (_mid_of_bin, "You compare with the middle of the bin. Take the mean of the p that lie in it."),
        (_signed, "That is one bin for all texts: errors up and down cancel. Take the gap of each bin."),
    ],
)


def _calibrated(width, temperature):
    vectors = keras.Input((width,))
    logit = keras.layers.Dense(1)(vectors)
    return keras.Model(vectors, keras.ops.sigmoid(logit / temperature))


def _times(width, temperature):
    return _calibrated(width, 1 / temperature)


def _logit(width, temperature):
    vectors = keras.Input((width,))
    return keras.Model(vectors, keras.layers.Dense(1)(vectors) / temperature)


def _divided_late(width, temperature):
    vectors = keras.Input((width,))
    return keras.Model(vectors, keras.layers.Dense(1, activation="sigmoid")(vectors) / temperature)


def _input_divided(width, temperature):
    vectors = keras.Input((width,))
    return keras.Model(vectors, keras.ops.sigmoid(keras.layers.Dense(1)(vectors / temperature)))


def _not_divided(width, temperature):
    return _calibrated(width, 1.0)


def _answers(model) -> np.ndarray:
    """Give the model fixed weights and ask it: that tells how it is built."""
    random = np.random.default_rng(22)
    weights = model.get_weights()
    width = next(len(weight) for weight in weights if weight.ndim == 2)  # of the kernel
    x = random.normal(size=(5, width)).astype("float32")
    model.set_weights([random.normal(size=weight.shape) for weight in weights])
    return keras.ops.convert_to_numpy(model(x))


calibrated = Exercise(
    "ch22.calibrated",
    _calibrated,
    [(3, 2.0), (4, 0.5), (6, 3.5)],
    hints=[
        "Three steps: Dense(1) without an activation, a division, a sigmoid.",
        "A symbolic tensor can be divided by a number, and keras.ops.sigmoid takes it.",
        "keras.Model(vectors, keras.ops.sigmoid(keras.layers.Dense(1)(vectors) / temperature)).",
    ],
    mistakes=[
        (_times, "A temperature above 1 should pull towards one half: divide by it, do not multiply."),
        (_logit, "The model should end in a probability: the sigmoid is missing."),
        (_divided_late, "You divide the probability. Divide the logit, and then take the sigmoid."),
        (_input_divided, "You divide the vectors, so the bias of the layer is not divided. Divide the logit."),
        (_not_divided, "The temperature changes nothing yet: divide the logit by it."),
    ],
    probe=_answers,
    tolerance=1e-4,
)
