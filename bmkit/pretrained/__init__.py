"""Pretrained models in Keras: weights of others from parcels, and the kit's own; all hashed, nothing in them is run.

>>> from bmkit import data
>>> print(data.weights()["minilm"].download_bytes // 10**6, "MB")
83 MB
"""

import importlib
from typing import Any

from bmkit import data

__all__ = ["load"]

# Where each model of others is loaded: (module, function). A module is imported when its model is asked for.
LOADERS = {
    "minilm": ("text", "minilm"),
    "multilingual_e5": ("multilingual", "multilingual_e5"),
    "smollm2": ("language", "smollm2"),
    "efficientnet_lite0": ("pictures", "efficientnet_lite0"),
    "blazeface": ("faces", "blazeface"),
    "faces": ("faces", "faces"),
    "hibari": ("voice", "hibari"),
    "whisper_tiny_en": ("speech", "whisper_tiny_en"),
    "marian_en_pt": ("translators", "marian_en_pt"),
    "marian_pt_en": ("translators", "marian_pt_en"),
    "ssd_mobilenet_v2": ("detector", "ssd_mobilenet_v2"),
}


def load(name: str) -> Any:
    """Load a pretrained model; the first use fetches its weights, later uses need no network.

    Args:
        name: one of `data.weights()`, such as "minilm", "smollm2", "whisper_tiny_en" or "gpt_docstrings". Where there
            is a network also "keras:" with a model of `keras.applications`, as "keras:ResNet50", or a preset of
            KerasHub, as "bert_tiny_en_uncased" or "hf://…".

    Returns:
        An object with `.model` (Keras) and what its use needs: a `SentenceEncoder` (bmkit/pretrained/text.py), a
        `LanguageModel` (language.py), a `PictureClassifier` (pictures.py), an `ObjectDetector` (detector.py), a
        `FaceDetector` or `Faces` (faces.py), a `SpeechRecogniser` (speech.py), a `Translator` (translators.py), an
        `OwnModel` that the kit trained itself (own.py), or a `Preset` (online.py). A `Voice` (voice.py) has a network
        of ONNX Runtime in place of `.model`.

    Raises:
        bmkit.data.DataError: no such model, weights that are absent while there is no network, or damaged weights.

    Example:
        >>> load("minilm").encode(["A cat sleeps.", "Rates rise."]).shape  # doctest: +SKIP
        (2, 384)

    Reference:
        KerasHub, https://keras.io/keras_hub/
    """
    known = data.weights().get(name)
    if known is not None and known.own:
        from bmkit.pretrained import own

        return own.load_own(name)
    if name not in LOADERS:
        from bmkit.pretrained import online

        return online.load(name)
    module, function = LOADERS[name]
    return getattr(importlib.import_module(f"bmkit.pretrained.{module}"), function)()
