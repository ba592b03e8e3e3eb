"""Drawings of one thing each, too long for a chapter's cell: the map of the course, a step of a convolution."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from bmkit.plot import COLORS, subplots

__all__ = ["convolution_step", "course_map"]


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


def course_map(chapters: Sequence) -> Figure:
    """Draw the chapters as boxes in one column a part, with arrows from what is needed to what needs it.

    Args:
        chapters: as `bmkit.chapters.chapters` lists them; ready ones are filled.

    Returns:
        The figure.
    """
    parts = list(dict.fromkeys(chapter.part for chapter in chapters))
    members = {part: [chapter for chapter in chapters if chapter.part == part] for part in parts}
    # A part of more than nine chapters takes two columns.
    columns = [(part, half) for part in parts for half in np.array_split(members[part], -(-len(members[part]) // 9))]
    tallest = max(len(column) for _, column in columns)
    place = {
        chapter.number: (x, (tallest - len(column)) / 2 + y)  # columns are centred
        for x, (_, column) in enumerate(columns)
        for y, chapter in enumerate(column)
    }
    figure, axes = subplots(figsize=(9.2, 6.8))
    for chapter in chapters:
        for needed in chapter.before[-1:]:  # only the last one named: all arrows together would hide the boxes
            _arrow(axes, place[needed], place[chapter.number])
    for chapter in chapters:
        x, y = place[chapter.number]
        face, edge = ("#56B4E9", "black") if chapter.ready else ("white", "0.6")
        box = {"boxstyle": "round,pad=0,rounding_size=0.05", "facecolor": face, "edgecolor": edge}
        axes.add_patch(FancyBboxPatch((x - 0.43, y - 0.42), 0.86, 0.84, mutation_aspect=1.4, **box))
        text = textwrap.fill(f"{chapter.number} {chapter.title}", 14, break_long_words=False)
        axes.text(x, y, text, ha="center", va="center", fontsize=6.8, linespacing=1.05)
    for part in parts:
        middle = np.mean([x for x, (owner, _) in enumerate(columns) if owner == part])
        axes.text(
            middle,
            -1,
            textwrap.fill(part, 12, break_long_words=False),
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold",
        )
    axes.set(xlim=(-0.65, len(columns) - 0.5), ylim=(tallest - 0.5, -1.5))
    axes.axis("off")
    return figure


def _arrow(axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow behind the boxes: from side to side between columns, along the left side within one."""
    if start[0] == end[0]:
        ends, bend = ((start[0] - 0.43, start[1]), (end[0] - 0.43, end[1])), 0.25
    else:
        ends, bend = ((start[0] + 0.43, start[1]), (end[0] - 0.43, end[1])), 0.0
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "color": "0.65", "linewidth": 0.8}
    axes.add_patch(FancyArrowPatch(*ends, mutation_scale=8, shrinkA=0, shrinkB=0, zorder=0, **style))
