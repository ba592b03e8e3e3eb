"""One contract for every model builder: shape, size, learning, saving, the same answer on any backend."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from model_cases import CASES, PER_TOKEN, VOCABULARY, examples

from bmkit import models, train
from bmkit.backend import keras

pytestmark = pytest.mark.slow
PACKAGE = Path(train.__file__).resolve().parents[1]

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
    (models.spectrogram_cnn, {"input_shape": (None, 7), "num_classes": 2}, "each at least 8"),
    (models.rnn, {"input_shape": (None,), "num_outputs": 2}, "with embedding="),
    (models.rnn, {"input_shape": (None, 3), "num_outputs": 2, "embedding": (9, 4)}, "without an"),
    (models.rnn, {"input_shape": (None, 3), "num_outputs": 2, "cell": "LSTM"}, "one of simple_rnn, lstm, gru"),
    (models.rnn_encoder_decoder, {"source_vocabulary": 9, "target_vocabulary": 9, "cell": "rnn"}, "expected one of"),
    (models.transformer, {"source_vocabulary": 9, "target_vocabulary": 9, "num_heads": 5}, "choose a divisor"),
    (models.transformer, {"source_vocabulary": 9, "target_vocabulary": 9, "positions": "learned"}, "longest length"),
    (models.transformer_classifier, {"vocabulary_size": 9, "num_classes": 2, "pool": "max"}, "'mean' or 'last'"),
    (models.transformer_classifier, {"vocabulary_size": 9, "num_classes": 2, "positions": "none"}, "one of learned"),
    (models.bert, {"vocabulary_size": 9, "length": 5, "width": 9, "num_heads": 3}, "an even number"),
    (models.bert_classifier, {"model": models.mlp((4,), 2), "num_classes": 2}, "named 'encoded'"),
    (models.bert_masked_lm, {"model": models.mlp((4,), 2), "num_places": 2}, "'encoded' and 'logits'"),
    (models.gpt, {"vocabulary_size": 9, "length": 5, "width": 12, "positions": "rotary"}, "an even size"),
    (models.CachedDecoder, {"model": models.mlp((4,), 2)}, "not made of causal blocks"),
    (models.resnet, {"input_shape": (8, 8, 1), "num_classes": 2, "filters": (8, 4), "blocks": (1, 1)}, "never fewer"),
    (models.resnet, {"input_shape": (8, 8, 1), "num_classes": 2, "filters": (8,)}, "one number of filters a stage"),
    (models.resnet, {"input_shape": (3, 8, 1), "num_classes": 2}, "at least 4 pixels"),
]

OTHER_BACKEND = """
import sys
import numpy as np
from bmkit.backend import keras
from model_cases import CASES

handed, answers = np.load(sys.argv[1]), {}
for case, builder, arguments, _ in CASES:
    if f"{case} x0" in handed:
        model = builder(**arguments)
        model.set_weights([handed[f"{case} {index}"] for index in range(len(model.weights))])
        x = [handed[f"{case} x{index}"] for index in range(len(model.inputs))]
        answers[case] = keras.ops.convert_to_numpy(model(x if len(x) > 1 else x[0], training=False))
np.savez(sys.argv[2], backend=keras.backend.backend(), **answers)
"""


@pytest.fixture(scope="module", params=CASES, ids=[case[0] for case in CASES])
def trained(request):
    """A builder's model, trained on one batch of eight examples until it knows them."""
    _, builder, arguments, parameters = request.param
    train.seed(0)
    model = builder(**arguments)
    x, y = examples(model)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss=loss, jit_compile=False)
    losses = model.fit(x, y, batch_size=8, epochs=100, verbose=0).history["loss"]
    known = {"builder": builder.__name__, "parameters": parameters, "given": arguments}
    return SimpleNamespace(model=model, x=x, y=y, losses=losses, **known)


def answer(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


def test_every_builder_has_a_case():
    assert {builder.__name__ for _, builder, _, _ in CASES} == set(models.__all__) - {"CachedDecoder"}


def test_a_model_has_the_shape_and_the_size_that_the_formulas_give(trained):
    shape, steps = trained.given.get("input_shape"), trained.builder in PER_TOKEN
    last = VOCABULARY if steps else trained.given.get("num_classes") or trained.given["num_outputs"]
    assert shape is None or trained.model.input_shape == (None, *shape)
    assert trained.model.output_shape == (None, *[trained.given.get("num_places")] * steps, last)
    assert trained.model.count_params() == trained.parameters
    assert answer(trained.model, trained.x).shape == (8, *[6] * steps, last)


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
    random, handed, answers = np.random.default_rng(1), {}, {}
    richest = {builder: (case, arguments) for case, builder, arguments, _ in CASES}
    for builder, (case, arguments) in richest.items():
        model = builder(**arguments)
        # Positive numbers, since a variance of a normalisation cannot be negative; centred kernels.
        shapes = [weight.shape for weight in model.weights]
        weights = [random.uniform(0.1, 1, s) if len(s) == 1 else random.normal(scale=0.3, size=s) for s in shapes]
        model.set_weights(weights)
        x, _ = examples(model, count=5, seed=1)
        handed |= {f"{case} {index}": weight for index, weight in enumerate(weights)}
        handed |= {f"{case} x{index}": part for index, part in enumerate(x if isinstance(x, list) else [x])}
        answers[case] = answer(model, x)
    np.savez(tmp_path / "handed.npz", **handed)
    command = [sys.executable, "-c", OTHER_BACKEND, tmp_path / "handed.npz", tmp_path / "back.npz"]
    path = os.pathsep.join([str(PACKAGE.parent), str(Path(__file__).parent)])
    surroundings = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    back = np.load(tmp_path / "back.npz")
    assert str(back["backend"]) == backend
    for case, expected in answers.items():
        tolerance = 1e-5 * max(1.0, abs(expected).max())
        np.testing.assert_allclose(back[case], expected, rtol=1e-5, atol=tolerance, err_msg=case)


@pytest.mark.parametrize(
    "path",
    [path for folder in ("layers", "models") for path in sorted((PACKAGE / folder).glob("*.py"))],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_layers_and_models_name_no_backend(path):
    # Docstrings may say on which backends the code runs; code may not depend on one.
    code = re.sub(r'""".*?"""', "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\btf\.|tensorflow|\bjax\b|\btorch\b", code, re.IGNORECASE)
