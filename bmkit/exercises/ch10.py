"""Exercises of chapter 10, training, validation, testing."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["cosine_rate", "epochs_left", "interval", "questions", "stop_at"]


def _stop_at(target):
    class StopAt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if logs["val_accuracy"] >= target:
                self.model.stop_training = True

    return StopAt()


def _stop_by_training(target):
    class ByTraining(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if logs["accuracy"] >= target:
                self.model.stop_training = True

    return ByTraining()


def _stop_above(target):
    class Above(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if logs["val_accuracy"] > target:
                self.model.stop_training = True

    return Above()


def _stop_below(target):
    class Below(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if logs["val_accuracy"] < target:
                self.model.stop_training = True

    return Below()


def _stop_in_vain(target):
    class InVain(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if logs["val_accuracy"] >= target:
                self.stop_training = True

    return InVain()


def _stops(callback) -> np.ndarray:
    """Tell a callback of five epochs: after which of them does it stop the training?"""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    callback.set_params({"epochs": 5})
    callback.set_model(model)
    callback.on_train_begin()
    stopped = []
    for epoch, (known, unseen) in enumerate([(0.6, 0.3), (0.95, 0.5), (0.97, 0.75), (0.98, 0.7), (0.99, 0.9)]):
        model.stop_training = False
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_end(0, {"accuracy": known, "loss": 0.5})
        callback.on_epoch_end(epoch, {"accuracy": known, "val_accuracy": unseen, "loss": 0.5, "val_loss": 0.6})
        stopped.append(bool(model.stop_training))
    return np.array(stopped)


cosine_rate = Exercise(
    "ch10.cosine_rate",
    scratch.cosine_decay,
    [(0, 100, 0.05), (50, 100, 0.05), (25, 100, 1.0), (100, 100, 0.05), (17, 204, 0.01), (120, 100, 0.05)],
    hints=[
        "np.cos(np.pi * step / total) runs from 1 to -1. What must you add, and what divide by, to run from 1 to 0?",
        "start * 0.5 * (1 + np.cos(np.pi * step / total)) is right for every step up to total.",
        "A cosine rises again after total; min(step, total) stops the clock there.",
    ],
    mistakes=[
        (
            lambda step, total, start: start * 0.5 * (1 + np.cos(np.pi * step / total)),
            "Right up to total, but after it the cosine rises again; the rate must stay at 0.",
        ),
        (
            lambda step, total, start: start * np.cos(np.pi * min(step, total) / total),
            "A cosine runs from 1 to -1, and a negative rate climbs uphill: lift it by 1, then halve it.",
        ),
        (
            lambda step, total, start: start * (1 + np.cos(np.pi * min(step, total) / total)),
            "This starts at twice the first rate: half of 1 + cos is needed.",
        ),
        (
            lambda step, total, start: start * max(0.0, 1 - step / total),
            "This is a straight line down to zero, a schedule too, but not the cosine.",
        ),
        (
            lambda step, total, start: start * 0.5 * (1 + np.cos(min(step, total) / total)),
            "np.cos takes radians: half a turn is np.pi, so multiply the share of the way by np.pi.",
        ),
    ],
)

epochs_left = Question(
    "ch10.epochs_left",
    7,
    why="Five epochs were finished and saved; the sixth is lost and done again: 6, 7, … 12 are seven epochs.",
    hints=[
        "What was saved when the process died: the epochs that were finished, or the step it was at?",
        "Epochs 1 to 5 are safe. Count from 6 to 12, both included.",
    ],
    mistakes={
        6: "The sixth epoch was not finished, so nothing of it was saved: it is done again.",
        12: "That would be starting over; the five finished epochs are kept.",
        6.5: "Saving happens at the end of an epoch; half an epoch is lost.",
    },
)

interval = Exercise(
    "ch10.interval",
    scratch.wilson_interval,
    [(95, 100), (0, 4), (1, 1), (180, 360), (342, 360), (0, 1000)],
    hints=[
        "First the measured share, p = right / n, and the divisor 1 + z**2 / n with z = 1.96.",
        "The middle is (p + z**2 / (2 * n)) / divisor.",
        "The half-width is z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / divisor.",
    ],
    mistakes=[
        (
            lambda right, n: (
                right / n - 1.96 * np.sqrt(right / n * (1 - right / n) / n),
                right / n + 1.96 * np.sqrt(right / n * (1 - right / n) / n),
            ),
            "This is the simple interval, p ± 1.96 standard errors. With no error at all its width is zero.",
        ),
        (
            lambda right, n: tuple(end * (1 + 1.96**2 / n) for end in scratch.wilson_interval(right, n)),
            "Both the middle and the half-width are divided by 1 + z²/n.",
        ),
        (
            lambda right, n: scratch.wilson_interval(right, n, 1.0),
            "z is 1.96 for 95 %; with 1 the interval holds the truth only two times in three.",
        ),
        (
            lambda right, n: scratch.wilson_interval(right, n)[::-1],
            "The lower end comes first.",
        ),
    ],
    tolerance=1e-4,
)

questions = Question(
    "ch10.questions",
    1825,
    why="1.96 · √(0.95 · 0.05 / n) = 0.01 gives n = 1.96² · 0.0475 / 0.0001 = 1,825.",
    hints=[
        "For that many questions the half-width is almost z · √(p(1-p)/n), with z = 1.96 and p = 0.95.",
        "Set it equal to 0.01, square both sides and solve for n.",
    ],
    mistakes={
        18: "n stands under a root: 0.01 must be squared too, which makes 0.0001; divide by that.",
        475: "That is one standard error, which holds two times in three; for 95 % use 1.96 of them.",
        9604: "That would be for p = 0.5, the worst case: then p(1-p) is 0.25 instead of 0.0475.",
        456: "That gives ±2 points, or a whole width of 4; a margin of ±1 is asked for.",
    },
    tolerance=0.02,
)

stop_at = Exercise(
    "ch10.stop_at",
    _stop_at,
    [(0.75,), (0.5,), (0.85,), (0.99,)],
    hints=[
        "Inside the function write a class derived from keras.callbacks.Callback, and return an object of it.",
        "Validation is over when Keras calls on_epoch_end(self, epoch, logs=None); logs is a dictionary of the values.",
        'If logs["val_accuracy"] >= target, set self.model.stop_training = True.',
    ],
    mistakes=[
        (_stop_by_training, "You looked at the training accuracy; the dictionary calls the other one val_accuracy."),
        (_stop_above, "An accuracy equal to the target is good enough: >=."),
        (_stop_below, "This stops while the network is still too bad; turn the comparison round."),
        (_stop_in_vain, "The attribute belongs to the model: self.model.stop_training = True."),
    ],
    probe=_stops,
)
