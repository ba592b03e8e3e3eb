"""Loss functions in NumPy, each averaged over the examples, and the gradients that training needs."""

import numpy as np

from bmkit.scratch.activations import log_softmax, sigmoid, softmax

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_from_logits",
    "binary_cross_entropy_gradient",
    "categorical_cross_entropy",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
]


def mean_squared_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Average squared distance: ``MSE = (1/n) Σᵢ (ŷᵢ - yᵢ)²``.

    Args:
        y_true: targets ``y``, shape ``(n,)`` or ``(n, outputs)``, in any unit u.
        y_pred: predictions ``ŷ``, same shape and unit.

    Returns:
        One number ≥ 0, in u².

    Raises:
        ValueError: the two shapes differ (broadcasting would silently compare every pair).

    Example:
        >>> float(mean_squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
        2.0

    Reference:
        Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 2.4,
        https://hastie.su.domains/ElemStatLearn/
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    return np.mean((y_pred - y_true) ** 2)


def mean_squared_error_gradient(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Slope of the mean squared error: ``∂MSE/∂ŷᵢ = 2 (ŷᵢ - yᵢ) / n``.

    Args:
        y_true: targets, any shape with n values.
        y_pred: predictions, same shape.

    Returns:
        Gradient with respect to `y_pred`, same shape.

    Raises:
        ValueError: the two shapes differ.

    Example:
        >>> mean_squared_error_gradient(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
        array([0., 2.])

    Reference:
        Hastie, Tibshirani and Friedman (2009), section 11.4, https://hastie.su.domains/ElemStatLearn/
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    return 2.0 * (y_pred - y_true) / y_true.size


def binary_cross_entropy(y_true: np.ndarray, p: np.ndarray, epsilon: float = 1e-7) -> float:
    """Surprise of a yes/no forecast: ``BCE = -(1/n) Σᵢ [yᵢ log pᵢ + (1-yᵢ) log(1-pᵢ)]``.

    Args:
        y_true: 0 or 1, shape ``(n,)``.
        p: forecast probability of 1, same shape, in [0, 1].
        epsilon: probabilities are kept this far from 0 and 1, because log 0 is minus infinity.

    Returns:
        One number ≥ 0, in nats.

    Raises:
        ValueError: the two shapes differ.

    Example:
        >>> float(binary_cross_entropy(np.array([1, 0]), np.array([0.5, 0.5])).round(4))
        0.6931

    Reference:
        Bishop (2006), Pattern Recognition and Machine Learning, section 4.3.2,
        https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/
    """
    y_true, p = _same_shape(y_true, p)
    p = np.clip(p, epsilon, 1.0 - epsilon)
    return -np.mean(y_true * np.log(p) + (1.0 - y_true) * np.log(1.0 - p))


def binary_cross_entropy_from_logits(y_true: np.ndarray, z: np.ndarray) -> float:
    """The same loss straight from logits: ``BCE = (1/n) Σᵢ [max(zᵢ, 0) - zᵢyᵢ + log(1 + exp(-|zᵢ|))]``.

    Args:
        y_true: 0 or 1, shape ``(n,)``.
        z: logits, same shape; the probability is ``σ(z)``.

    Returns:
        One number ≥ 0, in nats; exact for every finite logit, with nothing clipped.

    Raises:
        ValueError: the two shapes differ.

    Example:
        >>> float(binary_cross_entropy_from_logits(np.array([0.0]), np.array([1000.0])))
        1000.0

    Reference:
        TensorFlow documentation, sigmoid_cross_entropy_with_logits,
        https://www.tensorflow.org/api_docs/python/tf/nn/sigmoid_cross_entropy_with_logits
    """
    y_true, z = _same_shape(y_true, z)
    return np.mean(np.maximum(z, 0.0) - z * y_true + np.log1p(np.exp(-np.abs(z))))


def binary_cross_entropy_gradient(y_true: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Slope with respect to the logits: ``∂BCE/∂zᵢ = (σ(zᵢ) - yᵢ) / n``.

    Args:
        y_true: 0 or 1, shape ``(n,)``.
        z: logits, same shape.

    Returns:
        Gradient, same shape.

    Raises:
        ValueError: the two shapes differ.

    Example:
        >>> binary_cross_entropy_gradient(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
        array([-0.25,  0.25])

    Reference:
        Bishop (2006), equation 4.91.
    """
    y_true, z = _same_shape(y_true, z)
    return (sigmoid(z) - y_true) / y_true.size


def categorical_cross_entropy(y_true: np.ndarray, p: np.ndarray, epsilon: float = 1e-7) -> float:
    """Surprise at the true class: ``CE = -(1/n) Σᵢ Σₖ yᵢₖ log pᵢₖ``.

    Args:
        y_true: one-hot (or soft) targets, shape ``(n, classes)``, rows sum to 1.
        p: forecast probabilities, same shape.
        epsilon: lower bound for a probability.

    Returns:
        One number ≥ 0, in nats.

    Raises:
        ValueError: the two shapes differ.

    Example:
        >>> float(categorical_cross_entropy(np.array([[0, 1]]), np.array([[0.75, 0.25]])).round(4))
        1.3863

    Reference:
        Bishop (2006), equation 4.108.
    """
    y_true, p = _same_shape(y_true, p)
    return -np.mean(np.sum(y_true * np.log(np.clip(p, epsilon, 1.0)), axis=-1))


def softmax_cross_entropy(labels: np.ndarray, z: np.ndarray) -> float:
    """Softmax and cross-entropy in one: ``CE = (1/n) Σᵢ [lse(zᵢ) - zᵢ,yᵢ]``.

    Args:
        labels: class numbers ``y``, integers in 0 … classes-1, shape ``(n,)``.
        z: logits, shape ``(n, classes)``.

    Returns:
        One number ≥ 0, in nats; finite for all finite logits.

    Raises:
        ValueError: not one label per row of logits.

    Example:
        >>> float(softmax_cross_entropy(np.array([0]), np.array([[0.0, 1000.0]])))
        1000.0

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.2.2.3, https://www.deeplearningbook.org
    """
    labels, z = _one_label_a_row(labels, z)
    return -np.mean(log_softmax(z)[np.arange(len(labels)), labels])


def softmax_cross_entropy_gradient(labels: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Slope with respect to the logits: ``∂CE/∂zᵢₖ = (pᵢₖ - [k = yᵢ]) / n`` with ``p = softmax(z)``.

    Args:
        labels: class numbers, shape ``(n,)``.
        z: logits, shape ``(n, classes)``.

    Returns:
        Gradient, shape ``(n, classes)``; every row sums to 0.

    Raises:
        ValueError: not one label per row of logits.

    Example:
        >>> softmax_cross_entropy_gradient(np.array([1]), np.array([[0.0, 0.0]]))
        array([[ 0.5, -0.5]])

    Reference:
        Bishop (2006), equation 4.109.
    """
    labels, z = _one_label_a_row(labels, z)
    gradient = softmax(z)
    gradient[np.arange(len(labels)), labels] -= 1.0
    return gradient / len(labels)


def _same_shape(y_true, y_pred) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"y_true has shape {y_true.shape} but the prediction has shape {y_pred.shape}; "
            "they must be equal: reshape one of them (a stray axis of length 1 is the usual cause)."
        )
    return y_true, y_pred


def _one_label_a_row(labels, z) -> tuple[np.ndarray, np.ndarray]:
    labels, z = np.asarray(labels), np.asarray(z, dtype=float)
    if z.ndim != 2 or labels.shape != z.shape[:1]:
        raise ValueError(
            f"labels have shape {labels.shape} and logits {z.shape}; expected (n,) and (n, classes): "
            "one class number for each row of logits."
        )
    return labels, z
