"""EfficientNet-Lite: a deep network for photographs, made of cheap convolutions."""

from collections.abc import Sequence
from typing import Any

from bmkit.backend import keras

__all__ = ["efficientnet_lite", "inverted_bottleneck", "normalised"]

# Each stage of EfficientNet-B0: (repeats, kernel size, stride of the first block, expansion, output channels).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_lite(
    input_shape: Sequence[int] = (224, 224, 3),
    num_classes: int = 1000,
    *,
    stages: Sequence[Sequence[int]] = STAGES,
    stem: int = 32,
    head: int = 1280,
    dropout: float = 0.2,
    name: str = "efficientnet_lite",
) -> keras.Model:
    """Build EfficientNet-Lite: a stem, inverted bottlenecks ``x + project(depthwise(expand(x)))``, a head, logits.

    A bottleneck widens its input with a 1×1 convolution, filters each channel for itself, and narrows it again; where
    the shape stays, the input is added. With the preset stages and sizes this is EfficientNet-Lite0.

    Args:
        input_shape: ``(height, width, channels)``; each stride of 2, the stem's too, halves height and width.
        num_classes: number of logits.
        stages: per stage ``(repeats, kernel size, stride of the first block, expansion, output channels)``.
        stem: channels after the first convolution.
        head: channels of the last convolution, which are averaged over the picture: the layer named "features".
        dropout: share of the features dropped in training, in [0, 1).
        name: the model's name.

    Returns:
        Functional model from ``(batch, height, width, channels)`` to logits ``(batch, num_classes)``, not compiled.

    Raises:
        ValueError: the shape is not that of a picture.

    Example:
        >>> efficientnet_lite().count_params()
        4694024

    Reference:
        Tan and Le (2019), EfficientNet, https://arxiv.org/abs/1905.11946
    """
    if len(input_shape) != 3:
        raise ValueError(f"input_shape is {tuple(input_shape)}; expected (height, width, channels).")
    inputs = keras.Input(shape=tuple(input_shape))
    x = keras.layers.Conv2D(stem, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(inputs)
    x = normalised(x, "stem")  # (batch, height / 2, width / 2, stem)
    block = 0
    for repeats, kernel_size, stride, expansion, channels in stages:
        for repeat in range(repeats):
            x = inverted_bottleneck(x, f"block{block}", (kernel_size, 1 if repeat else stride, expansion, channels))
            block += 1
    x = keras.layers.Conv2D(head, 1, padding="same", use_bias=False, name="head_conv")(x)
    x = normalised(x, "head")  # (batch, height / 32, width / 32, head)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)  # (batch, head)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
    return keras.Model(inputs, logits, name=name)


def normalised(x: Any, name: str, *, activated: bool = True) -> Any:
    """Normalise over the batch, then cut at 0 and 6: ``min(max(norm(x), 0), 6)``.

    Args:
        x: Keras tensor, (batch, height, width, channels).
        name: what the names of the layers begin with.
        activated: whether it is cut.

    Returns:
        Keras tensor of the same shape.
    """
    # The original keeps 0.99 of its statistics each step; with 0.9 they follow in the short runs of a course too.
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_norm")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activated else x


def inverted_bottleneck(inputs: Any, name: str, sizes: Sequence[int]) -> Any:
    """Expand, filter each channel for itself, narrow; add the input where the shape has stayed.

    Args:
        inputs: Keras tensor, (batch, height, width, channels in).
        name: what the names of the layers begin with.
        sizes: ``(kernel size, stride, expansion, channels)``; with an expansion of 1 nothing is widened.

    Returns:
        Keras tensor, (batch, height / stride, width / stride, channels).

    Reference:
        Sandler et al. (2018), MobileNetV2: Inverted residuals and linear bottlenecks, https://arxiv.org/abs/1801.04381
    """
    kernel_size, stride, expansion, channels = sizes
    x = inputs
    if expansion != 1:
        x = keras.layers.Conv2D(expansion * x.shape[-1], 1, padding="same", use_bias=False, name=f"{name}_expand_conv")(
            x
        )
        x = normalised(x, f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        kernel_size, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = normalised(x, f"{name}_depthwise")
    x = keras.layers.Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}_project_conv")(x)
    x = normalised(x, f"{name}_project", activated=False)  # linear: the narrow layer must not lose what it carries
    return keras.layers.Add(name=f"{name}_add")([inputs, x]) if inputs.shape == x.shape else x
