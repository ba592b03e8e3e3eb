"""One small classifier for anything that is a sequence of vectors: words, rows of a picture, frames of a sound."""

from collections.abc import Sequence

from bmkit.backend import keras
from bmkit.layers import masked_mean

ops = keras.ops

__all__ = ["sequence_classifier"]


def sequence_classifier(
    input_shape: Sequence[int | None],
    num_classes: int,
    *,
    window: int = 5,
    filters: int = 64,
    dense_units: int = 64,
    name: str = "sequence_classifier",
) -> keras.Model:
    """Build a classifier of sequences: ``logits = dense(relu(dense(masked_mean(relu(conv(x))))))``.

    A step whose numbers are all zero is filling: it is left out of the mean, so a sequence gets the same answer
    however far it was filled up.

    Args:
        input_shape: ``(time, features)``; time is None when batches differ in length.
        num_classes: number of logits.
        window: steps that the convolution sees at once; with 1 the order of the steps does not count.
        filters: numbers that the convolution makes of each window.
        dense_units: width of the layer between the mean and the logits.
        name: the model's name.

    Returns:
        Functional model from ``(batch, time, features)`` to logits ``(batch, num_classes)``, not compiled.

    Example:
        >>> sequence_classifier((None, 12), 9).count_params()  # (5·12+1)·64 + (64+1)·64 + (64+1)·9
        8649

    Reference:
        Collobert et al. (2011), Natural language processing (almost) from scratch,
        https://www.jmlr.org/papers/v12/collobert11a.html
    """
    inputs = keras.Input(shape=tuple(input_shape))
    mask = ops.any(ops.not_equal(inputs, 0.0), axis=-1)  # (batch, time), True where real
    x = keras.layers.Conv1D(filters, window, padding="same", activation="relu")(inputs)  # (batch, time, filters)
    x = masked_mean(x, mask)  # (batch, filters)
    x = keras.layers.Dense(dense_units, activation="relu")(x)  # (batch, dense_units)
    logits = keras.layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
    return keras.Model(inputs, logits, name=name)
