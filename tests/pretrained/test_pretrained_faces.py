"""Faces: networks as written out by hand, guesses averaged, faces aligned, and what is no picture refused."""

import numpy as np
import planted_faces as planted
import pytest

from bmkit import data, pretrained
from bmkit.backend import keras
from bmkit.pretrained import blazeface as detection
from bmkit.pretrained import faces
from bmkit.pretrained.dlib_file import read_dlib
from bmkit.pretrained.face_resnet import face_resnet

LAYERS, CONVOLUTIONS, MATRIX = planted.LAYERS, planted.CONVOLUTIONS, planted.MATRIX


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    model = face_resnet(**planted.TINY)
    faces.fill_from_dlib(model, read_dlib(planted.stored(tmp_path_factory.mktemp("dlib"), planted.DLIB)))
    return model


def test_the_network_for_faces_computes_what_is_written_out_in_numpy(tiny):
    picture = np.random.default_rng(1).uniform(0, 255, (40, 40, 3)).astype("float32")
    (found,) = keras.ops.convert_to_numpy(tiny(picture[None]))
    np.testing.assert_allclose(found, planted.by_hand(picture, CONVOLUTIONS, MATRIX), rtol=1e-4, atol=1e-4)


def test_a_file_of_another_network_of_dlib_is_told(tmp_path):
    faster = planted.convolution(*CONVOLUTIONS[1][:2], stride=2, padding=1)
    for wrong, message in [
        (planted.dlib_network(LAYERS[:-1]), r"has the layers \{'con': 5, .*expected \{'con': 5"),
        (planted.dlib_network(LAYERS, side=41), "is for other pictures than 40×40"),
        (planted.dlib_network(LAYERS, means=(0.0, 0.0, 0.0)), "with the means"),
        (planted.changed(4, faster), r"con2 has the settings \[4, 3,"),
        (planted.changed(-1, planted.dense(MATRIX[:, :4])), r"fc1/kernel has shape \(6, 4\), expected \(6, 5\)"),
    ]:
        with pytest.raises(data.DataError, match=message):
            faces.fill_from_dlib(face_resnet(**planted.TINY), read_dlib(planted.stored(tmp_path, wrong)))


SMALL = {"stem": 4, "blocks": ((4, 1), (6, 2)), "heads": {0: 2, 1: 3}}


@pytest.mark.parametrize("build", [lambda: detection.blazeface(16, **SMALL), lambda: face_resnet(**planted.TINY)])
def test_the_networks_are_saved_and_loaded_and_name_no_backend(build, tmp_path):
    model = build()
    x = np.random.default_rng(0).uniform(size=(2, *model.input_shape[1:])).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    for a, b in zip(keras.tree.flatten(model(x)), keras.tree.flatten(again(x)), strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))


@pytest.mark.parametrize("build", [detection.blazeface, lambda: face_resnet(**planted.TINY)])
def test_the_networks_compute_the_same_compiled_as_step_by_step(build):
    model = build()  # where a compiler joins operations, TensorFlow and JAX have both gone wrong
    x = np.random.default_rng(0).uniform(-1, 1, (3, *model.input_shape[1:])).astype("float32")
    compiled, stepwise = keras.tree.flatten(model.predict(x, verbose=0)), keras.tree.flatten(model(x, training=False))
    for a, b in zip(compiled, stepwise, strict=True):
        np.testing.assert_allclose(a, keras.ops.convert_to_numpy(b), rtol=1e-3, atol=1e-4)


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
        (np.zeros((9, 9, 4)), r"has shape \(9, 9, 4\) and type float64, expected \(height, width, 3\)"),
        (np.zeros((0, 9)), r"has shape \(0, 9\) and type"),
        (np.zeros((1, 9, 9, 3)), "expected .height, width, 3. and 0 to 255"),
        (np.zeros((9, 9), complex), "type complex128"),
        ("a.png", "expected .height, width, 3. and 0 to 255"),
        (np.full((9, 9), 256), "pixels from 256 to 256; expected 0"),
        (np.full((9, 9), -1), "pixels from -1 to -1"),
        (np.full((9, 9), np.nan), "pixels from nan to nan"),
        (np.full((9, 9), 0.5), r"pixels from 0\.5 to 0\.5; expected 0 .*: multiply them by 255"),
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
