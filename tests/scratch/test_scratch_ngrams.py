"""Counting n-grams: worked by hand, held against slow counting, its promises and its errors."""

from collections import Counter

import numpy as np
import pytest

from bmkit import scratch

RANDOM = np.random.default_rng(17)
TEXT = RANDOM.integers(0, 6, size=400) // 2 + RANDOM.integers(0, 2, size=400)  # numbers 0 to 3, not equally often
AB = np.array([0, 1, 0, 1, 1])

# After 0 comes 1 in both cases; after 1 come 0 and 1 once each. With d = 1/2:
# p1(0) = (2 - 1/2 + 1/2 · 2 · 1/2) / 5 = 0.4, p1(1) = 0.6; p2(1|0) = (2 - 1/2 + 1/2 · 1 · 0.6) / 2 = 0.9.
HAND = [
    ("ngram_counts", (AB, 1, 2), {}, [([0, 1], [2, 3], [0], [5], [2])]),
    ("ngram_probabilities", ([[0], [1]], scratch.ngram_counts(AB, 1, 2), 2), {"discount": 0.5}, [0.4, 0.6]),
    ("ngram_probabilities", ([[0, 1], [1, 1]], scratch.ngram_counts(AB, 2, 2), 2), {"discount": 0.5}, [0.9, 0.55]),
    # 2 and 3 never came before: the guess from no context stays, of three tokens now.
    ("ngram_probabilities", ([[2, 0]], scratch.ngram_counts(AB, 2, 3), 3), {"discount": 0.5}, [0.3 + 1 / 15]),
    ("copied_shares", ([np.array([2, 3, 9])], np.array([1, 2, 3, 4]), [1, 2, 3]), {}, [[2 / 3, 1 / 2, 0]]),
    ("copied_shares", ([np.array([7]), np.array([1, 2])], np.array([1, 2]), [1, 2]), {}, [[0, np.nan], [1, 1]]),
]

ERRORS = [
    ("ngram_counts", (AB, 6, 2), {}, "expected 1 … 5"),
    ("ngram_counts", (AB, 0, 2), {}, "expected 1 … 5"),
    ("ngram_counts", (TEXT, 7, 1024), {}, "below 2 "),
    ("ngram_counts", (AB, 1, 1), {}, "go from 0 to 1"),
    ("ngram_probabilities", ([[0]], scratch.ngram_counts(AB, 2, 2), 2), {"discount": 0.5}, "at least 2 tokens"),
    ("ngram_probabilities", ([[0]], scratch.ngram_counts(AB, 1, 2), 2), {"discount": 1.0}, "in (0, 1)"),
    ("copied_shares", ([AB], AB, [2, 4]), {}, "rise from 1"),
    ("copied_shares", ([AB], AB, [1, 3]), {}, "doubling"),
    ("copied_shares", ([AB], AB, []), {}, "rise from 1"),
]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_counts_are_those_of_slow_counting(order):
    runs, times, contexts, totals, kinds = scratch.ngram_counts(TEXT, 4, 4)[order - 1]
    windows = [tuple(TEXT[start : start + order]) for start in range(len(TEXT) - order + 1)]
    number = {window: sum(token * 4**place for place, token in enumerate(window[::-1])) for window in windows}
    slow = Counter(number[window] for window in windows)
    assert dict(zip(runs, times, strict=True)) == slow
    assert dict(zip(contexts, totals, strict=True)) == Counter(code // 4 for code in slow.elements())
    assert dict(zip(contexts, kinds, strict=True)) == Counter(code // 4 for code in slow)


@pytest.mark.parametrize("discount", [0.1, 0.75, 0.99])
def test_guesses_sum_to_one_whatever_came_before(discount):
    counts = scratch.ngram_counts(TEXT, 3, 5)  # token 4 never comes
    contexts = RANDOM.integers(0, 5, size=(40, 2))
    runs = np.column_stack([np.repeat(contexts, 5, axis=0), np.tile(np.arange(5), 40)])
    guesses = scratch.ngram_probabilities(runs, counts, 5, discount=discount).reshape(40, 5)
    np.testing.assert_allclose(guesses.sum(axis=1), 1)
    assert guesses.min() > 0


def test_counts_of_shorter_runs_are_enough_for_shorter_contexts():
    counts, runs = scratch.ngram_counts(TEXT, 4, 4), np.lib.stride_tricks.sliding_window_view(TEXT, 4)
    shorter = scratch.ngram_probabilities(runs, counts[:2], 4, discount=0.5)
    np.testing.assert_allclose(shorter, scratch.ngram_probabilities(runs[:, 2:], counts[:2], 4, discount=0.5))


def test_what_is_copied_is_found_by_slow_search_too():
    texts, lengths = [TEXT[50:90], RANDOM.integers(0, 4, size=60)], [1, 2, 3, 5, 8, 16]
    found = scratch.copied_shares(texts, TEXT, lengths)
    for column, length in enumerate(lengths):
        known = {tuple(TEXT[start : start + length]) for start in range(len(TEXT) - length + 1)}
        for row, text in enumerate(texts):
            runs = [tuple(text[start : start + length]) in known for start in range(len(text) - length + 1)]
            assert found[row, column] == pytest.approx(np.mean(runs))
    assert (found[0] == 1).all() and found[1, -1] == 0
