"""The formulas of `bmkit.scratch.summaries`: worked by hand, held against `rouge_score` and `networkx`, errors."""

import networkx
import numpy as np
import pytest
from rouge_score import rouge_scorer

from bmkit import scratch

RANDOM = np.random.default_rng(21)
ONE = ["the", "cat", "sat", "on", "the", "mat"]
OTHER = ["the", "mat", "the", "cat", "sat", "on", "it"]
CHAIN = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 2.0, 0.0]])
LONELY = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
SENTENCES = [["a", "b", "c"], ["a", "d"], ["e"], []]
DRAWN = [list(RANDOM.choice(list("abcdefg"), size)) for size in (9, 14, 1, 6)]

HAND = [
    ("rouge_words", ("ROUGE-2, n=1: naïve!",), ["rouge", "2", "n", "1", "na", "ve"]),
    ("rouge_words", ("一只猫",), []),
    ("rouge_n", (ONE, OTHER, 1), [1.0, 6 / 7, 12 / 13]),
    ("rouge_n", (ONE, OTHER, 2), [4 / 5, 4 / 6, 8 / 11]),
    ("rouge_n", (["the"] * 4, ["the", "cat"], 1), [1 / 4, 1 / 2, 1 / 3]),
    ("rouge_n", ([], ["a"], 1), [0.0, 0.0, 0.0]),
    ("rouge_n", (["a"], ["a"], 2), [0.0, 0.0, 0.0]),
    ("longest_common_subsequence", ("axbxc", "abc"), [True, False, True, False, True]),
    ("longest_common_subsequence", ("aa", "a"), [True, False]),
    ("longest_common_subsequence", ("ab", ""), [False, False]),
    ("rouge_l", (ONE, OTHER), [4 / 6, 4 / 7, 8 / 13]),
    ("rouge_l", (["a"], ["b"]), [0.0, 0.0, 0.0]),
    ("sentence_overlaps", ([["a", "b"], ["a", "b"]],), [[0.0, 1 / np.log(2)], [1 / np.log(2), 0.0]]),
    ("sentence_overlaps", ([["a"], ["a"]],), [[0.0, 0.0], [0.0, 0.0]]),
    ("page_rank", ([[0.0]],), [1.0]),
    ("page_rank", (np.zeros((2, 2)),), [0.5, 0.5]),
    ("page_rank", (CHAIN,), {"damping": 0.0}, [1 / 3, 1 / 3, 1 / 3]),
]
HAND_TOLERANCE = 1e-9


def by_rouge_score(kind):
    """Return the field's library as a function of two lists of words."""

    def scored(summary, reference, n=""):
        name = f"rouge{kind or n}"
        result = rouge_scorer.RougeScorer([name]).score(" ".join(reference), " ".join(summary))[name]
        return [result.precision, result.recall, result.fmeasure]

    return scored


def by_networkx(weights, **_):
    ranks = networkx.pagerank(networkx.from_numpy_array(np.asarray(weights)), tol=1e-12, max_iter=1000)
    return list(ranks.values())


ALONE = {"rouge_words", "longest_common_subsequence", "sentence_overlaps"}
PARITY = [
    *[("rouge_n", (DRAWN[0], DRAWN[1], n), by_rouge_score("")) for n in (1, 2, 3)],
    ("rouge_n", (DRAWN[2], DRAWN[3], 2), by_rouge_score("")),
    ("rouge_l", (DRAWN[0], DRAWN[1]), by_rouge_score("L")),
    ("rouge_l", (DRAWN[1], DRAWN[3]), by_rouge_score("L")),
    ("page_rank", (CHAIN,), by_networkx),
    ("page_rank", (LONELY,), by_networkx),
]

ERRORS = [
    ("rouge_n", (ONE, OTHER, 0), "at least one word"),
    ("page_rank", (np.zeros((2, 3)),), "expected (n, n)"),
    ("page_rank", (np.zeros((0, 0)),), "n ≥ 1"),
    ("page_rank", (-CHAIN,), "each at least 0"),
]


@pytest.mark.parametrize(("first", "second"), [(DRAWN[0], DRAWN[1]), (DRAWN[1], DRAWN[0]), (DRAWN[3], DRAWN[2])])
def test_what_is_marked_is_a_subsequence_of_both(first, second):
    marked = [item for item, kept in zip(first, scratch.longest_common_subsequence(first, second), strict=True) if kept]
    rest = iter(second)
    assert all(item in rest for item in marked)
    assert len(marked) == scratch.longest_common_subsequence(second, first).sum()


def test_ranks_are_a_fixed_point_and_sum_to_one():
    weights = RANDOM.random((6, 6))
    ranks = scratch.page_rank(weights)
    moves = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(0.15 / 6 + 0.85 * ranks @ moves, ranks, atol=1e-7)
    assert ranks.sum() == pytest.approx(1)


def test_overlaps_are_symmetric_and_know_short_sentences():
    overlaps = scratch.sentence_overlaps(SENTENCES)
    np.testing.assert_array_equal(overlaps, overlaps.T)
    assert overlaps[0, 1] == pytest.approx(1 / np.log(6)) and overlaps[2].sum() == overlaps[3].sum() == 0
