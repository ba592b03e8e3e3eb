"""The formulas of `bmkit.scratch.recurrent`: worked by hand, held against Keras, their promises and their errors."""

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(4, 6, 3))
H, C = RANDOM.normal(size=(2, 4, 5))
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0], [0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0]])
ONE, ZERO = np.ones((1, 1)), np.zeros((1, 1))
HALF = 0.46211715726000973  # tanh(1/2)

STEPS = {"simple_rnn_step": "SimpleRNN", "lstm_step": "LSTM", "gru_step": "GRU"}
GATES = {"simple_rnn_step": 1, "lstm_step": 4, "gru_step": 3}


def weights(name, features=3, units=5):
    """Random weights of a cell, laid out as Keras lays them out."""
    random, width = np.random.default_rng(7), GATES[name] * units
    bias = (2, width) if name == "gru_step" else (width,)
    return [random.normal(scale=0.6, size=size) for size in ((features, width), (units, width), bias)]


# name, arguments, what comes out, worked by hand
HAND = [
    ("simple_rnn_step", (ONE, 2 * ONE, ONE, -0.25 * ONE), [[HALF]]),
    ("simple_rnn_step", (ONE, 9 * ONE, ZERO, ZERO, np.array([0.5])), [[HALF]]),
    # Every gate σ(0) = 1/2: half of the memory 1 is kept, nothing is written, half of tanh(1/2) is told.
    ("lstm_step", (ONE, (ONE, ONE), np.zeros((1, 4)), np.zeros((1, 4))), ([[HALF / 2]], [[0.5]])),
    # Gates driven shut and open by the bias: input open, forget shut, candidate tanh(1/2), output open.
    (
        "lstm_step",
        (ONE, (ONE, 9 * ONE), np.zeros((1, 4)), np.zeros((1, 4)), np.array([99.0, -99.0, 0.5, 99.0])),
        ([[np.tanh(HALF)]], [[HALF]]),
    ),
    ("gru_step", (ONE, 4 * ONE, np.zeros((1, 3)), np.zeros((1, 3))), [[2.0]]),
    # z shut, r shut: only the input's candidate counts, although the state's is 8.
    (
        "gru_step",
        (ONE, 4 * ONE, np.array([[-99.0, -99.0, 0.5]]), np.array([[0.0, 0.0, 2.0]])),
        [[HALF]],
    ),
    (
        "recurrent_outputs",
        (scratch.gru_step, np.ones((1, 2, 1)), (np.array([[0.0, 0.0, 99.0]]), np.zeros((1, 3)), 0.0)),
        [[[0.5], [0.75]]],
    ),
    ("recurrent_outputs", (scratch.simple_rnn_step, np.ones((2, 0, 1)), (ONE, ONE, 0.0)), np.zeros((2, 0, 1))),
    ("lstm_multiply_adds", (1, 3, 2), 4 * (3 * 2 + 2 * 2)),
    ("lstm_multiply_adds", (0, 3, 2), 0),
]


def cell(name, x, state, kernel, recurrent_kernel, bias):
    """Let Keras's own cell take one step."""
    layer = getattr(keras.layers, f"{STEPS[name]}Cell")(5)
    layer.build((None, 3))
    layer.set_weights([kernel, recurrent_kernel, bias])
    state = [np.float32(part) for part in state] if name == "lstm_step" else [np.float32(state)]
    return [keras.ops.convert_to_numpy(part) for part in layer(np.float32(x), state)[1]]


def whole(step, x, weights, mask=None):
    """Let Keras's own layer run over the sequence."""
    layer = getattr(keras.layers, STEPS[step.__name__])(5, return_sequences=True)
    layer.build((None, None, 3))
    layer.set_weights(weights)
    mask = None if mask is None else keras.ops.convert_to_tensor(mask.astype(bool))
    return keras.ops.convert_to_numpy(layer(np.float32(x), mask=mask))


ERRORS = [
    ("simple_rnn_step", (X[:, 0], H, *weights("simple_rnn_step", features=2)[:2]), "do not fit 3 features"),
    ("lstm_step", (X[:, 0], (H, C), *weights("gru_step")[:2]), "(3, 4·5)"),
    ("gru_step", (X[:, 0], H, *weights("lstm_step")[:2]), "(3, 3·5)"),
    ("recurrent_outputs", (scratch.lstm_step, X, weights("lstm_step"), MASK[:, :5]), "one entry of the mask"),
    ("recurrent_outputs", (scratch.lstm_step, X[0], weights("lstm_step")), "expected (n, time, features)"),
    ("lstm_multiply_adds", (-1, 2, 3), "none may be negative"),
]


@pytest.mark.parametrize("name", STEPS)
def test_one_step_is_that_of_keras(name):
    state = (H, C) if name == "lstm_step" else H
    result = getattr(scratch, name)(X[:, 0], state, *weights(name))
    expected = cell(name, X[:, 0], state, *weights(name))
    np.testing.assert_allclose(result if name == "lstm_step" else [result], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", [None, MASK], ids=["all real", "masked"])
@pytest.mark.parametrize("name", STEPS)
def test_a_whole_sequence_is_that_of_keras(name, mask):
    step = getattr(scratch, name)
    result = scratch.recurrent_outputs(step, X, weights(name), mask)
    expected = whole(step, X, weights(name), mask)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_filling_leaves_the_state_as_it_was(name):
    step = getattr(scratch, name)
    outputs = scratch.recurrent_outputs(step, X, weights(name), MASK)
    np.testing.assert_array_equal(outputs[1, 1:], np.repeat(outputs[1, 1:2], 5, axis=0))
    assert not outputs[3].any()
    short = scratch.recurrent_outputs(step, X[2:3, [1, 3, 4]], weights(name))  # the same without the filling
    np.testing.assert_allclose(outputs[2, -1], short[0, -1])


@pytest.mark.parametrize("name", STEPS)
def test_a_state_never_leaves_minus_one_to_one(name):
    outputs = scratch.recurrent_outputs(getattr(scratch, name), 50 * X, weights(name))
    assert abs(outputs).max() <= 1


def test_an_open_forget_gate_keeps_a_memory_over_a_thousand_steps():
    bias = np.array([-99.0, 99.0, 0.0, 99.0])  # write nothing, forget nothing, tell all
    state = (np.zeros((1, 1)), np.array([[0.7]]))
    for _ in range(1000):
        state = scratch.lstm_step(ONE, state, np.ones((1, 4)), np.ones((1, 4)), bias)
    assert state[1][0, 0] == pytest.approx(0.7)


def test_the_count_is_that_of_the_matrix_products_and_grows_with_the_length():
    kernel, recurrent_kernel, _ = weights("lstm_step")
    assert scratch.lstm_multiply_adds(1, 3, 5) == kernel.size + recurrent_kernel.size
    counts = [scratch.lstm_multiply_adds(length, 16, 32) for length in (64, 128, 256)]
    assert counts[1] == 2 * counts[0] and counts[2] == 4 * counts[0]
