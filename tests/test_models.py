"""One contract for every model builder and layer: shape, size, learning, saving, the same answer on any backend."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bmkit import layers, models, scratch, train
from bmkit.backend import keras

pytestmark = pytest.mark.slow
PACKAGE = Path(layers.__file__).resolve().parent


def dense(inputs, units):
    """Count the numbers of a dense layer: a 1×1 convolution over a 1×1 picture."""
    return scratch.conv2d_parameters(1, 1, inputs, units)


def convolution(channels, filters):
    return scratch.conv2d_parameters(3, 3, channels, filters)


# Tiny configurations, the richest of each builder last: (case, builder, arguments, parameters by the formulas).
CASES = [
    (
        "mlp",
        models.mlp,
        {"input_shape": (4, 3, 1), "num_classes": 3, "hidden_units": (16,)},
        dense(12, 16) + dense(16, 3),
    ),
    ("linear", models.mlp, {"input_shape": (12,), "num_classes": 3, "hidden_units": ()}, dense(12, 3)),
    (
        "deep mlp",
        models.mlp,
        {"input_shape": (12,), "num_classes": 2, "hidden_units": (16, 8)},
        dense(12, 16) + dense(16, 8) + dense(8, 2),
    ),
    (
        "cnn",
        models.cnn,
        {"input_shape": (9, 6, 2), "num_classes": 3, "filters": (4, 8), "dense_units": 16},
        convolution(2, 4) + convolution(4, 8) + dense(2 * 1 * 8, 16) + dense(16, 3),
    ),
    (
        "normalised cnn",
        models.cnn,
        {
            "input_shape": (6, 6, 1),
            "num_classes": 3,
            "filters": (4,),
            "dense_units": 16,
            "batch_normalization": True,
        },
        convolution(1, 4) - 4 + 4 * 4 + dense(3 * 3 * 4, 16) + dense(16, 3),  # no bias, but 4 numbers a feature map
    ),
    (
        "article_cnn",
        models.article_cnn,
        {"input_shape": (8, 8, 3), "num_classes": 4},
        convolution(3, 32) + convolution(32, 64) + dense(2 * 2 * 64, 128) + dense(128, 4),
    ),
    (
        "sequence_classifier",
        models.sequence_classifier,
        {"input_shape": (6, 5), "num_classes": 3, "window": 3, "filters": 8, "dense_units": 16},
        scratch.conv2d_parameters(3, 1, 5, 8) + dense(8, 16) + dense(16, 3),
    ),
]

BAD = [
    (models.cnn, {"input_shape": (7, 28, 1), "num_classes": 2, "filters": (4, 4, 4)}, "at most 2 blocks"),
    (models.article_cnn, {"input_shape": (3, 24, 3)}, "at most 1 blocks"),
    *[
        (builder, {"input_shape": (8, 8, 1), "num_classes": 2, **wrong}, "")
        for builder in (models.cnn, models.mlp, models.article_cnn)
        for wrong in ({"num_classes": 0}, {"dropout": 1.5}, {"dropout": -0.1})
    ],
    (models.cnn, {"input_shape": (8, 8), "num_classes": 2}, ""),
    (models.cnn, {"input_shape": (8, 8, 1), "num_classes": 2, "filters": (0,)}, ""),
    (models.cnn, {"input_shape": (8, 8, 1), "num_classes": 2, "dense_units": 0}, ""),
    (models.mlp, {"input_shape": (8,), "num_classes": 2, "hidden_units": (-1,)}, ""),
    (models.sequence_classifier, {"input_shape": (6, 5), "num_classes": 2, "window": 0}, ""),
    (models.sequence_classifier, {"input_shape": (6,), "num_classes": 2}, ""),
]

OTHER_BACKEND = """
import sys
import numpy as np
from bmkit import models
from bmkit.backend import keras

handed, answers = np.load(sys.argv[1]), {}
for case, (builder, arguments) in enumerate(eval(sys.argv[3])):
    model = getattr(models, builder)(**arguments)
    model.set_weights([handed[f"{case} {index}"] for index in range(len(model.weights))])
    answers[str(case)] = keras.ops.convert_to_numpy(model(handed[f"{case} x"], training=False))
np.savez(sys.argv[2], backend=keras.backend.backend(), **answers)
"""


@pytest.fixture(scope="module", params=CASES, ids=[case[0] for case in CASES])
def trained(request):
    """A builder's model, trained on one batch of eight examples until it knows them."""
    _, builder, arguments, parameters = request.param
    train.seed(0)
    model = builder(**arguments)
    x = np.random.default_rng(0).normal(size=(8, *arguments["input_shape"])).astype("float32")
    y = np.arange(8) % arguments["num_classes"]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss=loss, jit_compile=False)
    losses = model.fit(x, y, batch_size=8, epochs=25, verbose=0).history["loss"]
    return SimpleNamespace(model=model, x=x, y=y, losses=losses, parameters=parameters, given=arguments)


def answer(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


def test_every_builder_has_a_case():
    assert {builder.__name__ for _, builder, _, _ in CASES} == set(models.__all__)


def test_a_model_has_the_shape_and_the_size_that_the_formulas_give(trained):
    assert trained.model.input_shape == (None, *trained.given["input_shape"])
    assert trained.model.output_shape == (None, trained.given["num_classes"])
    assert trained.model.count_params() == trained.parameters
    assert answer(trained.model, trained.x).shape == (8, trained.given["num_classes"])


def test_one_step_lowers_the_loss_on_its_batch(trained):
    assert trained.losses[1] < trained.losses[0]  # each epoch is one step; its loss is taken before the step


def test_eight_examples_are_learned_by_heart(trained):
    assert (answer(trained.model, trained.x).argmax(axis=-1) == trained.y).all()
    assert trained.losses[-1] < trained.losses[0] / 2


def test_a_model_ends_in_logits(trained):
    logits = answer(trained.model, trained.x)
    assert logits.min() < 0 and not np.allclose(logits.sum(axis=-1), 1, atol=0.1)
    last = trained.model.layers[-1]
    assert last.name == "logits" and last.activation is keras.activations.linear


def test_saving_and_loading_keeps_the_answers(trained, tmp_path):
    trained.model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert again.name == trained.model.name and again.count_params() == trained.parameters
    np.testing.assert_array_equal(answer(again, trained.x), answer(trained.model, trained.x))


@pytest.mark.parametrize("builder", [models.mlp, models.cnn, models.article_cnn])
def test_dropout_is_there_when_asked_for(builder):
    def rates(dropout):
        model = builder((8, 8, 1), 2, dropout=dropout)
        return [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]

    assert rates(0.0) == [] and rates(0.25) == [0.25]


@pytest.mark.parametrize("builder", [models.mlp, models.cnn])
def test_a_model_bears_its_name_and_is_not_compiled(builder):
    model = builder((8, 8, 1), 2)
    assert model.name == builder.__name__ and not model.compiled
    assert builder((8, 8, 1), 2, name="mine").name == "mine"


def test_the_article_network_has_the_size_of_the_article():
    model = models.article_cnn()
    assert (model.name, model.input_shape, model.count_params()) == ("article_cnn", (None, 24, 24, 3), 315_722)


@pytest.mark.parametrize(("builder", "arguments", "message"), BAD)
def test_arguments_that_make_no_sense_are_refused(builder, arguments, message):
    with pytest.raises(ValueError, match=message or None):
        builder(**arguments)


def test_the_largest_number_of_blocks_that_is_told_works():
    assert models.cnn((7, 28, 1), 2, filters=(4, 4), dense_units=2).output_shape == (None, 2)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_weights_give_the_same_answers_on_another_backend(backend, tmp_path):
    pytest.importorskip(backend)
    random, handed, answers, recipes = np.random.default_rng(1), {}, [], []
    richest = {builder: arguments for _, builder, arguments, _ in CASES}
    for number, (builder, arguments) in enumerate(richest.items()):
        model = builder(**arguments)
        # Positive numbers, since a variance of a normalisation cannot be negative; centred kernels.
        shapes = [weight.shape for weight in model.weights]
        weights = [random.uniform(0.1, 1, s) if len(s) == 1 else random.normal(scale=0.3, size=s) for s in shapes]
        model.set_weights(weights)
        x = random.normal(size=(5, *arguments["input_shape"])).astype("float32")
        handed |= {f"{number} {index}": weight for index, weight in enumerate(weights)} | {f"{number} x": x}
        answers.append(answer(model, x))
        recipes.append((builder.__name__, arguments))
    np.savez(tmp_path / "handed.npz", **handed)
    command = [sys.executable, "-c", OTHER_BACKEND, tmp_path / "handed.npz", tmp_path / "back.npz", repr(recipes)]
    surroundings = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    back = np.load(tmp_path / "back.npz")
    assert str(back["backend"]) == backend
    for number, expected in enumerate(answers):
        np.testing.assert_allclose(back[str(number)], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "path", [PACKAGE / "layers.py", *sorted((PACKAGE / "models").glob("*.py"))], ids=lambda p: p.name
)
def test_layers_and_models_name_no_backend(path):
    # Docstrings may say on which backends the code runs; code may not depend on one.
    code = re.sub(r'""".*?"""', "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\btf\.|tensorflow|\bjax\b|\btorch\b", code, re.IGNORECASE)


LAYERS = [
    (layers.ConvBlock, {"filters": 3, "kernel_size": 5, "pool_size": 3, "batch_normalization": True}, (2, 3, 3)),
    (layers.ConvBlock, {"filters": 3, "pool_size": 1}, (8, 9, 3)),
    (layers.PatchConv2D, {"filters": 3, "kernel_size": 2}, (7, 8, 3)),
]


def test_every_layer_has_a_case():
    assert {layer.__name__ for layer, _, _ in LAYERS} == set(layers.__all__)


@pytest.mark.parametrize(("layer", "arguments", "shape"), LAYERS)
def test_a_layer_is_built_again_from_its_configuration(layer, arguments, shape):
    first = layer(**arguments, name="mine", dtype="float32")
    x = np.random.default_rng(0).normal(size=(2, 8, 9, 2)).astype("float32")
    expected = answer(first, x)
    assert expected.shape == (2, *shape) == (2, *first(keras.Input((8, 9, 2))).shape[1:])
    assert arguments.items() <= first.get_config().items()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
    assert again.name == "mine" and again.get_config() == first.get_config()
    if not again.built:
        again.build(x.shape)
    again.set_weights(first.get_weights())
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(x)), expected)


@pytest.mark.parametrize("layer", [layers.ConvBlock, layers.PatchConv2D])
def test_a_layer_obeys_its_precision(layer):
    half = layer(2, dtype="mixed_bfloat16")
    answer = half(np.ones((1, 6, 6, 1), "float32"))
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
