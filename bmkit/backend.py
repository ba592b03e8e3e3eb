"""Load Keras and its backend once, without the start-up chatter.

TensorFlow writes lines about processors, drivers and its compiler XLA straight to file descriptor 2: some while it is
imported, before any log level applies, others whenever something is used for the first time. They differ from machine
to machine, so in a notebook they would be compared and fail. Every module of the kit that needs Keras imports this one
first.

The backend is TensorFlow, or what the environment variable ``KERAS_BACKEND`` names. The user's ``keras.json`` is not
used: it belongs to other projects, and with it chapters and checks would fail without a word.
"""

import importlib.util
import logging
import os
import sys
from pathlib import Path

from bmkit import surroundings
from bmkit.console import silenced
from bmkit.errors import Error

__all__ = ["BackendError", "keras", "silenced"]

BACKENDS = ("jax", "numpy", "openvino", "tensorflow", "torch")


class BackendError(Error):
    """What keeps Keras from starting, in one or two sentences that say how to mend it."""


def _choose() -> None:
    """Settle the backend before Keras is imported, or `keras.json` would."""
    name = os.environ.get("KERAS_BACKEND") or surroundings.STANDARD["backend"]
    if name not in BACKENDS:
        raise BackendError(
            f"KERAS_BACKEND is {name!r}, but Keras has only the backends {', '.join(BACKENDS)}; "
            "unset the variable to use TensorFlow."
        )
    if importlib.util.find_spec(name) is None:
        raise BackendError(
            f"KERAS_BACKEND asks for {name}, which is not installed here; unset the variable to use TensorFlow, or "
            f"install {name} into this environment."
        )
    os.environ["KERAS_BACKEND"] = name


def _why(error: Exception) -> Exception:
    """Return what to raise for an import of Keras that failed: a sentence where the cause is known."""
    first = Path(sys.path[0] or ".")  # a script's folder, or a kernel's
    taken = surroundings.namesakes(first)
    if taken:
        return BackendError(
            f"Keras cannot be loaded ({type(error).__name__}: {error}). In {first.absolute()} these bear names of "
            f"libraries and are loaded in their place: {', '.join(taken)}; rename them."
        )
    settings = surroundings.keras_settings()
    if "unreadable" in settings or (settings and isinstance(error, ValueError)):
        return BackendError(f"Keras cannot be loaded ({error}); mend or delete its settings in ~/.keras/keras.json.")
    return error


def _neutral() -> None:
    """Take back what `keras.json` has set, but not what the program itself has set since; say so in one line."""
    settings = surroundings.keras_settings()
    for name, value in settings.items():
        if name in ("epsilon", "floatx", "image_data_format") and getattr(keras.config, name)() == value:
            getattr(keras.config, f"set_{name}")(surroundings.STANDARD[name])
    if settings:
        unused = ", ".join(f"{name} {value}" for name, value in settings.items())
        print(f"bmkit: the settings in your keras.json are not used here ({unused}).", file=sys.stderr)


# A text of another width, or one more model, is traced anew, which is meant; its warning would stand in notebooks.
logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())

# No notes and warnings of the C++ parts, at any time in the life of the process: XLA introduces itself at the first
# function that is compiled. Errors stay, and what stops a learner is a Python exception anyway.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if "keras" not in sys.modules:
    _choose()

with silenced():
    try:
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            tf.config.list_physical_devices()  # drivers complain at the first look, not at import
            tf.transpose([[True]])  # so does oneDNN, once, at the first turned mask: every masked recurrent layer
    except Exception as error:
        raise _why(error) from None

_neutral()
