"""Read a data frame, an array or a model's weights out of a pickle without running anything that it asks for.

A pickle is a small program: loading one with the standard loader may call any function. Here every name that a
pickled pandas table, NumPy array or PyTorch state needs is mapped onto an inert stand-in that only keeps what it was
given; any other name is refused. Neither pandas, PyTorch nor the package that ships the file is imported.
"""

import collections
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from bmkit.data.manifest import DataError

__all__ = ["read_array", "read_frame", "read_state"]

_BUFFER_DTYPES = {"i8": np.int64, "i4": np.int32, "f8": np.float64, "u1": np.uint8}


class _State:
    """Keep the state that the pickle sets, call nothing."""

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Frame(_State):
    """Stands for pandas.DataFrame."""


class _IndexKind:
    """Stands for pandas.Index and pandas.RangeIndex, which are only named, never made."""


class _Array(_State):
    """Stands for numpy.ndarray in the form that holds Python objects or a copy of its bytes."""

    def __init__(self, *_: Any) -> None:
        self.state = None


class _Type(_State):
    """Stands for numpy.dtype."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code = code


class _Manager:
    """Stands for pandas' BlockManager: blocks of columns and the names along both axes."""

    def __init__(self, blocks: tuple, axes: list) -> None:
        self.blocks, self.axes = blocks, axes


class _Call:
    """Stands for a function: keeps the arguments instead of calling it."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments


class _Buffer(_Call):
    """Stands for numpy's `_frombuffer(buffer, dtype, shape, order)`."""


class _Block(_Call):
    """Stands for pandas' `_unpickle_block(values, placement, ndim)`."""


class _Tensor(_Call):
    """Stands for torch's `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`."""


class _Index(_Call):
    """Stands for pandas' `_new_Index(kind, fields)`."""


_ALLOWED = {
    ("pandas.core.frame", "DataFrame"): _Frame,
    ("pandas.core.internals.managers", "BlockManager"): _Manager,
    ("pandas._libs.internals", "_unpickle_block"): _Block,
    ("pandas.core.indexes.base", "_new_Index"): _Index,
    ("pandas.core.indexes.base", "Index"): _IndexKind,
    ("pandas.core.indexes.range", "RangeIndex"): _IndexKind,
    ("numpy.core.numeric", "_frombuffer"): _Buffer,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("builtins", "slice"): slice,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}


class _Unpickler(pickle.Unpickler):
    """Look names up in the allow-list, never in a module."""

    def persistent_load(self, address: tuple) -> tuple:
        """Return where a tensor's numbers lie: ("storage", type, key, device, count, view)."""
        return address

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a name, or refuse it."""
        if (module, name) not in _ALLOWED:
            raise DataError(
                f"the pickle asks for {module}.{name}, which data and weights do not need; it was refused and "
                "nothing was run. Do not open this file by other means; report it to the project."
            )
        return _ALLOWED[module, name]


def _values(array: _Array | _Buffer) -> np.ndarray:
    """Turn a captured array into a NumPy array, checking that type and size are as promised."""
    if isinstance(array, _Buffer):
        buffer, kind, shape, order = array.arguments
        return np.frombuffer(bytes(buffer), _BUFFER_DTYPES[kind.code]).reshape(shape, order=order)
    _, shape, kind, fortran, values = array.state
    if kind.code in _BUFFER_DTYPES:
        return np.frombuffer(bytes(values), _BUFFER_DTYPES[kind.code]).reshape(shape, order="F" if fortran else "C")
    if kind.code != "O8" or not all(isinstance(value, str) for value in values):
        raise ValueError("a column holds something other than text")
    return np.array(values, dtype=object).reshape(shape, order="F" if fortran else "C")


def _columns(frame: _Frame) -> dict[str, np.ndarray]:
    """Put the blocks of a captured data frame back under their column names."""
    manager = frame.state["_mgr"]
    names = _values(manager.axes[0].arguments[1]["data"])
    columns = {}
    for block in manager.blocks:
        values, place, _ = block.arguments
        place = place if isinstance(place, slice) else _values(place)
        for name, column in zip(names[place], _values(values), strict=True):
            columns[str(name)] = column
    return columns


def read_frame(pickled: bytes) -> dict[str, np.ndarray]:
    r"""Read the columns of a pickled pandas DataFrame through an allow-list.

    Args:
        pickled: bytes of the pickle, already unpacked.

    Returns:
        One array of shape (rows,) per column name; text columns hold `str` objects.

    Raises:
        DataError: the pickle names something that is not on the allow-list (nothing of it is run), or it does not
            hold a table of numbers and text.

    Example:
        >>> read_frame(b"cos\nsystem\n(S'echo hello'\ntR.")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the pickle asks for os.system, which data and weights do not need; ...

    Reference:
        Python documentation, "Restricting Globals",
        https://docs.python.org/3/library/pickle.html#restricting-globals
    """
    return _read(pickled, lambda frame, _: _columns(frame), "a table of numbers and text")


def read_array(pickled: bytes) -> np.ndarray:
    r"""Read a pickled NumPy array of numbers through the same allow-list.

    Args:
        pickled: bytes of the pickle, already unpacked.

    Returns:
        The array.

    Raises:
        DataError: the pickle names something that is not on the allow-list (nothing of it is run), or it does not
            hold an array of numbers.

    Example:
        >>> read_array(b"cos\nsystem\n(S'echo hello'\ntR.")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the pickle asks for os.system, which data and weights do not need; ...

    Reference:
        Python documentation, "Restricting Globals",
        https://docs.python.org/3/library/pickle.html#restricting-globals
    """
    return _read(pickled, lambda array, _: _values(array), "an array of numbers")


def read_state(stored: bytes) -> dict[str, np.ndarray]:
    r"""Read the tensors of a model that PyTorch stored before its version 1.6, through the same allow-list.

    Such a file is five pickles (a magic number, a version, the type sizes, the names with their tensors, the keys of
    the storages) and then the storages: for each key eight bytes with its count, then the numbers.

    Args:
        stored: bytes of the `.pth` file.

    Returns:
        One array per name, in the order of the file.

    Raises:
        DataError: a pickle names something that is not on the allow-list (nothing of it is run), the file is cut
            short, or it does not hold tensors of float32 and int64.

    Example:
        >>> read_state(b"cos\nsystem\n(S'echo hello'\ntR.")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the pickle asks for os.system, which data and weights do not need; ...

    Reference:
        PyTorch, "Serialization semantics", https://docs.pytorch.org/docs/stable/notes/serialization.html
    """
    return _read(stored, _tensors, "the tensors of a model")


def _tensors(magic: int, file: io.BytesIO) -> dict[str, np.ndarray]:
    """Read the rest of a stored state: header, tensors, storages."""
    if magic != 0x1950A86A20F9469CFC6C:
        raise ValueError(f"it begins with {magic!r}")
    _version, _sizes, state, keys = (_Unpickler(file).load() for _ in range(4))
    types = {tensor.arguments[0][2]: np.dtype(tensor.arguments[0][1]) for tensor in state.values()}
    storages = {}
    for key in keys:
        size = int.from_bytes(file.read(8), "little") * types[key].itemsize
        storages[key] = file.read(size)
        if len(storages[key]) != size:
            raise ValueError(f"storage {key} is cut short")
    arrays = {}
    for name, tensor in state.items():
        (_, _, key, *_), offset, shape, strides, *_ = tensor.arguments
        kind, step = types[key], types[key].itemsize  # NumPy refuses strides that would leave the storage
        arrays[name] = np.ndarray(shape, kind, storages[key], offset * step, [stride * step for stride in strides])
    return arrays


def _read(pickled: bytes, turn: Callable, wanted: str) -> Any:
    """Load stand-ins and turn them into arrays; whatever goes wrong ends in one sentence."""
    file = io.BytesIO(pickled)
    try:
        return turn(_Unpickler(file).load(), file)
    except DataError:
        raise
    except Exception as error:  # a damaged pickle may fail in any way at all
        raise DataError(
            f"the pickle does not hold {wanted} ({type(error).__name__}: {error}); fetch it "
            "again with `python3 -m bmkit data fetch`, and report it to the project if it stays so."
        ) from error
