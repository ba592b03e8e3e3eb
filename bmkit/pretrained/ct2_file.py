"""Read a model file of CTranslate2, the form in which Whisper is spread for quick use on processors: named tensors.

The file is taken apart here and nowhere else, so that each count, size and place in it is compared with its length
before it is followed. The tensors stay on the disk until `array` asks for one.
"""

import dataclasses
import math
import struct
from pathlib import Path

import numpy as np

from bmkit.data import DataError

__all__ = ["CT2File", "read_ct2"]

VERSION = 6  # of the layout below
FORMS = ("<f4", "i1", "<i2", "<i4", "<f2")  # NumPy's names of the types, in CTranslate2's order
MOST_TENSORS = 10_000  # tensors and aliases of one file; Whisper has 148 to 1,000
MOST_AXES = 4
MEND = "Run `python3 -m bmkit data verify`, then `python3 -m bmkit data fetch`."


@dataclasses.dataclass(frozen=True, eq=False)
class CT2File:
    """A model's kind, such as "WhisperSpec", and its tensors by name, in the types of the file."""

    name: str
    kind: str
    tensors: dict[str, np.ndarray] = dataclasses.field(repr=False)

    def tensor(self, name: str) -> np.ndarray:
        """Return a tensor as it lies in the file.

        Args:
            name: the tensor's name.

        Raises:
            bmkit.data.DataError: there is no such tensor.
        """
        if name not in self.tensors:
            raise DataError(f"{self.name} has no tensor {name!r}, which the model needs. {MEND}")
        return self.tensors[name]

    def size(self, name: str) -> int:
        """Return a whole number, such as "encoder/num_heads".

        Args:
            name: the number's name.

        Raises:
            bmkit.data.DataError: there is none of that name, or it is no whole number.
        """
        value = self.tensor(name)
        if value.shape or value.dtype.kind != "i":
            raise DataError(f"{self.name}: {name} is {value.dtype} of shape {value.shape}, expected a number. {MEND}")
        return int(value)

    def expect(self, name: str, *shape: int) -> np.ndarray:
        """Return a tensor of floating-point numbers as it lies in the file.

        Args:
            name: the tensor's name.
            shape: the shape that it must have.

        Raises:
            bmkit.data.DataError: there is no such tensor, or it has another shape or type.
        """
        value = self.tensor(name)
        if value.shape != shape or value.dtype.kind != "f":
            raise DataError(
                f"{self.name}: {name} is {value.dtype} of shape {value.shape}, expected floating-point numbers of "
                f"shape {shape}. {MEND}"
            )
        return value

    def array(self, name: str, *shape: int) -> np.ndarray:
        """Read one tensor of floating-point numbers.

        Args:
            name: the tensor's name.
            shape: the shape that it must have.

        Returns:
            float32 array of that shape.

        Raises:
            bmkit.data.DataError: there is no such tensor, it has another shape or type, or a number in it is none.
        """
        values = self.expect(name, *shape).astype("float32")
        if not np.isfinite(values).all():
            raise DataError(f"{self.name}: {name} holds infinite numbers, or what is no number. {MEND}")
        return values


class _Walk:
    """A walk through the bytes of a file, which ends in an error where something would reach past their end."""

    def __init__(self, content: np.ndarray) -> None:
        self.content, self.place = content, 0

    def take(self, count: int) -> np.ndarray:
        start, self.place = self.place, self.place + count
        if self.place > len(self.content):
            raise ValueError("a size in it reaches past its end")
        return self.content[start : self.place]

    def number(self, form: str = "<I") -> int:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self) -> range:
        if (count := self.number()) > MOST_TENSORS:
            raise ValueError(f"it holds more than {MOST_TENSORS:,} tensors")
        return range(count)

    def text(self) -> str:
        """Read a text: its length with the zero at its end, then itself."""
        content = bytes(self.take(self.number("<H")))
        if content[-1:] != b"\0":
            raise ValueError("a name in it has no end")
        return str(content[:-1], "utf-8")

    def tensor(self) -> np.ndarray:
        """Read shape, type, size in bytes, which must agree, and point to the numbers."""
        axes = self.number("<B")
        if axes > MOST_AXES:
            raise ValueError(f"a tensor has {axes} axes")
        shape = tuple(self.number() for _ in range(axes))
        form = np.dtype(FORMS[self.number("<B")])
        if (size := self.number()) != math.prod(shape) * form.itemsize:
            raise ValueError("the size of a tensor does not follow from its shape")
        return self.take(size).view(form).reshape(shape)


def _parts(content: np.ndarray) -> tuple[str, dict[str, np.ndarray]]:
    """Take a file apart into the model's kind and its tensors."""
    walk = _Walk(content)
    if (version := walk.number()) != VERSION:
        raise ValueError(f"it is of version {version}, expected {VERSION}")
    kind, _ = walk.text(), walk.number()  # the revision of the kind: what the model needs is asked for by name
    tensors: dict[str, np.ndarray] = {}
    for _ in walk.count():
        if (name := walk.text()) in tensors:
            raise ValueError("a name comes twice")
        tensors[name] = walk.tensor()
    for _ in walk.count():  # second names of tensors: no model here asks for one
        walk.text(), walk.text()
    if walk.place != len(content):
        raise ValueError("it goes on after its end")
    return kind, tensors


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
    try:
        kind, tensors = _parts(np.memmap(path, mode="r"))
    except Exception as error:  # a damaged file may fail in any way at all
        told = ascii(str(error)[:200])[1:-1]
        raise DataError(
            f"{path.name} cannot be read as a model of CTranslate2 ({type(error).__name__}: {told}); it is damaged, "
            f"cut short, or of another version. {MEND}"
        ) from error
    return CT2File(path.name, kind, tensors)
