"""A residual block in NumPy: what two convolutions add to a picture that goes past them."""

import numpy as np

from bmkit.scratch.activations import relu
from bmkit.scratch.convolution import conv2d

__all__ = ["residual_block", "shortcut"]


def shortcut(image: np.ndarray, filters: int, stride: int = 1) -> np.ndarray:
    """Let a picture past without a weight: every stride-th pixel, channels filled up with zeros.

    Args:
        image: shape ``(height, width, channels)``.
        filters: channels wanted, at least as many as there are.
        stride: pixels from one that is kept to the next.

    Returns:
        Shape ``(⌈height / stride⌉, ⌈width / stride⌉, filters)``.

    Raises:
        ValueError: the picture has more channels than `filters`.

    Example:
        >>> shortcut(np.arange(4.0).reshape(2, 2, 1), filters=2, stride=2)
        array([[[0., 0.]]])

    Reference:
        He, Zhang, Ren and Sun (2016), Deep residual learning, section 4.2 option A, https://arxiv.org/abs/1512.03385
    """
    channels = image.shape[-1]
    if channels > filters:
        raise ValueError(
            f"a picture of {channels} channels cannot go past {filters} filters unchanged; use more filters."
        )
    return np.pad(image[::stride, ::stride], ((0, 0), (0, 0), (0, filters - channels)))


def residual_block(
    image: np.ndarray, first: tuple, second: tuple, *, stride: int = 1, residual: bool = True
) -> np.ndarray:
    """Learn the difference: ``relu(shortcut(x) + conv₂(relu(conv₁(x))))``.

    Were both kernels zero, the block would hand its picture on: a deep stack can do no worse than a shallow one.

    Args:
        image: ``x``, shape ``(height, width, channels)``, not negative when it comes from another block.
        first: kernel ``(3, 3, channels, filters)`` and bias ``(filters,)`` of the first convolution, its normalisation
            folded in by `fold_batch_norm`; stride `stride`.
        second: the same for the second one, kernel ``(3, 3, filters, filters)``, stride 1.
        stride: 2 halves height and width, which must then be even.
        residual: False leaves the shortcut out: a plain network.

    Returns:
        Shape ``(height / stride, width / stride, filters)``.

    Raises:
        ValueError: the kernels do not fit, or height or width cannot be divided by the stride.

    Example:
        >>> nothing = np.zeros((3, 3, 1, 1)), np.zeros(1)
        >>> residual_block(np.array([[[1.0], [2.0]]]), nothing, nothing).ravel()
        array([1., 2.])

    Reference:
        He, Zhang, Ren and Sun (2016), figure 2, https://arxiv.org/abs/1512.03385
    """
    if stride not in (1, 2) or image.shape[0] % stride or image.shape[1] % stride:
        raise ValueError(f"stride {stride} for a picture of {image.shape[:2]} pixels; expected 1, or 2 and even sides.")
    every = slice(stride - 1, None, stride)  # Keras's "same" padding of an even side: zeros at the far end only
    inner = relu(conv2d(image, *first, padding=1)[every, every])  # (height / stride, width / stride, filters)
    out = conv2d(inner, *second, padding=1)
    return relu(out + shortcut(image, out.shape[-1], stride)) if residual else relu(out)
