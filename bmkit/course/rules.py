"""The form that every code cell of a chapter keeps: one idea, lines that a learner can read aloud.

The tests hold every chapter against these rules; a writer asks `code_rules` before.
"""

import ast
from collections.abc import Iterator

__all__ = ["MOST_NODES_A_CELL", "MOST_NODES_A_CHAPTER", "code_rules", "density", "names"]

MOST_LINES, MOST_COLUMNS = 20, 88  # what a projector shows to the back row
# Syntax nodes a line, as `ast.walk` counts them. Three well-known books have 8 to 11, a packed cell has 20 and more.
MOST_NODES_A_CELL, MOST_NODES_A_CHAPTER = 17, 13
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DRAWS = ("plot", "plt", "axes", "diagrams")  # names through which a cell draws


def _lines(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def names(code: ast.AST, context: type) -> set[str]:
    """Collect the names that stand in code.

    Args:
        code: its syntax tree, or a part of it.
        context: `ast.Load` for those that are read, `ast.Store` for those that are bound.

    Returns:
        The names.

    Example:
        >>> sorted(names(ast.parse("total = price * count"), ast.Load))
        ['count', 'price']
    """
    return {node.id for node in ast.walk(code) if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def density(code: str) -> float:
    """Count syntax nodes a line: how much a reader has to hold in mind at once.

    Args:
        code: a cell.

    Returns:
        Nodes of the syntax tree over lines that are neither empty nor a comment; 0 for a cell without code.

    Example:
        >>> density("x = 1")
        5.0

    Reference:
        Python documentation, ast, https://docs.python.org/3/library/ast.html
    """
    lines = _lines(code)
    return sum(1 for _ in ast.walk(ast.parse(code))) / len(lines) if lines else 0.0


def _draws(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in DRAWS
        for node in ast.walk(tree)
    )


def code_rules(code: str) -> list[str]:
    """Say what keeps a code cell from being read aloud.

    Args:
        code: the cell.

    Returns:
        One sentence a fault, in the order of the lines; none for a cell in form.

    Example:
        >>> code_rules("mean, spread = x.mean(), x.std()")
        ['line 1 assigns several values at once; give each a line of its own']
        >>> code_rules("rows, columns = x.shape")
        []
    """
    tree = ast.parse(code)
    found = [(node.lineno, f"line {node.lineno} {fault}") for node, fault in _faults(tree)]
    wide = [n for n, line in enumerate(code.splitlines(), start=1) if len(line) > MOST_COLUMNS]
    found += [(n, f"line {n} is longer than {MOST_COLUMNS} columns; break it, or name a part of it") for n in wide]
    sentences = [sentence for _, sentence in sorted(found)]
    if len(_lines(code)) > MOST_LINES:
        sentences.append(f"{len(_lines(code))} lines are too many for one idea ({MOST_LINES}); split the cell")
    if density(code) > MOST_NODES_A_CELL and len(_lines(code)) > 2:  # a line or two are read at a glance
        sentences.append(f"{density(code):.1f} syntax nodes a line; at most {MOST_NODES_A_CELL}: name what is nested")
    if _draws(tree) and _calls(tree, "expect"):
        sentences.append("it draws and asserts; give the picture and the claim a cell each")
    return sentences


def _calls(tree: ast.AST, name: str) -> bool:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(call.func, ast.Name) and call.func.id == name for call in calls)


def _faults(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        for looks, fault in FORMS:
            if looks(node):
                yield node, fault


def _assigns_several(node: ast.AST) -> bool:
    several = isinstance(node, ast.Assign) and isinstance(node.value, (ast.Tuple, ast.List))
    return several and any(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets)


def _unpacks_a_comprehension(node: ast.AST) -> bool:
    unpacks = isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Tuple, ast.List))
    return unpacks and isinstance(node.value, COMPREHENSIONS)


def _is_nested_comprehension(node: ast.AST) -> bool:
    if not isinstance(node, COMPREHENSIONS):
        return False
    return len(node.generators) > 1 or any(isinstance(one, COMPREHENSIONS) for one in ast.walk(node) if one is not node)


def _loops_over_a_lambda(node: ast.AST) -> bool:
    loop = node.iter if isinstance(node, ast.For) else None
    return loop is not None and any(isinstance(one, ast.Lambda) for one in ast.walk(loop))


def _binds_by_default(node: ast.AST) -> bool:
    return isinstance(node, ast.Lambda) and bool(node.args.defaults or node.args.kw_defaults)


def _hides_an_iterator(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return any(
        isinstance(argument, ast.Call)
        and isinstance(argument.func, ast.Name)
        and (argument.func.id == "next" or (argument.func.id == "zip" and _is_starred(argument)))
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
    )


def _is_starred(call: ast.Call) -> bool:
    return any(isinstance(argument, ast.Starred) for argument in call.args)


FORMS = (
    (_assigns_several, "assigns several values at once; give each a line of its own"),
    (lambda node: isinstance(node, ast.Assign) and len(node.targets) > 1, "assigns twice; give each name a line"),
    (_unpacks_a_comprehension, "unpacks a comprehension into names; write the assignments out"),
    (_is_nested_comprehension, "holds a comprehension in a comprehension; write the inner one as a loop or a function"),
    (_loops_over_a_lambda, "loops over a lambda; give the function a name"),
    (_binds_by_default, "binds a value by a lambda's default; write a function"),
    (_hides_an_iterator, "hides next(…) or zip(*…) in an argument; give its result a name"),
    (
        lambda node: isinstance(node, ast.Expr) and isinstance(node.value, ast.IfExp),
        "is a conditional expression used as a statement; write if and else",
    ),
)
