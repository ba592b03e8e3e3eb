"""The architecture of EfficientNet-Lite keeps the contract of every model: size, learning, logits, saving, backends."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bmkit import scratch, train
from bmkit.backend import keras
from bmkit.pretrained import efficientnet_lite as architecture
from bmkit.pretrained.efficientnet_lite import efficientnet_lite

pytestmark = pytest.mark.slow
FILE = Path(architecture.__file__)
ADDED = ["block0_add", "block2_add"]  # block1 halves the picture and has more channels than its input
TINY = {"stages": ((1, 3, 1, 1, 8), (2, 3, 2, 2, 16)), "stem": 8, "head": 32, "dropout": 0.0}
OTHER_BACKEND = f"""
import sys
import numpy as np
from bmkit.backend import keras
from bmkit.pretrained.efficientnet_lite import efficientnet_lite

handed = np.load(sys.argv[1])
model = efficientnet_lite((8, 8, 2), 3, **{TINY!r})
model.set_weights([handed[str(number)] for number in range(len(model.weights))])
np.savez(sys.argv[2], backend=keras.backend.backend(), y=model(handed["x"], training=False))
"""


def answer(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


@pytest.fixture(scope="module")
def trained():
    """A tiny network trained on eight pictures until it knows them, the pictures, their classes and the losses."""
    train.seed(0)
    model = efficientnet_lite((8, 8, 2), 3, **TINY)
    x, y = np.random.default_rng(0).normal(size=(8, 8, 8, 2)).astype("float32"), np.arange(8) % 3
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss=loss, jit_compile=False)
    return model, x, y, model.fit(x, y, batch_size=8, epochs=25, verbose=0).history["loss"]


def test_it_has_the_size_that_the_formulas_give(trained):
    def norm(filters):
        return 4 * filters

    def block(inputs, inner, outputs):  # 1×1 kernel, 3×3 for each channel, 1×1 kernel; each normalised, no biases
        return inputs * inner + norm(inner) + 9 * inner + norm(inner) + inner * outputs + norm(outputs)

    stem = 9 * 2 * 8 + norm(8)
    first = 9 * 8 + norm(8) + 8 * 8 + norm(8)  # expansion 1: nothing to widen
    last = 16 * 32 + norm(32) + scratch.conv2d_parameters(1, 1, 32, 3)
    model = trained[0]
    assert model.count_params() == stem + first + block(8, 16, 16) + block(16, 32, 16) + last
    assert (model.input_shape, model.output_shape) == ((None, 8, 8, 2), (None, 3))
    assert efficientnet_lite().count_params() == 4_694_024  # as published: 4.7 million


def test_it_learns_eight_pictures_by_heart(trained):
    model, x, y, losses = trained
    assert losses[1] < losses[0] and losses[-1] < losses[0] / 2
    assert (answer(model, x).argmax(axis=-1) == y).all()


def test_it_ends_in_logits_and_is_saved_and_loaded(trained, tmp_path):
    model, x, *_ = trained
    assert model.layers[-1].name == "logits" and model.layers[-1].activation is keras.activations.linear
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(answer(again, x), answer(model, x))


def test_the_input_is_added_where_the_shape_stays_only(trained):
    assert [layer.name for layer in trained[0].layers if isinstance(layer, keras.layers.Add)] == ADDED


def test_dropout_is_there_when_asked_for():
    def rates(dropout):
        model = efficientnet_lite((8, 8, 3), 2, **TINY | {"dropout": dropout})
        return [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]

    assert (rates(0.0), rates(0.25)) == ([], [0.25])


@pytest.mark.parametrize("wrong", [{"input_shape": (8, 8)}, {"num_classes": 0}, {"dropout": 1.5}])
def test_arguments_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError):
        efficientnet_lite(**{"input_shape": (8, 8, 3), "num_classes": 2, **TINY, **wrong})


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_weights_give_the_same_answers_on_another_backend(trained, backend, tmp_path):
    pytest.importorskip(backend)
    model, x, *_ = trained
    np.savez(tmp_path / "handed.npz", x=x, **{str(n): weight for n, weight in enumerate(model.get_weights())})
    command = [sys.executable, "-c", OTHER_BACKEND, tmp_path / "handed.npz", tmp_path / "back.npz"]
    root = str(FILE.parents[2])
    surroundings = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "PYTHONPATH": root}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    back = np.load(tmp_path / "back.npz")
    assert str(back["backend"]) == backend
    np.testing.assert_allclose(back["y"], answer(model, x), rtol=1e-4, atol=1e-5)


def test_it_names_no_backend():
    code = re.sub(r'""".*?"""', "", FILE.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\btf\.|tensorflow|\bjax\b|\btorch\b", code, re.IGNORECASE)
