"""A wheel is looked at within bounds, and one that cannot be used is refused in one sentence."""

import gzip
import subprocess
import zipfile

import pytest

from bmkit.course import wheel
from bmkit.data import parcels, unpack
from bmkit.errors import WrongUse


def _wheel(folder, members, about=""):
    with zipfile.ZipFile(folder / "a.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("a-1.dist-info/METADATA", about)
    return folder / "a.whl"


def test_a_wheel_of_code_alone_is_refused(tmp_path):
    path = _wheel(tmp_path, {"a/__init__.py": ""})
    with pytest.raises(wheel.WheelError, match=r"a\.whl holds nothing but code"):
        wheel.looked_at(path, "a", "1")
    path.write_bytes(b"half a wh")
    with pytest.raises(wheel.WheelError, match=r"a\.whl is not a sound wheel \(File is not a zip file\)"):
        wheel.looked_at(path, "a", "1")


def test_a_compressed_table_tells_its_columns(tmp_path):
    members = {"a/big.bin": bytes(9999), "a/x.csv.gz": gzip.compress(b"one,two\n1,2\n")}
    one = wheel.looked_at(_wheel(tmp_path, members, "License: " + "a whole text " * 9), "a", "1")
    assert one.members == ("a/x.csv.gz", "a/big.bin") and one.columns == ("one", "two")
    assert one.licence == "WHICH LICENCE THE PACKAGE HAS"


def test_a_header_may_hold_any_end_of_line(tmp_path):
    path = _wheel(tmp_path, {"a/x.csv": b'one,"t\rwo"\r1,2\r'}, "License: Libert\u00e9\n")
    one = wheel.looked_at(path, "a", "1")
    assert one.columns == ("one", "t\rwo") and one.licence == "Libert\u00e9"


def _small(monkeypatch):
    for module in (parcels, unpack):
        monkeypatch.setattr(module, "LARGEST", 2**20)


@pytest.mark.parametrize(
    ("members", "about"),
    [
        ({"a/x.csv": bytes(2**21)}, ""),
        ({"a/x.csv.gz": gzip.compress(bytes(2**21))}, ""),
        ({"a/x.csv": "1"}, "x" * 2**21),
        ({"a/x.csv.gz": b"no gzip"}, ""),
        ({"a/x.csv": "x" * 200_000}, ""),
        ({"a/x.csv": "1", "../b": ""}, ""),
    ],
    ids=["bomb", "packed bomb", "bomb of metadata", "not packed", "a cell without an end", "climbs"],
)
def test_what_cannot_be_unpacked_is_refused(tmp_path, monkeypatch, members, about):
    _small(monkeypatch)
    with pytest.raises(wheel.WheelError, match=r"^a\.whl is not a sound wheel \(.*; type it again, or name another$"):
        wheel.looked_at(_wheel(tmp_path, members, about), "a", "1")


@pytest.mark.parametrize(("at", "value"), [(8, 1), (10, 99)], ids=["encrypted", "an unknown method"])
def test_a_strange_archive_is_refused(tmp_path, at, value):
    path = _wheel(tmp_path, {"a/x.csv": "one,two"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + at] = value
    content[content.index(b"PK\x03\x04") + at - 2] = value
    path.write_bytes(content)
    with pytest.raises(wheel.WheelError, match=r"^a\.whl is not a sound wheel"):
        wheel.looked_at(path, "a", "1")


@pytest.mark.parametrize(
    "requirement",
    [
        *("flowers", "==1", "-r==1", "flowers>=1", "flowers==1.*", "flowers[all]==1", "flowers ==1", "flowers== 1"),
        *("a/b==1", "flowers @ https://x.example/f.whl#==1", "flowers==1 --pre", "flowers==1\n", "flowers==1/2"),
    ],
)
def test_a_package_without_its_exact_version_is_refused(monkeypatch, requirement):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was asked"))
    with pytest.raises(wheel.WheelError, match=r"names no exact version; type PACKAGE==VERSION, as palmerpenguins"):
        wheel.fetched(requirement)
    assert issubclass(wheel.WheelError, WrongUse)


def test_pip_is_asked_for_a_wheel_that_fits_every_computer(monkeypatch, wheel_of_flowers):
    monkeypatch.undo()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel_of_flowers.parent))
    assert wheel.fetched("flowers==1.2").columns == ("length", "width", "species")
    with pytest.raises(
        wheel.WheelError, match=r"pip finds no wheel of flowers==1\.3 that fits every computer \(ERROR: "
    ):
        wheel.fetched("flowers==1.3")


def test_a_pip_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr(wheel, "LONGEST", 0.01)
    with pytest.raises(wheel.WheelError, match=r"^pip did not bring flowers==1 within 0\.01 seconds; type it again$"):
        wheel.fetched("flowers==1")
