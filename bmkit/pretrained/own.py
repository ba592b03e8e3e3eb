"""Models that the kit trained itself: architecture, numbers and merges in one safetensors file, which runs nothing."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bmkit import data, scratch
from bmkit.backend import keras
from bmkit.data.weights import weight_files

__all__ = ["BytePairs", "OwnModel", "load_own", "read_model", "write_model"]

KEY = "keras"  # under which the file's header keeps the architecture
END_MARK = "<|end|>"
# An architecture is as large as this at most; the largest of the kit has 6,000 letters and 27 objects.
MOST_LETTERS, MOST_OBJECTS, MOST_SIZE = 200_000, 500, 65_536
SPARE = 1_000_000  # weights that a model may be built with beyond those of its file, to tell which do not fit


@dataclasses.dataclass(frozen=True, eq=False)
class BytePairs:
    """Turns text into token numbers and back, by the merges of `bmkit.scratch.bpe_train`; `end` is one token more."""

    merges: list = dataclasses.field(repr=False)

    @property
    def end(self) -> int:
        """Return the token that ends a text: the number after the last merge."""
        return 256 + len(self.merges)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text, without an end."""
        return scratch.bpe_encode(text, self.merges)

    def decode(self, numbers: Any) -> str:
        """Return the text of numbers; an end shows as <|end|>, half a letter as �."""
        parts, numbers = [[]], [int(number) for number in numbers]
        for number in numbers:
            if number == self.end:
                parts.append([])
            else:
                parts[-1].append(number)
        return END_MARK.join(scratch.bpe_decode(part, self.merges) for part in parts)


@dataclasses.dataclass(frozen=True, eq=False)
class OwnModel:
    """A Keras model that the kit trained; `tokenizer` has `encode`, `decode` and `end` where the model reads text."""

    model: Any
    tokenizer: BytePairs | None = None


def write_model(path: Path, model: Any, **arrays: np.ndarray) -> None:
    """Write a model into one file: its architecture as JSON, its weights as 16-bit floats.

    Args:
        path: the file; it is replaced.
        model: Keras model made of Keras' layers and the kit's.
        **arrays: what else belongs to it, such as the `merges` of its tokenizer.

    Raises:
        ValueError: a weight is not a number or too large for 16 bits.

    Example:
        >>> write_model(Path("a.safetensors"), model, merges=np.array(merges, "int32"))  # doctest: +SKIP

    Reference:
        safetensors, https://github.com/huggingface/safetensors
    """
    from safetensors.numpy import save_file

    values = {f"weight.{place:03d}": np.asarray(weight) for place, weight in enumerate(model.get_weights())}
    for name, weight in values.items():
        if not (np.abs(weight) <= np.finfo("float16").max).all():
            raise ValueError(f"{name} of {model.name!r} holds what 16 bits do not; has the training diverged?")
    halves = {name: weight.astype("float16") for name, weight in values.items()}
    architecture = json.loads(model.to_json())
    architecture.pop("compile_config", None)  # how it was trained stands in its recipe
    save_file(halves | arrays, path, metadata={KEY: json.dumps(architecture)})


def _checked(architecture: str) -> str:
    """Let an architecture pass if its JSON is an object of few parts and no large numbers."""
    if len(architecture) > MOST_LETTERS:
        raise ValueError(f"its architecture has more than {MOST_LETTERS:,} letters")
    if type(parts := json.loads(architecture)) is not dict:
        raise ValueError(f"its architecture is no object but {type(parts).__name__}")
    waiting, objects = [parts], 0
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict | list):
            waiting.extend(part.values() if isinstance(part, dict) else part)
            objects += "class_name" in part
        elif isinstance(part, int) and abs(part) > MOST_SIZE:
            raise ValueError(f"its architecture holds a size over {MOST_SIZE:,}")
    if objects > MOST_OBJECTS:
        raise ValueError(f"its architecture has more than {MOST_OBJECTS} layers and other objects")
    return architecture


@contextlib.contextmanager
def _no_more_than(numbers: int) -> Iterator[None]:
    """Stop a model from being built that has more weights than so many, before they take memory."""
    add_weight, left = keras.layers.Layer.add_weight, numbers

    def counted(layer: Any, shape: Any = None, *arguments: Any, **settings: Any) -> Any:
        nonlocal left
        left -= math.prod(shape or ())
        if left < 0:
            raise ValueError(f"its layers have more than {numbers:,} weights, many more than it holds")
        return add_weight(layer, shape, *arguments, **settings)

    keras.layers.Layer.add_weight = counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight


def read_model(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """Read what `write_model` wrote; architectures that would run code of the file are refused (Keras' safe mode).

    So are those that are larger than the weights beside them: what is built never outgrows the file.

    Args:
        path: the file.

    Returns:
        The model with its weights as 32-bit floats, not compiled, and the other arrays by name.

    Raises:
        bmkit.data.DataError: the file is damaged, of another form, or its weights have other shapes than its model's.

    Example:
        >>> read_model(Path("no such file"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: no such file cannot be read as a model of the kit (...

    Reference:
        Keras, safe mode, https://keras.io/api/models/model_saving_apis/model_saving_and_loading/
    """
    from safetensors import safe_open

    import bmkit.layers  # noqa: F401  its layers are known to Keras by their names

    try:
        with safe_open(path, "np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dictionary
            architecture = _checked((file.metadata() or {})[KEY])
        stored = sum(array.size for array in arrays.values())
        with _no_more_than(2 * stored + SPARE):  # one that misses its weights by little is told better below
            model = keras.models.model_from_json(architecture)
        if not isinstance(model, keras.Model):
            raise TypeError(f"its architecture is that of a {type(model).__name__}")
    except Exception as error:  # the header, the JSON and each layer fail in ways of their own
        told = " ".join(str(error).split())[:300]
        raise data.DataError(
            f"{path.name} cannot be read as a model of the kit ({type(error).__name__}: {told}); expected what "
            "bmkit.pretrained.own.write_model writes. Run `python3 -m bmkit data verify`."
        ) from error
    weights = [arrays.pop(f"weight.{place:03d}", None) for place in range(len(model.weights))]
    for place, (weight, variable) in enumerate(zip(weights, model.weights, strict=True)):
        shape = None if weight is None else weight.shape
        if shape != tuple(variable.shape):
            raise data.DataError(
                f"{path.name}: weight {place} has shape {shape}, but {variable.path} takes {tuple(variable.shape)}; "
                "the layers of the kit have changed since: make the file again by its recipe."
            )
    model.set_weights([weight.astype("float32") for weight in weights])
    return model, arrays


def load_own(name: str) -> OwnModel:
    """Load a model that the kit trained itself.

    Args:
        name: one of `data.weights()` whose entry has `own`.

    Returns:
        The model, with its tokenizer if it reads text.

    Raises:
        bmkit.data.DataError: the file is missing, damaged, or of another form.

    Example:
        >>> load_own("gpt_docstrings").tokenizer.end
        1023
    """
    with weight_files(name) as folder:
        model, arrays = read_model(folder / f"{name}.safetensors")
    tokenizer = BytePairs([tuple(pair) for pair in arrays["merges"].tolist()]) if "merges" in arrays else None
    return OwnModel(model, tokenizer)
