"""How a set gets into its place and stays the one of the manifest; without TensorFlow, which only stores the rows."""

import importlib
import json
import os
import shutil

import numpy as np
import pytest
from shop import TINY, WEIGHTS

from bmkit import data
from bmkit.data import manifest
from bmkit.data.readers import labelled_csv

pytest_plugins = ["shop"]
fetching = importlib.import_module("bmkit.data.fetch")  # the name `bmkit.data.fetch` is the function
PREPARING = "preparing tiny (40 rows), once\n"


@pytest.fixture
def stocked(shop, monkeypatch):
    """A shop whose parcel is in the cache, and a store that writes files as TFDS names them."""
    shop.stock()
    shop.made = []

    def store(data_set, splits, folder):
        made = folder / "tiny" / "1.0.0"
        made.mkdir(parents=True)
        for name in ("dataset_info.json", "features.json"):
            (made / name).write_text("{}")
        for split, (x, y) in splits.items():
            (made / f"tiny-{split}.tfrecord-00000-of-00001").write_text(f"{np.ravel(x).tolist()} {y.tolist()}")
        shop.made.append(data_set.digest)
        return made

    monkeypatch.setattr(fetching, "store", store)
    monkeypatch.setattr(fetching, "open_stored", lambda folder: folder)
    shop.place = fetching.prepared_folder(manifest.entry("tiny"))
    return shop


def sound(shop):
    assert data.verify(["tiny"]) == [] and list((shop.cache / "tmp").iterdir()) == []
    return sorted(path.name for path in shop.place.parent.iterdir())


def test_a_set_is_prepared_once_and_then_only_opened(stocked, capsys):
    tiny = manifest.entry("tiny")
    assert fetching.open_splits(tiny) == stocked.place == stocked.cache / "sets" / "tiny" / tiny.digest[:16]
    assert capsys.readouterr().err == PREPARING
    assert fetching.open_splits(tiny) == stocked.place and stocked.made == [tiny.digest]
    assert capsys.readouterr().err == "" and sound(stocked) == [tiny.digest[:16]]
    noted = json.loads((stocked.place / "bmkit.json").read_text())
    assert noted["digest"] == tiny.digest and len(noted["files"]) == 5


def test_progress_goes_to_the_transfer(stocked, monkeypatch):
    got = []
    monkeypatch.setattr(fetching, "fetch_parcel", lambda parcel, progress: got.append(progress) or stocked.parcel())
    data.fetch(["tiny"], progress=print)
    assert got == [print]


@pytest.mark.parametrize("damage", ["another set", "another edition", "no files", "a file more", "a wrong file"])
def test_a_damaged_set_is_told_and_made_again(stocked, capsys, damage):
    data.fetch(["tiny"])
    record = stocked.place / "bmkit.json"
    noted = json.loads(record.read_text())
    if damage == "another set":
        record.write_text(json.dumps(noted | {"name": "digits"}))
    elif damage == "another edition":
        record.write_text(json.dumps(noted | {"digest": "0" * 64}))
    elif damage == "no files":
        record.write_text('{"files": {}}')
    elif damage == "a file more":
        (stocked.place / "tiny-train.tfrecord-00001-of-00002").write_text("more")
    else:
        (stocked.place / "features.json").write_text("[]")
    (problem,) = data.verify(["tiny"])
    assert problem.startswith("tiny: ") and problem.endswith("; run `python3 -m bmkit data fetch tiny`.")
    capsys.readouterr()
    data.fetch(["tiny"])
    told = problem.removeprefix("tiny: ").rpartition("; run ")[0]
    assert capsys.readouterr().err == f"the prepared set tiny is damaged ({told}); preparing it again\n{PREPARING}"
    assert sound(stocked) == [stocked.place.name] and len(stocked.made) == 2


@pytest.mark.parametrize("foreign", ["file", "folder", "folder within", "empty folder"])
def test_what_lies_in_a_sets_place_but_is_not_the_kits_is_kept_beside(stocked, capsys, foreign):
    stocked.place.parent.mkdir(parents=True)
    if foreign == "file":
        stocked.place.write_text("mine")
    elif foreign == "folder within":
        data.fetch(["tiny"])
        (stocked.place / "mine").mkdir()
    else:
        stocked.place.mkdir()
        if foreign == "folder":
            (stocked.place / "thesis.txt").write_text("mine")
    data.fetch(["tiny"])
    assert sound(stocked) == [stocked.place.name, f"{stocked.place.name}.aside-1"]
    aside = stocked.place.with_name(f"{stocked.place.name}.aside-1")
    assert {"file": aside.is_file(), "folder": (aside / "thesis.txt").exists()}.get(foreign, True)
    assert "was not made by the kit; it is now" in capsys.readouterr().err


def test_a_link_in_a_sets_place_is_not_followed(stocked, tmp_path):
    data.fetch(["tiny"])
    elsewhere = tmp_path / "elsewhere"
    shutil.move(stocked.place, elsewhere)
    (elsewhere / "features.json").write_text("spoilt")
    stocked.place.symlink_to(elsewhere, target_is_directory=True)
    data.fetch(["tiny"])
    assert (elsewhere / "features.json").read_text() == "spoilt" and not stocked.place.is_symlink()
    assert sound(stocked) == [stocked.place.name, f"{stocked.place.name}.aside-1"]


def test_another_process_that_mends_the_set_meanwhile_wins(stocked, monkeypatch):
    data.fetch(["tiny"])
    (stocked.place / "features.json").write_text("[]")
    store = fetching.store

    def slow(*arguments):
        monkeypatch.setattr(fetching, "store", store)
        data.fetch(["tiny"])
        os.utime(stocked.place / "features.json", (1, 1))
        return store(*arguments)

    monkeypatch.setattr(fetching, "store", slow)
    data.fetch(["tiny"])
    assert (stocked.place / "features.json").stat().st_mtime == 1 and sound(stocked) == [stocked.place.name]


def test_another_process_that_moves_the_damaged_set_away_does_no_harm(stocked, monkeypatch):
    data.fetch(["tiny"])
    (stocked.place / "features.json").write_text("[]")

    def first(place, name):
        shutil.rmtree(place)
        return True

    monkeypatch.setattr(fetching, "is_own", first)
    data.fetch(["tiny"])
    assert sound(stocked) == [stocked.place.name]


def test_a_set_that_is_not_what_was_put_there_is_never_served(stocked, monkeypatch):
    monkeypatch.setattr(fetching, "write_record", lambda folder, data_set: (folder / "bmkit.json").write_text("{}"))
    with pytest.raises(data.DataError, match=r"is not what was put there a moment ago: its record .* cannot be used"):
        data.fetch(["tiny"])


def test_old_editions_go_once_the_new_one_stands(stocked):
    data.fetch(["tiny"])
    for name, foreign in (("old", False), ("mine", True)):
        shutil.copytree(stocked.place, stocked.place.with_name(name))
        os.utime(stocked.place.with_name(name) / "bmkit.json", (0, 0))
        if foreign:
            (stocked.place.with_name(name) / "thesis.txt").write_text("mine")
    data.fetch(["tiny"])
    assert sound(stocked) == sorted([stocked.place.name, "mine", "old"]), "nothing was made, nothing goes"
    shutil.rmtree(stocked.place)
    data.fetch(["tiny"])
    assert sound(stocked) == sorted([stocked.place.name, "mine"])


def test_a_changed_recipe_needs_no_new_download(stocked, monkeypatch, capsys):
    data.fetch(["tiny"])
    monkeypatch.setenv("PIP_FIND_LINKS", str(stocked.folder / "nowhere"))
    stocked.change('"labelled_csv"', '"labelled_csv", version = 2')
    capsys.readouterr()
    data.fetch(["tiny"])
    assert capsys.readouterr().err == PREPARING and len(set(stocked.made)) == 2
    assert fetching.prepared_folder(manifest.entry("tiny")) != stocked.place


def test_an_unknown_reader_is_named(stocked):
    stocked.change('"labelled_csv"', '"labeled_csv"')
    told = (
        r"sets/tiny\.toml: \[recipe\]: reader is 'labeled_csv', expected one of .*customers, .*, words\. Mend that line"
    )
    with pytest.raises(data.DataError, match=told):
        data.fetch(["tiny"])
    assert stocked.made == []


def test_a_reader_that_fails_leaves_nothing(stocked, monkeypatch):
    monkeypatch.setattr(labelled_csv, "read", lambda members, description: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        data.fetch(["tiny"])
    assert list((stocked.cache / "tmp").iterdir()) == [] and not stocked.place.exists()


def test_a_source_inside_the_installation_needs_no_parcel(stocked, monkeypatch):
    recipe = 'source = "installed", packages = ["numpy==0.0"], reader'
    stocked.change('parcel = "bmkit-tiny", members = ["bmkit_tiny/rows.csv.gz"], reader', recipe)
    read = []
    monkeypatch.setattr(fetching, "read_installed", lambda *arguments: read.append(arguments) or {})
    x, y = np.zeros((40, 2, 2, 1)), np.zeros(40, int)
    splits = {"train": (x[:20], y[:20]), "validation": (x[:10], y[:10]), "test": (x[:10], y[:10])}
    monkeypatch.setattr(labelled_csv, "read", lambda members, description: splits)
    data.fetch(["tiny"])
    assert read == [(("numpy==0.0",), ())] and data.verify(["tiny"]) == []


def test_an_online_set_goes_its_own_way(stocked, monkeypatch):
    recipe = 'source = "tfds", dataset = "tiny", reader'
    stocked.change('parcel = "bmkit-tiny", members = ["bmkit_tiny/rows.csv.gz"], reader', recipe)
    opened = []
    monkeypatch.setattr(fetching, "open_online", opened.append)
    data.fetch()
    assert opened == [] and not data.describe("tiny").core, "its host may be blocked, so it is fetched when named"
    data.fetch("tiny")
    assert [one.name for one in opened] == ["tiny"] and data.verify(["tiny"]) == []


def test_what_is_wrong_with_a_parcel_is_told(stocked):
    (problem,) = data.verify()
    assert problem == "tiny: it is not prepared yet; run `python3 -m bmkit data fetch tiny`."
    data.fetch("tiny")
    stocked.parcel().unlink()
    assert data.verify("tiny") == [], "a set lives on in its prepared form"
    stocked.parcel().write_bytes(b"")
    (problem,) = data.verify("tiny")
    told = f"it has 0 bytes, expected {manifest.entry('tiny').parcel.bytes:,}"
    assert problem == (f"tiny: {stocked.parcel()}: {told}; delete it and run `python3 -m bmkit data fetch tiny`.")


def test_core_sets_and_all_weights_are_what_is_fetched_without_names(stocked, monkeypatch):
    stocked.describe("weights/model", WEIGHTS)
    stocked.describe("sets/more", TINY.replace("parcel = ", 'source = "tfds", dataset = '))
    fetched, opened = [], []
    monkeypatch.setattr(fetching, "fetch_parcel", lambda parcel, progress: fetched.append((parcel.name, progress)))
    monkeypatch.setattr(fetching, "open_splits", lambda one, progress: opened.append((one.name, progress)))
    data.fetch(progress=print)
    assert opened == [("tiny", print)] and fetched == [("bmkit-tiny", print)]
    data.fetch(["model", "more"])
    assert opened[1:] == [("more", None)] and fetched[1:] == [("bmkit-tiny", None)]
    stocked.parcel().unlink()
    assert data.verify("model") == ["model: it is not fetched yet; run `python3 -m bmkit data fetch model`."]
    with pytest.raises(data.DataError, match=r"^there is no data set 'tin'; there are: more, tiny\.$"):
        data.fetch("tin")


def test_a_cache_that_cannot_be_read_is_told(stocked, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    data.fetch("tiny")
    monkeypatch.setattr(fetching, "problem_of_set", denied)
    for call, doing in ((data.verify, str(stocked.cache)), (data.fetch, str(stocked.place))):
        with pytest.raises(data.DataError, match=f"^the cache cannot be used while reading {doing} .PermissionError"):
            call("tiny")


def test_a_cache_that_may_not_be_read_is_not_taken_for_an_empty_one(stocked, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))  # as for another login, below a folder of mode 700

    monkeypatch.setattr("pathlib.Path.lstat", denied)
    with pytest.raises(data.DataError, match=r"^the cache cannot be used while reading .*\(PermissionError: "):
        data.fetch("tiny")
    assert stocked.made == []
