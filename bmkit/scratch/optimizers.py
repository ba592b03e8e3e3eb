"""One step of each optimizer, and how fast gradient descent shrinks the error on a quadratic."""

import numpy as np

__all__ = ["adam_step", "best_learning_rate", "clip_by_norm", "contraction_factor", "momentum_step", "sgd_step"]


def sgd_step(weights: np.ndarray, gradient: np.ndarray, learning_rate: float) -> np.ndarray:
    """Step downhill: ``θ ← θ - η g``. It is the step of gradient descent and, with a batch's gradient, of SGD.

    Args:
        weights: parameters ``θ``, any shape, any unit u.
        gradient: slope ``g`` of the loss at `weights`, same shape, in loss per u.
        learning_rate: ``η`` > 0, in u² per loss.

    Returns:
        The new parameters, same shape; the arguments stay as they were.

    Raises:
        ValueError: the two shapes differ.

    Example:
        >>> sgd_step(np.array([1.0, 2.0]), np.array([10.0, -10.0]), learning_rate=0.1)
        array([0., 3.])

    Reference:
        Robbins and Monro (1951), A Stochastic Approximation Method, https://doi.org/10.1214/aoms/1177729586
    """
    weights, gradient = _same_shape(weights, gradient)
    return weights - learning_rate * gradient


def momentum_step(
    weights: np.ndarray, gradient: np.ndarray, velocity: np.ndarray, *, learning_rate: float, momentum: float = 0.9
) -> tuple[np.ndarray, np.ndarray]:
    """Step with a memory, like a heavy ball: ``v ← β v - η g``, then ``θ ← θ + v``.

    Args:
        weights: parameters ``θ``, any shape, any unit u.
        gradient: slope ``g`` of the loss at `weights`, same shape.
        velocity: ``v``, the last step, same shape and unit as `weights`; zeros before the first.
        learning_rate: ``η`` > 0, in u² per loss.
        momentum: ``β``, the share of the last step that is kept, in [0, 1).

    Returns:
        The new parameters and the new velocity, each of the same shape.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> momentum_step(np.array([1.0]), np.array([2.0]), np.array([-1.0]), learning_rate=0.5, momentum=0.5)
        (array([-0.5]), array([-1.5]))

    Reference:
        Polyak (1964), Some methods of speeding up the convergence of iteration methods,
        https://doi.org/10.1016/0041-5553(64)90137-5
    """
    weights, gradient, velocity = _same_shape(weights, gradient, velocity)
    velocity = momentum * velocity - learning_rate * gradient
    return weights + velocity, velocity


def adam_step(
    weights: np.ndarray,
    gradient: np.ndarray,
    state: tuple[np.ndarray, np.ndarray, int] | None = None,
    *,
    learning_rate: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, int]]:
    """Step by the mean gradient over its typical size: ``θ ← θ - η m̂ / (√ŝ + ε)``, with ``m̂`` and ``ŝ`` unbiased.

    ``m ← β₁ m + (1-β₁) g`` and ``s ← β₂ s + (1-β₂) g²`` are running means; ``m̂ = m / (1-β₁ᵗ)`` and
    ``ŝ = s / (1-β₂ᵗ)`` undo that they start at zero. As in Keras, ε stands beside the *uncorrected* √s:
    the step is ``η √(1-β₂ᵗ) / (1-β₁ᵗ) · m / (√s + ε)``.

    Args:
        weights: parameters ``θ``, any shape, any unit u.
        gradient: slope ``g`` of the loss at `weights`, same shape.
        state: ``(m, s, t)`` as the last step returned it; None before the first.
        learning_rate: ``η`` > 0, in u: about the length of a step in each coordinate.
        beta_1: memory of the mean gradient, in [0, 1).
        beta_2: memory of the mean square, in [0, 1).
        epsilon: keeps the quotient finite where the gradient has always been zero.

    Returns:
        The new parameters, and the state ``(m, s, t)`` for the next step.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> weights, (mean, square, steps) = adam_step(np.zeros(2), np.array([1000.0, -0.1]), learning_rate=0.5)
        >>> weights.round(3), steps
        (array([-0.5,  0.5]), 1)

    Reference:
        Kingma and Ba (2015), Adam: A Method for Stochastic Optimization, https://arxiv.org/abs/1412.6980
    """
    mean, square, steps = (np.zeros_like(weights, dtype=float),) * 2 + (0,) if state is None else state
    weights, gradient, mean, square = _same_shape(weights, gradient, mean, square)
    steps = steps + 1
    mean = beta_1 * mean + (1 - beta_1) * gradient
    square = beta_2 * square + (1 - beta_2) * gradient**2
    rate = learning_rate * np.sqrt(1 - beta_2**steps) / (1 - beta_1**steps)
    return weights - rate * mean / (np.sqrt(square) + epsilon), (mean, square, steps)


def clip_by_norm(gradient: np.ndarray, largest: float) -> np.ndarray:
    """Shorten a gradient that is too long, keeping its direction: ``g · min(1, c / ‖g‖)``.

    Args:
        gradient: ``g``, any shape.
        largest: ``c`` > 0, the greatest length allowed, in the gradient's unit.

    Returns:
        A gradient of the same shape and direction, no longer than `largest`.

    Example:
        >>> clip_by_norm(np.array([30.0, 40.0]), 5.0), clip_by_norm(np.array([0.3, 0.4]), 5.0)
        (array([3., 4.]), array([0.3, 0.4]))

    Reference:
        Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks,
        https://arxiv.org/abs/1211.5063
    """
    length = np.sqrt(np.sum(np.square(gradient)))
    return gradient * (largest / max(length, largest))


def contraction_factor(eigenvalues: np.ndarray, learning_rate: float) -> float:
    """Most that is left of the error after a step of gradient descent on a quadratic: ``max_λ |1 - η λ|``.

    Args:
        eigenvalues: ``λ`` of the loss's matrix of second derivatives, shape ``(parameters,)``, all > 0.
        learning_rate: ``η`` > 0.

    Returns:
        A factor ≥ 0; below 1 the descent converges, above 1 it diverges.

    Raises:
        ValueError: an eigenvalue is not positive, so there is no single lowest point.

    Example:
        >>> float(contraction_factor(np.array([1.0, 4.0]), 0.25)), float(contraction_factor(np.array([1.0, 4.0]), 1.0))
        (0.75, 3.0)

    Reference:
        Goh (2017), Why Momentum Really Works, https://doi.org/10.23915/distill.00006
    """
    return np.max(np.abs(1.0 - learning_rate * _positive(eigenvalues)))


def best_learning_rate(eigenvalues: np.ndarray) -> float:
    """Learning rate with the smallest contraction factor on a quadratic: ``η = 2 / (λ_min + λ_max)``.

    Args:
        eigenvalues: ``λ`` of the loss's matrix of second derivatives, shape ``(parameters,)``, all > 0.

    Returns:
        The rate; its contraction factor is ``(κ - 1) / (κ + 1)`` with ``κ = λ_max / λ_min``.

    Raises:
        ValueError: an eigenvalue is not positive, so there is no single lowest point.

    Example:
        >>> float(best_learning_rate(np.array([1.0, 4.0])))
        0.4

    Reference:
        Boyd and Vandenberghe (2004), Convex Optimization, section 9.3, https://web.stanford.edu/~boyd/cvxbook/
    """
    eigenvalues = _positive(eigenvalues)
    return 2.0 / (eigenvalues.min() + eigenvalues.max())


def _same_shape(weights, *others) -> list[np.ndarray]:
    arrays = [np.asarray(array, dtype=float) for array in (weights, *others)]
    if len({array.shape for array in arrays}) > 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"weights, gradient and memory have shapes {shapes}; they must be equal, one number a weight.")
    return arrays


def _positive(eigenvalues) -> np.ndarray:
    eigenvalues = np.asarray(eigenvalues, dtype=float)
    if eigenvalues.min() <= 0:
        raise ValueError(f"the smallest eigenvalue is {eigenvalues.min():g}; all must be positive for a bowl.")
    return eigenvalues
