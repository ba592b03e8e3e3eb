"""Sets of text: what each promises beyond the common contract, and its readers on tiny hand-made input."""

import collections
import datetime
import importlib.metadata
import types

import numpy as np
import pytest

from bmkit import data
from bmkit.data import manifest, texts
from bmkit.data.installed import read_installed
from bmkit.data.readers import chinese_reviews, chinese_reviews_raw, docstrings

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


@pytest.mark.slow
def test_docstrings_are_readable_prose_of_the_described_size():
    sizes = {}
    for split in SPLITS:
        x, package = data.load("docstrings").arrays(split)
        sizes[split] = sum(map(len, x))
        assert set(package) == set(range(5))
        for text in x:
            assert text.isascii() and text.endswith(".") and text == "\n\n".join(texts.prose(text))
    notes = data.describe("docstrings").notes
    assert " / ".join(f"{size:,}" for size in sizes.values()) in notes


@pytest.mark.slow
def test_no_paragraph_of_the_docstrings_comes_twice():
    rows = [text for split in SPLITS for text in data.load("docstrings").arrays(split)[0]]
    paragraphs = [texts.opening(paragraph) for text in rows for paragraph in text.split("\n\n")]
    assert len(set(paragraphs)) == len(paragraphs) > 12_000


def sentence(number):
    letters = "".join("abcdefghij"[int(digit)] for digit in f"{number:03d}")
    return f"Name {letters} is written in a sentence that is long enough to be kept by the reader of docstrings."


def packages(files):
    """Make packages a and b of some files, each with two docstrings of its own and one that all share."""
    members = {}
    for number in range(2 * files):
        shared = f'class C:\n    """{sentence(999)}"""\n'
        own = f'def f():\n    """Short.\n\n    {sentence(number + 250)}\n\n    {sentence(999)}\n    """\n'
        text = f'"""{sentence(number)}"""\n{own}{shared}'
        members[f"{'ab'[number % 2]}/m{number:02d}.py"] = text.encode()
    return dict(sorted(members.items()))


def test_docstrings_of_one_file_stay_together_and_nothing_is_repeated():
    splits = docstrings.read(packages(20), data.describe("docstrings"))
    assert {split: len(y) for split, (_, y) in splits.items()} == {"train": 64, "validation": 8, "test": 8}
    by_letters = {sentence(number)[5:8]: number % 250 for number in range(999)}
    homes = [{by_letters[text[5:8]] for text in x} for x, _ in splits.values()]
    assert [len(home) for home in homes] == [32, 4, 4] and len(set().union(*homes)) == 40
    assert sum(sentence(999) in text for x, _ in splits.values() for text in x) == 1
    assert all(np.bincount(y).tolist() == [len(y) / 2] * 2 for _, y in splits.values())


def test_tests_and_code_of_others_are_left_out():
    members = packages(20)
    others = {
        f"a/{name}": f'"""{sentence(300 + i)}"""'.encode()
        for i, name in enumerate(
            (
                "tests/x.py",
                "externals/x.py",
                "_lib/x.py",
                "y/x_test.py",
                "__config__.py",
                "distutils/x.py",
                "conftest.py",
            )
        )
    }
    assert all(docstrings.LEFT_OUT.search(name) for name in others)
    rows = [sum(len(y) for _, y in docstrings.read(m, None).values()) for m in (members, members | others)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("damaged", [b"def f(:", b"x = '\x00'", b"\xff\xfe", b'"""never closed'])
def test_a_damaged_module_is_a_clear_error(damaged):
    with pytest.raises(data.DataError, match=r"b/broken\.py is not readable Python .*--force-reinstall"):
        docstrings.read(packages(2) | {"b/broken.py": damaged}, None)


@pytest.mark.parametrize(
    "refused",
    [
        "begins small, although it is a sentence of sixty letters and digits, and of some more of them, too.",
        "Begins well, and has as many as sixty letters and digits, but the full stop at its end has been lost",
        "Is a sentence.",
        "Look at https://example.org for the sentence that would otherwise stand here in full, with all letters.",
        "Values like [1, 2, 3] make a table out of what could have been a sentence of at least sixty letters.",
        "The numbers 1234567890 and 0987654321 are many in this sentence of at least sixty letters and digits.",
    ],
)
def test_what_is_not_prose_is_refused(refused):
    assert texts.prose(refused) == []


def test_markup_is_taken_off():
    marked = (
        "See :class:`~a.b.Thing` and *also* ``other``, as described in [1]_, or `the page\n<of.html>`_ that **tells** "
        "what `they` have in common.\n"
    )
    (plain,) = texts.prose(marked)
    assert plain == "See Thing and also other, as described in, or the page that tells what they have in common."


def test_the_text_of_an_argument_is_found_in_both_styles():
    told = "The length of every step, which is never negative and at most as long as the walk itself."
    first, second = told[:40].rsplit(" ", 1)[0], told[len(told[:40].rsplit(" ", 1)[0]) + 1 :]
    for docstring in (
        f"Walk.\n\nArgs:\n  step: {first}\n    {second}\n  far: no.",
        f"Walk.\n\nParameters\n----------\nstep : float\n    {first}\n    {second}\nfar : bool",
    ):
        assert texts.prose(docstring) == [told]


ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("some", "labels", "kept"),
    [
        ([ALPHABET, f"I agree: {ALPHABET[:20].upper()}!"], [1, 1], [0]),
        ([ALPHABET, f"I agree: {ALPHABET[:19].upper()}!"], [1, 1], [0, 1]),  # nineteen letters may be chance
        ([ALPHABET, ALPHABET, "other"], [1, 0, 0], [2]),
        ([ALPHABET, ALPHABET, "- " + ALPHABET], [1, 0, 1], []),
        ([ALPHABET, f"{ALPHABET[:20]}{ALPHABET[::-1]}", ALPHABET[::-1]], [1, 1, 0], [0, 2]),  # echoes of what is kept
        (["Good.", "good", "<br />Good!", "good tea"], [1, 1, 1, 1], [0, 3]),
        (["!!", "a", "中文中文"], [0, 0, 0], [1, 2]),
    ],
)
def test_of_texts_that_share_a_long_run_one_is_kept_or_none(some, labels, kept):
    assert texts.without_echoes(some, labels) == kept
    assert texts.without_echoes(some, labels, least=5) == [k for k in kept if len(texts.opening(some[k])) >= 5]


PRAISE = [
    "房间很大，服务也很好，离地铁站很近。",
    "书的内容很丰富，孩子非常喜欢看！",
    "优点：",
    "屏幕清晰，键盘手感不错，速度快。",
]
BLAME = [
    "宾馆反馈 2008年8月7日 ： 感谢您的意见，我们会改进服务。",
    "早餐太差，房间里有烟味，不会再来。",
    "印刷质量太差了，不值这个价钱。",
]


def read_made_up(reader, *rows):
    """Read made-up files, one with a review twice and an empty line, into splits of so many rows; join them again."""
    files = {"a/neg.txt": "\n".join([*BLAME, "", BLAME[1] + " "]).encode(), "a/pos.txt": "\n".join(PRAISE).encode()}
    splits = reader.read(files, types.SimpleNamespace(name="made_up", rows=dict(zip(SPLITS, rows, strict=True))))
    return sorted((text, int(label)) for x, y in splits.values() for text, label in zip(x, y, strict=True))


def test_chinese_reviews_lose_echoes_headlines_and_answers():
    kept = [(text, 0) for text in BLAME[1:]] + [(PRAISE[place], 1) for place in (0, 1, 3)]
    assert read_made_up(chinese_reviews, 3, 1, 1) == sorted(kept)
    whole = [(text, 0) for text in (*BLAME, BLAME[1])] + [(text, 1) for text in PRAISE]
    assert read_made_up(chinese_reviews_raw, 4, 2, 2) == sorted(whole)
    with pytest.raises(data.DataError, match=r"a/neg\.txt is not text in UTF-8 .*data verify"):
        chinese_reviews.read({"a/neg.txt": "很好".encode("gbk")}, data.describe("chinese_reviews"))


@pytest.mark.slow
def test_chinese_reviews_are_all_among_those_published_and_none_echoes_another():
    clean, raw = (
        [pair for split in SPLITS for pair in zip(*data.load(name).arrays(split), strict=True)]
        for name in ("chinese_reviews", "chinese_reviews_raw")
    )
    assert set(clean) < set(raw) and len(raw) - len(clean) == 18_308
    assert len(texts.without_echoes(*zip(*clean, strict=True))) == len(clean)
