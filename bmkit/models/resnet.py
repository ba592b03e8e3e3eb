"""Residual networks for small pictures, and their plain twins."""

from collections.abc import Sequence

from bmkit.backend import keras
from bmkit.layers import ResidualBlock

__all__ = ["resnet"]


def resnet(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    blocks: Sequence[int] = (3, 3, 3),
    filters: Sequence[int] = (16, 32, 64),
    residual: bool = True,
    batch_normalization: bool = True,
    name: str = "resnet",
) -> keras.Model:
    """Build a deep network of pairs of convolutions, each learning a difference: ``x + f(x)``.

    It has ``2 + 2·Σ blocks`` layers with weights, 20 by default. Every stage but the first halves height and width.
    A plain network has exactly as many numbers to learn as its residual twin.

    Args:
        input_shape: ``(height, width, channels)``.
        num_classes: number of logits.
        blocks: blocks of each stage, two convolutions each.
        filters: feature maps of each stage; they never become fewer.
        residual: False leaves every shortcut out: the plain twin.
        batch_normalization: normalise after each convolution.
        name: the model's name.

    Returns:
        Functional model from ``(batch, height, width, channels)`` to logits ``(batch, num_classes)``, not compiled.

    Raises:
        ValueError: not as many numbers of filters as stages, or they become fewer, or the picture is too small.

    Example:
        >>> resnet((32, 32, 3), 10).output_shape, resnet((32, 32, 3), 10, residual=False).count_params()
        ((None, 10), 271098)

    Reference:
        He, Zhang, Ren and Sun (2016), section 4.2, https://arxiv.org/abs/1512.03385
    """
    if len(blocks) != len(filters) or list(filters) != sorted(filters):
        raise ValueError(
            f"{len(blocks)} stages with filters {tuple(filters)}; expected one number of filters a stage, never fewer."
        )
    if len(input_shape) != 3 or min(input_shape[:2]) < 2 ** (len(blocks) - 1):
        raise ValueError(
            f"input_shape is {tuple(input_shape)}; expected (height, width, channels) with sides of at least "
            f"{2 ** (len(blocks) - 1)} pixels, since {len(blocks) - 1} stages halve them."
        )
    inputs = keras.Input(shape=tuple(input_shape))
    x = keras.layers.Conv2D(
        filters[0], 3, padding="same", use_bias=not batch_normalization, kernel_initializer="he_normal"
    )(inputs)  # (batch, height, width, filters[0])
    if batch_normalization:
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    for stage, (count, number) in enumerate(zip(blocks, filters, strict=True)):
        for index in range(count):
            stride = 2 if stage and not index else 1
            x = ResidualBlock(number, stride=stride, residual=residual, batch_normalization=batch_normalization)(
                x
            )  # (batch, height / 2^stage, width / 2^stage, number)
    x = keras.layers.GlobalAveragePooling2D()(x)  # (batch, filters[-1])
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, logits, name=name)
