"""Guess the next token by counting: Kneser and Ney's n-grams; and which runs of a text stand in another.

A run of n tokens is kept as one number: the place of its first n − 1 tokens in the sorted list of such runs, times the
size of the vocabulary, plus the last token. So counting is sorting, and runs of any length fit.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = [
    "copied_shares",
    "kneser_ney",
    "kneser_ney_discounts",
    "kneser_ney_probabilities",
    "longest_known_contexts",
    "ngram_counts",
]

WITHOUT_FORMULA = (0.5, 1.0, 1.5)  # discounts where a text is too short to estimate them, as in the program KenLM


class _NgramCounts(NamedTuple):
    """All different runs of one length.

    Attributes:
        runs: sorted numbers, shape ``(different runs,)``: the place of the run without its last token among the
            shorter runs, times the size of the vocabulary, plus the last token.
        times: how often each comes.
        kinds_before: how many different tokens come before each; empty for the longest runs, of which nobody asks.
    """

    runs: np.ndarray
    times: np.ndarray
    kinds_before: np.ndarray


def ngram_counts(tokens: np.ndarray, order: int, vocabulary_size: int) -> list[_NgramCounts]:
    """Count every run of 1, 2, … `order` tokens, and how many different tokens come before it.

    Args:
        tokens: integers, shape ``(time,)``, each below `vocabulary_size`.
        order: length of the longest runs, at least 1.
        vocabulary_size: number of different tokens.

    Returns:
        One table for each length, the shortest first.

    Raises:
        ValueError: the text is shorter than `order`, or a token is out of range.

    Example:
        >>> pairs = ngram_counts(np.array([0, 1, 0, 1, 1]), 2, 2)[1]  # 01 twice, 10 once, 11 once
        >>> pairs.runs, pairs.times
        (array([1, 2, 3]), array([2, 1, 1]))

    Reference:
        Jurafsky and Martin (2025), Speech and Language Processing, third edition draft, section 3.1,
        https://web.stanford.edu/~jurafsky/slp3/
    """
    tokens = np.asarray(tokens)
    if not 1 <= order <= len(tokens):
        raise ValueError(f"order is {order} for a text of {len(tokens)} tokens; expected 1 … {len(tokens)}.")
    if tokens.min() < 0 or tokens.max() >= vocabulary_size:
        raise ValueError(f"tokens go from {tokens.min()} to {tokens.max()}; expected 0 … {vocabulary_size - 1}.")
    tables, places = [], np.zeros(len(tokens), "int64")  # of the run that begins at each token
    for n in range(1, order + 1):
        numbers = places[: len(tokens) - n + 1] * vocabulary_size + tokens[n - 1 :]
        shorter = places
        runs, first, places, times = np.unique(numbers, return_index=True, return_inverse=True, return_counts=True)
        if n > 1:  # each different run names one token before the run that is left without its first token
            kinds = np.bincount(shorter[first + 1], minlength=len(tables[-1].runs))
            tables[-1] = tables[-1]._replace(kinds_before=kinds)
        tables.append(_NgramCounts(runs, times, np.zeros(0, int)))
    return tables


def kneser_ney_discounts(counts: np.ndarray) -> np.ndarray:
    """Estimate what a count of 1, 2, and 3 or more should give up: ``Dₖ = k − (k + 1) · Y · nₖ₊₁ / nₖ``.

    Here ``nₖ`` is how many runs were counted k times, and ``Y = n₁ / (n₁ + 2n₂)``.

    Args:
        counts: how often each run was counted, integers, any shape.

    Returns:
        ``(D₁, D₂, D₃)``, shape ``(3,)``, each Dₖ in [0, k]; 0.5, 1 and 1.5 where the text is too short for the formula.

    Example:
        >>> kneser_ney_discounts(np.repeat([1, 2, 3, 4], [100, 40, 20, 12])).round(3)
        array([0.556, 1.167, 1.667])

    Reference:
        Chen and Goodman (1998), An empirical study of smoothing techniques for language modeling, section 3,
        https://arxiv.org/abs/cmp-lg/9606011
    """
    n = np.array([np.sum(counts == k) for k in (1, 2, 3, 4)], float)
    k = np.arange(1, 4)
    if n.min() == 0:
        return np.array(WITHOUT_FORMULA)
    discounts = k - (k + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:3]
    return discounts if ((discounts >= 0) & (discounts <= k)).all() else np.array(WITHOUT_FORMULA)


class _SmoothedCounts(NamedTuple):
    """What all runs of one length say about their last token.

    Attributes:
        runs: as in `_NgramCounts`.
        shares: of each run, ``(c − D(c)) / Σc``: the probability that its context gives to its last token.
        left: of each context, ``Σ D(c) / Σc``: the probability that it leaves to the shorter context; 1 where nothing
            ever came.
    """

    runs: np.ndarray
    shares: np.ndarray
    left: np.ndarray


def kneser_ney(counts: Sequence[_NgramCounts], vocabulary_size: int) -> list[_SmoothedCounts]:
    """Turn counts into shares: ``(c − D(c)) / Σc`` for a token; ``Σ D(c) / Σc`` is left for the shorter context.

    This is interpolated modified Kneser–Ney smoothing. The longest runs are counted by how often they come, all shorter
    ones by how many different tokens come before them. Every count c gives up D(c), the discount for 1, 2, or 3 and
    more.

    Args:
        counts: what `ngram_counts` counted; ``counts[:k]`` makes a model with contexts of fewer than k tokens.
        vocabulary_size: as given there.

    Returns:
        One table for each length, the shortest first.

    Example:
        >>> alone, pairs = kneser_ney(ngram_counts(np.array([0, 1, 0, 1, 1]), 2, 2), 2)
        >>> pairs.shares, pairs.left  # after 0 came 1 alone, twice; after 1 both, once each
        (array([0.5 , 0.25, 0.25]), array([0.5, 0.5]))

    Reference:
        Chen and Goodman (1998), An empirical study of smoothing techniques for language modeling,
        https://arxiv.org/abs/cmp-lg/9606011
    """
    smoothed = []
    for n, table in enumerate(counts, start=1):
        c = table.times if n == len(counts) else table.kinds_before
        discounts = np.array([0.0, *kneser_ney_discounts(c)])[np.minimum(c, 3)]
        after = table.runs // vocabulary_size  # the place of each run's context
        contexts = 1 if n == 1 else len(counts[n - 2].runs)
        total, given = (np.bincount(after, values, minlength=contexts) for values in (c, discounts))
        left = np.divide(given, total, out=np.ones(contexts), where=total > 0)
        shares = np.divide(c - discounts, total[after], out=np.zeros(len(c)), where=total[after] > 0)
        smoothed.append(_SmoothedCounts(table.runs, shares, left))
    return smoothed


def kneser_ney_probabilities(runs: np.ndarray, smoothed: Sequence[_SmoothedCounts], vocabulary_size: int) -> np.ndarray:
    """Predict each run's last token: ``pₙ = share + left · pₙ₋₁``, from ``p₀ = 1 / vocabulary``.

    A context that never came leaves the prediction from the shorter one as it is.

    Args:
        runs: tokens, shape ``(n, order)`` or wider; the last column is predicted from those before it.
        smoothed: what `kneser_ney` made of the counts.
        vocabulary_size: as given there.

    Returns:
        Probabilities, shape ``(n,)``, above 0; over all last tokens they sum to 1.

    Raises:
        ValueError: the runs are shorter than the longest counted.

    Example:
        >>> smoothed = kneser_ney(ngram_counts(np.array([0, 1, 0, 1, 1]), 2, 2), 2)
        >>> kneser_ney_probabilities(np.array([[0, 0], [0, 1]]), smoothed, 2).round(4)
        array([0.2083, 0.7917])

    Reference:
        Chen and Goodman (1998), An empirical study of smoothing techniques for language modeling,
        https://arxiv.org/abs/cmp-lg/9606011
    """
    runs = _checked(runs, smoothed)
    guess = np.full(len(runs), 1 / vocabulary_size)
    for n, table in enumerate(smoothed, start=1):
        context = _places(runs[:, runs.shape[1] - n : -1], smoothed, vocabulary_size)
        place = _place(table.runs, context, runs[:, -1], vocabulary_size)
        share = np.where(place >= 0, table.shares[place], 0)
        guess = share + np.where(context >= 0, table.left[context], 1) * guess
    return guess


def longest_known_contexts(runs: np.ndarray, counts: Sequence[_NgramCounts], vocabulary_size: int) -> np.ndarray:
    """Tell how much of what stands before each run's last token was counted: the length of the longest known end.

    Args:
        runs: tokens, shape ``(n, order)`` or wider.
        counts: what `ngram_counts` counted.
        vocabulary_size: as given there.

    Returns:
        Lengths, integers 0 … order − 1, shape ``(n,)``.

    Raises:
        ValueError: the runs are shorter than the longest counted.

    Example:
        >>> counts = ngram_counts(np.array([0, 1, 0, 1, 1]), 3, 2)
        >>> longest_known_contexts(np.array([[0, 1, 7], [0, 0, 7]]), counts, 2)
        array([2, 1])

    Reference:
        Katz (1987), Estimation of probabilities from sparse data, section 2, https://doi.org/10.1109/TASSP.1987.1165125
    """
    runs, known = _checked(runs, counts), np.zeros(len(runs), int)
    for length in range(1, len(counts)):
        context = runs[:, runs.shape[1] - 1 - length : -1]
        known[_places(context, counts, vocabulary_size) >= 0] = length
    return known


def copied_shares(texts: Sequence[np.ndarray], source: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Tell how much of some texts stands word for word in another: the share of their runs that are runs of `source`.

    Args:
        texts: integers, each of shape ``(time,)``.
        source: integers, shape ``(time,)``: what may have been copied.
        lengths: lengths of the runs, beginning with 1, each at most twice the one before.

    Returns:
        Shares, shape ``(texts, lengths)``; "not a number" where a text has no run of that length.

    Raises:
        ValueError: the lengths do not rise from 1 by at most a doubling.

    Example:
        >>> copied_shares([np.array([2, 3, 9])], np.array([1, 2, 3, 4]), [1, 2])
        array([[0.66666667, 0.5       ]])

    Reference:
        McCoy et al. (2023), How much do language models copy from their training data?,
        https://doi.org/10.1162/tacl_a_00567
    """
    steps = list(itertools.pairwise(lengths))
    if not len(lengths) or lengths[0] != 1 or any(not short < long <= 2 * short for short, long in steps):
        raise ValueError(f"lengths are {list(lengths)}; expected them to rise from 1, at most doubling at each step.")
    pieces = [np.asarray(piece) for piece in (source, *texts)]
    edges, names = np.cumsum([0, *map(len, pieces)]), np.concatenate(pieces).astype("int64")
    shares = np.full((len(texts), len(lengths)), np.nan)
    for column, (short, long) in enumerate([(0, 1), *steps]):
        if short:  # two runs of the shorter length that overlap name the longer one
            names = names[: len(names) - (long - short)] * (names.max() + 1) + names[long - short :]
        names = np.unique(names, return_inverse=True)[1].astype("int64")
        starts = [names[begin : max(begin, end - long + 1)] for begin, end in itertools.pairwise(edges)]
        shares[:, column] = [np.isin(own, starts[0]).mean() if len(own) else np.nan for own in starts[1:]]
    return shares


def _checked(runs: np.ndarray, tables: Sequence[_NgramCounts | _SmoothedCounts]) -> np.ndarray:
    runs = np.asarray(runs)
    if runs.ndim != 2 or runs.shape[1] < len(tables):
        raise ValueError(f"runs have shape {runs.shape}; expected at least {len(tables)} tokens, (n, {len(tables)}).")
    return runs


def _places(runs: np.ndarray, tables: Sequence[_NgramCounts | _SmoothedCounts], base: int) -> np.ndarray:
    """Find each run of shape ``(n, length)`` among the counted ones of its length; −1 where it is not there."""
    places = np.zeros(len(runs), "int64")
    for column, table in zip(runs.T, tables, strict=False):
        places = _place(table.runs, places, column, base)
    return places


def _place(known: np.ndarray, before: np.ndarray, token: np.ndarray, base: int) -> np.ndarray:
    """Find the runs that lengthen those at the places `before` by a token; −1 where one is not there."""
    wanted = np.where(before >= 0, before * base + token, -1)
    places = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return np.where(known[places] == wanted, places, -1)
