"""A network that finds objects in photographs: SSD-MobileNetV2 out of its parcel, what it says, and what it sees."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.pretrained.boxes import anchor_boxes, decode, non_max_suppression
from bmkit.pretrained.graph_file import read_graph
from bmkit.pretrained.pixels import pixels_of
from bmkit.pretrained.ssd_mobilenet import fill_from_graph, map_names, ssd_mobilenet

__all__ = ["COCO_KINDS", "Detections", "ObjectDetector", "object_detector", "ssd_mobilenet_v2"]

# COCO's kinds by their numbers, from 1 to 90. Ten are gaps: kinds that were planned, and left out of the data.
NAMES = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,,stop sign,parking meter,"
    "bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,,backpack,umbrella,,,handbag,tie,suitcase,frisbee,"
    "skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,,wine glass,"
    "cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,"
    "potted plant,bed,,dining table,,,toilet,,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,"
    "refrigerator,,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
)
COCO_KINDS = tuple(NAMES.split(","))


class Detections(NamedTuple):
    """What was found in a picture, best first: `boxes, kinds, scores = detector.detect(picture)`.

    `boxes`, float32 of shape (n, 4), are top, left, bottom, right in pixels of the picture (Keras' format "yxyx");
    `kinds` names n kinds; `scores`, float32 of shape (n,), are the network's probabilities.
    """

    boxes: np.ndarray
    kinds: tuple
    scores: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class ObjectDetector:
    """A network that finds objects in photographs.

    `model` is a Keras model from prepared pictures to offsets (batch, anchors, 4) and logits (batch, anchors, classes);
    `kinds` names the classes after the first, which is the background; an empty name is never reported. `anchors`,
    (anchors, 4), are the boxes that the offsets start from, and `maps` the layers that hold what the network sees.
    """

    model: Any
    kinds: tuple = dataclasses.field(repr=False)
    anchors: np.ndarray = dataclasses.field(repr=False)
    maps: Sequence[str] = dataclasses.field(repr=False)

    @functools.cached_property
    def features(self) -> Any:
        """Return the model from prepared pictures to its maps of features, finest first, for a head of one's own.

        For SSD-MobileNetV2 they are (batch, 19, 19, 576), (10, 10, 1280), (5, 5, 512), (3, 3, 256), (2, 2, 256) and
        (1, 1, 128). The layers are those of `model`, and are frozen from then on: a training that begins with
        `features` changes no weight in them, nor any mean or variance.
        """
        outputs = [self.model.get_layer(name).output for name in self.maps]
        features = keras.Model(self.model.input, outputs, name=f"{self.model.name}_features")
        features.trainable = False
        return features

    def preprocess(self, pictures: Any) -> np.ndarray:
        """Resize pictures to what the model takes, whatever their proportions, and scale the pixels to -1 … 1.

        Args:
            pictures: one picture (height, width, 3), a batch (n, height, width, 3), or a list of pictures of any
                sizes; pixels from 0 to 255, as integers or as floating-point numbers.

        Returns:
            float32 of shape (n, side, side, 3).

        Raises:
            ValueError: there is none, something is not a colour picture, or its pixels are on another scale.
        """
        single = hasattr(pictures, "ndim") and pictures.ndim == 3
        side = self.model.input_shape[1:3]
        given = [pixels_of(picture) for picture in ([pictures] if single else pictures)]
        resized = [_resized(pixels.astype("float32"), *side) for pixels in given]
        if not resized:
            raise ValueError("there is no picture; expected one or more of shape (height, width, 3).")
        return np.stack(resized) * np.float32(2 / 255) - np.float32(1)

    def detect(self, picture: Any, *, at_least: float = 0.5, most_overlap: float = 0.6, most: int = 100) -> Detections:
        """Find objects in a picture.

        Args:
            picture: (height, width, 3), pixels from 0 to 255.
            at_least: the lowest score that is reported, in (0, 1].
            most_overlap: intersection over union, above which two boxes of one kind are one find.
            most: how many finds are reported, the best ones.

        Returns:
            Boxes, kinds and scores, best first.

        Raises:
            ValueError: it is not a colour picture, or a threshold makes no sense.
        """
        return self.detect_all([picture], at_least=at_least, most_overlap=most_overlap, most=most)[0]

    def detect_all(
        self, pictures: Any, *, at_least: float = 0.5, most_overlap: float = 0.6, most: int = 100
    ) -> list[Detections]:
        """Find objects in many pictures: quicker than one by one.

        Args:
            pictures: as `preprocess` takes them.
            at_least: the lowest score that is reported, in (0, 1].
            most_overlap: intersection over union, above which two boxes of one kind are one find.
            most: how many finds are reported for a picture, the best ones.

        Returns:
            Boxes, kinds and scores for each picture.

        Raises:
            ValueError: something is not a colour picture, or a threshold makes no sense.
        """
        if not (0 < at_least <= 1 and 0 <= most_overlap <= 1 and most >= 1):
            raise ValueError(
                f"at_least is {at_least}, most_overlap {most_overlap} and most {most}; expected at_least in (0, 1], "
                "most_overlap in [0, 1] and most from 1 on."
            )
        pictures = [pictures] if hasattr(pictures, "ndim") and pictures.ndim == 3 else list(pictures)
        prepared = self.preprocess(pictures)
        offsets, logits = self.model.predict(prepared, batch_size=16, verbose=0)
        boxes = keras.ops.clip(decode(offsets, self.anchors), 0, 1)  # nothing lies outside the picture
        boxes = keras.ops.convert_to_numpy(boxes)  # (pictures, anchors, 4)
        sizes = [np.shape(picture)[:2] for picture in pictures]
        has_area = (boxes[..., 2:] > boxes[..., :2]).all(axis=-1, keepdims=True)
        scores = self._scores(logits) * has_area
        chosen = [_chosen(*each, at_least, most_overlap) for each in zip(boxes, scores, strict=True)]
        return [self._told(*each, most) for each in zip(sizes, boxes, chosen, strict=True)]

    def _scores(self, logits: Any) -> np.ndarray:
        """Turn logits into scores of the kinds that have a name: each kind for itself, without the background."""
        scores = keras.ops.convert_to_numpy(keras.ops.sigmoid(logits[..., 1:]))
        return np.where([name != "" for name in self.kinds], scores, 0)

    def _told(self, size: tuple, boxes: np.ndarray, chosen: list, most: int) -> Detections:
        """Put the finds of all kinds in order, best first, and give them names, and boxes in pixels."""
        chosen = sorted(chosen, reverse=True)[:most]
        rows = np.array([row for _, row, _ in chosen], "int64")
        scores = np.array([score for score, _, _ in chosen], "float32")
        in_pixels = boxes[rows] * np.array([*size, *size], "float32")
        return Detections(in_pixels, tuple(self.kinds[kind] for _, _, kind in chosen), scores)


def _chosen(boxes: np.ndarray, scores: np.ndarray, at_least: float, most_overlap: float) -> list[tuple]:
    """Choose among the boxes with a good score, kind by kind: scores, rows of the boxes and kinds."""
    found = []
    for kind in np.flatnonzero((scores >= at_least).any(axis=0)):
        good = np.flatnonzero(scores[:, kind] >= at_least)
        kept = good[non_max_suppression(boxes[good], scores[good, kind], most_overlap=most_overlap)]
        found += [(scores[row, kind], row, kind) for row in kept]
    return found


def _resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize as TensorFlow 1 did when the network was trained: place i of n lies at ``i·length/n`` of the original.

    Today's functions look half a pixel further, and smooth what they shrink: the network would see another picture.
    """
    left, right, from_left = _between(pixels.shape[1], width)
    top, bottom, from_top = _between(pixels.shape[0], height)
    across = pixels[:, left] + (pixels[:, right] - pixels[:, left]) * from_left[:, None]
    return across[top] + (across[bottom] - across[top]) * from_top[:, None, None]


def _between(length: int, places: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say between which pixels each place lies, and how far it is from the first of the two."""
    at = np.arange(places, dtype="float32") * (np.float32(length) / np.float32(places))
    first = np.minimum(at.astype("int64"), length - 1)
    return first, np.minimum(first + 1, length - 1), at - first.astype("float32")


def object_detector(path: Path) -> ObjectDetector:
    """Read SSD-MobileNetV2 out of a frozen graph.

    Args:
        path: the file, usually named frozen_inference_graph.pb.

    Returns:
        The detector, for the 80 kinds of COCO.

    Raises:
        bmkit.data.DataError: the file is damaged, cut short, or of another network.
    """
    file = read_graph(path)
    model = ssd_mobilenet(name="ssd_mobilenet_v2")
    fill_from_graph(model, file)
    return ObjectDetector(model, COCO_KINDS, anchor_boxes(), tuple(map_names()))


def ssd_mobilenet_v2() -> ObjectDetector:
    """Load SSD-MobileNetV2 as Google trained it on the 118,000 photographs of COCO.

    The licence of the parcel is not stated: load the weights, do not redistribute them.

    Returns:
        The detector, for the 80 kinds of COCO.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("ssd_mobilenet_v2") as folder:
        return object_detector(folder / "frozen_inference_graph.pb")
