"""Where training starts: how widely first weights are spread, and what that does to the numbers flowing through."""

from collections.abc import Sequence

import numpy as np

__all__ = ["glorot_uniform_limit", "he_normal_std", "propagated_spread", "root_mean_square"]


def glorot_uniform_limit(fan_in: int, fan_out: int) -> float:
    """Bound of Glorot's uniform start: ``a = √(6 / (n_in + n_out))``, weights drawn evenly from [-a, a].

    Args:
        fan_in: numbers that go into a neuron, ``n_in`` ≥ 1.
        fan_out: neurons in the layer, ``n_out`` ≥ 1.

    Returns:
        The limit a > 0; the weights' standard deviation is ``a/√3 = √(2 / (n_in + n_out))``.

    Raises:
        ValueError: a fan is below 1.

    Example:
        >>> round(glorot_uniform_limit(100, 50), 3)
        0.2

    Reference:
        Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks,
        https://proceedings.mlr.press/v9/glorot10a.html
    """
    _at_least_one(fan_in=fan_in, fan_out=fan_out)
    return float(np.sqrt(6.0 / (fan_in + fan_out)))


def he_normal_std(fan_in: int) -> float:
    """Standard deviation of He's normal start: ``σ = √(2 / n_in)``, which keeps the spread through ReLU layers.

    Args:
        fan_in: numbers that go into a neuron, ``n_in`` ≥ 1.

    Returns:
        The standard deviation σ > 0.

    Raises:
        ValueError: the fan is below 1.

    Example:
        >>> he_normal_std(50)
        0.2

    Reference:
        He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, https://arxiv.org/abs/1502.01852
    """
    _at_least_one(fan_in=fan_in)
    return float(np.sqrt(2.0 / fan_in))


def propagated_spread(start: float, fans: Sequence[int], stds: Sequence[float], kept: float = 0.5) -> np.ndarray:
    """Predict the spread layer by layer: ``rₗ = rₗ₋₁ · σₗ · √(κ nₗ)``.

    Args:
        start: root mean square ``r₀`` of the numbers that enter, ≥ 0.
        fans: how many numbers each neuron of a layer adds up, ``nₗ``, one for each layer.
        stds: standard deviation ``σₗ`` of each layer's weights, as many as `fans`.
        kept: share ``κ`` of the mean square that the activation lets through: ½ for ReLU, 1 for none.

    Returns:
        Root mean square after each layer, shape ``(layers,)``, in the unit of `start`.

    Raises:
        ValueError: not one standard deviation for each layer.

    Example:
        >>> propagated_spread(1.0, [50, 200], [0.2, 0.2])
        array([1., 2.])

    Reference:
        He, Zhang, Ren and Sun (2015), section 2.2, https://arxiv.org/abs/1502.01852
    """
    fans, stds = np.asarray(fans, dtype=float), np.asarray(stds, dtype=float)
    if fans.ndim != 1 or fans.shape != stds.shape:
        raise ValueError(f"fans has shape {fans.shape} and stds {stds.shape}; give one of each for every layer.")
    return start * np.cumprod(stds * np.sqrt(kept * fans))


def root_mean_square(values: np.ndarray) -> float:
    """Spread of numbers around zero: ``r = √(mean of vᵢ²)``.

    Args:
        values: real numbers, any shape, at least one.

    Returns:
        One number ≥ 0, in the unit of `values`; their standard deviation if their mean is 0.

    Example:
        >>> float(root_mean_square(np.array([1.0, -7.0])))
        5.0

    Reference:
        Glorot and Bengio (2010), section 4.2, https://proceedings.mlr.press/v9/glorot10a.html
    """
    return np.sqrt(np.mean(np.square(np.asarray(values, dtype=float))))


def _at_least_one(**fans: int) -> None:
    for name, fan in fans.items():
        if fan < 1:
            raise ValueError(f"{name} is {fan}; a layer has at least 1.")
