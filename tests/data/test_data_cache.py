"""The cache folder may be anybody's: nothing that the kit did not make is deleted, and every fault is one sentence."""

import errno
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bmkit import data
from bmkit.data import cache
from bmkit.files import MARKER, mark


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder full of a learner's files, long unchanged, that is named as the cache."""
    files = ("thesis.txt", "tmp/thesis.txt", "tmp/tmpabc/draft.txt", "tmp/bmkit-notes/note.txt", "sets/stamps/one.txt")
    for name in (*files, "parcels/letter.txt", "tmp/bmkit-letter.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    (tmp_path / "tmp" / "empty").mkdir()
    (tmp_path / "tmp" / "bmkit-empty").mkdir()
    monkeypatch.setenv("BMKIT_CACHE", str(tmp_path))
    grow_old(tmp_path)
    return tmp_path


def grow_old(folder):
    """Let everything below a folder be a day old."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (time.time() - 86_400,) * 2, follow_symlinks=os.utime not in os.supports_follow_symlinks)


def listed(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_the_sweep_leaves_a_users_own_files_alone(home):
    before = listed(home)
    with cache.work_folder() as folder:
        assert folder.is_dir() and home / "tmp" in folder.parents
    assert listed(home) == before


@pytest.mark.parametrize("named", ["home", "root"])
def test_the_home_folder_and_the_root_may_be_named(home, monkeypatch, named):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    if named == "root":
        if not hasattr(os, "chroot") or os.geteuid():
            pytest.skip("needs to be root, to make a folder the root")
        code = f"import os; from bmkit.data import cache; os.chroot({str(home)!r}); os.chdir('/')\n"
        code += "os.environ['BMKIT_CACHE'] = '/'\nwith cache.work_folder() as folder: print(folder)"
        before = listed(home)
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.startswith("/tmp/bmkit-")
    else:
        monkeypatch.setenv("BMKIT_CACHE", "~")
        before = listed(home)
        with cache.work_folder() as folder:
            assert home in folder.parents
    assert listed(home) == before


def leftover(parent, name="bmkit-killed"):
    """Make a temporary folder as a killed run leaves it."""
    folder = mark(parent / name, "a test") / "work"
    folder.mkdir()
    (folder / "half.whl").write_text("half")
    return folder.parent


def test_what_a_killed_run_left_is_swept_after_an_hour(home):
    old, new = leftover(home / "tmp"), leftover(home / "tmp", "bmkit-running")
    foreign = home / "elsewhere"
    foreign.mkdir()
    (old / "work" / "link").symlink_to(foreign, target_is_directory=True)
    grow_old(old)
    (foreign / "mine.txt").write_text("mine")
    with cache.work_folder():
        assert not old.exists() and new.exists() and (foreign / "mine.txt").exists()


@pytest.mark.parametrize("fresh", ["work", "work/half.whl", MARKER])
def test_a_temporary_folder_in_which_something_changed_lately_stays(home, fresh):
    old = leftover(home / "tmp")
    grow_old(old)
    os.utime(old / fresh)
    with cache.work_folder():
        assert (old / "work" / "half.whl").exists()


def test_the_hour_is_an_hour(home):
    folders = leftover(home / "tmp", "bmkit-59"), leftover(home / "tmp", "bmkit-61")
    for folder, minutes in zip(folders, (59, 61), strict=True):
        for path in [folder, *folder.rglob("*")]:
            os.utime(path, (time.time() - 60 * minutes,) * 2)
    with cache.work_folder():
        assert [folder.exists() for folder in folders] == [True, False]


def test_links_are_not_followed(home, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    old = leftover(elsewhere)
    grow_old(elsewhere)
    (home / "tmp" / "bmkit-link").symlink_to(old, target_is_directory=True)
    with cache.work_folder():
        assert (old / "work" / "half.whl").exists() and (home / "tmp" / "bmkit-link").is_symlink()
    shutil.rmtree(home / "tmp")
    (home / "tmp").symlink_to(elsewhere, target_is_directory=True)
    with cache.work_folder():
        assert (old / "work" / "half.whl").exists()


def test_a_work_folder_goes_with_its_block_even_after_an_error(home):
    before = listed(home)
    with pytest.raises(ZeroDivisionError), cache.work_folder() as folder:
        (folder / "sub").mkdir()
        assert (folder.parent / MARKER).is_file() and folder.parent.name.startswith("bmkit-")
        1 / 0  # noqa: B018
    assert listed(home) == before


def test_a_relative_cache_is_one_and_the_same_everywhere(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    code = (
        "import os, subprocess, sys\n"
        "import bmkit.data\n"
        "os.chdir('other')\n"
        "from bmkit.data.cache import cache_folder\n"
        "print(cache_folder(), flush=True)\n"
        "child = 'from bmkit.data.cache import cache_folder; print(cache_folder())'\n"
        "subprocess.run([sys.executable, '-c', child], check=True)\n"
    )
    root = str(Path(cache.__file__).parents[2])
    given = {"cwd": tmp_path, "env": os.environ | {"BMKIT_CACHE": "rel/cache", "PYTHONPATH": root}}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **given)
    assert run.stdout.split() == [str(Path(os.path.realpath(tmp_path), "rel", "cache"))] * 2


def test_without_the_variable_the_systems_place_is_taken(monkeypatch):
    monkeypatch.delenv("BMKIT_CACHE", raising=False)
    assert cache.cache_folder().name == "bmkit" or cache.cache_folder().parent.name == "bmkit"
    assert "BMKIT_CACHE" not in os.environ
    monkeypatch.setenv("BMKIT_CACHE", "a/../b")
    assert str(cache.cache_folder()) == os.environ["BMKIT_CACHE"] == os.path.abspath("b")


def test_publishing_looks_again(tmp_path):
    def problem_at(place):
        return "" if place.read_text() == "right" else "it is wrong"

    new, place = tmp_path / "new", tmp_path / "shelf" / "place"
    new.write_text("right")
    cache.publish(new, place, problem_at)
    assert place.read_text() == "right" and not new.exists()
    new.write_text("wrong")
    with pytest.raises(
        data.DataError, match=f"^{place} is not what was put there a moment ago: it is wrong; try again.$"
    ):
        cache.publish(new, place, problem_at)


def test_a_rename_that_fails_is_forgiven_only_where_something_sound_lies(tmp_path):
    new, place = tmp_path / "new", tmp_path / "place"
    for folder in (new, place):
        folder.mkdir()
        (folder / "file").write_text("content")  # a folder that is not empty is never replaced
    cache.publish(new, place, lambda place: "")
    assert new.exists()
    with pytest.raises(OSError, match=r"not empty|denied|exists"):
        cache.publish(new, place, lambda place: "it is wrong")


def test_what_is_set_aside_is_kept_under_a_free_name(tmp_path, capsys):
    for number, content in enumerate(("first", "second"), start=1):
        (tmp_path / "place").write_text(content)
        cache.set_aside(tmp_path / "place")
        assert (tmp_path / f"place.aside-{number}").read_text() == content
    assert listed(tmp_path) == ["place.aside-1", "place.aside-2"]
    told = f"{tmp_path / 'place'} was not made by the kit; it is now place.aside-2 in the same folder\n"
    assert capsys.readouterr().err.endswith(told)
    cache.set_aside(tmp_path / "place")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("number", "temporary", "message"),
    [
        (errno.ENOSPC, False, r"the disk is full while doing it \(.*\); free some space CACHE\."),
        (errno.EDQUOT, False, r"the disk is full while doing it \(.*\); free some space CACHE\."),
        (errno.ENOSPC, True, r"the disk is full while doing it \(.*\); free some space TMPDIR\."),
        (
            errno.EROFS,
            False,
            r"the cache cannot be used while doing it \(OSError: .*\); make the folder writable CACHE\. Where it is "
            r"shared and read-only on purpose, its keeper adds what is missing: `python3 -m bmkit data fetch`\.",
        ),
        (
            errno.EACCES,
            True,
            r"the system's folder for temporary files cannot be used while doing it \(PermissionError: .*\); make the "
            r"folder writable TMPDIR\.",
        ),
    ],
)
def test_a_fault_of_the_disk_is_one_sentence(number, temporary, message):
    folder = re.escape(str(cache.cache_folder()))
    for short, long in (("CACHE", rf"BMKIT_CACHE to another folder \(now {folder}\)"), ("TMPDIR", "TMPDIR to another")):
        message = message.replace(short, f"or set the environment variable {long}")
    with pytest.raises(data.DataError, match=f"^{message}$"), cache.storage_errors("doing it", temporary=temporary):
        raise OSError(number, os.strerror(number))


def network_errors():
    import http.client
    import socket
    import ssl
    import urllib.error

    import requests

    yield from (socket.gaierror(-2, "Name or service not known"), ssl.SSLError(1, "handshake"), TimeoutError("late"))
    yield from (ConnectionRefusedError(111, "refused"), ConnectionResetError(104, "reset"), BrokenPipeError(32, "pipe"))
    yield from (urllib.error.URLError("gone"), requests.exceptions.ProxyError("dead"), requests.ConnectTimeout("late"))
    yield from (OSError(number, os.strerror(number)) for number in (errno.ENETUNREACH, errno.EHOSTUNREACH))
    yield http.client.RemoteDisconnected("closed")


@pytest.mark.parametrize("error", network_errors(), ids=repr)
def test_a_fault_of_the_network_is_never_told_as_one_of_the_disk(error):
    with pytest.raises(type(error)), cache.storage_errors("doing it"):
        raise error


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, errno.EISDIR, errno.ENOTDIR, errno.EMFILE])
def test_other_faults_of_the_disk_are_its_own(number):
    assert not cache.of_network(OSError(number, os.strerror(number)))
