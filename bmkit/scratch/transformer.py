"""The block that Transformers repeat, in NumPy.

Axes: ``n`` sequences, ``time`` steps, ``width`` numbers of a step, ``hidden`` numbers inside the perceptron.
"""

from collections.abc import Sequence

import numpy as np

from bmkit.scratch.attention import multi_head_attention
from bmkit.scratch.normalization import layer_norm

__all__ = ["gelu", "transformer_block", "transformer_block_parameters"]

EPSILON = 1e-5


def gelu(z: np.ndarray) -> np.ndarray:
    """Let a number pass the more, the larger it is: ``z/2 · (1 + tanh(√(2/π) · (z + 0.044715 z³)))``.

    This is the form with tanh that GPT-2 uses, close to ``z`` times the share of the bell curve below z.

    Args:
        z: any shape.

    Returns:
        Same shape: nearly 0 far below zero, nearly z far above.

    Example:
        >>> gelu(np.array([-3.0, 0.0, 3.0])).round(3)
        array([-0.004,  0.   ,  2.996])

    Reference:
        Hendrycks and Gimpel (2016), Gaussian error linear units, https://arxiv.org/abs/1606.08415
    """
    z = np.asarray(z, dtype=float)
    return z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def transformer_block(
    x: np.ndarray,
    attention: Sequence[np.ndarray],
    perceptron: Sequence[np.ndarray],
    norms: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    mask: np.ndarray | None = None,
    cross: tuple | None = None,
) -> np.ndarray:
    """Attend, then think, each as a change to what is there: ``y = x + attention(norm(x))``, ``y + mlp(norm(y))``.

    Args:
        x: shape ``(n, time, width)``.
        attention: the eight weights that `multi_head_attention` takes.
        perceptron: ``W₁, b₁, W₂, b₂``, shapes ``(width, hidden)``, ``(hidden,)``, ``(hidden, width)``, ``(width,)``.
        norms: scale and shift of each norm, in the order in which they are used: two pairs, three with `cross`.
        mask: True where a step may look at a step, shape ``(time, time)`` or ``(n, time, time)``.
        cross: for a decoder, between the two parts: eight more weights, what the encoder made ``(n, steps, width)``,
            and a mask of its steps or None.

    Returns:
        Shape ``(n, time, width)``.

    Raises:
        ValueError: the number of norms does not fit.

    Example:
        >>> silent = [np.zeros((2, 1, 2)), 0.0] * 3 + [np.zeros((1, 2, 2)), 0.0]  # a block that changes nothing
        >>> nothing = [np.zeros((2, 8)), 0.0, np.zeros((8, 2)), 0.0]
        >>> transformer_block(np.array([[[3.0, 5.0]]]), silent, nothing, [(1, 0), (1, 0)])
        array([[[3., 5.]]])

    Reference:
        Vaswani et al. (2017), figure 1, https://arxiv.org/abs/1706.03762; Xiong et al. (2020), the norm first,
        https://arxiv.org/abs/2002.04745
    """
    if len(norms) != (2 if cross is None else 3):
        raise ValueError(f"{len(norms)} norms were given; a block has two, and a third for a second attention.")
    first, *_, last = norms
    y = x + multi_head_attention(layer_norm(x, *first, EPSILON), attention, mask)[0]
    if cross is not None:
        weights, context, context_mask = cross
        y = y + multi_head_attention(layer_norm(y, *norms[1], EPSILON), weights, context_mask, context=context)[0]
    kernel, bias, back, back_bias = perceptron
    return y + gelu(layer_norm(y, *last, EPSILON) @ kernel + bias) @ back + back_bias  # (n, time, width)


def transformer_block_parameters(width: int) -> int:
    """Count what a block learns whose perceptron is four times as wide: ``12·width² + 13·width``.

    Attention has ``4·(width² + width)``, the perceptron ``8·width² + 5·width``, each of two norms ``2·width``.

    Args:
        width: numbers of a step, ≥ 1.

    Returns:
        The count.

    Raises:
        ValueError: the width is not positive.

    Example:
        >>> transformer_block_parameters(768)  # of BERT-base and the smallest GPT-2, each of which has twelve
        7087872

    Reference:
        Kaplan et al. (2020), Scaling laws for neural language models, table 1, https://arxiv.org/abs/2001.08361
    """
    if width < 1:
        raise ValueError(f"width is {width}; expected at least 1.")
    return 12 * width**2 + 13 * width
