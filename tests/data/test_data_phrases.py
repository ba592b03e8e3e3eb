"""The closed grammar of the phrases: what both languages say is the same, and no phrase comes twice."""

import re

import numpy as np
import pytest

from bmkit import data
from bmkit.data import manifest
from bmkit.data.readers import phrases


@pytest.fixture(scope="module")
def found():
    return phrases.read({}, manifest.entry("phrases_en_zh").description)


def test_the_reader_draws_the_phrases_that_are_stored(found):
    pairs = data.load("phrases_en_zh")
    for split, (x, y) in found.items():
        assert sorted(zip(*pairs.arrays(split), strict=True)) == sorted(zip(x, y, strict=True))


def test_no_english_phrase_occurs_twice_and_all_are_short(found):
    english = np.concatenate([x for x, _ in found.values()])
    chinese = np.concatenate([y for _, y in found.values()])
    assert len(set(english)) == len(english) == 8_800
    assert max(map(len, english)) == 40 and max(map(len, chinese)) <= 28
    assert not any("  " in text or text != text.strip() for text in (*english, *chinese))


def test_the_numbers_of_both_sides_are_those_of_the_grammar(found):
    english, chinese = found["train"]
    plain = [row for row, text in enumerate(english) if re.fullmatch(r"in \d+ (days|hours|minutes)", text)]
    assert len(plain) > 50
    for row in plain:
        number, unit = re.fullmatch(r"in (\d+) (\w+)", english[row]).groups()
        assert chinese[row] == number + {"days": "天", "hours": "小时", "minutes": "分钟"}[unit] + "后"
    large = [row for row, text in enumerate(english) if re.fullmatch(r"[\d.]+ thousand", text)]
    assert len(large) > 50
    for row in large:
        thousands = float(english[row].split()[0])
        said = chinese[row]
        value = float(said[:-1]) * 10_000 if said.endswith("万") else float(said.replace(",", ""))
        assert value == pytest.approx(1000 * thousands)


def test_parts_are_joined_as_both_languages_join_them():
    drawn = np.random.default_rng(0)
    three = [phrases.phrase(drawn, 3) for _ in range(40)]
    for english, chinese in three:
        assert ", and " in english or ", or " in english
        assert ("和" if ", and " in english else "或") in chinese and "、" in chinese
