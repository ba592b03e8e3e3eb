"""Attention in NumPy: scaled dot products, several heads, masks, and what it costs.

Axes: ``n`` sequences, ``queries`` (the steps that ask), ``keys`` (the steps that are asked), ``heads``, ``size`` of one
head, ``width = heads · size`` numbers of a step.
"""

from collections.abc import Sequence

import numpy as np

from bmkit.scratch.activations import softmax

__all__ = ["attention_multiply_adds", "causal_mask", "dot_product_attention", "multi_head_attention", "padding_mask"]


def dot_product_attention(
    query: np.ndarray, key: np.ndarray, value: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Look up softly: ``softmax(QKᵀ / √size) · V``, each query an average of the values whose keys it resembles.

    Args:
        query: ``Q``, shape ``(…, queries, size)``.
        key: ``K``, shape ``(…, keys, size)``.
        value: ``V``, shape ``(…, keys, features)``.
        mask: True or 1 where a query may look at a key; broadcast to ``(…, queries, keys)``. Everywhere when None.

    Returns:
        The averages, shape ``(…, queries, features)``, and the weights in [0, 1], shape ``(…, queries, keys)``, each
        row of which sums to 1. A query that may look nowhere gets weights and an average of 0.

    Raises:
        ValueError: queries and keys differ in size, or keys and values in number.

    Example:
        >>> out, weights = dot_product_attention(np.array([[9.0, 0.0]]), 9 * np.eye(2), np.array([[1.0], [5.0]]))
        >>> out.round(3), weights.round(3)
        (array([[1.]]), array([[1., 0.]]))

    Reference:
        Vaswani et al. (2017), Attention is all you need, equation 1, https://arxiv.org/abs/1706.03762
    """
    query, key, value = (np.asarray(array, dtype=float) for array in (query, key, value))
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"queries {query.shape}, keys {key.shape} and values {value.shape} do not fit; expected "
            "(…, queries, size), (…, keys, size) and (…, keys, features)."
        )
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(query.shape[-1])  # (…, queries, keys)
    allowed = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape).astype(bool)
    weights = softmax(np.where(allowed, scores, -1e30)) * allowed
    return weights @ value, weights


def multi_head_attention(
    x: np.ndarray, weights: Sequence[np.ndarray], mask: np.ndarray | None = None, *, context: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Look up in several ways at once: ``Σₕ attention(xQₕ, cKₕ, cVₕ) · Oₕ``, each head with its own matrices.

    Args:
        x: the steps that ask, shape ``(n, queries, width)``.
        weights: ``Q, b_Q, K, b_K, V, b_V, O, b_O``, as ``get_weights()`` of ``keras.layers.MultiHeadAttention`` gives
            them: kernels of shape ``(width, heads, size)``, O of ``(heads, size, width)``; biases without the first
            axis of their kernel, ``b_O`` of shape ``(width,)``.
        mask: True or 1 where a query may look at a key, shape ``(queries, keys)`` or ``(n, queries, keys)``.
        context: ``c``, the steps that are asked, shape ``(n, keys, width)``; `x` itself when None: self-attention.

    Returns:
        Shape ``(n, queries, width)``, and the weights of each head, shape ``(n, heads, queries, keys)``.

    Raises:
        ValueError: there are not eight weights, or they do not fit the input.

    Example:
        >>> kernel = np.eye(2).reshape(2, 2, 1)  # two heads of size 1
        >>> weights = [kernel, 0.0, kernel, 0.0, kernel, 0.0, kernel.reshape(2, 1, 2), 0.0]
        >>> out, scores = multi_head_attention(np.array([[[0.0, 9.0], [9.0, 0.0]]]), weights)
        >>> out.round(3).tolist(), scores.shape
        ([[[4.5, 9.0], [9.0, 4.5]]], (1, 2, 2, 2))

    Reference:
        Vaswani et al. (2017), section 3.2.2, https://arxiv.org/abs/1706.03762
    """
    x = np.asarray(x, dtype=float)
    context = x if context is None else np.asarray(context, dtype=float)
    if len(weights) != 8 or x.ndim != 3 or {np.shape(weights[index])[0] for index in (0, 2, 4)} != {x.shape[-1]}:
        raise ValueError(
            f"{len(weights)} weights of shapes {[np.shape(weight) for weight in weights]} do not fit x of shape "
            f"{x.shape}; expected eight for x of (n, queries, width): a kernel (width, heads, size) and a bias for "
            "query, key and value, then a kernel (heads, size, width) and a bias for the output."
        )

    def split(steps, kernel, bias):
        return np.swapaxes(np.einsum("ntw,whs->nths", steps, kernel) + bias, 1, 2)  # (n, heads, time, size)

    if mask is not None and np.ndim(mask) == 3:
        mask = np.asarray(mask)[:, np.newaxis]  # the same for every head
    query, key, value = split(x, *weights[:2]), split(context, *weights[2:4]), split(context, *weights[4:6])
    heads, scores = dot_product_attention(query, key, value, mask)  # (n, heads, queries, size)
    return np.einsum("nhts,hsw->ntw", heads, weights[6]) + weights[7], scores


def causal_mask(queries: int, keys: int | None = None) -> np.ndarray:
    """Forbid to look ahead: ``mask[i, j] = (j ≤ i + keys - queries)``.

    Args:
        queries: steps that ask; they are the last ones of the sequence.
        keys: steps that are asked; as many as `queries` when None.

    Returns:
        True where query i may look at key j, shape ``(queries, keys)``.

    Raises:
        ValueError: there are fewer keys than queries.

    Example:
        >>> causal_mask(3).astype(int)
        array([[1, 0, 0],
               [1, 1, 0],
               [1, 1, 1]])

    Reference:
        Vaswani et al. (2017), section 3.2.3, https://arxiv.org/abs/1706.03762
    """
    keys = queries if keys is None else keys
    if keys < queries:
        raise ValueError(f"{queries} queries are the last steps of a sequence, but it has only {keys} keys.")
    return np.tri(queries, keys, keys - queries, dtype=bool)


def padding_mask(lengths: np.ndarray, time: int) -> np.ndarray:
    """Tell steps from filling: ``mask[i, t] = (t < lengths[i])``.

    Args:
        lengths: real steps of each sequence, shape ``(n,)``.
        time: steps after filling up.

    Returns:
        True where a step is real, shape ``(n, time)``. As a mask of keys, write ``mask[:, np.newaxis]``.

    Raises:
        ValueError: a length lies outside 0 … time.

    Example:
        >>> padding_mask(np.array([1, 3]), 3).astype(int)
        array([[1, 0, 0],
               [1, 1, 1]])

    Reference:
        Keras guide, Understanding masking and padding, https://keras.io/guides/understanding_masking_and_padding/
    """
    lengths = np.asarray(lengths)
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= time:
        raise ValueError(f"lengths run from {lengths.min()} to {lengths.max()}; expected 0 … {time}.")
    return np.arange(time) < lengths[:, np.newaxis]


def attention_multiply_adds(length: int, width: int, *, projections: bool = True) -> int:
    """Multiplications, each with its addition, of self-attention: ``2·length²·width + 4·length·width²``.

    Every step looks at every step: ``length²·width`` for the scores and as many for the averages. The four projections
    (query, key, value, output) grow with the length only. The number of heads changes nothing: twice as many are half
    as large.

    Args:
        length: steps of the sequence.
        width: numbers of one step.
        projections: count the four projections too.

    Returns:
        The count for one sequence, forward; the softmax is left out.

    Raises:
        ValueError: a number is negative.

    Example:
        >>> attention_multiply_adds(10, 3, projections=False), attention_multiply_adds(20, 3, projections=False)
        (600, 2400)

    Reference:
        Vaswani et al. (2017), table 1, https://arxiv.org/abs/1706.03762
    """
    if min(length, width) < 0:
        raise ValueError(f"length {length}, width {width}: neither may be negative.")
    return 2 * length**2 * width + (4 * length * width**2 if projections else 0)
