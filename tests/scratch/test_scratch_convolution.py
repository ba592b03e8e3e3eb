"""Convolution and pooling: worked by hand, held against Keras, and what must always hold."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(4)
IMAGE = RANDOM.normal(size=(7, 6, 3))
KERNEL = RANDOM.normal(size=(3, 2, 3, 4))
BIAS = RANDOM.normal(size=4)

HAND = [
    ("conv_output_size", (28, 3), 26),
    ("conv_output_size", (224, 7, 2, 3), 112),
    ("conv_output_size", (3, 5), {"padding": 1}, 1),
    ("conv2d_parameters", (3, 5, 2, 4), 124),
    ("conv2d", (np.arange(9.0).reshape(3, 3, 1), np.ones((2, 2, 1, 1)), 1.0), [[[9.0], [13.0]], [[21.0], [25.0]]]),
    ("conv2d", (np.ones((1, 1, 1)), np.arange(9.0).reshape(3, 3, 1, 1)), {"padding": 1}, [[[4.0]]]),
    ("max_pool2d", (-np.arange(25.0).reshape(5, 5, 1),), [[[0.0], [-2.0]], [[-10.0], [-12.0]]]),
    ("max_pool2d", (np.arange(9.0).reshape(3, 3, 1), 3), [[[8.0]]]),
]


def convolved(image, kernel, bias, padding=0):
    """Keras' answer to one picture."""
    layer = keras.layers.Conv2D(kernel.shape[3], kernel.shape[:2])
    batch = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))[np.newaxis].astype("float32")
    layer.build(batch.shape)
    layer.set_weights([kernel, bias])
    return keras.ops.convert_to_numpy(layer(batch))[0]


def pooled(image, size):
    return keras.ops.convert_to_numpy(keras.layers.MaxPooling2D(size)(image[np.newaxis].astype("float32")))[0]


def side(size, kernel, stride, padding):
    layer = keras.layers.Conv1D(1, kernel, stride)
    return layer.compute_output_shape((None, size + 2 * padding, 1))[1]


def number_of_weights(kernel_height, kernel_width, channels, filters):
    layer = keras.layers.Conv2D(filters, (kernel_height, kernel_width))
    layer.build((None, 9, 9, channels))
    return layer.count_params()


PARITY = [
    ("conv2d", (IMAGE, KERNEL, BIAS), convolved),
    ("conv2d", (IMAGE, KERNEL, BIAS, 2), convolved),
    ("max_pool2d", (IMAGE, 2), pooled),
    ("max_pool2d", (IMAGE, 3), pooled),
    *[("conv_output_size", case, side) for case in ((28, 3, 1, 0), (27, 2, 2, 0), (224, 7, 2, 3), (5, 5, 3, 1))],
    ("conv2d_parameters", (3, 2, 5, 7), number_of_weights),
]

ERRORS = [
    *[
        ("conv_output_size", arguments, "does not fit a side of")
        for arguments in ((3, 4), (0, 1), (5, 0), (5, 3, 0), (5, 3, 1, -1))
    ],
    ("conv2d", (IMAGE, KERNEL[:, :, :2]), "the same number of channels"),
    ("conv2d", (IMAGE[..., 0], KERNEL), "expected (height, width, channels)"),
    ("conv2d", (IMAGE[:2], KERNEL), "a window of 3"),
    ("max_pool2d", (IMAGE, 7), "a window of 7"),
]


def test_a_convolution_is_linear_and_moves_with_its_picture():
    other = RANDOM.normal(size=IMAGE.shape)
    both = scratch.conv2d(2 * IMAGE + other, KERNEL)
    np.testing.assert_allclose(both, 2 * scratch.conv2d(IMAGE, KERNEL) + scratch.conv2d(other, KERNEL))
    moved = scratch.conv2d(np.roll(IMAGE, (1, 2), axis=(0, 1)), KERNEL)
    np.testing.assert_allclose(moved[1:, 2:], scratch.conv2d(IMAGE, KERNEL)[:-1, :-2])


def test_pooling_keeps_the_maximum_of_each_channel():
    cut = IMAGE[:6]
    assert (scratch.max_pool2d(cut).max(axis=(0, 1)) == cut.max(axis=(0, 1))).all()
    assert np.isin(scratch.max_pool2d(cut), cut).all()
    assert (scratch.max_pool2d(IMAGE, 1) == IMAGE).all()


def test_nothing_changes_its_arguments():
    before = IMAGE.copy()
    scratch.conv2d(IMAGE, KERNEL, padding=1)
    scratch.max_pool2d(IMAGE)
    assert (before == IMAGE).all()
