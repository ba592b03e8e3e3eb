"""Convolution and pooling in NumPy, channels last, as Keras lays its pictures out."""

import numpy as np

__all__ = ["conv2d", "conv2d_parameters", "conv_output_size", "max_pool2d"]


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Positions a window can take along one side: ``⌊(size + 2·padding - kernel) / stride⌋ + 1``.

    Args:
        size: length of the side, in pixels.
        kernel: length of the window, in pixels.
        stride: pixels between two positions.
        padding: pixels of zeros added at *each* end.

    Returns:
        Number of positions, the side of the output.

    Raises:
        ValueError: the window is larger than the padded picture, or an argument is not positive.

    Example:
        >>> conv_output_size(28, 3), conv_output_size(28, 3, padding=1), conv_output_size(27, 2, stride=2)
        (26, 28, 13)

    Reference:
        Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning, https://arxiv.org/abs/1603.07285
    """
    if min(size, kernel, stride) < 1 or padding < 0 or kernel > size + 2 * padding:
        raise ValueError(
            f"a window of {kernel} with stride {stride} does not fit a side of {size} with padding {padding}; "
            "size, kernel and stride must be at least 1 and the window no larger than the padded side."
        )
    return (size + 2 * padding - kernel) // stride + 1


def conv2d(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0, padding: int = 0) -> np.ndarray:
    """Slide a kernel over a picture: ``out[i,j,f] = b_f + Σ_{u,v,c} image[i+u, j+v, c] · kernel[u,v,c,f]``.

    What deep learning calls convolution is cross-correlation: the kernel is not flipped. Stride 1.

    Args:
        image: shape ``(height, width, channels)``.
        kernel: shape ``(kernel_height, kernel_width, channels, filters)``.
        bias: one number a filter, shape ``(filters,)``.
        padding: pixels of zeros added on every side.

    Returns:
        Feature maps, shape ``(out_height, out_width, filters)``.

    Raises:
        ValueError: the channels of picture and kernel differ, or the kernel is larger than the picture.

    Example:
        >>> ramp = np.arange(4.0).reshape(1, 4, 1)
        >>> difference = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)
        >>> conv2d(ramp, difference).ravel()
        array([1., 1., 1.])

    Reference:
        LeCun et al. (1998), Gradient-based learning applied to document recognition,
        https://doi.org/10.1109/5.726791
    """
    if image.ndim != 3 or kernel.ndim != 4 or image.shape[2] != kernel.shape[2]:
        raise ValueError(
            f"picture {image.shape} and kernel {kernel.shape} do not fit; expected (height, width, channels) and "
            "(kernel_height, kernel_width, channels, filters) with the same number of channels."
        )
    image = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    kernel_height, kernel_width = kernel.shape[:2]
    height = conv_output_size(image.shape[0], kernel_height)
    width = conv_output_size(image.shape[1], kernel_width)
    out = np.zeros((height, width, kernel.shape[3]))
    for i in range(height):
        for j in range(width):
            window = image[i : i + kernel_height, j : j + kernel_width]  # (kh, kw, channels)
            out[i, j] = np.tensordot(window, kernel, axes=3) + bias  # (filters,)
    return out


def max_pool2d(image: np.ndarray, size: int = 2) -> np.ndarray:
    """Keep the largest value of each block: ``out[i,j,c] = max_{u,v < size} image[size·i+u, size·j+v, c]``.

    Args:
        image: shape ``(height, width, channels)``; rows and columns left over at the end are dropped.
        size: side of a block in pixels; blocks do not overlap.

    Returns:
        Shape ``(height // size, width // size, channels)``.

    Raises:
        ValueError: the block is larger than the picture.

    Example:
        >>> max_pool2d(np.arange(16.0).reshape(4, 4, 1))[..., 0]
        array([[ 5.,  7.],
               [13., 15.]])

    Reference:
        Scherer, Müller and Behnke (2010), Evaluation of pooling operations in convolutional architectures,
        https://doi.org/10.1007/978-3-642-15825-4_10
    """
    height = conv_output_size(image.shape[0], size, stride=size)
    width = conv_output_size(image.shape[1], size, stride=size)
    blocks = image[: height * size, : width * size].reshape(height, size, width, size, -1)
    return blocks.max(axis=(1, 3))  # (height, width, channels)


def conv2d_parameters(kernel_height: int, kernel_width: int, channels: int, filters: int) -> int:
    """Count a convolution's numbers to learn: ``(kernel_height · kernel_width · channels + 1) · filters``.

    Args:
        kernel_height: rows of the kernel.
        kernel_width: columns of the kernel.
        channels: channels of the input.
        filters: channels of the output; each has one bias.

    Returns:
        Weights and biases together.

    Example:
        >>> conv2d_parameters(3, 3, 3, 32)
        896

    Reference:
        Dumoulin and Visin (2016), https://arxiv.org/abs/1603.07285
    """
    return (kernel_height * kernel_width * channels + 1) * filters
