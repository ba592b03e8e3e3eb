"""Exercises of chapter 13, recurrent networks for text."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["half_life", "lstm_parameters", "read_sequence"]

_random = np.random.default_rng(13)


def _read_sequence(x, kernel, recurrent_kernel, bias):
    h = np.zeros(len(recurrent_kernel))
    for step in x:
        h = np.tanh(step @ kernel + h @ recurrent_kernel + bias)
    return h


def _weights(features, units):
    return tuple(_random.normal(size=shape) for shape in ((features, units), (units, units), units))


def _without_memory(x, kernel, recurrent_kernel, bias):
    return np.tanh(x[-1] @ kernel + bias)


read_sequence = Exercise(
    "ch13.read_sequence",
    _read_sequence,
    [
        (np.array([[1.0], [0.5]]), np.array([[1.0]]), np.array([[-2.0]]), np.array([0.5])),
        (_random.normal(size=(1, 3)), *_weights(3, 2)),
        (_random.normal(size=(7, 2)), *_weights(2, 4)),
        (_random.normal(size=(5, 4)), *_weights(4, 4)),
    ],
    hints=[
        "Start with a state of zeros, one for each unit: len(recurrent_kernel) of them.",
        "Loop over the rows of x: each turn replaces the state h by tanh(row @ kernel + h @ recurrent_kernel + bias).",
        "for row in x: h = np.tanh(row @ kernel + h @ recurrent_kernel + bias). Return h after the loop.",
    ],
    mistakes=[
        (_without_memory, "Your answer knows the last step only: add the old state times recurrent_kernel."),
        (
            lambda x, kernel, recurrent_kernel, bias: _read_sequence(x[::-1], kernel, recurrent_kernel, bias),
            "You read from the end to the start; begin with x[0].",
        ),
        (
            lambda x, kernel, recurrent_kernel, bias: _read_sequence(x, kernel, recurrent_kernel.T, bias),
            "The state multiplies the recurrent kernel from the left: h @ recurrent_kernel, not its transpose.",
        ),
        (
            lambda x, kernel, recurrent_kernel, bias: scratch.recurrent_outputs(
                scratch.simple_rnn_step, x[np.newaxis], (kernel, recurrent_kernel, bias)
            )[0],
            "These are the states after every step; return the last one only, of shape (units,).",
        ),
    ],
)


half_life = Question(
    "ch13.half_life",
    7,
    why="0.9⁶ = 0.531 and 0.9⁷ = 0.478: after seven steps less than half is left.",
    hints=["After k steps 0.9 to the power of k is left.", "0.9, 0.81, 0.729, … go on until you are below 0.5."],
    mistakes={
        6: "0.9⁶ = 0.531 is still more than half.",
        5: "The memory loses a tenth of what is left, not a tenth of what it was.",
        10: "That is the time constant 1/(1 - 0.9), at which about a third is left.",
    },
)

lstm_parameters = Question(
    "ch13.lstm_parameters",
    1600,
    why="4 · ((8 + 16) · 16 + 16): four blocks, each with a kernel, a recurrent kernel and a bias.",
    hints=[
        "A SimpleRNN would have 8 · 16 + 16 · 16 + 16 numbers. What are they?",
        "An LSTM has four such blocks: three gates and the candidate.",
    ],
    mistakes={
        400: "That is one block, a SimpleRNN. An LSTM has four.",
        1200: "Three gates, yes, but the candidate needs weights too.",
        1536: "Each block also has a bias for every unit.",
        512: "Every block also reads the state: 16 · 16 more weights.",
    },
)
