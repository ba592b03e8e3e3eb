"""The prose in the docstrings of installed packages."""

import ast
import re
import warnings
from collections.abc import Iterator

import numpy as np

from bmkit.data.draw import Members, Splits, cut, grouped
from bmkit.data.entries import DataError, Description
from bmkit.data.texts import opening, prose

__all__ = ["read", "syntax_of"]

LEFT_OUT = re.compile(r"/(\w*tests?|\w*testing|externals?|_external|_lib|distutils)/|_test\.py|/(__config|_dist|conft)")


def syntax_of(name: str, source: bytes) -> ast.Module:
    """Parse a module without running it.

    Args:
        name: of its file, for the message.
        source: its bytes.

    Returns:
        The syntax tree.

    Raises:
        DataError: it is no Python.

    Example:
        >>> type(syntax_of("a.py", b"x = 1").body[0]).__name__
        'Assign'

    Reference:
        Python documentation, ast, https://docs.python.org/3/library/ast.html
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some strings hold backslashes that newer versions of Python dislike
            return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise DataError(
            f"{name} is not readable Python ({error}); install its package again with `pip install --force-reinstall`."
        ) from error


def _docstrings_of(name: str, source: bytes) -> Iterator[str]:
    """Yield the docstrings of a module, its classes and its functions."""
    for node in ast.walk(syntax_of(name, source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""


def read(members: Members, _: Description) -> Splits:
    """Read the prose of all docstrings; no paragraph comes twice, and those of one file are in one split."""
    seen, texts, files = set(), [], []
    for name, source in members.items():
        if LEFT_OUT.search(name):
            continue
        for docstring in _docstrings_of(name, source):
            fresh = [text for text in prose(docstring) if opening(text) not in seen]
            fresh = list({opening(text): text for text in reversed(fresh)}.values())[::-1]
            seen.update(map(opening, fresh))
            if fresh:
                texts.append("\n\n".join(fresh))
                files.append(name)
    _, package = np.unique([name.split("/")[0] for name in files], return_inverse=True)
    _, file = np.unique(files, return_inverse=True)
    return cut(np.array(texts, dtype=object), package, grouped(file, package, held=0.1))
