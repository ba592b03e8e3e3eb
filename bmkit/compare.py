"""Compare what a learner gave with what was expected, and say in words how they differ."""

import textwrap
from collections.abc import Sequence

import numpy as np

__all__ = ["difference", "figures", "short"]

SMALL = 24  # so many numbers are shown; of more, only where they differ
LONGEST = 300  # characters of a value in a message
CUT = "..."  # stands where more would be
ROUNDING = 1e-5  # what a short calculation in float32 loses, relative to its result


def difference(value, expected, tolerance: float, *, relative: bool = True) -> str:
    """Say how `value` disagrees with `expected`; whatever `value` is, nothing is raised for it.

    Lists, arrays and tensors of any library are alike, and so are 0 and 1 and the truth values of an array.

    Args:
        value: what was given: a number, a text, an array, a tensor, or a sequence of these.
        expected: what it should be.
        tolerance: largest difference that still counts as equal; of numbers above 1, this share of the number.
        relative: False takes the tolerance as it is, for large numbers and for float32 too.

    Returns:
        One sentence, or the empty string where they agree; two "not a number" agree.

    Example:
        >>> difference([1.0, 2.0], np.array([1.0, 3.0]), tolerance=0.1)
        'the expected result is [1., 3.], but you got [1., 2.].'
    """
    if isinstance(expected, (str, bool, type(None))):
        return "" if _is_same_word(value, expected) else _got(expected, value)
    if isinstance(expected, (tuple, list)):
        return _of_sequences(value, expected, tolerance, relative)
    if isinstance(value, str):
        return f"a number is wanted, but you got the text {short(value)}."
    numbers = _numbers(value)
    if numbers is None:
        return f"the expected result is {short(expected)}, but you got {short(value)}, which is not made of numbers."
    return _of_arrays(numbers, np.asarray(expected), tolerance, relative)


def _is_same_word(value, expected) -> bool:
    """Compare a text, a truth value or None; a NumPy text or a tensor of one truth value will do."""
    if isinstance(expected, str):
        return isinstance(value, str) and str(value) == str(expected)
    if expected is None:
        return value is None
    array = _numbers(value)
    return array is not None and array.dtype == bool and array.ndim == 0 and bool(array) == bool(expected)


def _numbers(value) -> np.ndarray | None:
    """Return an array or a tensor as NumPy's numbers; None where there are none (texts, symbols, functions)."""
    try:
        array = _array(value)
        if array.dtype.kind == "O" and not any(isinstance(item, (str, bytes, type(None))) for item in array.flat):
            array = array.astype(complex if any(isinstance(item, complex) for item in array.flat) else float)
        return array if array.dtype.kind in "biufc" else array.astype(float) if array.dtype.kind == "V" else None
    except Exception:  # whatever a foreign object does when it is asked for its numbers
        return None


def _array(value) -> np.ndarray:
    if hasattr(value, "detach"):  # PyTorch hands out only numbers that no gradient hangs on
        value = value.detach().cpu()
    return np.asarray(value)


def _of_arrays(value: np.ndarray, expected: np.ndarray, tolerance: float, relative: bool) -> str:
    if value.shape != expected.shape:
        brackets = " (one number, without brackets)" if value.size == 1 and not expected.shape else ""
        return f"the expected shape is {expected.shape}{brackets}, but yours is {value.shape}."
    same = _close(value, expected, tolerance, relative)
    if same.all():
        return ""
    told = _got(expected, value) if value.size <= SMALL else CUT
    return told if CUT not in told else _places(value, expected, same)


def _close(value: np.ndarray, expected: np.ndarray, tolerance: float, relative: bool) -> np.ndarray:
    """Tell for each place whether the numbers are equal up to the tolerance."""
    if relative and any(array.dtype.kind in "fc" and array.real.itemsize < 8 for array in (value, expected)):
        tolerance = max(tolerance, ROUNDING)
    if tolerance == 0:  # whole numbers above 2⁵³ are not rounded to float
        return (value == expected) | ((value != value) & (expected != expected))
    kind = complex if "c" in (value.dtype.kind, expected.dtype.kind) else float
    value, expected = value.astype(kind), expected.astype(kind)
    with np.errstate(all="ignore"):
        allowed = tolerance * np.maximum(np.abs(expected), 1.0) if relative else tolerance
        return np.isclose(value, expected, rtol=0.0, atol=allowed, equal_nan=True)


def _places(value: np.ndarray, expected: np.ndarray, same: np.ndarray) -> str:
    """Say where two large arrays differ: how many numbers, the first of them, and how far the worst one is off."""
    first = tuple(int(index) for index in np.argwhere(~same)[0])
    wanted, given = _told_apart(expected[first], value[first])
    with np.errstate(all="ignore"):
        off = np.abs(value.astype(complex) - expected.astype(complex))[~same]
    worst = f"; the largest difference is {off.max():.3g}" if np.isfinite(off).all() else ""
    count = f"{off.size:,} of the {same.size:,} numbers {'differs' if off.size == 1 else 'differ'}"
    return f"{count}, first at {list(first)}: the expected number is {wanted}, but you got {given}{worst}."


def _of_sequences(value, expected: Sequence, tolerance: float, relative: bool) -> str:
    if not isinstance(value, (tuple, list, range)):
        array = None if isinstance(value, (str, bytes)) else _rows(value)
        if array is None:
            return _got(expected, value)
        value = array
    if len(value) != len(expected):
        return f"{_got(expected, value)[:-1]}: the expected length is {len(expected)}, but yours is {len(value)}."
    for index, (given, wanted) in enumerate(zip(value, expected, strict=True)):
        reason = difference(given, wanted, tolerance, relative=relative)
        if reason:
            whole = _got(expected, value)
            is_cut = any(sign in whole for sign in (" of shape ", " values", CUT))
            return f"in your result, at [{index}], {reason}" if is_cut else whole
    return ""


def _rows(value) -> np.ndarray | None:
    """Return an array or a tensor that can stand for a sequence; texts are allowed."""
    try:
        array = _array(value) if hasattr(value, "__array__") else None
        return array if array is not None and array.ndim else None
    except Exception:
        return None


def _got(expected, value) -> str:
    wanted, given = _told_apart(expected, value)
    return f"the expected result is {wanted}, but you got {given}."


def _told_apart(expected, value) -> tuple[str, str]:
    """Write two values with as many figures as it takes to see that they differ."""
    for precision in (4, 8, 12, 16):
        texts = short(expected, precision), short(value, precision)
        if texts[0] != texts[1]:
            return texts
    kinds = (type(expected).__name__, type(value).__name__)
    return f"{texts[0]} ({kinds[0]})", f"{texts[1]} ({kinds[1]})"


def figures(value: float) -> str:
    """Write a number as verdicts show it: three figures, or all those before the point of a large one.

    Args:
        value: the number.

    Returns:
        Its text.

    Example:
        >>> figures(0.09571), figures(53066.2)
        ('0.0957', '53,066')
    """
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.3g}"


def short(value, precision: int = 4) -> str:
    """Write a value in one line that a person can read; whatever it is, nothing is raised.

    Args:
        value: anything; a large array is told by its shape.
        precision: figures behind the point in arrays; single numbers have six more in all.

    Returns:
        The line.

    Example:
        >>> short((1.5, "a"))
        "(1.5, 'a')"
    """
    try:
        text = _written(value, precision)
    except Exception:  # an object that cannot say what it is
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= LONGEST else text[:LONGEST] + CUT


def _written(value, precision: int) -> str:
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, (tuple, list)):
        if len(value) > SMALL:
            return f"a {type(value).__name__} of {len(value)} values"
        return "(" + ", ".join(short(item, precision) for item in value) + ")"
    if isinstance(value, (float, np.floating)):
        return f"{value:.{min(precision + 6, 17)}g}"
    if hasattr(value, "__array__") or isinstance(value, int):
        array = _numbers(value)
        array = np.asarray(value) if array is None else array
        if array.size > SMALL:
            return f"an array of shape {array.shape}"
        if array.ndim == 0 and array.dtype.kind == "f":
            return _written(float(array), precision)
        text = np.array2string(array, precision=precision, separator=", ", max_line_width=10_000)
        return " ".join(text.split())
    text = repr(value)
    return textwrap.shorten(text, 80) if " at 0x" not in text else f"an object of type {type(value).__name__}"
