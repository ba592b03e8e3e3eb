"""From one neuron to a multi-layer perceptron, forward pass only, and how many numbers there are to learn."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from bmkit.scratch.activations import relu, sigmoid

__all__ = ["dense", "dense_parameters", "forward_pass", "mlp_forward", "neuron"]

Layers = Sequence[tuple[np.ndarray, np.ndarray]]


def neuron(x: np.ndarray, w: np.ndarray, b: float) -> np.ndarray:
    """One neuron as a yes/no judge: ``p = σ(z)`` with ``z = Σⱼ xⱼwⱼ + b``.

    Args:
        x: inputs, shape ``(n, features)``, or ``(features,)`` for one example; best standardised.
        w: one weight a feature, shape ``(features,)``.
        b: bias, one number; in the unit of z.

    Returns:
        Probability of yes for each example, in [0, 1], shape ``(n,)``, or one number for one example.

    Raises:
        ValueError: not one weight a feature.

    Example:
        >>> neuron(np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([1.0, -1.0]), 1.0).round(2)
        array([0.5 , 0.95])

    Reference:
        Bishop (2006), Pattern Recognition and Machine Learning, section 4.3.2,
        https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/
    """
    x, w = np.asarray(x, dtype=float), np.asarray(w, dtype=float)
    if w.shape != x.shape[-1:]:
        raise ValueError(f"w has shape {w.shape}, but an example has {x.shape[-1:]}; give one weight a feature.")
    return sigmoid(x @ w + b)


def dense(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0) -> np.ndarray:
    """A layer of neurons before its activation: ``zₖ = Σⱼ xⱼWⱼₖ + bₖ``, in short ``z = xW + b``.

    Args:
        x: inputs, shape ``(..., features)``.
        kernel: weights ``W``, shape ``(features, units)``: one column a neuron.
        bias: ``b``, shape ``(units,)``, or one number for all.

    Returns:
        Weighted sums, shape ``(..., units)``.

    Raises:
        ValueError: the kernel does not have one row a feature.

    Example:
        >>> dense(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]), np.array([0.0, 0.0, -5.0]))
        array([[1., 2., 1.]])

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.1, https://www.deeplearningbook.org
    """
    x, kernel = np.asarray(x, dtype=float), np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or len(kernel) != x.shape[-1]:
        raise ValueError(
            f"the inputs have shape {x.shape} and the kernel {kernel.shape}; expected (..., features) and "
            "(features, units): one row of the kernel for each feature."
        )
    return x @ kernel + bias


def forward_pass(
    layers: Layers, x: np.ndarray, activation: Callable[[np.ndarray], np.ndarray] = relu
) -> tuple[list[np.ndarray], np.ndarray]:
    """Compute a network and keep what every layer received: ``aₗ = φ(aₗ₋₁Wₗ + bₗ)``, ``z = a_{L-1}W_L + b_L``.

    Args:
        layers: ``[(W₁, b₁), …, (W_L, b_L)]``, at least one; Wₗ of shape ``(inputs, units)``, bₗ of ``(units,)``.
        x: inputs ``a₀``, shape ``(n, inputs)``.
        activation: the function ``φ`` of every layer but the last, applied value by value.

    Returns:
        The input of each layer ``[a₀, …, a_{L-1}]``, and the logits, shape ``(n, classes)``.

    Raises:
        ValueError: two neighbouring layers do not fit.

    Example:
        >>> layers = [(np.array([[1.0, -1.0]]), np.zeros(2)), (np.array([[2.0], [5.0]]), np.ones(1))]
        >>> activations, logits = forward_pass(layers, np.array([[3.0]]))
        >>> activations[1], logits
        (array([[3., 0.]]), array([[7.]]))

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, algorithm 6.3, https://www.deeplearningbook.org
    """
    activations = [np.asarray(x, dtype=float)]
    for weights, bias in layers[:-1]:
        activations.append(activation(dense(activations[-1], weights, bias)))  # (n, units)
    return activations, dense(activations[-1], *layers[-1])


def mlp_forward(
    x: np.ndarray, weights: Sequence[np.ndarray], activation: Callable[[np.ndarray], np.ndarray] = relu
) -> np.ndarray:
    """Multi-layer perceptron: ``hₗ = φ(hₗ₋₁Wₗ + bₗ)`` with ``h₀ = x``; the last layer has no φ and gives logits.

    Args:
        x: inputs, shape ``(n, features)``.
        weights: ``[W₁, b₁, W₂, b₂, …]`` as ``keras.Model.get_weights`` lists them, Wₗ of shape
            ``(units before, units)``, bₗ of shape ``(units,)``.
        activation: the function ``φ`` of every hidden layer, applied value by value.

    Returns:
        Logits, shape ``(n, units of the last layer)``.

    Raises:
        ValueError: a bias is missing, or two neighbouring layers do not fit.

    Example:
        >>> mlp_forward(np.array([[1.0, -2.0]]), [np.eye(2), np.zeros(2), np.ones((2, 1)), np.array([0.5])])
        array([[1.5]])

    Reference:
        Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors,
        https://doi.org/10.1038/323533a0
    """
    if len(weights) < 2 or len(weights) % 2:
        raise ValueError(f"weights has {len(weights)} arrays; expected [W₁, b₁, W₂, b₂, …], two for each layer.")
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    return forward_pass(layers, x, activation)[1]


def dense_parameters(sizes: Sequence[int]) -> int:
    """Count what a multi-layer perceptron can learn: ``Σₗ (nₗ₋₁ + 1) · nₗ``.

    Args:
        sizes: number of inputs, then of neurons in each layer, outputs included: ``(n₀, n₁, …)``, each ≥ 1.

    Returns:
        Weights and biases together; 0 if there is no layer.

    Example:
        >>> dense_parameters((64, 32, 10))
        2410

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, section 6.1, https://www.deeplearningbook.org
    """
    return sum((before + 1) * units for before, units in itertools.pairwise(sizes))
