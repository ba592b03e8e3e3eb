"""What a notebook's outputs come from: the definitions of `bmkit` that its code reaches, the plan, data sets, weights.

A definition counts as its text without docstrings, comments and empty lines, and only where the notebook's code leads
to it by way of names: a new function in `bmkit.plot` makes no notebook stale, another line of a function that it calls
does. The code that fetches data is left out, except a module of it that the notebook names itself: what a set or the
weights of a model hold is told by the hashes of their entries.
"""

import ast
import functools
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from bmkit.course.chapters import ROOT, chapters

__all__ = ["PLAN", "changed", "needs"]

PLAN = "notebooks/chapters.toml"
READS_THE_PLAN = "bmkit.course.chapters"
DATA = "bmkit.data"
EVERYTHING = "*"

Definition = tuple[str, str]  # a module and a name in it; `EVERYTHING` for all of them


def needs(cells: Iterable[str]) -> dict[str, str]:
    """Hash what the outputs of a notebook come from.

    Args:
        cells: its code cells.

    Returns:
        From the name of each file, data set or model to a short hash of what the notebook uses of it.

    Example:
        >>> needs(["from bmkit.check import expect", "expect('sum', 2, equals=2)"]).keys() >= {"bmkit/check.py"}
        True
        >>> list(needs(["x = 1"]))
        []
    """
    code = ast.parse("\n".join(cells))
    reached = _reached(_references(code, {}))
    texts: dict[str, list[tuple[int, str]]] = {}
    for module, statement in reached:
        file = _file(module).relative_to(ROOT).as_posix()
        texts.setdefault(file, []).append((statement.lineno, _text(module, statement)))
    found = {file: _hash("\n".join(text for _, text in sorted(parts))) for file, parts in texts.items()}
    if any(module == READS_THE_PLAN for module, _ in reached):
        found[PLAN] = _hash(repr([(c.number, c.title, c.part, c.before, c.ready) for c in chapters()]))
    return dict(sorted((found | _data(code)).items()))


def changed(noted: dict[str, str], now: dict[str, str]) -> list[str]:
    """Tell what a notebook uses otherwise than when it was built.

    Args:
        noted: what `needs` gave then.
        now: what it gives now.

    Returns:
        Names of files, data sets and weights.

    Example:
        >>> changed({"bmkit/plot.py": "1", "bmkit/live.py": "1"}, {"bmkit/plot.py": "2"})
        ['bmkit/live.py', 'bmkit/plot.py']
    """
    return sorted(name for name in {*noted, *now} if noted.get(name) != now.get(name))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _data(code: ast.AST) -> dict[str, str]:
    from bmkit import data
    from bmkit.data import manifest

    words = {node.value for node in ast.walk(code) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    found = {f"data set {name}": manifest.entry(name).digest[:12] for name in words & set(data.names())}
    for name, one in data.weights().items():
        if name in words:
            found[f"weights {name}"] = _hash(" ".join(file.sha256 for file in (one.own, *one.parcels) if file))
    for name, one in data.recordings().items():
        if name in words:
            found[f"recording {name}"] = _hash(one.parcel.sha256)
    return found


def _reached(named: set[Definition]) -> set[tuple[str, ast.stmt]]:
    """Follow names from definition to definition, into the code that fetches data only where the notebook names it."""
    reached: set[tuple[str, ast.stmt]] = set()
    read = {module for module, _ in named} - {DATA}

    def counted(found: set[Definition]) -> set[Definition]:
        return {one for one in found if one[0] in read or not (one[0] + ".").startswith(f"{DATA}.")}

    seen = counted(named)
    waiting = sorted(seen)
    while waiting:
        module, name = waiting.pop()
        for statement in _statements(module, name):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                found = _given(module, statement, name)
            else:
                reached.add((module, statement))
                own = _words(statement) - _imports(module).keys()
                found = _references(statement, _imports(module)) | {(module, word) for word in own}
            more = counted(found - seen)
            seen |= more
            waiting += sorted(more)
    return reached


@functools.cache
def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((one for one in candidates if module.split(".")[0] == "bmkit" and one.is_file()), None)


@functools.cache
def _body(module: str) -> tuple[ast.stmt, ...]:
    return tuple(ast.parse(_file(module).read_text("utf-8")).body)


def _statements(module: str, name: str) -> list[ast.stmt]:
    """Return the statements of a module that bind a name, and those that bind nothing but do something."""
    if _file(module) is None:
        return []
    body = [one for one in _body(module) if not _is_docstring(one)]
    if name == EVERYTHING:
        return body
    return [one for one in body if name in (bound := _bound(module, one)) or not bound]


def _is_docstring(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@functools.cache
def _bound(module: str, statement: ast.stmt) -> frozenset[str]:
    """Collect the names that a statement of a module gives to it."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return frozenset({statement.name})
    names = {one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    names |= {one.name for one in ast.walk(statement) if isinstance(one, ast.FunctionDef | ast.ClassDef)}
    for one in ast.walk(statement):
        if isinstance(one, ast.ImportFrom) and one.names[0].name == EVERYTHING:
            names |= set().union(*(_bound(one.module, other) for other in _body(one.module)))
        elif isinstance(one, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.split(".")[0] for alias in one.names}
    return frozenset(names)


def _given(module: str, statement: ast.stmt, name: str) -> set[Definition]:
    """Return what a name means that an import binds; for all names those that a package hands on to its users."""
    if isinstance(statement, ast.Import) or (name == EVERYTHING and _file(module).name != "__init__.py"):
        return set()  # a module uses its own imports by name, and there they are found
    hands_on = [alias for alias in statement.names if name in (EVERYTHING, alias.asname or alias.name)]
    found = {_meant(statement.module, alias.name) for alias in hands_on}
    return found or {_meant(statement.module, name)}  # by a star


@functools.cache
def _meant(module: str, name: str) -> Definition:
    """Tell a module of a package from a definition in it; where both have the name, the definition hides the module."""
    if _file(f"{module}.{name}") is None:
        return module, name
    given = (one for one in _body(module) if isinstance(one, ast.ImportFrom) and one.module != module)
    return (module, name) if any(name in _bound(module, one) for one in given) else (f"{module}.{name}", EVERYTHING)


@functools.cache
def _imports(module: str) -> dict[str, Definition]:
    return dict(_imported(_body(module)))


def _imported(statements: Iterable[ast.AST]) -> Iterator[tuple[str, Definition]]:
    for statement in statements:
        for one in ast.walk(statement):
            if isinstance(one, ast.ImportFrom) and (one.module or "").split(".")[0] == "bmkit":
                yield from ((alias.asname or alias.name, _meant(one.module, alias.name)) for alias in one.names)


def _references(tree: ast.AST, outside: dict[str, Definition]) -> set[Definition]:
    """Collect what a piece of code uses through imports: `plot.show` is (bmkit.plot, show), a bare `plot` all of it."""
    known = {**outside, **dict(_imported([tree]))}
    found, inner = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            module, name = known[node.value.id]
            inner.add(node.value)
            found.add(_meant(module, node.attr) if name == EVERYTHING else (module, name))
        elif isinstance(node, ast.Name) and node not in inner and node.id in known:
            found.add(known[node.id])
        elif isinstance(node, ast.Import):
            found |= {(alias.name, EVERYTHING) for alias in node.names if alias.name.startswith("bmkit.")}
        elif isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            found |= _named(node.values[0].value)
    return found


def _named(start: str) -> set[Definition]:
    """Return the modules that a name may mean of which only the start is fixed, such as f"bmkit.pretrained.{part}"."""
    if not (start.startswith("bmkit.") and start.endswith(".")):
        return set()
    folder = ROOT.joinpath(*start.strip(".").split("."))
    return {(start + path.stem, EVERYTHING) for path in folder.glob("*.py") if path.stem != "__init__"}


def _words(statement: ast.stmt) -> set[str]:
    return {one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


@functools.cache
def _lines(module: str) -> tuple[str, ...]:
    """Return the lines of a module without comments and without what only lays it out."""
    text = _file(module).read_text("utf-8")
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return tuple(line.rstrip() for line in lines)


def _text(module: str, statement: ast.stmt) -> str:
    """Return a statement as it is written, without docstrings, comments and empty lines."""
    decorators = getattr(statement, "decorator_list", [])
    first = min(one.lineno for one in (statement, *decorators))
    docstrings = {
        line
        for one in ast.walk(statement)
        if isinstance(one, ast.FunctionDef | ast.ClassDef) and _is_docstring(one.body[0])
        for line in range(one.body[0].lineno, one.body[0].end_lineno + 1)
    }
    numbers = [number for number in range(first, statement.end_lineno + 1) if number not in docstrings]
    return "\n".join(line for line in (_lines(module)[number - 1] for number in numbers) if line)
