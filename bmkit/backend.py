"""Load Keras and its backend once, without the start-up chatter.

TensorFlow writes lines about processors, drivers and its compiler XLA straight to file descriptor 2: some while it is
imported, before any log level applies, others whenever something is used for the first time. They differ from machine
to machine, so in a notebook they would be compared and fail. Every module of the kit that needs Keras imports this one
first.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

__all__ = ["keras", "silenced"]


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Send everything written to file descriptor 2 to nowhere while the block runs.

    Errors are not lost: an exception raised inside still travels up.

    Example:
        >>> with silenced():
        ...     _ = os.write(2, b"this line is not seen")
    """
    with contextlib.suppress(ValueError, OSError, AttributeError):
        sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


# A text of another width, or one more model, is traced anew, which is meant; its warning would stand in notebooks.
logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())

# No notes and warnings of the C++ parts, at any time in the life of the process: XLA introduces itself at the first
# function that is compiled. Errors stay, and what stops a learner is a Python exception anyway.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

with silenced():
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.list_physical_devices()  # drivers complain at the first look, not at import
        tf.transpose([[True]])  # so does oneDNN, once, at the first mask that is turned: every masked recurrent layer
