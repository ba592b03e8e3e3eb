"""Bring the numbers of a step, or of a feature map, to a common scale.

Axes: ``features`` of a step (last), ``channels`` of a picture (last).
"""

import numpy as np

__all__ = ["batch_norm", "fold_batch_norm", "layer_norm", "rms_norm"]


def layer_norm(
    x: np.ndarray, scale: np.ndarray | float = 1.0, shift: np.ndarray | float = 0.0, epsilon: float = 1e-3
) -> np.ndarray:
    """Centre and scale each step by its own mean and spread: ``scale · (x - mean) / √(variance + ε) + shift``.

    Args:
        x: shape ``(…, features)``.
        scale: learned, shape ``(features,)``.
        shift: learned, shape ``(features,)``.
        epsilon: added to the variance; 1e-3 in Keras.

    Returns:
        Same shape; without scale and shift each step has mean 0 and variance just below 1.

    Example:
        >>> layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), epsilon=0.0)
        array([[-1.,  1.],
               [-1.,  1.]])

    Reference:
        Ba, Kiros and Hinton (2016), Layer normalization, https://arxiv.org/abs/1607.06450
    """
    x = np.asarray(x, dtype=float)
    centred = x - x.mean(axis=-1, keepdims=True)
    return scale * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) + shift


def rms_norm(x: np.ndarray, scale: np.ndarray | float = 1.0, epsilon: float = 1e-6) -> np.ndarray:
    """Scale each step by its root mean square, without centring: ``scale · x / √(mean(x²) + ε)``.

    Args:
        x: shape ``(…, features)``.
        scale: learned, shape ``(features,)``.
        epsilon: added to the mean square; 1e-6 in Keras.

    Returns:
        Same shape; without scale each step has a mean square just below 1.

    Example:
        >>> rms_norm(np.array([[3.0, 4.0], [-30.0, 40.0]]), epsilon=0.0).round(3)
        array([[ 0.849,  1.131],
               [-0.849,  1.131]])

    Reference:
        Zhang and Sennrich (2019), Root mean square layer normalization, https://arxiv.org/abs/1910.07467
    """
    x = np.asarray(x, dtype=float)
    return scale * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)


def batch_norm(
    x: np.ndarray, mean: np.ndarray, variance: np.ndarray, *, scale=1.0, shift=0.0, epsilon: float = 1e-3
) -> np.ndarray:
    """Centre and scale each channel by given statistics: ``scale · (x - mean) / √(variance + ε) + shift``.

    Args:
        x: shape ``(…, channels)``.
        mean: of each channel: that of the batch in training, a running average afterwards, shape ``(channels,)``.
        variance: likewise, shape ``(channels,)``.
        scale: learned, shape ``(channels,)``, or one number.
        shift: learned, shape ``(channels,)``, or one number.
        epsilon: added to the variance; 1e-3 in Keras.

    Returns:
        Same shape.

    Example:
        >>> batch_norm(np.array([[1.0], [5.0]]), np.array([3.0]), np.array([4.0]), epsilon=0.0)
        array([[-1.],
               [ 1.]])

    Reference:
        Ioffe and Szegedy (2015), Batch normalization, https://arxiv.org/abs/1502.03167
    """
    return scale * (np.asarray(x, dtype=float) - mean) / np.sqrt(np.asarray(variance, dtype=float) + epsilon) + shift


def fold_batch_norm(
    kernel: np.ndarray, mean: np.ndarray, variance: np.ndarray, *, scale=1.0, shift=0.0, epsilon: float = 1e-3
) -> tuple[np.ndarray, np.ndarray]:
    """Hide a trained normalisation in the convolution before it: ``K' = K·g`` and ``b = shift - g·mean``.

    The gain is ``g = scale / √(variance + ε)``, one number a filter.

    Args:
        kernel: of a convolution without bias, shape ``(…, channels, filters)``.
        mean: running mean of each filter, shape ``(filters,)``.
        variance: running variance, shape ``(filters,)``.
        scale: learned, shape ``(filters,)``, or one number.
        shift: learned, shape ``(filters,)``, or one number.
        epsilon: added to the variance; 1e-3 in Keras.

    Returns:
        A kernel of the same shape and a bias of shape ``(filters,)``; together they do what both layers did.

    Example:
        >>> fold_batch_norm(np.array([[2.0]]), np.array([3.0]), np.array([4.0]), epsilon=0.0)
        (array([[1.]]), array([-1.5]))

    Reference:
        Jacob et al. (2018), Quantization and training of neural networks, section 3.2, https://arxiv.org/abs/1712.05877
    """
    gain = scale / np.sqrt(np.asarray(variance, dtype=float) + epsilon)  # (filters,)
    return np.asarray(kernel, dtype=float) * gain, shift - gain * np.asarray(mean, dtype=float)
