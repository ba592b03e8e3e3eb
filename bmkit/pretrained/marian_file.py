"""Read a .bin file of Marian, the form in which small translators travel: a configuration, and weights of eight bits.

Layout, little-endian: version and number of tensors; per tensor four sizes (name, type, axes, bytes); then all names,
all shapes, a gap, and the contents one after the other. Each of these numbers is compared with the length of the file
before it is followed.
"""

import math
import re
import struct
from pathlib import Path

import numpy as np

from bmkit.data import DataError
from bmkit.pretrained.packed_file import MEND, PackedFile, PackedTensor, Walk, open_packed, unique

__all__ = ["MarianFile", "read_marian"]

VERSION = 1
TEXT, FLOAT, BYTES = 0x101, 0x404, 0x4101  # letters; float32; int8, then what they were multiplied by
CONFIG = "special:model.yml"
MOST_TENSORS, MOST_AXES, LONGEST_NAME = 10_000, 4, 1_000
GAP = 256  # bytes: contents begin at a multiple of it


class MarianFile(PackedFile):
    """The facts are the lines of the configuration; the tensors are floats, or ``weight = int8 / multiplier``."""

    def size(self, key: str, *, least: int = 1, most: int = 1_000) -> int:
        """Return a whole number of the configuration.

        Args:
            key: the key, as "enc-depth".
            least: the smallest value that can be true.
            most: the largest one.

        Raises:
            bmkit.data.DataError: there is no such key, or its value is no number of that range.
        """
        value = self.facts.get(key, "")
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise DataError(f"{self.name}: {key!r} is {value[:40]!r}, expected {least} … {most:,}. {MEND}")
        return int(value)

    def _unpacked(self, name: str, tensor: PackedTensor) -> np.ndarray:
        shape, count = tensor.shape, math.prod(tensor.shape)
        if tensor.kind == FLOAT:
            return np.frombuffer(tensor.rows, "<f4", count).reshape(shape).astype("float32")
        if tensor.kind != BYTES:
            raise DataError(f"{self.name}: {name} holds text, expected numbers. {MEND}")
        packed = np.frombuffer(tensor.rows, "i1", count)
        (multiplier,) = struct.unpack_from("<f", tensor.rows, count)
        # A matrix is stored for products with it, transposed; the table of words alone is stored to look rows up.
        rows = packed.reshape(shape) if name == "Wemb" else packed.reshape(shape[::-1]).T
        return rows.astype("float32") / np.float32(multiplier or np.nan)


def read_marian(path: Path) -> MarianFile:
    """Read a .bin file of Marian.

    Args:
        path: the file.

    Returns:
        Its configuration, and its tensors by name. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged, cut short, or of another kind.

    Reference:
        Junczys-Dowmunt et al. (2018), Marian: Fast neural machine translation in C++, https://arxiv.org/abs/1804.00344
    """
    return open_packed(path, _parts, kind="a Marian file", form=MarianFile)


def _parts(content: np.ndarray) -> tuple[dict, dict]:
    """Take a file apart into its configuration and its tensors."""
    walk = Walk(content, MOST_TENSORS)
    if (version := walk.number()) != VERSION:
        raise ValueError(f"it is of version {version}, expected {VERSION}")
    heads = [struct.unpack("<4Q", walk.take(32)) for _ in walk.count()]  # sizes of the name, type, axes, bytes
    if max(head[0] for head in heads) > LONGEST_NAME or max(head[2] for head in heads) > MOST_AXES:
        raise ValueError("a tensor has an impossible name or shape")
    names = [str(walk.take(head[0]), "utf-8").removesuffix("\0") for head in heads]
    shapes = [struct.unpack(f"<{head[2]}i", walk.take(4 * head[2])) for head in heads]
    walk.take(min(walk.number(), GAP))
    tensors = unique(
        (name, _tensor(kind, shape, walk.take(size)))
        for name, shape, (_, kind, _, size) in zip(names, shapes, heads, strict=True)
    )
    return _config(tensors.pop(CONFIG)), tensors


def _tensor(kind: int, shape: tuple, content: memoryview) -> PackedTensor:
    """Hold the type and the shape of a tensor against its bytes."""
    if not shape or min(shape) < 1:
        raise ValueError("a tensor has an impossible shape")
    count = math.prod(shape)
    needed = {TEXT: count, FLOAT: 4 * count, BYTES: count + 4}
    if kind not in needed or not needed[kind] <= len(content) < needed[kind] + GAP:
        raise ValueError(f"a tensor of type {kind:#x} and shape {shape} has {len(content)} bytes")
    return PackedTensor(kind, shape, np.frombuffer(content, "u1"))


def _config(packed: PackedTensor) -> dict[str, str]:
    """Read the lines "key: value" of the configuration; of a list its first item counts."""
    text = str(packed.rows, "utf-8").rstrip("\0")
    return dict(re.findall(r"^([a-z-]+):(?: |\n  - )(\S+)$", text, re.MULTILINE))
