"""Models from the network: presets of KerasHub, and the picture classifiers of keras.applications."""

import contextlib
import dataclasses
import difflib
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bmkit import backend, data
from bmkit.backend import keras
from bmkit.data.cache import say
from bmkit.data.transport import reaches
from bmkit.pretrained.pictures import PictureClassifier, imagenet_labels
from bmkit.pretrained.text import SentenceEncoder

__all__ = ["Preset", "load"]

HOSTS = {"keras": "storage.googleapis.com", "hf": "huggingface.co", "kaggle": "www.kaggle.com"}
PATIENCE = 30  # seconds without a byte after which a transfer is given up


@dataclasses.dataclass(frozen=True, eq=False)
class Preset:
    """A backbone of KerasHub, and its tokenizer if it reads text."""

    model: Any
    tokenizer: Any = None


def load(name: str) -> PictureClassifier | SentenceEncoder | Preset:
    """Load a model that is not among the kit's parcels; its licence is yours to look up.

    Args:
        name: "keras:" and a model of `keras.applications`; a preset that KerasHub knows; or an address of one,
            "hf://…" or "kaggle://…".

    Returns:
        A `PictureClassifier` for "keras:…", a `SentenceEncoder` for a BERT, else a `Preset`.

    Raises:
        bmkit.data.DataError: there is no such model, there is no network, or the transfer failed.
    """
    scheme = name.partition(":")[0] if ":" in name else "kaggle"
    loader = _loader(name, scheme)
    if not reaches(HOSTS[scheme]):
        kept = ", ".join(data.weights())
        raise data.DataError(
            f"{name!r} comes from {HOSTS[scheme]} and there is no network; connect to one and try again, or load one "
            f"of those that `python3 -m bmkit data fetch` keeps on this computer: {kept}."
        )
    say(f"loading {name} from {HOSTS[scheme]}; what is fetched stays in the cache of its library")
    try:
        with _patience():
            return loader()
    except Exception as error:  # the network, the address and the file can fail in any way at all
        told = " ".join(str(error).split())[:300]
        raise data.DataError(
            f"{name!r} could not be loaded from {HOSTS[scheme]} ({type(error).__name__}: {told}); compare the name "
            "with https://keras.io/keras_hub/presets/ or https://keras.io/api/applications/, or try again later."
        ) from error


def _loader(name: str, scheme: str) -> Callable:
    """Find out before any transfer what a name stands for."""
    if scheme == "keras":
        models = [model for model in dir(keras.applications) if model[0].isupper()]
        wanted = name.removeprefix("keras:")
        if wanted in models:
            return lambda: _application(getattr(keras.applications, wanted))
        known = [f"keras:{model}" for model in models]
    else:
        with backend.silenced():
            import keras_hub
        known = list(keras_hub.models.Backbone.presets)
        if scheme in HOSTS and (name in known or "://" in name):
            return lambda: _preset(keras_hub.models, name)
        known += data.weights()
    near = ", ".join(map(repr, difflib.get_close_matches(name, known, n=3, cutoff=0.3)))
    raise data.DataError(
        f"there is no model {name!r}; {f'did you mean {near}? ' if near else ''}"
        f"Without a network there are: {', '.join(data.weights())}; with one also presets of KerasHub, "
        "'hf://…', 'kaggle://…', and 'keras:ResNet50' and the like."
    )


def _application(build: Callable) -> PictureClassifier:
    """Load a classifier of keras.applications, ending in logits, with the pixels' scale that its module prescribes."""
    model = build(weights="imagenet", classifier_activation=None)
    return PictureClassifier(model, imagenet_labels(), sys.modules[build.__module__].preprocess_input)


def _preset(models: Any, name: str) -> SentenceEncoder | Preset:
    """Load a backbone and, if it has one, its tokenizer."""
    backbone = models.Backbone.from_preset(name)
    tokenizer = None
    with contextlib.suppress(ValueError, FileNotFoundError):  # what KerasHub raises where a preset reads no text
        tokenizer = models.Tokenizer.from_preset(name)
    if isinstance(backbone, models.BertBackbone):
        return SentenceEncoder(backbone, tokenizer)
    return Preset(backbone, tokenizer)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Give a stalled transfer up: Keras' own downloads know no limit (those of Kaggle and Hugging Face do)."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
