"""Judge and make summaries: ROUGE by counting, and TextRank, which ranks sentences by power iteration.

A text is a list of ``words`` here: its runs of letters and digits in lower case.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

__all__ = ["longest_common_subsequence", "page_rank", "rouge_l", "rouge_n", "rouge_words", "sentence_overlaps"]


def rouge_words(text: str) -> list[str]:
    """Cut a text into the words that ROUGE counts: runs of ASCII letters and digits, in lower case.

    Args:
        text: any text.

    Returns:
        The words in order; none for a text in another script.

    Example:
        >>> rouge_words("The n-th root of X.")
        ['the', 'n', 'th', 'root', 'of', 'x']

    Reference:
        Google Research, rouge_score, tokenize.py, https://github.com/google-research/google-research/tree/master/rouge
    """
    return re.findall("[a-z0-9]+", text.lower())


def _three(common: int, given: int, wanted: int) -> np.ndarray:
    """Return precision, recall and F1, each 0 where it has nothing to count."""
    precision, recall = common / max(1, given), common / max(1, wanted)
    return np.array([precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0])


def rouge_n(summary: Sequence[str], reference: Sequence[str], n: int) -> np.ndarray:
    """Compare the n-grams of two texts: ``common = Σ_g min(count of g in summary, count of g in reference)``.

    Precision is ``common / n-grams of the summary``, recall ``common / n-grams of the reference``, F1 their harmonic
    mean.

    Args:
        summary: words.
        reference: words.
        n: length of the runs, at least 1.

    Returns:
        Precision, recall and F1, shape ``(3,)``, each in [0, 1].

    Raises:
        ValueError: n is below 1.

    Example:
        >>> rouge_n(["sum", "of", "an", "array"], ["sum", "of", "all", "values"], 2)  # of three pairs one: "sum of"
        array([0.33333333, 0.33333333, 0.33333333])

    Reference:
        Lin (2004), ROUGE: a package for automatic evaluation of summaries, section 2,
        https://aclanthology.org/W04-1013/
    """
    if n < 1:
        raise ValueError(f"n is {n}; runs have at least one word.")
    given, wanted = (
        Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) for words in (summary, reference)
    )
    return _three((given & wanted).total(), given.total(), wanted.total())


def longest_common_subsequence(first: Sequence, second: Sequence) -> np.ndarray:
    """Mark the items of `first` that stand in `second` in the same order, as many as possible.

    ``T[i, j] = T[i+1, j+1] + 1`` where items i and j are equal, else ``max(T[i+1, j], T[i, j+1])``: the longest from
    i and j on.

    Args:
        first: items, n of them.
        second: items, m of them.

    Returns:
        Booleans, shape ``(n,)``. Of several longest subsequences the one whose items come earliest in `first`.

    Example:
        >>> longest_common_subsequence("abcd", "bxd")
        array([False,  True, False,  True])

    Reference:
        Cormen, Leiserson, Rivest and Stein (2022), Introduction to Algorithms, section 14.4,
        https://mitpress.mit.edu/9780262046305/introduction-to-algorithms/
    """
    n, m = len(first), len(second)
    longest = [[0] * (m + 1) for _ in range(n + 1)]
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            if first[i] == second[j]:
                longest[i][j] = longest[i + 1][j + 1] + 1
            else:
                longest[i][j] = max(longest[i + 1][j], longest[i][j + 1])
    kept, i, j = np.zeros(n, bool), 0, 0
    while i < n and j < m:
        if first[i] == second[j]:
            kept[i], i, j = True, i + 1, j + 1
        elif longest[i][j + 1] >= longest[i + 1][j]:
            j += 1
        else:
            i += 1
    return kept


def rouge_l(summary: Sequence[str], reference: Sequence[str]) -> np.ndarray:
    """Compare two texts by their longest common subsequence: ``common`` words in the same order, gaps allowed.

    Args:
        summary: words.
        reference: words.

    Returns:
        Precision ``common / words of the summary``, recall ``common / words of the reference`` and F1, shape ``(3,)``.

    Example:
        >>> rouge_l(["an", "array", "of", "sums"], ["sums", "of", "an", "array"])  # "an array"
        array([0.5, 0.5, 0.5])

    Reference:
        Lin (2004), ROUGE: a package for automatic evaluation of summaries, section 3,
        https://aclanthology.org/W04-1013/
    """
    common = int(longest_common_subsequence(summary, reference).sum())
    return _three(common, len(summary), len(reference))


def sentence_overlaps(sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """Compare sentences as TextRank does: ``W[i, j] = shared words / (ln words of i + ln words of j)``.

    Args:
        sentences: n lists of words; repeated words count once, but in the lengths.

    Returns:
        Shape ``(n, n)``, symmetric, 0 on the diagonal and where both sentences have one word.

    Example:
        >>> sentence_overlaps([["a", "b"], ["b", "c", "d"], ["e", "f"]]).round(2)
        array([[0.  , 0.56, 0.  ],
               [0.56, 0.  , 0.  ],
               [0.  , 0.  , 0.  ]])

    Reference:
        Mihalcea and Tarau (2004), TextRank: bringing order into texts, section 4.2, https://aclanthology.org/W04-3252/
    """
    n = len(sentences)
    overlaps = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            lengths = np.log(max(1, len(sentences[i]))) + np.log(max(1, len(sentences[j])))
            if lengths > 0:
                overlaps[i, j] = overlaps[j, i] = len({*sentences[i]} & {*sentences[j]}) / lengths
    return overlaps


def page_rank(weights: np.ndarray, *, damping: float = 0.85, steps: int = 100) -> np.ndarray:
    """Rank the nodes of a graph by power iteration: ``r ← (1 − d) / n + d · r P``, P the weights with rows of sum 1.

    Args:
        weights: of the edge from row to column, ≥ 0, shape ``(n, n)``; a row of zeros counts as one of ones.
        damping: d, the probability of following an edge rather than jumping anywhere, in [0, 1).
        steps: how often the rule is applied to equal ranks; 100 bring d = 0.85 within 1e-7 of the end.

    Returns:
        Ranks, shape ``(n,)``, which sum to 1.

    Raises:
        ValueError: the weights are no square matrix of numbers ≥ 0, or there are none.

    Example:
        >>> page_rank(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])).round(3)
        array([0.257, 0.486, 0.257])

    Reference:
        Brin and Page (1998), The anatomy of a large-scale hypertextual web search engine, section 2.1,
        https://doi.org/10.1016/S0169-7552(98)00110-X
    """
    weights = np.asarray(weights, float)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or not weights.size or not (weights >= 0).all():
        raise ValueError(f"weights have shape {weights.shape}; expected (n, n) with n ≥ 1, each at least 0.")
    n = len(weights)
    sums = weights.sum(axis=1, keepdims=True)
    moves = np.where(sums > 0, weights / np.where(sums > 0, sums, 1), 1 / n)  # each row sums to 1
    ranks = np.full(n, 1 / n)
    for _ in range(steps):
        ranks = (1 - damping) / n + damping * ranks @ moves
    return ranks
