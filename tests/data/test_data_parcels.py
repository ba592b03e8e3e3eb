"""A parcel in the cache is the one of the manifest or is not used; an archive is read within bounds, or refused."""

import bz2
import contextlib
import dataclasses
import hashlib
import io
import os
import pathlib
import random
import struct
import sys
import zipfile

import pytest
from rich.progress import DownloadColumn, TransferSpeedColumn

from bmkit import data
from bmkit.data import parcels
from bmkit.data.entries import Parcel

CONTENT = b"the wheel"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TINY = Parcel(name="tiny", version="1.0", file="tiny-1.0-py3-none-any.whl", sha256=SHA256, bytes=9, licence="CC0")


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """The place of the parcel in an empty cache, and a transfer that brings it."""
    monkeypatch.setenv("BMKIT_CACHE", str(tmp_path))
    brought = []

    def download(parcel, folder, progress):
        brought.append(parcel.name)
        progress(5, 9)
        (folder / parcel.file).write_bytes(CONTENT)

    monkeypatch.setattr(parcels, "download", download)
    monkeypatch.setattr(parcels, "brought", brought, raising=False)
    return tmp_path / "parcels" / TINY.file


def test_a_parcel_is_fetched_once_and_its_size_and_licence_said(cached, capsys):
    assert parcels.fetch_parcel(TINY) == cached and cached.read_bytes() == CONTENT
    told = "fetching tiny 1.0 (0.0 MB), once; later uses need no network\nlicence of tiny: CC0\n"
    assert capsys.readouterr().err == told
    assert parcels.fetch_parcel(TINY) == cached and parcels.brought == ["tiny"]
    assert capsys.readouterr().err == ""
    assert list((cached.parents[1] / "tmp").iterdir()) == []


def test_a_copy_that_cannot_be_read_is_named(cached, monkeypatch):
    def broken(path, parcel):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(parcels, "problem_of", broken)
    with pytest.raises(data.DataError, match=f"while reading {cached}"):
        parcels.fetch_parcel(TINY)


def test_progress_is_reported_to_the_caller(cached):
    seen = []
    parcels.fetch_parcel(TINY, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(5, 9)]


def test_a_person_sees_a_bar(cached, monkeypatch):
    shown = []

    class Bar(contextlib.nullcontext):
        get_default_columns = staticmethod(tuple)

        def __init__(self, *columns, console, transient):
            super().__init__(self)
            assert {type(column) for column in columns} == {DownloadColumn, TransferSpeedColumn}
            assert console.stderr and transient, "nothing of it stays, and what is piped on holds none of it"

        def add_task(self, name, total):
            shown.append((name, total))

        def update(self, task, completed):
            shown.append(completed)

    monkeypatch.setattr("rich.progress.Progress", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    parcels.fetch_parcel(TINY)
    assert shown == [(TINY.name, 9), 5]
    cached.unlink()
    parcels.fetch_parcel(TINY, progress=lambda done, total: shown.append("the caller's"))
    assert shown == [(TINY.name, 9), 5, "the caller's"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"the wheez", "its SHA-256 is"),
        (b"the whee", "it has 8 bytes, expected 9"),
        (b"", "it has 0 bytes, expected 9"),
    ],
)
def test_a_damaged_parcel_is_told_and_fetched_again(cached, capsys, content, told):
    cached.parent.mkdir()
    cached.write_bytes(content)
    assert parcels.problem_of(cached, TINY).startswith(told)
    assert parcels.fetch_parcel(TINY).read_bytes() == CONTENT
    assert f"{TINY.file} in the cache is damaged: {told}" in (err := capsys.readouterr().err)
    assert "; fetching it again\n" in err


def test_the_hashes_are_told():
    other = dataclasses.replace(TINY, sha256="0" * 64, bytes=os.path.getsize(__file__))
    here = pathlib.Path(__file__)
    told = f"its SHA-256 is {hashlib.sha256(here.read_bytes()).hexdigest()}, expected {'0' * 64}"
    assert parcels.problem_of(here, other) == told


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices that have names")
@pytest.mark.parametrize(
    "put",
    [
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("/no/such/file"),
        lambda path: path.mkdir(),
        lambda path: (path.mkdir(), (path / "thesis.txt").write_text("mine")),
    ],
)
def test_whatever_lies_in_a_parcels_place_is_never_opened_nor_deleted(cached, capsys, put):
    cached.parent.mkdir()
    put(cached)
    assert parcels.problem_of(cached, TINY) == "it is not a file"
    folder = cached.is_dir()
    assert parcels.fetch_parcel(TINY) == cached and cached.read_bytes() == CONTENT and not cached.is_symlink()
    assert "in the cache is damaged: it is not a file; fetching it again" in capsys.readouterr().err
    assert [path.name for path in cached.parent.iterdir() if path != cached] == [f"{TINY.file}.aside-1"] * folder


@pytest.mark.parametrize("received", [b"another", b"the wheez"])
def test_another_file_is_refused_and_thrown_away(cached, monkeypatch, received):
    def download(parcel, folder, _):
        (folder / parcel.file).write_bytes(received)

    monkeypatch.setattr(parcels, "download", download)
    with pytest.raises(
        data.DataError, match=r"^the file received for tiny 1\.0 is not the expected one: it.*; it was thr"
    ):
        parcels.fetch_parcel(TINY)
    assert [path for path in cached.parents[1].rglob("*") if path.is_file()] == []


def test_a_missing_file_is_no_success(cached, monkeypatch):
    monkeypatch.setattr(parcels, "download", lambda *_: None)
    with pytest.raises(data.DataError, match=r"is not the expected one: it is missing; it was thrown away\. Try again"):
        parcels.fetch_parcel(TINY)


def renaming(monkeypatch, place, instead):
    """Let renaming to one place do something else."""
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: instead() if os.fspath(b) == str(place) else replace(a, b))


def test_a_place_that_keeps_its_wrong_wheel_is_never_served(cached, monkeypatch):
    cached.parent.mkdir()
    cached.write_bytes(b"the wheez")

    def locked():
        raise PermissionError(13, "Permission denied")  # what Windows says of a file that is open elsewhere

    renaming(monkeypatch, cached, locked)
    with pytest.raises(data.DataError, match=r"cannot be used while fetching tiny-1.*\(PermissionError: .*BMKIT_CACHE"):
        parcels.fetch_parcel(TINY)
    assert cached.read_bytes() == b"the wheez"


def test_a_rename_that_only_seems_to_succeed_is_noticed(cached, monkeypatch):
    cached.parent.mkdir()
    cached.write_bytes(b"the wheez")
    renaming(monkeypatch, cached, lambda: None)
    with pytest.raises(
        data.DataError, match=r"is not what was put there a moment ago: its SHA-256 is .*; try again\.$"
    ):
        parcels.fetch_parcel(TINY)


@pytest.mark.parametrize("file", ["", "../p", "a/b", "C:p", "a\\b", "-r", ".p", "..", "/p"])
def test_a_file_name_that_is_none_is_refused(cached, file):
    with pytest.raises(
        data.DataError, match=r"^the parcel file .* is not a plain file name; mend data/parcels/.*\.toml\.$"
    ):
        parcels.fetch_parcel(dataclasses.replace(TINY, file=file))
    assert parcels.brought == []


def test_a_parcel_without_a_wheel_for_this_computer_says_for_which(cached):
    wheels = {"linux-riscv": {}, "plan9-mips": {}}
    told = r"^tiny 1\.0 has no wheel for this computer \(.*\); it has some for linux-riscv, plan9-mips\. Prepare"
    with pytest.raises(data.DataError, match=told):
        parcels.fetch_parcel(dataclasses.replace(TINY, file="", wheels=wheels))
    assert parcels.fetch_parcel(dataclasses.replace(TINY, wheels=wheels)) == cached


def archive(folder, members, **options):
    path = folder / "a.whl"
    with zipfile.ZipFile(path, "w", **options) as made:
        for name, content in members:
            made.writestr(name, content)
    return path


def test_listed_members_are_read_sorted_and_nothing_else(tmp_path):
    members = [("a/two.txt", "2"), ("a/one.txt", "1"), ("a/b/one.txt", "no"), ("b/one.txt", "no"), ("a/one.csv", "no")]
    path = archive(tmp_path, members, compression=zipfile.ZIP_DEFLATED)
    assert list(parcels.read_members(path, ("a/*.txt",)).items()) == [("a/one.txt", b"1"), ("a/two.txt", b"2")]
    assert parcels.read_members(path, ("a/one.csv", "*/*/one.txt")) == {"a/one.csv": b"no", "a/b/one.txt": b"no"}
    with pytest.raises(data.DataError, match=r"^a\.whl has no member 'A/one\.txt'; mend the list of members"):
        parcels.read_members(path, ("a/two.txt", "A/one.txt"))


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:evil", "a\\..\\..\\evil", "\\\\host\\evil"])
def test_names_that_climb_are_refused(tmp_path, name):
    with pytest.raises(
        data.DataError, match=r"^a\.whl holds .*evil', which climbs out of its folder; it was not read\.$"
    ):
        parcels.read_members(archive(tmp_path, [("a.txt", "1"), (name, "evil")]), ("a.txt",))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_there_twice_is_refused(tmp_path):
    path = archive(tmp_path, [("a.txt", "1"), ("b.txt", "1"), ("b.txt", "2")])
    with pytest.raises(data.DataError, match=r"^a\.whl holds 'b\.txt' twice; it was not read\.$"):
        parcels.read_members(path, ("b.txt",))
    assert parcels.read_members(path, ("a.txt",)) == {"a.txt": b"1"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_wheels_are_not_packed_with_is_refused(tmp_path, method):
    path = archive(tmp_path, [("a.txt", "1" * 100)], compression=method)
    with pytest.raises(
        data.DataError, match=r"^a\.whl holds 'a\.txt' packed in a way that wheels are not; it was not re"
    ):
        parcels.read_members(path, ("a.txt",))


def test_the_limit_counts_what_comes_out_of_all_members(tmp_path, monkeypatch):
    path = archive(tmp_path, [("a.txt", "1" * 60), ("b.txt", "2" * 40)], compression=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(parcels, "LARGEST", 100)
    assert len(parcels.read_members(path, ("*.txt",))) == 2
    monkeypatch.setattr(parcels, "LARGEST", 99)
    with pytest.raises(data.DataError, match=r"^a\.whl would unpack to more than 99 bytes; it was not read\.$"):
        parcels.read_members(path, ("*.txt",))
    assert parcels.read_members(path, ("a.txt",)) == {"a.txt": b"1" * 60}


def test_a_header_that_lies_about_its_size_is_bounded(tmp_path, monkeypatch):
    """80 MB behind headers that promise 10 bytes; what comes out at a time is bounded by a piece."""
    path = archive(tmp_path, [("a.txt", bytes(80 * 2**20))], compression=zipfile.ZIP_DEFLATED)
    packed = path.read_bytes().replace(struct.pack("<L", 80 * 2**20), struct.pack("<L", 10))
    path.write_bytes(packed)
    monkeypatch.setattr(parcels, "LARGEST", 2**20)
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(
        data.DataError, match=r"^a\.whl is not a sound archive \(Bad CRC-32 for file 'a\.txt'\); delete "
    ):
        parcels.read_members(path, ("a.txt",))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_damaged_archives_end_in_the_one_error(tmp_path):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("a/one.txt", "1" * 300)
        whole.writestr("a/two.txt", os.urandom(200))
    drawn, path, told = random.Random(0), tmp_path / "a.whl", 0
    for _ in range(400):
        content = bytearray(made.getvalue())
        for _ in range(drawn.choice((1, 1, 2, 8))):
            content[drawn.randrange(len(content))] = drawn.randrange(256)
        path.write_bytes(content[: drawn.choice((len(content), len(content), drawn.randrange(len(content))))])
        try:
            parcels.read_members(path, ("a/one.txt", "a/two.txt"))
        except data.DataError:
            told += 1
    assert told > 100


@pytest.mark.parametrize("content", [b"", b"no archive", bz2.compress(b"a.txt")])
def test_no_archive_says_what_to_do(tmp_path, content):
    (tmp_path / "a.whl").write_bytes(content)
    told = rf"^a\.whl is not a sound archive \(File is not a zip file\); delete {tmp_path}.* and fetch it again\.$"
    with pytest.raises(data.DataError, match=told):
        parcels.read_members(tmp_path / "a.whl", ("a.txt",))
