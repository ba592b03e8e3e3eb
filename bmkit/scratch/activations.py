"""Functions applied to scores: from any real number to something bounded, clipped or normalised."""

import numpy as np

__all__ = ["log_softmax", "log_sum_exp", "relu", "sigmoid", "softmax"]


def relu(x: np.ndarray) -> np.ndarray:
    """Clip negative values to zero: ``relu(x) = max(0, x)``.

    Args:
        x: real numbers, any shape.

    Returns:
        Array of the same shape, every value ≥ 0.

    Example:
        >>> relu(np.array([-2.0, 0.0, 3.0]))
        array([0., 0., 3.])

    Reference:
        Nair and Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann Machines,
        https://www.cs.toronto.edu/~fritz/absps/reluICML.pdf
    """
    return np.maximum(x, 0.0)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Turn a logit into a probability: ``σ(z) = 1 / (1 + exp(-z))``, without overflow at either end.

    Args:
        z: logits, any shape.

    Returns:
        Probabilities in [0, 1], same shape.

    Example:
        >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
        array([0. , 0.5, 1. ])

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, section 3.10, https://www.deeplearningbook.org
    """
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))  # in (0, 1], so it can never overflow
    return np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def log_sum_exp(z: np.ndarray, axis: int = -1, keepdims: bool = False) -> np.ndarray:
    """Add numbers that are given as logarithms: ``lse(z) = m + log Σᵢ exp(zᵢ - m)`` with ``m = max z``.

    Args:
        z: real numbers, any shape.
        axis: the axis that is summed away.
        keepdims: keep that axis with length 1.

    Returns:
        Array with `axis` removed (or of length 1); finite for every finite input.

    Example:
        >>> log_sum_exp(np.array([1000.0, 1000.0])).round(4)
        np.float64(1000.6931)

    Reference:
        Blanchard, Higham and Higham (2021), Accurately computing the log-sum-exp and softmax functions,
        https://doi.org/10.1093/imanum/draa038
    """
    z = np.asarray(z, dtype=float)
    largest = z.max(axis=axis, keepdims=True)
    total = largest + np.log(np.exp(z - largest).sum(axis=axis, keepdims=True))
    return total if keepdims else total.squeeze(axis=axis)


def log_softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    """Log-probabilities of logits: ``log softmax(z)ᵢ = zᵢ - lse(z)``.

    Args:
        z: logits, shape ``(..., classes)``.
        axis: the axis that runs over the classes.

    Returns:
        Log-probabilities ≤ 0, same shape; never minus infinity for finite logits.

    Example:
        >>> log_softmax(np.array([0.0, 0.0])).round(4)
        array([-0.6931, -0.6931])

    Reference:
        Blanchard, Higham and Higham (2021), https://doi.org/10.1093/imanum/draa038
    """
    return np.asarray(z, dtype=float) - log_sum_exp(z, axis=axis, keepdims=True)


def softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    """Turn logits into probabilities that sum to one: ``softmax(z)ᵢ = exp(zᵢ) / Σⱼ exp(zⱼ)``.

    Args:
        z: logits, shape ``(..., classes)``.
        axis: the axis that runs over the classes.

    Returns:
        Probabilities, same shape, summing to 1 along `axis`.

    Example:
        >>> softmax(np.array([1000.0, 1000.0]))
        array([0.5, 0.5])

    Reference:
        Bridle (1990), Training Stochastic Model Recognition Algorithms as Networks,
        https://papers.nips.cc/paper/1989/hash/0336dcbab05b9d5ad24f4333c7658a0e-Abstract.html
    """
    shares = np.exp(z - np.max(z, axis=axis, keepdims=True))  # the largest becomes 1: nothing can overflow
    return shares / shares.sum(axis=axis, keepdims=True)
