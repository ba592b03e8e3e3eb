"""Read a .tflite file of LiteRT (TensorFlow Lite), the form in which networks travel to telephones: its constants.

Such a file is a FlatBuffer: tables that point to one another. A table begins with the way back to its list of places,
which says where each of its numbered fields stands, or 0 for one that keeps its usual value. Each place is compared
with the length of the file before it is followed. The graph in the file is never run.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np

from bmkit.data import DataError
from bmkit.pretrained.packed_file import MEND, PackedFile, PackedTensor, Walk, open_packed, unique

__all__ = ["LiteRTFile", "read_litert"]

MAGIC, VERSION = b"TFL3", 3
FORMS = {0: np.dtype("<f4"), 1: np.dtype("<f2"), 2: np.dtype("<i4")}  # by the number of the type in the file
MOST_VALUES = 10_000  # tensors, their axes and buffers of one file; BlazeFace has 1,200
MOST_AXES = 5
# The numbers of the fields that are read, by the kind of their table.
MODEL = {"version": 0, "graphs": 2, "buffers": 4}
GRAPH = {"tensors": 0}
TENSOR = {"shape": 0, "type": 1, "buffer": 2, "name": 3, "sparsity": 6}
BUFFER = {"content": 0}


class LiteRTFile(PackedFile):
    """The constant tensors of a network by their names, floating-point numbers of 32 or 16 bits; there are no facts."""

    def _unpacked(self, name: str, tensor: PackedTensor) -> np.ndarray:
        if tensor.kind not in FORMS or FORMS[tensor.kind].kind != "f":
            raise DataError(f"{self.name}: {name} is of type {tensor.kind}, expected 0 or 1, which are floats. {MEND}")
        form = FORMS[tensor.kind]
        if len(tensor.rows) != math.prod(tensor.shape) * form.itemsize:
            raise DataError(f"{self.name}: {name} has {len(tensor.rows)} bytes for shape {tensor.shape}. {MEND}")
        return tensor.rows.view(form).reshape(tensor.shape).astype("float32")


@dataclasses.dataclass(frozen=True)
class _Table:
    """A table at a place of the file; `fields` numbers those that are read."""

    walk: Walk
    place: int
    fields: dict[str, int]

    def _number(self, place: int, form: str) -> int:
        if place < 0:
            raise ValueError("a place in it lies before its beginning")
        self.walk.place = place
        return self.walk.number(form)

    def _place_of(self, name: str) -> int:
        """Say where a field stands; 0 when it is left out."""
        places = self.place - self._number(self.place, "<i")
        where = 4 + 2 * self.fields[name]  # behind the sizes of the list and of the table
        if where + 2 > self._number(places, "<H"):
            return 0
        offset = self._number(places + where, "<H")
        return offset and self.place + offset

    def has(self, name: str) -> bool:
        return self._place_of(name) > 0

    def number(self, name: str, form: str) -> int:
        place = self._place_of(name)
        return self._number(place, form) if place else 0

    def _follow(self, place: int) -> int:
        return place + self._number(place, "<I")

    def content(self, name: str) -> memoryview:
        """Read the bytes of a text or of a buffer."""
        place = self._place_of(name)
        if not place:
            return memoryview(b"")
        size = self._number(self._follow(place), "<I")  # and the walk stands behind it
        return self.walk.take(size)

    def numbers(self, name: str) -> tuple:
        """Read a list of whole numbers."""
        place = self._place_of(name)
        if not place:
            return ()
        self.walk.place = self._follow(place)
        return tuple(self.walk.number("<i") for _ in self.walk.count("<I"))

    def tables(self, name: str, fields: dict[str, int]) -> list["_Table"]:
        """Read a list of tables."""
        place = self._place_of(name)
        if not place:
            return []
        self.walk.place = self._follow(place)
        start, count = self.walk.place + 4, len(self.walk.count("<I"))
        return [_Table(self.walk, self._follow(start + 4 * number), fields) for number in range(count)]


def _parts(content: np.ndarray) -> tuple[dict, dict]:
    """Take a file apart into its constant tensors."""
    walk = Walk(content, MOST_VALUES)
    root, magic = walk.number("<I"), walk.take(4)
    model = _Table(walk, root, MODEL)
    if magic != MAGIC or model.number("version", "<I") != VERSION:
        raise ValueError(f"it is no model of LiteRT, version {VERSION}")
    buffers = [buffer.content("content") for buffer in model.tables("buffers", BUFFER)]
    graphs = model.tables("graphs", GRAPH)
    if len(graphs) != 1:
        raise ValueError(f"it holds {len(graphs)} graphs, expected one")
    tensors = [_tensor(table, buffers) for table in graphs[0].tables("tensors", TENSOR)]
    return {}, unique((name, tensor) for name, tensor in tensors if len(tensor.rows))


def _tensor(table: _Table, buffers: list[memoryview]) -> tuple[str, PackedTensor]:
    """Point to the bytes of a tensor; what the network only computes has none."""
    shape, number = table.numbers("shape"), table.number("buffer", "<I")
    if len(shape) > MOST_AXES or min(shape, default=1) < 1 or number >= len(buffers):
        raise ValueError("a tensor has an impossible shape or buffer")
    if table.has("sparsity"):
        raise ValueError("a tensor is stored without its zeros, which is not read here")
    name = str(table.content("name"), "utf-8")
    return name, PackedTensor(table.number("type", "<b"), shape, np.frombuffer(buffers[number], "u1"))


def read_litert(path: Path) -> LiteRTFile:
    """Open a .tflite file.

    Args:
        path: the file.

    Returns:
        Its constant tensors by name. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged, cut short, or of another kind.

    Reference:
        FlatBuffers, internals, https://flatbuffers.dev/internals/; the schema of LiteRT,
        https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
    """
    return open_packed(path, _parts, kind="a model of LiteRT", form=LiteRTFile)
