"""A prepared set is what the manifest says, file by file; a record does not vouch for itself."""

import dataclasses
import json
import os
import time

import pytest

from bmkit.data import manifest, record

DIGITS = manifest.entry("digits")


@pytest.fixture
def folder(tmp_path):
    """A prepared set, as far as its record can tell."""
    folder = tmp_path / "digits" / "edition"
    folder.mkdir(parents=True)
    for name in ("dataset_info.json", "features.json", "digits-train.tfrecord-00000-of-00001"):
        (folder / name).write_text(f"content of {name}")
    record.write_record(folder, DIGITS)
    return folder


def problem(folder):
    return record.problem_of_set(folder, DIGITS).replace(f"{folder.as_posix()}/", "").replace(str(folder) + os.sep, "")


def test_a_sound_set_is_sound_whatever_a_file_browser_left(folder):
    assert problem(folder) == ""
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).write_text("a view")
    assert problem(folder) == "" and record.is_own(folder, "digits")


def test_the_record_says_which_set_it_is(folder):
    noted = json.loads((folder / "bmkit.json").read_text())
    assert (noted["name"], noted["digest"], noted["rows"]) == ("digits", DIGITS.digest, DIGITS.description.rows)
    assert noted["files"]["features.json"][0] == 24 and len(noted["files"]["features.json"][1]) == 64


@pytest.mark.parametrize(
    "other",
    [{"name": "mnist_5k"}, {"digest": "0" * 64}, {"rows": {"train": 1}}, {"rows": None}, {"name": None}],
)
def test_the_record_of_another_set_is_refused(folder, other):
    noted = json.loads((folder / "bmkit.json").read_text())
    (folder / "bmkit.json").write_text(json.dumps(noted | other))
    assert problem(folder) == f"{folder} holds another set or another edition of it"


def test_the_same_folder_serves_no_other_edition(folder):
    other = dataclasses.replace(DIGITS, digest="1" * 64)
    assert record.problem_of_set(folder, other) == f"{folder} holds another set or another edition of it"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"files": {}}', "KeyError"),
        ("[]", "TypeError"),
        ("1", "TypeError"),
        ("", "JSONDecodeError"),
        ("\0\xff", "Error"),
        ("[" * 100_000, "RecursionError"),
        ('{"name": 1, "digest": 1, "rows": 1, "files": 1}', "TypeError"),
        ('{"name": 1, "digest": 1, "rows": 1, "files": [1]}', "TypeError"),
        ('{"name": 1, "digest": 1, "rows": ' + "1" * 5000 + ', "files": {}}', "ValueError"),
        (" " * (2**20 + 1), "it has more than 1,048,576 bytes"),
    ],
)
def test_a_damaged_record_is_a_damage_never_an_error(folder, content, told):
    (folder / "bmkit.json").write_bytes(content.encode("latin-1"))
    assert problem(folder).startswith("its record bmkit.json cannot be used: ") and told in problem(folder)


def test_an_empty_list_of_files_is_refused(folder):
    for path in folder.iterdir():
        path.unlink()
    record.write_record(folder, DIGITS)
    assert problem(folder) == f"{folder} holds no files"


def test_a_missing_record_and_a_missing_folder_are_told(folder, tmp_path):
    (folder / "bmkit.json").unlink()
    assert problem(folder) == "its record bmkit.json cannot be used: it is missing"
    assert record.problem_of_set(tmp_path / "no", DIGITS).endswith("cannot be used: it is missing")
    (tmp_path / "file").write_text("no folder")
    assert "cannot be used: it is" in record.problem_of_set(tmp_path / "file", DIGITS)


def test_the_longest_record_is_still_read(folder):
    noted = (folder / "bmkit.json").read_text()
    (folder / "bmkit.json").write_text(noted + " " * (2**20 - len(noted)))
    assert problem(folder) == ""


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda file: file.write_text("content of feature5.json"), "features.json is not what was stored"),
        (lambda file: file.write_text("longer than it was, surely"), "features.json is not what was stored"),
        (lambda file: file.unlink(), "features.json is missing"),
        (lambda file: file.with_name("more.json").write_text("{}"), "more.json is not in the record"),
        (lambda file: file.with_name("sub").mkdir(), "sub is not in the record"),
        (lambda file: (file.unlink(), file.mkdir()), "features.json is not what was stored"),
    ],
)
def test_the_files_are_exactly_those_of_the_record(folder, damage, told):
    damage(folder / "features.json")
    assert problem(folder) == told


@pytest.mark.parametrize("noted", [None, [], ["24"], [24], [24, "0"], {"24": 1}, "24", [24, None, 1]])
def test_a_strange_note_of_a_file_is_a_damage(folder, noted):
    whole = json.loads((folder / "bmkit.json").read_text())
    whole["files"]["features.json"] = noted
    (folder / "bmkit.json").write_text(json.dumps(whole))
    assert problem(folder) == "features.json is not what was stored"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices that have names")
@pytest.mark.parametrize("name", ["bmkit.json", "features.json"])
@pytest.mark.parametrize("put", [os.mkfifo if hasattr(os, "mkfifo") else None, lambda p: os.symlink("/dev/zero", p)])
def test_pipes_and_devices_are_never_opened(folder, name, put):
    (folder / name).unlink()
    put(folder / name)
    told = "its record bmkit.json cannot be used: it is not a file"
    assert problem(folder) == (told if name == "bmkit.json" else "features.json is not what was stored")


def test_a_set_that_cannot_be_read_is_not_taken_for_a_damaged_one(folder):
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("root reads everything")
    folder.chmod(0)
    with pytest.raises(PermissionError):
        problem(folder)
    folder.chmod(0o700)


def test_only_a_folder_with_nothing_foreign_in_it_is_the_kits_own(folder, tmp_path):
    assert record.is_own(folder, "digits") and not record.is_own(folder, "mnist_5k")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    assert not record.is_own(tmp_path / "link", "digits")
    assert not record.is_own(folder / "features.json", "digits") and not record.is_own(tmp_path / "no", "digits")
    (folder / "thesis.txt").write_text("mine")
    assert not record.is_own(folder, "digits")
    (folder / "thesis.txt").unlink()
    (folder / "bmkit.json").unlink()
    assert not record.is_own(folder, "digits")


def test_older_editions_are_those_of_yesterday_that_are_wholly_the_kits(folder):
    ages = {"hours": 23, "days": 25, "mine": 25, "others": 25}
    for name, age in ages.items():
        other = folder.with_name(name)
        other.mkdir()
        (other / "bmkit.json").write_text("{}")
        os.utime(other / "bmkit.json", (time.time() - 3600 * age,) * 2)
    (folder.with_name("mine") / "note.txt").write_text("mine")
    (folder.with_name("others") / "mnist_5k-train.tfrecord-00000-of-00001").write_text("")
    os.utime(folder / "bmkit.json", (0, 0))
    assert record.old_editions(folder, "digits") == [folder.with_name("days")]
