"""Files of packed weights: a walk through their bytes that never leaves them, and tensors unpacked when asked for.

What the readers of GGUF, E5, CTranslate2, Marian, LiteRT and dlib files and of frozen graphs share (the modules whose
names end in `_file`).
"""

import dataclasses
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.data import DataError

__all__ = ["MEND", "PackedFile", "PackedTensor", "Walk", "open_packed", "unique"]

MEND = "Run `python3 -m bmkit data verify`, then `python3 -m bmkit data fetch`."
MOST_VALUES = 1_000_000  # facts, their items and tensors of one file; SmolLM2 has 150,000, E5 255,000


@dataclasses.dataclass(frozen=True, eq=False)
class PackedTensor:
    """The packed rows of a tensor, (…, bytes per row), and the shape that it has when unpacked, slowest axis first."""

    kind: Any
    shape: tuple
    rows: np.ndarray = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, eq=False)
class PackedFile:
    """Facts by key, and tensors that stay packed on the disk until `array` asks for one."""

    name: str
    facts: dict[str, Any]
    tensors: dict[str, PackedTensor] = dataclasses.field(repr=False)

    def fact(self, key: str, kind: type) -> Any:
        """Return the fact of a key.

        Args:
            key: the key.
            kind: the type that it must have.

        Raises:
            bmkit.data.DataError: the file has no such fact, or one of another type.
        """
        if key not in self.facts:
            raise DataError(f"{self.name} lacks {key!r}, which the model needs; it is another model or damaged. {MEND}")
        if type(value := self.facts[key]) is not kind:
            raise DataError(f"{self.name}: {key!r} is of type {type(value).__name__}, expected {kind.__name__}. {MEND}")
        return value

    def tensor(self, name: str) -> PackedTensor:
        """Return a packed tensor, whatever its shape.

        Args:
            name: the tensor's name.

        Raises:
            bmkit.data.DataError: there is no such tensor.
        """
        if name not in self.tensors:
            raise DataError(f"{self.name} has no tensor {name!r}, which the model needs. {MEND}")
        return self.tensors[name]

    def expect(self, name: str, *shape: int) -> PackedTensor:
        """Return a packed tensor.

        Args:
            name: the tensor's name.
            shape: the shape that it must have, slowest axis first.

        Raises:
            bmkit.data.DataError: there is no such tensor, or it has another shape.
        """
        if (tensor := self.tensor(name)).shape != shape:
            raise DataError(f"{self.name}: {name} has shape {tensor.shape}, expected {shape}. {MEND}")
        return tensor

    def array(self, name: str, *shape: int) -> np.ndarray:
        """Unpack one tensor.

        Args:
            name: the tensor's name.
            shape: the shape that it must have, slowest axis first.

        Returns:
            float32 array of that shape.

        Raises:
            bmkit.data.DataError: there is no such tensor, it has another shape, its type cannot be unpacked, or it
                holds what is no number.
        """
        values = self._unpacked(name, self.expect(name, *shape))
        if not np.isfinite(values).all():
            raise DataError(f"{self.name}: {name} holds infinite numbers, or what is no number. {MEND}")
        return values

    def _unpacked(self, name: str, tensor: PackedTensor) -> np.ndarray:
        """Unpack the types of llama.cpp; files with others do it in their own way."""
        from gguf import quants

        try:
            return quants.dequantize(tensor.rows, tensor.kind)
        except NotImplementedError as error:
            raise DataError(
                f"{self.name}: {name} is of type {tensor.kind.name}, which cannot be unpacked here ({error})."
            ) from error


class Walk:
    """A walk through the bytes of a file, which ends in an error where something would reach past their end."""

    def __init__(self, content: np.ndarray, most: int | None = None) -> None:
        self.content, self.place = memoryview(content), 0
        self.most = self.left = MOST_VALUES if most is None else most

    def take(self, count: int) -> memoryview:
        """Read so many bytes."""
        start, self.place = self.place, self.place + count
        if self.place > len(self.content):
            raise ValueError("a size in it reaches past its end")
        return self.content[start : self.place]

    def number(self, form: str = "<Q") -> Any:
        """Read a number of a form of `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, form: str = "<Q") -> range:
        """Read how many values follow, without a sign; all values of a file together are bounded."""
        count = self.number(form)
        self.left -= count
        if self.left < 0:
            raise ValueError(f"it holds more than {self.most:,} values")
        return range(count)

    def text(self, form: str = "<Q") -> str:
        """Read a text behind its length in bytes."""
        return str(self.take(self.number(form)), "utf-8")


def unique(pairs: Any) -> dict:
    """Collect names and what belongs to them.

    Args:
        pairs: each a name and its value.

    Returns:
        The values by name.

    Raises:
        ValueError: a name comes twice.

    Example:
        >>> unique([("a", 1), ("b", 2)])
        {'a': 1, 'b': 2}
    """
    found = {}
    for name, value in pairs:
        if name in found:
            raise ValueError("a name comes twice")
        found[name] = value
    return found


def open_packed(
    path: Path, parts: Callable[[np.ndarray], tuple[dict, dict]], *, kind: str, form: type = PackedFile
) -> Any:
    """Open a file of packed weights.

    Args:
        path: the file.
        parts: takes its bytes apart into facts and packed tensors, in any way that may fail.
        kind: what the file should be, for the message: "a GGUF file".
        form: `PackedFile`, or what is derived from it.

    Returns:
        A file of that form: its facts, and its tensors by name. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged, cut short, or of another form.

    Example:
        >>> open_packed(Path("no such file"), lambda content: ({}, {}), kind="a GGUF file")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: no such file cannot be read as a GGUF file (FileNotFoundError: ...

    Reference:
        NumPy, memmap, https://numpy.org/doc/stable/reference/generated/numpy.memmap.html
    """
    try:
        facts, tensors = parts(np.memmap(path, mode="r"))
    except Exception as error:  # a damaged file may fail in any way at all
        told = ascii(str(error)[:200])[1:-1]
        raise DataError(
            f"{path.name} cannot be read as {kind} ({type(error).__name__}: {told}); it is damaged, cut short, or "
            f"newer than its reader here. {MEND}"
        ) from error
    return form(path.name, facts, tensors)
