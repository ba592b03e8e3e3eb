"""Exercises of chapter 13, recurrent networks for text."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["deep_reader", "half_life", "lstm_parameters", "patient_lstm", "reach", "read_sequence"]

_random = np.random.default_rng(13)


def _read_sequence(x, kernel, recurrent_kernel, bias):
    h = np.zeros(len(recurrent_kernel))
    for step in x:
        h = np.tanh(step @ kernel + h @ recurrent_kernel + bias)
    return h


def _weights(features, units):
    return tuple(_random.normal(size=shape) for shape in ((features, units), (units, units), units))


def _without_tanh(x, kernel, recurrent_kernel, bias):
    h = np.zeros(len(recurrent_kernel))
    for step in x:
        h = step @ kernel + h @ recurrent_kernel + bias
    return h


def _bias_outside(x, kernel, recurrent_kernel, bias):
    h = np.zeros(len(recurrent_kernel))
    for step in x:
        h = np.tanh(step @ kernel + h @ recurrent_kernel) + bias
    return h


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
        (_without_tanh, "The tanh is missing: the state must stay between -1 and 1."),
        (_bias_outside, "The bias belongs inside the tanh, with the two products."),
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


def _stack(*layers):
    return keras.Sequential([keras.Input((None,), dtype="int32"), *layers])


def _deep_reader(vocabulary, width, units):
    layers = [
        keras.layers.Embedding(vocabulary, width, mask_zero=True),
        keras.layers.SimpleRNN(units, return_sequences=True),
        keras.layers.SimpleRNN(units),
        keras.layers.Dense(1),
    ]
    return keras.Sequential([keras.Input((None,), dtype="int32"), *layers])


def _without_mask(vocabulary, width, units):
    layer = keras.layers.SimpleRNN
    first, second = layer(units, return_sequences=True), layer(units)
    return _stack(keras.layers.Embedding(vocabulary, width), first, second, keras.layers.Dense(1))


def _shallow(vocabulary, width, units):
    embedding = keras.layers.Embedding(vocabulary, width, mask_zero=True)
    return _stack(embedding, keras.layers.SimpleRNN(units), keras.layers.Dense(1))


def _every_state(vocabulary, width, units):
    embedding, layer = keras.layers.Embedding(vocabulary, width, mask_zero=True), keras.layers.SimpleRNN
    first, second = layer(units, return_sequences=True), layer(units, return_sequences=True)
    return _stack(embedding, first, second, keras.layers.Dense(1))


def _probability(vocabulary, width, units):
    return keras.Sequential([_deep_reader(vocabulary, width, units), keras.layers.Activation("sigmoid")])


def _read(model) -> np.ndarray:
    """Give a reader fixed weights, and padded sentences: what it answers tells how it is built."""
    random = np.random.default_rng(13)
    tokens = np.array([[1, 2, 3, 0, 0], [3, 2, 1, 0, 0], [2, 1, 3, 2, 1], [1, 0, 0, 0, 0]])
    model(tokens)  # the first call builds it
    model.set_weights([random.normal(size=weight.shape) for weight in model.weights])
    return keras.ops.convert_to_numpy(model(tokens))


deep_reader = Exercise(
    "ch13.deep_reader",
    _deep_reader,
    [(5, 3, 2), (4, 2, 4), (9, 5, 3)],
    hints=[
        "Start from the network above: which of its lines must stand there twice?",
        "The second recurrent layer reads sequences: the first must return all its states, return_sequences=True.",
        "Embedding with mask_zero=True, SimpleRNN(units, return_sequences=True), SimpleRNN(units), Dense(1).",
    ],
    mistakes=[
        (_without_mask, "Padding changes the answer: the embedding must make a mask of token 0, mask_zero=True."),
        (_shallow, "There is one recurrent layer; a second one should read the states of the first."),
        (_every_state, "This answers after every word; the last recurrent layer should return its last state only."),
        (_probability, "The model should end in a logit: leave the sigmoid to the loss."),
    ],
    probe=_read,
    tolerance=1e-4,
)


def _patient_lstm(units, features, value):
    layer = keras.layers.LSTM(units)
    layer.build((None, None, features))
    kernel, recurrent_kernel, bias = layer.get_weights()
    bias[units : 2 * units] = value  # Keras' order: input gate, forget gate, candidate, output gate
    layer.set_weights([kernel, recurrent_kernel, bias])
    return layer


def _with_block(block: int):
    def set_bias(units, features, value):
        layer = keras.layers.LSTM(units)
        layer.build((None, None, features))
        kernel, recurrent_kernel, bias = layer.get_weights()
        bias[block * units : (block + 1) * units] = value
        layer.set_weights([kernel, recurrent_kernel, bias])
        return layer

    return set_bias


def _not_given_back(units, features, value):
    layer = keras.layers.LSTM(units)
    layer.build((None, None, features))
    return layer


def _everywhere(units, features, value):
    layer = _patient_lstm(units, features, value)
    kernel, recurrent_kernel, bias = layer.get_weights()
    layer.set_weights([kernel, recurrent_kernel, np.full_like(bias, value)])
    return layer


def _added(units, features, value):
    return _patient_lstm(units, features, value + 1)


def _remembered(layer) -> np.ndarray:
    """Give a layer fixed kernels but its own bias, and a memory: what becomes of it shows where the gates stand."""
    random = np.random.default_rng(13)
    kernel, recurrent_kernel, bias = layer.get_weights()
    layer.set_weights([random.normal(size=kernel.shape), random.normal(size=recurrent_kernel.shape), bias])
    steps = random.normal(size=(4, 2, len(kernel)))
    states = [random.normal(size=(4, len(recurrent_kernel))) for _ in range(2)]  # h and c
    steps, *states = [keras.ops.convert_to_tensor(one, "float32") for one in (steps, *states)]
    return keras.ops.convert_to_numpy(layer(steps, initial_state=states))


patient_lstm = Exercise(
    "ch13.patient_lstm",
    _patient_lstm,
    [(2, 3, 4.6), (4, 1, 0.0), (3, 5, -2.0)],
    hints=[
        "Which block of the bias is the forget gate's? The formula has the order of Keras: z_i, z_f, z_g, z_o.",
        "get_weights returns copies. What must become of a changed copy?",
        "bias[units : 2 * units] = value, and then layer.set_weights([kernel, recurrent_kernel, bias]).",
    ],
    mistakes=[
        (_not_given_back, "The layer never heard of the new bias: give it back with layer.set_weights."),
        (_with_block(0), "This is the block of the input gate, which stands first; the forget gate's is the second."),
        (_with_block(2), "This is the block of the candidate, the third; the forget gate's is the second."),
        (_with_block(3), "This is the block of the output gate, the last; the forget gate's is the second."),
        (_everywhere, "All four blocks have the value now; only the forget gate's should."),
        (_added, "Keras' own bias of 1 is still in it: set the block to value, do not add."),
    ],
    probe=_remembered,
    tolerance=1e-5,
)

reach = Question(
    "ch13.reach",
    65,
    why="Keras starts from random weights, so 55 to 75 is right. 0.9 to the power of 65 is 0.001: some of the gradient "
    "takes the way through h.",
    hints=[
        "Take get_weights() of that layer; then through_time(lstm_step, weights, symbols, units=32).",
        "found = np.array([np.linalg.norm(product, 2) for product in products]), and look for the first below 0.01.",
        "np.argmax(found < 0.01) gives the place of the first True, and place 0 is distance 1.",
    ],
    mistakes={
        44: "0.9 to the power of 44 is 0.01, but that is the path through the memory alone: measure.",
        32: "Here the norm is below 0.1; go on until it is below 0.01.",
        100: "At 100 it has been small for long: look for the first distance at which it is below 0.01.",
        1: "The norm is near 1 at distance 1: look whether your list is in the order of the distances.",
    },
    tolerance=0.16,
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
