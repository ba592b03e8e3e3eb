"""Bring data into a form that a model can use: scale numbers, find what deserves a second look."""

import numpy as np

__all__ = ["iqr_bounds", "min_max", "standardize", "suspects"]


def min_max(x: np.ndarray, low: np.ndarray | None = None, high: np.ndarray | None = None) -> np.ndarray:
    """Stretch each column onto 0 … 1: ``x' = (x - low) / (high - low)``.

    Args:
        x: numbers, shape ``(n, columns)`` or ``(n,)``, each column in its own unit.
        low: what becomes 0, shape ``(columns,)``; the smallest value of each column of `x` when None.
        high: what becomes 1, same shape; the largest value when None.

    Returns:
        Same shape, no unit; outside 0 … 1 where `x` lies outside of the given bounds.

    Raises:
        ValueError: a column's bounds are equal, so that nothing can be stretched.

    Example:
        >>> min_max(np.array([[10.0], [15.0], [30.0]])).ravel()
        array([0.  , 0.25, 1.  ])

    Reference:
        Han, Kamber and Pei (2011), Data Mining: Concepts and Techniques, section 3.5.2,
        https://doi.org/10.1016/C2009-0-61819-5
    """
    x = np.asarray(x, dtype=float)
    low = x.min(axis=0) if low is None else np.asarray(low, dtype=float)
    high = x.max(axis=0) if high is None else np.asarray(high, dtype=float)
    return (x - low) / _not_zero(high - low)


def standardize(x: np.ndarray, mean: np.ndarray | None = None, deviation: np.ndarray | None = None) -> np.ndarray:
    """Measure each column in standard deviations from its mean: ``x' = (x - μ) / σ``.

    Args:
        x: numbers, shape ``(n, columns)`` or ``(n,)``, each column in its own unit.
        mean: ``μ``, shape ``(columns,)``; the mean of each column of `x` when None.
        deviation: ``σ``, same shape, > 0; the standard deviation (divided by n) when None.

    Returns:
        Same shape, no unit; mean 0 and deviation 1 when both came from `x` itself.

    Raises:
        ValueError: a column does not vary, so that its deviation is 0.

    Example:
        >>> standardize(np.array([1.0, 3.0])), standardize(np.array([5.0]), mean=1.0, deviation=2.0)
        (array([-1.,  1.]), array([2.]))

    Reference:
        Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 14.3.1,
        https://hastie.su.domains/ElemStatLearn/
    """
    x = np.asarray(x, dtype=float)
    mean = x.mean(axis=0) if mean is None else np.asarray(mean, dtype=float)
    deviation = x.std(axis=0) if deviation is None else np.asarray(deviation, dtype=float)
    return (x - mean) / _not_zero(deviation)


def iqr_bounds(x: np.ndarray, reach: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Tukey's fences: ``low = q₁ - r (q₃ - q₁)`` and ``high = q₃ + r (q₃ - q₁)``.

    Args:
        x: numbers, shape ``(n,)`` or ``(n, columns)``; "not a number" is left out.
        reach: ``r`` ≥ 0, how many interquartile ranges a value may lie beyond the quartiles q₁ and q₃.

    Returns:
        `low` and `high`, each of shape ``()`` or ``(columns,)``, in the unit of `x`.

    Raises:
        ValueError: `reach` is negative.

    Example:
        >>> iqr_bounds(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        (np.float64(-1.0), np.float64(7.0))

    Reference:
        Tukey (1977), Exploratory Data Analysis, chapter 2; NIST/SEMATECH e-Handbook, section 7.1.6,
        https://www.itl.nist.gov/div898/handbook/prc/section1/prc16.htm
    """
    if reach < 0:
        raise ValueError(f"reach is {reach}, expected 0 or more.")
    lower, upper = np.nanquantile(np.asarray(x, dtype=float), [0.25, 0.75], axis=0)
    return lower - reach * (upper - lower), upper + reach * (upper - lower)


def suspects(labels: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Point at labels a model doubts: ``argmaxₖ {Pᵢₖ : Pᵢₖ ≥ tₖ} ≠ yᵢ`` with ``tₖ = mean of Pᵢₖ where yᵢ = k``.

    The threshold says how sure the model usually is of class k; a row above no threshold is not suspected.

    Args:
        labels: class numbers as given ``y``, integers in 0 … classes-1, every class at least once, shape ``(n,)``.
        p: forecast probabilities ``P`` for rows the model was not trained on, shape ``(n, classes)``.

    Returns:
        True where the most probable class among those above their threshold is not the given one, shape ``(n,)``.

    Raises:
        ValueError: not one label per row of `p`, or a class without any row.

    Example:
        >>> suspects(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]))
        array([False,  True, False, False])

    Reference:
        Northcutt, Jiang and Chuang (2021), Confident Learning, https://doi.org/10.1613/jair.1.12125
    """
    labels, p = np.asarray(labels), np.asarray(p, dtype=float)
    if p.ndim != 2 or labels.shape != p.shape[:1]:
        raise ValueError(f"labels have shape {labels.shape} and p {p.shape}; expected (n,) and (n, classes).")
    if set(np.unique(labels)) != set(range(p.shape[1])):
        raise ValueError(f"the labels name {len(np.unique(labels))} classes, p has {p.shape[1]}; each needs a row.")
    threshold = np.array([p[labels == k, k].mean() for k in range(p.shape[1])])  # (classes,)
    sure = np.where(p >= threshold, p, -1.0)  # (n, classes)
    return (sure.max(axis=1) >= 0) & (sure.argmax(axis=1) != labels)


def _not_zero(spread: np.ndarray) -> np.ndarray:
    if np.any(spread == 0):
        raise ValueError("a column does not vary (all its values are equal), so it cannot be scaled; leave it out.")
    return spread
