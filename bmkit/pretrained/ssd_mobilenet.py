"""SSD on MobileNetV2: one network that looks at a photograph once and judges boxes of all sizes at all places."""

import re
from collections.abc import Sequence

from bmkit.backend import keras
from bmkit.data import DataError
from bmkit.pretrained.efficientnet_lite import inverted_bottleneck, normalised
from bmkit.pretrained.graph_file import GraphFile
from bmkit.pretrained.packed_file import MEND

__all__ = ["fill_from_graph", "map_names", "ssd_mobilenet"]

# Each stage of MobileNetV2: (repeats, kernel size, stride of the first block, expansion, output channels).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (3, 3, 2, 6, 32),
    (4, 3, 2, 6, 64),
    (3, 3, 1, 6, 96),
    (3, 3, 2, 6, 160),
    (1, 3, 1, 6, 320),
)
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))  # channels within and after each added layer
BOXES = (3, 6, 6, 6, 6, 6)  # anchors at each place of each map


def ssd_mobilenet(
    input_shape: Sequence[int] = (300, 300, 3),
    num_classes: int = 91,
    *,
    boxes: Sequence[int] = BOXES,
    stages: Sequence[Sequence[int]] = STAGES,
    widths: Sequence[int] = (32, 1280),
    extras: Sequence[Sequence[int]] = EXTRAS,
    name: str = "ssd_mobilenet",
) -> keras.Model:
    """Build SSD: a backbone, maps of features in six sizes, and at each place of each map a verdict on some anchors.

    For each anchor there are four offsets, which move and stretch it into a box (`bmkit.pretrained.boxes.decode`), and
    a logit for each class. Fine maps see small objects, coarse ones large objects. The first map is what the
    last block with a stride of 2 has expanded, before it strides: the last look at a finer grid.

    Args:
        input_shape: ``(height, width, channels)``.
        num_classes: logits of each anchor; the original has 90 kinds of objects and, at 0, the background.
        boxes: anchors at each place, a number for each map: two of the backbone, and one for each of the extras.
        stages: per stage of MobileNetV2 ``(repeats, kernel size, stride of the first block, expansion, channels)``.
        widths: channels after the first and after the last convolution of the backbone.
        extras: ``(channels within, channels after)`` of layers that halve the map once more each.
        name: the model's name.

    Returns:
        Functional model from ``(batch, height, width, channels)`` to the offsets ``(batch, anchors, 4)`` and the logits
        ``(batch, anchors, num_classes)``, not compiled. What the maps hold leaves the layers that `map_names` lists.

    Raises:
        ValueError: the shape is not that of a picture, or the maps and `boxes` differ in number.

    Example:
        >>> ssd_mobilenet().count_params()
        16876287

    Reference:
        Liu et al. (2016), SSD: Single shot multibox detector, https://arxiv.org/abs/1512.02325; Sandler et al. (2018),
        MobileNetV2: Inverted residuals and linear bottlenecks, https://arxiv.org/abs/1801.04381
    """
    if len(input_shape) != 3 or len(boxes) != 2 + len(extras):
        raise ValueError(
            f"input_shape is {tuple(input_shape)} and boxes {tuple(boxes)} for {2 + len(extras)} maps; expected "
            "(height, width, channels) and a number for each map."
        )
    inputs = keras.Input(shape=tuple(input_shape))
    backbone = _mobilenet(inputs, stages, widths)
    names = map_names(stages, len(extras))
    x = backbone.output  # (batch, height / 32, width / 32, channels)
    maps = [backbone.get_layer(names[0]).output, x]
    for number, (within, after) in enumerate(extras):
        x = _extra(x, f"extra{number}", within, after)
        maps.append(x)
    offsets, logits = [], []
    for number, (features, count) in enumerate(zip(maps, boxes, strict=True)):
        offsets.append(_head(features, f"offsets{number}", count, 4))
        logits.append(_head(features, f"logits{number}", count, num_classes))
    offsets = keras.layers.Concatenate(axis=1, name="offsets")(offsets)  # (batch, anchors, 4)
    logits = keras.layers.Concatenate(axis=1, name="logits")(logits)  # (batch, anchors, num_classes)
    return keras.Model(inputs, [offsets, logits], name=name)


def map_names(stages: Sequence[Sequence[int]] = STAGES, extras: int = len(EXTRAS)) -> list[str]:
    """List the layers of `ssd_mobilenet` whose outputs are the maps of features, from the finest to the coarsest.

    Args:
        stages: as `ssd_mobilenet` takes them.
        extras: how many layers follow the backbone.

    Returns:
        A name for each map.

    Example:
        >>> map_names()[:3]
        ['block13_expand_relu', 'head_relu', 'extra0_relu']
    """
    last = max(number for number, (_, _, stride, _, _) in enumerate(stages) if stride == 2)
    block = sum(repeats for repeats, *_ in stages[:last])
    return [f"block{block}_expand_relu", "head_relu", *(f"extra{number}_relu" for number in range(extras))]


def _mobilenet(inputs, stages: Sequence[Sequence[int]], widths: Sequence[int]) -> keras.Model:
    """Build MobileNetV2 up to its last convolution."""
    x = keras.layers.Conv2D(widths[0], 3, strides=2, padding="same", use_bias=False, name="stem_conv")(inputs)
    x = normalised(x, "stem")
    block = 0
    for repeats, kernel_size, stride, expansion, channels in stages:
        for repeat in range(repeats):
            x = inverted_bottleneck(x, f"block{block}", (kernel_size, 1 if repeat else stride, expansion, channels))
            block += 1
    x = keras.layers.Conv2D(widths[1], 1, padding="same", use_bias=False, name="head_conv")(x)
    return keras.Model(inputs, normalised(x, "head"))


def _extra(x, name: str, within: int, after: int):
    """Narrow, halve height and width channel by channel, widen."""
    x = keras.layers.Conv2D(within, 1, padding="same", use_bias=False, name=f"{name}_narrow_conv")(x)
    x = normalised(x, f"{name}_narrow")
    x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = normalised(x, f"{name}_depthwise")
    x = keras.layers.Conv2D(after, 1, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return normalised(x, name)


def _head(features, name: str, boxes: int, numbers: int):
    """Give for each of the anchors at each place some numbers: place by place, row by row."""
    x = keras.layers.Conv2D(boxes * numbers, 3, padding="same", name=f"{name}_conv")(features)
    return keras.layers.Reshape((-1, numbers), name=f"{name}_rows")(x)  # (batch, height · width · boxes, numbers)


BACKBONE = "FeatureExtractor/MobilenetV2"
NORMALISATION = ("gamma", "beta", "moving_mean", "moving_variance")  # in Keras' order


def fill_from_graph(model: keras.Model, file: GraphFile) -> None:
    """Fill an `ssd_mobilenet` with the constants of its original, which have the shapes that Keras gives them.

    Args:
        model: what `ssd_mobilenet` built.
        file: the frozen graph.

    Raises:
        bmkit.data.DataError: a constant is missing, has another shape, or cannot be what it should be.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        source = _source(model, layer.name)
        if isinstance(layer, keras.layers.BatchNormalization):
            names = [f"{source}/BatchNorm/{name}" for name in NORMALISATION]
        else:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            names = [f"{source}/{'depthwise_weights' if depthwise else 'weights'}", f"{source}/biases"]
        for variable, name in zip(layer.weights, names, strict=False):  # within the backbone there are no biases
            values = file.array(name, *variable.shape)
            if name.endswith("variance") and values.min() < 0:
                raise DataError(f"{file.name}: {name} holds negative numbers, expected variances. {MEND}")
            variable.assign(values)


def _source(model: keras.Model, name: str) -> str:
    """Say what a layer is called in the original."""
    place, _, _ = name.rpartition("_")  # "block3_expand_conv" and "block3_expand_norm" belong to "block3_expand"
    part, number, step = re.fullmatch(r"([a-z]+)(\d*)_?(\w*)", place).groups()
    if part == "block":
        return f"{BACKBONE}/expanded_conv{'' if number == '0' else f'_{number}'}/{step}"
    if part == "extra" and step == "narrow":
        return f"{BACKBONE}/layer_19_1_Conv2d_{int(number) + 2}_1x1_{model.get_layer(f'{place}_conv').filters}"
    if part == "extra":
        channels = model.get_layer(f"extra{number}_conv").filters
        return f"{BACKBONE}/layer_19_2_Conv2d_{int(number) + 2}_3x3_s2_{channels}{'_depthwise' if step else ''}"
    if part in ("stem", "head"):
        return f"{BACKBONE}/{'Conv' if part == 'stem' else 'Conv_1'}"
    return f"BoxPredictor_{number}/{'BoxEncodingPredictor' if part == 'offsets' else 'ClassPredictor'}"
