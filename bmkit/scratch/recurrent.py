"""Recurrent cells in NumPy: one step of a SimpleRNN, an LSTM, a GRU, and a loop that runs any of them over a sequence.

Axes: ``n`` sequences, ``time`` steps, ``features`` of one step, ``units`` of the cell. The weights are laid out as
Keras lays them out, so ``layer.get_weights()`` fits: ``kernel`` for the input, ``recurrent_kernel`` for the state,
``bias``. The gates of a cell stand side by side along the last axis.
"""

from collections.abc import Callable, Sequence

import numpy as np

from bmkit.scratch.activations import sigmoid

__all__ = ["gru_step", "lstm_multiply_adds", "lstm_step", "recurrent_outputs", "simple_rnn_step"]


def simple_rnn_step(
    x: np.ndarray, h: np.ndarray, kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """Mix the new input with the old state: ``h' = tanh(xW + hU + b)``.

    Args:
        x: one step, shape ``(n, features)``.
        h: state after the step before, shape ``(n, units)``; zeros at the start.
        kernel: ``W``, shape ``(features, units)``.
        recurrent_kernel: ``U``, shape ``(units, units)``.
        bias: ``b``, shape ``(units,)``.

    Returns:
        The new state, each number in (-1, 1), shape ``(n, units)``.

    Raises:
        ValueError: the weights do not fit the input or the state.

    Example:
        >>> simple_rnn_step(np.array([[1.0]]), np.array([[0.5]]), np.array([[2.0]]), np.array([[-4.0]]))
        array([[0.]])

    Reference:
        Elman (1990), Finding structure in time, https://doi.org/10.1207/s15516709cog1402_1
    """
    x, h, kernel, recurrent_kernel = _fitting(x, h, kernel, recurrent_kernel, gates=1)
    return np.tanh(x @ kernel + h @ recurrent_kernel + bias)


def lstm_step(
    x: np.ndarray,
    state: tuple[np.ndarray, np.ndarray],
    kernel: np.ndarray,
    recurrent_kernel: np.ndarray,
    bias: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Forget, write and read a memory: ``c' = f·c + i·tanh(g)`` and ``h' = o·tanh(c')``.

    The gates are ``i = σ(zᵢ)``, ``f = σ(z_f)``, ``o = σ(zₒ)`` and the candidate is ``g = z_g``, where the four blocks
    ``[zᵢ, z_f, z_g, zₒ] = xW + hU + b`` stand in Keras's order: input, forget, candidate, output.

    Args:
        x: one step, shape ``(n, features)``.
        state: ``(h, c)``, what the cell tells and what it remembers, each of shape ``(n, units)``.
        kernel: ``W``, shape ``(features, 4·units)``.
        recurrent_kernel: ``U``, shape ``(units, 4·units)``.
        bias: ``b``, shape ``(4·units,)``; Keras starts the forget gate's part at 1.

    Returns:
        The new ``(h, c)``, each of shape ``(n, units)``.

    Raises:
        ValueError: the weights do not fit the input or the state.

    Example:
        >>> h, c = lstm_step(np.zeros((1, 1)), (np.zeros((1, 1)), np.ones((1, 1))), np.zeros((1, 4)), np.zeros((1, 4)))
        >>> float(c[0, 0]), float(h[0, 0].round(4))  # every gate is half open
        (0.5, 0.2311)

    Reference:
        Hochreiter and Schmidhuber (1997), Long short-term memory, https://doi.org/10.1162/neco.1997.9.8.1735;
        Gers, Schmidhuber and Cummins (2000), Learning to forget, https://doi.org/10.1162/089976600300015015
    """
    h, c = state
    x, h, kernel, recurrent_kernel = _fitting(x, h, kernel, recurrent_kernel, gates=4)
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)  # each (n, units)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(
    x: np.ndarray, h: np.ndarray, kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """Keep a share of the old state: ``h' = z·h + (1-z)·tanh(x_g + r·h_g)``.

    The gates are ``z = σ(x_z + h_z)`` (keep) and ``r = σ(x_r + h_r)`` (look back), where the blocks are
    ``[x_z, x_r, x_g] = xW + b₀`` and ``[h_z, h_r, h_g] = hU + b₁``. The gate r acts after the product with U: this is
    the form of cuDNN and of Keras (``reset_after=True``).

    Args:
        x: one step, shape ``(n, features)``.
        h: state after the step before, shape ``(n, units)``.
        kernel: ``W``, shape ``(features, 3·units)``.
        recurrent_kernel: ``U``, shape ``(units, 3·units)``.
        bias: ``b₀`` for the input and ``b₁`` for the state, shape ``(2, 3·units)``, or one number for all.

    Returns:
        The new state, shape ``(n, units)``.

    Raises:
        ValueError: the weights do not fit the input or the state.

    Example:
        >>> gru_step(np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 3)), np.zeros((1, 3)))  # half is kept
        array([[0.5]])

    Reference:
        Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, https://arxiv.org/abs/1406.1078
    """
    x, h, kernel, recurrent_kernel = _fitting(x, h, kernel, recurrent_kernel, gates=3)
    input_bias, state_bias = np.broadcast_to(bias, (2, kernel.shape[-1]))
    xz, xr, xg = np.split(x @ kernel + input_bias, 3, axis=-1)  # each (n, units)
    hz, hr, hg = np.split(h @ recurrent_kernel + state_bias, 3, axis=-1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    return z * h + (1.0 - z) * np.tanh(xg + r * hg)


def recurrent_outputs(
    step: Callable, x: np.ndarray, weights: Sequence[np.ndarray], mask: np.ndarray | None = None
) -> np.ndarray:
    """Carry a state through a sequence: ``hₜ = step(xₜ, hₜ₋₁)``, from ``h₋₁ = 0``.

    Args:
        step: `simple_rnn_step`, `lstm_step` or `gru_step`.
        x: shape ``(n, time, features)``.
        weights: ``(kernel, recurrent_kernel, bias)``, what ``get_weights()`` of the Keras layer gives.
        mask: 1 or True where a step is real, shape ``(n, time)``; a step of filling leaves the state as it was.

    Returns:
        ``h`` after every step, shape ``(n, time, units)``; ``[:, -1]`` is what the Keras layer returns by default.

    Raises:
        ValueError: the weights do not fit the input, or the mask has not one entry for each step.

    Example:
        >>> weights = np.array([[1.0]]), np.array([[1.0]]), 0.0
        >>> recurrent_outputs(simple_rnn_step, np.array([[[9.0], [9.0]]]), weights, np.array([[1, 0]])).round(3)
        array([[[1.],
                [1.]]])

    Reference:
        Goodfellow, Bengio and Courville (2016), Deep Learning, section 10.2, https://www.deeplearningbook.org
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 3 or (mask is not None and np.shape(mask) != x.shape[:2]):
        raise ValueError(
            f"x has shape {x.shape} and the mask {np.shape(mask)}; expected (n, time, features) and (n, time): "
            "one entry of the mask for each step."
        )
    mask = np.ones(x.shape[:2]) if mask is None else np.asarray(mask)
    zeros = np.zeros((len(x), len(weights[1])))
    state, outputs = ((zeros, zeros) if step is lstm_step else zeros), []
    for time in range(x.shape[1]):
        new = step(x[:, time], state, *weights)
        state = np.where(mask[:, time, np.newaxis], new, state)  # an LSTM's pair becomes (2, n, units)
        outputs.append(state[0] if step is lstm_step else state)
    return np.stack(outputs, axis=1) if outputs else np.zeros((len(x), 0, zeros.shape[1]))


def lstm_multiply_adds(length: int, features: int, units: int) -> int:
    """Multiplications, each with its addition, in an LSTM's matrix products: ``4·length·units·(features + units)``.

    The cost grows with the length itself: twice the sequence, twice the work.

    Args:
        length: steps of the sequence.
        features: numbers of one step.
        units: size of the state.

    Returns:
        The count for one sequence, forward; the few element-wise products of the gates are left out.

    Raises:
        ValueError: a number is negative.

    Example:
        >>> lstm_multiply_adds(10, 3, 2), lstm_multiply_adds(20, 3, 2)
        (400, 800)

    Reference:
        Vaswani et al. (2017), Attention is all you need, table 1, https://arxiv.org/abs/1706.03762
    """
    if min(length, features, units) < 0:
        raise ValueError(f"length {length}, features {features}, units {units}: none may be negative.")
    return 4 * length * units * (features + units)


def _fitting(x, h, kernel, recurrent_kernel, *, gates: int):
    """Return the arrays as numbers, or say which shapes do not fit."""
    x, h, kernel, recurrent_kernel = (np.asarray(array, dtype=float) for array in (x, h, kernel, recurrent_kernel))
    features, units = x.shape[-1], h.shape[-1]
    if kernel.shape != (features, gates * units) or recurrent_kernel.shape != (units, gates * units):
        raise ValueError(
            f"kernel {kernel.shape} and recurrent kernel {recurrent_kernel.shape} do not fit {features} features and "
            f"{units} units; expected ({features}, {gates}·{units}) and ({units}, {gates}·{units})."
        )
    return x, h, kernel, recurrent_kernel
