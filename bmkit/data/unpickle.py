"""Read a data frame, an array or a model's weights out of a pickle without running anything that it asks for.

`bmkit.data.records` takes the pickle apart; here its records become arrays: each type is compared with a list, each
count, shape and place with the values that are really there. Neither pandas, PyTorch nor the package that ships the
file is imported.
"""

import io
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bmkit.data.manifest import DataError
from bmkit.data.records import Name, Record, exactly, read_records, recorded

__all__ = ["read_array", "read_frame", "read_state"]

MOST_AXES = 8
TORCH_MAGIC = 0x1950A86A20F9469CFC6C

ARRAY = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
BUFFER = ("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer")
BYTE_ORDERS = {"b1": "|", "u1": "|", "i4": "<", "i8": "<", "f4": "<", "f8": "<", "O8": "|"}  # of the types read here
STORAGES = {"torch FloatStorage": np.dtype("<f4"), "torch LongStorage": np.dtype("<i8")}


def _sizes(sizes: Any, least: int = 0) -> tuple:
    """Let a shape, or strides, pass if it is a short tuple of whole numbers."""
    if len(exactly(sizes, tuple)) > MOST_AXES or any(exactly(size, int) < least for size in sizes):
        raise ValueError("a shape or a stride is out of bounds")
    return sizes


def _kind(dtype: Any) -> np.dtype:
    """Return the type that a dtype names, from the list only; objects stand for texts."""
    code, *_ = recorded(dtype, "numpy dtype").arguments
    _, order, *_ = exactly(dtype.state, tuple)
    if BYTE_ORDERS.get(exactly(code, str)) != exactly(order, str):
        raise DataError(
            f"the pickle holds values of the type {(order + code)[:20]!a}; numbers, truth values and texts are "
            "read here, in the byte order of today's computers. Choose another file."
        )
    return np.dtype(object if code == "O8" else order + code)


def _texts(values: list, what: str) -> np.ndarray:
    """Return texts as an array of objects, with None where a text is missing."""
    texts = np.empty(len(values), object)
    for place, value in enumerate(values):
        missing = value is None or (type(value) is float and value != value)
        if not missing and type(value) is not str:
            raise DataError(
                f"{what} holds values of the type {type(value).__name__} beside or instead of texts; columns of "
                "numbers, of truth values, and of texts with or without gaps are read here. Choose another file."
            )
        texts[place] = None if missing else value
    return texts


def _numbers(content: Any, kind: np.dtype) -> np.ndarray:
    """Return bytes as numbers; a truth value is true if its byte is not zero, as in C."""
    if not exactly(content, bytes, bytearray):
        return np.empty(0, kind)
    return np.frombuffer(content, np.uint8) != 0 if kind.kind == "b" else np.frombuffer(content, kind)


def _values(array: Any, what: str) -> np.ndarray:
    """Turn a captured array into a NumPy array, checking that type and size are as promised."""
    if recorded(array, *ARRAY, *BUFFER).name in BUFFER:
        values, dtype, shape, order = array.arguments
    else:
        _, shape, dtype, fortran, values = exactly(array.state, tuple)
        order = "F" if exactly(fortran, bool) else "C"
    kind = _kind(dtype)
    flat = _texts(exactly(values, list), what) if kind.hasobject else _numbers(values, kind)
    if math.prod(_sizes(shape)) != len(flat):
        raise ValueError(f"{what} has another size than its shape")
    return flat.reshape(shape, order=exactly(order, str))


def _places(place: Any, count: int) -> Iterable[int]:
    """Return which of so many columns a block holds."""
    if exactly(place, Record).name == "builtins slice":
        return range(count)[slice(*(exactly(bound, int, type(None)) for bound in place.arguments))]
    places = _values(place, "the place of a block")
    if places.dtype != np.int64 or places.ndim != 1 or not all(0 <= number < count for number in places):
        raise ValueError("a block has no proper place")
    return places


def _columns(frame: Any) -> dict[str, np.ndarray]:
    """Put the blocks of a captured data frame back under their column names."""
    state = exactly(recorded(frame, "pandas.core.frame DataFrame").state, dict)
    blocks, axes = recorded(state["_mgr"], "pandas.core.internals.managers BlockManager").arguments
    _, fields = recorded(exactly(axes, list)[0], "pandas.core.indexes.base _new_Index").arguments
    names = _values(exactly(fields, dict)["data"], "the list of column names").tolist()
    columns = {}
    for block in exactly(blocks, tuple):
        values, place, _ = recorded(block, "pandas._libs.internals _unpickle_block").arguments
        chosen = [exactly(names[number], str) for number in _places(place, len(names))]
        what = f"column {ascii(chosen[0])[:80]}" if len(chosen) == 1 else f"a block of {len(chosen)} columns"
        rows = _values(values, what)  # (columns of the block, rows of the table)
        if rows.ndim != 2:
            raise ValueError(f"{what} has {rows.ndim} axes")
        for name, column in zip(chosen, rows, strict=True):
            if name in columns:
                raise ValueError("a column comes twice")
            columns[name] = column
    if len(columns) != len(names) or len({len(column) for column in columns.values()}) > 1:
        raise ValueError("its columns do not fit together")
    return columns


def read_frame(pickled: bytes) -> dict[str, np.ndarray]:
    r"""Read the columns of a pickled pandas DataFrame; nothing that the pickle names is run.

    Args:
        pickled: bytes of the pickle, already unpacked.

    Returns:
        One array of shape (rows,) per column name; text columns hold `str` objects, and `None` where a text is
        missing: the set's reader says what stands there before the rows are stored.

    Raises:
        DataError: the pickle names something that is not on the list, or it does not hold a table of numbers, truth
            values and texts.

    Example:
        >>> read_frame(b"cos\nsystem\n(S'echo hello'\ntR.")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the pickle asks for os.system, which data and weights do not need; ...

    Reference:
        Python documentation, "Restricting Globals",
        https://docs.python.org/3/library/pickle.html#restricting-globals
    """
    return _read(pickled, lambda file: _columns(read_records(file)), "a table of numbers and text")


def read_array(pickled: bytes) -> np.ndarray:
    r"""Read a pickled NumPy array of numbers in the same way.

    Args:
        pickled: bytes of the pickle, already unpacked.

    Returns:
        The array.

    Raises:
        DataError: the pickle names something that is not on the list, or it does not hold an array of numbers.

    Example:
        >>> read_array(b"cos\nsystem\n(S'echo hello'\ntR.")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the pickle asks for os.system, which data and weights do not need; ...

    Reference:
        Python documentation, "Restricting Globals",
        https://docs.python.org/3/library/pickle.html#restricting-globals
    """

    def numbers(file: io.BytesIO) -> np.ndarray:
        array = _values(read_records(file), "the array")
        if array.dtype == object:
            raise ValueError("it holds texts")
        return array

    return _read(pickled, numbers, "an array of numbers")


def read_state(stored: bytes) -> dict[str, np.ndarray]:
    r"""Read the tensors of a model that PyTorch stored before its version 1.6, in the same way.

    Such a file is five pickles (a magic number, a version, the type sizes, the names with their tensors, the keys of
    the storages) and then the storages: for each key eight bytes with its count, then the numbers.

    Args:
        stored: bytes of the `.pth` file.

    Returns:
        One array per name, in the order of the file.

    Raises:
        DataError: a pickle names something that is not on the list, the file is cut short, or it does not hold
            tensors of float32 and int64, each within its storage.

    Example:
        >>> read_state(b"cos\nsystem\n(S'echo hello'\ntR.")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the pickle asks for os.system, which data and weights do not need; ...

    Reference:
        PyTorch, "Serialization semantics", https://docs.pytorch.org/docs/stable/notes/serialization.html
    """
    return _read(stored, _tensors, "the tensors of a model")


def _tensors(file: io.BytesIO) -> dict[str, np.ndarray]:
    """Read a stored state: magic number, header, tensors, storages."""
    if exactly(read_records(file), int) != TORCH_MAGIC:
        raise ValueError("it does not begin with PyTorch's number")
    _version, _sizes, state, keys = (read_records(file) for _ in range(4))
    addresses = {name: _address(tensor) for name, tensor in exactly(state, dict).items()}
    wanted = dict(addresses.values())
    storages = {key: _storage(file, *wanted[exactly(key, str)]) for key in exactly(keys, list)}
    if len(storages) != len(keys) or any(wanted[key] != promised for key, promised in addresses.values()):
        raise ValueError("its storages are listed twice or described in two ways")
    return {name: _tensor(tensor, storages[addresses[name][0]]) for name, tensor in state.items()}


def _address(tensor: Any) -> tuple[str, tuple[np.dtype, int]]:
    """Return the key of a tensor's storage, and what the tensor says of it: type and count."""
    storage = recorded(tensor, "torch._utils _rebuild_tensor_v2").arguments[0]
    word, kind, key, _, count, view = exactly(recorded(storage, "a storage").arguments, tuple)
    if exactly(word, str) != "storage" or exactly(view, type(None)) is not None:
        raise ValueError("a tensor has an address of an unknown form")
    return exactly(key, str), (STORAGES[exactly(kind, Name).text], exactly(count, int))


def _storage(file: io.BytesIO, kind: np.dtype, count: int) -> np.ndarray:
    """Read the numbers of a storage, which stand behind their count."""
    if int.from_bytes(file.read(8), "little") != count:
        raise ValueError("a storage has another count than its tensors say")
    content = file.read(count * kind.itemsize)
    if len(content) != count * kind.itemsize:
        raise ValueError("a storage is cut short")
    return _numbers(content, kind)


def _tensor(tensor: Any, storage: np.ndarray) -> np.ndarray:
    """Cut a tensor out of its storage; it neither reaches beyond it nor has more numbers than it."""
    _, offset, shape, strides, *_ = tensor.arguments
    steps = zip(_sizes(shape), _sizes(strides, least=1), strict=True)
    end = exactly(offset, int) + sum((size - 1) * stride for size, stride in steps)  # NumPy's own sum may overflow
    if offset < 0 or math.prod(shape) > len(storage) or end >= max(len(storage), 1):
        raise ValueError("a tensor reaches beyond its storage")
    width = storage.itemsize
    return np.ndarray(shape, storage.dtype, storage, offset * width, [stride * width for stride in strides])


def _read(pickled: bytes, turn: Callable[[io.BytesIO], Any], wanted: str) -> Any:
    """Turn a whole file into arrays; whatever goes wrong ends in one sentence."""
    file = io.BytesIO(pickled)
    try:
        arrays = turn(file)
        if file.tell() != len(pickled):
            raise ValueError("something follows its end")
    except DataError:
        raise
    except Exception as error:  # a damaged pickle may fail in any way at all
        raise DataError(
            f"the pickle does not hold {wanted} ({type(error).__name__}: {ascii(str(error)[:200])[1:-1]}). Run "
            "`python3 -m bmkit data verify`; if it finds nothing, it is as published: choose another file or reader."
        ) from error
    return arrays
