"""Every formula of `bmkit.scratch`: worked by hand, held against Keras, against finite differences, and its errors."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras
from bmkit.scratch import losses

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(scale=3, size=(6, 4))
LABELS = RANDOM.integers(0, 4, 6)
ONE_HOT = np.eye(4)[LABELS]
CHANCES = scratch.softmax(RANDOM.normal(size=(6, 4)))
YES = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
SCORES = RANDOM.normal(scale=4, size=5)
IMAGE = RANDOM.normal(size=(7, 6, 3))
KERNEL = RANDOM.normal(size=(3, 2, 3, 4))
BIAS = RANDOM.normal(size=4)
LOG2, LOG3 = 0.6931471805599453, 1.0986122886681098

# name: (arguments, keyword arguments, what comes out, worked by hand)
HAND = [
    ("relu", ([[-2.0, 0.0], [0.5, 3.0]],), {}, [[0.0, 0.0], [0.5, 3.0]]),
    ("sigmoid", ([0.0, LOG3, -LOG3],), {}, [0.5, 0.75, 0.25]),
    ("sigmoid", ([-1e4, 1e4],), {}, [0.0, 1.0]),
    ("log_sum_exp", ([0.0, 0.0, 0.0],), {}, LOG3),
    ("log_sum_exp", ([-1e4, -1e4],), {}, -1e4 + LOG2),
    ("log_sum_exp", ([[0.0, 1e3], [0.0, 1e3]],), {"axis": 0}, [LOG2, 1e3 + LOG2]),
    ("log_sum_exp", ([[0.0, 0.0]],), {"keepdims": True}, [[LOG2]]),
    ("log_softmax", ([0.0, LOG3],), {}, [-2 * LOG2, LOG3 - 2 * LOG2]),
    ("log_softmax", ([0.0, 1e4],), {}, [-1e4, 0.0]),
    ("softmax", ([[0.0, LOG3], [1e4, 1e4]],), {}, [[0.25, 0.75], [0.5, 0.5]]),
    ("softmax", ([[0.0, 0.0], [LOG3, 0.0]],), {"axis": 0}, [[0.25, 0.5], [0.75, 0.5]]),
    ("mean_squared_error", ([0.0, 0.0, 0.0], [1.0, -1.0, 2.0]), {}, 2.0),
    ("mean_squared_error", ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 6.0]]), {}, 1.0),
    ("mean_squared_error_gradient", ([0.0, 0.0], [3.0, -1.0]), {}, [3.0, -1.0]),
    ("binary_cross_entropy", ([1, 0], [0.25, 0.75]), {}, 2 * LOG2),
    ("binary_cross_entropy", ([1, 0], [0.0, 1.0]), {"epsilon": 0.125}, 3 * LOG2),
    ("binary_cross_entropy_from_logits", ([1, 0], [0.0, 0.0]), {}, LOG2),
    ("binary_cross_entropy_from_logits", ([1, 0], [-1e4, 5e3]), {}, 7500.0),
    ("binary_cross_entropy_gradient", ([1, 0], [LOG3, LOG3]), {}, [-0.125, 0.375]),
    ("categorical_cross_entropy", ([[0, 1], [1, 0]], [[0.5, 0.5], [0.125, 0.875]]), {}, 2 * LOG2),
    ("categorical_cross_entropy", ([[1, 0]], [[0.0, 1.0]]), {"epsilon": 0.25}, 2 * LOG2),
    ("softmax_cross_entropy", ([0, 1], [[0.0, LOG3], [0.0, 0.0]]), {}, 1.5 * LOG2),
    ("softmax_cross_entropy_gradient", ([1, 0], [[0.0, LOG3], [0.0, 0.0]]), {}, [[0.125, -0.125], [-0.25, 0.25]]),
    ("conv_output_size", (28, 3), {}, 26),
    ("conv_output_size", (224, 7, 2, 3), {}, 112),
    ("conv_output_size", (3, 5), {"padding": 1}, 1),
    ("conv2d_parameters", (3, 5, 2, 4), {}, 124),
    ("conv2d", (np.arange(9.0).reshape(3, 3, 1), np.ones((2, 2, 1, 1)), 1.0), {}, [[[9.0], [13.0]], [[21.0], [25.0]]]),
    ("conv2d", (np.ones((1, 1, 1)), np.arange(9.0).reshape(3, 3, 1, 1)), {"padding": 1}, [[[4.0]]]),
    ("max_pool2d", (-np.arange(25.0).reshape(5, 5, 1),), {}, [[[0.0], [-2.0]], [[-10.0], [-12.0]]]),
    ("max_pool2d", (np.arange(9.0).reshape(3, 3, 1), 3), {}, [[[8.0]]]),
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


def slope(loss, at, step=1e-5):
    """Central differences of a function of one array."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[index] = step
        gradient[index] = (float(loss(at + moved)) - float(loss(at - moved))) / (2 * step)
    return gradient


LOSSES = keras.losses
MSE = LOSSES.MeanSquaredError(dtype="float64")
BCE = LOSSES.BinaryCrossentropy(dtype="float64")
BCE_LOGITS = LOSSES.BinaryCrossentropy(from_logits=True, dtype="float64")
CE = LOSSES.CategoricalCrossentropy(dtype="float64")
CE_LOGITS = LOSSES.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")

# name: (arguments, what Keras does with the same arguments)
PARITY = [
    ("relu", (LOGITS,), keras.ops.relu),
    ("sigmoid", (LOGITS,), keras.ops.sigmoid),
    ("log_sum_exp", (LOGITS,), lambda z: keras.ops.logsumexp(z, axis=-1)),
    ("log_softmax", (LOGITS,), keras.ops.log_softmax),
    ("softmax", (LOGITS,), keras.ops.softmax),
    ("mean_squared_error", (LOGITS, CHANCES), MSE),
    ("mean_squared_error_gradient", (LOGITS, CHANCES), lambda y, p: slope(lambda at: MSE(y, at), p)),
    ("binary_cross_entropy", (YES, scratch.sigmoid(SCORES)), BCE),
    ("binary_cross_entropy", (YES, 1.0 - YES), BCE),  # certain and wrong: both clip at 1e-7
    ("binary_cross_entropy_from_logits", (YES, SCORES), BCE_LOGITS),
    ("binary_cross_entropy_gradient", (YES, SCORES), lambda y, z: slope(lambda at: BCE_LOGITS(y, at), z)),
    ("categorical_cross_entropy", (ONE_HOT, CHANCES), CE),
    ("softmax_cross_entropy", (LABELS, LOGITS), CE_LOGITS),
    ("softmax_cross_entropy_gradient", (LABELS, LOGITS), lambda y, z: slope(lambda at: CE_LOGITS(y, at), z)),
    ("conv2d", (IMAGE, KERNEL, BIAS), convolved),
    ("conv2d", (IMAGE, KERNEL, BIAS, 2), convolved),
    ("max_pool2d", (IMAGE, 2), pooled),
    ("max_pool2d", (IMAGE, 3), pooled),
    *[("conv_output_size", case, side) for case in ((28, 3, 1, 0), (27, 2, 2, 0), (224, 7, 2, 3), (5, 5, 3, 1))],
    ("conv2d_parameters", (3, 2, 5, 7), number_of_weights),
]

# loss, its gradient, the arguments: the gradient belongs to the last one
GRADIENTS = [
    (scratch.mean_squared_error, scratch.mean_squared_error_gradient, (YES, SCORES)),
    (scratch.mean_squared_error, scratch.mean_squared_error_gradient, (CHANCES, LOGITS)),
    (scratch.binary_cross_entropy_from_logits, scratch.binary_cross_entropy_gradient, (YES, SCORES)),
    (scratch.softmax_cross_entropy, scratch.softmax_cross_entropy_gradient, (LABELS, LOGITS)),
]

ERRORS = [
    *[
        (name, (np.zeros(3), np.zeros((3, 1))), "y_true has shape (3,) but the prediction has shape (3, 1)")
        for name in (
            "mean_squared_error",
            "mean_squared_error_gradient",
            "binary_cross_entropy",
            "binary_cross_entropy_from_logits",
            "binary_cross_entropy_gradient",
            "categorical_cross_entropy",
        )
    ],
    *[
        (name, arguments, "one class number for each row of logits")
        for name in ("softmax_cross_entropy", "softmax_cross_entropy_gradient")
        for arguments in ((LABELS[:5], LOGITS), (ONE_HOT, LOGITS), (LABELS, LOGITS[0]))
    ],
    *[
        ("conv_output_size", arguments, "does not fit a side of")
        for arguments in ((3, 4), (0, 1), (5, 0), (5, 3, 0), (5, 3, 1, -1))
    ],
    ("conv2d", (IMAGE, KERNEL[:, :, :2]), "the same number of channels"),
    ("conv2d", (IMAGE[..., 0], KERNEL), "expected (height, width, channels)"),
    ("conv2d", (IMAGE[:2], KERNEL), "a window of 3"),
    ("max_pool2d", (IMAGE, 7), "a window of 7"),
]


@pytest.mark.parametrize(("name", "arguments", "options", "expected"), HAND, ids=[case[0] for case in HAND])
def test_a_number_worked_by_hand(name, arguments, options, expected):
    arrays = [np.array(value) if isinstance(value, list) else value for value in arguments]
    result = getattr(scratch, name)(*arrays, **options)
    assert np.shape(result) == np.shape(expected)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "arguments", "other"), PARITY, ids=[case[0] for case in PARITY])
def test_keras_gives_the_same(name, arguments, other):
    expected = np.asarray(other(*arguments))
    result = getattr(scratch, name)(*arguments)
    assert np.shape(result) == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_no_formula_is_left_out():
    """Each file tests/test_scratch*.py holds a table HAND, whose rows begin with a formula's name."""
    files = sorted(Path(__file__).parent.glob("test_scratch*.py"))
    cases = [case for file in files for case in importlib.import_module(file.stem).HAND]
    assert {case[0] for case in cases} >= set(scratch.__all__)
    # Keras has a counterpart of every loss, activation and convolution.
    assert {case[0] for case in PARITY} == {case[0] for case in HAND}


@pytest.mark.parametrize(("loss", "gradient", "arguments"), GRADIENTS)
def test_a_gradient_is_the_slope_of_its_loss(loss, gradient, arguments):
    *first, at = arguments
    np.testing.assert_allclose(gradient(*arguments), slope(lambda moved: loss(*first, moved), at), atol=1e-8)


def test_each_gradient_of_a_loss_is_held_against_it():
    gradients = {name for name in losses.__all__ if name.endswith("gradient")}
    assert {gradient.__name__ for _, gradient, _ in GRADIENTS} == gradients


@pytest.mark.parametrize(("name", "arguments", "message"), ERRORS, ids=[case[0] for case in ERRORS])
def test_arguments_that_do_not_fit_are_refused(name, arguments, message):
    with pytest.raises(ValueError) as error:
        getattr(scratch, name)(*arguments)
    assert message in str(error.value)


def test_activations_keep_their_promises():
    assert (scratch.relu(scratch.relu(LOGITS)) == scratch.relu(LOGITS)).all()
    np.testing.assert_allclose(scratch.sigmoid(LOGITS) + scratch.sigmoid(-LOGITS), 1.0)
    np.testing.assert_allclose(scratch.softmax(LOGITS).sum(axis=-1), 1.0)
    np.testing.assert_allclose(scratch.softmax(LOGITS + 500), scratch.softmax(LOGITS))
    np.testing.assert_allclose(scratch.log_sum_exp(LOGITS + 500), scratch.log_sum_exp(LOGITS) + 500)
    assert (scratch.log_softmax(1e4 * LOGITS) <= 0).all() and np.isfinite(scratch.log_softmax(1e4 * LOGITS)).all()


def test_losses_agree_with_one_another():
    assert scratch.mean_squared_error(LOGITS, LOGITS) == 0
    probabilities = scratch.sigmoid(SCORES)
    direct = scratch.binary_cross_entropy_from_logits(YES, SCORES)
    assert direct == pytest.approx(scratch.binary_cross_entropy(YES, probabilities))
    loss = scratch.softmax_cross_entropy(LABELS, LOGITS)
    assert loss == pytest.approx(scratch.categorical_cross_entropy(ONE_HOT, scratch.softmax(LOGITS)))
    assert loss == pytest.approx(scratch.softmax_cross_entropy(LABELS, LOGITS + 500))
    two = np.stack([np.zeros_like(SCORES), SCORES], axis=1)  # a sigmoid is a softmax whose other logit is 0
    assert direct == pytest.approx(scratch.softmax_cross_entropy(YES.astype(int), two))
    np.testing.assert_allclose(scratch.softmax_cross_entropy_gradient(LABELS, LOGITS).sum(axis=1), 0, atol=1e-12)


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
    before = LOGITS.copy(), IMAGE.copy()
    scratch.softmax_cross_entropy_gradient(LABELS, LOGITS)
    scratch.conv2d(IMAGE, KERNEL, padding=1)
    assert (before[0] == LOGITS).all() and (before[1] == IMAGE).all()
