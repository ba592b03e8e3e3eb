"""Boxes around objects: anchors, decoding, overlap, and the choice among boxes that say the same.

A box is ``(top, left, bottom, right)``, Keras' format "yxyx"; an anchor is kept as ``(middle y, middle x, height,
width)``. Both are in shares of the picture, from 0 to 1, whatever its size in pixels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bmkit.backend import keras

__all__ = ["anchor_boxes", "decode", "encode", "intersection_over_union", "non_max_suppression", "to_corners"]

GRIDS = (19, 10, 5, 3, 2, 1)  # places along each side of the maps of SSD-MobileNetV2
VARIANCES = (0.1, 0.1, 0.2, 0.2)  # offsets are divided by these in training, so that all have about the same size


def anchor_boxes(grids: Sequence[int] = GRIDS, *, smallest: float = 0.2, largest: float = 0.95) -> np.ndarray:
    """List the anchors of SSD: boxes of a few sizes and shapes around each place of each map.

    An anchor of scale s and aspect a has width ``s·√a`` and height ``s/√a``. Scales grow evenly from map to map; each
    map has aspects 1, 2, 1/2, 3, 1/3 and, between its scale and the next, one more square. The first map, which has the
    most places, has three anchors alone.

    Args:
        grids: places along each side of each map, finest first.
        smallest: scale of the first map, a share of the picture.
        largest: scale of the last map.

    Returns:
        float32 of shape ``(anchors, 4)``: middle y, middle x, height, width; map by map, row by row, place by place.

    Example:
        >>> anchor_boxes().shape
        (1917, 4)
        >>> anchor_boxes((1,), smallest=0.2).tolist()[0] == np.float32([0.5, 0.5, 0.1, 0.1]).tolist()
        True

    Reference:
        Liu et al. (2016), SSD: Single shot multibox detector, https://arxiv.org/abs/1512.02325
    """
    scales = [*np.linspace(smallest, largest, len(grids)), 1.0]
    found = []
    for number, places in enumerate(grids):
        scale, between = scales[number], np.sqrt(scales[number] * scales[number + 1])
        shapes = [(scale, 1.0), (scale, 2.0), (scale, 1 / 2), (scale, 3.0), (scale, 1 / 3), (between, 1.0)]
        if number == 0:
            shapes = [(0.1, 1.0), (scale, 2.0), (scale, 1 / 2)]
        middles = (np.arange(places) + 0.5) / places
        for y in middles:
            for x in middles:
                found += [(y, x, size / np.sqrt(aspect), size * np.sqrt(aspect)) for size, aspect in shapes]
    return np.array(found, "float32")


def decode(offsets: Any, anchors: Any) -> Any:
    """Move and stretch anchors: ``middle = 0.1·offset·size + middle``, ``size = exp(0.2·offset)·size``.

    Args:
        offsets: what the network says, ``(…, anchors, 4)``: for middle y, middle x, height, width.
        anchors: ``(anchors, 4)``.

    Returns:
        Boxes, ``(…, anchors, 4)``.

    Example:
        >>> decode([[0.0, 0.0, 0.0, 0.0]], [[0.5, 0.5, 0.25, 0.5]]).numpy().tolist()
        [[0.375, 0.25, 0.625, 0.75]]

    Reference:
        Ren et al. (2015), Faster R-CNN, equation 2, https://arxiv.org/abs/1506.01497
    """
    offsets = _tensor(offsets) * _tensor(VARIANCES)
    anchors = _tensor(anchors)
    middles = offsets[..., :2] * anchors[..., 2:] + anchors[..., :2]
    sizes = keras.ops.exp(offsets[..., 2:]) * anchors[..., 2:]
    return to_corners(keras.ops.concatenate([middles, sizes], axis=-1))


def encode(boxes: Any, anchors: Any) -> Any:
    """Say which offsets `decode` turns into boxes: the targets when a head is trained.

    Args:
        boxes: ``(…, anchors, 4)``, with height and width above 0.
        anchors: ``(anchors, 4)``, for each box the anchor that is to become it.

    Returns:
        Offsets, ``(…, anchors, 4)``.

    Example:
        >>> encode([[0.375, 0.25, 0.625, 0.75]], [[0.5, 0.5, 0.25, 0.5]]).numpy().tolist()
        [[0.0, 0.0, 0.0, 0.0]]

    Reference:
        Ren et al. (2015), Faster R-CNN, equation 2, https://arxiv.org/abs/1506.01497
    """
    boxes, anchors = _tensor(boxes), _tensor(anchors)
    sizes = boxes[..., 2:] - boxes[..., :2]
    middles = (boxes[..., 2:] + boxes[..., :2]) / 2
    moved = (middles - anchors[..., :2]) / anchors[..., 2:]
    stretched = keras.ops.log(sizes / anchors[..., 2:])
    return keras.ops.concatenate([moved, stretched], axis=-1) / _tensor(VARIANCES)


def to_corners(anchors: Any) -> Any:
    """Turn middles and sizes into corners.

    Args:
        anchors: ``(…, 4)``: middle y, middle x, height, width.

    Returns:
        Boxes, ``(…, 4)``: top, left, bottom, right.

    Example:
        >>> to_corners([0.5, 0.5, 0.5, 1.0]).numpy().tolist()
        [0.25, 0.0, 0.75, 1.0]
    """
    anchors = _tensor(anchors)
    middles, half = anchors[..., :2], anchors[..., 2:] / 2
    return keras.ops.concatenate([middles - half, middles + half], axis=-1)


def intersection_over_union(boxes: Any, others: Any) -> Any:
    """Say how much boxes overlap, each with each: shared area by the area that both cover, from 0 to 1.

    Args:
        boxes: ``(n, 4)``.
        others: ``(m, 4)``.

    Returns:
        ``(n, m)``; 0 where both boxes have no area.

    Example:
        >>> intersection_over_union([[0.0, 0.0, 1.0, 0.5]], [[0.0, 0.0, 1.0, 1.0]]).numpy().tolist()
        [[0.5]]

    Reference:
        Everingham et al. (2010), The Pascal visual object classes challenge, https://doi.org/10.1007/s11263-009-0275-4
    """
    boxes = _tensor(boxes)[:, None]  # (n, 1, 4)
    others = _tensor(others)[None]  # (1, m, 4)
    top_left = keras.ops.maximum(boxes[..., :2], others[..., :2])
    bottom_right = keras.ops.minimum(boxes[..., 2:], others[..., 2:])
    shared = keras.ops.prod(keras.ops.maximum(bottom_right - top_left, 0), axis=-1)  # (n, m)
    covered = _area(boxes) + _area(others) - shared
    return keras.ops.divide_no_nan(shared, covered)


def _tensor(values: Any) -> Any:
    return keras.ops.convert_to_tensor(values, "float32")


def _area(boxes: Any) -> Any:
    return keras.ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)


def non_max_suppression(boxes: Any, scores: Any, *, most_overlap: float = 0.6) -> np.ndarray:
    """Keep the best of the boxes that say the same: go from the best score down, drop what overlaps a kept box.

    Args:
        boxes: ``(n, 4)``, all for the same kind of object.
        scores: ``(n,)``.
        most_overlap: intersection over union, above which two boxes count as the same find.

    Returns:
        The places of the kept boxes, best first; among equal scores the first.

    Example:
        >>> one, same, other = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.9], [2.0, 2.0, 3.0, 3.0]
        >>> non_max_suppression([one, same, other], [0.7, 0.8, 0.6]).tolist()
        [1, 2]

    Reference:
        Felzenszwalb et al. (2010), Object detection with discriminatively trained part-based models,
        https://doi.org/10.1109/TPAMI.2009.167
    """
    same = keras.ops.convert_to_numpy(intersection_over_union(boxes, boxes)) > most_overlap  # (n, n)
    kept = []
    for place in np.argsort(-np.asarray(scores), kind="stable"):
        if not same[place, kept].any():
            kept.append(place)
    return np.array(kept, "int64")
