"""Exercises of chapter 06, regularization."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["far_too_strong", "louder", "penalty_slope", "soft_threshold", "switched_off"]

_random = np.random.default_rng(6)


def _penalty_slope(w, l1, l2):
    return l1 * np.sign(w) + 2 * l2 * w


penalty_slope = Exercise(
    "ch06.penalty_slope",
    _penalty_slope,
    [
        (np.array([3.0, -4.0]), 0.5, 0.0),
        (np.array([3.0, -4.0]), 0.0, 0.5),
        (np.array([[2.0, 0.0], [-0.5, 1.0]]), 0.1, 0.3),
        (_random.normal(size=(4, 3)), 0.01, 0.02),
    ],
    hints=[
        "The gradient of a sum is the sum of the gradients: do L1 and L2 one by one.",
        "The derivative of |w| is +1 right of zero and −1 left of it; np.sign knows that, and gives 0 at 0.",
        "The derivative of w² is 2w. Multiply each derivative by its own strength and add.",
    ],
    mistakes=[
        (lambda w, l1, l2: l1 * np.sign(w) + l2 * w, "A factor is missing: the derivative of w² is 2w."),
        (lambda w, l1, l2: l1 + 2 * l2 * w, "The derivative of |w| is negative for negative w; its sign is missing."),
        (
            lambda w, l1, l2: l1 * np.abs(w).sum() + l2 * (w**2).sum(),
            "This is the penalty itself; its gradient has one number for each weight.",
        ),
        (lambda w, l1, l2: l1 * np.abs(w) + 2 * l2 * w, "That is |w| itself; its derivative is the sign of w."),
        (
            lambda w, l1, l2: -_penalty_slope(w, l1, l2),
            "This is the way down; the gradient points up, towards a higher penalty.",
        ),
        (lambda w, l1, l2: l2 * np.sign(w) + 2 * l1 * w, "You exchanged the strengths: l1 belongs to |w|, l2 to w²."),
    ],
)

soft_threshold = Exercise(
    "ch06.soft_threshold",
    scratch.soft_threshold,
    [
        (np.array([3.0, -0.5, -2.0]), 1.0),
        (np.array([0.3, -0.3]), 0.3),
        (np.array([1.5, -2.5]), 0.0),
        (_random.normal(size=(3, 5)), 0.7),
    ],
    hints=[
        "How far is each value from zero? np.abs(v). Take the strength off that.",
        "What would become negative is too close to zero: np.maximum(…, 0).",
        "Give each value its sign back: np.sign(v) * np.maximum(np.abs(v) - strength, 0).",
    ],
    mistakes=[
        (
            lambda v, strength: np.where(np.abs(v) > strength, v, 0.0),
            "That is the hard threshold: survivors must also move towards zero by the strength.",
        ),
        (
            lambda v, strength: np.maximum(np.abs(v) - strength, 0.0),
            "The sizes are right, but negative values have lost their sign.",
        ),
        (
            lambda v, strength: v - strength * np.sign(v),
            "Small values have jumped over zero to the other side; they must stop at zero.",
        ),
        (lambda v, strength: np.maximum(v - strength, 0.0), "Negative values beyond the threshold must survive too."),
        (
            lambda v, strength: v / (1 + 2 * strength),
            "That is what L2 does, a fraction of v; L1 takes the same amount off everything.",
        ),
    ],
)

switched_off = Question(
    "ch06.switched_off",
    2,
    why="−0.3 and 0.1 are within 0.5 of zero; 2 and −1 only move by 0.5. L2 would halve all four: no zero at all.",
    hints=[
        "Which of the four numbers are closer to zero than the strength?",
        "S(v, 0.5) is zero exactly where |v| ≤ 0.5. Mind that −1 is far from zero.",
    ],
    mistakes={
        0: "That is the answer for L2; L1 has a kink at zero that catches small weights.",
        1: "The sign does not matter: −0.3 is also less than 0.5 from zero.",
        3: "−1 is smaller than 0.5 as a number, but it is 1 away from zero; it becomes −0.5.",
        4: "Larger weights are only moved by 0.5: 2 becomes 1.5.",
    },
)

louder = Question(
    "ch06.louder",
    4.0,
    why="3 / (1 − 0.25) = 4: three steps in four it sends 4, in the fourth 0, on average 3.",
    hints=[
        "On average over many steps the next layer must get 3, although one step in four brings 0.",
        "Divide by the probability of being kept, 1 − 0.25.",
    ],
    mistakes={
        3: "Then the average over all steps would be only 2.25; those that stay must be scaled up.",
        2.25: "3 · 0.75 makes it smaller; it must be larger to make up for the steps in which it is dropped.",
        12: "3 / 0.25 divides by the probability of being dropped; divide by that of being kept.",
        3.75: "3 · 1.25 is close, but 0.75 · 3.75 is not 3. Divide by 0.75.",
        0: "That is what it gets in a step in which the neuron is dropped.",
    },
)

far_too_strong = Question(
    "ch06.far_too_strong",
    791 / 1200,
    why="The penalty leaves almost no weight: only the biases still say something: 'great' to every review.",
    hints=[
        "strong = network(keras.regularizers.L2(1.0)), then strong.fit(x, y, epochs=20, verbose=0).",
        'train.evaluate(strong, (new_x, new_y))["accuracy"]',
    ],
    mistakes={
        0.675: "That is the share among the reviews it was trained on; measure on new_x, new_y.",
        0.74: "That is what the medium strengths reach; set the strength to 1.0.",
        0.5: "It does not toss a coin: it always names the more frequent class.",
        66: "Give the share, a number between 0 and 1.",
    },
    tolerance=0.01,
)
