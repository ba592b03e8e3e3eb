"""What the C++ parts of the backend write at their first use never reaches a learner; errors do."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

FIRST_COMPILED = """
from bmkit.backend import keras
import tensorflow as tf
tf.function(lambda x: 2 * x, jit_compile=True)(tf.ones(3))
print("compiled")
tf.matmul(tf.ones((3, 2)), tf.ones((3, 2)))
"""


def test_the_first_compiled_function_says_nothing_and_an_error_is_raised_as_ever():
    surroundings = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    run = subprocess.run([sys.executable, "-c", FIRST_COMPILED], env=surroundings, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, "compiled\n")
    assert run.stderr.startswith("Traceback") and "InvalidArgumentError" in run.stderr, run.stderr
