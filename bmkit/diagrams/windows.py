"""A window on its walk: one step of a convolution, the places it visits, and what one output sees in the end."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bmkit.plot import COLORS, subplots

__all__ = ["convolution_step", "receptive_field", "window_places"]


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


def window_places(size: int, kernel: int, settings: Sequence[tuple[int, int]]) -> Figure:
    """Draw where a window stops on a square picture: one panel for each stride and padding.

    Args:
        size: side of the picture in pixels.
        kernel: side of the window.
        settings: pairs (stride, padding); padding is the number of zeros added at each end.

    Returns:
        The figure: pixels grey, padding white, the first and the second window framed, a dot at every window's middle.

    Example:
        >>> len(window_places(5, 3, [(1, 0), (1, 1), (2, 0)]).axes)
        3
    """
    figure, row = subplots(1, len(settings), figsize=(2.6 * len(settings), 2.9), squeeze=False)
    widest = max(padding for _, padding in settings)
    for axes, (stride, padding) in zip(row[0], settings, strict=True):
        for i, j in np.ndindex(size + 2 * padding, size + 2 * padding):
            inside = padding <= i < size + padding and padding <= j < size + padding
            fill = "0.8" if inside else "white"
            axes.add_patch(Rectangle((j - padding, i - padding), 1, 1, fc=fill, ec="0.5", lw=0.8))
            if not inside:
                axes.text(j - padding + 0.5, i - padding + 0.5, "0", ha="center", va="center", fontsize=8, color="0.5")
        corners = np.arange(0, size + 2 * padding - kernel + 1, stride) - padding
        across, down = np.meshgrid(corners + kernel / 2, corners + kernel / 2)
        axes.plot(across.ravel(), down.ravel(), "o", color="black", ms=4, ls="none")
        for corner, color, line in zip(corners[:2], COLORS, ("-", "--"), strict=False):
            frame = Rectangle((corner, corners[0]), kernel, kernel, fill=False, ec=color, lw=2.5, ls=line)
            axes.add_patch(frame)
        side = len(corners)
        axes.set_title(f"stride {stride}, padding {padding}\n{side}×{side} places", fontsize=10)
        axes.set(aspect="equal", xlim=(-widest - 0.2, size + widest + 0.2), ylim=(size + widest + 0.2, -widest - 0.2))
        axes.axis("off")
    return figure


def receptive_field(layers: Sequence[tuple[str, int, int]]) -> Figure:
    """Draw, along one side of a picture, which pixels one output of several layers sees.

    Args:
        layers: from the input upwards, each a name, the side of its window and its stride.

    Returns:
        The figure: a row of squares a layer, the input at the bottom; what the shaded output at the top sees is shaded.

    Example:
        >>> figure = receptive_field([("convolution", 3, 1), ("convolution", 3, 1)])
        >>> [text.get_text() for text in figure.axes[0].texts][0]
        'input: 5 pixels seen'
    """
    counts, first, steps = [1], [0.0], [1]
    for _, _, stride in layers:
        steps.append(steps[-1] * stride)
    for _, kernel, stride in reversed(layers):
        counts.insert(0, (counts[0] - 1) * stride + kernel)
    for (_, kernel, _), step in zip(layers, steps, strict=False):  # where a row begins, in pixels of the input
        first.append(first[-1] + (kernel - 1) / 2 * step)
    names = [f"input: {counts[0]} pixels seen", *(f"after {name}" for name, _, _ in layers)]
    figure, axes = subplots(figsize=(7.0, 0.7 * len(counts) + 0.4))
    for height, (name, count, start, step) in enumerate(zip(names, counts, first, steps, strict=True)):
        for place in range(count):
            x = start + place * step
            axes.add_patch(Rectangle((x - 0.4, height - 0.2), 0.8, 0.4, fc="#9ecae9", ec="black", lw=0.8))
            if height:
                _, kernel, stride = layers[height - 1]
                for offset in (0, kernel - 1):
                    below = first[height - 1] + (place * stride + offset) * steps[height - 1]
                    axes.plot([x, below], [height - 0.2, height - 0.8], color="0.5", lw=0.8, ls="-")
        axes.text(counts[0] + 0.2, height, name, va="center", fontsize=10)
    axes.set(xlim=(-0.8, counts[0] + 6), ylim=(-0.4, len(counts) - 0.5))
    axes.axis("off")
    return figure
