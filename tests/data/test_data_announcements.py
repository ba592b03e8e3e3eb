"""The announcements: what they say, that each is said once, and that the voice can say all of them."""

import datetime
import re

import numpy as np
import pytest

from bmkit import data
from bmkit.data import announcements, manifest
from bmkit.data.readers import announcements as reader

SPLITS = manifest.SPLITS
SET = manifest.entry("announcements")


@pytest.fixture(scope="module")
def splits():
    return reader.read({}, SET.description)


def words(texts):
    return set(re.sub(r"[.,]", "", " ".join(texts)).split())


def test_no_sentence_comes_twice_and_no_word_is_new(splits):
    texts = {split: list(x) for split, (x, _) in splits.items()}
    whole = [text for some in texts.values() for text in some]
    assert len(whole) == len(set(whole)) == 480
    assert len(words(texts["train"])) == 70
    assert words(texts["validation"]) | words(texts["test"]) <= words(texts["train"])
    assert {split: len(some) for split, some in texts.items()} == SET.description.rows


def test_the_kinds_come_in_equal_shares_and_are_told(splits):
    kinds = [
        r"Platform [a-z ]+, in [a-z ]+ minutes\.",
        r"Platform [a-z ]+, at [a-z' ]+\.",
        r"[A-Z][a-z]+day, [A-Z]\S+ .+\.",
    ]
    for x, y in splits.values():
        assert (np.bincount(y) == len(y) // 3).all()
        assert all(re.fullmatch(kinds[kind], text) for text, kind in zip(x, y, strict=True))


def test_the_same_sentences_are_drawn_each_time(splits):
    again = reader.read({}, SET.description)
    assert all((again[split][0] == splits[split][0]).all() for split in SPLITS)
    assert splits["train"][0][:3].tolist() == [
        "Platform eighteen, in thirty eight minutes.",
        "Platform eleven, at six eighteen.",
        "Saturday, March thirtieth.",
    ]


def test_a_day_has_its_true_weekday():
    drawn, days = np.random.default_rng(1), set()
    for _ in range(200):
        days.add(announcements.announcement("date", drawn))
    true = set()
    for number in range(announcements.DAYS):
        day = announcements.FIRST + datetime.timedelta(number)
        ordinal = announcements.number_words(day.day, ordinal=True)
        true.add(f"{day:%A}, {day:%B} {ordinal}.")
    assert days <= true and len(days) > 150


@pytest.mark.parametrize(
    ("number", "plain", "ordinal"),
    [
        (0, "zero", "zeroth"),
        (1, "one", "first"),
        (8, "eight", "eighth"),
        (9, "nine", "ninth"),
        (12, "twelve", "twelfth"),
        (14, "fourteen", "fourteenth"),
        (20, "twenty", "twentieth"),
        (22, "twenty two", "twenty second"),
        (30, "thirty", "thirtieth"),
        (59, "fifty nine", "fifty ninth"),
    ],
)
def test_numbers_are_spoken(number, plain, ordinal):
    assert announcements.number_words(number) == plain
    assert announcements.number_words(number, ordinal=True) == ordinal


def test_numbers_and_times_that_there_are_not_are_refused():
    for number in (-1, 60, 2.5, "six"):
        with pytest.raises(ValueError, match="expected a whole one from 0 to 59"):
            announcements.number_words(number)
    with pytest.raises(ValueError, match="hour is 24; expected 0 to 23"):
        announcements.time_words(24, 0)
    with pytest.raises(ValueError, match="no announcement 'joke'; there are platform, time, date"):
        announcements.announcement("joke", np.random.default_rng(0))


@pytest.mark.slow
def test_the_voice_can_say_all_of_them(splits):
    from bmkit.data.weights import weight_files
    from bmkit.pretrained.pronounce import read_lexicon

    with weight_files("hibari") as folder:
        lexicon = read_lexicon({path.name: path.read_bytes() for path in sorted(folder.glob("lexicon_us_*"))})
    said = [lexicon.phonemes(text) for x, _ in splits.values() for text in x]
    assert max(map(len, said)) <= 60 and len(set("".join(said))) < 60
    assert data.describe("announcements").rows["train"] == 360
