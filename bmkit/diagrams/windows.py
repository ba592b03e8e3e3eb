"""A window on its walk: one step of a convolution."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bmkit.plot import COLORS, subplots

__all__ = ["convolution_step"]


def convolution_step(picture: np.ndarray, kernel: np.ndarray, answers: np.ndarray, place: tuple[int, int]) -> Figure:
    """Draw one step of a convolution: the window on the picture, the products inside it, the map of answers so far.

    Args:
        picture: shape ``(height, width)``.
        kernel: shape ``(k, k)``.
        answers: shape ``(height - k + 1, width - k + 1)``, the whole map; places after ``place`` stay empty.
        place: row and column of the window's upper left pixel.

    Returns:
        The figure.

    Example:
        >>> len(convolution_step(np.ones((4, 4)), np.ones((3, 3)), np.full((2, 2), 9.0), (0, 1)).axes)
        3
    """
    (row, column), k = place, len(kernel)
    window = picture[row : row + k, column : column + k]
    figure, (left, middle, right) = subplots(1, 3, figsize=(7.6, 2.7))
    left.imshow(picture)
    left.add_patch(Rectangle((column - 0.5, row - 0.5), k, k, fill=False, ec=COLORS[1], lw=2.5))
    middle.imshow(window, vmin=picture.min(), vmax=picture.max())
    middle.set_title(f"pixel × weight, sum {(window * kernel).sum():.1f}".replace("-", "−"), fontsize=10)
    for (i, j), pixel in np.ndenumerate(window):
        text = f"{pixel:.1f}\n× {kernel[i, j]:.0f}".replace("-", "−")
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"}
        middle.text(j, i, text, ha="center", va="center", fontsize=8, bbox=box)
    seen = np.where(np.arange(answers.size).reshape(answers.shape) <= row * answers.shape[1] + column, answers, np.nan)
    largest = abs(answers).max()
    right.imshow(seen, vmin=-largest, vmax=largest)
    right.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=COLORS[1], lw=2.5))
    left.set_title("the picture", fontsize=10)
    right.set_title("the map so far", fontsize=10)
    for axes in (left, middle, right):
        axes.set(xlabel="column", ylabel="row", xticks=[], yticks=[])
        axes.grid(False)
    right.set_facecolor("#dbe9f4")
    return figure
