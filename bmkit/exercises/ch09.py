"""Exercises of chapter 09, model building and initialization."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["glorot_limit", "shortcut", "twins", "with_adam"]


def _shortcut(inputs, units, outputs):
    x = keras.Input((inputs,))
    first = keras.layers.Dense(units, activation="relu")(x)
    second = keras.layers.Dense(units, activation="relu")(first)
    both = keras.layers.Add()([first, second])
    return keras.Model(x, keras.layers.Dense(outputs)(both))


def _linear(inputs, units, outputs):
    x = keras.Input((inputs,))
    first = keras.layers.Dense(units)(x)
    both = keras.layers.Add()([first, keras.layers.Dense(units)(first)])
    return keras.Model(x, keras.layers.Dense(outputs)(both))


def _relu_after_sum(inputs, units, outputs):
    x = keras.Input((inputs,))
    first = keras.layers.Dense(units, activation="relu")(x)
    both = keras.layers.Add()([first, keras.layers.Dense(units)(first)])
    return keras.Model(x, keras.layers.Dense(outputs)(keras.layers.ReLU()(both)))


def _parallel(inputs, units, outputs):
    x = keras.Input((inputs,))
    first = keras.layers.Dense(units, activation="relu")(x)
    both = keras.layers.Add()([first, keras.layers.Dense(units, activation="relu")(x)])
    return keras.Model(x, keras.layers.Dense(outputs)(both))


def _without(inputs, units, outputs):
    x = keras.Input((inputs,))
    first = keras.layers.Dense(units, activation="relu")(x)
    second = keras.layers.Dense(units, activation="relu")(first)
    return keras.Model(x, keras.layers.Dense(outputs)(second))


def _side_by_side(inputs, units, outputs):
    x = keras.Input((inputs,))
    first = keras.layers.Dense(units, activation="relu")(x)
    second = keras.layers.Dense(units, activation="relu")(first)
    return keras.Model(x, keras.layers.Dense(outputs)(keras.layers.Concatenate()([first, second])))


def _softmax(inputs, units, outputs):
    return keras.Sequential([_shortcut(inputs, units, outputs), keras.layers.Softmax()])


def _answers(model) -> np.ndarray:
    """Give a model fixed weights, and two examples: what it answers tells how it is built."""
    if not isinstance(model, keras.Model):
        raise TypeError("a model is asked for: return keras.Model(x, logits)")
    if not hasattr(model, "input_shape"):
        raise TypeError("a functional model is asked for, which begins with keras.Input")
    random = np.random.default_rng(9)
    model.set_weights([random.normal(size=weight.shape) for weight in model.weights])
    return keras.ops.convert_to_numpy(model(random.normal(size=(2, *model.input_shape[1:])).astype("float32")))


shortcut = Exercise(
    "ch09.shortcut",
    _shortcut,
    [(4, 3, 2), (5, 5, 4), (2, 8, 3)],
    hints=[
        "Every layer is a function: first = keras.layers.Dense(units, activation='relu')(x).",
        "Keep both results and join them: keras.layers.Add()([first, second]).",
        "The last layer takes the sum and has no activation; keras.Model(x, logits) makes the model.",
    ],
    mistakes=[
        (_linear, "Both hidden layers need activation='relu'."),
        (_relu_after_sum, "ReLU belongs to each layer, before the two are added."),
        (_parallel, "The second layer must read the first one's output, not the inputs."),
        (_without, "The second layer's output goes on alone; add the first one's to it."),
        (_side_by_side, "You put the two side by side; add them, so that the width stays the same."),
        (_softmax, "The model should end in logits: leave the softmax to the loss."),
    ],
    probe=_answers,
    tolerance=1e-4,
)

twins = Question(
    "ch09.twins",
    1,
    why="Equal neurons get equal gradients, so only rounding could part them: eight copies of one neuron.",
    hints=[
        "Two neurons with the same weights, in and out, see the same inputs. Can they answer differently?",
        "If they are equal before a step and move by the same amount, what are they after it?",
    ],
    mistakes={
        8: "What could make two of them different? They start equal, see the same inputs and get the same gradients.",
        10: "There are ten outputs; the question is about the hidden neurons.",
        0: "They do learn something; the question is how many different things.",
    },
)

glorot_limit = Exercise(
    "ch09.glorot_limit",
    scratch.glorot_uniform_limit,
    [(100, 50), (3, 3), (784, 10)],
    hints=[
        "Numbers spread evenly over [-a, a] have the variance a² / 3.",
        "Glorot asks for the variance 2 / (fan_in + fan_out). Set the two equal and solve for a.",
        "np.sqrt(6 / (fan_in + fan_out))",
    ],
    mistakes=[
        (
            lambda fan_in, fan_out: np.sqrt(2 / (fan_in + fan_out)),
            "This is the standard deviation; the limit is √3 times as large.",
        ),
        (lambda fan_in, fan_out: 6 / (fan_in + fan_out), "This is a²; take the root."),
        (lambda fan_in, fan_out: np.sqrt(6 / fan_in), "Glorot balances both directions: fan_in + fan_out."),
        (lambda fan_in, fan_out: np.sqrt(3 / (fan_in + fan_out)), "The variance asked for is 2 / (fan_in + fan_out)."),
    ],
)

with_adam = Question(
    "ch09.with_adam",
    "yes",
    why="About nine of ten. Perhaps a gradient made small does no harm, as Adam divides it by its own size. So the "
    "rule for plain networks is one for SGD.",
    hints=[
        'One line: after_six_epochs(compiled(deep_network("glorot_uniform"), keras.optimizers.Adam(0.001)))',
        "Run that line in a new cell and compare the number with 0.7.",
    ],
    mistakes={
        "no": "So it was with SGD at 0.01. Run it with Adam: the number decides, not the theory.",
    },
)
