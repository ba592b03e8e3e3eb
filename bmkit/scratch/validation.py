"""Cross-validation in NumPy: who is tested when, and what the folds together say.

A fold is an array of row numbers to test on; the rows of all other folds are there to train on.
"""

from collections.abc import Sequence

import numpy as np

__all__ = [
    "cross_validation_estimate",
    "cross_validation_standard_error",
    "group_k_fold",
    "k_fold",
    "stratified_k_fold",
]


def k_fold(n: int, k: int, seed: int | None = None) -> list[np.ndarray]:
    """Cut the rows into k folds: ``F₁ ∪ … ∪ F_k = {0 … n-1}``, no row twice, sizes ``⌊n/k⌋`` or one more.

    Args:
        n: number of rows.
        k: number of folds, from 2 to n.
        seed: shuffles the rows first; without it the folds follow the order of the table.

    Returns:
        k arrays of row numbers, each in rising order; train on what is not in a fold.

    Raises:
        ValueError: k is less than 2 or more than there are rows.

    Example:
        >>> [fold.tolist() for fold in k_fold(5, 2)]
        [[0, 1, 2], [3, 4]]

    Reference:
        Stone (1974), Cross-validatory choice and assessment of statistical predictions,
        https://doi.org/10.1111/j.2517-6161.1974.tb00994.x
    """
    _fitting(k, n, "rows")
    return [np.sort(fold) for fold in np.array_split(_order(n, seed), k)]


def stratified_k_fold(labels: np.ndarray, k: int, seed: int | None = None) -> list[np.ndarray]:
    """Deal the rows out class by class, like cards: ``|F_j ∩ class c| = n_c / k``, rounded up or down.

    Args:
        labels: the class of each row, shape ``(n,)``.
        k: number of folds, from 2 to n.
        seed: shuffles the rows of each class first.

    Returns:
        k arrays of row numbers, each in rising order; sizes differ by one at most, and so do the counts of each class.

    Raises:
        ValueError: k is less than 2 or more than there are rows.

    Example:
        >>> [fold.tolist() for fold in stratified_k_fold(np.array([0, 0, 0, 0, 1, 1]), 2)]
        [[0, 2, 4], [1, 3, 5]]

    Reference:
        Kohavi (1995), A study of cross-validation and bootstrap for accuracy estimation and model selection,
        https://www.ijcai.org/Proceedings/95-2/Papers/016.pdf
    """
    labels = np.asarray(labels)
    _fitting(k, len(labels), "rows")
    order = _order(len(labels), seed)
    cards = order[np.argsort(labels[order], kind="stable")]  # (n,), class after class
    return [np.sort(cards[first::k]) for first in range(k)]


def group_k_fold(groups: np.ndarray, k: int) -> list[np.ndarray]:
    """Keep groups whole: if ``gᵢ = gⱼ`` then rows i and j lie in one fold; the largest groups are placed first.

    Args:
        groups: the group of each row (a person, a lecturer, a machine), shape ``(n,)``.
        k: number of folds, from 2 to the number of groups.

    Returns:
        k arrays of row numbers, each in rising order; no group is in two of them. Each group went into the fold that
        was smallest when its turn came, so sizes are similar, not equal.

    Raises:
        ValueError: k is less than 2 or more than there are groups.

    Example:
        >>> [fold.tolist() for fold in group_k_fold(np.array([7, 7, 7, 8, 9]), 2)]
        [[0, 1, 2], [3, 4]]

    Reference:
        Roberts et al. (2017), Cross-validation strategies for data with temporal, spatial, hierarchical, or
        phylogenetic structure, https://doi.org/10.1111/ecog.02881
    """
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    _fitting(k, len(sizes), "groups")
    rows, home = np.zeros(k, dtype=int), np.zeros(len(sizes), dtype=int)
    for group in np.argsort(-sizes, kind="stable"):
        home[group] = rows.argmin()
        rows[home[group]] += sizes[group]
    return [np.flatnonzero(home[number] == fold) for fold in range(k)]


def cross_validation_estimate(losses: Sequence[np.ndarray]) -> float:
    """Average the folds: ``CV = (1/k) Σⱼ (1/|F_j|) Σ_{i ∈ F_j} L(yᵢ, f⁽⁻ʲ⁾(xᵢ))``.

    Args:
        losses: for each fold the loss of each of its rows, by the model that was trained without that fold. A fold's
            mean alone is fine too.

    Returns:
        The estimate, in the unit of the loss.

    Raises:
        ValueError: fewer than two folds.

    Example:
        >>> float(cross_validation_estimate([np.array([1.0, 3.0]), np.array([4.0])]))
        3.0

    Reference:
        Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 7.10,
        https://hastie.su.domains/ElemStatLearn/
    """
    return np.mean(_fold_means(losses))


def cross_validation_standard_error(losses: Sequence[np.ndarray]) -> float:
    """How far the folds scatter: ``SE = s / √k`` with ``s² = Σⱼ (m_j - CV)² / (k - 1)``, ``m_j`` the mean of fold j.

    It takes the folds for independent, which they are not: read it as a rough size, often too small.

    Args:
        losses: as in `cross_validation_estimate`.

    Returns:
        One number ≥ 0, in the unit of the loss.

    Raises:
        ValueError: fewer than two folds.

    Example:
        >>> float(cross_validation_standard_error([np.array([1.0, 3.0]), np.array([4.0])]))
        1.0

    Reference:
        Bengio and Grandvalet (2004), No unbiased estimator of the variance of k-fold cross-validation,
        https://www.jmlr.org/papers/v5/grandvalet04a.html
    """
    means = _fold_means(losses)
    return means.std(ddof=1) / np.sqrt(len(means))


def _fold_means(losses) -> np.ndarray:
    means = np.array([np.mean(fold) for fold in losses], dtype=float)
    if len(means) < 2:
        raise ValueError(f"{len(means)} fold given; cross-validation needs two or more.")
    return means


def _fitting(k: int, most: int, of: str) -> None:
    if not 2 <= k <= most:
        raise ValueError(f"{k} folds of {most} {of} do not work; k must be from 2 to the number of {of}.")


def _order(n: int, seed: int | None) -> np.ndarray:
    return np.arange(n) if seed is None else np.random.default_rng(seed).permutation(n)
