"""The environment beside the package: every way in which it can be missing, half-made or in the way."""

import os
import subprocess
import sys

import pytest

from bmkit import environment as env

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A kit whose .venv is finished, as far as `fault` can see; the processes it starts are only noted."""
    (tmp_path / "requirements.txt").write_text("pip==26.3  # transport\nnumpy==2.4.6\n-e .\n")
    made = env.Environment(tmp_path)
    made.python.parent.mkdir(parents=True)
    made.python.write_text("")
    monkeypatch.setattr(env.Environment, "version", lambda self: HERE)
    made.stamp.write_text(made.mark(HERE))
    return made


@pytest.fixture
def calls(monkeypatch):
    noted = []
    monkeypatch.setattr(env.Environment, "_call", lambda self, command, *, lock: noted.append(command[3:]))
    monkeypatch.setattr(env.Environment, "_pip_starts", lambda self: True)
    return noted


def test_missing_names_each_absent_or_other_version(tmp_path):
    lines = f"pip=={env.metadata.version('pip')}  # why\nnumpy==0.0.1\nno-such-thing==1.0\n-e .\n\n# only a comment\n"
    (tmp_path / "r.txt").write_text(lines + "another==1 ; sys_platform == 'none'\n")
    assert env.missing(tmp_path / "r.txt") == ["numpy 0.0.1", "no-such-thing 1.0"]


def test_a_finished_environment_has_no_fault(kit):
    assert kit.fault() is None


def _no_stamp(kit, _):
    kit.stamp.unlink()


def _empty_stamp(kit, _):
    kit.stamp.write_text("")


def _new_requirements(kit, _):
    kit.requirements.write_text("numpy==3.0\n")


def _no_folder(kit, _):
    kit.folder.rename(kit.folder.with_name("elsewhere"))


def _broken_python(kit, monkeypatch):
    monkeypatch.setattr(env.Environment, "version", lambda self: "")


def _unsupported_python(kit, monkeypatch):
    monkeypatch.setattr(env.Environment, "version", lambda self: "3.10")


def _other_python(kit, _):
    kit.stamp.write_text(kit.mark("3.11" if HERE != "3.11" else "3.12"))


def _moved(kit, _):
    (kit.folder / "pyvenv.cfg").write_text("home = /x\ncommand = /x/python -m venv --clear /some where/else/.venv\n")


@pytest.mark.parametrize(
    ("harm", "action", "why"),
    [
        (_no_stamp, "repair", "did not end"),
        (_empty_stamp, "repair", "did not end"),
        (_new_requirements, "repair", "requirements.txt"),
        (_no_folder, "create", "none yet"),
        (_broken_python, "create", "not start"),
        (_unsupported_python, "create", "3.10"),
        (_other_python, "create", "another Python"),
        (_moved, "create", "moved"),
    ],
)
def test_each_harm_is_noticed(kit, monkeypatch, harm, action, why):
    harm(kit, monkeypatch)
    found = kit.fault()
    assert found[0] == action and why in found[1]


def test_an_environment_made_here_counts_as_not_moved(kit):
    (kit.folder / "pyvenv.cfg").write_text(f"command = /x/python3 -m venv --clear {kit.folder}\n")
    assert kit.fault() is None


def test_version_of_a_python_that_does_not_start_is_empty(tmp_path):
    made = env.Environment(tmp_path)
    assert made.version() == ""
    made.python.parent.mkdir(parents=True)
    made.python.write_text("not a program")
    made.python.chmod(0o755)
    assert made.version() == ""


def test_create_says_its_steps_and_stamps_last(kit, calls, capsys):
    kit.stamp.unlink()
    kit.make("create", "there is none yet", lock=None)
    assert [call[0] for call in calls] == ["venv", "pip", "pip"] or calls[0][:2] == ["venv", "--clear"]
    assert calls[1][-1] == "pip==26.3" and calls[2][-2:] == ["-r", "requirements.txt"]
    told = capsys.readouterr().err
    assert "GB to download" in told and "1/3" in told and "3/3" in told and "ready" in told
    assert kit.fault() is None


def test_repair_keeps_what_is_whole_and_drops_halves(kit, calls):
    packages = kit.folder / "lib" / "python3.11" / "site-packages"
    for name, whole in (("whole-1.dist-info", True), ("half-2.dist-info", False)):
        (packages / name).mkdir(parents=True)
        (packages / name / "METADATA").write_text("")
        if whole:
            (packages / name / "INSTALLER").write_text("pip")
    kit.make("repair", "an earlier set-up did not end", lock=None)
    assert [path.name for path in packages.iterdir()] == ["whole-1.dist-info"]
    assert [call[0] for call in calls] == ["pip", "pip"]


def test_repair_without_a_working_pip_starts_anew(kit, calls, monkeypatch):
    monkeypatch.setattr(env.Environment, "_pip_starts", lambda self: False)
    kit.make("repair", "an earlier set-up did not end", lock=None)
    assert calls[0][0] == "venv"


@pytest.mark.skipif(os.name == "nt", reason="the lock is not inherited there")
def test_a_failed_step_leaves_no_stamp(kit, monkeypatch):
    def fails(self, command, *, lock):
        raise env.Trouble("no network")

    monkeypatch.setattr(env.Environment, "_call", fails)
    with pytest.raises(env.Trouble):
        kit.make("create", "there is none yet", lock=None)
    assert kit.fault()[0] == "repair"


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
