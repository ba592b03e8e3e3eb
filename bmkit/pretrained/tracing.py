"""Let the backend trace a step of a network once and then run it as a graph: else each dispatches 1,000 operations."""

from collections.abc import Callable
from typing import Any

from bmkit.backend import keras

__all__ = ["traced"]


def traced(function: Callable, weights: list, *forms: tuple[tuple, str]) -> Callable:
    """Trace a function of tensors, once for all sizes where the backend can.

    Args:
        function: takes tensors and returns tensors; it may read the weights, and changes nothing.
        weights: the Keras variables that it reads.
        *forms: shape and type of each argument; an axis of any size is None.

    Returns:
        A function that gives the same, quicker from its second call on.

    Example:
        >>> double = traced(lambda x: 2 * x, [], ((None,), "float32"))
        >>> keras.ops.convert_to_numpy(double(keras.ops.arange(3, dtype="float32")))
        array([0., 2., 4.], dtype=float32)

    Reference:
        TensorFlow, better performance with tf.function, https://www.tensorflow.org/guide/function
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, [tf.TensorSpec(shape, dtype) for shape, dtype in forms])
    if keras.backend.backend() == "jax":
        import jax

        @jax.jit
        def pure(values: list, *arguments: Any) -> Any:
            with keras.StatelessScope(list(zip(weights, values, strict=True))):
                return function(*arguments)

        return lambda *arguments: pure([weight.value for weight in weights], *arguments)
    return function
