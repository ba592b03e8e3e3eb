"""Rules that every module keeps: floors, size, light import, public lists, docstrings."""

import ast
import fnmatch
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bmkit.course import packages

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bmkit"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")
# A part of the package may import only parts of lower floors. Teaching code never imports the machinery, `course`.
# `__main__` stands outside: it starts them all.
FLOORS = (
    {"compare", "console", "errors", "live", "scratch", "surroundings"},
    {"backend", "check", "files", "plot"},
    {"data", "diagrams", "generate", "layers", "runtime"},
    {"models", "train"},
    {"pretrained"},
    {"demo", "exercises", "recipes", "ship"},
    {"course"},
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
NUMERIC = {"scratch": {"numpy"}}  # packages outside the standard library that a module may use


def part_of(path: Path) -> str:
    """Return the first name below ``bmkit``: "data" for bmkit/data/load.py, "plot" for bmkit/plot.py."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """Return the absolute names of all modules that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by a relative name; write bmkit.… in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_a_module_imports_only_from_floors_below(path):
    own = part_of(path)
    if own == "__init__":
        assert not imported(path), "bmkit/__init__.py holds the version only"
        return
    assert own in FLOOR_OF, f"bmkit.{own} stands on no floor; add it to FLOORS in tests/test_gates.py"
    for name in imported(path):
        assert not name.startswith(("tests", "notebooks")), f"{path.name} imports {name}"
        other = name.split(".")[1] if name.startswith("bmkit.") else own
        if other != own:
            below = FLOOR_OF[other] < FLOOR_OF[own]
            assert below, f"{path.name} (floor {FLOOR_OF[own]}) imports {name} (floor {FLOOR_OF[other]})"


def test_the_floors_name_what_there_is():
    assert set(FLOOR_OF) == {part_of(path) for path in MODULES} - {"__init__"}


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) in NUMERIC], ids=module_of)
def test_formulas_need_numpy_alone(path):
    outside = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names) - {"bmkit"}
    assert outside <= NUMERIC[part_of(path)]


def code_lines(path: Path) -> int:
    """Count the lines that hold code: without docstrings, comments and empty lines."""
    text = path.read_text("utf-8")
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    lines = enumerate(text.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") and n not in docstrings for n, line in lines)


@pytest.mark.parametrize(("folder", "most"), [("bmkit", 220), ("tests", 300), ("benchmarks", 220)])
def test_no_file_grows_too_long(folder, most):
    for path in (ROOT / folder).rglob("*.py"):
        lines = code_lines(path)
        assert lines <= most, f"{path.relative_to(ROOT)} has {lines} lines of code; split it by purpose"


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_functions_stay_short(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            lines = node.end_lineno - node.lineno - docstring.count("\n")
            assert lines <= 45, f"{path.name}: {node.name} has {lines} lines of code; take a step out of it"


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_at_most_seven_arguments(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            count = len([name for name in names if name not in ("self", "cls")])
            assert count <= 7, f"{path.name}: {node.name} takes {count} arguments"


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_import_of_the_package_is_light():
    heavy = ("keras", "tensorflow", "tensorflow_datasets", "numpy", "matplotlib", "sklearn", "jupyterlab")
    code = f"import bmkit, sys; print([name for name in {heavy} if name in sys.modules], len(sys.modules))"
    assert run_python(code).startswith("[]"), "import bmkit must load nothing heavy"


def test_import_of_the_package_takes_a_tenth_of_a_second_at_most():
    # Not a race against the machine: the interpreter's own clock over an import that reads one file.
    code = (
        "import time; start = time.process_time(); import bmkit; "
        "assert time.process_time() - start < 0.1, 'import bmkit used more than 0.1 s of processor time'"
    )
    run_python(code)


LIGHT = ("data", "course.book", "course.cli", "course.doctor", "course.lab", "pretrained", "scratch")


@pytest.mark.parametrize("module", LIGHT)
def test_modules_without_models_do_not_load_keras(module):
    out = run_python(f"import bmkit.{module}, sys; print('keras' in sys.modules, 'tensorflow' in sys.modules)")
    assert out.split() == ["False", "False"]


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_the_public_list_is_complete_and_sorted(path):
    module = importlib.import_module(module_of(path))
    public = module.__all__
    assert all(hasattr(module, name) for name in public)
    defined = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    }
    unlisted = defined - set(public) - {"Action", "Kind"}  # Typer holds these two
    assert not unlisted, f"{sorted(unlisted)} look public but are not in __all__"


def documented():
    for path in MODULES:
        module = importlib.import_module(module_of(path))
        for name in module.__all__:
            value = getattr(module, name)
            # What every reader takes and returns is said once, in `bmkit.data.readers`.
            is_reader = path.parent.name == "readers" and name == "read"
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not is_reader:
                yield pytest.param(value, id=f"{module.__name__}.{name}")


@pytest.mark.parametrize("function", documented())
def test_public_functions_say_what_they_take_return_and_raise(function):
    docstring = inspect.getdoc(function) or ""
    arguments = inspect.signature(function).parameters
    if arguments:
        assert "Args:" in docstring
        for name in arguments:
            assert re.search(rf"^\s+\*{{0,2}}{name}: ", docstring, re.MULTILINE), f"argument {name} is not explained"
    if "raise " in inspect.getsource(function).split('"""')[-1] and "raise\n" not in inspect.getsource(function):
        assert "Raises:" in docstring or "Errors" in docstring, "says nothing about what it raises"
    if part_of(Path(inspect.getsourcefile(inspect.unwrap(function)))) in ("scratch", "models"):
        for section in ("Returns:", "Example:", "Reference:"):
            assert section in docstring, f"section {section} is missing"


def test_the_installed_package_holds_every_folder_of_code():
    with (ROOT / "pyproject.toml").open("rb") as file:
        find = tomllib.load(file)["tool"]["setuptools"]["packages"]["find"]
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert all((folder / "__init__.py").is_file() for folder in folders)
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert {name for name in names if any(fnmatch.fnmatch(name, kind) for kind in find["include"])} == names
    assert not any(fnmatch.fnmatch(name, kind) for name in ("tests", "notebooks", "data") for kind in find["include"])


def test_a_folder_of_tests_bears_the_name_of_a_part():
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/*.py")}
    assert folders and folders <= set(FLOOR_OF), "the README says so"


def test_requirements_and_project_name_the_same_packages():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    ranges = {re.split(r"[<>=]", line)[0].lower() for line in wanted}
    pins = [line for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if "==" in line]
    assert ranges == {line.split("==")[0].lower() for line in pins}
    assert all("#" in line for line in pins), "each line of requirements.txt gives its reason"
    text = (ROOT / "requirements.txt").read_text("utf-8")
    assert not re.search(r"^-", text, re.MULTILINE), "only pins: they are then installed from any folder, offline too"


def test_what_is_imported_is_declared():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    declared = {re.sub(r"[-_.]+", "-", Requirement(line).name).lower() for line in wanted}
    of_import = metadata.packages_distributions()
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "notebooks" / "source").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"bmkit", "torch", ""}:
                owners = {re.sub(r"[-_.]+", "-", owner).lower() for owner in of_import.get(name, [name])}
                assert owners & declared, f"{path.name} imports {name}: name it in pyproject.toml and requirements.txt"


def test_the_lock_holds_all_that_is_installed_with_the_packages_and_no_address():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    held = {line.partition(";")[0].strip() for line in packages.pins(ROOT / "requirements.lock")}
    assert packages.unlocked(ROOT / "requirements.txt", ROOT / "requirements.lock") == []
    assert "://" not in lock
    for pin in held:
        assert "--hash=sha256:" in packages.locked_lines(ROOT / "requirements.lock", pin.partition("==")[0]), pin
    names = {re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower() for pin in held}
    waiting, seen = [pin.partition("==")[0] for pin in packages.pins(ROOT / "requirements.txt")], set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in seen:
            seen.add(name)
            needed = map(Requirement, metadata.requires(name) or ())
            waiting += [one.name for one in needed if not one.marker or one.marker.evaluate({"extra": ""})]
    assert seen <= names, f"write requirements.lock again: {sorted(seen - names)}"


def test_every_formula_can_be_reached_and_no_two_share_a_name():
    scratch = importlib.import_module("bmkit.scratch")
    modules = [importlib.import_module(module_of(path)) for path in MODULES if path.parent.name == "scratch"]
    names = [name for module in modules if module is not scratch for name in module.__all__]
    assert sorted(names) == sorted(set(scratch.__all__)) == sorted(scratch.__all__)
