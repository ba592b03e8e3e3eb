"""Read the constants of a frozen graph of TensorFlow 1, the form in which its models were once spread: one .pb file.

Such a file is a program: a list of operations, with the weights as constants among them. Only the constants are read;
nothing is run, and TensorFlow is not needed. A protocol buffer is a row of fields: a number that says which field it is
and how its value is packed, then the value, which for a message within the message begins with its length.
"""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.pretrained.packed_file import PackedFile, PackedTensor, Walk, open_packed, unique

__all__ = ["GraphFile", "read_graph"]

NODE = 1  # field of a GraphDef: one operation
NAME, KIND, SETTING = 1, 2, 5  # fields of a node; of its settings there are many
KEY, VALUE = 1, 2  # fields of a setting
TENSOR = 8  # field of a setting's value
TYPE, SHAPE, CONTENT = 1, 2, 4  # fields of a tensor
AXIS, SIZE = 2, 1  # field of a shape; field of an axis
FLOAT = 1  # the type float32
FIXED = {1: 8, 5: 4}  # bytes of a value of fixed size, by the way it is packed
MOST_FIELDS = 1_000_000  # of one file; SSD-MobileNetV2 has 74,000
MOST_AXES = 8


class GraphFile(PackedFile):
    """The constants of a frozen graph by the names of their operations: float32, of one axis or more."""

    def _unpacked(self, name: str, tensor: PackedTensor) -> np.ndarray:
        return tensor.rows.astype("float32")


def read_graph(path: Path) -> GraphFile:
    """Open a frozen graph.

    Args:
        path: the file.

    Returns:
        Its constants. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged, cut short, or of another kind.

    Reference:
        Protocol Buffers, encoding, https://protobuf.dev/programming-guides/encoding/
    """
    return open_packed(path, _parts, kind="a frozen graph of TensorFlow", form=GraphFile)


def _varint(walk: Walk) -> int:
    """Read a whole number: seven bits a byte, lowest first; the eighth says whether another byte follows."""
    value = 0
    for shift in range(0, 70, 7):
        byte = walk.take(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise ValueError("a number in it has no end")


def _fields(content: Any, counted: Iterator[int]) -> Iterator[tuple[int, Any]]:
    """Go through the fields of a message: their numbers and values; all fields of a file are counted together."""
    walk = Walk(content)
    while walk.place < len(walk.content):
        if next(counted) >= MOST_FIELDS:
            raise ValueError(f"it holds more than {MOST_FIELDS:,} fields")
        number, packed = divmod(_varint(walk), 8)
        if packed == 0:
            yield number, _varint(walk)
        elif packed in FIXED:
            yield number, walk.take(FIXED[packed])
        elif packed == 2:
            yield number, walk.take(_varint(walk))
        else:
            raise ValueError("a field is packed in an unknown way")


def _parts(content: np.ndarray) -> tuple[dict, dict]:
    """Collect the constants of a graph."""
    counted = itertools.count()
    nodes = [_node(value, counted) for number, value in _fields(content, counted) if number == NODE]
    if not nodes:
        raise ValueError("it has no operations")
    return {}, unique(node for node in nodes if node[1] is not None)


def _node(content: Any, counted: Iterator[int]) -> tuple[str, PackedTensor | None]:
    """Read the name of an operation, and its tensor if it is a constant of floating-point numbers."""
    found, tensor = {}, None
    for number, value in _fields(content, counted):
        if number != SETTING:
            found[number] = value
        elif bytes(found.get(KIND, b"")) == b"Const":
            setting = dict(_fields(value, counted))
            if bytes(setting[KEY]) == b"value":
                tensor = _tensor(dict(_fields(setting[VALUE], counted))[TENSOR], counted)
    return str(found[NAME], "utf-8"), tensor


def _tensor(content: Any, counted: Iterator[int]) -> PackedTensor | None:
    """Hold the shape of a tensor against its bytes; other types, single numbers and short forms are passed over."""
    fields = dict(_fields(content, counted))
    axes = [value for number, value in _fields(fields.get(SHAPE, b""), counted) if number == AXIS]
    if fields.get(TYPE) != FLOAT or not axes or CONTENT not in fields:
        return None
    shape = tuple(dict(_fields(axis, counted)).get(SIZE, 0) for axis in axes)
    if len(shape) > MOST_AXES or 4 * math.prod(shape) != len(fields[CONTENT]):
        raise ValueError("the size of a tensor does not follow from its shape")
    return PackedTensor(np.dtype("<f4"), shape, np.frombuffer(fields[CONTENT], "<f4").reshape(shape))
