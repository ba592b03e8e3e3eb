"""Turn the members of a parcel into three splits of NumPy arrays: one module a reader, found by its name.

A module has a function `read(members, description)`. It takes the members (contents by name, sorted) and the
description of the set, and returns {"train": (x, y), "validation": (x, y), "test": (x, y)}; the recipe of a set names
the module. Splits are drawn here, once, with seed 0, and stored, so every reader of the course has the same. When a
reader's result changes, raise `version` in the recipe of each set whose rows are others now: only those sets are then
prepared again.
"""

import importlib
import pkgutil
from collections.abc import Callable

from bmkit.data.draw import Members, Splits
from bmkit.data.entries import DataError, Description

__all__ = ["names", "reader"]


def names() -> list[str]:
    """List the readers there are.

    Returns:
        The names of the modules beside this one, in alphabetical order.

    Example:
        >>> "labelled_csv" in names()
        True
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def reader(name: str) -> Callable[[Members, Description], Splits]:
    """Find a reader.

    Args:
        name: one of `names()`.

    Returns:
        The function `read` of the module of that name.

    Raises:
        DataError: there is no such module, or it has no such function.

    Example:
        >>> reader("labelled_csv").__name__
        'read'
    """
    if name not in names():
        raise DataError(f"there is no reader {name!r}; there are: {', '.join(names())}.")
    module = importlib.import_module(f"{__name__}.{name}")
    if not callable(getattr(module, "read", None)):
        raise DataError(f"bmkit/data/readers/{name}.py has no function read(members, description); write it.")
    return module.read
