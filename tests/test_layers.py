"""One contract for every layer, and each held against the formulas of `bmkit.scratch`."""

import numpy as np
import pytest

from bmkit import layers, scratch
from bmkit.backend import keras

pytestmark = pytest.mark.slow


def answer(layer, x):
    return keras.ops.convert_to_numpy(layer(x, training=False))


PICTURES, STEPS, HEADS = (2, 8, 9, 2), (2, 5, 8), (2, 5, 2, 4)
# layer, arguments, shape of the input, shape of the answer to one example
LAYERS = [
    (
        layers.ConvBlock,
        {"filters": 3, "kernel_size": 5, "pool_size": 3, "batch_normalization": True},
        PICTURES,
        (2, 3, 3),
    ),
    (layers.ConvBlock, {"filters": 3, "pool_size": 1}, PICTURES, (8, 9, 3)),
    (layers.PatchConv2D, {"filters": 3, "kernel_size": 2}, PICTURES, (7, 8, 3)),
    (layers.MultiHeadAttention, {"num_heads": 2, "dropout": 0.1, "rotary": True}, STEPS, (5, 8)),
    (
        layers.TransformerBlock,
        {"num_heads": 4, "hidden_units": 3, "dropout": 0.1, "causal": True, "rotary": True},
        STEPS,
        (5, 8),
    ),
    (layers.RotaryPositions, {"base": 100.0}, HEADS, (5, 2, 4)),
    *[
        (layers.TokenAndPosition, {"vocabulary_size": 9, "width": 6, "length": 7, "positions": kind}, (2, 5), (5, 6))
        for kind in ("learned", "sinusoidal", "rotary")
    ],
    (layers.ResidualBlock, {"filters": 3, "stride": 2, "residual": True}, PICTURES, (4, 5, 3)),
    (layers.ResidualBlock, {"filters": 1, "residual": False, "batch_normalization": False}, PICTURES, (8, 9, 1)),
]


def test_every_layer_has_a_case():
    assert {layer.__name__ for layer, *_ in LAYERS} == set(layers.__all__) - {"masked_mean"}


@pytest.mark.parametrize(("layer", "arguments", "given", "shape"), LAYERS)
def test_a_layer_is_built_again_from_its_configuration(layer, arguments, given, shape):
    first, random = layer(**arguments, name="mine", dtype="float32"), np.random.default_rng(0)
    x = random.normal(size=given).astype("float32") if len(given) > 2 else random.integers(0, 9, size=given)
    expected = answer(first, x)
    assert expected.shape == (2, *shape) == (2, *first(keras.Input(given[1:], dtype=x.dtype.name)).shape[1:])
    assert arguments.items() <= first.get_config().items()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
    assert again.name == "mine" and again.get_config() == first.get_config()
    if not again.built:
        again.build(x.shape)
    again.set_weights(first.get_weights())
    np.testing.assert_array_equal(answer(again, x), expected)


@pytest.mark.parametrize(
    ("layer", "given"),
    [
        (lambda dtype: layers.ConvBlock(2, dtype=dtype), PICTURES),
        (lambda dtype: layers.PatchConv2D(2, dtype=dtype), PICTURES),
        (lambda dtype: layers.ResidualBlock(2, dtype=dtype), PICTURES),
        (lambda dtype: layers.TransformerBlock(2, causal=True, rotary=True, dtype=dtype), STEPS),
        (lambda dtype: layers.TokenAndPosition(9, 4, length=5, positions="learned", dtype=dtype), (2, 5)),
    ],
)
def test_a_layer_obeys_its_precision(layer, given):
    half = layer("mixed_bfloat16")
    answer = half(np.ones(given, "float32"))
    assert keras.backend.standardize_dtype(answer.dtype) == "bfloat16"
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in half.weights} == {"float32"}


@pytest.mark.parametrize(("kernel_size", "channels"), [(1, 1), (2, 3), (3, 2)])
def test_patches_and_a_matrix_product_are_a_convolution(kernel_size, channels):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 6, 5, channels)).astype("float32")
    ours, theirs = layers.PatchConv2D(4, kernel_size), keras.layers.Conv2D(4, kernel_size)
    theirs.build(x.shape)
    ours.build(x.shape)
    kernel, bias = random.normal(size=theirs.kernel.shape), random.normal(size=4)
    theirs.set_weights([kernel, bias])
    ours.set_weights([kernel.reshape(-1, 4), bias])
    answers = [keras.ops.convert_to_numpy(layer(x)) for layer in (ours, theirs)]
    np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("normalised", [False, True])
def test_a_block_is_convolution_normalisation_relu_and_pooling(normalised):
    random = np.random.default_rng(0)
    x = random.normal(size=(4, 6, 6, 2)).astype("float32")
    block = layers.ConvBlock(3, batch_normalization=normalised)
    block(x)
    assert len(block.weights) == (5 if normalised else 2)
    kernel = np.asarray(block.convolution.kernel)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    maps = np.stack([scratch.conv2d(picture, kernel) for picture in padded])
    if normalised:
        maps = (maps - maps.mean(axis=(0, 1, 2))) / np.sqrt(maps.var(axis=(0, 1, 2)) + block.normalization.epsilon)
    expected = np.stack([scratch.max_pool2d(scratch.relu(picture)) for picture in maps])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x, training=True)), expected, atol=1e-5)


def test_a_normalised_block_learns_statistics_in_training_only():
    x = 5 + np.random.default_rng(0).normal(size=(4, 6, 6, 2)).astype("float32")
    block = layers.ConvBlock(3, batch_normalization=True)
    quiet = keras.ops.convert_to_numpy(block(x, training=False))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(block(x, training=False)), quiet)
    block(x, training=True)
    assert not np.allclose(keras.ops.convert_to_numpy(block(x, training=False)), quiet)


def test_a_masked_mean_counts_real_steps_alone():
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]])
    expected = [x[0, [0, 1, 3]].mean(axis=0), x[1, 4], [0, 0]]
    for given in (mask, mask.astype(bool)):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(layers.masked_mean(x, given)), expected, atol=1e-6)
