"""The learner's copy is never overwritten, and JupyterLab starts local, quiet and offline."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import families
import hostile
import pytest

from bmkit import data
from bmkit.course import kernels, lab
from bmkit.course.chapters import NOTEBOOKS

NAME = "11_cnn_images.ipynb"


@pytest.fixture
def desk(tmp_path):
    """The kit's notebooks and the learner's folder, after the first hand-out of edition one."""
    originals, copies = tmp_path / "notebooks", tmp_path / "my_notebooks"
    originals.mkdir()
    (originals / NAME).write_text("one")
    said = []
    lab.hand_out(originals, copies, said.append)
    assert (copies / NAME).read_text() == "one" and not said

    def again():
        said.clear()
        lab.hand_out(originals, copies, said.append)
        return said

    return SimpleNamespace(original=originals / NAME, copy=copies / NAME, copies=copies, again=again)


def _beside(desk):
    return sorted(path.name for path in desk.copies.glob("*new-edition*"))


def test_untouched_copy_is_renewed(desk):
    desk.original.write_text("two")
    assert desk.again() == []
    assert desk.copy.read_text() == "two" and not _beside(desk)


def test_untouched_copy_of_an_older_edition_is_renewed(desk):
    for edition in ("two", "three"):
        desk.original.write_text(edition)
        desk.again()
    assert desk.copy.read_text() == "three"


def test_edit_without_newer_edition_stays_in_silence(desk):
    desk.copy.write_text("mine")
    assert desk.again() == []
    assert desk.copy.read_text() == "mine" and not _beside(desk)


def test_edit_stays_and_newer_edition_comes_beside_once(desk):
    desk.copy.write_text("mine")
    desk.original.write_text("two")
    said = desk.again()
    (name,) = _beside(desk)
    assert len(said) == 1 and name in said[0] and len(name) == len("11_cnn_images.new-edition-12345678.ipynb")
    assert desk.copy.read_text() == "mine" and (desk.copies / name).read_text() == "two"
    (desk.copies / name).write_text("edited too")
    assert desk.again() == []
    assert (desk.copies / name).read_text() == "edited too"
    (desk.copies / name).unlink()
    assert desk.again() == [] and not _beside(desk)


def test_deleted_copy_comes_back(desk):
    desk.copy.unlink()
    desk.again()
    assert desk.copy.read_text() == "one"


def test_edit_made_equal_to_the_newest_edition_counts_as_untouched(desk):
    desk.copy.write_text("two")
    desk.original.write_text("two")
    assert desk.again() == []
    desk.original.write_text("three")
    assert desk.again() == [] and desk.copy.read_text() == "three"


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "ledger", [None, "", "{", "[]", '{"11_cnn_images.ipynb": 3}', "\x00\xff", DEEP, f'{{"a": {DEEP}']
)
def test_without_a_sound_ledger_every_file_counts_as_edited(desk, ledger):
    path = desk.copies / lab.LEDGER
    path.unlink()
    if ledger is not None:
        path.write_text(ledger, "latin-1")
    desk.original.write_text("two")
    assert len(desk.again()) == 1
    assert desk.copy.read_text() == "one" and len(_beside(desk)) == 1
    assert list(json.loads(path.read_text())) == [NAME]


def test_other_files_of_the_learner_are_left_alone(desk):
    (desk.copies / "notes.txt").write_text("mine")
    desk.again()
    assert {path.name for path in desk.copies.iterdir()} == {NAME, "notes.txt", lab.LEDGER}


def test_a_notebook_nested_too_deep_counts_as_edited(desk):
    desk.copy.write_text(DEEP)
    desk.original.write_text("two")
    assert len(desk.again()) == 1 and desk.copy.read_text() == DEEP and len(_beside(desk)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes and devices among files")
@pytest.mark.parametrize("name", [NAME, lab.LEDGER])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "nowhere"])
def test_what_is_no_file_is_named_and_never_read(desk, name, kind):
    path = desk.copies / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "nowhere": "/nowhere"}[kind])
    if name == NAME:
        (line,) = desk.again()
        assert NAME in line and "not an ordinary file" in line and os.path.lexists(path) and not path.is_file()
    elif kind == "folder":
        with pytest.raises(lab.LabError, match=rf"{lab.LEDGER} \(.*--notebooks FOLDER"):
            desk.again()
    else:
        desk.again()
        assert list(json.loads(path.read_text())) == [NAME]


@pytest.fixture
def full_disk(tmp_path):
    """A real disk of 64 kB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_the_old_copy_and_one_line(desk, full_disk):
    copies = full_disk / "mine"
    lab.hand_out(desk.original.parent, copies, lambda line: None)
    desk.original.write_text("two" * 50_000)
    with pytest.raises(lab.LabError, match=rf"{NAME} \(No space left on device\).*--notebooks FOLDER"):
        lab.hand_out(desk.original.parent, copies, lambda line: None)
    assert (copies / NAME).read_text() == "one" and len(list(copies.iterdir())) == 2


def test_a_presenters_copy_folds_what_only_checks_or_draws_and_is_renewed_as_any_other(tmp_path):
    copies = tmp_path / "my_presentation"
    lab.hand_out(NOTEBOOKS, copies, print, present=True)
    given = json.loads((copies / NAME).read_text("utf-8"))["cells"]
    folded = ["".join(cell["source"]) for cell in given if cell["metadata"].get("jupyter") == {"source_hidden": True}]
    assert folded and any("expect(" in text for text in folded) and any("plot." in text for text in folded)
    assert not any("def " in text for text in folded) and len(folded) < len(given) / 2
    said = []
    lab.hand_out(NOTEBOOKS, copies, said.append)
    assert not said and not list(copies.glob("*new-edition*"))


def test_the_learners_folder_can_be_chosen_but_not_the_kits(monkeypatch, tmp_path):
    monkeypatch.delenv("BMKIT_NOTEBOOKS", raising=False)
    assert lab.folder_of_the_learner() == lab.ROOT / "my_notebooks"
    assert lab.folder_of_the_learner(present=True) == lab.ROOT / "my_presentation"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BMKIT_NOTEBOOKS", "mine")
    assert lab.folder_of_the_learner() == tmp_path / "mine"
    assert lab.folder_of_the_learner(tmp_path / "other") == tmp_path / "other"
    with pytest.raises(lab.LabError, match="the kit's own notebooks"):
        lab.folder_of_the_learner(lab.ROOT / "notebooks")


def test_the_command_is_local_and_asks_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "_is_root", lambda: False)
    command = lab.command(tmp_path)
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in command
    assert f"--LabApp.app_settings_dir={kernels.home() / 'settings'}" in command
    assert f"--ServerApp.root_dir={tmp_path}" in command and "--ServerApp.port=8888" in command
    assert not {"--no-browser", "--allow-root", "--ServerApp.port_retries=0"} & set(command)


def test_port_browser_and_root_are_passed_on(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "_is_root", lambda: True)
    (tmp_path / lab.FIRST).write_text("{}")
    command = lab.command(tmp_path, port=8950, browser=False)
    wanted = {"--ServerApp.port=8950", "--ServerApp.port_retries=0", "--no-browser", "--allow-root"}
    assert wanted | {f"--LabApp.default_url=/lab/tree/{lab.FIRST}"} <= set(command)


def test_a_taken_port_is_one_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(lab.LabError, match=rf"port {port} cannot be used .*--port \d+$"):
            lab.open_lab(port=port)


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Open the lab with a child that only exits with 3."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.delenv("BMKIT_NOTEBOOKS", raising=False)
    monkeypatch.setattr(lab, "ROOT", tmp_path)
    monkeypatch.setattr(lab, "command", lambda *_, **__: [sys.executable, "-c", "raise SystemExit(3)"])
    monkeypatch.setattr(data, "verify", lambda _: ["digits: it is not prepared yet"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)


def test_exit_code_follows_jupyter_and_sizes_are_said(started, monkeypatch):
    said = []
    monkeypatch.setattr(data, "fetch", lambda _: None)
    assert lab.open_lab(report=said.append) == 3
    assert "MB" in said[0] and "Ctrl-C" in " ".join(said)


def test_without_network_lab_opens_all_the_same(started, monkeypatch):
    def fails(_):
        raise data.DataError("no network.")

    said = []
    monkeypatch.setattr(data, "fetch", fails)
    assert lab.open_lab(report=said.append) == 3
    assert any("no network" in line for line in said)


def test_ctrl_c_waits_for_the_child():
    answers = iter([KeyboardInterrupt(), KeyboardInterrupt(), 0])

    def wait():
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    assert lab._wait(SimpleNamespace(wait=wait, terminate=None)) == 0
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_file_with_a_librarys_name_is_told(started, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "fetch", lambda _: None)
    (tmp_path / "my_notebooks").mkdir()
    (tmp_path / "my_notebooks" / "keras.py").write_text("")
    said = []
    lab.open_lab(report=said.append)
    assert (
        "bmkit: keras in this folder bears the name of a library and cannot be imported; rename it to use it." in said
    )


@pytest.fixture
def server(tmp_path):
    """The lab as it starts for a user whose Jupyter is set up carelessly: its process, its port and what it printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    surroundings = hostile.variables(hostile.home(tmp_path / "home"), PYTHONPATH=str(lab.ROOT))
    words = ["--no-browser", "--port", str(port), "--notebooks", str(tmp_path / "mine")]
    log = tmp_path / "lab.log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "bmkit.course.cli", "lab", *words]
        child = subprocess.Popen(command, env=surroundings, stdout=file, stderr=file, cwd=tmp_path)
    try:
        end = time.monotonic() + 120
        while "?token=" not in log.read_text() and time.monotonic() < end and child.poll() is None:
            time.sleep(0.1)
        yield SimpleNamespace(port=port, log=log, folder=tmp_path / "mine")
    finally:
        families.end(child)


def ask(server, path, method="GET", **headers):
    """Ask the server for a page and return its status and text."""
    address = f"http://127.0.0.1:{server.port}{path}"
    request = urllib.request.Request(address, method=method, headers=headers, data=b"{}" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.slow
def test_address_port_token_origin_and_xsrf_are_the_kits(server):
    printed = re.search(r"http://127\.0\.0\.1:(\d+)/lab/tree/00_start_here\.ipynb\?token=(\w+)", server.log.read_text())
    assert printed and int(printed[1]) == server.port, server.log.read_text()
    with socket.socket() as probe, pytest.raises(OSError):
        probe.connect(("127.0.0.1", hostile.PORT))
    bearer = {"Authorization": f"token {printed[2]}"}
    for known in ("", "?token=", "?token=known-to-everybody"):
        assert ask(server, f"/api/contents{known}")[0] == 403
    status, text = ask(server, "/api/contents", **bearer)
    assert status == 200 and "00_start_here.ipynb" in text, "the learner's folder is the root"
    cookies = {"Cookie": "_xsrf=foreign", "Origin": "http://evil.example"}
    for known in ("", "?token=known-to-everybody"):
        assert ask(server, f"/api/kernels{known}", "POST", **cookies)[0] in (403, 404), "no kernel for strangers"
    status, page = ask(server, f"/lab?token={printed[2]}")
    assert status == 200 and "jupyterlab-jupytext" in page[page.index("disabledExtensions") :][:200]
    saved = server.folder / "00_start_here.ipynb"
    before = json.loads(saved.read_text("utf-8"))
    assert before == json.loads(ask(server, "/files/00_start_here.ipynb", **bearer)[1])
    assert ask(server, "/api/terminals", **bearer)[0] == 200
    assert ask(server, "/api/kernelspecs", **bearer)[1].count("bmkit.course.kernels") == 1, "the kit's own kernel"
