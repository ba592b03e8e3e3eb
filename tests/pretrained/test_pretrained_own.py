"""Models that the kit trained itself: the file comes back as it was written, and is one clear error when it is not."""

import json
import re
import shutil

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from bmkit import data, models, pretrained, recipes, scratch
from bmkit.backend import keras
from bmkit.data import manifest
from bmkit.data.cache import sha256_of
from bmkit.data.weights import own_path, weight_files
from bmkit.pretrained import own

TOKENS = np.array([[5, 3, 9, 9, 1]])
OWN = {name: one for name, one in data.weights().items() if one.own}


@pytest.fixture
def written(tmp_path):
    """A tiny model in a file, and what it answers with weights rounded to 16 bits."""
    keras.utils.set_random_seed(0)
    model = models.gpt(12, 8, width=8, depth=1, num_heads=2, positions="rotary", dropout=0.1)
    model.compile("adam", "mse")
    path = tmp_path / "tiny.safetensors"
    own.write_model(path, model, merges=np.array([[0, 1], [256, 2]], "int32"))
    model.set_weights([weight.astype("float16").astype("float32") for weight in model.get_weights()])
    return path, model.predict(TOKENS, verbose=0)


def test_a_model_comes_back_in_32_bits_and_answers_the_same(written):
    path, answer = written
    model, arrays = own.read_model(path)
    np.testing.assert_array_equal(model.predict(TOKENS, verbose=0), answer)
    assert {weight.dtype for weight in model.weights} == {"float32"} and not model.compiled
    assert arrays.keys() == {"merges"} and arrays["merges"].tolist() == [[0, 1], [256, 2]]
    decoder = models.CachedDecoder(model)
    np.testing.assert_allclose(decoder.model_step(TOKENS, decoder.start_cache(1, 8), 0)[0], answer, atol=1e-5)


def test_the_same_model_is_written_as_the_same_bytes(written, tmp_path):
    path, _ = written
    model, arrays = own.read_model(path)
    own.write_model(tmp_path / "again", model, **arrays)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_what_16_bits_do_not_hold_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    for value in (np.nan, 1e6):
        model.set_weights([np.full((1, 1), value), np.zeros(1)])
        with pytest.raises(ValueError, match=r"weight\.000 .* holds what 16 bits do not"):
            own.write_model(tmp_path / "a", model)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_file_cut_short_is_one_clear_error(written, share):
    path, _ = written
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(data.DataError, match=r"tiny\.safetensors cannot be read as a model of the kit .*data verify"):
        own.read_model(path)


def rewrite(path, change, architecture=None):
    """Store the file again with other tensors or another architecture."""
    tensors = load_file(path)
    with safe_open(path, "np") as file:
        architecture = architecture or file.metadata()[own.KEY]
    change(tensors)
    save_file(tensors, path, metadata={own.KEY: architecture})


@pytest.mark.parametrize(
    ("change", "shape"),
    [(lambda t: t.pop("weight.003"), "None"), (lambda t: t.update({"weight.003": np.zeros((2, 2))}), "(2, 2)")],
)
def test_a_missing_or_misshapen_weight_is_named(written, change, shape):
    path, _ = written
    rewrite(path, change)
    with pytest.raises(data.DataError, match=rf"weight 3 has shape {re.escape(shape)}, but .* by its recipe"):
        own.read_model(path)


def test_code_inside_an_architecture_is_refused(written):
    path, _ = written
    harmful = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x)])
    rewrite(path, lambda tensors: None, harmful.to_json())
    with pytest.raises(data.DataError, match=r"cannot be read as a model of the kit .*arbitrary code execution"):
        own.read_model(path)
    save_file({"a": np.zeros(1)}, path)
    with pytest.raises(data.DataError, match=r"cannot be read .*KeyError"):
        own.read_model(path)


def test_texts_become_tokens_and_texts_again():
    text = "low lower lowest"
    pairs = own.BytePairs(scratch.bpe_train(text, 3))
    assert pairs.end == 259 and pairs.encode(text) == scratch.bpe_encode(text, pairs.merges)
    assert pairs.decode(pairs.encode(text)) == text
    assert pairs.decode([259, *pairs.encode("low"), 259]) == "<|end|>low<|end|>" and pairs.decode([]) == ""


@pytest.fixture
def moved(monkeypatch, tmp_path):
    """The kit's own weights in a folder where they may be spoilt."""
    shutil.copytree(manifest.FOLDER, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    return tmp_path / "weights"


@pytest.mark.parametrize("name", OWN)
def test_every_file_of_the_kit_is_small_described_and_made_by_a_recipe(name):
    one = OWN[name]
    assert data.verify([name]) == [] and data.fetch([name]) is None and one.download_bytes == 0
    assert one.own.bytes <= 5_000_000 and one.own.file == f"{name}.safetensors"
    assert one.own.command == f"python3 -m bmkit.recipes {name}" and name in recipes.RECIPES
    assert f"part of the kit), by `{one.own.command}`" in " ".join(str(one).split())
    loaded = pretrained.load(name)
    assert loaded.model.count_params() == one.parameters


def test_the_folder_holds_nothing_that_the_manifest_does_not_know():
    files = [path.name for path in (manifest.FOLDER / "weights").iterdir() if path.suffix != ".toml"]
    assert sorted(files) == sorted(one.own.file for one in OWN.values())


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "it is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes, expected"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "its SHA-256 is"),
    ],
)
def test_a_missing_or_damaged_file_is_never_served(moved, name, spoil, message):
    spoil(own_path(OWN[name].own))
    (problem,) = data.verify([name])
    mend = f"`git checkout data/weights/{name}.safetensors`, or make it again with `python3 -m bmkit.recipes {name}`."
    assert message in problem and problem.endswith(mend)
    with pytest.raises(data.DataError, match=f"the weights {name} cannot be used: .*{message}"), weight_files(name):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_makes_the_same_file_twice(tmp_path, name):
    for number in (1, 2):
        recipes.RECIPES[name](tmp_path / str(number), trial=True)
    assert sha256_of(tmp_path / "1") == sha256_of(tmp_path / "2")
    model, arrays = own.read_model(tmp_path / "1")
    assert model.name == pretrained.load(name).model.name
    if "merges" in arrays:
        assert model.output_shape[-1] == 256 + len(arrays["merges"]) + 1


def test_the_command_writes_the_file_and_says_what_belongs_into_the_manifest(moved, capfd, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "gpt_docstrings", lambda path: path.write_bytes(b"trained"))
    capfd.readouterr()
    assert recipes.main(["gpt_docstrings"]) == 0
    assert (moved / "gpt_docstrings.safetensors").read_bytes() == b"trained"
    assert 'file = "gpt_docstrings.safetensors"\nsha256 = "' in capfd.readouterr().out


@pytest.mark.parametrize("words", [[], ["bert"], ["gpt_docstrings", "twice"]])
def test_wrong_use_of_the_recipes_is_one_line(words, capfd):
    assert recipes.main(words) == 2
    assert (
        capfd.readouterr().err
        == f"bmkit: type: python3 -m bmkit.recipes NAME, with NAME one of {', '.join(recipes.RECIPES)}\n"
    )


def layer_of(class_name, **config):
    return {"module": "keras.layers", "class_name": class_name, "config": config, "registered_name": None}


def sequence(*layers):
    module = {"module": "keras", "class_name": "Sequential", "registered_name": None}
    return module | {"config": {"name": "s", "layers": [layer_of("InputLayer", batch_shape=[None, 1]), *layers]}}


DENSE = layer_of("Dense", units=1)
NESTED = sequence(DENSE)
for _ in range(100):
    NESTED = sequence(NESTED)
ARCHITECTURES = {
    "a list": "[]",
    "nothing": "null",
    "a number": "7",
    "a text": '"Dense"',
    "an empty object": "{}",
    "no JSON": "{",
    "deep lists": "[" * 100_000,
    "deep objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "20,000 layers": json.dumps(sequence(*[DENSE] * 20_000)),
    "600 layers": json.dumps(sequence(*[DENSE] * 600)),
    "models in models": json.dumps(NESTED),
    "a number without end": '{"a": ' + "9" * 100_000 + "}",
    "a layer alone": json.dumps(DENSE),
    "an initializer": json.dumps({"module": "keras.initializers", "class_name": "Zeros", "config": {}}),
    "a layer of 10**9": json.dumps(sequence(layer_of("Dense", units=10**9))),
    "layers of 65,536": json.dumps(sequence(*[layer_of("Dense", units=65_536)] * 40)),
    "an embedding of 4 * 10**9": json.dumps(sequence(layer_of("Embedding", input_dim=65_536, output_dim=65_536))),
    "a Lambda": json.dumps(sequence(layer_of("Lambda", function="os.system"))),
    "a function of another module": json.dumps(sequence({**DENSE, "module": "os", "class_name": "system"})),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_hostile_architecture_is_one_clear_error(tmp_path, name):
    path = tmp_path / "hostile.safetensors"
    save_file({"weight.000": np.zeros((2, 2))}, path, metadata={own.KEY: ARCHITECTURES[name]})
    with pytest.raises(data.DataError, match=r"hostile\.safetensors") as told:
        own.read_model(path)
    assert len(str(told.value)) < 600
    assert own.keras.layers.Layer.add_weight.__name__ == "add_weight"


def test_a_model_is_built_a_little_larger_than_its_weights_and_no_more(tmp_path, monkeypatch):
    path = tmp_path / "small.safetensors"
    save_file(
        {"weight.000": np.zeros(1)}, path, metadata={own.KEY: json.dumps(sequence(DENSE))}
    )  # takes (1, 1) and (1,)
    for spare, message in ((0, "weight 0 has shape"), (-1, "its layers have more than 1 weights, many more")):
        monkeypatch.setattr(own, "SPARE", spare)
        with pytest.raises(data.DataError, match=message):
            own.read_model(path)
