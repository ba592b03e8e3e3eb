"""Compare what a learner gave with what was expected, and say in words how they differ."""

import textwrap
from collections.abc import Sequence

import numpy as np

__all__ = ["difference", "short"]


def difference(value, expected, tolerance: float, relative: float | None = None) -> str:
    """Say how `value` disagrees with `expected`.

    Args:
        value: what was given: a number, a string, an array, or a sequence of these.
        expected: what it should be.
        tolerance: largest absolute difference that still counts as equal.
        relative: largest relative difference; the same as `tolerance` when None.

    Returns:
        One sentence, or the empty string where they agree; two "not a number" agree.

    Raises:
        TypeError: the two cannot be compared.
        ValueError: the value is not a number where one is expected.

    Example:
        >>> difference([1.0, 2.0], [1.0, 3.0], tolerance=0.1)
        'the expected result is (1, 3), but you got (1, 2).'
    """
    if isinstance(expected, (str, bool, type(None))) or isinstance(value, str):
        same = type(value) is type(expected) and value == expected
        return "" if same else _got(expected, value)
    if isinstance(expected, (tuple, list)):
        return _of_sequences(value, expected, tolerance, relative)
    value, expected = np.asarray(value), np.asarray(expected)
    if value.shape != expected.shape:
        return f"the expected shape is {expected.shape}, but yours is {value.shape}."
    relative = tolerance if relative is None else relative
    kind = complex if np.iscomplexobj(value) or np.iscomplexobj(expected) else float
    same = np.isclose(value.astype(kind), expected.astype(kind), rtol=relative, atol=tolerance, equal_nan=True)
    return "" if same.all() else _got(expected, value)


def _of_sequences(value, expected: Sequence, tolerance: float, relative: float | None) -> str:
    if not isinstance(value, (tuple, list, np.ndarray)) or len(value) != len(expected):
        return _got(expected, value)
    different = (difference(v, e, tolerance, relative) for v, e in zip(value, expected, strict=True))
    return _got(expected, value) if any(different) else ""


def _got(expected, value) -> str:
    return f"the expected result is {short(expected)}, but you got {short(value)}."


def short(value) -> str:
    """Write a value in one line that a person can read.

    Args:
        value: anything; a large array is told by its shape.

    Returns:
        The line.

    Example:
        >>> short((1.5, "a"))
        "(1.5, 'a')"
    """
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(short(item) for item in value) + ")"
    if isinstance(value, (float, np.floating)):
        return f"{value:.10g}"
    if hasattr(value, "__array__") or isinstance(value, int):
        array = np.asarray(value)
        if array.size > 24:
            return f"an array of shape {array.shape}"
        text = np.array2string(array, precision=4, separator=", ", max_line_width=10_000)
        return " ".join(text.split())
    return textwrap.shorten(repr(value), 80)
