"""An assembler for pickles: honest tables, arrays and PyTorch states, without pandas and without PyTorch."""

import dataclasses
import struct
from typing import Any

MAGIC = 0x1950A86A20F9469CFC6C


class Raw(bytes):
    """Instructions that stand as they are."""


@dataclasses.dataclass
class Named:
    text: str


@dataclasses.dataclass
class Call:
    name: str
    arguments: Any = ()
    state: Any = None
    code: bytes = b"R"


def put(value):
    """Return the instructions that put a value on the stack."""
    match value:
        case Raw():
            return bytes(value)
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(content)]) + content
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case bytearray():
            return b"\x96" + struct.pack("<Q", len(value)) + value
        case tuple():
            return b"(" + b"".join(map(put, value)) + b"t"
        case list():
            return b"](" + b"".join(map(put, value)) + b"e"
        case dict():
            return b"}(" + b"".join(put(key) + put(one) for key, one in value.items()) + b"u"
        case Named():
            return b"".join(map(put, value.text.split(" ", 1))) + b"\x93"
        case Call():
            set_state = b"" if value.state is None else put(value.state) + b"b"
            return put(Named(value.name)) + put(value.arguments) + value.code + set_state
    raise TypeError(value)


def pickled(*values):
    return b"\x80\x05" + b"".join(map(put, values)) + b"."


def dtype(code="f8", order="<"):
    return Call("numpy dtype", (code, False, True), (3, order, None, None, None, -1, -1, 0))


TEXT = dtype("O8", "|")


def buffer(values, shape, *, kind=None, order="C"):
    return Call("numpy.core.numeric _frombuffer", (values, kind or dtype(), shape, order))


def array(values, shape, *, kind=None, fortran=False):
    made = (Named("numpy ndarray"), (0,), b"b")
    return Call("numpy.core.multiarray _reconstruct", made, (1, shape, kind or dtype(), fortran, values))


def floats(*values):
    return struct.pack(f"<{len(values)}d", *values)


def column_names(*names):
    data = array(list(names), (len(names),), kind=TEXT)
    return Call("pandas.core.indexes.base _new_Index", (Named("pandas.core.indexes.base Index"), {"data": data}))


def block(values, place=(0, 1, 1)):
    place = Call("builtins slice", place) if isinstance(place, tuple) else place
    return Call("pandas._libs.internals _unpickle_block", (values, place, 2))


def frame(blocks, names=None, **changes):
    rows = {"start": 0, "stop": 2, "step": 1}
    rows = Call("pandas.core.indexes.base _new_Index", (Named("pandas.core.indexes.range RangeIndex"), rows))
    axes = changes.pop("axes", [column_names("a") if names is None else names, rows])
    manager = Call("pandas.core.internals.managers BlockManager", (blocks, axes))
    return Call("pandas.core.frame DataFrame", (), {"_mgr": manager, "attrs": {}} | changes, code=b"\x81")


NUMBERS = buffer(bytearray(floats(1, 2)), (1, 2))
TWO = buffer(bytearray(floats(1, 2, 3, 4)), (2, 2))
TEXTS = array(["x", None], (1, 2), kind=TEXT)


def tensor(key="0", *, count=6, kind="torch FloatStorage", shape=(2, 3), strides=(3, 1), offset=0, **changes):
    kind = Named(kind) if isinstance(kind, str) else kind
    address = changes.get("address", ("storage", kind, key, "cpu", count, None))
    stored = Raw(put(address) + b"Q")
    hooks = Call("collections OrderedDict")
    return Call("torch._utils _rebuild_tensor_v2", (stored, offset, shape, strides, False, hooks))


def stored(tensors, *, keys=("0",), count=6, numbers=None, magic=MAGIC, end=b""):
    """Return a state as PyTorch before 1.6 wrote it; each storage holds 0, 1, 2, … as float32."""
    heads = [magic, 1001, {"little_endian": True}, tensors, list(keys) if isinstance(keys, tuple) else keys]
    numbers = struct.pack("<6f", *range(6)) if numbers is None else numbers
    storages = (struct.pack("<Q", count) + numbers) * len(keys)
    return b"".join(map(pickled, heads)) + storages + end


HONEST_TABLE = pickled(frame((block(NUMBERS), block(TEXTS, (1, 2, 1))), column_names("a", "b")))
HONEST_ARRAY = pickled(array(floats(1, 2, 3, 4, 5, 6), (2, 3)))
HONEST_STATE = stored({"w": tensor()})
