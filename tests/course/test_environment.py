"""The environment beside the package: every way in which it can be missing, half-made or in the way."""

import os
import subprocess
import sys

import pytest

from bmkit import files
from bmkit.course import environment as env
from bmkit.course import packages

LOCK = """# how it was made
Numpy==2.4.6 \\
    --hash=sha256:01 \\
    --hash=sha256:02
pip==26.3 \\
    --hash=sha256:03
pywin==1 ; sys_platform == 'win32' \\
    --hash=sha256:04
"""
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def _install(kit, *names):
    for name in names:
        notes = kit.folder / "lib" / "python3.11" / "site-packages" / f"{name}.dist-info"
        notes.mkdir(parents=True)
        (notes / "METADATA").write_text("", "utf-8")
        (notes / "INSTALLER").write_text("pip", "utf-8")


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A kit whose .venv is finished, as far as `fault` can see; the processes it starts are only noted."""
    (tmp_path / "requirements.txt").write_text("pip==26.3  # transport\nnumpy==2.4.6\n-e .\n")
    (tmp_path / "requirements.lock").write_text(LOCK)
    made = env.Environment(tmp_path)
    made.python.parent.mkdir(parents=True)
    made.python.write_text("")
    files.write(made.folder / "pyvenv.cfg", "home = /x")
    files.write(made.folder / files.MARKER, "")
    _install(made, "pip-26.3", "numpy-2.4.6")
    monkeypatch.setattr(env.Environment, "version", lambda self: HERE)
    made.stamp.write_text(made.mark(HERE))
    return made


@pytest.fixture
def calls(monkeypatch):
    noted = []
    monkeypatch.setattr(env.Environment, "_call", lambda self, command, *, lock: noted.append(command[3:]))
    monkeypatch.setattr(env.Environment, "_pip_starts", lambda self: True)
    monkeypatch.setattr(env.Environment, "starts", lambda self: False)
    return noted


def test_missing_names_each_absent_or_other_version(tmp_path):
    lines = (
        f"pip=={packages.metadata.version('pip')}  # why\nnumpy==0.0.1\nno-such-thing==1.0\n-e .\n\n# only a comment\n"
    )
    (tmp_path / "r.txt").write_text(lines + "another==1 ; sys_platform == 'none'\n")
    assert packages.missing(tmp_path / "r.txt") == ["numpy 0.0.1", "no-such-thing 1.0"]


def test_a_finished_environment_has_no_fault(kit):
    assert kit.fault() is None


def _no_stamp(kit, _):
    kit.stamp.unlink()


def _empty_stamp(kit, _):
    kit.stamp.write_text("")


def _new_requirements(kit, _):
    kit.requirements.write_text("numpy==3.0\npip==26.3\nkeras==3.1\n")


def _new_lock(kit, _):
    kit.lock.write_text(LOCK.replace("pywin==1", "pywin==2"))


def _half_a_package(kit, _):
    next(kit.folder.glob("lib/*/*/numpy-2.4.6.dist-info/INSTALLER")).unlink()


def _no_folder(kit, _):
    kit.folder.rename(kit.folder.with_name("elsewhere"))


def _broken_python(kit, monkeypatch):
    monkeypatch.setattr(env.Environment, "version", lambda self: "")


def _unsupported_python(kit, monkeypatch):
    monkeypatch.setattr(env.Environment, "version", lambda self: "3.10")


def _other_python(kit, _):
    kit.stamp.write_text(kit.mark("3.11" if HERE != "3.11" else "3.12"))


def _no_configuration(kit, _):
    (kit.folder / "pyvenv.cfg").unlink()


@pytest.mark.parametrize(
    ("harm", "action", "why"),
    [
        (_no_stamp, "repair", "did not end"),
        (_empty_stamp, "repair", "did not end"),
        (_new_requirements, "repair", "numpy 3.0 and 1 more are missing"),
        (_new_lock, "repair", "list of packages"),
        (_half_a_package, "repair", "numpy 2.4.6 is missing"),
        (_no_folder, "create", "none yet"),
        (_broken_python, "create", "not start"),
        (_unsupported_python, "create", "3.10"),
        (_other_python, "create", "another Python"),
        (_no_configuration, "create", "none yet"),
    ],
)
def test_each_harm_is_noticed(kit, monkeypatch, harm, action, why):
    harm(kit, monkeypatch)
    found = kit.fault()
    assert found[0] == action and why in found[1]


def test_how_the_lists_are_written_does_not_matter(kit):
    kit.requirements.write_text("numpy==2.4.6\npip==26.3  # other words\n\n# more\n")
    kit.lock.write_text("# other words\n" + LOCK)
    assert kit.fault() is None


def test_version_of_a_python_that_does_not_start_is_empty(tmp_path):
    made = env.Environment(tmp_path)
    assert made.version() == ""
    made.python.parent.mkdir(parents=True)
    made.python.write_text("not a program")
    made.python.chmod(0o755)
    assert made.version() == ""


def _pip_installs(monkeypatch, *names):
    noted = []

    def call(self, command, *, lock):
        noted.append(command[3:])
        if command[3] == "venv":
            self.python.parent.mkdir(parents=True)
        if command[-1] == str(self.lock):
            _install(self, *names)

    monkeypatch.setattr(env.Environment, "_call", call)
    return noted


def test_create_says_its_steps_and_stamps_last(kit, calls, monkeypatch, capsys):
    noted = _pip_installs(monkeypatch, "pip-26.3", "numpy-2.4.6")
    kit.make("create", "there is none yet", lock=None)
    assert noted[0] == ["venv", str(kit.folder)]
    assert noted[1][-2:] == ["-r", str(kit.folder / "pip.lock")] and noted[2][-2:] == ["-r", str(kit.lock)]
    assert all({"--require-hashes", "--no-deps"} <= set(command) for command in noted[1:])
    assert (kit.folder / "pip.lock").read_text("utf-8") == "pip==26.3 \\\n    --hash=sha256:03\n"
    told = capsys.readouterr().err
    assert "GB to download" in told and "1/3" in told and "3/3" in told and "ready" in told
    assert (kit.folder / files.MARKER).is_file() and kit.stamp.read_text("utf-8") == kit.mark(HERE)


def test_what_the_lock_does_not_hold_is_told_before_anything_is_fetched(kit, calls):
    kit.requirements.write_text("numpy==3.0\n")
    with pytest.raises(env.Trouble, match=r"asks for numpy==3\.0, which requirements\.lock does not hold"):
        kit.make("repair", "numpy 3.0 is missing", lock=None)
    assert not calls


def test_a_set_up_that_left_something_out_has_no_stamp(kit, calls, monkeypatch):
    _pip_installs(monkeypatch, "pip-26.3")
    with pytest.raises(env.Trouble, match=r"numpy 2\.4\.6 is missing after the set-up, though pip reports success"):
        kit.make("create", "there is none yet", lock=None)
    assert not kit.stamp.exists()


def test_repair_keeps_what_is_whole_and_drops_halves(kit, calls):
    _install(kit, "half-2")
    half = next(kit.folder.glob("lib/*/*/half-2.dist-info"))
    (half / "INSTALLER").unlink()
    kit.make("repair", "an earlier set-up did not end", lock=None)
    assert not half.exists() and len(list(half.parent.iterdir())) == 3
    assert [call[0] for call in calls] == ["pip"]  # the pinned pip is there; one call does the rest


def test_halves_in_an_environment_of_somebody_else_and_links_stay(kit, calls, tmp_path):
    _install(kit, "half-2")
    half = next(kit.folder.glob("lib/*/*/half-2.dist-info"))
    (half / "INSTALLER").unlink()
    (kit.folder / files.MARKER).unlink()
    kit.make("repair", "an earlier set-up did not end", lock=None)
    assert half.exists()
    half.rename(tmp_path / "elsewhere")
    half.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    kit.make("repair", "an earlier set-up did not end", lock=None)
    assert half.is_symlink() and (tmp_path / "elsewhere" / "METADATA").exists()


def test_an_environment_of_somebody_else_stays_theirs_after_a_repair(kit, calls, monkeypatch):
    (kit.folder / files.MARKER).unlink()
    kit.make("repair", "an earlier set-up did not end", lock=None)
    assert kit.fault() is None
    with pytest.raises(env.Trouble, match="the kit did not make it, so nothing in it was touched"):
        kit.make("create", "the old one does not start", lock=None)
    assert kit.python.exists() and kit.stamp.exists()
    files.write(kit.folder / "pyvenv.cfg", f"command = /x/python3 -m venv --clear {kit.folder}\n")  # an earlier kit
    _pip_installs(monkeypatch, "pip-26.3", "numpy-2.4.6")
    kit.make("create", "the old one does not start", lock=None)
    assert (kit.folder / files.MARKER).is_file()


@pytest.mark.parametrize("starts", [True, False])
def test_without_a_pip_only_an_environment_that_does_not_start_is_made_anew(kit, calls, monkeypatch, starts):
    monkeypatch.setattr(env.Environment, "_pip_starts", lambda self: False)
    monkeypatch.setattr(env.Environment, "starts", lambda self: starts)
    noted = _pip_installs(monkeypatch, "pip-26.3", "numpy-2.4.6")
    if starts:
        with pytest.raises(env.Trouble, match="delete that folder"):
            kit.make("repair", "an earlier set-up did not end", lock=None)
        assert kit.fault() is None and [call[0] for call in noted] == ["ensurepip"]
    else:
        kit.make("repair", "an earlier set-up did not end", lock=None)
        assert [call[0] for call in noted] == ["ensurepip", "venv", "pip", "pip"]


def test_an_environment_that_contains_the_home_folder_is_not_emptied(kit, calls, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(kit.folder / "me"))
    with pytest.raises(files.NotOurs):
        kit.make("create", "the old one does not start", lock=None)
    assert kit.python.exists() and not calls


@pytest.mark.skipif(os.name == "nt", reason="the lock is not inherited there")
def test_a_failed_step_leaves_no_stamp(kit, monkeypatch):
    def fails(self, command, *, lock):
        raise env.Trouble("no network")

    monkeypatch.setattr(env.Environment, "_call", fails)
    with pytest.raises(env.Trouble):
        kit.make("create", "there is none yet", lock=None)
    assert not kit.stamp.exists()


def test_a_failed_repair_takes_nothing_down(kit, calls, monkeypatch):
    def fails(self, command, *, lock):
        raise env.Trouble("no network")

    monkeypatch.setattr(env.Environment, "_call", fails)
    before = kit.stamp.read_text("utf-8")
    with pytest.raises(env.Trouble):
        kit.make("repair", "numpy 2.4.6 is missing", lock=None)
    assert kit.stamp.read_text("utf-8") == before and kit.fault() is None


def test_too_little_disk_is_one_line(kit, monkeypatch):
    monkeypatch.setattr(env.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1e9})())
    with pytest.raises(env.Trouble, match=r"only 1\.0 GB are free here; 4\.5 GB are needed"):
        kit.make("create", "", lock=None)


def test_without_ensurepip_the_debian_package_is_named(kit, monkeypatch):
    find = env.importlib.util.find_spec
    monkeypatch.setattr(env.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name))
    with pytest.raises(env.Trouble, match=rf"sudo apt install python{HERE}-venv"):
        kit.make("create", "", lock=None)


@pytest.mark.parametrize(
    ("complaint", "advice"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "permission"),
        ("WARNING: Retrying (Retry(total=4))\nERROR: No matching distribution found for pip==26.3", "network"),
        ("ERROR: No matching distribution found for tensorflow==2.21.0", "no build of tensorflow==2.21.0"),
        (
            "ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)\n"
            "ERROR: No matching distribution found for x==1",
            "pip finds no x==1 at all",
        ),
        ("something\nERROR: quite new", "failed: ERROR: quite new"),
    ],
)
def test_pips_complaints_become_one_line(kit, complaint, advice):
    script = f"import sys; sys.stderr.write({complaint!r}); sys.exit(1)"
    with (kit.root / "lock").open("w") as lock, pytest.raises(env.Trouble) as caught:
        kit._call([sys.executable, "-c", script, "pip"], lock=lock)
    assert advice in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="another way of locking, tried by hand")
def test_a_second_setup_waits_and_says_so(tmp_path, capsys, monkeypatch):
    first = (tmp_path / "lock").open("a+")
    assert env._grab(first)
    monkeypatch.setattr(env.time, "sleep", lambda _: first.close())  # the first one ends while the second waits
    with env.locked(tmp_path / "lock"):
        assert "waiting" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="another way of locking, tried by hand")
def test_a_child_keeps_the_lock_when_its_parent_is_killed(kit):
    script = "import sys; print('started', flush=True); sys.stdin.read()"
    with env.locked(kit.root / "lock") as lock:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        child = subprocess.Popen([sys.executable, "-c", script], pass_fds=(lock.fileno(),), **pipes)
        child.stdout.readline()
    with (kit.root / "lock").open("a+") as second:
        assert not env._grab(second)
        child.communicate()
        assert env._grab(second)
