"""Faces: files of LiteRT and dlib read or refused, networks as written out by hand, and the real ones on real faces."""

import os
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import planted_faces as planted
import pytest
from skimage import data as photographs
from sklearn import metrics

from bmkit import data, pretrained
from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.pretrained import blazeface as detection
from bmkit.pretrained import faces
from bmkit.pretrained.dlib_file import read_dlib
from bmkit.pretrained.face_resnet import face_resnet
from bmkit.pretrained.litert_file import read_litert

RANDOM = np.random.default_rng(0)
CONSTANTS = {"a": RANDOM.normal(size=(2, 3)).astype("float32"), "b": RANDOM.normal(size=4).astype("float16")}
CONSTANTS |= {"whole": np.arange(3, dtype="int32")}
LITERT = planted.litert_model(CONSTANTS)
CONVOLUTIONS, MATRIX = planted.random_weights(planted.SIZES)
LAYERS = planted.dlib_layers(CONVOLUTIONS, MATRIX)
DLIB = planted.dlib_network(LAYERS)
U32 = struct.Struct("<I").pack


def stored(folder, content):
    path = folder / "planted.bin"
    path.write_bytes(content)
    return path


def test_the_constants_of_a_litert_file_are_read_as_they_were_meant(tmp_path):
    file = read_litert(stored(tmp_path, LITERT))
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
    path = stored(tmp_path, HOSTILE_LITERT[name])
    with pytest.raises(data.DataError, match=r"planted\.bin cannot be read as a model of LiteRT.*data verify") as told:
        read_litert(path)
    assert str(told.value).isprintable() and len(str(told.value)) < 400


def test_a_constant_whose_bytes_do_not_fit_its_shape_is_one_clear_error(tmp_path):
    wrong = planted.litert_tensor("t", 1, np.zeros((9, 9), "float32"))
    file = read_litert(stored(tmp_path, planted.litert_model({"a": np.zeros(2, "float32")}, more=[wrong])))
    with pytest.raises(data.DataError, match=r"t has 8 bytes for shape \(9, 9\)\. Run"):
        file.array("t", 9, 9)
    nan = read_litert(stored(tmp_path, planted.litert_model({"a": np.array([np.nan], "float32")})))
    with pytest.raises(data.DataError, match="what is no number"):
        nan.array("a", 1)


def test_a_network_of_dlib_is_read_as_it_was_meant(tmp_path):
    file = read_dlib(stored(tmp_path, DLIB))
    assert file.facts["size"] == [40, 40] and np.allclose(file.facts["means"], [122.782, 117.001, 104.298], atol=1e-4)
    assert file.facts["layers"][:4] == ["con", "affine", "relu", "max_pool"] and file.facts["layers"][-1] == "fc"
    assert file.fact("con4", list) == [6, 3, 3, 2, 2, 0, 0] and file.fact("avg_pool1", list) == [2, 2, 2, 2, 0, 0]
    for number, parts in enumerate(CONVOLUTIONS, start=1):
        named = ("con", "kernel"), ("con", "bias"), ("affine", "scale"), ("affine", "shift")
        for (kind, part), values in zip(named, parts, strict=True):
            np.testing.assert_array_equal(file.array(f"{kind}{number}/{part}", *values.shape), values)
    np.testing.assert_array_equal(file.array("fc1/kernel", 6, 5), MATRIX)


def changed(number, layer):
    layers = list(LAYERS)
    layers[number] = layer
    return planted.dlib_network(layers)


HOSTILE_DLIB = {
    "nothing": b"",
    "zeros": bytes(100),
    "another loss": planted.dlib_network(LAYERS, loss="loss_mmod_"),
    "another input": planted.dlib_network(LAYERS, kind="input_grayscale_image"),
    "a layer too many": planted.dlib_network(LAYERS, versions=[2] * len(LAYERS) + [3]),
    "a layer too few": planted.dlib_network(LAYERS, versions=[2] * (len(LAYERS) - 2) + [3]),
    "a layer of version 4": planted.dlib_network(LAYERS, versions=[4, 3]),
    "layers without end": planted.dlib_network(LAYERS, versions=[2] * 20_000),
    "an unknown layer": changed(2, planted.text("prelu_")),
    "a name of 10**9 letters": changed(2, planted.whole(10**9)),
    "a name of -1 letters": changed(2, planted.whole(-1)),
    "a name that is no ASCII": changed(2, planted.whole(2) + "é".encode()),
    "a number of 15 bytes": changed(2, b"\x0f" + bytes(20)),
    "a number of no bytes": changed(2, b"\x00"),
    "a number with a wrong head": changed(2, b"\x11\x05"),
    "a tensor of 2**60 numbers": changed(1, planted.text("affine_") + planted.shape(2**30, 2**30, 1, 1, version=2)),
    "a tensor past the end": changed(1, planted.text("affine_") + planted.shape(2**20, 1, 1, 1, version=2)),
    "a negative size": changed(1, planted.text("affine_") + planted.shape(-2, -2, 1, 1, version=2)),
    "a tensor of version 1": changed(1, planted.text("affine_") + planted.shape(8, 1, 1, 1)),
    "shapes that do not fit": changed(1, planted.affine(np.zeros(4), np.zeros(4)).replace(b"\1\4", b"\1\3")),
    "a last matrix with a bias": changed(-1, planted.dense(MATRIX)[: -len(planted.REALS) - 2] + planted.whole(0)),
    "stored in the middle of a training": DLIB.replace(planted.UNUSED, b"110" + 3 * planted.tensor(np.ones(1)), 1),
    "a mark that is none": DLIB.replace(planted.UNUSED, b"2" + planted.UNUSED[1:], 1),
    "something behind its end": DLIB + b"\0",
    "one byte less": DLIB[:-1],
    "half of it": DLIB[: len(DLIB) // 2],
}


@pytest.mark.parametrize("name", HOSTILE_DLIB)
def test_a_hostile_file_of_dlib_is_one_clear_error(name, tmp_path):
    path = stored(tmp_path, HOSTILE_DLIB[name])
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
            file = read(stored(tmp_path, bytes(mutant)))
            for name, tensor in file.tensors.items():
                file.array(name, *tensor.shape)
        except data.DataError as error:
            assert str(error).isprintable()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**25


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    model = face_resnet(**planted.TINY)
    faces.fill_from_dlib(model, read_dlib(stored(tmp_path_factory.mktemp("dlib"), DLIB)))
    return model


def test_the_network_for_faces_computes_what_is_written_out_in_numpy(tiny):
    picture = np.random.default_rng(1).uniform(0, 255, (40, 40, 3)).astype("float32")
    (found,) = keras.ops.convert_to_numpy(tiny(picture[None]))
    np.testing.assert_allclose(found, planted.by_hand(picture, CONVOLUTIONS, MATRIX), rtol=1e-4, atol=1e-4)


def test_a_file_of_another_network_of_dlib_is_told(tmp_path):
    for wrong, message in [
        (planted.dlib_network(LAYERS[:-1]), r"has the layers \{'con': 5, .*expected \{'con': 5"),
        (planted.dlib_network(LAYERS, side=41), "is for other pictures than 40×40"),
        (planted.dlib_network(LAYERS, means=(0.0, 0.0, 0.0)), "with the means"),
        (changed(4, planted.convolution(*CONVOLUTIONS[1][:2], stride=2, padding=1)), r"con2 has the settings \[4, 3,"),
        (changed(-1, planted.dense(MATRIX[:, :4])), r"fc1/kernel has shape \(6, 4\), expected \(6, 5\)"),
    ]:
        with pytest.raises(data.DataError, match=message):
            faces.fill_from_dlib(face_resnet(**planted.TINY), read_dlib(stored(tmp_path, wrong)))


SMALL = {"stem": 4, "blocks": ((4, 1), (6, 2)), "heads": {0: 2, 1: 3}}


@pytest.mark.parametrize("build", [lambda: detection.blazeface(16, **SMALL), lambda: face_resnet(**planted.TINY)])
def test_the_networks_are_saved_and_loaded_and_name_no_backend(build, tmp_path):
    model = build()
    x = np.random.default_rng(0).uniform(size=(2, *model.input_shape[1:])).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    for a, b in zip(keras.tree.flatten(model(x)), keras.tree.flatten(again(x)), strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))


def test_blazeface_computes_what_is_written_out_in_numpy():
    model = detection.blazeface(16, **SMALL)
    random = np.random.default_rng(0)
    model.set_weights([random.normal(scale=0.4, size=weight.shape) for weight in model.get_weights()])
    picture = random.uniform(-1, 1, (16, 16, 3))

    def layer(x, name, **settings):
        kernel, bias = (weight.astype("float64") for weight in model.get_layer(name).get_weights())
        if "depthwise" in name:
            kernel = np.eye(x.shape[-1])[None, None] * kernel  # (height, width, input, output)
        return planted.convolved(x, kernel.transpose(3, 2, 0, 1), bias, **settings)

    first = np.maximum(layer(picture, "stem_conv", stride=2, before=1, after=2), 0)
    mixed = layer(layer(first, "block0_depthwise_conv", before=1), "block0_project_conv")
    first = np.maximum(first + mixed, 0)
    mixed = layer(layer(first, "block1_depthwise_conv", stride=2, before=0, after=1), "block1_project_conv")
    second = np.maximum(planted.added(planted.pooled(first, 2, 2, np.max), mixed), 0)
    heads = ((first, "block0"), (second, "block1"))
    found = {name: keras.ops.convert_to_numpy(part)[0] for name, part in model(picture[None].astype("float32")).items()}
    boxes = np.concatenate([layer(x, f"{name}_boxes").reshape(-1, 16) for x, name in heads])
    logits = np.concatenate([layer(x, f"{name}_logits").ravel() for x, name in heads])
    np.testing.assert_allclose(found["boxes"], boxes, atol=1e-4)
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4)
    assert len(detection.anchors(16, [(2, 2), (4, 3)])) == len(logits)


def test_networks_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="block1 has 3 channels after 4; expected as many or more"):
        detection.blazeface(16, **SMALL | {"blocks": ((4, 1), (3, 1))})
    for heads in ({}, {5: 2}):
        with pytest.raises(ValueError, match=r"expected at least one of 0 … 1\."):
            detection.blazeface(16, **SMALL | {"heads": heads})


def test_guesses_of_one_face_are_averaged_and_those_of_another_are_not():
    boxes = np.array([[0, 0, 10, 10], [40, 0, 50, 10], [2, 0, 12, 10], [0, 8, 10, 18]], "float64")
    points = boxes[:, None, :2] + np.zeros((4, 6, 1))
    found, marks, scores = detection.average_overlapping(boxes, points, np.array([0.5, 0.6, 0.75, 0.9]))
    # The last overlaps the first by 20 of 180, the third by 16 of 184: both are faces of their own. IoU is 8/12 below.
    assert scores.tolist() == [0.9, 0.75, 0.6]
    np.testing.assert_allclose(found, [boxes[3], (0.5 * boxes[0] + 0.75 * boxes[2]) / 1.25, boxes[1]])
    np.testing.assert_allclose(marks[1], np.tile([1.2, 0.0], (6, 1)))
    empty = detection.average_overlapping(boxes[:0], points[:0], np.zeros(0))
    assert [part.shape for part in empty] == [(0, 4), (0, 6, 2), (0,)]
    flat = detection.average_overlapping(np.zeros((2, 4)), np.zeros((2, 6, 2)), np.array([0.6, 0.7]))
    assert len(flat[2]) == 2, "boxes without an area end, too"


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_similarity_is_found_and_only_a_similarity(mirrored):
    random = np.random.default_rng(0)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    points = random.normal(size=(5, 2))
    targets = 3 * points @ turn.T + [7, -2]
    matrix = faces.similarity(points * [-1 if mirrored else 1, 1], targets)
    assert np.isclose(matrix[:, 0] @ matrix[:, 1], 0) and np.linalg.det(matrix[:, :2]) > 0
    error = np.abs(points @ matrix[:, :2].T + matrix[:, 2] - targets).max()
    assert (error > 0.1) if mirrored else (error < 1e-9)
    for wrong in (np.ones((3, 2)), np.full((3, 2), np.nan)):
        with pytest.raises(ValueError, match="lie on one spot, or are no numbers"):
            faces.similarity(wrong, targets[:3])


@pytest.mark.parametrize("size", [60, 300])
def test_a_drawn_face_is_turned_and_sized_to_where_eyes_and_mouth_belong(size):
    """Three spots of three colours, in any size and turn, come to lie on their places."""
    places = (faces.MEAN_FACE + faces.MARGIN) / 1.5 * 150
    angle = np.radians(35)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    spots = (places - 75) / 150 * size @ turn.T + 250
    y, x = np.mgrid[:500, :500] + 0.5
    picture = np.zeros((500, 500, 3), "uint8")
    for colour, (left, top) in enumerate(spots):
        picture[np.hypot(x - left, y - top) < size / 20, colour] = 255
    points = np.zeros((1, 6, 2))
    points[0, [0, 1, 3]] = spots
    (aligned,) = faces.FaceDetector(None).align(picture, points)
    for colour, place in enumerate(places):
        bright = aligned[..., colour] / aligned[..., colour].sum()
        found = [(bright * axis).sum() for axis in np.mgrid[:150, :150][::-1] + 0.5]
        np.testing.assert_allclose(found, place, atol=0.5)


@pytest.fixture(scope="module")
def planted_faces():
    """Both networks, untrained, and the second of them small."""
    return faces.Faces(detection.blazeface(), face_resnet(**planted.TINY))


def test_any_picture_is_taken_and_what_is_none_is_refused(planted_faces):
    grey = np.random.default_rng(0).integers(0, 255, (31, 90))
    found = [planted_faces.find(picture) for picture in (grey, grey[..., None], np.stack([grey] * 3, axis=-1) * 1.0)]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].boxes, other.boxes)
    for thin in (np.zeros((1, 1)), np.zeros((1, 5000)), np.zeros((5000, 1), "uint8")):
        planted_faces.find(thin)
    none = planted_faces.find(np.zeros((9, 9)), least_score=0.999)
    assert [(part.shape, part.dtype) for part in none] == [((0, 4), "f4"), ((0, 6, 2), "f4"), ((0,), "f4")]
    assert planted_faces.align(grey, none.points).shape == (0, 150, 150, 3)
    for wrong, message in [
        (np.zeros((9, 9, 4)), r"is float64 of shape \(9, 9, 4\); expected numbers of shape \(height, width, 3\)"),
        (np.zeros((0, 9)), r"of shape \(0, 9, 1\)"),
        (np.zeros((1, 9, 9, 3)), "expected numbers of shape"),
        (np.zeros((9, 9), complex), "is complex128"),
        ("a.png", "expected numbers of shape"),
        (np.full((9, 9), 256), "run from 256 to 256; expected 0 to 255"),
        (np.full((9, 9), -1), "run from -1 to -1"),
        (np.full((9, 9), np.nan), "run from nan to nan"),
        (np.full((9, 9), 0.5), "run from 0 to 1; expected 0 to 255: multiply them by 255"),
    ]:
        for use in (planted_faces.find, lambda picture: planted_faces.align(picture, np.ones((1, 6, 2)))):
            with pytest.raises(ValueError, match=message):
                use(wrong)
    for score in (0, 1, -1, float("nan")):
        with pytest.raises(ValueError, match="expected a number above 0 and below 1"):
            planted_faces.find(grey, least_score=score)
    for points in (np.zeros((6, 2)), np.zeros((1, 5, 2)), [[]]):
        with pytest.raises(ValueError, match=r"the points have shape .*expected \(faces, 6, 2\)"):
            planted_faces.align(grey, points)
    with pytest.raises(ValueError, match="expected at least one pixel"):
        planted_faces.align(grey, none.points, side=0)


def test_faces_are_described_in_any_batches(planted_faces):
    aligned = np.random.default_rng(0).integers(0, 255, (5, 40, 40, 3)).astype("uint8")
    numbers = planted_faces.embed(aligned)
    assert numbers.shape == (5, 5) and numbers.dtype == "float32"
    np.testing.assert_allclose(planted_faces.embed(aligned, batch_size=2), numbers, atol=1e-4)
    assert planted_faces.embed(aligned[:0]).shape == (0, 5)
    for wrong in (aligned[0], aligned[:, :39], aligned[..., :1]):
        with pytest.raises(ValueError, match=r"the faces have shape .*expected \(n, 40, 40, 3\)"):
            planted_faces.embed(wrong)
    with pytest.raises(ValueError, match="multiply them by 255"):
        planted_faces.embed(aligned / 255)
    with pytest.raises(ValueError, match="expected at least 1"):
        planted_faces.embed(aligned, batch_size=0)


@pytest.mark.parametrize("name", ["blazeface", "faces"])
def test_the_networks_are_found_by_their_names(name):
    assert pretrained.LOADERS[name] == ("faces", name) and name in data.weights()


@pytest.fixture(scope="module")
def real():
    return pretrained.load("faces")


def pictures_of(detector):
    """Photographs with and without faces, and noise, as the network takes them."""
    shown = [photographs.astronaut(), photographs.chelsea(), photographs.camera()]
    prepared = [detector._square(faces._colours(picture))[0] for picture in shown]
    return np.stack([*prepared, np.random.default_rng(0).uniform(-1, 1, (128, 128, 3))]).astype("float32")


@pytest.mark.slow
def test_blazeface_guesses_what_litert_guesses(real):
    tf = pytest.importorskip("tensorflow")
    with weight_files("blazeface") as folder:
        interpreter = tf.lite.Interpreter(model_content=(folder / faces.DETECTOR_FILE).read_bytes())
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    exits = {detail["name"]: detail["index"] for detail in interpreter.get_output_details()}
    for picture in pictures_of(real):
        interpreter.set_tensor(entry["index"], picture[None])
        interpreter.invoke()
        found = {name: keras.ops.convert_to_numpy(part) for name, part in real.model(picture[None]).items()}
        np.testing.assert_allclose(found["boxes"], interpreter.get_tensor(exits["regressors"]), atol=2e-3)
        np.testing.assert_allclose(found["logits"], interpreter.get_tensor(exits["classificators"])[..., 0], atol=2e-3)


@pytest.mark.slow
def test_the_networks_have_the_weights_that_are_described(real):
    assert real.model.count_params() == data.weights()["blazeface"].parameters
    assert real.model.count_params() + real.embedder.count_params() == data.weights()["faces"].parameters


@pytest.mark.slow
@pytest.mark.parametrize("name", [faces.DETECTOR_FILE, faces.EMBEDDER_FILE])
@pytest.mark.parametrize("damage", ["missing", "cut", "zeros", "swapped"])
def test_a_damaged_file_of_a_real_network_is_one_clear_error(name, damage, tmp_path):
    with weight_files("faces") as folder:
        contents = {file.name: file.read_bytes() for file in folder.iterdir()}
    (other,) = set(contents) - {name}
    whole = contents.pop(name)
    if damage != "missing":
        contents[name] = {"cut": whole[:-1000], "zeros": bytes(len(whole)), "swapped": contents[other]}[damage]
    for file, content in contents.items():
        (tmp_path / file).write_bytes(content)
    with pytest.raises(data.DataError, match=rf"{name} cannot be read as a .*data verify"):
        faces.faces_of(tmp_path)


@pytest.mark.slow
def test_a_load_and_a_first_use_print_nothing():
    code = "import numpy\nfrom bmkit import pretrained\nf = pretrained.load('faces')\nx = numpy.zeros((99, 99, 3))\n"
    code += "f.embed(f.align(x, f.find(x, least_score=1e-9).points[:1]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.slow
def test_what_is_found_is_what_the_makers_of_the_parcel_find(real):
    picture = photographs.astronaut()
    boxes, points, scores = real.find(picture)
    assert boxes.shape == (1, 4) and points.shape == (1, 6, 2) and scores.shape == (1,)
    eyes, ears = points[0, :2], points[0, 4:]
    assert eyes[0, 0] < eyes[1, 0] and ears[0, 0] < eyes[0, 0] < points[0, 2, 0] < eyes[1, 0] < ears[1, 0]
    assert eyes[:, 1].max() < points[0, 2, 1] < points[0, 3, 1], "eyes, nose, mouth from above"
    assert len(real.find(photographs.chelsea()).scores) == len(real.find(photographs.coffee()).scores) == 0


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 20, -20])
def test_faces_anywhere_of_any_size_and_turn_come_to_lie_alike(real, turn):
    from PIL import Image

    face = Image.fromarray(photographs.astronaut()[:250, 100:350]).rotate(turn, Image.Resampling.BICUBIC)
    numbers = []
    for side, corner in ((250, (0, 0)), (250, (150, 40)), (500, (100, 0))):
        picture = Image.new("RGB", (600, 520), (90, 110, 130))
        picture.paste(face.resize((side, side), Image.Resampling.BICUBIC), corner)
        found = real.find(np.asarray(picture))
        assert len(found.scores) == 1 and found.boxes[0, 0] > corner[0] and found.boxes[0, 1] > corner[1]
        numbers.append(real.embed(real.align(np.asarray(picture), found.points))[0])
    upright = real.find(photographs.astronaut())
    (first,) = real.embed(real.align(photographs.astronaut(), upright.points))
    assert max(np.linalg.norm(first - other) for other in numbers) < 0.4


# dlib 20.0 itself (the wheel dlib-bin, by `dlib.face_recognition_model_v1(FILE).compute_face_descriptor(crop)`): the
# first 16 of the 128 numbers, the length of all, and how far the two are from each other.
DLIB_SAYS = [-0.0665, 0.0857, 0.0105, 0.034, -0.0502, -0.0397, -0.0461, -0.1385]
DLIB_SAYS += [0.1292, -0.0368, 0.1761, -0.0732, -0.2606, -0.072, 0.0071, 0.1105]
DLIB_SAYS_OF_A_CAT = [-0.0393, 0.0423, 0.0995, -0.0386, -0.1095, -0.0313, -0.0246, 0.0386]
DLIB_SAYS_OF_A_CAT += [0.102, -0.084, 0.2056, -0.0603, -0.2149, -0.033, -0.0148, 0.1299]


@pytest.mark.slow
def test_the_numbers_of_a_picture_are_those_of_dlib(real):
    crops = np.stack([photographs.astronaut()[30:180, 150:300], photographs.chelsea()[50:200, 100:250]])
    found = real.embed(crops)
    np.testing.assert_allclose(found[:, :16], [DLIB_SAYS, DLIB_SAYS_OF_A_CAT], atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1.36397, 1.39314], atol=2e-4)
    assert np.linalg.norm(found[0] - found[1]) == pytest.approx(0.59580, abs=2e-4)


def equal_error_rate(numbers, people):
    """The share of errors where as many strangers are taken for the same person as the same are not recognised."""
    first, second = np.triu_indices(len(people), 1)
    near = -np.linalg.norm(numbers[first] - numbers[second], axis=1)
    false_accepts, true_accepts, _ = metrics.roc_curve(people[first] == people[second], near)
    place = np.argmin(abs(false_accepts - (1 - true_accepts)))
    return (false_accepts[place] + 1 - true_accepts[place]) / 2


@pytest.mark.slow
def test_forty_people_are_told_apart_when_their_faces_are_aligned(real):
    splits = [data.load("orl_faces").arrays(split) for split in ("train", "validation", "test")]
    pictures = np.concatenate([x for x, _ in splits]) * 255
    people = np.concatenate([y for _, y in splits])
    aligned, resized = [], []
    for picture in pictures:
        found = real.find(picture)
        assert len(found.scores) == 1, "one face a picture"
        aligned.append(real.align(picture, found.points)[0])
        colours = np.repeat(picture, 3, axis=-1)
        resized.append(keras.ops.convert_to_numpy(keras.ops.image.resize(colours, (150, 150))))
    assert equal_error_rate(real.embed(np.array(aligned)), people) <= 0.01
    assert equal_error_rate(real.embed(np.clip(resized, 0, 255)), people) >= 0.04


OTHER_BACKEND = """
import sys
import numpy as np
from skimage import data
from bmkit import pretrained
from bmkit.backend import keras

faces = pretrained.load("faces")
boxes, points, scores = faces.find(data.astronaut())
numbers = faces.embed(faces.align(data.astronaut(), points))
np.savez(sys.argv[1], backend=keras.backend.backend(), boxes=boxes, points=points, scores=scores, numbers=numbers)
"""


@pytest.mark.slow
def test_another_backend_finds_and_says_the_same(real, tmp_path):
    pytest.importorskip("jax")
    surroundings = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    surroundings["PYTHONPATH"] = str(Path(pretrained.__file__).resolve().parents[2])
    command = [sys.executable, "-c", OTHER_BACKEND, tmp_path / "back.npz"]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    back = np.load(tmp_path / "back.npz")
    assert str(back["backend"]) == "jax"
    found = real.find(photographs.astronaut())
    for name, part in found._asdict().items():
        np.testing.assert_allclose(back[name], part, atol=2e-2)
    numbers = real.embed(real.align(photographs.astronaut(), found.points))
    np.testing.assert_allclose(back["numbers"], numbers, atol=2e-2)
