"""Exercises of chapter 05, gradient descent."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["adam_first", "best_rate", "error_left", "momentum"]

_random = np.random.default_rng(5)


def _error_left(error, eigenvalue, learning_rate, steps):
    return error * (1 - learning_rate * eigenvalue) ** steps


def _momentum(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weights + velocity, velocity


error_left = Exercise(
    "ch05.error_left",
    _error_left,
    [
        (1.0, 2.0, 0.25, 1),
        (8.0, 1.0, 0.5, 3),
        (1.0, 4.0, 0.5, 3),
        (np.array([1.0, -2.0, 3.0]), np.array([0.1, 1.0, 10.0]), 0.15, 4),
        (5.0, 3.0, 0.1, 0),
    ],
    hints=[
        "One step multiplies the error by 1 - learning_rate * eigenvalue.",
        "What do two steps multiply it by? And a number of steps called steps?",
        "The error times (1 - learning_rate * eigenvalue) to the power of steps: ** is Python's power.",
    ],
    mistakes=[
        (
            lambda error, eigenvalue, rate, steps: error * (1 - rate * eigenvalue * steps),
            "The factors multiply from step to step: raise the factor to the power of steps.",
        ),
        (
            lambda error, eigenvalue, rate, steps: error * np.abs(1 - rate * eigenvalue) ** steps,
            "Keep the sign: a negative factor means that the error jumps to the other side at each step.",
        ),
        (
            lambda error, eigenvalue, rate, steps: error - rate * eigenvalue * steps,
            "The step is proportional to the error that is left; it is not the same at every step.",
        ),
        (
            lambda error, eigenvalue, rate, steps: error * (1 + rate * eigenvalue) ** steps,
            "This goes uphill: the step is minus the rate times the gradient.",
        ),
    ],
)

best_rate = Question(
    "ch05.best_rate",
    0.2,
    why="2 / (1 + 9) = 0.2: then |1 - 0.2 · 1| = |1 - 0.2 · 9| = 0.8, and no other rate makes the larger one smaller.",
    hints=[
        "The two factors are |1 - η| and |1 - 9η|. The larger one decides.",
        "At the best rate both are equal: 1 - η = 9η - 1.",
    ],
    mistakes={
        1 / 9: "1/9 makes the steep direction perfect in one step, but leaves 8/9 of the error in the flat one.",
        2 / 9: "2/9 is the limit at which the steep direction no longer shrinks.",
        1: "1 makes the flat direction perfect, and multiplies the error in the steep one by -8.",
        0.8: "0.8 is what is left of the error at a step; the question is for the rate.",
        0.1: "0.1 leaves 0.9 in the flat direction; a larger rate does better there before the steep one protests.",
    },
)

momentum = Exercise(
    "ch05.momentum",
    _momentum,
    [
        (np.array([1.0]), np.array([2.0]), np.array([0.0]), 0.5, 0.9),
        (np.array([0.0, 0.0]), np.array([1.0, -1.0]), np.array([1.0, 1.0]), 0.1, 0.5),
        (_random.normal(size=4), _random.normal(size=4), _random.normal(size=4), 0.03, 0.9),
    ],
    hints=[
        "Two lines: first the new velocity, then the new weights.",
        "velocity = momentum * velocity - learning_rate * gradient",
        "Return both: weights + velocity, velocity, with the new velocity in both places.",
    ],
    mistakes=[
        (
            lambda w, g, v, rate, momentum: (w + v, momentum * v - rate * g),
            "The weights moved by the old velocity; compute the new one first.",
        ),
        (
            lambda w, g, v, rate, momentum: (w - rate * g, momentum * v - rate * g),
            "The weights moved by the gradient alone; move them by the velocity.",
        ),
        (
            lambda w, g, v, rate, momentum: (w + momentum * v + rate * g, momentum * v + rate * g),
            "This accelerates uphill: subtract the rate times the gradient.",
        ),
        (
            lambda w, g, v, rate, momentum: (
                w + momentum * v - (1 - momentum) * rate * g,
                momentum * v - (1 - momentum) * rate * g,
            ),
            "This is a running mean of the steps; here the gradient counts in full, without the factor 1 - momentum.",
        ),
        (
            lambda w, g, v, rate, momentum: (w - rate * (momentum * v + g), momentum * v + g),
            "This is the velocity of PyTorch, multiplied by the rate later; here, as in Keras, it is the step itself.",
        ),
        (
            lambda w, g, v, rate, momentum: w + momentum * v - rate * g,
            "The weights are right; return the new velocity too, as a pair.",
        ),
    ],
)

adam_first = Question(
    "ch05.adam_first",
    (0.1, 0.1),
    why="At the first step m̂ = g and √ŝ = |g|: the quotient is the sign of the gradient, whatever its size.",
    hints=[
        "After one step m = 0.1 g and s = 0.001 g². What do the corrections make of them?",
        "m̂ = g and ŝ = g². So m̂ / √ŝ is …",
    ],
    mistakes={
        (100, 0.0001): "That is plain descent's step, 0.1 · g. Adam divides by the gradient's typical size.",
        (1, 1): "The quotient is 1 in both, but the step also has the learning rate as a factor.",
        (0.01, 0.01): "You forgot the correction of m: 0.1 g / (1 - 0.9) = g.",
        (-0.1, -0.1): "The size is right; the question is how far, so give lengths without sign.",
    },
    tolerance=1e-4,
)
