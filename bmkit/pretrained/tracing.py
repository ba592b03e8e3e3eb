"""A step of a decoder, for all that have a cache of keys and values: its arguments checked, its operations traced once.

As a graph that the backend has traced a step is run at once; else each dispatches 1,000 operations.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from bmkit.backend import keras

__all__ = ["fitting", "traced"]


def fitting(tokens: Any, cache: Any, position: int) -> tuple[Any, Any]:
    """Return tokens and position as tensors, if the tokens fit into a cache.

    Args:
        tokens: token numbers, (batch, steps).
        cache: keys and values, (batch, layers, 2, length, …).
        position: how many tokens the cache holds already.

    Returns:
        The tokens and the position, both int32.

    Raises:
        ValueError: the tokens do not fit.

    Example:
        >>> fitting([[1, 2]], np.zeros((1, 4, 2, 3, 8)), 1)[0].shape == (1, 2)
        True
    """
    tokens = np.asarray(tokens, "int32")
    if tokens.ndim != 2 or len(tokens) != cache.shape[0] or position + tokens.shape[1] > cache.shape[3]:
        raise ValueError(
            f"tokens of shape {tokens.shape} from position {position} on do not fit into a cache for {cache.shape[0]} "
            f"texts of {cache.shape[3]} tokens; expected (batch, steps) within it: begin with a longer "
            "start_cache(batch, length)."
        )
    return keras.ops.convert_to_tensor(tokens), keras.ops.convert_to_tensor(position, "int32")


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
