"""Make mutants of a Python module: copies with one small fault each, for `benchmarks/mutation.py`."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants"]

SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.MatMult: ast.Add,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum",
         "startswith": "endswith", "endswith": "startswith"}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One faulty copy of a module: where the fault is, what was changed into what, and the whole new source."""

    line: int
    label: str  # "function: before → after", the same after lines were added above
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's source.

    Changed are comparisons, arithmetic, ``and``/``or``/``not``, numbers, texts, truth values, conditions, returned
    and assigned values, keyword arguments, caught exceptions, decorators, and whole statements (left out).
    Docstrings, annotations, imports and ``__all__`` stay as they are.
    """
    tree = ast.parse(source)
    for holder, field, index, place in _places(tree, "module"):
        siblings = getattr(holder, field)
        node = siblings if index is None else siblings[index]
        for new in _replacements(node, holder, field):
            before, after = _line(node), _line(new) if new is not None else "nothing"
            _put(holder, field, index, new)
            changed = ast.unparse(ast.fix_missing_locations(tree))
            if new is None and index is not None:
                siblings.insert(index, node)
            else:
                _put(holder, field, index, node)
            yield Mutant(_line_number(node, holder), f"{place}: {before} → {after}", changed)


def _places(node: ast.AST, place: str) -> Iterator[tuple[ast.AST, str, int | None, str]]:
    """Walk over everything that may be changed, with the name of the function around it."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        place = node.name if place == "module" else f"{place}.{node.name}"
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield node, field, index, place
                yield from _places(child, place)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):  # docstrings; a bare `...` does nothing either
        return isinstance(node.value, ast.Constant)
    names_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return names_all or isinstance(node, (ast.Import, ast.ImportFrom))


def _replacements(node: ast.AST, holder: ast.AST, field: str) -> Iterator[ast.AST | None]:
    """Yield what may stand instead of a node; None leaves it out."""
    match node:
        case ast.Constant() if not isinstance(holder, ast.JoinedStr):
            yield from _other_constants(node.value)
        case ast.JoinedStr():
            yield ast.JoinedStr(values=[])
        case ast.Compare() | ast.BinOp() | ast.BoolOp() | ast.AugAssign():
            yield from _other_operators(node)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node.operand
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
            other = copy.copy(node)
            setattr(other, "attr" if isinstance(node, ast.Attribute) else "id", NAMES[name])
            yield other
        case ast.Return(value=ast.expr()) if ast.unparse(node.value) != "None":
            yield ast.Return(value=ast.Constant(None))
        case ast.Assign(targets=[ast.Name() | ast.Attribute() | ast.Subscript()]) | ast.AnnAssign(value=ast.expr()):
            other = copy.copy(node)
            other.value = ast.Constant(None)
            if ast.unparse(node.value) != "None":
                yield other
        case ast.Expr() | ast.Raise() | ast.Assert() | ast.Delete():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.ExceptHandler(type=ast.expr()):
            other = copy.copy(node)
            other.type = ast.Tuple(elts=[], ctx=ast.Load())
            yield other
        case ast.keyword(arg=str()) if isinstance(holder, ast.Call):
            yield None
    if field == "decorator_list":
        yield None
    if (field == "test" and isinstance(holder, (ast.If, ast.IfExp))) or field == "ifs":
        yield ast.Constant(True)
        yield ast.Constant(False)
    if field == "test" and isinstance(holder, ast.While):
        yield ast.Constant(False)


def _other_constants(value) -> Iterator[ast.Constant]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield ast.Constant(value + 1)
    elif isinstance(value, (str, bytes)):
        changed = "mutant" if isinstance(value, str) else b"mutant"
        yield ast.Constant(value[:0] if value else changed)


def _other_operators(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            other = copy.copy(node)
            other.ops = [*node.ops[:number], SWAPS[type(operator)](), *node.ops[number + 1 :]]
            yield other
    elif type(node.op) in SWAPS:
        other = copy.copy(node)
        other.op = SWAPS[type(node.op)]()
        yield other


def _put(holder: ast.AST, field: str, index: int | None, new: ast.AST | None) -> None:
    siblings = getattr(holder, field)
    if index is None:
        setattr(holder, field, new)
    elif new is None:
        del siblings[index]
    else:
        siblings[index] = new


def _line(node: ast.AST) -> str:
    """Write the first line of a piece of code, cut to a width that a table can hold."""
    text = ast.unparse(ast.fix_missing_locations(copy.copy(node))).strip().splitlines() or [""]
    return text[0] if len(text[0]) <= 100 else text[0][:97] + "..."


def _line_number(node: ast.AST, holder: ast.AST) -> int:
    return getattr(node, "lineno", None) or getattr(holder, "lineno", 1)
