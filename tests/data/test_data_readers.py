"""Readers and the restricted unpickler, on tiny hand-made files."""

import gzip
import io
import lzma
import os
import pickle
import subprocess
import zipfile

import numpy as np
import pytest

from bmkit import data
from bmkit.data import draw, manifest, parcels, readers, unpack
from bmkit.data.readers import faces, half_hours, labelled_csv, ratings
from bmkit.data.unpickle import read_array, read_frame


class Runs:
    """An object whose pickle runs a function when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("function", "argument", "refused"),
    [
        (os.system, "touch {marker}", "system"),
        (eval, "open({marker!r}, 'w')", "builtins.eval"),
        (subprocess.check_call, ["touch", "{marker}"], "subprocess.check_call"),
        (np.load, "{marker}", "numpy.*load"),
        (getattr, "x", "builtins.getattr"),
    ],
)
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, monkeypatch, function, argument, refused):
    marker = tmp_path / "marker"
    parts = [argument] if isinstance(argument, str) else argument
    filled = [part.format(marker=str(marker)) for part in parts]
    evil = pickle.dumps(Runs(function, filled[0] if isinstance(argument, str) else filled))
    description = manifest.entry("insteval").description
    with pytest.raises(data.DataError, match=rf"asks for .*{refused}, which data and weights do not need"):
        ratings.read({"evil.pkl": lzma.compress(evil)}, description)
    with pytest.raises(data.DataError, match=rf"asks for .*{refused}, which data and weights do not need"):
        read_array(evil)
    assert not marker.exists()


@pytest.mark.parametrize("damaged", [b"", b"\x80\x05", pickle.dumps([1, 2]), pickle.dumps({"_mgr": None})])
def test_a_damaged_pickle_is_a_clear_error(damaged):
    with pytest.raises(data.DataError, match="does not hold a table of numbers and text"):
        read_frame(damaged)
    with pytest.raises(data.DataError, match="does not hold an array of numbers"):
        read_array(damaged)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_pickled_array_of_numbers_is_read(order):
    array = np.asarray(np.arange(12, dtype=np.uint8).reshape(3, 4), order=order)
    np.testing.assert_array_equal(read_array(pickle.dumps(array, protocol=4)), array)


def test_compressed_data_is_bounded_and_complete(monkeypatch):
    digits = manifest.entry("mnist_5k").description
    packed = gzip.compress(b"0,1\n" * 1000)
    with pytest.raises(data.DataError, match="cut short"):
        labelled_csv.read({"a": packed[:-9]}, digits)
    with pytest.raises(data.DataError, match="followed by 3 bytes; expected its end"):
        labelled_csv.read({"a": packed + b"abc"}, digits)
    with pytest.raises(data.DataError, match="followed by 9 bytes"):
        ratings.read({"a": lzma.compress(b"") + b"something"}, digits)
    monkeypatch.setattr(unpack, "LARGEST", 100)
    with pytest.raises(data.DataError, match="unpacks to more than 100 bytes"):
        labelled_csv.read({"a": packed}, digits)


@pytest.mark.parametrize("damage", [lambda b: b"hello", lambda b: b[:30] + bytes(20) + b[50:], lambda b: b[:-1] + b"?"])
def test_damaged_compressed_data_is_one_clear_error(damage):
    digits = manifest.entry("mnist_5k").description
    content = np.random.default_rng(0).bytes(1000)
    with pytest.raises(data.DataError, match=r"compressed data is damaged .*data verify"):
        ratings.read({"a": damage(lzma.compress(content))}, digits)
    with pytest.raises(data.DataError, match=r"compressed data is damaged|cut short"):
        labelled_csv.read({"a": damage(gzip.compress(content))}, digits)


def test_a_stream_that_asks_for_much_memory_is_refused(monkeypatch):
    packed = lzma.compress(b"a", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**23}])
    monkeypatch.setattr(unpack, "LARGEST", 2**22)  # a stream says itself how much memory it takes to unpack
    with pytest.raises(data.DataError, match=r"compressed data is damaged \(Memory usage limit exceeded"):
        ratings.read({"a": packed}, manifest.entry("mnist_5k").description)


def test_members_are_bounded_by_their_unpacked_size(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"0" * 1000)
    monkeypatch.setattr(parcels, "LARGEST", 999)
    with pytest.raises(data.DataError, match="would unpack to more than 999 bytes"):
        parcels.read_members(tmp_path / "bomb.whl", ("a",))


@pytest.mark.parametrize("name", ["../evil.csv", "a/../../evil.csv", "/evil.csv", "C:\\evil.csv", "a\\..\\..\\evil"])
def test_an_archive_whose_members_climb_out_is_not_read(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "hostile.whl", "w") as archive:
        archive.writestr("a/good.csv", "1")
        archive.writestr(name, "2")
    with pytest.raises(data.DataError, match="climbs out of its folder; it was not read"):
        parcels.read_members(tmp_path / "hostile.whl", ("a/good.csv",))


def test_only_listed_members_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as archive:
        for name in ("faces/s1/1.pgm", "faces/s2/1.pgm", "faces/s1/deep/1.pgm", "other/s1/1.pgm", "faces/s1/1.jpg"):
            archive.writestr(name, name)
    found = parcels.read_members(tmp_path / "some.whl", ("faces/s*/*.pgm",))
    assert list(found) == ["faces/s1/1.pgm", "faces/s2/1.pgm"]
    with pytest.raises(data.DataError, match=r"has no member 'faces/s3/1\.pgm'"):
        parcels.read_members(tmp_path / "some.whl", ("faces/s3/1.pgm",))


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b.replace(b"rows", b"RowS", 1)]
)
def test_a_truncated_or_altered_archive_is_a_clear_error(tmp_path, damage):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "rows, and more rows\n" * 50)
    (tmp_path / "cut.whl").write_bytes(damage(file.getvalue()))
    with pytest.raises(data.DataError, match="is not a sound archive"):
        parcels.read_members(tmp_path / "cut.whl", ("a.csv",))


def test_converted_line_ends_in_a_picture_are_undone():
    shape = (8, 6, 1)
    picture = np.arange(48, dtype=np.uint8).reshape(shape) // 6 * 2  # smooth downwards, holds some 10
    plain = b"P5\n6 8\n255\n" + picture.tobytes()
    assert picture.tobytes().count(b"\n") == 6
    np.testing.assert_array_equal(faces.pixels("a", plain, shape), picture)
    np.testing.assert_array_equal(faces.pixels("a", plain.replace(b"\n", b"\r\n"), shape), picture)


def test_a_picture_that_really_held_both_line_end_bytes_is_undone():
    shape = (8, 6, 1)
    picture = np.tile(np.array([10, 60, 13, 10, 200, 90], np.uint8), (8, 1))[..., np.newaxis]
    picture[:7, 2] = 14  # only the last row holds 13 10
    converted = b"P5\n6 8\n255\n".replace(b"\n", b"\r\n")
    body = picture.tobytes().replace(b"\r\n", b"??").replace(b"\n", b"\r\n").replace(b"??", b"\r\n")
    np.testing.assert_array_equal(faces.pixels("a", converted + body, shape), picture)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"P2\n2 1\n255\n12", "expected a grey PGM"),
        (b"P5\n1 2\n255\n12", "expected a grey PGM"),
        (b"P5\n2 1\n255\n1", "holds 1 pixels; expected 2"),
        (b"P5\n2 1\n255\n123", "holds 3 pixels; expected 2"),
    ],
)
def test_a_wrong_picture_is_a_clear_error(content, message):
    with pytest.raises(data.DataError, match=message):
        faces.pixels("a.pgm", content, (1, 2, 1))


def test_a_split_gives_every_class_its_share_and_no_row_twice():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    parts = draw.stratified(labels, [80, 48, 32])
    assert [np.bincount(labels[rows]).tolist() for rows in parts] == [[50, 25, 5], [30, 15, 3], [20, 10, 2]]
    assert sorted(np.concatenate(parts)) == list(range(160))
    with pytest.raises(data.DataError, match="wants 161 rows, but there are 160"):
        draw.stratified(labels, [161])


def test_rows_that_the_entry_does_not_count_are_told_with_a_proposal():
    told = r"^digits has 344 rows, but its entry adds up to 1,797; write for example rows = \{ train = 208, "
    with pytest.raises(data.DataError, match=told + r"validation = 68, test = 68 \} into data/sets/digits\.toml\.$"):
        draw.stratified_splits(np.zeros(344), np.zeros(344, int), data.describe("digits"))


def test_groups_are_never_divided_and_equal_rows_share_a_number():
    numbers = draw.group_numbers(np.array([1.5, np.nan, 1.5, np.nan]), np.array(["a", "b", "a", "b"], dtype=object))
    assert numbers.tolist() == [0, 1, 0, 1]
    groups = np.repeat(np.arange(50), np.arange(50) % 4 + 1)
    labels = groups % 2
    parts = draw.grouped(groups, labels)
    assert sorted(np.concatenate(parts)) == list(range(len(groups)))
    kinds = [set(groups[rows]) for rows in parts]
    assert [len(kind) for kind in kinds] == [30, 10, 10] and len(set().union(*kinds)) == 50


def test_a_series_out_of_order_is_refused(monkeypatch):
    frame = {"rownames": np.array([1, 3, 2]), "x": np.array([5, 6, 7])}
    monkeypatch.setattr(half_hours, "frames", lambda _: [frame])
    with pytest.raises(data.DataError, match="electricity_demand is not in the order of time; expected rows numbered"):
        half_hours.read({}, data.describe("electricity_demand"))


def test_a_reader_is_found_by_its_name_and_one_without_its_function_is_told(monkeypatch):
    assert all(readers.reader(name).__module__ == f"bmkit.data.readers.{name}" for name in readers.names())
    assert {manifest.entry(name).recipe.reader for name in data.names()} - {""} == set(readers.names()), "one is unused"
    with pytest.raises(data.DataError, match=r"^there is no reader 'ratinks'; there are: announcements, .*, words\.$"):
        readers.reader("ratinks")
    monkeypatch.delattr(ratings, "read")
    with pytest.raises(data.DataError, match=r"^bmkit/data/readers/ratings\.py has no function read"):
        readers.reader("ratings")
