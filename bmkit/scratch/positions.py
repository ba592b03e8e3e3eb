"""Where a step stands, told to a network that sees a set: waves that are added, and angles by which vectors turn.

Axes: ``time`` steps, ``width`` numbers of a step, in ``width / 2`` pairs; pair i turns with its own frequency.
"""

import numpy as np

__all__ = ["position_frequencies", "rotary", "sinusoidal_positions"]


def position_frequencies(width: int, base: float = 10_000.0) -> np.ndarray:
    """Give each pair of numbers its own clock: ``ωᵢ = base^(-2i / width)``.

    Args:
        width: numbers of a step, even.
        base: the slowest clock turns about this much slower than the fastest.

    Returns:
        Radians a step, from 1 downwards, shape ``(width / 2,)``.

    Raises:
        ValueError: the width is odd or not positive.

    Example:
        >>> position_frequencies(4)
        array([1.  , 0.01])

    Reference:
        Vaswani et al. (2017), Attention is all you need, section 3.5, https://arxiv.org/abs/1706.03762
    """
    if width < 2 or width % 2:
        raise ValueError(f"width is {width}; expected an even number, since sine and cosine come in pairs.")
    return base ** (-np.arange(0, width, 2) / width)


def sinusoidal_positions(time: int, width: int, base: float = 10_000.0) -> np.ndarray:
    """Write a position as the hands of many clocks: ``P[t, 2i] = sin(ωᵢt)`` and ``P[t, 2i+1] = cos(ωᵢt)``.

    Args:
        time: number of positions, 0 … time-1.
        width: numbers of a step, even.
        base: see `position_frequencies`.

    Returns:
        Numbers in [-1, 1] to be added to the steps, shape ``(time, width)``.

    Raises:
        ValueError: the width is odd or not positive.

    Example:
        >>> sinusoidal_positions(2, 4).round(2)
        array([[0.  , 1.  , 0.  , 1.  ],
               [0.84, 0.54, 0.01, 1.  ]])

    Reference:
        Vaswani et al. (2017), section 3.5, https://arxiv.org/abs/1706.03762
    """
    angles = np.arange(time)[:, np.newaxis] * position_frequencies(width, base)  # (time, width / 2)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(time, width)


def rotary(x: np.ndarray, *, start: int = 0, base: float = 10_000.0) -> np.ndarray:
    """Turn each pair of numbers by an angle that grows with the position: ``(a + ib) · exp(i·ωⱼ·t)``.

    Pair j consists of number j (a) and number ``j + width/2`` (b), as in Llama. Queries and keys are turned, values are
    not: the product of two turned vectors depends on how far apart they stand, not on where.

    Args:
        x: shape ``(…, time, width)``, width even.
        start: position of the first step.
        base: see `position_frequencies`.

    Returns:
        Same shape; every pair keeps its length.

    Raises:
        ValueError: the width is odd or not positive.

    Example:
        >>> rotary(np.array([[1.0, 0.0], [1.0, 0.0]])).round(2)  # one radian a step
        array([[1.  , 0.  ],
               [0.54, 0.84]])

    Reference:
        Su et al. (2021), RoFormer: Enhanced Transformer with rotary position embedding, https://arxiv.org/abs/2104.09864
    """
    x = np.asarray(x, dtype=float)
    positions = start + np.arange(x.shape[-2])[:, np.newaxis]  # (time, 1)
    angles = positions * position_frequencies(x.shape[-1], base)  # (time, width / 2)
    a, b = np.split(x, 2, axis=-1)
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1)
