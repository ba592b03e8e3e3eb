"""One vector for a sequence: the mean of its real steps."""

from typing import Any

from bmkit.backend import keras

ops = keras.ops

__all__ = ["masked_mean"]


def masked_mean(x: Any, mask: Any) -> Any:
    """Average the steps that count: ``Σₜ maskₜ · xₜ / Σₜ maskₜ``.

    Args:
        x: tensor of shape ``(batch, time, features)``.
        mask: shape ``(batch, time)``, true or 1 where a step is real, else false or 0.

    Returns:
        Shape ``(batch, features)``; zeros where no step is real.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]], "float32")
        >>> print(ops.convert_to_numpy(masked_mean(x, np.array([[True, True, False]]))))
        [[2. 3.]]

    Reference:
        Reimers and Gurevych (2019), Sentence-BERT, section 3, https://arxiv.org/abs/1908.10084
    """
    share = ops.cast(mask, "float32")  # whatever the precision of x: half precision counts to 2,048 only
    share = share / ops.maximum(ops.sum(share, axis=1, keepdims=True), 1.0)  # (batch, time)
    return ops.sum(x * ops.expand_dims(ops.cast(share, x.dtype), -1), axis=1)
