"""BlazeFace: a small network that finds faces, and what turns its numbers into boxes and key points."""

from collections.abc import Sequence

import numpy as np

from bmkit.backend import keras
from bmkit.pretrained.boxes import intersection_over_union

__all__ = ["anchors", "average_overlapping", "blazeface", "boxes_and_points", "filled"]

SIDE = 128  # pixels
STEM = 24  # channels after the first convolution
# Each block: (channels, stride). The places of a map guess 2 faces each after block 10 and 6 after the last block.
BLOCKS = ((24, 1), (28, 1), (32, 2), (36, 1), (42, 1), (48, 2), (56, 1), (64, 1), (72, 1), (80, 1), (88, 1), (96, 2))
BLOCKS += ((96, 1), (96, 1), (96, 1), (96, 1))
HEADS = {10: 2, 15: 6}  # block: guesses a place
POINTS = 6  # key points of a face: eyes, tip of the nose, mouth, ears
NUMBERS = 4 + 2 * POINTS  # centre x and y, width, height, and x and y of each key point


def blazeface(
    side: int = SIDE,
    *,
    stem: int = STEM,
    blocks: Sequence[Sequence[int]] = BLOCKS,
    heads: dict[int, int] | None = None,
    name: str = "blazeface",
) -> keras.Model:
    """Build BlazeFace: a stem, blocks ``relu(x + project(depthwise(x)))``, and at two scales guesses at every place.

    Args:
        side: height and width of the pictures, in pixels; each stride of 2, the stem's too, halves them.
        stem: channels after the first convolution.
        blocks: per block ``(channels, stride)``; the channels never get fewer.
        heads: guesses at each place of the map after a block, by the block's number; BlazeFace's own when None.
        name: the model's name.

    Returns:
        Functional model from pictures ``(batch, side, side, 3)``, pixels from -1 to 1, to "boxes",
        ``(batch, guesses, 16)``, in pixels from the guess's anchor, and "logits" that there is a face,
        ``(batch, guesses)``. Not compiled.

    Raises:
        ValueError: the channels get fewer, or a head hangs on a block that there is not.

    Example:
        >>> blazeface().count_params()
        101390

    Reference:
        Bazarevsky et al. (2019), BlazeFace, https://arxiv.org/abs/1907.05047
    """
    heads = HEADS if heads is None else heads
    if not heads or not set(heads) <= set(range(len(blocks))):
        raise ValueError(f"heads hang on blocks {list(heads)}; expected at least one of 0 … {len(blocks) - 1}.")
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Conv2D(stem, 5, strides=2, padding="same", name="stem_conv")(inputs)
    x = keras.layers.ReLU(name="stem_relu")(x)  # (batch, side / 2, side / 2, stem)
    boxes, logits = [], []
    for block, (channels, stride) in enumerate(blocks):
        x = _block(x, f"block{block}", channels, stride)
        if block in heads:
            guesses = heads[block]
            found = keras.layers.Conv2D(guesses * NUMBERS, 1, name=f"block{block}_boxes")(x)
            boxes.append(keras.layers.Reshape((-1, NUMBERS))(found))  # (batch, places · guesses, 16)
            found = keras.layers.Conv2D(guesses, 1, name=f"block{block}_logits")(x)
            logits.append(keras.layers.Reshape((-1,))(found))  # (batch, places · guesses)
    joined = {"boxes": _joined(boxes, 1), "logits": _joined(logits, 1)}
    return keras.Model(inputs, joined, name=name)


def _block(inputs, name: str, channels: int, stride: int):
    """Filter each channel for itself, mix the channels, add the input: made smaller and filled up where it must be."""
    x = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", name=f"{name}_depthwise_conv")(inputs)
    x = keras.layers.Conv2D(channels, 1, name=f"{name}_project_conv")(x)
    if stride > 1:
        inputs = keras.layers.MaxPooling2D(stride, padding="same", name=f"{name}_pool")(inputs)
    if channels < inputs.shape[-1]:
        raise ValueError(f"{name} has {channels} channels after {inputs.shape[-1]}; expected as many or more.")
    inputs = filled(inputs, channels, name)
    return keras.layers.ReLU(name=f"{name}_relu")(keras.layers.Add(name=f"{name}_add")([inputs, x]))


def filled(x, channels: int, name: str):
    """Fill up with channels of zeros, as small networks do where a block has more channels than its input.

    Args:
        x: what is not negative, as after a ReLU, shape (batch, height, width, channels).
        channels: how many there shall be.
        name: how the names of the layers begin.

    Returns:
        x with so many channels.
    """
    if (more := channels - x.shape[-1]) == 0:
        return x
    # The two ReLUs change nothing; they part what must not be made one operation. Without the second, TensorFlow 2.21
    # crashes (a segmentation fault in oneDNN) where it joins a convolution, its bias and the sum with what was just
    # filled up; without the first, JAX 0.10 on a processor computes other numbers in a compiled function.
    x = keras.layers.ReLU(name=f"{name}_before_fill")(x)
    # "First" makes the layer take the last two axes for height and width.
    fill = keras.layers.ZeroPadding2D(((0, 0), (0, more)), data_format="channels_first", name=f"{name}_fill")
    return keras.layers.ReLU(name=f"{name}_behind_fill")(fill(x))


def _joined(parts: list, axis: int):
    return keras.layers.Concatenate(axis=axis)(parts) if len(parts) > 1 else parts[0]


def anchors(side: int = SIDE, maps: Sequence[Sequence[int]] = ((8, 2), (16, 6))) -> np.ndarray:
    """Say from where each guess of BlazeFace is measured: the middles of the places of its maps.

    All anchors are squares of the picture's size; only their middles differ. The order is that of the guesses: row by
    row, place by place, and all guesses of a place one after the other.

    Args:
        side: height and width of the picture, in pixels.
        maps: per map the pixels from one place to the next, and the guesses at each place.

    Returns:
        x and y of each middle, in pixels, float32 of shape (guesses, 2).

    Example:
        >>> anchors().shape
        (896, 2)
        >>> anchors(4, [(2, 1)])
        array([[1., 1.],
               [3., 1.],
               [1., 3.],
               [3., 3.]], dtype=float32)

    Reference:
        Liu et al. (2016), SSD: Single shot multibox detector, https://arxiv.org/abs/1512.02325
    """
    found = []
    for step, guesses in maps:
        middles = np.arange(step / 2, side, step, dtype="float32")
        y, x = np.meshgrid(middles, middles, indexing="ij")
        places = np.stack([x.ravel(), y.ravel()], axis=1)  # (places, 2)
        found.append(np.repeat(places, guesses, axis=0))
    return np.concatenate(found)


def boxes_and_points(numbers: np.ndarray, middles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn the numbers of guesses into boxes and key points of the picture.

    Args:
        numbers: centre x and y, width, height, and x and y of each key point, in pixels from the anchor, (guesses, 16).
        middles: the anchors, (guesses, 2).

    Returns:
        Boxes (left, top, right, bottom), shape (guesses, 4), and key points (x, y), shape (guesses, 6, 2), in pixels.

    Example:
        >>> boxes, points = boxes_and_points(np.array([[1.0, 2.0, 4.0, 6.0] + [0.5] * 12]), np.array([[10.0, 20.0]]))
        >>> boxes, points[0, 0]
        (array([[ 9., 19., 13., 25.]]), array([10.5, 20.5]))

    Reference:
        Bazarevsky et al. (2019), BlazeFace, https://arxiv.org/abs/1907.05047
    """
    centres, sizes = numbers[:, :2] + middles, numbers[:, 2:4]
    points = numbers[:, 4:].reshape(len(numbers), -1, 2) + middles[:, None]
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1), points


def average_overlapping(
    boxes: np.ndarray, points: np.ndarray, scores: np.ndarray, *, least_overlap: float = 0.3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make one face of the guesses that overlap: the mean of their boxes and points, weighted by their scores.

    A detector guesses each face many times. Non-maximum suppression keeps the best guess and drops those that overlap
    it; the mean of all of them trembles less from one picture of a film to the next.

    Args:
        boxes: left, top, right, bottom, shape (n, 4).
        points: key points, shape (n, points, 2).
        scores: above 0, shape (n,).
        least_overlap: guesses that overlap the best one by more than this (IoU) are of the same face.

    Returns:
        Boxes, points and the best score of each face, the best face first.

    Example:
        >>> boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
        >>> boxes, _, scores = average_overlapping(boxes, np.zeros((3, 6, 2)), np.array([0.9, 0.3, 0.6]))
        >>> boxes, scores
        (array([[ 0.25,  0.  , 10.25, 10.  ],
               [50.  , 50.  , 60.  , 60.  ]]), array([0.9, 0.6]))

    Reference:
        Bazarevsky et al. (2019), BlazeFace, section 3.3, https://arxiv.org/abs/1907.05047
    """
    found, left = [], np.argsort(-scores, kind="stable")
    while left.size:
        best = left[0]
        overlaps = intersection_over_union(boxes[best][None], boxes[left])  # the order of x and y does not matter
        same = keras.ops.convert_to_numpy(overlaps)[0] > least_overlap
        same[0] = True  # a box without an area overlaps nothing, not even itself
        group = left[same]
        weights = scores[group] / scores[group].sum()
        box, face = weights @ boxes[group], np.tensordot(weights, points[group], 1)
        found.append((box, face, scores[best]))
        left = left[~same]
    if not found:
        return boxes[:0], points[:0], scores[:0]
    faces = zip(*found, strict=True)
    return tuple(np.stack(part) for part in faces)
