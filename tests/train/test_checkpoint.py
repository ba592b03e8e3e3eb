"""A state of a training is whole or absent, whatever happens while it is written; damage is never taken for one."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bmkit import files
from bmkit.train import checkpoint
from bmkit.train.checkpoint import OWN, CheckpointError, Mismatch, opened

ROOT = Path(checkpoint.__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
ARRAYS = {epoch: [np.full((3, 2), epoch, "float32"), np.array(epoch), np.zeros((0, 2))] for epoch in range(1, 6)}


def save(states, *epochs):
    for epoch in epochs:
        states.save(epoch, {"epoch": epoch, "loss": float("nan")}, ARRAYS[epoch])


def newest(states):
    """The epoch of the newest sound state; its arrays must be those that were saved with it."""

    def parse(document, arrays):
        for array, saved in zip(arrays, ARRAYS[document["epoch"]], strict=True):
            assert array.dtype == saved.dtype
            np.testing.assert_array_equal(array, saved)
        return document["epoch"]

    return states.newest(parse)


def filled(folder, *epochs):
    with opened(folder) as states:
        save(states, *epochs)
    return folder / OWN


def names(folder):
    return sorted(path.name for path in folder.glob("epoch-*"))


def test_the_newest_two_states_are_kept_and_the_newest_is_read(tmp_path, capsys):
    own = filled(tmp_path / "run", 1, 2, 3)
    assert names(own) == ["epoch-000002", "epoch-000003"]
    assert sorted(os.listdir(own / "epoch-000003")) == ["arrays.npy", "state.json", "sums.json"]
    with opened(tmp_path / "run") as states:
        assert newest(states) == 3
        save(states, 4)
    assert names(own) == ["epoch-000003", "epoch-000004"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("there_before", [True, False])
def test_what_is_no_longer_needed_goes_and_nothing_else(tmp_path, there_before):
    folder = tmp_path / "run"
    if there_before:
        folder.mkdir()
    with opened(folder) as states:
        save(states, 1)
        states.finished = True
    assert folder.exists() == there_before and tmp_path.exists()
    with opened(folder) as states:
        save(states, 1)
        (folder / "thesis.docx").write_text("years of work")
    with opened(folder) as states:
        states.finished = True
    assert os.listdir(folder) == ["thesis.docx"]


def test_a_folder_without_a_state_does_not_stay(tmp_path):
    with opened(tmp_path / "run") as states:
        assert newest(states) is None
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("folder", ["", "  "])
def test_an_empty_name_is_refused(folder):
    with pytest.raises(ValueError, match="resume is an empty text; name a folder"), opened(folder):
        pass


def test_a_sub_folder_that_the_kit_did_not_make_is_refused(tmp_path):
    (tmp_path / OWN).mkdir()
    (tmp_path / OWN / "thesis.docx").write_text("years of work")
    with pytest.raises(files.NotOurs, match=f"{OWN} holds files that are not the kit's"), opened(tmp_path):
        pass
    assert os.listdir(tmp_path / OWN) == ["thesis.docx"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_removed_never_followed(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.docx").write_text("years of work")
    own = filled(tmp_path / "run", 1, 2)
    for name in ("beside", "epoch-000000", "epoch-000003"):
        (own / name).symlink_to(mine)
    with opened(tmp_path / "run") as states:
        assert newest(states) == 2
        save(states, 3)
    assert names(own) == ["epoch-000002", "epoch-000003"] and not (own / "epoch-000003").is_symlink()
    assert os.listdir(mine) == ["thesis.docx"]


def test_a_file_in_the_folders_place_is_told(tmp_path):
    (tmp_path / "run").write_text("a file")
    told = r"cannot be written in .*run \(.+\), so nothing was trained\."
    with pytest.raises(CheckpointError, match=told), opened(tmp_path / "run"):
        pass


def test_a_second_training_in_the_same_folder_says_so(tmp_path):
    code = "import sys; from bmkit.train.checkpoint import opened\nwith opened(sys.argv[1]): pass"
    with opened(tmp_path / "run") as states:
        save(states, 1)
        told = r"another training is running in .*run; wait until"
        with pytest.raises(CheckpointError, match=told), opened(tmp_path / "run"):
            pass
        second = run(code, tmp_path / "run", check=False)
        assert second.returncode == 1 and "CheckpointError: another training is running in" in second.stderr
        assert newest(states) == 1
    assert run(code, tmp_path / "run").stderr == ""


def run(code, *arguments, check=True):
    # From Python 3.12 on a fork beside the threads of NumPy is warned of; the children here use none of them.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, *map(str, arguments)]
    paths = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    surroundings = {**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=surroundings, timeout=300, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done


DAMAGES = {
    "absent": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "second half zeroed": lambda path: path.write_bytes(half(path) + bytes(path.stat().st_size - len(half(path)))),
    "nested": lambda path: path.write_text("[" * 100_000),
    "a list": lambda path: path.write_text("[]"),
    "no JSON": lambda path: path.write_bytes(b"\xff\xfe\0"),
    "large number": lambda path: path.write_text("9" * 10_000),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
if hasattr(os, "mkfifo"):
    DAMAGES["a pipe"] = lambda path: (path.unlink(), os.mkfifo(path))
    DAMAGES["an endless device"] = lambda path: (path.unlink(), path.symlink_to("/dev/zero"))


def half(path):
    return path.read_bytes()[: path.stat().st_size // 2]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["arrays.npy", "state.json", "sums.json"])
def test_a_damaged_state_is_dropped_and_told(tmp_path, capsys, name, damage):
    own = filled(tmp_path / "run", 1, 2)
    DAMAGES[damage](own / "epoch-000002" / name)
    with opened(tmp_path / "run") as states:
        assert newest(states) == 1
        said = capsys.readouterr().err
        assert said == f"bmkit: damaged and not used in {own}: epoch-000002; the training goes on from epoch-000001.\n"
        save(states, 2)
    with opened(tmp_path / "run") as states:
        assert newest(states) == 2
    assert names(own) == ["epoch-000001", "epoch-000002"] and capsys.readouterr().err == ""


def test_no_flipped_bit_is_taken_for_a_state(tmp_path, capsys):
    own = filled(tmp_path / "run", 1, 2)
    with opened(tmp_path / "run") as states:
        for path in sorted((own / "epoch-000002").iterdir()):
            whole = path.read_bytes()
            for place in range(0, len(whole), 3):
                path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
                assert newest(states) == 1, f"{path.name}, byte {place}"
            path.write_bytes(whole)
        assert newest(states) == 2


def test_a_state_that_cannot_be_used_is_dropped_and_one_of_another_training_is_not(tmp_path, capsys):
    filled(tmp_path / "run", 1, 2)
    with opened(tmp_path / "run") as states:
        assert states.newest(lambda document, arrays: document["later"]) is None
        assert "epoch-000002, epoch-000001; the training begins anew." in capsys.readouterr().err
        with pytest.raises(Mismatch):
            states.newest(lambda document, arrays: (_ for _ in ()).throw(Mismatch("another")))
    assert names(tmp_path / "run" / OWN) == ["epoch-000001", "epoch-000002"]


def test_damaged_states_go_once_there_are_new_ones(tmp_path):
    own = filled(tmp_path / "run", 4, 5)
    for name in names(own):
        (own / name / "sums.json").unlink()
    with opened(tmp_path / "run") as states:
        assert newest(states) is None
        save(states, 1)
    assert names(own) == ["epoch-000001"]


def sign(state):
    """Give a changed state the hashes that belong to it."""
    names = ("arrays.npy", "state.json")
    sums = {name: hashlib.sha256((state / name).read_bytes()).hexdigest() for name in names}
    (state / "sums.json").write_text(json.dumps(sums))


def test_pickled_objects_are_never_read(tmp_path):
    own = filled(tmp_path / "run", 1)
    state = own / "epoch-000001"
    np.save(state / "arrays.npy", np.array([{}], dtype=object), allow_pickle=True)
    sign(state)
    with opened(tmp_path / "run") as states:
        assert newest(states) is None


@contextmanager
def signalled(number, at):
    """Send this process a real signal at the moment `at`: each line of the kit and each call of a library is one."""
    seen = [0]

    def look(frame, event, argument):
        ours = frame.f_code.co_filename.startswith(str(ROOT / "bmkit"))
        if event == "line" or (event == "call" and not ours):
            seen[0] += 1
            if seen[0] == at:
                os.kill(os.getpid(), number)
        return look if ours else None

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield seen
    finally:
        sys.settrace(before)


@pytest.fixture
def quick(tmp_path):
    """A folder in memory where there is one: hundreds of states are forced to the disk."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() else tmp_path) as folder:
        yield Path(folder)


@POSIX
@pytest.mark.slow
def test_ctrl_c_at_any_moment_of_a_save_leaves_a_sound_state(quick, capsys):
    filled(quick, 1, 2)
    at, interrupted = 0, True
    while interrupted:
        at, interrupted = at + 2, False
        with opened(quick) as states:
            assert newest(states) == 2
            try:
                with signalled(signal.SIGINT, at):
                    save(states, 3)
            except KeyboardInterrupt:
                interrupted = True
        after_a_signal(quick, interrupted, at)
    assert at > 100, "moments of the whole save must have been tried"
    assert capsys.readouterr().err == "", "no state was ever damaged, so nothing is said"


@POSIX
def test_ctrl_c_at_any_moment_of_a_start_never_drops_a_state(quick, capsys):
    filled(quick, 1, 2)
    at, interrupted = 0, True
    while interrupted:
        at, interrupted = at + 2, False
        try:
            with signalled(signal.SIGINT, at), opened(quick) as states:
                assert newest(states) == 2
        except KeyboardInterrupt:
            interrupted = True
    assert at > 100 and capsys.readouterr().err == ""


def after_a_signal(folder, stopped, at):
    """Epoch 2 or 3 is sound, and saving goes on; then all is as before for the next try."""
    with opened(folder) as states:
        assert newest(states) in ((2, 3) if stopped else (3,)), f"moment {at}"
        assert set(os.listdir(states.own)) - {"beside"} <= {files.MARKER, "lock", *names(states.own)}
        save(states, 2)
        for name in set(names(states.own)) - {"epoch-000002"}:
            shutil.rmtree(states.own / name)


KILLS = """
import os, signal, sys
from pathlib import Path
import test_checkpoint as here

folder, at, killed = Path(sys.argv[1]), 0, 1
here.filled(folder, 1, 2)
while killed:
    at += 5
    child = os.fork()
    if not child:
        with here.opened(folder) as states:
            here.newest(states)
            with here.signalled(signal.SIGKILL, at):
                here.save(states, 3)
        os._exit(0)
    killed = os.waitpid(child, 0)[1]
    here.after_a_signal(folder, killed, at)
print(at)
"""


@POSIX
@pytest.mark.slow
def test_a_kill_at_any_moment_of_a_save_leaves_a_sound_state_and_no_lock(quick):
    done = run(KILLS, quick)
    assert int(done.stdout) > 100 and done.stderr == "", "no state was ever damaged, so nothing is said"


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        made = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("a small disk can be mounted by root on Linux only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_the_same_call_goes_on_when_there_is_room(small_disk):
    folder, large = small_disk / "run", small_disk / "large"
    told = rf"cannot be written in {folder} \(.+\), so epoch 3 is not saved\. Make room there"
    with opened(folder) as states:
        save(states, 1, 2)
        large.write_bytes(bytes(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize - 8192))
        with pytest.raises(CheckpointError, match=told):
            states.save(3, {}, [np.zeros(100_000)])
        assert not (states.own / "beside").exists(), "what cannot be finished takes no room"
        assert newest(states) == 2
    large.unlink()
    with opened(folder) as states:
        assert newest(states) == 2
        save(states, 3)
        assert newest(states) == 3


def test_a_full_disk_before_the_first_state_is_told(small_disk):
    (small_disk / "large").write_bytes(bytes(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
    told = r"run \(No space left on device\), so nothing was trained"
    with pytest.raises(CheckpointError, match=told), opened(small_disk / "run"):
        pass
