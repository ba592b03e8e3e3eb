"""Backpropagation through dense layers: the chain rule, applied from the loss back to the first weight.

A network is a list of layers, each a pair ``(weights, bias)`` of shapes ``(inputs, units)`` and ``(units,)``.
All layers but the last are followed by ReLU; the last gives logits.
"""

from collections.abc import Callable, Sequence

import numpy as np

from bmkit.scratch.network import Layers

__all__ = ["backward_pass", "dense_backward", "numerical_gradient"]


def dense_backward(x: np.ndarray, weights: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Carry slopes back through ``z = xW + b``: ``∂L/∂x = G Wᵀ``, ``∂L/∂W = xᵀ G``, ``∂L/∂b = Σᵢ Gᵢ``.

    Args:
        x: what went into the layer, shape ``(n, inputs)``.
        weights: ``W``, shape ``(inputs, units)``.
        slope: ``G = ∂L/∂z``, how the loss changes with each output, shape ``(n, units)``.

    Returns:
        Slopes for the input, the weights and the bias, shapes ``(n, inputs)``, ``(inputs, units)``, ``(units,)``.

    Raises:
        ValueError: the three shapes do not fit.

    Example:
        >>> x, weights, slope = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([[10.0]])
        >>> back, by_weights, by_bias = dense_backward(x, weights, slope)
        >>> back, by_weights.ravel(), by_bias
        (array([[30., 40.]]), array([10., 20.]), array([10.]))

    Reference:
        Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors,
        https://doi.org/10.1038/323533a0
    """
    if slope.shape != (x.shape[0], weights.shape[1]) or x.shape[1] != weights.shape[0]:
        raise ValueError(
            f"x {x.shape}, weights {weights.shape} and slope {slope.shape} do not fit; "
            "expected (n, inputs), (inputs, units) and (n, units)."
        )
    return slope @ weights.T, x.T @ slope, slope.sum(axis=0)


def backward_pass(
    layers: Layers, activations: Sequence[np.ndarray], slope: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find the slope of the loss for every weight: ``Gₗ₋₁ = (Gₗ Wₗᵀ) ⊙ [aₗ₋₁ > 0]``, from the last layer to the first.

    Args:
        layers: as for `forward_pass`.
        activations: the input of each layer, as `forward_pass` returned it.
        slope: ``G_L``, the slope of the loss with respect to the logits, shape ``(n, classes)``.

    Returns:
        One pair a layer, from first to last: slopes for its weights and its bias, of their shapes.

    Raises:
        ValueError: not one activation a layer, or shapes that do not fit.

    Example:
        >>> layers = [(np.array([[1.0, -1.0]]), np.zeros(2)), (np.array([[2.0], [5.0]]), np.ones(1))]
        >>> activations = [np.array([[3.0]]), np.array([[3.0, 0.0]])]  # from `forward_pass`
        >>> first, last = backward_pass(layers, activations, np.ones((1, 1)))
        >>> first[0], last[0].ravel()
        (array([[6., 0.]]), array([3., 0.]))

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, algorithm 6.4, https://www.deeplearningbook.org
    """
    if len(layers) != len(activations):
        raise ValueError(
            f"{len(layers)} layers but {len(activations)} activations; each layer needs what went into it."
        )
    slopes = []
    for (weights, _), received in zip(reversed(layers), reversed(activations), strict=True):
        back, by_weights, by_bias = dense_backward(received, weights, slope)
        slopes.append((by_weights, by_bias))
        slope = back * (received > 0)  # relu passes a slope on where it let the value through
    return slopes[::-1]


def numerical_gradient(function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Measure a slope by nudging one number at a time: ``∂f/∂vⱼ ≈ [f(v + h eⱼ) - f(v - h eⱼ)] / 2h``.

    It needs two runs of the function for each number, so it is for checking a gradient, not for training.

    Args:
        function: gives one number for an array of the shape of `at`.
        at: where to measure ``v``, any shape.
        step: ``h`` > 0, in the unit of `at`; the error shrinks with its square until rounding takes over.

    Returns:
        Array of the shape of `at`.

    Example:
        >>> numerical_gradient(lambda v: (v**2).sum(), np.array([3.0, -1.0]), step=0.5)
        array([ 6., -2.])

    Reference:
        Nocedal and Wright (2006), Numerical Optimization, section 8.1, https://doi.org/10.1007/978-0-387-40065-5
    """
    at = np.asarray(at, dtype=float)
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[index] = step
        gradient[index] = (float(function(at + nudge)) - float(function(at - nudge))) / (2 * step)
    return gradient
