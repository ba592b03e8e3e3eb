"""Sets of text: what each promises beyond the common contract, and its readers on tiny hand-made input."""

import collections
import datetime
import importlib.metadata
import types

import pytest

from bmkit import data
from bmkit.data import manifest, texts
from bmkit.data.installed import read_installed

SPLITS = manifest.SPLITS


@pytest.mark.slow
def test_a_written_date_means_one_day_and_a_day_is_in_one_split():
    days = {}
    kept = {split: data.load("dates").arrays(split) for split in SPLITS}
    for split, (x, y) in kept.items():
        counts = collections.Counter(x["language"])
        assert set(counts) == set(texts.LANGUAGES) and len(set(counts.values())) == 1, split
        for text, iso in zip(x["text"], y, strict=True):
            assert days.setdefault(text, iso) == iso, f"{text} means {iso} and {days[text]}"
            assert 9 <= len(text) <= 35 and datetime.date.fromisoformat(iso).isoformat() == iso
    assert len(set().union(*(y for _, y in kept.values()))) == sum(len(y) for _, y in kept.values())


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_no_two_days_are_written_alike_in_a_language(language):
    first, means = datetime.date(1999, 1, 1), {}
    for number in range(366 * 2):
        day = first + datetime.timedelta(number)
        for text in texts.dates_of(day, language):
            assert means.setdefault(text, day) == day
            assert str(day.year) in text and str(day.day) in text and any(letter.isalpha() for letter in text)


@pytest.mark.parametrize(
    ("day", "language", "expected"),
    [
        ((2023, 3, 5), "en", ["Sunday, March 5, 2023", "March 5, 2023", "Mar 5, 2023", "Sun, Mar 5, 2023"]),
        ((2023, 3, 5), "zh", ["2023年3月5日星期日", "2023年3月5日", "2023年3月5日周日"]),
        ((2023, 3, 5), "de", ["Sonntag, 5. März 2023", "5. März 2023", "So., 5. März 2023"]),
    ],
)
def test_dates_are_written_as_by_hand(day, language, expected):
    assert texts.dates_of(datetime.date(*day), language) == expected


def test_another_version_or_a_missing_package_is_refused():
    for requirement, there in (("babel==1.0", importlib.metadata.version("babel")), ("no-such-package==1.0", "none")):
        with pytest.raises(data.DataError, match=rf"1\.0, but {there} is installed; its rows depend on that version"):
            read_installed((requirement,))


def test_an_installation_without_its_files_is_a_clear_error(monkeypatch, tmp_path):
    file = importlib.metadata.PackagePath("gone/a.py")
    file.dist = types.SimpleNamespace(locate_file=lambda name: tmp_path / name)
    broken = types.SimpleNamespace(version="1.0", files=(file,))
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: broken)
    with pytest.raises(data.DataError, match=r"gone 1\.0 is not complete .*--force-reinstall --no-deps gone==1"):
        read_installed(("gone==1.0",), ("*.py",))
    with pytest.raises(data.DataError, match=r"lists no file like \*\.txt; install it with pip"):
        read_installed(("gone==1.0",), ("*.txt",))
