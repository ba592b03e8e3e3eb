"""The residual network of dlib that turns a face into 128 numbers, so that one person's faces lie near one another."""

from collections.abc import Sequence

from bmkit.backend import keras
from bmkit.pretrained.blazeface import filled

__all__ = ["face_resnet"]

SIDE = 150  # pixels
STEM = 32  # channels after the first convolution
STAGES = ((3, 32), (4, 64), (3, 128), (3, 256), (1, 256))  # (blocks, channels); all but the first begin by halving
MEANS = (122.782, 117.001, 104.298)  # of red, green and blue, which are taken off
NUMBERS = 128


def face_resnet(
    side: int = SIDE,
    num_outputs: int = NUMBERS,
    *,
    stages: Sequence[Sequence[int]] = STAGES,
    stem: int = STEM,
    name: str = "face_resnet",
) -> keras.Model:
    """Build the network: a stem, residual blocks ``relu(x + conv(relu(conv(x))))``, the mean over all places, a matrix.

    dlib scales and shifts what each convolution gives; here that is part of its kernel and bias, for
    ``s·(W*x + b) + t = (s·W)*x + (s·b + t)``.

    Args:
        side: height and width of the pictures, in pixels.
        num_outputs: numbers that describe a face.
        stages: per stage ``(blocks, channels)``; the first block of each stage but the first halves the picture.
        stem: channels after the first convolution.
        name: the model's name.

    Returns:
        Functional model from pictures ``(batch, side, side, 3)``, pixels from 0 to 255, to ``(batch, num_outputs)``.
        Not compiled.

    Raises:
        ValueError: the picture is too small for the stages.

    Example:
        >>> face_resnet().count_params()
        5607488

    Reference:
        King (2017), High quality face recognition with deep metric learning,
        http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html
    """
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 256, offset=[-mean / 256 for mean in MEANS], name="centred")(inputs)
    x = keras.layers.Conv2D(stem, 7, strides=2, name="stem_conv")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)  # (batch, 35, 35, 32) for the preset sizes
    block = 0
    for stage, (repeats, channels) in enumerate(stages):
        for repeat in range(repeats):
            x = _block(x, f"block{block}", channels, halved=stage > 0 and repeat == 0)
            block += 1
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)  # (batch, 256)
    outputs = keras.layers.Dense(num_outputs, use_bias=False, name="numbers")(x)
    return keras.Model(inputs, outputs, name=name)


def _block(inputs, name: str, channels: int, *, halved: bool):
    """Convolve twice and add the input; where the picture is halved, the input is averaged over 2×2 places."""
    size = {"strides": 2, "padding": "valid"} if halved else {"padding": "same"}
    x = keras.layers.Conv2D(channels, 3, **size, name=f"{name}_first_conv")(inputs)
    x = keras.layers.ReLU(name=f"{name}_first_relu")(x)
    x = keras.layers.Conv2D(channels, 3, padding="same", name=f"{name}_second_conv")(x)
    if halved:
        inputs = keras.layers.AveragePooling2D(2, name=f"{name}_pool")(inputs)
        inputs = filled(inputs, channels, name)
    below, beside = inputs.shape[1] - x.shape[1], inputs.shape[2] - x.shape[2]
    if below or beside:  # the convolution saw one place less; dlib counts what is missing as zero
        x = keras.layers.ZeroPadding2D(((0, below), (0, beside)), name=f"{name}_fill_edges")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(keras.layers.Add(name=f"{name}_add")([inputs, x]))
