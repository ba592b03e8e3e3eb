"""The start: which Python runs the command line, and one line for each reason why none can."""

import ast
import errno
import os
import sys
from pathlib import Path

import pytest

from bmkit import __main__ as bootstrap
from bmkit import files
from bmkit.course import environment as env
from bmkit.course import packages

ROOT = Path(env.__file__).resolve().parents[2]


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A kit whose .venv is ready; `made` notes what a set-up would do."""
    (tmp_path / "requirements.txt").write_text("pip==26.3\n")
    (tmp_path / "requirements.lock").write_text("pip==26.3 --hash=sha256:03\n")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "chapters.toml").write_text("", "utf-8")
    made = env.Environment(tmp_path)
    notes = made.folder / "lib" / "python3.12" / "site-packages" / "pip-26.3.dist-info"
    notes.mkdir(parents=True)
    (notes / "INSTALLER").write_text("pip", "utf-8")
    files.write(made.folder / "pyvenv.cfg", "home = /x")
    monkeypatch.setattr(env.Environment, "version", lambda self: "3.12")
    made.stamp.write_text(made.mark("3.12"))
    monkeypatch.setattr(env.Environment, "starts", lambda self: False)
    monkeypatch.setenv(bootstrap.HANDED_OVER, "0")  # restored after the test, whatever the test sets
    return made


@pytest.fixture
def calls(monkeypatch):
    noted = []

    def make(self, action, why, *, lock):
        noted.append(action)
        self.stamp.write_text(self.mark("3.12"))

    monkeypatch.setattr(env.Environment, "make", make)
    return noted


@pytest.mark.parametrize("name", ["__main__.py", "__init__.py"])
def test_an_old_python_can_parse_what_it_reads_first(name):
    ast.parse((ROOT / "bmkit" / name).read_text("utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 2), (3, 14, 0), (4, 0, 0)])
def test_an_unsupported_python_gets_one_line(version, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.sys, "version_info", version)
    assert bootstrap.main([]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"this is {version[0]}.{version[1]}" in told


def test_versions_agree_with_pyproject():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'requires-python = ">=3.11,<3.14"' in text
    assert [minor for _, minor in bootstrap.VERSIONS] == [11, 12, 13]


def test_only_the_standard_library_is_imported():
    parts = ("__main__", "console", "errors", "files", "surroundings", "course/environment", "course/packages")
    for name in (f"{part}.py" for part in parts):
        for node in ast.walk(ast.parse((ROOT / "bmkit" / name).read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert all(n.split(".")[0] in {*sys.stdlib_module_names, "bmkit"} for n in names), (name, names)


def _start(monkeypatch, kit, *, lacking=("numpy 2.4.6",)):
    """Run `main` on this kit; return what it hands over, or the exit code."""
    monkeypatch.setattr(env.Environment.__init__, "__defaults__", (kit.root,))
    monkeypatch.setattr(packages, "missing", lambda _: list(lacking))
    monkeypatch.setattr(bootstrap, "_hand_over", lambda python, arguments: [python, *arguments])
    return bootstrap.main(["lab", "--port", "1 2"])


def test_a_ready_environment_gets_the_arguments_unchanged(kit, calls, monkeypatch):
    assert _start(monkeypatch, kit) == [str(kit.python), "lab", "--port", "1 2"]
    assert not calls


def test_a_half_made_environment_is_repaired_first(kit, calls, monkeypatch):
    kit.stamp.unlink()
    assert _start(monkeypatch, kit)[0] == str(kit.python)
    assert calls == ["repair"] and kit.fault() is None


def test_a_fault_inside_is_repaired_once_and_not_for_ever(kit, calls, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "prefix", str(kit.folder))
    ran = []
    monkeypatch.setattr("bmkit.course.cli.main", lambda arguments: ran.append(arguments) or 0)
    kit.stamp.unlink()
    assert _start(monkeypatch, kit)[0] == str(kit.python)
    assert calls == ["repair"]
    kit.stamp.unlink()
    assert _start(monkeypatch, kit) == 0  # by the variable that the first start set: this has been looked at
    assert calls == ["repair"] and ran


def test_a_repair_that_fails_is_told_and_what_works_goes_on(kit, monkeypatch, capsys):
    def fails(self, *_, **__):
        raise PermissionError(errno.EROFS, "Read-only file system", str(self.root))

    monkeypatch.setattr(env.Environment, "make", fails)
    monkeypatch.setattr(env.Environment, "starts", lambda self: True)
    kit.requirements.write_text("pip==27.0\n")
    assert _start(monkeypatch, kit)[0] == str(kit.python)
    told = capsys.readouterr().err
    assert "pip 27.0 is missing" in told and "runs with what is installed" in told and told.count("\n") == 1


def test_without_the_course_beside_it_the_command_line_is_asked_at_once(kit, calls, monkeypatch):
    monkeypatch.setattr("bmkit.course.cli.main", lambda arguments: arguments)
    (kit.root / "notebooks" / "chapters.toml").unlink()
    assert _start(monkeypatch, kit) == ["lab", "--port", "1 2"] and not calls


def test_posix_replaces_the_process(monkeypatch):
    handed = []
    monkeypatch.setattr(bootstrap.os, "name", "posix")
    monkeypatch.setattr(bootstrap.os, "execv", lambda *told: handed.append(told) or sys.exit())
    with pytest.raises(SystemExit):
        bootstrap._hand_over("/kit/python", ["run", "a b"])
    assert handed == [("/kit/python", ["/kit/python", "-m", "bmkit", "run", "a b"])]


def test_windows_waits_through_ctrl_c_and_passes_the_exit_code_on(monkeypatch):
    class Child:
        returncode = None
        answers = iter([KeyboardInterrupt, KeyboardInterrupt, 5])

        def __init__(self, command):
            assert command == ["python.exe", "-m", "bmkit", "test"]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def wait(self):
            answer = next(self.answers)
            if answer is KeyboardInterrupt:
                raise answer
            self.returncode = answer

    monkeypatch.setattr(bootstrap.os, "name", "nt")
    monkeypatch.setattr(bootstrap.subprocess, "Popen", Child)
    assert bootstrap._hand_over("python.exe", ["test"]) == 5


def test_with_everything_present_the_command_line_runs_in_process(kit, monkeypatch):
    from bmkit.course import cli

    monkeypatch.setattr(cli, "main", lambda arguments: arguments)
    assert _start(monkeypatch, kit, lacking=()) == ["lab", "--port", "1 2"]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (env.Trouble("no network"), 1, "bmkit: no network\n"),
        (KeyboardInterrupt(), 130, "bmkit: stopped; the next start continues"),
        (PermissionError(errno.EACCES, "Permission denied", "/kit/.venv"), 1, "Permission denied: '/kit/.venv'"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "make room"),
    ],
)
def test_each_trouble_is_one_line_and_an_exit_code(kit, monkeypatch, capsys, error, code, line):
    def fails(self, *_, **__):
        raise error

    kit.stamp.unlink()
    monkeypatch.setattr(env.Environment, "make", fails)
    assert _start(monkeypatch, kit) == code
    told = capsys.readouterr().err
    assert line in told and told.count("\n") == 1


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission_is_one_line(kit, monkeypatch, capsys):
    kit.stamp.unlink()
    kit.root.chmod(0o555)
    assert _start(monkeypatch, kit) == 1
    kit.root.chmod(0o755)
    assert capsys.readouterr().err.count("\n") == 1
