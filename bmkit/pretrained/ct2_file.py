"""Read a model file of CTranslate2, the form in which Whisper is spread for quick use on processors: named tensors.

The file is taken apart here and nowhere else, so that each count, size and place in it is compared with its length
before it is followed. The tensors stay on the disk until `array` asks for one.
"""

import math
from pathlib import Path

import numpy as np

from bmkit.data import DataError
from bmkit.pretrained.packed_file import MEND, PackedFile, PackedTensor, Walk, open_packed, unique

__all__ = ["CT2File", "read_ct2"]

VERSION = 6  # of the layout below
FORMS = ("<f4", "i1", "<i2", "<i4", "<f2")  # NumPy's names of the types, in CTranslate2's order
MOST_TENSORS = 10_000  # tensors and second names of one file; Whisper has 148 to 1,000
MOST_AXES = 4


class CT2File(PackedFile):
    """A model's kind, the fact "kind", such as "WhisperSpec", and its tensors by name, in the types of the file."""

    def size(self, name: str) -> int:
        """Return a whole number, such as "encoder/num_heads".

        Args:
            name: the number's name.

        Raises:
            bmkit.data.DataError: there is none of that name, or it is no whole number.
        """
        value = self.tensor(name)
        if value.shape or value.kind.kind != "i":
            raise DataError(f"{self.name}: {name} is {value.kind} of shape {value.shape}, expected a number. {MEND}")
        return int(value.rows)

    def _unpacked(self, name: str, tensor: PackedTensor) -> np.ndarray:
        if tensor.kind.kind != "f":
            raise DataError(f"{self.name}: {name} is {tensor.kind}, expected floating-point numbers. {MEND}")
        return tensor.rows.astype("float32")


def _text(walk: Walk) -> str:
    """Read a text: its length with the zero at its end, then itself."""
    text = walk.text("<H")
    if text[-1:] != "\0":
        raise ValueError("a name in it has no end")
    return text[:-1]


def _tensor(walk: Walk) -> PackedTensor:
    """Read shape, type, size in bytes, which must agree, and point to the numbers."""
    axes = walk.number("<B")
    if axes > MOST_AXES:
        raise ValueError(f"a tensor has {axes} axes")
    shape = tuple(walk.number("<I") for _ in range(axes))
    form = np.dtype(FORMS[walk.number("<B")])
    if (size := walk.number("<I")) != math.prod(shape) * form.itemsize:
        raise ValueError("the size of a tensor does not follow from its shape")
    return PackedTensor(form, shape, np.frombuffer(walk.take(size), form).reshape(shape))


def _parts(content: np.ndarray) -> tuple[dict, dict]:
    """Take a file apart into the model's kind and its tensors."""
    walk = Walk(content, MOST_TENSORS)
    if (version := walk.number("<I")) != VERSION:
        raise ValueError(f"it is of version {version}, expected {VERSION}")
    kind, _ = _text(walk), walk.number("<I")  # the revision of the kind: what the model needs is asked for by name
    tensors = unique((_text(walk), _tensor(walk)) for _ in walk.count("<I"))
    for _ in walk.count("<I"):  # second names of tensors: no model here asks for one
        _text(walk), _text(walk)
    if walk.place != len(content):
        raise ValueError("it goes on after its end")
    return {"kind": kind}, tensors


def read_ct2(path: Path) -> CT2File:
    """Open a model file of CTranslate2.

    Args:
        path: the file.

    Returns:
        Its kind and its tensors. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged or cut short, or of another version.

    Reference:
        CTranslate2, model specification, https://opennmt.net/CTranslate2/python/ctranslate2.specs.html
    """
    return open_packed(path, _parts, kind="a model of CTranslate2", form=CT2File)
