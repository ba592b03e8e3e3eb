"""Does a probability mean what it says, and which temperature mends it?"""

import numpy as np

__all__ = ["calibration_temperature", "expected_calibration_error"]

HOTTEST = 1000.0
HALVINGS = 60


def expected_calibration_error(labels: np.ndarray, p: np.ndarray, bins: int = 10) -> float:
    """Mean distance of what was said and what came: ``ECE = Σₖ (nₖ/n) |mean p in bin k - share of ones in bin k|``.

    Args:
        labels: classes 0 and 1, shape ``(n,)``.
        p: probabilities of class 1, same shape.
        bins: of equal width on [0, 1], ≥ 1; an empty one counts nothing.

    Returns:
        One number in [0, 1]; 0 where each bin keeps its word.

    Raises:
        ValueError: the shapes differ, there are no texts, or a number is out of range.

    Example:
        >>> round(float(expected_calibration_error(np.array([1, 1, 0, 0]), np.array([0.9, 0.9, 0.1, 0.3]))), 3)
        0.15

    Reference:
        Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning,
        https://doi.org/10.1609/aaai.v29i1.9602
    """
    labels, p = _pairs(labels, p)
    if bins < 1 or not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(f"bins = {bins}, p from {p.min()} to {p.max()}: expected bins ≥ 1 and p in [0, 1].")
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = np.bincount(place, p - labels, bins)  # of each bin: how many × (said - came)
    return np.abs(gaps).sum() / len(p)


def calibration_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """Find the ``T`` of least cross-entropy of ``σ(z/T)``, by halving where ``Σᵢ (σ(zᵢ/T) - yᵢ) zᵢ`` changes its sign.

    Args:
        labels: classes 0 and 1, shape ``(n,)``.
        logits: ``z`` of examples that were not learned from, same shape.

    Returns:
        The temperature, above 1 for a model that is too sure of itself; between 0.001 and 1,000, its ends where no
        temperature is best, as for logits that are all on the right side.

    Raises:
        ValueError: the shapes differ, there are no texts, or a number is out of range.

    Example:
        >>> round(calibration_temperature(np.array([1, 1, 1, 0]), np.array([2.0, 2.0, 2.0, 2.0])), 3)
        1.82

    Reference:
        Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks,
        https://arxiv.org/abs/1706.04599
    """
    labels, logits = _pairs(labels, logits)
    if not np.all(np.isfinite(logits)):
        raise ValueError("a logit is not finite.")
    low, high = 1 / HOTTEST, HOTTEST  # of 1/T, halved in its logarithm
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        p = 0.5 * (1 + np.tanh(0.5 * middle * logits))  # the sigmoid, without overflow
        if np.mean((p - labels) * logits) > 0:
            high = middle
        else:
            low = middle
    return float(1 / middle)


def _pairs(labels, values) -> tuple[np.ndarray, np.ndarray]:
    labels, values = np.asarray(labels, dtype=float), np.asarray(values, dtype=float)
    if labels.shape != values.shape or labels.ndim != 1 or not labels.size:
        raise ValueError(f"{labels.shape} labels and {values.shape} numbers; expected (n,) for both, n ≥ 1.")
    if not np.all((labels == 0) | (labels == 1)):
        raise ValueError("labels must be 0 or 1.")
    return labels, values
