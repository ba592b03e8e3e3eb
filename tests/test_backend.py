"""In a learner's own script: Keras as the course writes it, or one sentence that says why not."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import hostile
import pytest

from bmkit import surroundings

ROOT = Path(surroundings.__file__).resolve().parent.parent
SCRIPT = """
from bmkit.backend import keras
config = keras.config
print(keras.backend.backend(), config.floatx(), config.image_data_format(), config.epsilon() < 1e-6)
"""


def run(folder, **variables):
    (folder / "script.py").write_text(SCRIPT)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERAS_")}
    surroundings = {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **variables}
    command = [sys.executable, str(folder / "script.py")]
    return subprocess.run(command, env=surroundings, capture_output=True, encoding="utf-8", timeout=200)


def last(done):
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_the_users_keras_json_is_told_and_not_used(tmp_path):
    home = str(hostile.home(tmp_path / "home"))
    done = run(tmp_path, HOME=home, USERPROFILE=home)
    assert done.stdout.split() == ["tensorflow", "float32", "channels_last", "True"]
    assert done.stderr.count("\n") == 1 and "keras.json are not used here" in done.stderr
    assert "floatx float16" in done.stderr and "image_data_format channels_first" in done.stderr


@pytest.mark.parametrize("text", ["[]", '{"floatx": "bfloat16"}', "[" * 100_000], ids=["list", "value", "deep"])
def test_a_keras_json_that_stops_keras_is_named(text, tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(text)
    told = last(run(tmp_path, HOME=str(tmp_path), USERPROFILE=str(tmp_path)))
    assert "BackendError: Keras cannot be loaded" in told and "keras.json" in told


def test_a_backend_that_keras_does_not_have_is_refused(tmp_path):
    told = last(run(tmp_path, KERAS_BACKEND="theano"))
    assert "KERAS_BACKEND is 'theano'" in told and "unset the variable" in told


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed here")
def test_a_backend_that_is_not_installed_is_one_sentence(tmp_path):
    told = last(run(tmp_path, KERAS_BACKEND="torch"))
    assert "asks for torch, which is not installed here; unset the variable" in told


@pytest.mark.parametrize("name", ["numpy.py", "keras.py", "tensorflow/__init__.py"])
def test_a_file_that_hides_a_library_is_named(name, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("answer = 42\n")
    told = last(run(tmp_path))
    assert "loaded in their place: " + name.split("/")[0].removesuffix(".py") in told and "rename" in told


FIRST_COMPILED = """
from bmkit.backend import keras
import tensorflow as tf
tf.function(lambda x: 2 * x, jit_compile=True)(tf.ones(3))
print("compiled")
tf.matmul(tf.ones((3, 2)), tf.ones((3, 2)))
"""


@pytest.mark.slow
def test_the_first_compiled_function_says_nothing_and_an_error_is_raised_as_ever():
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    kept["PYTHONIOENCODING"] = "utf-8"
    done = subprocess.run([sys.executable, "-c", FIRST_COMPILED], env=kept, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout) == (1, "compiled\n")
    assert done.stderr.startswith("Traceback") and "InvalidArgumentError" in done.stderr, done.stderr
