"""A tiny SSD of random weights as a frozen graph under Google's names, written by TensorFlow's own protocol buffers."""

import numpy as np

from bmkit.pretrained.ssd_mobilenet import ssd_mobilenet

SIZES = {"stages": ((1, 3, 1, 1, 4), (2, 3, 2, 2, 8), (1, 3, 2, 3, 8)), "widths": (4, 16), "extras": ((4, 8),)}
SHAPE, CLASSES, BOXES = (32, 32, 3), 4, (3, 6, 6)
GRIDS = (8, 4, 2)
BACKBONE = "FeatureExtractor/MobilenetV2"


def tiny():
    """Build the network."""
    return ssd_mobilenet(SHAPE, CLASSES, boxes=BOXES, **SIZES)


def shapes() -> dict[str, tuple]:
    """List the constants of the original by hand: blocks of 4, 8, 8 and 8 channels, maps of 24, 16 and 8."""
    found = {}

    def normalised(name, kernel, shape):
        channels = shape[-2] if kernel == "depthwise_weights" else shape[-1]
        found[f"{BACKBONE}/{name}/{kernel}"] = shape
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        found.update({f"{BACKBONE}/{name}/BatchNorm/{part}": (channels,) for part in parts})

    normalised("Conv", "weights", (3, 3, 3, 4))
    for name, inputs, inner, outputs in (("", 4, 4, 4), ("_1", 4, 8, 8), ("_2", 8, 16, 8), ("_3", 8, 24, 8)):
        if inner > inputs:
            normalised(f"expanded_conv{name}/expand", "weights", (1, 1, inputs, inner))
        normalised(f"expanded_conv{name}/depthwise", "depthwise_weights", (3, 3, inner, 1))
        normalised(f"expanded_conv{name}/project", "weights", (1, 1, inner, outputs))
    normalised("Conv_1", "weights", (1, 1, 8, 16))
    normalised("layer_19_1_Conv2d_2_1x1_4", "weights", (1, 1, 16, 4))
    normalised("layer_19_2_Conv2d_2_3x3_s2_8_depthwise", "depthwise_weights", (3, 3, 4, 1))
    normalised("layer_19_2_Conv2d_2_3x3_s2_8", "weights", (1, 1, 4, 8))
    for number, (channels, boxes) in enumerate(zip((24, 16, 8), BOXES, strict=True)):
        for name, numbers in (("BoxEncodingPredictor", 4), ("ClassPredictor", CLASSES)):
            found[f"BoxPredictor_{number}/{name}/weights"] = (3, 3, channels, boxes * numbers)
            found[f"BoxPredictor_{number}/{name}/biases"] = (boxes * numbers,)
    return found


def weights() -> dict[str, np.ndarray]:
    """Draw the constants; variances lie above 0."""
    random = np.random.default_rng(0)
    drawn = {name: random.normal(0, 0.5, shape).astype("float32") for name, shape in shapes().items()}
    return {name: abs(values) + 0.1 if "variance" in name else values for name, values in drawn.items()}


def graph(constants: dict[str, np.ndarray]):
    """Put constants into a graph, among other operations and numbers as a real one has."""
    import tensorflow as tf

    found = tf.compat.v1.GraphDef()
    found.node.add(name="image_tensor", op="Placeholder").attr["dtype"].type = tf.uint8.as_datatype_enum
    others = {"one": np.float32(1), "count": np.array([3, 4], "int32"), "words": np.array([b"a", b"b"])}
    for name, values in (others | constants).items():
        node = found.node.add(name=name, op="Const")
        node.attr["dtype"].type = tf.as_dtype(values.dtype).as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
        found.node.add(name=f"{name}/read", op="Identity", input=[name]).attr["T"].type = node.attr["dtype"].type
    found.versions.producer = 24
    return found
