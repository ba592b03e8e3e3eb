"""Regularization in NumPy: penalties on weights, the two linear models that have them built in, and dropout."""

import numpy as np

__all__ = [
    "dropout",
    "l1_penalty",
    "l1_penalty_gradient",
    "l2_penalty",
    "l2_penalty_gradient",
    "lasso",
    "ridge",
    "soft_threshold",
]


def l1_penalty(weights: np.ndarray, strength: float) -> float:
    """Price of the weights' sizes: ``L1 = λ Σⱼ |wⱼ|``.

    Args:
        weights: the weights ``w``, any shape.
        strength: ``λ`` ≥ 0.

    Returns:
        One number ≥ 0, in the unit of the loss it is added to.

    Example:
        >>> float(l1_penalty(np.array([3.0, -4.0, 0.0]), 0.5))
        3.5

    Reference:
        Tibshirani (1996), Regression shrinkage and selection via the lasso,
        https://doi.org/10.1111/j.2517-6161.1996.tb02080.x
    """
    return strength * np.abs(weights).sum()


def l1_penalty_gradient(weights: np.ndarray, strength: float) -> np.ndarray:
    """Slope of the L1 penalty: ``∂L1/∂wⱼ = λ sign(wⱼ)``, and 0 at the kink ``wⱼ = 0``.

    Args:
        weights: the weights, any shape.
        strength: ``λ`` ≥ 0.

    Returns:
        Gradient, same shape: the same pull on large and on small weights.

    Example:
        >>> l1_penalty_gradient(np.array([3.0, -4.0, 0.0]), 0.5)
        array([ 0.5, -0.5,  0. ])

    Reference:
        Tibshirani (1996), https://doi.org/10.1111/j.2517-6161.1996.tb02080.x
    """
    return strength * np.sign(weights)


def l2_penalty(weights: np.ndarray, strength: float) -> float:
    """Price of the weights' squares: ``L2 = λ Σⱼ wⱼ²``.

    Keras has no factor ½ here, and neither has this.

    Args:
        weights: the weights ``w``, any shape.
        strength: ``λ`` ≥ 0.

    Returns:
        One number ≥ 0, in the unit of the loss it is added to.

    Example:
        >>> float(l2_penalty(np.array([3.0, -4.0]), 0.5))
        12.5

    Reference:
        Hoerl and Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems,
        https://doi.org/10.1080/00401706.1970.10488634
    """
    return strength * np.square(weights).sum()


def l2_penalty_gradient(weights: np.ndarray, strength: float) -> np.ndarray:
    """Slope of the L2 penalty: ``∂L2/∂wⱼ = 2 λ wⱼ``.

    Args:
        weights: the weights, any shape.
        strength: ``λ`` ≥ 0.

    Returns:
        Gradient, same shape: a pull in proportion to the weight.

    Example:
        >>> l2_penalty_gradient(np.array([3.0, -4.0]), 0.5)
        array([ 3., -4.])

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, section 7.1.1, https://www.deeplearningbook.org
    """
    return 2.0 * strength * np.asarray(weights, dtype=float)


def soft_threshold(values: np.ndarray, threshold: float) -> np.ndarray:
    """Pull towards zero and stop there: ``S(v, t) = sign(v) max(|v| - t, 0)``.

    It is the exact answer to ``argmin_w ½ (w - v)² + t |w|``.

    Args:
        values: real numbers ``v``, any shape.
        threshold: ``t`` ≥ 0, in the unit of the values.

    Returns:
        Same shape; 0 wherever ``|v| ≤ t``.

    Raises:
        ValueError: the threshold is negative.

    Example:
        >>> soft_threshold(np.array([3.0, -0.5, -2.0]), 1.0)
        array([ 2., -0., -1.])

    Reference:
        Donoho (1995), De-noising by soft-thresholding, https://doi.org/10.1109/18.382009
    """
    if threshold < 0:
        raise ValueError(f"the threshold is {threshold}; it must be 0 or more.")
    values = np.asarray(values, dtype=float)
    return np.sign(values) * np.maximum(np.abs(values) - threshold, 0.0)


def ridge(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """Linear regression with an L2 penalty: ``argmin_w (1/n) ‖Xw - y‖² + λ ‖w‖² = (XᵀX + nλI)⁻¹ Xᵀy``.

    Args:
        x: columns with mean 0, shape ``(n, features)``; scale them alike, or the penalty treats them unlike.
        y: targets with mean 0, shape ``(n,)``; so no intercept is needed.
        strength: ``λ`` > 0; 0 works too where the columns are independent.

    Returns:
        Weights, shape ``(features,)``.

    Raises:
        ValueError: shapes that do not fit, or a negative strength.

    Example:
        >>> ridge(np.array([[1.0], [-1.0]]), np.array([2.0, -2.0]), 1.0)
        array([1.])

    Reference:
        Hoerl and Kennard (1970), https://doi.org/10.1080/00401706.1970.10488634
    """
    x, y = _table(x, y, strength)
    return np.linalg.solve(x.T @ x + len(x) * strength * np.eye(x.shape[1]), x.T @ y)


def lasso(x: np.ndarray, y: np.ndarray, strength: float, sweeps: int = 1000) -> np.ndarray:
    """Linear regression with an L1 penalty: ``argmin_w (1/2n) ‖Xw - y‖² + λ ‖w‖₁``, one coordinate after another.

    With the others fixed, the best weight is ``wⱼ = S(xⱼᵀrⱼ / n, λ) / (‖xⱼ‖² / n)``, where ``rⱼ`` is what the others
    leave unexplained and S is `soft_threshold`.

    Args:
        x: columns with mean 0, shape ``(n, features)``; no column may be all zeros.
        y: targets with mean 0, shape ``(n,)``.
        strength: ``λ`` ≥ 0, in the unit of y times that of x.
        sweeps: passes over the columns, at most; it stops earlier once nothing moves any more.

    Returns:
        Weights, shape ``(features,)``; many of them are exactly 0.

    Raises:
        ValueError: shapes that do not fit, or a negative strength.

    Example:
        >>> lasso(np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]), np.array([3.0, -2.0, 2.0, -3.0]), 1.0)
        array([1.5, 0. ])

    Reference:
        Friedman, Hastie and Tibshirani (2010), Regularization paths for generalized linear models via coordinate
        descent, https://doi.org/10.18637/jss.v033.i01
    """
    x, y = _table(x, y, strength)
    squares = np.square(x).mean(axis=0)  # (features,)
    weights, rest = np.zeros(x.shape[1]), y.copy()  # rest = y - Xw, what is unexplained so far
    for _ in range(sweeps):
        before = weights.copy()
        for j in range(x.shape[1]):
            pull = x[:, j] @ rest / len(x) + squares[j] * weights[j]
            moved = soft_threshold(pull, strength) / squares[j]
            rest += x[:, j] * (weights[j] - moved)
            weights[j] = moved
        if np.abs(weights - before).max() <= 1e-9 * max(1.0, np.abs(weights).max()):
            break
    return weights


def dropout(values: np.ndarray, rate: float, keep: np.ndarray) -> np.ndarray:
    """Silence some values and make the others louder: ``out = values · keep / (1 - p)``.

    Where each ``keep`` is 1 with probability 1 - p, the expectation of the output is the input: ``E[out] = values``.

    Args:
        values: activations, any shape.
        rate: ``p``, the share to silence, in [0, 1).
        keep: 1 or True for what stays, 0 or False for what is silenced, same shape; all ones and ``rate=0`` when the
            model is used, not trained.

    Returns:
        Same shape.

    Raises:
        ValueError: the rate is not in [0, 1), or the shapes differ.

    Example:
        >>> dropout(np.array([1.0, 2.0, 3.0, 4.0]), 0.5, np.array([1, 0, 0, 1]))
        array([2., 0., 0., 8.])

    Reference:
        Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting,
        https://jmlr.org/papers/v15/srivastava14a.html
    """
    values, keep = np.asarray(values, dtype=float), np.asarray(keep)
    if not 0 <= rate < 1 or values.shape != keep.shape:
        raise ValueError(
            f"rate {rate}, values {values.shape} and keep {keep.shape} do not fit; the rate must be in [0, 1) and "
            "there must be one keep for each value."
        )
    return values * keep / (1.0 - rate)


def _table(x, y, strength) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 2 or y.shape != x.shape[:1] or strength < 0:
        raise ValueError(
            f"x has shape {x.shape}, y {y.shape}, strength is {strength}; expected (n, features), (n,) and 0 or more."
        )
    return x, y
