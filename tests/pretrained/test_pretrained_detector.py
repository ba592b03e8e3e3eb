"""The object detector: boxes as others compute them, a planted network, and damaged files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import planted_graph as planted
import pytest

from bmkit import data
from bmkit.backend import keras
from bmkit.pretrained import boxes, detector, graph_file, ssd_mobilenet
from bmkit.pretrained.graph_file import read_graph

ROOT = Path(__file__).parents[2]


def drawn(count, seed=0):
    """Draw boxes of all sizes."""
    random = np.random.default_rng(seed)
    middles, sizes = random.uniform(0, 1, (count, 2)), random.uniform(0.02, 0.5, (count, 2))
    return np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1).astype("float32")


def test_overlaps_are_those_of_keras():
    ones, others = drawn(20), drawn(30, seed=1)
    expected = keras.utils.bounding_boxes.compute_iou(ones, others, bounding_box_format="yxyx")
    np.testing.assert_allclose(boxes.intersection_over_union(ones, others), expected, atol=1e-5)
    nothing = np.zeros((1, 4), "float32")
    assert np.asarray(boxes.intersection_over_union(nothing, nothing)).tolist() == [[0]]


def test_offsets_are_those_of_keras_and_come_back():
    wanted, anchors = drawn(1917), boxes.anchor_boxes()
    known = {"variance": [0.1, 0.1, 0.2, 0.2], "anchor_format": "yxyx", "box_format": "yxyx"}
    corners = boxes.to_corners(anchors)
    offsets = boxes.encode(wanted, anchors)
    np.testing.assert_allclose(
        offsets, keras.utils.bounding_boxes.encode_box_to_deltas(corners, wanted, **known), rtol=1e-3, atol=1e-3
    )
    again = keras.utils.bounding_boxes.decode_deltas_to_boxes(corners, offsets, **known)
    np.testing.assert_allclose(again, wanted, atol=1e-5)
    np.testing.assert_allclose(boxes.decode([offsets, offsets], anchors)[1], wanted, atol=1e-5)


@pytest.mark.parametrize("most_overlap", [0.0, 0.3, 0.6, 1.0])
def test_the_same_boxes_are_kept_as_by_tensorflow(most_overlap):
    import tensorflow as tf

    candidates, scores = drawn(200), np.random.default_rng(2).uniform(0, 1, 200).round(2).astype("float32")
    expected = tf.image.non_max_suppression(candidates, scores, 200, most_overlap)
    kept = boxes.non_max_suppression(candidates, scores, most_overlap=most_overlap)
    assert kept.tolist() == expected.numpy().tolist()
    assert boxes.non_max_suppression(np.zeros((0, 4), "float32"), []).tolist() == []


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = tmp_path_factory.mktemp("graph") / "tiny.pb"
    found.write_bytes(planted.graph(planted.weights()).SerializeToString())
    return found


@pytest.fixture(scope="module")
def tiny(path):
    model = planted.tiny()
    ssd_mobilenet.fill_from_graph(model, read_graph(path))
    names = ssd_mobilenet.map_names(planted.SIZES["stages"], 1)
    return detector.ObjectDetector(model, ("cat", "", "dog"), boxes.anchor_boxes(planted.GRIDS), names)


def test_the_constants_are_read_as_tensorflow_wrote_them(path):
    file = read_graph(path)
    expected = planted.weights()
    assert set(file.tensors) == set(expected), "no single numbers, no other types"
    for name, values in expected.items():
        np.testing.assert_array_equal(file.array(name, *values.shape), values)


def test_every_constant_finds_its_place(tiny):
    held = sorted(float(abs(values).sum()) for values in tiny.model.get_weights())
    assert held == pytest.approx(sorted(float(abs(values).sum()) for values in planted.weights().values()))
    block = tiny.model.get_layer("block2_depthwise_norm").get_weights()
    source = f"{planted.BACKBONE}/expanded_conv_2/depthwise/BatchNorm"
    for values, part in zip(block, ("gamma", "beta", "moving_mean", "moving_variance"), strict=True):
        np.testing.assert_array_equal(values, planted.weights()[f"{source}/{part}"])
    np.testing.assert_array_equal(
        tiny.model.get_layer("logits1_conv").get_weights()[1], planted.weights()["BoxPredictor_1/ClassPredictor/biases"]
    )


def test_maps_anchors_and_outputs_belong_together(tiny):
    assert len(tiny.anchors) == 8 * 8 * 3 + 4 * 4 * 6 + 2 * 2 * 6 == tiny.model.output_shape[0][1]
    assert tiny.model.output_shape == [(None, 312, 4), (None, 312, 4)]
    assert tiny.features.output_shape == [(None, 8, 8, 24), (None, 4, 4, 16), (None, 2, 2, 8)]
    # The head of the second map, by hand at one place: a 3×3 window of the map, kernels and biases.
    x = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    seen, (kernel, bias) = tiny.features.predict(x, verbose=0)[1], tiny.model.get_layer("offsets1_conv").get_weights()
    by_hand = (seen[0, 1:4, 0:3, :, None] * kernel).sum(axis=(0, 1, 2)) + bias
    offsets, _ = tiny.model.predict(x, verbose=0)
    place = 8 * 8 * 3 + (2 * 4 + 1) * 6  # row 2, column 1
    np.testing.assert_allclose(offsets[0, place : place + 6].ravel(), by_hand, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(tiny.anchors[place, :2], [2.5 / 4, 1.5 / 4])


def test_a_head_of_ones_own_leaves_the_features_as_they_are(path):
    model = planted.tiny()
    ssd_mobilenet.fill_from_graph(model, read_graph(path))
    found = detector.ObjectDetector(
        model, ("cat", "", "dog"), None, ssd_mobilenet.map_names(planted.SIZES["stages"], 1)
    )
    before = found.features.get_weights()
    head = keras.layers.Conv2D(1, 1)(found.features.outputs[0])
    own = keras.Model(found.features.input, head)
    own.compile("sgd", "mse")
    own.fit(np.full((2, 32, 32, 3), 0.5), np.zeros((2, 8, 8, 1)), epochs=2, verbose=0)
    assert len(own.trainable_weights) == 2
    for first, then in zip(before, found.features.get_weights(), strict=True):
        np.testing.assert_array_equal(first, then)


def test_it_is_saved_and_loaded(tiny, tmp_path):
    tiny.model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    x = np.random.default_rng(1).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    for found, expected in zip(again.predict(x, verbose=0), tiny.model.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("wrong", [{"input_shape": (32, 32)}, {"boxes": (3, 6)}, {"boxes": (3, 6, 6, 6)}])
def test_arguments_that_make_no_sense_are_refused(wrong):
    known = {"input_shape": planted.SHAPE, "num_classes": planted.CLASSES, "boxes": planted.BOXES}
    with pytest.raises(ValueError, match="expected \\(height, width, channels\\) and a number for each map"):
        ssd_mobilenet.ssd_mobilenet(**{**known, **planted.SIZES, **wrong})


class Said:
    """Stands for a network: it says what it is told to, whatever it sees."""

    input_shape = (None, 30, 30, 3)

    def __init__(self, logits):
        self.logits = np.array(logits, "float32")

    def predict(self, prepared, **_):
        assert prepared.shape[1:] == (30, 30, 3)
        return np.zeros((len(prepared), len(self.logits), 4), "float32"), np.stack([self.logits] * len(prepared))


ANCHORS = np.array([[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.45], [0.9, 0.5, 0.4, 0.5]], "float32")
PICTURE = np.full((100, 200, 3), 128, "uint8")


def test_finds_are_told_best_first_in_pixels_and_by_name():
    #        background, cat, nameless, dog: the second box repeats the first for the cat, not for the dog
    logits = [[9, 2, 9, -9], [9, 1, 9, 1.5], [9, -9, 9, 3]]
    found = detector.ObjectDetector(Said(logits), ("cat", "", "dog"), ANCHORS, ()).detect(PICTURE)
    assert found.kinds == ("dog", "cat", "dog")
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp([-3.0, -2.0, -1.5])), rtol=1e-5)
    expected = [[70, 50, 100, 150], [25, 50, 75, 150], [25, 55, 75, 145]]  # the first ends where the picture ends
    np.testing.assert_allclose(found.boxes, expected, atol=1e-3)
    assert found.boxes.dtype == found.scores.dtype == "float32"


def test_thresholds_do_what_they_say():
    logits = [[0, 2, 0, -9], [0, 1, 0, 1.5], [0, -9, 0, 3]]
    one = detector.ObjectDetector(Said(logits), ("cat", "", "dog"), ANCHORS, ())
    assert one.detect(PICTURE, most_overlap=0.95).kinds == ("dog", "cat", "dog", "cat")
    assert one.detect(PICTURE, at_least=0.85).kinds == ("dog", "cat")
    assert one.detect(PICTURE, most=1).kinds == ("dog",)
    nothing = one.detect(PICTURE, at_least=0.99)
    assert nothing.boxes.shape == (0, 4) and nothing.kinds == () and nothing.scores.shape == (0,)
    assert [len(each.kinds) for each in one.detect_all([PICTURE, PICTURE[:50]])] == [3, 3]
    assert len(one.detect_all(PICTURE)) == 1 and len(one.detect_all(np.stack([PICTURE] * 3))) == 3
    for wrong in ({"at_least": 0}, {"at_least": 1.1}, {"at_least": np.nan}, {"most_overlap": -0.1}, {"most": 0}):
        with pytest.raises(ValueError, match=r"expected at_least in \(0, 1\]"):
            one.detect(PICTURE, **wrong)


def test_what_lies_outside_the_picture_is_no_find():
    anchors = np.array([[1.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]], "float32")
    one = detector.ObjectDetector(Said([[0, 9, 0, 0], [0, 1, 0, 0]]), ("cat", "", "dog"), anchors, ())
    assert one.detect(PICTURE, at_least=0.6).boxes.tolist() == [[25, 50, 75, 150]]


@pytest.mark.parametrize("size", [(512, 512), (451, 300), (30, 600), (1, 1), (300, 300)])
def test_pictures_are_resized_as_tensorflow_1_did(size):
    import tensorflow as tf

    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype("uint8")
    one = detector.ObjectDetector(Said([[0] * 4] * 3), ("cat", "", "dog"), ANCHORS, ())
    expected = tf.compat.v1.image.resize_bilinear(picture[None].astype("float32"), (30, 30)).numpy() * (2 / 255) - 1
    np.testing.assert_allclose(one.preprocess(picture), expected, atol=1e-5)
    np.testing.assert_array_equal(one.preprocess([picture.astype("float64")]), one.preprocess(picture))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((8, 8)), r"has shape \(8, 8\) and type float64, expected \(height, width, 3\)"),
        (np.zeros((8, 8, 4), "uint8"), "leave away the fourth channel"),
        (np.zeros((0, 8, 3), "uint8"), r"shape \(0, 8, 3\)"),
        (np.full((8, 8, 3), "a"), "type <U1"),
        (np.full((8, 8, 3), 0.5), r"pixels from 0\.5 to 0\.5; expected 0 \(black\) to 255"),
        (np.full((8, 8, 3), -1), "pixels from -1 to -1"),
        (np.full((8, 8, 3), 256), "pixels from 256 to 256"),
        (np.full((8, 8, 3), np.nan), "pixels from nan to nan"),
        ("a.png", "and type <U"),
    ],
)
def test_what_is_no_picture_is_told(picture, message):
    one = detector.ObjectDetector(Said([[0] * 4] * 3), ("cat", "", "dog"), ANCHORS, ())
    for use in (one.preprocess, one.detect_all):
        with pytest.raises(ValueError, match=message):
            use([picture])
    with pytest.raises(ValueError, match="there is no picture"):
        one.detect_all([])


KERNEL = f"{planted.BACKBONE}/Conv/weights"
VARIANCE = f"{planted.BACKBONE}/Conv/BatchNorm/moving_variance"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({KERNEL: None}, f"has no tensor '{KERNEL}', which the model needs"),
        ({KERNEL: np.zeros((3, 3, 3, 5), "float32")}, r"has shape \(3, 3, 3, 5\), expected \(3, 3, 3, 4\)"),
        ({KERNEL: np.zeros((3, 3, 3, 4), "float64")}, f"has no tensor '{KERNEL}'"),
        ({KERNEL: np.full((3, 3, 3, 4), np.inf, "float32")}, "holds infinite numbers"),
        ({VARIANCE: np.array([1, 1, 1, -1], "float32")}, "holds negative numbers, expected variances"),
    ],
)
def test_another_network_is_one_clear_error(tmp_path, changed, message):
    constants = {name: values for name, values in (planted.weights() | changed).items() if values is not None}
    (tmp_path / "other.pb").write_bytes(planted.graph(constants).SerializeToString())
    with pytest.raises(data.DataError, match=f"other.pb.*{message}.*data verify"):
        ssd_mobilenet.fill_from_graph(planted.tiny(), read_graph(tmp_path / "other.pb"))


def message(field, content):
    """Write one field of a protocol buffer with contents of less than 128 bytes."""
    assert len(content) < 128
    return bytes([field << 3 | 2, len(content)]) + content


def constant(tensor, *, name=b"c", key=b"value"):
    """Write a graph of one constant."""
    setting = message(1, key) + message(2, message(8, tensor))
    return message(1, message(1, name) + message(2, b"Const") + message(5, setting))


def tensor(shape=(2,), numbers=bytes(8), kind=1):
    axes = b"".join(message(2, b"\x08" + size if isinstance(size, bytes) else bytes([8, size])) for size in shape)
    return bytes([8, kind]) + message(2, axes) + message(4, numbers)


ENDLESS = b"\x80" * 9
HOSTILE = {
    "nothing": b"",
    "a text": b"Once upon a time there was a graph.",
    "zeros": bytes(1000),
    "no operations": message(4, b"\x08\x18"),
    "cut short": constant(tensor())[:-1],
    "a length past the end": b"\x0a\x7f" + constant(tensor()),
    "a length of 2**63": b"\x0a" + ENDLESS + b"\x01",
    "a number without an end": b"\x08" + b"\x80" * 11,
    "a number cut short": b"\x08\x80",
    "a field packed in an unknown way": b"\x0b" + constant(tensor()),
    "an operation without a name": message(1, message(2, b"Const")),
    "an operation that is a number": b"\x08\x07",
    "a name that is a number": message(1, b"\x08\x07" + message(2, b"Const")),
    "a name that is no UTF-8": constant(tensor(), name=b"\xff"),
    "a name twice": constant(tensor()) * 2,
    "a setting without a key": message(1, message(1, b"c") + message(2, b"Const") + message(5, message(2, b""))),
    "a value that is no tensor": message(
        1, message(1, b"c") + message(2, b"Const") + message(5, message(1, b"value") + message(2, b"\x18\x01"))
    ),
    "too many numbers": constant(tensor(numbers=bytes(12))),
    "too few numbers": constant(tensor(numbers=bytes(4))),
    "a size of 2**63": constant(tensor(shape=(ENDLESS + b"\x01",))),
    "a size of -1": constant(tensor(shape=(b"\xff" * 9 + b"\x01",))),
    "sizes whose product wraps to 2": constant(tensor(shape=(b"\x82" + b"\x80" * 8 + b"\x01", 1))),
    "nine axes": constant(tensor(shape=(1,) * 9, numbers=bytes(4))),
    "more fields than a graph has": b"\x20\x01" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(graph_file, "MOST_FIELDS", 50_000)
    path = tmp_path / "hostile.pb"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(data.DataError, match=r"hostile.pb cannot be read as a frozen graph.*data verify") as told:
        read_graph(path)
    assert str(told.value).isprintable() and len(str(told.value)) < 500


def test_mutants_of_an_honest_graph_are_read_or_refused(tmp_path, path):
    honest, random, mutant = (
        constant(tensor()) + constant(tensor(), name=b"d"),
        np.random.default_rng(0),
        tmp_path / "m",
    )
    for _ in range(1000):
        content = bytearray(honest)
        for _ in range(random.integers(1, 4)):
            content[random.integers(len(content))] = random.integers(256)
        mutant.write_bytes(content)
        try:
            file = read_graph(mutant)
            assert all(file.array(name, *found.shape).dtype == "float32" for name, found in file.tensors.items())
        except data.DataError as error:
            assert str(error).isprintable()


OTHER_BACKEND = """
import sys
import numpy as np
import planted_graph as planted
from bmkit.backend import keras
from bmkit.pretrained import boxes

handed, model = np.load(sys.argv[1]), planted.tiny()
model.set_weights([handed[str(number)] for number in range(len(model.weights))])
offsets, logits = model.predict(handed["x"], verbose=0)
decoded = keras.ops.convert_to_numpy(boxes.decode(offsets, boxes.anchor_boxes(planted.GRIDS)))
kept = boxes.non_max_suppression(decoded[0], logits[0, :, 1])
np.savez(sys.argv[2], backend=keras.backend.backend(), offsets=offsets, logits=logits, decoded=decoded, kept=kept)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_weights_give_the_same_answers_on_another_backend(tiny, backend, tmp_path):
    pytest.importorskip(backend)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    np.savez(tmp_path / "handed.npz", x=x, **{str(n): weight for n, weight in enumerate(tiny.model.get_weights())})
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    surroundings = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "PYTHONPATH": paths}
    command = [sys.executable, "-c", OTHER_BACKEND, tmp_path / "handed.npz", tmp_path / "back.npz"]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    back, (offsets, logits) = np.load(tmp_path / "back.npz"), tiny.model.predict(x, verbose=0)
    assert str(back["backend"]) == backend
    np.testing.assert_allclose(back["offsets"], offsets, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(back["logits"], logits, rtol=1e-3, atol=1e-4)
    decoded = keras.ops.convert_to_numpy(boxes.decode(offsets, tiny.anchors))
    np.testing.assert_allclose(back["decoded"], decoded, rtol=1e-3, atol=1e-3)
    assert len(back["kept"]) >= 1


@pytest.mark.parametrize("module", [boxes, ssd_mobilenet, detector])
def test_no_backend_is_named(module):
    code = re.sub(r'""".*?"""', "", Path(module.__file__).read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\btf\.|tensorflow|\bjax\b|\btorch\b", code, re.IGNORECASE)
