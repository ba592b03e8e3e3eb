"""Normalisation and residual blocks of `bmkit.scratch`: worked by hand, held against Keras, promises and errors."""

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(13)
X = RANDOM.normal(loc=2.0, size=(4, 6, 5))
SCALE, SHIFT, MEAN = RANDOM.normal(size=(3, 5))
VARIANCE = RANDOM.uniform(0.5, 2.0, size=5)
IMAGE = abs(RANDOM.normal(size=(6, 8, 5)))
CENTRE = np.zeros((3, 3, 1, 1))
CENTRE[1, 1] = 1.0

# name, arguments, options, what comes out, worked by hand
HAND = [
    ("layer_norm", (np.array([0.0, 6.0]), 2.0, 1.0), {"epsilon": 16.0}, [1 - 2 * 0.6, 1 + 2 * 0.6]),  # 3 / √(9 + 16)
    ("layer_norm", (np.array([[5.0, 5.0]]),), {}, [[0.0, 0.0]]),
    ("rms_norm", (np.array([1.0, 7.0]), np.array([2.0, 1.0])), {"epsilon": 11.0}, [2 / 6, 7 / 6]),  # 25 + 11 = 6²
    ("rms_norm", (np.zeros(3),), {}, np.zeros(3)),
    ("batch_norm", (np.array([[5.0]]), [3.0], [3.0]), {"scale": 4.0, "shift": 1.0, "epsilon": 1.0}, [[5.0]]),
    (
        "fold_batch_norm",
        (np.array([[1.0]]), [3.0], [3.0]),
        {"scale": 4.0, "shift": 1.0, "epsilon": 1.0},
        ([[2.0]], [-5.0]),
    ),
    ("shortcut", (np.arange(16.0).reshape(4, 4, 1), 2, 2), {}, [[[0, 0], [2, 0]], [[8, 0], [10, 0]]]),
    # 2 and -1 + … : conv₁ keeps the pixels, conv₂ doubles them with a bias of -9, the shortcut adds them once.
    ("residual_block", ([[[2.0], [4.0]]], (CENTRE, 0.0), (2 * CENTRE, -9.0)), {}, [[[0.0], [3.0]]]),
    ("residual_block", ([[[2.0], [4.0]]], (CENTRE, 0.0), (2 * CENTRE, -7.0)), {"residual": False}, [[[0.0], [1.0]]]),
]
HAND = [(name, tuple(np.array(a) if isinstance(a, list) else a for a in given), *rest) for name, given, *rest in HAND]

ERRORS = [
    ("shortcut", (IMAGE, 4), {}, "use more filters"),
    (
        "residual_block",
        (IMAGE[:5], (np.zeros((3, 3, 5, 5)), 0.0), (np.zeros((3, 3, 5, 5)), 0.0)),
        {"stride": 2},
        "even",
    ),
    ("residual_block", (IMAGE, (np.zeros((3, 3, 5, 5)), 0.0), (np.zeros((3, 3, 5, 5)), 0.0)), {"stride": 3}, "1, or 2"),
    ("residual_block", (IMAGE, (np.zeros((3, 3, 4, 5)), 0.0), (np.zeros((3, 3, 5, 5)), 0.0)), {}, "do not fit"),
]


@pytest.mark.parametrize(
    ("layer", "ours", "weights"),
    [
        ("LayerNormalization", lambda: scratch.layer_norm(X, SCALE, SHIFT), [SCALE, SHIFT]),
        ("RMSNormalization", lambda: scratch.rms_norm(X, SCALE), [SCALE]),
        (
            "BatchNormalization",
            lambda: scratch.batch_norm(X, MEAN, VARIANCE, scale=SCALE, shift=SHIFT),
            [SCALE, SHIFT, MEAN, VARIANCE],
        ),
    ],
)
def test_keras_gives_the_same(layer, ours, weights):
    theirs = getattr(keras.layers, layer)()
    theirs.build(X.shape)
    theirs.set_weights(weights)
    np.testing.assert_allclose(ours(), keras.ops.convert_to_numpy(theirs(np.float32(X))), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("stride", "filters", "with_shortcut"), [(1, 5, True), (2, 7, True), (2, 7, False)])
def test_a_residual_block_is_keras_layers_after_one_another(stride, filters, with_shortcut):
    x, given = np.float32(IMAGE[np.newaxis]), []
    past = keras.ops.convert_to_tensor(x)
    for channels, step in ((5, stride), (filters, 1)):
        convolution = keras.layers.Conv2D(filters, 3, strides=step, padding="same", use_bias=False)
        norm = keras.layers.BatchNormalization()
        kernel = RANDOM.normal(scale=0.3, size=(3, 3, channels, filters))
        numbers = [*RANDOM.normal(size=(3, filters)), RANDOM.uniform(0.5, 2.0, size=filters)]
        past = norm(convolution(past))
        convolution.set_weights([kernel])
        norm.set_weights(numbers)
        scale, shift, mean, variance = numbers
        given.append((convolution, norm, scratch.fold_batch_norm(kernel, mean, variance, scale=scale, shift=shift)))
    inner = keras.ops.relu(given[0][1](given[0][0](x)))
    out = given[1][1](given[1][0](inner))
    if with_shortcut:
        side = keras.layers.MaxPooling2D(1, stride)(x)  # a maximum over one pixel: every stride-th of them
        out = out + keras.ops.pad(side, [(0, 0), (0, 0), (0, 0), (0, filters - 5)])
    theirs = keras.ops.convert_to_numpy(keras.ops.relu(out))[0]
    ours = scratch.residual_block(IMAGE, given[0][2], given[1][2], stride=stride, residual=with_shortcut)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_norms_do_not_see_the_scale_of_a_step():
    np.testing.assert_allclose(scratch.layer_norm(7 * X + 3, epsilon=0), scratch.layer_norm(X, epsilon=0))
    np.testing.assert_allclose(scratch.rms_norm(7 * X, epsilon=0), scratch.rms_norm(X, epsilon=0))
    normed = scratch.layer_norm(X, epsilon=0)
    np.testing.assert_allclose([abs(normed.mean(axis=-1)).max(), normed.var(axis=-1).min()], [0, 1], atol=1e-12)
    np.testing.assert_allclose((scratch.rms_norm(X, epsilon=0) ** 2).mean(axis=-1), 1)


def test_a_block_that_learned_nothing_hands_its_picture_on():
    nothing = np.zeros((3, 3, 5, 5)), np.zeros(5)
    np.testing.assert_array_equal(scratch.residual_block(IMAGE, nothing, nothing), IMAGE)
    assert not scratch.residual_block(IMAGE, nothing, nothing, residual=False).any()
