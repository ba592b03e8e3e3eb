"""Exercises of chapter 05, gradient descent."""

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["adam_first", "best_rate", "error_left", "floor_ratio", "momentum", "sign_descent"]

_random = np.random.default_rng(5)


def _error_left(error, eigenvalue, learning_rate, steps):
    return error * (1 - learning_rate * eigenvalue) ** steps


def _momentum(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weights + velocity, velocity


def _sign_descent(learning_rate):
    class SignDescent(keras.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * keras.ops.sign(gradient))

    return SignDescent(learning_rate=learning_rate)


def _sign_ascent(learning_rate):
    class SignAscent(keras.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_add(variable, learning_rate * keras.ops.sign(gradient))

    return SignAscent(learning_rate=learning_rate)


def _sign_without_rate(learning_rate):
    class WithoutRate(keras.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, keras.ops.sign(gradient))

    return WithoutRate(learning_rate=learning_rate)


def _sign_of_the_whole(learning_rate):
    class SameDirection(keras.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * gradient / keras.ops.norm(gradient))

    return SameDirection(learning_rate=learning_rate)


def _nothing(learning_rate):
    class Nothing(keras.optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            variable = variable - learning_rate * keras.ops.sign(gradient)

    return Nothing(learning_rate=learning_rate)


def _walk(optimizer) -> np.ndarray:
    """Let an optimizer take three steps with two variables: where it leads tells which one it is."""
    weights = [keras.Variable([1.0, -2.0, 3.0]), keras.Variable([[0.5, 0.5]])]
    gradients = [
        ([4.0, -0.1, 0.0], [[30.0, -7.0]]),
        ([-2.0, -9.0, 1.0], [[0.2, 5.0]]),
        ([1.0, 1.0, -6.0], [[3.0, 3.0]]),
    ]
    for pair in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in pair], weights)
    return np.concatenate([keras.ops.convert_to_numpy(weight).ravel() for weight in weights])


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
    why="At the first step m̂ = g and √ŝ = |g|: the quotient is the sign of the gradient, whatever its size. "
    "(With ε in Keras' place the second is 0.0997.)",
    hints=[
        "After one step m = 0.1 g and s = 0.001 g². What do the corrections make of them?",
        "m̂ = g and ŝ = g². So m̂ / √ŝ is …",
    ],
    mistakes={
        (100, 0.0001): "That is plain gradient descent's step, 0.1 · g. Adam divides by the gradients' typical size.",
        (1, 1): "The quotient is 1 in both, but the step also has the learning rate as a factor.",
        (0.01, 0.01): "You forgot the correction of m: 0.1 g / (1 - 0.9) = g.",
        (-0.1, -0.1): "The size is right; the question is how far, so give lengths without sign.",
    },
    tolerance=1e-3,
)

floor_ratio = Question(
    "ch05.floor_ratio",
    0.5,
    why="The noise floor is proportional to the learning rate: half the rate, half the floor, at twice the way to it.",
    hints=[
        "noisy_descent(8, learning_rate=0.01) gives the excess loss of each step; leave out the first thousand steps.",
        "Take the mean of what is left, [1000:].mean(), and divide it by noise[8][1000:].mean().",
    ],
    mistakes={
        1: "Nothing changed: give the second run the learning rate 0.01.",
        2: "You divided the old floor by the new one.",
        0.25: "A quarter is what the square of the rate would give; measure again from step 1000 on.",
        0.7: "0.7 is √½: take the mean of the excess loss itself, not of its root.",
    },
    tolerance=0.05,
)

sign_descent = Exercise(
    "ch05.sign_descent",
    _sign_descent,
    [(0.1,), (0.5,), (2.0,)],
    hints=[
        "Derive a class from keras.optimizers.Optimizer inside the function, and return an object of that class.",
        "Its one method is update_step(self, gradient, variable, learning_rate). keras.ops.sign gives the signs.",
        "Inside: self.assign_sub(variable, learning_rate * keras.ops.sign(gradient)).",
    ],
    mistakes=[
        (
            keras.optimizers.SGD,
            "This is plain gradient descent, whose step grows with the gradient; take the sign of the gradient.",
        ),
        (_sign_ascent, "This goes uphill: subtract the step from the variable."),
        (_sign_without_rate, "Every step has length 1: multiply the sign by the learning rate."),
        (_sign_of_the_whole, "You divided by the length of the whole gradient; each number has a sign of its own."),
        (_nothing, "The variable never moved: assign to it with self.assign_sub(variable, …)."),
    ],
    probe=_walk,
    tolerance=1e-5,
)
