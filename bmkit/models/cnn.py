"""Convolutional networks for pictures."""

from collections.abc import Sequence

from bmkit.backend import keras
from bmkit.layers import ConvBlock

__all__ = ["article_cnn", "cnn"]


def cnn(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    filters: Sequence[int] = (32, 64),
    dense_units: int = 128,
    dropout: float = 0.0,
    batch_normalization: bool = False,
    name: str = "cnn",
) -> keras.Model:
    """Build a convolutional classifier: blocks of ``pool(relu(conv))``, one dense layer, logits.

    Args:
        input_shape: ``(height, width, channels)``; each block halves height and width.
        num_classes: number of logits.
        filters: feature maps of each block, from first to last.
        dense_units: width of the layer between the feature maps and the logits.
        dropout: share of the dense layer's inputs dropped in training, in [0, 1).
        batch_normalization: normalise inside each block.
        name: the model's name.

    Returns:
        Functional model from ``(batch, height, width, channels)`` to logits ``(batch, num_classes)``, not compiled.

    Raises:
        ValueError: the picture is too small for that many blocks.

    Example:
        >>> cnn((28, 28, 1), 10).output_shape
        (None, 10)

    Reference:
        LeCun et al. (1998), https://doi.org/10.1109/5.726791
    """
    if len(input_shape) != 3:
        raise ValueError(f"input_shape is {tuple(input_shape)}; expected (height, width, channels).")
    height, width, _ = input_shape
    if min(height, width) < 2 ** len(filters):
        raise ValueError(
            f"pictures of {height}×{width} pixels cannot be halved {len(filters)} times; "
            f"use larger pictures or at most {min(height, width).bit_length() - 1} blocks."
        )
    inputs = keras.Input(shape=tuple(input_shape))
    x = inputs
    for number in filters:
        x = ConvBlock(number, batch_normalization=batch_normalization)(x)  # (batch, height / 2, width / 2, number)
    x = keras.layers.Flatten()(x)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(dense_units, activation="relu")(x)  # (batch, dense_units)
    logits = keras.layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
    return keras.Model(inputs, logits, name=name)


def article_cnn(
    input_shape: Sequence[int] = (24, 24, 3), num_classes: int = 10, *, dropout: float = 0.0
) -> keras.Model:
    """Build the network that the course's source article describes: two blocks of 32 and 64 filters, 128 units.

    Its dense layer was written for 64 maps of 6×6, which two halvings leave of 24×24 pictures: then the number of
    parameters equals the article's, 315,722.

    Args:
        input_shape: ``(height, width, channels)``.
        num_classes: number of logits.
        dropout: share of the dense layer's inputs dropped in training; the article has none.

    Returns:
        Functional model from ``(batch, height, width, channels)`` to logits ``(batch, num_classes)``, not compiled.

    Example:
        >>> article_cnn().count_params()
        315722

    Reference:
        The article's section 5, studied in chapter 11.
    """
    return cnn(input_shape, num_classes, filters=(32, 64), dense_units=128, dropout=dropout, name="article_cnn")
