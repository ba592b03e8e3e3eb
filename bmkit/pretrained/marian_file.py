"""Read a .bin file of Marian, the form in which small translators travel: a configuration, and weights of eight bits.

Layout, little-endian: version and number of tensors; per tensor four sizes (name, type, axes, bytes); then all names,
all shapes, a gap, and the contents one after the other. Each of these numbers is compared with the length of the file
before it is followed.
"""

import dataclasses
import math
import re
import struct
from pathlib import Path

import numpy as np

from bmkit.data import DataError

__all__ = ["MarianFile", "PackedTensor", "read_marian"]

MEND = "Run `python3 -m bmkit data verify`, then `python3 -m bmkit data fetch`."
VERSION = 1
TEXT, FLOAT, BYTES = 0x101, 0x404, 0x4101  # letters; float32; int8, then what they were multiplied by
CONFIG = "special:model.yml"
MOST_TENSORS, MOST_AXES, LONGEST_NAME = 10_000, 4, 1_000
GAP = 256  # bytes: contents begin at a multiple of it


@dataclasses.dataclass(frozen=True, eq=False)
class PackedTensor:
    """A tensor as it lies in the file: its type, its shape and its bytes."""

    kind: int
    shape: tuple
    content: memoryview = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, eq=False)
class MarianFile:
    """The configuration by key, and tensors that stay packed until `array` asks for one."""

    name: str
    config: dict[str, str]
    tensors: dict[str, PackedTensor] = dataclasses.field(repr=False)

    def size(self, key: str, *, least: int = 1, most: int = 1_000) -> int:
        """Return a whole number of the configuration.

        Args:
            key: the key, as "enc-depth".
            least: the smallest value that can be true.
            most: the largest one.

        Raises:
            bmkit.data.DataError: there is no such key, or its value is no number of that range.
        """
        value = self.config.get(key, "")
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise DataError(f"{self.name}: {key!r} is {value[:40]!r}, expected {least} … {most:,}. {MEND}")
        return int(value)

    def expect(self, name: str, *shape: int) -> PackedTensor:
        """Return a packed tensor.

        Args:
            name: the tensor's name.
            shape: the shape that it must have.

        Raises:
            bmkit.data.DataError: there is no such tensor, or it has another shape.
        """
        if name not in self.tensors:
            raise DataError(f"{self.name} has no tensor {name!r}, which the model needs. {MEND}")
        if (tensor := self.tensors[name]).shape != shape:
            raise DataError(f"{self.name}: {name} has shape {tensor.shape}, expected {shape}. {MEND}")
        return tensor

    def array(self, name: str, *shape: int) -> np.ndarray:
        """Unpack one tensor: ``weight = int8 / multiplier``, or float32 as it stands.

        Args:
            name: the tensor's name.
            shape: the shape that it must have.

        Returns:
            float32 array of that shape.

        Raises:
            bmkit.data.DataError: there is no such tensor, it has another shape, or holds what is no number.
        """
        tensor = self.expect(name, *shape)
        count = math.prod(shape)
        if tensor.kind == FLOAT:
            values = np.frombuffer(tensor.content, "<f4", count).reshape(shape).astype("float32")
        elif tensor.kind == BYTES:
            packed = np.frombuffer(tensor.content, "i1", count)
            (multiplier,) = struct.unpack_from("<f", tensor.content, count)
            # A matrix is stored for products with it, transposed; the table of words alone is stored to look rows up.
            rows = packed.reshape(shape) if name == "Wemb" else packed.reshape(shape[::-1]).T
            values = rows.astype("float32") / np.float32(multiplier or np.nan)
        else:
            raise DataError(f"{self.name}: {name} holds text, expected numbers. {MEND}")
        if not np.isfinite(values).all():
            raise DataError(f"{self.name}: {name} holds what is not a number. {MEND}")
        return values


def read_marian(path: Path) -> MarianFile:
    """Read a .bin file of Marian.

    Args:
        path: the file.

    Returns:
        Its configuration, and its tensors by name.

    Raises:
        bmkit.data.DataError: the file is damaged, cut short, or of another kind.

    Reference:
        Junczys-Dowmunt et al. (2018), Marian: Fast neural machine translation in C++, https://arxiv.org/abs/1804.00344
    """
    try:
        tensors = _tensors(memoryview(path.read_bytes()))
        config = _config(tensors.pop(CONFIG))
    except Exception as error:  # a damaged file may fail in any way at all
        told = ascii(str(error)[:200])[1:-1]
        raise DataError(
            f"{path.name} cannot be read as a Marian file ({type(error).__name__}: {told}); it is damaged, cut short "
            f"or of another kind. {MEND}"
        ) from error
    return MarianFile(path.name, config, tensors)


def _tensors(content: memoryview) -> dict[str, PackedTensor]:
    """Take a file apart into its tensors."""
    place = 0

    def take(count: int) -> memoryview:
        nonlocal place
        start, place = place, place + count
        if place > len(content):
            raise ValueError("a size in it reaches past its end")
        return content[start:place]

    version, count = struct.unpack("<2Q", take(16))
    if version != VERSION or not 1 <= count <= MOST_TENSORS:
        raise ValueError(f"its version is {version} and it holds {count} tensors")
    heads = list(struct.iter_unpack("<4Q", take(32 * count)))
    if max(head[0] for head in heads) > LONGEST_NAME or max(head[2] for head in heads) > MOST_AXES:
        raise ValueError("a tensor has an impossible name or shape")
    names = [str(take(head[0]), "utf-8").removesuffix("\0") for head in heads]
    shapes = [struct.unpack(f"<{head[2]}i", take(4 * head[2])) for head in heads]
    take(min(*struct.unpack("<Q", take(8)), GAP))
    if len(set(names)) < count:
        raise ValueError("a name comes twice")
    return {
        name: _tensor(kind, shape, take(size))
        for name, shape, (_, kind, _, size) in zip(names, shapes, heads, strict=True)
    }


def _tensor(kind: int, shape: tuple, content: memoryview) -> PackedTensor:
    """Hold the type and the shape of a tensor against its bytes."""
    if not shape or min(shape) < 1:
        raise ValueError("a tensor has an impossible shape")
    count = math.prod(shape)
    needed = {TEXT: count, FLOAT: 4 * count, BYTES: count + 4}
    if kind not in needed or not needed[kind] <= len(content) < needed[kind] + GAP:
        raise ValueError(f"a tensor of type {kind:#x} and shape {shape} has {len(content)} bytes")
    return PackedTensor(kind, shape, content)


def _config(packed: PackedTensor) -> dict[str, str]:
    """Read the lines "key: value" of the configuration; of a list its first item counts."""
    text = str(packed.content, "utf-8").rstrip("\0")
    return dict(re.findall(r"^([a-z-]+):(?: |\n  - )(\S+)$", text, re.MULTILINE))
