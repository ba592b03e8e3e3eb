"""Guess the next token by counting: n-grams that fall back on shorter ones; and which runs of a text stand in another.

A run of tokens is kept as one number, its digits being the tokens, so that counting is sorting.
"""

import itertools
from collections.abc import Sequence

import numpy as np

__all__ = ["copied_shares", "ngram_counts", "ngram_probabilities"]


def ngram_counts(tokens: np.ndarray, order: int, vocabulary_size: int) -> list[tuple]:
    """Count every run of 1, 2, … `order` tokens, and what follows every context.

    Args:
        tokens: integers, shape ``(time,)``, each below `vocabulary_size`.
        order: length of the longest runs, at least 1.
        vocabulary_size: number of different tokens.

    Returns:
        For each length ``n = 1 … order`` the runs as numbers, how often each comes, the contexts (the runs without
        their last token), how often each comes, and how many different tokens follow it.

    Raises:
        ValueError: the text is shorter than `order`, a token is out of range, or such runs do not fit into 63 bits.

    Example:
        >>> ngram_counts(np.array([0, 1, 0, 1, 1]), 2, 2)[1][:2]  # 01 twice, 10 once, 11 once
        (array([1, 2, 3]), array([2, 1, 1]))

    Reference:
        Jurafsky and Martin (2025), Speech and Language Processing, third edition draft, section 3.1,
        https://web.stanford.edu/~jurafsky/slp3/
    """
    tokens = np.asarray(tokens)
    if not 1 <= order <= len(tokens) or vocabulary_size**order >= 2**63:
        raise ValueError(
            f"order is {order} for {len(tokens)} tokens out of {vocabulary_size}; expected 1 … {len(tokens)}, and "
            "vocabulary_size ** order below 2 ** 63."
        )
    if tokens.min() < 0 or tokens.max() >= vocabulary_size:
        raise ValueError(f"tokens go from {tokens.min()} to {tokens.max()}; expected 0 … {vocabulary_size - 1}.")
    tables = []
    for n in range(1, order + 1):
        windows = np.lib.stride_tricks.sliding_window_view(tokens, n)
        runs, times = np.unique(_numbers(windows, vocabulary_size), return_counts=True)
        contexts, first, kinds = np.unique(runs // vocabulary_size, return_index=True, return_counts=True)
        tables.append((runs, times, contexts, np.add.reduceat(times, first), kinds))
    return tables


def ngram_probabilities(
    runs: np.ndarray, counts: Sequence[tuple], vocabulary_size: int, *, discount: float
) -> np.ndarray:
    """Guess each run's last token: ``pₙ = (max(c − d, 0) + d · kinds · pₙ₋₁) / total``, from ``p₀ = 1 / vocabulary``.

    Every count gives up the discount d; what is collected goes to the guess from the shorter context. A context that
    never came leaves the shorter guess as it is.

    Args:
        runs: tokens, shape ``(n, order)`` or wider; the last column is guessed from those before it.
        counts: what `ngram_counts` counted; ``counts[:k]`` guesses with contexts of fewer than k tokens.
        vocabulary_size: as given there.
        discount: d, in (0, 1).

    Returns:
        Probabilities, shape ``(n,)``, above 0; over all last tokens they sum to 1.

    Raises:
        ValueError: the discount lies outside (0, 1), or the runs are shorter than the longest counted.

    Example:
        >>> counts = ngram_counts(np.array([0, 1, 0, 1, 1]), 2, 2)
        >>> ngram_probabilities(np.array([[0, 0], [0, 1]]), counts, 2, discount=0.5)
        array([0.1, 0.9])

    Reference:
        Ney, Essen and Kneser (1994), On structuring probabilistic dependences in stochastic language modelling,
        https://doi.org/10.1006/csla.1994.1001
    """
    runs = np.asarray(runs)
    if not 0 < discount < 1 or runs.ndim != 2 or runs.shape[1] < len(counts):
        raise ValueError(
            f"discount {discount}, runs of shape {runs.shape}; expected a discount in (0, 1) and runs of at least "
            f"{len(counts)} tokens, (n, {len(counts)})."
        )
    guess = np.full(len(runs), 1 / vocabulary_size)
    for n, (known, times, contexts, totals, kinds) in enumerate(counts, start=1):
        codes = _numbers(runs[:, -n:], vocabulary_size)
        came, context = _look_up(known, times, codes), codes // vocabulary_size
        total, kind = (_look_up(contexts, values, context) for values in (totals, kinds))
        blend = (np.maximum(came - discount, 0) + discount * kind * guess) / np.maximum(total, 1)
        guess = np.where(total > 0, blend, guess)
    return guess


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


def _numbers(runs: np.ndarray, base: int) -> np.ndarray:
    """Read the tokens of each row as the digits of one number."""
    codes = np.zeros(len(runs), "int64")
    for column in range(runs.shape[1]):
        codes = codes * base + runs[:, column]
    return codes


def _look_up(known: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Give the value of each wanted number, 0 where it is not known; `known` is sorted."""
    places = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return np.where(known[places] == wanted, values[places], 0)
