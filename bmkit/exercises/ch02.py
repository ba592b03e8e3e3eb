"""Exercises of chapter 02, deep learning."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["dense_backward", "layers_until", "slope_of_w", "used_twice"]

_random = np.random.default_rng(2)

slope_of_w = Question(
    "ch02.slope_of_w",
    -12.0,
    why="Forward: 3, 3, −2, 4. Back: 2e = −4 arrives at the product, and times x = 3 that is −12.",
    hints=[
        "Go forward first: what are w·x, w·x + b, and e? Then L = e².",
        "Back: the slope of L for e is 2e. It passes the two sums unchanged. The product multiplies it by x.",
    ],
    mistakes={
        12: "The size is right, but e = 3 − 5 is negative: more w lowers the loss.",
        -4: "That is the slope at the product; one step further back it is multiplied by x.",
        -6: "The slope of e² is 2e, not e.",
        4: "That is the loss itself; the question is how it changes with w.",
    },
)

used_twice = Question(
    "ch02.used_twice",
    7.0,
    why="Three arrows leave a: two into the product with slope 3 each, one into the sum with slope 1. 3 + 3 + 1 = 7.",
    hints=[
        "Count the arrows that leave a. Each is a path to L, and the slopes of all paths add up.",
        "Or by school rules: the derivative of a² + a is 2a + 1.",
    ],
    mistakes={
        6: "You counted the two paths through the product; a goes into the sum as well.",
        4: "a enters the product twice, so that path counts twice.",
        1: "That is the path through the sum alone.",
        9: "Slopes along one path multiply, but the paths themselves add up.",
        12: "12 is L itself; the question is for its slope.",
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
        "∂L/∂W = xᵀ G and ∂L/∂x = G Wᵀ. The bias is added to every row, so its slopes add up over the rows.",
        "return slope @ weights.T, x.T @ slope, slope.sum(axis=0)",
    ],
    mistakes=[
        (
            lambda x, w, g: (g @ w.T, x.T @ g, g.mean(axis=0)),
            "The bias takes part in every row: its slopes add up. The factor 1/n is already in them.",
        ),
        (
            lambda x, w, g: (g @ w.T, x.T @ g / len(x), g.sum(axis=0) / len(x)),
            "Do not divide by n: the loss is a mean already, and its slope has the factor 1/n in it.",
        ),
        (lambda x, w, g: (g @ w.T, x.T @ g, g), "The slope of the bias has one number a unit: add up over the rows."),
        (
            lambda x, w, g: (x.T @ g, g @ w.T, g.sum(axis=0)),
            "All three are right, but in another order: first the input, then the weights, then the bias.",
        ),
        (lambda x, w, g: (g @ w.T, x.T @ g), "The slope of the bias is missing."),
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
