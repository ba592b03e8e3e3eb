"""Sentences and sounds as sequences of vectors in NumPy: one-hot rows, embeddings, frames, spectra, a masked mean.

Axes: ``time`` counts the steps of a sequence (words, rows, frames), ``features`` the numbers of one step.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ["cepstral_envelope", "embedding_lookup", "frame_signal", "masked_mean", "one_hot"]


def one_hot(values: Sequence, categories: Sequence | int) -> np.ndarray:
    """Give each category a column of its own: ``h[…, k] = 1 if values[…] = cₖ else 0``.

    Args:
        values: categories, text or numbers, any shape.
        categories: the known ones ``c``, each once, shape ``(k,)``; they come from the training data. Or their number
            k, where the values are class numbers or tokens in 0 … k-1.

    Returns:
        Zeros and ones, shape ``(*values.shape, k)``; a value that is not in the list gives a row of zeros.

    Raises:
        ValueError: a category is listed twice, or, where k is given, a value is not an integer in 0 … k-1.

    Example:
        >>> one_hot(["owl", "dog"], ["cat", "dog"])
        array([[0., 0.],
               [0., 1.]])
        >>> one_hot(np.array([2, 0]), 3)
        array([[0., 0., 1.],
               [1., 0., 0.]])

    Reference:
        Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 2.2 (dummy variables),
        https://hastie.su.domains/ElemStatLearn/
    """
    if isinstance(categories, (int, np.integer)):
        values, categories = _known(values, categories), range(categories)
    values, categories = np.asarray(values), np.asarray(categories)
    if len(np.unique(categories)) != len(categories):
        raise ValueError(f"the categories {list(categories)} hold one of them twice; list each once.")
    return (values[..., np.newaxis] == categories).astype(float)  # (…, 1) and (k,) → (…, k)


def embedding_lookup(tokens: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Take each token's row of a table: ``eₜ = one_hot(tokenₜ) · E = E[tokenₜ]``.

    Args:
        tokens: integers in 0 … vocabulary-1, any shape.
        table: the matrix ``E``, shape ``(vocabulary, features)``.

    Returns:
        Shape ``(*tokens.shape, features)``.

    Raises:
        ValueError: a token is not an integer in 0 … vocabulary-1.

    Example:
        >>> embedding_lookup(np.array([2, 0]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        array([[5., 6.],
               [1., 2.]])

    Reference:
        Bengio, Ducharme, Vincent and Jauvin (2003), A neural probabilistic language model,
        https://www.jmlr.org/papers/v3/bengio03a.html
    """
    table = np.asarray(table, dtype=float)
    return table[_known(tokens, len(table))]


def masked_mean(vectors: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Average over the steps that are real: ``out[i] = Σₜ mask[i,t] · x[i,t] / max(1, Σₜ mask[i,t])``.

    Args:
        vectors: ``x``, shape ``(n, time, features)``.
        mask: 1 or True where a step is real, 0 or False where it is filling, shape ``(n, time)``.

    Returns:
        Shape ``(n, features)``; zeros for a sequence without any real step.

    Raises:
        ValueError: the mask has not one entry for each step.

    Example:
        >>> masked_mean(np.array([[[1.0], [3.0], [0.0], [0.0]]]), np.array([[1, 1, 0, 0]]))
        array([[2.]])

    Reference:
        Keras documentation, GlobalAveragePooling1D, https://keras.io/api/layers/pooling_layers/global_average_pooling1d/
    """
    vectors, mask = np.asarray(vectors, dtype=float), np.asarray(mask, dtype=float)
    if vectors.ndim != 3 or mask.shape != vectors.shape[:2]:
        raise ValueError(
            f"vectors have shape {vectors.shape} and the mask {mask.shape}; expected (n, time, features) and "
            "(n, time): one entry of the mask for each step."
        )
    count = np.maximum(1.0, mask.sum(axis=1, keepdims=True))  # (n, 1)
    return np.einsum("nt,ntf->nf", mask, vectors) / count


def frame_signal(signal: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Cut a signal into overlapping pieces: ``frame[t, i] = signal[t·hop + i]``.

    Args:
        signal: samples, shape ``(samples,)``.
        length: samples in a frame.
        hop: samples from the start of one frame to the start of the next.

    Returns:
        Shape ``(⌊(samples - length) / hop⌋ + 1, length)``; samples that fill no whole frame are left out.

    Raises:
        ValueError: the signal is shorter than a frame, or a number is not positive.

    Example:
        >>> frame_signal(np.arange(7.0), length=4, hop=2)
        array([[0., 1., 2., 3.],
               [2., 3., 4., 5.]])

    Reference:
        Rabiner and Schafer (2007), Introduction to Digital Speech Processing, section 4,
        https://doi.org/10.1561/2000000001
    """
    signal = np.asarray(signal, dtype=float)
    if signal.ndim != 1 or hop < 1 or not 1 <= length <= len(signal):
        raise ValueError(
            f"a signal of shape {signal.shape} cannot be cut into frames of {length} with a hop of {hop}; "
            "expected shape (samples,), a hop of at least 1, and frames no longer than the signal."
        )
    return np.lib.stride_tricks.sliding_window_view(signal, length)[::hop].copy()


def cepstral_envelope(cepstrum: np.ndarray, frequencies: np.ndarray, rate: float) -> np.ndarray:
    """Draw the smooth spectrum that cepstrum coefficients stand for: ``log|H(f)| = Σₙ cₙ cos(2π n f / rate)``.

    Args:
        cepstrum: ``c₁ … c_order``, shape ``(…, order)``; ``c₀``, the loudness, is taken as 0.
        frequencies: where to compute it, in hertz, 0 … rate/2, shape ``(points,)``.
        rate: samples a second, in hertz.

    Returns:
        Logarithm of the magnitude (nats), shape ``(…, points)``; its mean over 0 … rate/2 is 0.

    Raises:
        ValueError: a frequency lies outside 0 … rate/2.

    Example:
        >>> cepstral_envelope(np.array([1.0, 0.5]), np.array([0.0, 2500.0, 5000.0]), 10_000).round(6)
        array([ 1.5, -0.5, -0.5])

    Reference:
        Atal (1974), Effectiveness of linear prediction characteristics of the speech wave for automatic speaker
        identification and verification, https://doi.org/10.1121/1.1914702
    """
    cepstrum, frequencies = np.asarray(cepstrum, dtype=float), np.asarray(frequencies, dtype=float)
    if frequencies.min() < 0 or frequencies.max() > rate / 2:
        raise ValueError(
            f"frequencies run from {frequencies.min():g} to {frequencies.max():g} Hz; "
            f"at {rate:g} samples a second only 0 to {rate / 2:g} Hz exist."
        )
    order = np.arange(1, cepstrum.shape[-1] + 1)
    return cepstrum @ np.cos(2.0 * np.pi * np.outer(order, frequencies) / rate)


def _known(tokens, size: int) -> np.ndarray:
    tokens = np.asarray(tokens)
    if not np.issubdtype(tokens.dtype, np.integer) or (tokens.size and not 0 <= tokens.min() <= tokens.max() < size):
        raise ValueError(f"tokens must be integers in 0 … {size - 1}, of which there are {size}.")
    return tokens
