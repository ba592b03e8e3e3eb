"""The whole start in real processes: a small copy of the kit, a real environment, tiny packages, no network."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bmkit import files
from bmkit.course import environment

ROOT = Path(files.__file__).resolve().parent.parent
WHEEL = "tiny-{}-py3-none-any.whl"
PARTS = (
    *("__init__", "__main__", "console", "errors", "files", "surroundings"),
    *("course/__init__", "course/environment", "course/packages", "course/troubles"),
)
CLI = "import tiny\n\n\ndef main(words):\n    print('started', tiny.VERSION, *words)\n    return 0\n"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="environments are made by copying one there, which its programs forbid"),
]


def _wheel(folder: Path, version: str) -> None:
    """Write the smallest package that pip installs."""
    notes = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(folder / WHEEL.format(version), "w") as wheel:
        wheel.writestr("tiny.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{notes}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        wheel.writestr(f"{notes}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{notes}/RECORD", f"tiny.py,,\n{notes}/METADATA,,\n{notes}/WHEEL,,\n{notes}/RECORD,,\n")


class Kit:
    """A copy of the kit's start in a folder of its own."""

    def __init__(self, root: Path, shop: Path):
        self.root, self.shop = root, shop
        self.venv, self.requirements, self.lock = root / ".venv", root / "requirements.txt", root / "requirements.lock"

    def ask_for(self, version: str, comment: str = "", sha256: str = "") -> None:
        """Pin the tiny package; its hash, unless another is given, is the true one."""
        sha256 = sha256 or hashlib.sha256((self.shop / WHEEL.format(version)).read_bytes()).hexdigest()
        self.requirements.write_text(f"tiny=={version}{comment}\n", "utf-8")
        self.lock.write_text(f"tiny=={version} \\\n    --hash=sha256:{sha256}\n", "utf-8")

    def variables(self) -> dict[str, str]:
        """The variables of a shell in which nobody has set anything for Python, pip or the kit."""
        return {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "BMKIT"))}

    def start(self, *words: str, online: bool = True, python: str = sys.executable, **more: str):
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.shop)} if online else {}
        offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
        surroundings = {**self.variables(), **(pip or offline), "PYTHONIOENCODING": "utf-8", **more}
        command = [python, "-m", "bmkit", *words]
        return subprocess.run(
            command, cwd=self.root, env=surroundings, capture_output=True, encoding="utf-8", timeout=600
        )

    def copy(self, root: Path, ignore=None) -> "Kit":
        shutil.copytree(self.root, root, symlinks=True, ignore=ignore)
        return Kit(root, self.shop)

    def library(self) -> Path:
        return next(self.venv.glob("lib/python3*/site-packages"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make one real environment through the real start."""
    top = tmp_path_factory.mktemp("start")
    shop = top / "shop"
    shop.mkdir()
    for version in ("1.0", "2.0"):
        _wheel(shop, version)
    kit = Kit(top / "the kit 你好 ü", shop)
    (kit.root / "bmkit" / "course").mkdir(parents=True)
    for part in PARTS:
        shutil.copy(ROOT / "bmkit" / f"{part}.py", kit.root / "bmkit" / f"{part}.py")
    (kit.root / "bmkit" / "course" / "cli.py").write_text(CLI, "utf-8")
    (kit.root / "notebooks").mkdir()
    (kit.root / "notebooks" / "chapters.toml").write_text("", "utf-8")
    kit.ask_for("1.0", "  # all that this kit needs")
    done = kit.start("list")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("started 1.0 list") and "3/3" in done.stderr
    return kit


@pytest.fixture
def kit(made, tmp_path):
    """Give each test a copy: an environment works wherever its folder goes."""
    return made.copy(tmp_path / "kit")


def _quiet(done, version="1.0"):
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"started {version}")


def test_a_moved_or_copied_folder_starts_at_once(kit):
    _quiet(kit.start(online=False))


def test_its_own_program_and_a_kernel_elsewhere_find_the_kit(kit, tmp_path):
    told = {"capture_output": True, "encoding": "utf-8", "cwd": tmp_path, "env": kit.variables()}
    _quiet(subprocess.run([kit.venv / "bin" / "bmkit", "list"], **told))
    command = [kit.venv / "bin" / "python", "-c", "import bmkit; print(bmkit.__file__)"]
    found = subprocess.run(command, **told).stdout
    assert Path(found.strip()) == kit.root / "bmkit" / "__init__.py"


def test_offline_a_changed_comment_is_nothing_and_an_outdated_environment_starts_with_a_warning(kit):
    kit.ask_for("1.0", "  # other words\n\n# x\n")
    _quiet(kit.start(online=False))
    kit.ask_for("2.0")
    done = kit.start("list", online=False)
    assert done.stdout.startswith("started 1.0 list") and done.returncode == 0
    told = done.stderr.splitlines()[-1]
    assert "tiny 2.0 is missing: the package index cannot be reached" in told and "runs with what is installed" in told
    kit.ask_for("1.0")  # undone: nothing was taken down
    _quiet(kit.start(online=False))
    kit.ask_for("2.0")
    done = kit.start("list")
    assert done.stdout.startswith("started 2.0 list") and "ready" in done.stderr
    _quiet(kit.start(online=False), "2.0")


def test_a_file_other_than_the_locked_one_is_not_installed(kit):
    kit.ask_for("2.0", sha256="0" * 64)
    done = kit.start("list")
    assert done.stdout.startswith("started 1.0 list") and done.returncode == 0
    assert "another file for tiny than the one the kit was tested with" in done.stderr.splitlines()[-1]


def test_a_lost_stamp_is_written_again_without_a_network(kit):
    (kit.venv / "bmkit-ready.txt").unlink()
    done = kit.start(online=False)
    assert done.returncode == 0 and "did not end" in done.stderr and "ready" in done.stderr
    _quiet(kit.start(online=False))


def test_a_half_installed_package_is_installed_again_and_from_inside_too(kit):
    (kit.library() / "tiny.py").unlink()
    (kit.library() / "tiny-1.0.dist-info" / "INSTALLER").unlink()
    done = kit.start("list", python=str(kit.venv / "bin" / "python"))
    assert done.stdout.startswith("started 1.0 list") and done.stderr.count("repairing") == 1


def test_a_pip_killed_while_it_replaced_itself_comes_back(kit):
    shutil.rmtree(kit.library() / "pip" / "_internal")
    notes = next(kit.library().glob("pip-*.dist-info"))
    (notes / "INSTALLER").unlink()
    kit.ask_for("2.0")
    done = kit.start()
    assert done.stdout.startswith("started 2.0"), done.stderr
    assert "making" not in done.stderr  # repaired, not made anew


def test_a_package_on_the_search_path_is_left_out_and_named(kit, tmp_path):
    ros = tmp_path / "ros"
    (ros / "tiny-9.0.dist-info").mkdir(parents=True)
    (ros / "tiny.py").write_text("VERSION = 'foreign'\n", "utf-8")
    harmless = tmp_path / "harmless"
    (harmless / "mine").mkdir(parents=True)
    path = os.pathsep.join(map(str, (ros, harmless, tmp_path / "missing")))
    for python in (sys.executable, str(kit.venv / "bin" / "python")):
        done = kit.start("list", python=python, online=False, PYTHONPATH=path)
        assert done.stdout.startswith("started 1.0 list"), done.stderr
        assert done.stderr.count("\n") == 1 and f"PYTHONPATH names {ros}, whose tiny would hide" in done.stderr
    _quiet(kit.start(online=False, PYTHONPATH=str(harmless)))


def test_what_pip_puts_elsewhere_is_told_and_not_tried_for_ever(kit, tmp_path):
    shutil.rmtree(kit.library() / "tiny-1.0.dist-info")
    (kit.library() / "tiny.py").unlink()
    done = kit.start("list", PIP_TARGET=str(tmp_path / "elsewhere"))
    assert done.returncode == 1
    assert "tiny 1.0 is missing after the set-up" in done.stderr and "pip config list" in done.stderr


@pytest.mark.parametrize("what", ["files", "link", "dangling link", "file", "environment of another program"])
def test_what_the_kit_did_not_make_is_never_emptied(made, tmp_path, what):
    kit = made.copy(tmp_path / "kit", shutil.ignore_patterns(".venv"))
    theirs = kit.venv if what in ("files", "environment of another program") else tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("years", "utf-8")
    if what == "environment of another program":  # whose Python does not start, which would be reason to make it anew
        (theirs / "pyvenv.cfg").write_text("home = /nowhere\n", "utf-8")
    elif what == "file":
        kit.venv.write_text("mine", "utf-8")
    elif what != "files":
        kit.venv.symlink_to(theirs if what == "link" else tmp_path / "nowhere")
    done = kit.start("list")
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "nothing in it was touched" in done.stderr
    assert (theirs / "thesis.txt").read_text("utf-8") == "years"
    assert what != "file" or kit.venv.read_text("utf-8") == "mine"


def test_killed_while_it_was_emptied_it_is_made_anew_at_the_next_start(kit):
    assert environment.Environment(kit.root).fault() is None
    for name in ("bin/python", "pyvenv.cfg", "bmkit-ready.txt"):
        (kit.venv / name).unlink()
        assert environment.Environment(kit.root).fault()[0] == "create"
    done = kit.start("list")
    assert done.stdout.startswith("started 1.0 list") and "making" in done.stderr, done.stderr


def test_a_working_environment_behind_a_link_is_used(kit, tmp_path):
    kit.venv.rename(tmp_path / "large disk")
    kit.venv.symlink_to(tmp_path / "large disk")
    _quiet(kit.start(online=False))


def test_a_path_with_a_colon_is_refused_in_words(kit, tmp_path):
    strange = kit.root.rename(tmp_path / "a:b")
    done = Kit(strange, kit.shop).start("list")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "contains ':'" in done.stderr


def test_the_start_speaks_a_narrow_encoding(kit):
    kit.ask_for("2.0")
    done = kit.start("list", online=False, PYTHONIOENCODING="ascii")
    assert done.stdout.startswith("started 1.0 list") and "does not answer; pip tries again ...\n" in done.stderr
