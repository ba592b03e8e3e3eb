"""Every formula of `bmkit.scratch`: worked by hand, held against Keras, its gradient, and its errors.

This file runs the tables; each file test_scratch_NAME.py holds those of one module, and tests of its own for what
must always hold. For a new formula add rows there, for a new module write such a file; nothing is registered.

HAND: ``(name, arguments[, options], what comes out, worked by hand)``. A formula that returns several arrays has as
    many in its row. `HAND_TOLERANCE`, if the file has one, is the relative and absolute error allowed.
PARITY: ``(name, arguments[, options], what an established library does with the same)``. Optional; a file that has it
    has a row for each formula, but for those named in `ALONE`. `PARITY_TOLERANCE`: ``(relative, absolute)``.
GRADIENTS: ``(loss, gradient, arguments, place)``, the first two by name; the slope is by the argument at that place.
ERRORS: ``(name, arguments[, options], part of the message)``.
"""

import importlib
from pathlib import Path

import numpy as np
import pytest

from bmkit import scratch

PREFIX = "test_scratch_"
FILES = {
    path.stem.removeprefix(PREFIX): importlib.import_module(path.stem)
    for path in sorted(Path(__file__).parent.glob(f"{PREFIX}*.py"))
}
RAISING = {name for name in scratch.__all__ if "Raises:" in getattr(scratch, name).__doc__}


def rows(table):
    """Yield each row of a table as file, name, arguments, options, expected."""
    for file, module in FILES.items():
        for name, arguments, *options, expected in getattr(module, table, []):
            yield pytest.param(file, name, arguments, options[0] if options else {}, expected, id=f"{file}-{name}")


def each_row_of(table):
    return pytest.mark.parametrize(("file", "name", "arguments", "options", "expected"), rows(table))


def names(table, files=FILES):
    return {row[0] for file in files for row in getattr(FILES[file], table, [])}


def assert_close(result, expected, tolerance, name):
    """Compare arrays, or tuples and lists of them, in shape and in value; texts must be equal."""
    relative, absolute = tolerance
    if isinstance(expected, (str, bytes)):
        assert result == expected, f"{name} gives {result!r}, expected {expected!r}"
    elif isinstance(result, (tuple, list)):
        assert len(result) == len(expected), f"{name} gives {len(result)} parts, expected {len(expected)}"
        for one, other in zip(result, expected, strict=True):
            assert_close(one, other, tolerance, name)
    else:
        assert np.shape(result) == np.shape(expected), f"{name} gives {np.shape(result)}, expected {np.shape(expected)}"
        np.testing.assert_allclose(result, expected, rtol=relative, atol=absolute, err_msg=name)


@each_row_of("HAND")
def test_a_number_worked_by_hand(file, name, arguments, options, expected):
    allowed = getattr(FILES[file], "HAND_TOLERANCE", 1e-12)
    assert_close(getattr(scratch, name)(*arguments, **options), expected, (allowed, allowed), name)


@each_row_of("PARITY")
def test_an_established_library_gives_the_same(file, name, arguments, options, expected):
    theirs = np.asarray(expected(*arguments, **options))
    ours = np.asarray(getattr(scratch, name)(*arguments, **options))
    assert_close(ours, theirs, getattr(FILES[file], "PARITY_TOLERANCE", (1e-5, 1e-6)), name)


@pytest.mark.parametrize(
    ("loss", "gradient", "arguments", "place"),
    [
        pytest.param(*row, id=f"{file}-{row[1]}")
        for file, module in FILES.items()
        for row in getattr(module, "GRADIENTS", [])
    ],
)
def test_a_gradient_is_the_slope_of_its_loss(loss, gradient, arguments, place):
    def moved(at):
        changed = list(arguments)
        changed[place] = at
        return getattr(scratch, loss)(*changed)

    measured = scratch.numerical_gradient(moved, arguments[place])
    np.testing.assert_allclose(getattr(scratch, gradient)(*arguments), measured, atol=1e-8, err_msg=gradient)


@each_row_of("ERRORS")
def test_arguments_that_do_not_fit_are_refused(file, name, arguments, options, expected):
    with pytest.raises(ValueError) as error:
        getattr(scratch, name)(*arguments, **options)
    assert expected in str(error.value), f"{name} refuses with other words"


def test_no_formula_is_left_out():
    assert names("HAND") == set(scratch.__all__), "each formula has a row in the table HAND of its file"


@pytest.mark.parametrize("file", [file for file in FILES if hasattr(FILES[file], "PARITY")])
def test_no_counterpart_is_left_out(file):
    alone = getattr(FILES[file], "ALONE", set())
    missing = names("HAND", [file]) - names("PARITY", [file])
    assert missing == alone, f"write rows in PARITY of {PREFIX}{file}.py, or name in ALONE: {sorted(missing ^ alone)}"
    assert names("PARITY", [file]) <= names("HAND", [file])


def test_no_gradient_is_left_out():
    held = {row[1] for module in FILES.values() for row in getattr(module, "GRADIENTS", [])}
    rod = {"numerical_gradient"}  # what the others are held against
    assert held >= {name for name in scratch.__all__ if name.endswith("_gradient")} - rod


@pytest.mark.parametrize("name", sorted(RAISING))
def test_no_error_is_left_out(name):
    assert name in names("ERRORS"), f"{name} says that it raises; no row of a table ERRORS makes it do so"
