"""Exercises of chapter 02, deep learning."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["dense_backward", "dense_layer", "layers_until", "sigmoid_factor", "slope_of_w", "used_twice"]

_random = np.random.default_rng(2)


def _dense_layer(units):
    class DenseLayer(keras.layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], units), initializer="glorot_uniform")
            self.bias = self.add_weight(shape=(units,), initializer="zeros")

        def call(self, inputs):
            return keras.ops.relu(inputs @ self.kernel + self.bias)

    return DenseLayer()


def _without_relu(units):
    return keras.layers.Dense(units)


def _without_bias(units):
    class WithoutBias(keras.layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], units))

        def call(self, inputs):
            return keras.ops.relu(inputs @ self.kernel)

    return WithoutBias()


def _bias_after_relu(units):
    class BiasAfter(keras.layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], units))
            self.bias = self.add_weight(shape=(units,))

        def call(self, inputs):
            return keras.ops.relu(inputs @ self.kernel) + self.bias

    return BiasAfter()


def _frozen(units):
    class Frozen(keras.layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], units), trainable=False)
            self.bias = self.add_weight(shape=(units,), trainable=False)

        def call(self, inputs):
            return keras.ops.relu(inputs @ self.kernel + self.bias)

    return Frozen()


def _outputs(layer) -> tuple:
    """Give a layer fixed weights and four examples: its output, and how many weights it would train."""
    random = np.random.default_rng(22)
    x = keras.ops.convert_to_tensor(random.normal(size=(4, 3)), "float32")
    layer(x)  # the first call builds it
    layer.set_weights([random.normal(size=weight.shape) for weight in layer.weights])
    return len(layer.trainable_weights), keras.ops.convert_to_numpy(layer(x))


slope_of_w = Question(
    "ch02.slope_of_w",
    -12.0,
    why="Forward: 3, 3, −2, 4. Back: 2e = −4 arrives at the product, and times x = 3 that is −12.",
    hints=[
        "Go forward first: what are w·x, w·x + b, and e? Then L = e².",
        "Back: the derivative of L with respect to e is 2e. Both sums pass it on; the product multiplies it by x.",
    ],
    mistakes={
        12: "The size is right, but e = 3 − 5 is negative: more w lowers the loss.",
        -4: "That is the gradient at the product; one step further back it is multiplied by x.",
        -6: "The derivative of e² is 2e, not e.",
        4: "That is the loss itself; the question is how it changes with w.",
    },
)

used_twice = Question(
    "ch02.used_twice",
    7.0,
    why="Three arrows leave a: two into the product, factor 3 each, one into the sum, factor 1. 3 + 3 + 1 = 7.",
    hints=[
        "Count the arrows that leave a. Each is a path to L, and the derivatives along all paths add up.",
        "Or by school rules: the derivative of a² + a is 2a + 1.",
    ],
    mistakes={
        6: "You counted the two paths through the product; a goes into the sum as well.",
        4: "a enters the product twice, so that path counts twice.",
        1: "That is the path through the sum alone.",
        9: "Derivatives along one path multiply, but the paths themselves add up.",
        12: "12 is L itself; the question is for its derivative.",
    },
)

dense_backward = Exercise(
    "ch02.dense_backward",
    scratch.dense_backward,
    [
        (np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([[10.0]])),
        (np.eye(2), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])),
        (_random.normal(size=(5, 3)), _random.normal(size=(3, 3)), _random.normal(size=(5, 3))),
    ],
    hints=[
        "Let the shapes guide you. x is (n, inputs), G is (n, units); which product of them has the shape of W?",
        "∂L/∂W = xᵀ G and ∂L/∂x = G Wᵀ. The bias is added to every row, so its gradient is a sum over the rows.",
        "`return slope @ weights.T, x.T @ slope, slope.sum(axis=0)`",
    ],
    mistakes=[
        (
            lambda x, w, g: (g @ w.T, x.T @ g, g.mean(axis=0)),
            "The bias takes part in every row: add its gradients up. The factor 1/n is already in them.",
        ),
        (
            lambda x, w, g: (g @ w.T, x.T @ g / len(x), g.sum(axis=0) / len(x)),
            "Do not divide by n: the loss is a mean already, and its gradient has the factor 1/n in it.",
        ),
        (
            lambda x, w, g: (g @ w.T, x.T @ g, g),
            "The gradient of the bias has one number for each unit: add up over the rows.",
        ),
        (
            lambda x, w, g: (x.T @ g, g @ w.T, g.sum(axis=0)),
            "All three are right, but in another order: first the input, then the weights, then the bias.",
        ),
        (lambda x, w, g: (g @ w.T, x.T @ g), "The gradient of the bias is missing."),
    ],
)

layers_until = Question(
    "ch02.layers_until",
    5,
    why="(1/4)⁵ = 1/1024, just below a thousandth; (1/4)⁴ = 1/256 is not.",
    hints=["One layer leaves 1/4, two leave 1/16. Go on.", "Which power of 4 is the first above 1,000?"],
    mistakes={
        4: "(1/4)⁴ = 1/256 is still above a thousandth.",
        250: "The factors multiply; they are not subtracted.",
        10: "That is right for a factor of 1/2: 2¹⁰ = 1024.",
        3: "(1/4)³ = 1/64 is still far above a thousandth.",
    },
)

dense_layer = Exercise(
    "ch02.dense_layer",
    _dense_layer,
    [(2,), (3,), (5,)],
    hints=[
        "Start from the class Scale above: two calls of self.add_weight in build, one line in call.",
        "The kernel has the shape (input_shape[-1], units), the bias (units,); make the kernel first.",
        "call gives keras.ops.relu of inputs @ self.kernel + self.bias; at the end return an object, DenseLayer().",
    ],
    mistakes=[
        (_without_relu, "The layer is linear: take the larger of 0 and XW + b, with keras.ops.relu."),
        (_without_bias, "The bias is missing: a second weight of shape (units,), added before ReLU."),
        (_bias_after_relu, "The bias belongs inside: add it first, then apply ReLU."),
        (_frozen, "The weights are right but would never be trained: leave out trainable=False."),
    ],
    probe=_outputs,
    tolerance=1e-4,
)

sigmoid_factor = Question(
    "ch02.sigmoid_factor",
    0.645,
    why="Not 4 times 0.24, which is nearly 1: larger sums push the sigmoids to their flat ends, where σ(1 - σ) is far "
    "below a quarter. At gain 4 the gradient still vanishes; only at about 10 it keeps its size.",
    hints=[
        "size = gradient_sizes(4, 'sigmoid') holds twenty numbers; the gradient walks from the last to the first.",
        "The factor per layer is the nineteenth root of the whole change: (size[0] / size[-1]) ** (1 / 19).",
    ],
    mistakes={
        0.24: "That is the sigmoid with gain 1; pass 4 as the gain.",
        0.95: "That is 4 times the old factor. Measure it: σ(1 - σ) changes as well.",
        1.59: "You divided the last size by the first; the gradient goes from the last layer to the first.",
        2.83: "4/√2 is the rule for ReLU; give gradient_sizes the kind 'sigmoid'.",
    },
    tolerance=0.03,
)
