"""Exercises of chapter 04, loss functions."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["best_guess", "cheapest_distance", "first_loss", "mse", "pinball", "softmax", "softmax_gradient"]

_random = np.random.default_rng(4)


def _pinball(q):
    class Pinball(keras.losses.Loss):
        def call(self, y_true, y_pred):
            miss = y_true - y_pred
            return keras.ops.maximum(q * miss, (q - 1) * miss)

    return Pinball()


def _turned(q):
    return _pinball(1 - q)


def _distance(q):
    return keras.losses.MeanAbsoluteError()


def _too_low_only(q):
    class TooLowOnly(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.maximum(q * (y_true - y_pred), 0.0)

    return TooLowOnly()


def _without_sign(q):
    class WithoutSign(keras.losses.Loss):
        def call(self, y_true, y_pred):
            miss = y_true - y_pred
            return keras.ops.where(miss > 0, q * miss, (1 - q) * miss)

    return WithoutSign()


def _costs(loss) -> list[float]:
    """Price a few forecasts: what they cost tells which loss it is."""
    y_true = np.array([[3.0], [5.0], [0.0], [-2.0]], dtype="float32")
    forecasts = (y_true, y_true - 2.0, y_true + 1.0, np.array([[4.0], [1.0], [2.5], [-2.0]], dtype="float32"))
    return [float(loss(y_true, forecast)) for forecast in forecasts]


mse = Exercise(
    "ch04.mse",
    scratch.mean_squared_error,
    [
        (np.array([1.0, 2.0]), np.array([1.0, 4.0])),
        (np.array([3.0]), np.array([1.0])),
        (np.array([0.0, 0.0, 0.0]), np.array([1.0, -1.0, 2.0])),
        (_random.normal(size=20), _random.normal(size=20)),
    ],
    hints=[
        "Three steps: subtract, square, average.",
        "NumPy works on whole arrays: (y_pred - y_true) ** 2 squares every difference.",
        "np.mean of the squared differences is the answer; return it.",
    ],
    mistakes=[
        (lambda y, p: np.sum((p - y) ** 2), "You added the squares up; the mean divides by their number."),
        (lambda y, p: np.mean(np.abs(p - y)), "You averaged distances; square them instead."),
        (lambda y, p: np.mean(p - y) ** 2, "You squared the average; square first, so that errors cannot cancel."),
        (lambda y, p: np.mean(p - y), "Plus and minus cancel; square each difference before the mean."),
        (lambda y, p: np.sqrt(np.mean((p - y) ** 2)), "This is its square root, the RMSE; leave the root out."),
        (lambda y, p: (p - y) ** 2, "These are the squares one by one; the loss is one number, their mean."),
    ],
)

best_guess = Question(
    "ch04.best_guess",
    2.0,
    why="The mean, (1 + 1 + 1 + 5) / 4 = 2: squares punish the large error so hard that 5 pulls the guess away from 1.",
    hints=[
        "Write the loss for a guess c: three times (1 - c)² plus (5 - c)², divided by 4. Try c = 1 and c = 3.",
        "At the lowest point the derivative 2 · [3(c - 1) + (c - 5)] is zero.",
    ],
    mistakes={
        1: "1 is the median: best for plain distances. Its squared loss is 16 / 4 = 4, and there is a lower one.",
        3: "3 is halfway, but three ratings pull down and only one up. Its squared loss is 4; there is a lower one.",
        5: "5 misses three of the four ratings by 4.",
    },
)


def _without_the_largest(z):
    with np.errstate(all="ignore"):
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


softmax = Exercise(
    "ch04.softmax",
    scratch.softmax,
    [
        (np.array([[0.0, 0.0]]),),
        (np.array([[1.0, 2.0, 3.0], [3.0, 3.0, 0.0]]),),
        (np.array([[1000.0, 1001.0], [-1000.0, 0.0]]),),
        (_random.normal(scale=10, size=(5, 4)),),
    ],
    hints=[
        "Take the largest logit of each row away first: z - z.max(axis=1, keepdims=True).",
        "Without keepdims=True the row maxima have shape (n,) and NumPy pairs them with columns.",
        "Divide the exponentials by their sum over axis 1, again with keepdims=True.",
    ],
    mistakes=[
        (_without_the_largest, "exp(1000) is too large for a number: take the largest logit of each row away first."),
        (lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(), "Your whole array sums to 1; each row must."),
        (
            lambda z: np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0),
            "Your columns sum to 1; the rows must: use axis=1.",
        ),
        (
            lambda z: np.exp(z - z.max(axis=1)) / np.exp(z - z.max(axis=1)).sum(axis=1),
            "Maxima and sums have shape (n,), and NumPy pairs them with columns: write keepdims=True in both.",
        ),
    ],
)

softmax_gradient = Exercise(
    "ch04.softmax_gradient",
    scratch.softmax_cross_entropy_gradient,
    [
        (np.array([1]), np.array([[0.0, 0.0]])),
        (np.array([2, 0]), np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])),
        (_random.integers(0, 5, 8), _random.normal(scale=3, size=(8, 5))),
    ],
    hints=[
        "Prediction minus truth: start from scratch.softmax(z).",
        "Subtract 1 at the true class of each row: p[np.arange(n), labels] -= 1.",
        "The loss is a mean over n examples, so the gradient has a factor 1 / n.",
    ],
    mistakes=[
        (
            lambda labels, z: scratch.softmax_cross_entropy_gradient(labels, z) * len(labels),
            "Right but for a factor: the loss is the mean over n examples, so divide by n.",
        ),
        (
            lambda labels, z: -scratch.softmax_cross_entropy_gradient(labels, z),
            "This points downhill; the gradient points uphill: prediction minus truth.",
        ),
        (
            lambda labels, z: scratch.softmax(z) / len(labels),
            "This is the prediction; subtract the truth from it.",
        ),
    ],
)

first_loss = Question(
    "ch04.first_loss",
    np.log(10),
    why="Equal logits give every digit probability 1/10, and -log(1/10) = log 10 = 2.30 nats.",
    hints=["Equal logits: what probability does softmax give to each of ten classes?", "-log(0.1) in nats."],
    mistakes={
        0.1: "0.1 is the probability of the true class; the loss is its surprise.",
        1: "1 is -log₁₀(0.1); the course uses the natural logarithm.",
        np.log(2): "log 2 would be right for two classes; here there are ten.",
    },
    tolerance=0.002,
)

cheapest_distance = Question(
    "ch04.cheapest_distance",
    0.99,
    why="Distance asks for the median, and most labels are 1. So this loss rewards a prediction that is too sure: it "
    "is not a proper scoring rule.",
    hints=[
        "Only one line changes: np.mean(np.abs(great - c)) for every c of constants.",
        "Collect the losses in a list, and take constants[np.argmin(losses)].",
    ],
    mistakes={
        0.63: "That is near the share of great reviews, which squares ask for; take the absolute value of great - c.",
        0.5: "0.5 is halfway; measure the losses to the left and to the right of it.",
        0.01: "That is the dearest end, or you took the share of reviews that are not great.",
    },
    tolerance=0.011,
)

pinball = Exercise(
    "ch04.pinball",
    _pinball,
    [(0.5,), (0.9,), (0.2,)],
    hints=[
        "Inside the function derive a class from keras.losses.Loss and give it call(self, y_true, y_pred).",
        "With miss = y_true - y_pred the price is the larger of q * miss and (q - 1) * miss.",
        "keras.ops.maximum takes the larger of two arrays, place by place. Return an object of the class.",
    ],
    mistakes=[
        (_turned, "The two prices are exchanged: q is for forecasts that were too low, y above the forecast."),
        (_distance, "This is the plain distance; the price must depend on q and on the side of the miss."),
        (_too_low_only, "Forecasts that were too high cost nothing; they should cost 1 - q a unit."),
        (_without_sign, "A forecast that was too high has a negative miss; turn its sign, so that it costs something."),
    ],
    probe=_costs,
    tolerance=1e-5,
)
