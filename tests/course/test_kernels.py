"""Kernels start in one way: outside the user's settings, with this clone's package, whatever lies in the folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hostile
import nbformat
import pytest

from bmkit.course import kernels

ROOT = Path(kernels.__file__).resolve().parents[2]
CHAPTER = """\
# %% [markdown]
# # 00 · Tiny
#
# **After this you can** nothing
#
# **Time** 1 min to read, 1 min to teach, 1 s to run
#
# **Before** nothing
#
# **Data** none

# %%
import bmkit
print("bmkit at", bmkit.__file__)
"""
LOOK = """
import json, sys
import matplotlib, my_code, numpy, keras
from bmkit import backend
import importlib.util
told = {
    "keras": [keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format()],
    "text": matplotlib.rcParams["text.color"],
    "numpy": numpy.__version__ is not None,
    "pandas": importlib.util.find_spec("pandas") is not None,
    "mine": my_code.answer,
    "behind": sys.path[-2:],
}
json.dumps(told)
"""


@pytest.fixture
def careless(tmp_path, monkeypatch):
    """A user's settings for other projects."""
    hostile.home(tmp_path / "home")
    foreign = tmp_path / "ros"
    foreign.mkdir()
    (foreign / "numpy.py").write_text("raise SystemError('a foreign numpy')\n")
    hostile.enter(monkeypatch, tmp_path / "home", PYTHONPATH=str(foreign))
    return tmp_path


def test_the_environment_holds_nothing_that_configures_others(careless):
    inside = kernels.environment()
    assert not {"JUPYTER_TOKEN", "JUPYTER_PATH", "JUPYTER_PORT", "KERAS_MAX_EPOCHS", "MPLBACKEND"} & set(inside)
    assert inside["KERAS_BACKEND"] == "tensorflow" and inside["PYTHONPATH"] == str(ROOT)
    assert inside[kernels.BEHIND] == str(careless / "ros")
    places = [inside[name] for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "KERAS_HOME", "MPLCONFIGDIR")]
    assert all(Path(place).is_relative_to(kernels.home()) for place in places)


def test_a_child_of_a_child_has_the_same_environment(careless, monkeypatch):
    first = kernels.environment(quiet=True)
    with kernels.entered(quiet=True):
        assert kernels.environment(quiet=True) == first
    assert os.environ["JUPYTER_TOKEN"] == "known-to-everybody" and "JUPYTER_NO_CONFIG" not in os.environ


def test_the_kits_own_folders_are_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BMKIT_CACHE", "relative")
    monkeypatch.setenv("BMKIT_NOTEBOOKS", "mine")
    inside = kernels.environment()
    assert (inside["BMKIT_CACHE"], inside["BMKIT_NOTEBOOKS"]) == (str(tmp_path / "relative"), str(tmp_path / "mine"))


def execute(folder, *cells):
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with kernels.entered(quiet=True):
        client = NotebookClient(
            notebook, timeout=120, kernel_name=kernels.NAME, resources={"metadata": {"path": folder}}
        )
        client.execute()
    return [cell.outputs for cell in notebook.cells]


@pytest.mark.slow
def test_a_kernel_sees_neither_the_users_settings_nor_namesakes_of_libraries(careless):
    desk = careless / "desk"
    (desk / "pandas").mkdir(parents=True)
    for name in ("keras.py", "numpy.py", "tensorflow.py"):
        (desk / name).write_text("raise SystemError('not the library')\n")
    (desk / "my_code.py").write_text("answer = 42\n")
    first, second = execute(str(desk), LOOK, "1")
    told = json.loads(first[-1]["data"]["text/plain"].strip("'"))
    assert told["keras"] == ["tensorflow", "float32", "channels_last"] and told["text"] == "black"
    assert told["numpy"] and not told["pandas"] and told["mine"] == 42
    assert told["behind"] == [str(careless / "ros"), ""]
    (said,) = [output["text"] for output in first if output["output_type"] == "stream"]
    assert said == (
        "bmkit: keras, numpy, pandas, tensorflow in this folder bear names of libraries and cannot be imported; "
        "rename them to use them.\n"
    )
    assert [output["output_type"] for output in second] == ["execute_result"], "said once"


@pytest.fixture
def clone(tmp_path):
    """Another checkout of the kit, with one tiny chapter."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "bmkit", folder / "bmkit", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks" / "source").mkdir(parents=True)
    plan = '[[parts]]\ntitle = "Part"\nchapters = [{ number = "00", slug = "tiny", title = "Tiny", before = [] }]\n'
    (folder / "notebooks" / "chapters.toml").write_text(plan, "utf-8")
    (folder / "notebooks" / "source" / "00_tiny.py").write_text(CHAPTER, "utf-8")
    return folder


def run(clone, out, **variables):
    """Run the tiny chapter with the command line of that clone, and return the page."""
    surroundings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    surroundings.pop("PYTHONPATH", None)
    command = [sys.executable, "-m", "bmkit.course.cli", "run", "00", "--out", str(out)]
    done = subprocess.run(command, cwd=clone, env=surroundings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return (out / "00_tiny.html").read_text("utf-8")


@pytest.mark.slow
def test_each_of_two_clones_runs_its_own_package(clone, tmp_path):
    assert f"bmkit at {clone / 'bmkit' / '__init__.py'}" in run(clone, tmp_path / "out")
    assert (clone / ".jupyter" / "data" / "kernels" / kernels.NAME / "kernel.json").is_file()


@pytest.fixture
def read_only():
    """Makes a folder read-only, really: for root, too."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount")
    mounted = []

    def freeze(folder):
        if subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
            pytest.skip("this container may not mount")
        mounted.append(folder)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)

    yield freeze
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_a_read_only_clone_and_home_are_served_from_a_temporary_folder(clone, tmp_path, read_only):
    home, temporary = hostile.home(tmp_path / "home"), tmp_path / "temporary"
    temporary.mkdir()
    for folder in (clone, home):
        read_only(folder)
    page = run(clone, tmp_path / "out", HOME=str(home), TMPDIR=str(temporary))
    assert f"bmkit at {clone}" in page
    assert not list(temporary.glob("bmkit-*")), "removed at the end"


def test_another_persons_folder_is_not_used(tmp_path, monkeypatch):
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only root may give folders away")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "clone" / ".jupyter").mkdir(parents=True)
    os.chown(tmp_path / "clone" / ".jupyter", 12345, 12345)
    assert not kernels._home(tmp_path / "clone").is_relative_to(tmp_path / "clone")


def test_where_nothing_can_be_written_one_sentence_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(kernels.KernelError, match="Jupyter needs a folder that can be written"):
        kernels._home(tmp_path / "file")
