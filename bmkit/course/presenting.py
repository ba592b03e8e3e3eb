"""A presenter's view: cells that only check or draw show what they print and draw, not their code."""

import ast
import json

from bmkit.course.rules import names

__all__ = ["HIDDEN", "presented", "tag_cells"]

HIDDEN = "hide-input"  # the tag that Jupyter Book reads, too
DRAWING = {"plot", "diagrams"}


def tag_cells(cells: list) -> None:
    r"""Tag the code cells that only assert or draw: no later cell uses a name that they bind.

    Args:
        cells: those of an `nbformat` notebook, changed in place.

    Example:
        >>> from types import SimpleNamespace as Some
        >>> texts = ["x = fit()", "top = max(x)\nexpect('sum', top, equals=1)", "y = x + 1"]
        >>> cells = [Some(cell_type="code", source=text, metadata={}) for text in texts]
        >>> tag_cells(cells)
        >>> [cell.metadata for cell in cells]
        [{}, {'tags': ['hide-input']}, {}]
    """
    used_later: set[str] = set()
    for cell in reversed([cell for cell in cells if cell.cell_type == "code"]):
        code = _tree(cell.source)
        if _only_shows(code) and not names(code, ast.Store) & used_later:
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), HIDDEN})
        for statement in reversed(code.body):
            used_later -= names(statement, ast.Store)
            used_later |= names(statement, ast.Load) - _inner(statement)


def _inner(statement: ast.stmt) -> set[str]:
    """Collect the names that loops, comprehensions and functions bind for themselves."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.For, ast.comprehension)):
            found |= names(node.target, ast.Store)
        elif isinstance(node, (ast.FunctionDef, ast.Lambda)):
            found |= {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)} | names(node, ast.Store)
    return found


def _only_shows(code: ast.Module) -> bool:
    """Tell whether a cell ends in a picture, or consists of claims for the most part, and defines nothing."""
    if not code.body or any(isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import)) for node in ast.walk(code)):
        return False
    if _calls(code.body[-1]) & DRAWING:
        return True
    claims = [statement for statement in code.body if "expect" in _calls(statement)]
    return len(claims) * 2 >= len(code.body)


def _calls(statement: ast.stmt) -> set[str]:
    """Collect what a statement calls: "expect", and "plot" for plot.show()."""
    called = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
    owners = [one.value if isinstance(one, ast.Attribute) else one for one in called]
    return {owner.id for owner in owners if isinstance(owner, ast.Name)}


def presented(notebook: bytes) -> bytes:
    """Fold the code of the tagged cells; JupyterLab opens it with a click.

    Args:
        notebook: what an .ipynb file holds.

    Returns:
        The same for a presenter.
    """
    content = json.loads(notebook)
    for cell in content["cells"]:
        if HIDDEN in cell["metadata"].get("tags", []):
            cell["metadata"]["jupyter"] = {"source_hidden": True}
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # half written; what is wrong is told when it is built
        return ast.Module([], [])
