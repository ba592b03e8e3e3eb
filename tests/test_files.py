"""Files are written whole or not at all; only folders that the kit made are emptied."""

import os
from pathlib import Path

import pytest

from bmkit import files


@pytest.mark.parametrize("content", ["für\n", b"\x00\xff"])
def test_a_file_is_written_or_replaced_whole(tmp_path, content):
    path = tmp_path / "note"
    for _ in range(2):
        files.write(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert os.listdir(tmp_path) == ["note"]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "note"
    path.mkdir()
    with pytest.raises(OSError):
        files.write(path, "new")  # a folder cannot be replaced by a file
    assert os.listdir(tmp_path) == ["note"]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "thesis").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "thesis")
    files.write(tmp_path / "link", "new")
    assert (tmp_path / "thesis").read_text() == "mine" and not (tmp_path / "link").is_symlink()


def test_a_marked_folder_goes_and_what_its_links_point_to_stays(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis").write_text("mine")
    own = files.mark(tmp_path / "deep" / "own", "a test")
    (own / "sub").mkdir()
    (own / "sub" / "a").write_text("a")
    (own / "folder").symlink_to(mine)
    (own / "sub" / "file").symlink_to(mine / "thesis")
    files.remove(files.mark(own, "again"))
    assert not own.exists() and (mine / "thesis").read_text() == "mine"
    files.remove(own)  # what does not exist needs no deleting


def test_a_folder_without_marker_is_neither_marked_nor_deleted(tmp_path):
    (tmp_path / "thesis").write_text("mine")
    with pytest.raises(files.NotOurs, match=r"holds files that are not the kit's"):
        files.mark(tmp_path, "a test")
    with pytest.raises(files.NotOurs, match=r"was not made by the kit"):
        files.remove(tmp_path)
    assert os.listdir(tmp_path) == ["thesis"]


@pytest.mark.parametrize("place", ["", ".", "..", "~", "/"])
def test_the_working_folder_the_home_and_the_root_are_refused_even_with_a_marker(tmp_path, monkeypatch, place):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / files.MARKER).write_text("planted")
    for change in (files.remove, lambda folder: files.mark(folder, "a test")):
        with pytest.raises(files.NotOurs, match="name a folder of its own"):
            change(Path(place).expanduser())
    assert os.listdir(tmp_path) == [files.MARKER]


def test_a_link_to_a_folder_is_refused(tmp_path):
    own = files.mark(tmp_path / "own", "a test")
    (tmp_path / "link").symlink_to(own)
    for change in (files.remove, lambda folder: files.mark(folder, "a test")):
        with pytest.raises(files.NotOurs, match="is a link"):
            change(tmp_path / "link")
    assert (own / files.MARKER).exists()
