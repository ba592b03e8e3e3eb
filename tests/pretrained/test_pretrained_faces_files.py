"""Planted files of LiteRT and dlib: read as they were meant, or one clear error."""

import struct
import tracemalloc

import numpy as np
import planted_faces as planted
import pytest

from bmkit import data
from bmkit.pretrained.dlib_file import read_dlib
from bmkit.pretrained.litert_file import read_litert

RANDOM = np.random.default_rng(0)
CONSTANTS = {"a": RANDOM.normal(size=(2, 3)).astype("float32"), "b": RANDOM.normal(size=4).astype("float16")}
CONSTANTS |= {"whole": np.arange(3, dtype="int32")}
LITERT = planted.litert_model(CONSTANTS)
LAYERS, DLIB = planted.LAYERS, planted.DLIB
U32 = struct.Struct("<I").pack


def test_the_constants_of_a_litert_file_are_read_as_they_were_meant(tmp_path):
    file = read_litert(planted.stored(tmp_path, LITERT))
    assert set(file.tensors) == set(CONSTANTS), "what is computed is no constant"
    for name in "ab":
        np.testing.assert_array_equal(file.array(name, *CONSTANTS[name].shape), CONSTANTS[name].astype("float32"))
    with pytest.raises(data.DataError, match=r"whole is of type 2, expected 0 or 1, which are floats.*data verify"):
        file.array("whole", 3)
    with pytest.raises(data.DataError, match=r"a has shape \(2, 3\), expected \(3, 2\)"):
        file.array("a", 3, 2)
    with pytest.raises(data.DataError, match="has no tensor 'c'"):
        file.array("c", 1)


def one(field, value):
    """A LiteRT file with a tensor one of whose fields is another."""
    return planted.litert_model({}, more=[planted.litert_tensor("t", 0, np.zeros(2, "float32"), {field: value})])


def with_root(place):
    return U32(place) + LITERT[4:]


HOSTILE_LITERT = {
    "nothing": b"",
    "zeros": bytes(100),
    "another magic": planted.litert_model(CONSTANTS, magic=b"TFL2"),
    "another version": planted.litert_model(CONSTANTS, version=2),
    "no graph": planted.litert_model(CONSTANTS, graphs=0),
    "two graphs": planted.litert_model(CONSTANTS, graphs=2),
    "a root past the end": with_root(len(LITERT)),
    "a root of 2**32 - 1": with_root(2**32 - 1),
    "a list of places before the beginning": U32(8) + b"TFL3" + struct.pack("<i", 1000) + bytes(64),
    "a list of places past the end": U32(8) + b"TFL3" + struct.pack("<i", -1000) + bytes(64),
    "2**32 - 1 buffers": planted.litert_model(CONSTANTS, buffers=planted.tables(count=2**32 - 1)),
    "a million buffers": planted.litert_model(CONSTANTS, buffers=planted.tables(count=10**6)),
    "no buffers": planted.litert_model(CONSTANTS, buffers=planted.tables()),
    "a buffer past the end": planted.litert_model(
        CONSTANTS, buffers=planted.tables(*[planted.table({0: planted.content(b"x", 10**9)})] * 4)
    ),
    "a buffer that there is not": one(2, U32(9)),
    "a name twice": planted.litert_model(
        {"t": np.zeros(2, "float32")}, more=[planted.litert_tensor("t", 1, np.zeros(2, "float32"))]
    ),
    "a name that is no UTF-8": one(3, planted.content(b"\xff")),
    "a name past the end": one(3, planted.content(b"t", 2**31)),
    "a negative size": one(0, planted.numbers([-2, 3])),
    "a size of 0": one(0, planted.numbers([0])),
    "six axes": one(0, planted.numbers([1] * 6)),
    "2**31 axes": one(0, planted.content(bytes(4), 2**31)),
    "a tensor without its zeros": one(6, planted.table({})),
    "half of it": LITERT[: len(LITERT) // 2],
}


@pytest.mark.parametrize("name", HOSTILE_LITERT)
def test_a_hostile_litert_file_is_one_clear_error(name, tmp_path):
    path = planted.stored(tmp_path, HOSTILE_LITERT[name])
    with pytest.raises(data.DataError, match=r"planted\.bin cannot be read as a model of LiteRT.*data verify") as told:
        read_litert(path)
    assert str(told.value).isprintable() and len(str(told.value)) < 400


def test_a_constant_whose_bytes_do_not_fit_its_shape_is_one_clear_error(tmp_path):
    wrong = planted.litert_tensor("t", 1, np.zeros((9, 9), "float32"))
    file = read_litert(planted.stored(tmp_path, planted.litert_model({"a": np.zeros(2, "float32")}, more=[wrong])))
    with pytest.raises(data.DataError, match=r"t has 8 bytes for shape \(9, 9\)\. Run"):
        file.array("t", 9, 9)
    nan = read_litert(planted.stored(tmp_path, planted.litert_model({"a": np.array([np.nan], "float32")})))
    with pytest.raises(data.DataError, match="what is no number"):
        nan.array("a", 1)


def test_a_network_of_dlib_is_read_as_it_was_meant(tmp_path):
    file = read_dlib(planted.stored(tmp_path, DLIB))
    assert file.facts["size"] == [40, 40] and np.allclose(file.facts["means"], [122.782, 117.001, 104.298], atol=1e-4)
    assert file.facts["layers"][:4] == ["con", "affine", "relu", "max_pool"] and file.facts["layers"][-1] == "fc"
    assert file.fact("con4", list) == [6, 3, 3, 2, 2, 0, 0] and file.fact("avg_pool1", list) == [2, 2, 2, 2, 0, 0]
    for number, parts in enumerate(planted.CONVOLUTIONS, start=1):
        named = ("con", "kernel"), ("con", "bias"), ("affine", "scale"), ("affine", "shift")
        for (kind, part), values in zip(named, parts, strict=True):
            np.testing.assert_array_equal(file.array(f"{kind}{number}/{part}", *values.shape), values)
    np.testing.assert_array_equal(file.array("fc1/kernel", 6, 5), planted.MATRIX)


def affine_of(*sizes, version):
    """A file of dlib whose second layer has a tensor of such a shape."""
    return planted.changed(1, planted.text("affine_") + planted.shape(*sizes, version=version))


HOSTILE_DLIB = {
    "nothing": b"",
    "zeros": bytes(100),
    "another loss": planted.dlib_network(LAYERS, loss="loss_mmod_"),
    "another input": planted.dlib_network(LAYERS, kind="input_grayscale_image"),
    "a layer too many": planted.dlib_network(LAYERS, versions=[2] * len(LAYERS) + [3]),
    "a layer too few": planted.dlib_network(LAYERS, versions=[2] * (len(LAYERS) - 2) + [3]),
    "a layer of version 4": planted.dlib_network(LAYERS, versions=[4, 3]),
    "layers without end": planted.dlib_network(LAYERS, versions=[2] * 20_000),
    "an unknown layer": planted.changed(2, planted.text("prelu_")),
    "a name of 10**9 letters": planted.changed(2, planted.whole(10**9)),
    "a name of -1 letters": planted.changed(2, planted.whole(-1)),
    "a name that is no ASCII": planted.changed(2, planted.whole(2) + "é".encode()),
    "a number of 15 bytes": planted.changed(2, b"\x0f" + bytes(20)),
    "a number of no bytes": planted.changed(2, b"\x00"),
    "a number with a wrong head": planted.changed(2, b"\x11\x05"),
    "a tensor of 2**60 numbers": planted.changed(
        1, planted.text("affine_") + planted.shape(2**30, 2**30, 1, 1, version=2)
    ),
    "a tensor past the end": affine_of(2**20, 1, 1, 1, version=2),
    "a negative size": affine_of(-2, -2, 1, 1, version=2),
    "a tensor of version 1": affine_of(8, 1, 1, 1, version=1),
    "shapes that do not fit": planted.changed(1, planted.affine(np.zeros(4), np.zeros(4)).replace(b"\1\4", b"\1\3")),
    "a last matrix with a bias": planted.changed(
        -1, planted.dense(planted.MATRIX)[: -len(planted.REALS) - 2] + planted.whole(0)
    ),
    "stored in the middle of a training": DLIB.replace(planted.UNUSED, b"110" + 3 * planted.tensor(np.ones(1)), 1),
    "a mark that is none": DLIB.replace(planted.UNUSED, b"2" + planted.UNUSED[1:], 1),
    "something behind its end": DLIB + b"\0",
    "one byte less": DLIB[:-1],
    "half of it": DLIB[: len(DLIB) // 2],
}


@pytest.mark.parametrize("name", HOSTILE_DLIB)
def test_a_hostile_file_of_dlib_is_one_clear_error(name, tmp_path):
    path = planted.stored(tmp_path, HOSTILE_DLIB[name])
    with pytest.raises(data.DataError, match=r"planted\.bin cannot be read as a network of dlib.*data verify") as told:
        read_dlib(path)
    assert str(told.value).isprintable() and len(str(told.value)) < 400


@pytest.mark.parametrize(("read", "honest"), [(read_litert, LITERT), (read_dlib, DLIB)])
def test_mutants_of_an_honest_file_are_read_or_refused(read, honest, tmp_path):
    random = np.random.default_rng(0)
    tracemalloc.start()
    for _ in range(300):
        mutant = bytearray(honest)
        place = int(random.integers(len(mutant)))
        mutant[place : place + int(random.integers(3))] = random.bytes(int(random.integers(3)))
        try:
            file = read(planted.stored(tmp_path, bytes(mutant)))
            for name, tensor in file.tensors.items():
                file.array(name, *tensor.shape)
        except data.DataError as error:
            assert str(error).isprintable()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**25
