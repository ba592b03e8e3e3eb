"""What `shake` brings into a kernel: the seeds of cells are shifted, and claims are written down, also failed ones."""

import ast
import functools
import json
import os
from pathlib import Path

import numpy as np

from bmkit import check

__all__ = ["CLAIMS", "SHIFT", "Shift", "enter", "shifted"]

CLAIMS = "BMKIT_CLAIMS"  # the file that takes the kernel's process number, then one line of JSON a claim
SHIFT = "BMKIT_SEED_SHIFT"  # `train.seed` adds it by itself
NAME = "_bmkit_shifted"
STARTERS = ("PCG64", "RandomState", "default_rng", "set_random_seed")
WORDS = ("random_state", "seed")


def enter(shell) -> None:
    """Prepare a kernel, before the chapter's first cell, and say which process it is.

    Args:
        shell: the kernel's IPython shell; the variables BMKIT_CLAIMS and BMKIT_SEED_SHIFT say what to do.
    """
    if int(os.environ.get(SHIFT) or 0):
        shell.push({NAME: shifted}, interactive=False)
        shell.ast_transformers.append(Shift())
    path = Path(os.environ[CLAIMS])
    path.write_text(f"{os.getpid()}\n", "utf-8")
    check.expect = _recorded(check.expect, path)


def shifted(seed):
    """Add the shift to a seed; what is not a whole number stays as it is.

    Args:
        seed: what a cell gives to a random generator.

    Returns:
        The shifted seed.

    Example:
        >>> shifted(None) is None
        True
    """
    is_whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    return seed + int(os.environ.get(SHIFT) or 0) if is_whole else seed


class Shift(ast.NodeTransformer):
    """Shift the seeds of a cell: what starts a generator, and the numbers written behind ``seed=``, ``random_state=``.

    Seeds inside libraries and those of the fixed splits of the data stay. `train.seed` shifts its seed by itself.

    Example:
        >>> ast.unparse(Shift().visit(ast.parse("default_rng(3), KFold(5, random_state=0), train.seed(0)")))
        '(default_rng(_bmkit_shifted(3)), KFold(5, random_state=_bmkit_shifted(0)), train.seed(0))'
    """

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Wrap the seeds among a call's arguments."""
        self.generic_visit(node)
        if node.args and _starts_a_generator(node.func):
            node.args[0] = _wrapped(node.args[0])
        for keyword in node.keywords:
            if keyword.arg in WORDS and isinstance(keyword.value, ast.Constant):
                keyword.value = _wrapped(keyword.value)
        return node


def _starts_a_generator(function: ast.expr) -> bool:
    text = ast.unparse(function)
    return text.split(".")[-1] in STARTERS or text in ("np.random.seed", "numpy.random.seed", "random.seed")


def _wrapped(seed: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(NAME, ast.Load()), [seed], [])
    return ast.fix_missing_locations(ast.copy_location(call, seed))


def _recorded(expect, path: Path):
    """Return `expect` as it is, but that it writes each claim down and lets the cell go on after one that fails."""

    @functools.wraps(expect)
    def recorded(claim, value, *, at_least=None, at_most=None, equals=None, tolerance=0.0):
        failure = ""
        try:
            expect(claim, value, at_least=at_least, at_most=at_most, equals=equals, tolerance=tolerance)
        except check.ExpectationError as error:
            failure = str(error)
            print("✗", failure)
        exact = equals is not None
        record = {
            "claim": claim,
            "value": _number(value),
            "at_least": _number(at_least),
            "at_most": _number(at_most),
            "equals": _number(equals),
            "deviation": _deviation(value, equals) if exact else None,
            "tolerance": float(tolerance) if exact else None,
            "failure": failure,
        }
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    return recorded


def _number(value) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):  # an array, a text
        return None


def _deviation(value, expected) -> float | None:
    """Return the largest absolute difference; None where there is none, as between texts."""
    try:
        gaps = np.abs(np.asarray(value, float) - np.asarray(expected, float))
        return float(gaps.max()) if gaps.size else 0.0
    except (TypeError, ValueError):
        return None
