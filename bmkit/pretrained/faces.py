"""Faces: found by BlazeFace, turned upright and cut out by their key points, and described by 128 numbers each.

Places are in pixels from the upper left corner of a picture, x to the right and y down, so that the middle of its
first pixel is (0.5, 0.5).
"""

import collections
import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from bmkit.backend import keras
from bmkit.data.entries import DataError
from bmkit.data.weights import weight_files
from bmkit.pretrained import blazeface as detection
from bmkit.pretrained.dlib_file import DlibFile, read_dlib
from bmkit.pretrained.face_resnet import MEANS, face_resnet
from bmkit.pretrained.litert_file import LiteRTFile, read_litert
from bmkit.pretrained.packed_file import MEND
from bmkit.pretrained.pixels import pixels_of
from bmkit.pretrained.tracing import traced

__all__ = [
    "POINTS",
    "FaceDetector",
    "Faces",
    "FoundFaces",
    "blazeface",
    "face_detector",
    "faces",
    "faces_of",
    "fill_from_dlib",
    "fill_from_litert",
    "similarity",
]

POINTS = ("right eye", "left eye", "tip of the nose", "mouth", "right ear", "left ear")  # sides as the person has them
DETECTOR_FILE, EMBEDDER_FILE = "face_detection_front.tflite", "dlib_face_recognition_resnet_model_v1.dat"
# Where in the picture of a face its eyes and mouth go: the middles of their points in the mean face of dlib, whose
# numbers run from 0 to 1 over a square that gets a margin of a quarter on each side.
ALIGNED = ("right eye", "left eye", "mouth")
MEAN_FACE, MARGIN = np.array([(0.2255, 0.2160), (0.7546, 0.2160), (0.4901, 0.8000)]), 0.25


class FoundFaces(NamedTuple):
    """The n faces of a picture, the surest first.

    `boxes` has left, top, right and bottom, (n, 4); `points` x and y of the six `POINTS`, (n, 6, 2), all float32 and
    in pixels; `scores`, (n,), runs from the least score to 1.
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray


def similarity(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Find the turn, the size and the shift that bring points nearest to their targets (least squares).

    With a point as the complex number ``z = x + iy``, turning and sizing is one product: ``z → a·z + b`` with
    ``a = Σ conj(z_k - mean z)·(w_k - mean w) / Σ |z_k - mean z|²`` and ``b = mean w - a·mean z``.

    Args:
        points: x and y, shape (n, 2); two or more that do not lie on one spot.
        targets: where they should go, shape (n, 2).

    Returns:
        The matrix M of shape (2, 3) for ``M @ (x, y, 1)``.

    Raises:
        ValueError: all points lie on one spot, or a coordinate is no number.

    Example:
        >>> similarity(np.array([[0, 0], [1, 0]]), np.array([[5, 5], [5, 7]])).round()  # twice as large, a quarter turn
        array([[ 0., -2.,  5.],
               [ 2.,  0.,  5.]])

    Reference:
        Umeyama (1991), Least-squares estimation of transformation parameters, https://doi.org/10.1109/34.88573
    """
    z, w = np.asarray(points, "float64") @ [1, 1j], np.asarray(targets, "float64") @ [1, 1j]
    away, wanted = z - z.mean(), w - w.mean()
    spread = (abs(away) ** 2).sum()
    if not 0 < spread < np.inf:
        raise ValueError(f"the points {np.asarray(points).tolist()} lie on one spot, or are no numbers.")
    a = (away.conj() * wanted).sum() / spread
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def _colours(picture: Any) -> np.ndarray:
    """Return a picture, grey or in colours, as uint8 of shape (height, width, 3)."""
    return np.rint(pixels_of(picture, grey=True)).astype("uint8")


@dataclasses.dataclass(frozen=True, eq=False)
class FaceDetector:
    """A network that finds faces, BlazeFace.

    `model` is a Keras model from pictures of 128×128 pixels, from -1 to 1, to 896 guesses: "boxes" and "logits".
    """

    model: Any

    @functools.cached_property
    def _guess(self) -> Callable:
        form = ((None, *self.model.input_shape[1:]), "float32")
        return traced(lambda x: self.model(x, training=False), self.model.weights, form)

    @functools.cached_property
    def _anchors(self) -> np.ndarray:
        return detection.anchors(self.model.input_shape[1])

    def find(self, picture: Any, *, least_score: float = 0.5) -> FoundFaces:
        """Find the faces of a picture.

        The network looks at the whole picture in 128×128 pixels and was made for the camera above a screen: it misses
        faces that are lower than about a ninth of the picture's longer side, and the key points of those that are
        hardly larger are rough. Cut out the part around such a face and look again.

        Args:
            picture: (height, width, 3), or (height, width) and (height, width, 1) when it is grey; pixels 0 to 255.
            least_score: how sure the network must be, above 0 and below 1.

        Returns:
            Boxes (n, 4), key points (n, 6, 2) and scores (n,), the surest face first; n is 0 where there is none.

        Raises:
            ValueError: this is no picture, or the score lies outside 0 to 1.

        Reference:
            Bazarevsky et al. (2019), BlazeFace, https://arxiv.org/abs/1907.05047
        """
        if not 0 < least_score < 1:
            raise ValueError(f"least_score is {least_score}; expected a number above 0 and below 1.")
        picture = _colours(picture)
        square, scale, shift = self._square(picture)
        guesses = self._guess(keras.ops.convert_to_tensor(square[None]))
        logits = keras.ops.convert_to_numpy(guesses["logits"])[0]
        boxes, points = detection.boxes_and_points(keras.ops.convert_to_numpy(guesses["boxes"])[0], self._anchors)
        scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
        sure = (scores > least_score) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        boxes, points, scores = detection.average_overlapping(boxes[sure], points[sure], scores[sure])
        boxes = ((boxes.reshape(-1, 2, 2) - shift) / scale).reshape(-1, 4)
        return FoundFaces(boxes.astype("float32"), ((points - shift) / scale).astype("float32"), scores)

    def _square(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shrink a picture into the middle of a black square; ``square = scale·picture + shift`` for x and y."""
        side, (height, width) = self.model.input_shape[1], picture.shape[:2]
        size = [max(1, round(length * side / max(height, width))) for length in (width, height)]
        shift = [(side - length) // 2 for length in size]
        square = Image.new("RGB", (side, side))
        square.paste(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR), tuple(shift))
        return np.asarray(square, "float32") / 127.5 - 1, np.array(size) / (width, height), np.array(shift)

    def align(self, picture: Any, points: Any, *, side: int = 150) -> np.ndarray:
        """Cut faces out of a picture, turned and sized so that eyes and mouth lie where they always lie.

        Args:
            picture: as `find` takes it.
            points: the key points that `find` gave, shape (n, 6, 2).
            side: height and width of what is cut out, in pixels.

        Returns:
            uint8 of shape (n, side, side, 3); black where the picture has ended.

        Raises:
            ValueError: this is no picture, or these are no such points.

        Example:
            >>> points = np.array([[[40, 40], [60, 40], [50, 50], [50, 62], [30, 45], [70, 45]]])
            >>> FaceDetector(None).align(np.zeros((100, 100, 3)), points).shape
            (1, 150, 150, 3)

        Reference:
            King (2017), High quality face recognition with deep metric learning,
            http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html
        """
        points = np.asarray(points)
        if points.ndim != 3 or points.shape[1:] != (len(POINTS), 2):
            raise ValueError(f"the points have shape {points.shape}; expected (faces, {len(POINTS)}, 2).")
        if side < 1:
            raise ValueError(f"side is {side}; expected at least one pixel.")
        image = Image.fromarray(_colours(picture))
        targets = (MEAN_FACE + MARGIN) / (1 + 2 * MARGIN) * side
        used = [POINTS.index(name) for name in ALIGNED]
        cut = [_cut_out(image, similarity(face[used], targets), side) for face in points]
        return np.stack(cut) if cut else np.zeros((0, side, side, 3), "uint8")


def _cut_out(image: Image.Image, matrix: np.ndarray, side: int) -> np.ndarray:
    """Fill a square with what of an image the matrix brings into it; a face that gets smaller is averaged first."""
    shrink = max(1, int(1 / np.hypot(*matrix[:, 0])))
    if shrink > 1:
        image, matrix = image.reduce(shrink), matrix * [shrink, shrink, 1]
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]  # from each pixel of the square into the image
    cut = image.transform((side, side), Image.Transform.AFFINE, back.ravel(), Image.Resampling.BILINEAR)
    return np.asarray(cut)


@dataclasses.dataclass(frozen=True, eq=False)
class Faces(FaceDetector):
    """A network that finds faces, and one that describes each by 128 numbers.

    `model` is that of a `FaceDetector`; `embedder` is a Keras model from pictures of 150×150 pixels, 0 to 255, to the
    numbers. It was trained so that faces of one person lie less than 0.6 apart (Euclidean distance), those of two
    people more; of the pairs of strangers in `orl_faces` 2 % do not. How often that fails differs with age, light,
    pose and origin: measure it on the people whom you mean, and ask them first.
    """

    embedder: Any

    @functools.cached_property
    def _describe(self) -> Callable:
        form = ((None, *self.embedder.input_shape[1:]), "float32")
        return traced(lambda x: self.embedder(x, training=False), self.embedder.weights, form)

    def embed(self, aligned: Any, *, batch_size: int = 32) -> np.ndarray:
        """Describe faces by numbers: what is said of one person is near, of two people far.

        Args:
            aligned: faces as `align` cuts them out, shape (n, 150, 150, 3), pixels 0 to 255.
            batch_size: how many are computed at once.

        Returns:
            float32 of shape (n, 128).

        Raises:
            ValueError: these are no such pictures.

        Reference:
            King (2017), High quality face recognition with deep metric learning,
            http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html
        """
        aligned, shape = np.asarray(aligned), self.embedder.input_shape[1:]
        if aligned.ndim != 4 or aligned.shape[1:] != shape:
            raise ValueError(f"the faces have shape {aligned.shape}; expected (n, {', '.join(map(str, shape))}).")
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; expected at least 1.")
        found = [np.zeros((0, self.embedder.output_shape[-1]), "float32")]
        for start in range(0, len(aligned), batch_size):
            batch = np.stack([_colours(face) for face in aligned[start : start + batch_size]])
            numbers = self._describe(keras.ops.convert_to_tensor(batch.astype("float32")))
            found.append(keras.ops.convert_to_numpy(numbers))
        return np.concatenate(found)


def _numbered(name: str, number: int) -> str:
    """Name a layer as Keras names the first, the second, … of a kind."""
    return f"{name}_{number}" if number else name


def fill_from_litert(model: Any, file: LiteRTFile) -> None:
    """Fill a `blazeface` with the tensors of its .tflite file.

    LiteRT keeps a convolution's kernel as (output, height, width, input), Keras as (height, width, input, output).

    Args:
        model: what `bmkit.pretrained.blazeface.blazeface` built.
        file: the file.

    Raises:
        bmkit.data.DataError: a tensor is missing, or has another shape or type.
    """
    names = {"stem_conv": "conv2d"}
    for block in range(len(detection.BLOCKS)):
        names[f"block{block}_depthwise_conv"] = _numbered("depthwise_conv2d", block)
        names[f"block{block}_project_conv"] = _numbered("conv2d", block + 1)
    for block, pixels in zip(detection.HEADS, (8, 16), strict=True):  # pixels from one place of the map to the next
        names[f"block{block}_boxes"], names[f"block{block}_logits"] = f"regressor_{pixels}", f"classificator_{pixels}"
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.weights
            height, width, inputs, outputs = kernel.shape
            stored = file.array(f"{names[layer.name]}/Kernel", outputs, height, width, inputs)
            kernel.assign(stored.transpose(1, 2, 3, 0))
            bias.assign(file.array(f"{names[layer.name]}/Bias", *bias.shape))


def fill_from_dlib(model: Any, file: DlibFile) -> None:
    """Fill a `face_resnet` with the layers of dlib's file, each scale and shift made part of its convolution.

    dlib keeps a convolution's kernel as (output, input, height, width), Keras as (height, width, input, output).

    Args:
        model: what `bmkit.pretrained.face_resnet` built.
        file: the file.

    Raises:
        bmkit.data.DataError: the file holds another network.
    """
    of_kind = keras.layers
    kinds = {"con": of_kind.Conv2D, "affine": of_kind.Conv2D, "add_prev": of_kind.Add, "max_pool": of_kind.MaxPooling2D}
    kinds |= {"avg_pool": (of_kind.AveragePooling2D, of_kind.GlobalAveragePooling2D), "fc": of_kind.Dense}
    wanted = {name: sum(isinstance(layer, kind) for layer in model.layers) for name, kind in kinds.items()}
    wanted["relu"] = wanted["con"]  # one behind each; those beside zeros that were filled up are ours
    if (counted := collections.Counter(file.fact("layers", list))) != wanted:
        raise DataError(f"{file.name} has the layers {dict(counted)}, expected {wanted}. {MEND}")
    side = model.input_shape[1]
    if file.fact("size", list) != [side, side] or not np.allclose(file.fact("means", list), MEANS, atol=1e-3):
        raise DataError(f"{file.name} is for other pictures than {side}×{side} with the means {MEANS}. {MEND}")
    convolutions = [layer for layer in model.layers if isinstance(layer, of_kind.Conv2D)]
    for number, layer in enumerate(convolutions, start=1):
        height, width, inputs, outputs = layer.kernel.shape
        padding = height // 2 if layer.padding == "same" else 0
        needed = [outputs, height, width, *layer.strides, padding, padding]
        if (settings := file.fact(f"con{number}", list)) != needed:
            raise DataError(f"{file.name}: con{number} has the settings {settings}, expected {needed}. {MEND}")
        kernel = file.array(f"con{number}/kernel", outputs, inputs, height, width).transpose(2, 3, 1, 0)
        bias, scale, shift = (
            file.array(f"{name}{number}/{part}", outputs)
            for name, part in (("con", "bias"), ("affine", "scale"), ("affine", "shift"))
        )
        layer.kernel.assign(scale * kernel)
        layer.bias.assign(scale * bias + shift)
    last = model.layers[-1]
    last.kernel.assign(file.array("fc1/kernel", *last.kernel.shape))


def face_detector(folder: Path) -> FaceDetector:
    """Load a detector of faces from its file.

    Args:
        folder: holds "face_detection_front.tflite".

    Returns:
        The detector.

    Raises:
        bmkit.data.DataError: the file is missing, damaged, or of another network.
    """
    model = detection.blazeface()
    fill_from_litert(model, read_litert(Path(folder) / DETECTOR_FILE))
    return FaceDetector(model)


def faces_of(folder: Path) -> Faces:
    """Load a detector of faces and the network that describes them from their files.

    Args:
        folder: holds "face_detection_front.tflite" and "dlib_face_recognition_resnet_model_v1.dat".

    Returns:
        Both.

    Raises:
        bmkit.data.DataError: a file is missing, damaged, or of another network.
    """
    detector = face_detector(folder)
    embedder = face_resnet()
    fill_from_dlib(embedder, read_dlib(Path(folder) / EMBEDDER_FILE))
    return Faces(detector.model, embedder)


def blazeface() -> FaceDetector:
    """Load BlazeFace as Google trained it for the front camera of telephones.

    Returns:
        The detector.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("blazeface") as folder:
        return face_detector(folder)


def faces() -> Faces:
    """Load BlazeFace and dlib's network for faces, trained on three million pictures of 7,485 people.

    Returns:
        Both.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("faces") as folder:
        return faces_of(folder)
