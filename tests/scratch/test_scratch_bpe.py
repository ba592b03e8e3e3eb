"""Byte-pair encoding: worked by hand, held against the `tokenizers` library, its promises and its errors."""

import random
from pathlib import Path

import pytest
import tokenizers

from bmkit import scratch
from bmkit.scratch import bpe

ROOT = Path(__file__).resolve().parents[2]
A, B, C = (bpe.FIRST[letter] for letter in (b"a", b"b", b"c"))
MORE = "Zoë größte Straße, 二〇二四年五月三日 — 3,14 ≠ 22/7;  déjà vu 5² ½kg?!\n\tüber_all  don't we'll 😀 e\u0301 "


def real_text():
    """Return English prose with figures and signs (this project's licences and read-me), and many scripts."""
    return "\n".join((ROOT / name).read_text("utf-8") for name in ("LICENSE", "README.md")) + 3 * MORE


# name, arguments, what comes out, worked by hand
HAND = [
    ("split_words", ("He's 40, isn't he?  Ja!",), ["He", "'s", " 40", ",", " isn", "'t", " he", "?", " ", " Ja", "!"]),
    ("split_words", ("",), []),
    # Of "abab" (a b) stands twice; then one pair is left.
    ("bpe_train", ("abab", 9), [(A, B), (256, 256)]),
    ("bpe_train", ("aaa", 9), [(A, A), (256, A)]),
    ("bpe_train", ("ba ab", 1), [(A, B)]),  # equally common: the smaller numbers
    ("bpe_train", ("abc", 0), []),
    ("bpe_vocabulary", ([(A, B), (256, C)],), [*bpe.BYTES, b"ab", b"abc"]),
    ("bpe_encode", ("abcab", [(B, C), (A, B), (A, 256)]), [258, 257]),  # bc first, so a + bc; then ab
    ("bpe_encode", ("", [(A, B)]), []),
    ("bpe_decode", ([256, C], [(A, B)]), "abc"),
    ("bpe_decode", (scratch.bpe_encode("é", [])[:1], []), "\ufffd"),
]


ERRORS = [("bpe_train", ("abc", -1), "cannot be negative"), ("bpe_decode", ([256], []), r"0 … 255")]


@pytest.fixture(scope="module")
def library():
    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=256 + 800, initial_alphabet=alphabet, show_progress=False)
    model.train_from_iterator([real_text()], trainer)
    return model


@pytest.fixture(scope="module")
def merges():
    return scratch.bpe_train(real_text(), 800)


def spelled(word):
    """Write bytes with the visible letters that the library uses for them."""
    others = iter(range(256, 512))
    letters = {
        byte: chr(byte[0] if index < len(bpe.PRINTABLE) else next(others)) for index, byte in enumerate(bpe.BYTES)
    }
    return "".join(letters[bytes([byte])] for byte in word)


def test_the_library_learns_the_same_vocabulary(library, merges):
    vocabulary = scratch.bpe_vocabulary(merges)
    assert len(merges) == 800 and len(set(vocabulary)) == 1056
    assert {spelled(token): index for index, token in enumerate(vocabulary)} == library.get_vocab()


def test_the_library_writes_the_same_numbers(library, merges):
    for text in (real_text(), MORE, "An unseen sentence: naïveté, 12 345 €!", " a  b\n\nc "):
        assert scratch.bpe_encode(text, merges) == library.encode(text).ids


def test_the_library_cuts_the_same_words(library):
    pieces = [piece for piece, _ in library.pre_tokenizer.pre_tokenize_str(real_text())]
    assert [spelled(word.encode()) for word in scratch.split_words(real_text())] == pieces


def test_what_was_written_can_be_read(merges):
    signs = random.Random(0)
    points = [*range(1, 0xD800), *range(0xE000, 0x1F700)]
    wild = "".join(chr(signs.choice(points)) for _ in range(2000))
    for text in (real_text(), MORE, wild):
        assert "".join(scratch.split_words(text)) == text
        assert scratch.bpe_decode(scratch.bpe_encode(text, merges), merges) == text


def test_more_merges_write_shorter(merges):
    lengths = [len(scratch.bpe_encode(real_text(), merges[:count])) for count in (0, 50, 200, 800)]
    assert lengths[0] == len(real_text().encode()) and lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < lengths[0] / 2
