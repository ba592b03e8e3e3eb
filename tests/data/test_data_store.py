"""What is written in TFDS's format comes back the same: pictures, sounds, texts and tables."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from bmkit import data
from bmkit.data import store

ROWS = {"train": 3, "validation": 2, "test": 2}
KINDS = {
    "pictures": lambda n: np.linspace(-1, 1, n * 4, dtype=np.float32).reshape(n, 2, 2, 1),
    "sounds": lambda n: np.arange(-n * 5, n * 5, 2, dtype=np.int16).reshape(n, 5),
    "texts": lambda n: np.array([f"Grüße {row} 你好" for row in range(n)], object),
    "tables": lambda n: {
        "age": np.arange(n, dtype=np.float32),
        "job": np.array([f"number {row}" for row in range(n)], object),
    },
}


def tiny(kind, ordered=True):
    description = SimpleNamespace(rows=ROWS)
    entry = SimpleNamespace(name="tiny", description=description, recipe=SimpleNamespace(ordered=ordered))
    return entry, {split: (KINDS[kind](rows), np.arange(rows)) for split, rows in ROWS.items()}


def plain(stored):
    """Return what TFDS gives for one value as it was put in."""
    return stored.decode() if isinstance(stored, bytes) else stored


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_rows_comes_back_as_it_was_written(kind, ordered, tmp_path):
    entry, splits = tiny(kind, ordered)
    opened = store.open_stored(store.store(entry, splits, tmp_path))
    assert list(opened) == list(ROWS)
    for split, (x, y) in splits.items():
        rows = list(opened[split].as_numpy_iterator())
        assert sorted(row["y"] for row in rows) == y.tolist()
        assert not ordered or [row["y"] for row in rows] == y.tolist()
        columns = x if isinstance(x, dict) else {"": x}
        for row in rows:
            values = row["x"] if isinstance(x, dict) else {"": row["x"]}
            assert values.keys() == columns.keys()
            for name, column in columns.items():
                now, before = plain(values[name]), column[row["y"]]
                np.testing.assert_array_equal(now, before)
                assert np.asarray(now).dtype == np.asarray(before).dtype
    assert ('"encoding": "bytes"' in next(tmp_path.rglob("features.json")).read_text()) == (kind == "sounds")


def test_bars_prints_and_log_lines_are_off_meanwhile_and_back_afterwards(tmp_path, monkeypatch, capfd):
    from tensorflow_datasets.core.utils import tqdm_utils

    logger, seen = logging.getLogger("absl"), []
    monkeypatch.setattr(logger, "level", logging.INFO)

    class Watched(dict):
        def __getitem__(self, split):
            seen.append((tqdm_utils._active, logger.level))
            return super().__getitem__(split)

    entry, splits = tiny("pictures")
    store.open_stored(store.store(entry, Watched(splits), tmp_path))
    assert seen[-1] == (False, logging.ERROR) and (tqdm_utils._active, logger.level) == (True, logging.INFO)
    assert capfd.readouterr() == ("", "")


def test_rows_that_the_manifest_does_not_expect_are_refused(tmp_path):
    entry, splits = tiny("pictures")
    splits["test"] = splits["train"]
    with pytest.raises(data.DataError, match=r"came out with rows .*'test': 3.* expects .*'test': 2.*Mend `rows`"):
        store.store(entry, splits, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_tfds_cannot_store_is_told_in_one_line(tmp_path):
    entry, splits = tiny("pictures")
    splits["test"] = (np.zeros((2, 9, 9, 1), np.float32), np.arange(2))
    with pytest.raises(data.DataError, match=r"^tiny could not be stored \(\w+: .*\); report it to the project\.$"):
        store.store(entry, splits, tmp_path)
