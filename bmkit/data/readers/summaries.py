"""Descriptions of functions and classes, and the one line that their writers put above them."""

import ast
import re
from collections.abc import Iterator

import numpy as np

from bmkit.data.draw import Members, Splits, cut
from bmkit.data.entries import Description
from bmkit.data.readers.docstrings import LEFT_OUT, syntax_of
from bmkit.data.texts import opening, without_markup

__all__ = ["read"]

TEST, VALIDATION = "scipy", "sklearn"  # the folders of whole packages
WRITTEN_BY_PROGRAMS = re.compile(r"/gen_\w+\.py")
# A line that ends the description: a title of numpydoc or of Google's style, or the first argument.
END = re.compile(
    r"(Parameters|(Keyword |Call |Required )?Arg(ument)?s|Returns?|Raises|Examples?( [\w ]+)?|References?|Notes?|"
    r"See Also|Yields|Attributes|Methods|Other Parameters|Warns|Warnings?|Usage.*|(Input|Output) shapes?|"
    r"Properties|Fields):?|"
    r"\w+ ?: .*|[-=~]{3,}"
)
NO_PROSE = re.compile(r"\s|>>>|\.\.|[-*+|`@#]|\d+[.)] ")  # how lines of code, lists, tables and directives begin


def _description(paragraphs: list[str]) -> str:
    """Join the paragraphs of prose up to the first title."""
    kept = []
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        end = next((place for place, line in enumerate(lines) if END.fullmatch(line)), None)
        prose = lines[:end]
        if prose and not any(map(NO_PROSE.match, prose)):
            kept.append(without_markup(" ".join(prose)))
        if end is not None:
            break
    return " ".join(kept)


def _pairs(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield name, description and first line of each function and class."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first, *rest = re.split(r"\n\s*\n", ast.get_docstring(node) or "")
            yield node.name, _description(rest), without_markup(first)


def read(members: Members, _: Description) -> Splits:
    """Read descriptions of at least 30 words and their first lines of 4 to 25; no text and no first line twice."""
    seen, rows = set(), []
    for file, source in members.items():
        if LEFT_OUT.search(file) or WRITTEN_BY_PROGRAMS.search(file):
            continue
        for name, text, summary in _pairs(syntax_of(file, source)):
            keys = {opening(text), opening(summary)}
            is_long = len(text.split()) >= 30 and len(opening(text)) == 60 and 4 <= len(summary.split()) <= 25
            if is_long and (text + summary).isascii() and not keys & seen:
                seen |= keys
                rows.append((text, name, file.split("/")[0], summary))
    text, name, package, summary = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    chosen = [package == VALIDATION, package == TEST]
    x = {"text": text, "name": name, "package": package}
    return cut(x, summary, [np.flatnonzero(some) for some in (~(chosen[0] | chosen[1]), *chosen)])
