"""Counting n-grams: worked by hand, held against slow counting, its promises and its errors."""

from collections import Counter

import numpy as np
import pytest

from bmkit import scratch

RANDOM = np.random.default_rng(17)
TEXT = RANDOM.integers(0, 6, size=400) // 2 + RANDOM.integers(0, 2, size=400)  # numbers 0 to 3, not equally often
AB = np.array([0, 1, 0, 1, 1])

# So short a text has the discounts 1/2, 1 and 3/2. Alone, 0 comes twice and 1 three times:
# p1(0) = (2 - 1 + (1 + 3/2) · 1/2) / 5 = 0.45. Below pairs 0 comes after 1 alone, and 1 after both:
# p1(0) = (1 - 1/2 + (1/2 + 1) · 1/2) / 3 = 5/12. After 0 comes 1 twice: p2(0|0) = (0 + 1 · 5/12) / 2 = 5/24.
# After 1 come 0 and 1, once each: p2(0|1) = (1 - 1/2 + (1/2 + 1/2) · 5/12) / 2 = 11/24.
SINGLE, PAIRS = scratch.ngram_counts(AB, 1, 2), scratch.ngram_counts(AB, 2, 2)
SMOOTHED = scratch.kneser_ney(PAIRS, 2)
ALL_PAIRS = [[0, 0], [0, 1], [1, 0], [1, 1]]
HAND = [
    ("ngram_counts", (AB, 1, 2), {}, [([0, 1], [2, 3], [])]),
    ("ngram_counts", (AB, 2, 2), {}, [([0, 1], [2, 3], [1, 2]), ([1, 2, 3], [2, 1, 1], [])]),
    ("kneser_ney_discounts", (np.repeat([1, 2, 3, 4], [8, 4, 2, 1]),), {}, [0.5, 1.25, 2.0]),
    ("kneser_ney_discounts", (np.array([1, 1, 2, 3]),), {}, [0.5, 1.0, 1.5]),  # nothing was counted four times
    ("kneser_ney_discounts", (np.repeat([1, 2, 3, 4], [1, 1, 1, 9]),), {}, [0.5, 1.0, 1.5]),  # it would be below 0
    ("kneser_ney", (SINGLE, 2), {}, [([0, 1], [1 / 5, 1.5 / 5], [2.5 / 5])]),
    (
        "kneser_ney",
        (PAIRS, 2),
        {},
        [([0, 1], [0.5 / 3, 1 / 3], [1.5 / 3]), ([1, 2, 3], [1 / 2, 0.5 / 2, 0.5 / 2], [1 / 2, 1 / 2])],
    ),
    ("kneser_ney_probabilities", ([[0], [1]], scratch.kneser_ney(SINGLE, 2), 2), {}, [0.45, 0.55]),
    ("kneser_ney_probabilities", (ALL_PAIRS, SMOOTHED, 2), {}, [5 / 24, 19 / 24, 11 / 24, 13 / 24]),
    # After 2 nothing ever came: the guess from no context stays, of three tokens now.
    ("kneser_ney_probabilities", ([[2, 0]], scratch.kneser_ney(scratch.ngram_counts(AB, 2, 3), 3), 3), {}, [1 / 3]),
    ("longest_known_contexts", ([[0, 1, 9], [0, 0, 9], [7, 7, 9]], scratch.ngram_counts(AB, 3, 2), 2), {}, [2, 1, 0]),
    ("copied_shares", ([np.array([2, 3, 9])], np.array([1, 2, 3, 4]), [1, 2, 3]), {}, [[2 / 3, 1 / 2, 0]]),
    ("copied_shares", ([np.array([7]), np.array([1, 2])], np.array([1, 2]), [1, 2]), {}, [[0, np.nan], [1, 1]]),
]

ERRORS = [
    ("ngram_counts", (AB, 6, 2), {}, "expected 1 … 5"),
    ("ngram_counts", (AB, 0, 2), {}, "expected 1 … 5"),
    ("ngram_counts", (AB, 1, 1), {}, "go from 0 to 1"),
    ("kneser_ney_probabilities", ([[0]], SMOOTHED, 2), {}, "at least 2 tokens"),
    ("kneser_ney_probabilities", ([0, 1], SMOOTHED, 2), {}, "at least 2 tokens"),
    ("longest_known_contexts", ([[0]], PAIRS, 2), {}, "at least 2 tokens"),
    ("copied_shares", ([AB], AB, [2, 4]), {}, "rise from 1"),
    ("copied_shares", ([AB], AB, [1, 3]), {}, "doubling"),
    ("copied_shares", ([AB], AB, []), {}, "rise from 1"),
]


def slow_runs(length):
    return [tuple(TEXT[start : start + length]) for start in range(len(TEXT) - length + 1)]


def slow_counts(length, longest):
    """Count by a dictionary: the longest runs as they come, a shorter one by the tokens before it."""
    if length == longest:
        return Counter(slow_runs(length))
    return Counter(run[1:] for run in set(slow_runs(length + 1)))


def slow_guess(run, longest, vocabulary_size):
    """Guess a run's last token as Chen and Goodman write it, one number at a time."""
    if not run:
        return 1 / vocabulary_size
    counts, shorter = slow_counts(len(run), longest), slow_guess(run[1:], longest, vocabulary_size)
    discounts = [0, *scratch.kneser_ney_discounts(np.array(list(counts.values())))]
    followers = [count for known, count in counts.items() if known[:-1] == run[:-1]]
    if not followers:
        return shorter
    given = sum(discounts[min(count, 3)] for count in followers)
    return (counts[run] - discounts[min(counts[run], 3)] + given * shorter) / sum(followers)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_counts_are_those_of_slow_counting(order):
    tables = scratch.ngram_counts(TEXT, 5, 4)
    assert sorted(tables[order - 1].times) == sorted(Counter(slow_runs(order)).values())
    assert sorted(tables[order - 1].kinds_before) == sorted(slow_counts(order, 5)[run] for run in set(slow_runs(order)))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_guesses_are_those_of_slow_counting(order):
    tables = scratch.ngram_counts(TEXT, order, 5)
    runs = RANDOM.integers(0, 5, size=(50, order))
    assert all(tuple(scratch.kneser_ney_discounts(table.times)) != (0.5, 1, 1.5) for table in tables[2:])
    smoothed = scratch.kneser_ney(tables, 5)
    slow = [slow_guess(tuple(run), order, 5) for run in runs]
    np.testing.assert_allclose(scratch.kneser_ney_probabilities(runs, smoothed, 5), slow)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_guesses_sum_to_one_whatever_came_before(order):
    smoothed = scratch.kneser_ney(scratch.ngram_counts(TEXT, order, 5), 5)  # token 4 never comes
    contexts = RANDOM.integers(0, 5, size=(40, 5))
    runs = np.column_stack([np.repeat(contexts, 5, axis=0), np.tile(np.arange(5), 40)])
    guesses = scratch.kneser_ney_probabilities(runs, smoothed, 5).reshape(40, 5)
    np.testing.assert_allclose(guesses.sum(axis=1), 1)
    assert guesses.min() > 0


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_shorter_order_is_the_first_counts(order):
    counts, runs = scratch.ngram_counts(TEXT, 4, 4), np.lib.stride_tricks.sliding_window_view(TEXT, 4)
    own = scratch.kneser_ney(scratch.ngram_counts(TEXT, order, 4), 4)
    shorter = scratch.kneser_ney_probabilities(runs[:, -order:], own, 4)
    first = scratch.kneser_ney(counts[:order], 4)
    np.testing.assert_allclose(scratch.kneser_ney_probabilities(runs, first, 4), shorter)


def test_runs_of_many_large_tokens_fit():
    tokens = RANDOM.integers(0, 1_000_000, size=300)
    tables = scratch.ngram_counts(tokens, 30, 1_000_000)
    runs = np.lib.stride_tricks.sliding_window_view(tokens, 30)
    assert len(tables[-1].runs) == 271
    assert (scratch.longest_known_contexts(runs, tables, 1_000_000) == 29).all()


def test_what_is_copied_is_found_by_slow_search_too():
    texts, lengths = [TEXT[50:90], RANDOM.integers(0, 4, size=60)], [1, 2, 3, 5, 8, 16]
    found = scratch.copied_shares(texts, TEXT, lengths)
    for column, length in enumerate(lengths):
        known = {tuple(TEXT[start : start + length]) for start in range(len(TEXT) - length + 1)}
        for row, text in enumerate(texts):
            runs = [tuple(text[start : start + length]) in known for start in range(len(text) - length + 1)]
            assert found[row, column] == pytest.approx(np.mean(runs))
    assert (found[0] == 1).all() and found[1, -1] == 0
