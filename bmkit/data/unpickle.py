"""Read a data frame or an array out of a pickle without running anything that the pickle asks for.

A pickle is a small program: loading one with the standard loader may call any function. Here every name that a
pickled pandas table or NumPy array needs is mapped onto an inert stand-in that only keeps what it was given; any
other name is refused. Neither pandas nor the package that ships the file is imported.
"""

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from bmkit.data.manifest import DataError

__all__ = ["read_array", "read_frame"]

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
}


class _Unpickler(pickle.Unpickler):
    """Look names up in the allow-list, never in a module."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a name, or refuse it."""
        if (module, name) not in _ALLOWED:
            raise DataError(
                f"the pickle asks for {module}.{name}, which a data table does not need; it was refused and "
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
        bmkit.data.manifest.DataError: the pickle asks for os.system, which a data table does not need; ...

    Reference:
        Python documentation, "Restricting Globals",
        https://docs.python.org/3/library/pickle.html#restricting-globals
    """
    return _read(pickled, _columns, "a table of numbers and text")


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
        bmkit.data.manifest.DataError: the pickle asks for os.system, which a data table does not need; ...

    Reference:
        Python documentation, "Restricting Globals",
        https://docs.python.org/3/library/pickle.html#restricting-globals
    """
    return _read(pickled, _values, "an array of numbers")


def _read(pickled: bytes, turn: Callable, wanted: str) -> Any:
    """Load stand-ins and turn them into arrays; whatever goes wrong ends in one sentence."""
    try:
        return turn(_Unpickler(io.BytesIO(pickled)).load())
    except DataError:
        raise
    except Exception as error:  # a damaged pickle may fail in any way at all
        raise DataError(
            f"the pickle does not hold {wanted} ({type(error).__name__}: {error}); fetch it "
            "again with `python3 -m bmkit data fetch`, and report it to the project if it stays so."
        ) from error
