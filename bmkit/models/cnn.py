"""Convolutional networks for pictures, spectrograms among them."""

from collections.abc import Sequence

from bmkit.backend import keras
from bmkit.layers import ConvBlock

__all__ = ["article_cnn", "cnn", "spectrogram_cnn"]


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


def spectrogram_cnn(
    input_shape: Sequence[int | None],
    num_classes: int,
    *,
    filters: Sequence[int] = (16, 32, 64),
    dense_units: int = 64,
    dropout: float = 0.0,
    batch_normalization: bool = True,
) -> keras.Model:
    """Build a convolutional classifier of sounds: blocks over time and frequency, then a mean over time.

    The mean makes the answer depend little on when a word was said; where it lies in frequency still counts.

    Args:
        input_shape: ``(time, bands)`` of a spectrogram, best standardised; time is None when batches differ in length.
        num_classes: number of logits.
        filters: feature maps of each block, from first to last; each block halves time and bands.
        dense_units: width of the layer between the mean and the logits.
        dropout: share of the dense layer's inputs dropped in training, in [0, 1).
        batch_normalization: normalise inside each block.

    Returns:
        Functional model from ``(batch, time, bands)`` to logits ``(batch, num_classes)``, not compiled.

    Raises:
        ValueError: there are too few bands, or frames, for that many blocks.

    Example:
        >>> spectrogram_cnn((None, 40), 10).output_shape
        (None, 10)

    Reference:
        Sainath and Parada (2015), Convolutional neural networks for small-footprint keyword spotting,
        https://www.isca-archive.org/interspeech_2015/sainath15b_interspeech.html
    """
    least = 2 ** len(filters)
    if len(input_shape) != 2 or any(side is not None and side < least for side in input_shape):
        raise ValueError(
            f"input_shape is {tuple(input_shape)}; expected (time, bands), each at least {least}, since "
            f"{len(filters)} blocks halve both."
        )
    inputs = keras.Input(shape=tuple(input_shape))
    x = keras.ops.expand_dims(inputs, -1)  # (batch, time, bands, 1)
    for number in filters:
        x = ConvBlock(number, batch_normalization=batch_normalization)(x)  # (batch, time / 2, bands / 2, number)
    x = keras.ops.mean(x, axis=1)  # (batch, bands, number)
    x = keras.layers.Flatten()(x)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(dense_units, activation="relu")(x)  # (batch, dense_units)
    logits = keras.layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
    return keras.Model(inputs, logits, name="spectrogram_cnn")
