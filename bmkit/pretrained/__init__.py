"""Pretrained models: weights that others trained, in Keras, from parcels that are hashed and never executed.

>>> from bmkit import data
>>> print(data.weights()["minilm"].download_bytes // 10**6, "MB")
83 MB
"""

import importlib
from typing import Any

__all__ = ["load"]

# Where each model is loaded: (module, function). A module is imported when its model is asked for.
LOADERS = {
    "minilm": ("text", "minilm"),
    "smollm2": ("language", "smollm2"),
    "efficientnet_lite0": ("pictures", "efficientnet_lite0"),
}


def load(name: str) -> Any:
    """Load a pretrained model; the first use fetches its weights, later uses need no network.

    Args:
        name: one of `data.weights()`: "minilm", "smollm2" or "efficientnet_lite0". Where there is a network also
            "keras:" with a model of `keras.applications`, as "keras:ResNet50", or a preset of KerasHub, as
            "bert_tiny_en_uncased" or "hf://…".

    Returns:
        An object with `.model` (Keras) and what its use needs: a `SentenceEncoder` (bmkit/pretrained/text.py), a
        `LanguageModel` (language.py), a `PictureClassifier` (pictures.py) or a `Preset` (online.py).

    Raises:
        bmkit.data.DataError: no such model, weights that are absent while there is no network, or damaged weights.

    Example:
        >>> load("minilm").encode(["A cat sleeps.", "Rates rise."]).shape  # doctest: +SKIP
        (2, 384)

    Reference:
        KerasHub, https://keras.io/keras_hub/
    """
    if name not in LOADERS:
        from bmkit.pretrained import online

        return online.load(name)
    module, function = LOADERS[name]
    return getattr(importlib.import_module(f"bmkit.pretrained.{module}"), function)()
