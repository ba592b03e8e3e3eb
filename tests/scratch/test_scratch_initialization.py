"""First weights: worked by hand, what must always hold, held against Keras' initializers, and their errors."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(2)

HAND = [
    ("glorot_uniform_limit", (100, 50), 0.2),
    ("glorot_uniform_limit", (3, 3), 1.0),
    ("he_normal_std", (50,), 0.2),
    ("he_normal_std", (2,), 1.0),
    ("propagated_spread", (1.0, [50, 200, 8], [0.2, 0.2, 0.5]), [1.0, 2.0, 2.0]),
    ("propagated_spread", (3.0, [4, 9], [0.5, 1.0], 1.0), [3.0, 9.0]),
    ("propagated_spread", (3.0, [], []), []),
    ("root_mean_square", ([[1.0, -7.0], [-5.0, 5.0]],), 5.0),
]


def largest_weight(fan_in, fan_out):
    """Keras' weights are even over [-a, a], so the largest of many is a."""
    return np.abs(keras.initializers.GlorotUniform(seed=0)((fan_in, fan_out))).max()


def spread_of_weights(fan_in):
    return np.std(keras.initializers.HeNormal(seed=0)((fan_in, 4000)))


def spread_through_keras(start, fans, stds):
    """Let numbers flow through Keras' layers and measure."""
    x, spread = RANDOM.normal(scale=start, size=(400, fans[0])).astype("float32"), []
    for seed, (fan_out, std) in enumerate(zip([*fans[1:], 1000], stds, strict=True)):
        normal = keras.initializers.RandomNormal(0.0, std, seed=seed)
        x = keras.ops.convert_to_numpy(keras.layers.Dense(fan_out, "relu", kernel_initializer=normal)(x))
        spread.append(np.sqrt(np.mean(x**2)))
    return spread


PARITY_TOLERANCE = (0.02, 0.0)  # of random weights only statistics can be compared
PARITY = [
    ("glorot_uniform_limit", (300, 200), largest_weight),
    ("he_normal_std", (150,), spread_of_weights),
    ("propagated_spread", (1.5, [1000, 1000], [0.05, 0.03]), spread_through_keras),
    ("root_mean_square", (RANDOM.normal(size=(5, 4)),), lambda v: keras.ops.sqrt(keras.ops.mean(v**2))),
]

ERRORS = [
    ("glorot_uniform_limit", (0, 3), "fan_in is 0"),
    ("glorot_uniform_limit", (3, -1), "fan_out is -1"),
    ("he_normal_std", (0,), "at least 1"),
    ("propagated_spread", (1.0, [3, 4], [0.1]), "one of each for every layer"),
    ("propagated_spread", (1.0, 3, 0.1), "one of each for every layer"),
]


def test_he_keeps_the_spread_and_glorot_keeps_it_without_relu():
    fans = [64, 64, 64]
    he = scratch.propagated_spread(0.7, fans, [scratch.he_normal_std(64)] * 3)
    glorot = scratch.propagated_spread(0.7, fans, [scratch.glorot_uniform_limit(64, 64) / np.sqrt(3)] * 3, kept=1.0)
    np.testing.assert_allclose(he, 0.7)
    np.testing.assert_allclose(glorot, 0.7)
