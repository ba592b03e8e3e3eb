"""Drawings of one thing each, too long for a chapter's cell: a convolution's step, the course, what attention does."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from bmkit.plot import COLORS, subplots

__all__ = ["convolution_step", "course_map", "looks_of_a_row", "shaded_words", "soft_lookup"]


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


def looks_of_a_row(picture: np.ndarray, weights: np.ndarray, row: int) -> Figure:
    """Draw a picture with one row framed, and how much each head looks at each row on behalf of the framed one.

    Args:
        picture: shape ``(rows, columns)``.
        weights: shape ``(heads, rows, rows)``; ``weights[h, i, j]`` is how much row i looks at row j.
        row: the row that looks.

    Returns:
        The figure.

    Example:
        >>> len(looks_of_a_row(np.ones((4, 4)), np.full((2, 4, 4), 0.25), 1).axes)
        3
    """
    shape = {"figsize": (8.4, 2.6), "width_ratios": (1.7, *[1] * len(weights))}
    figure, (left, *panels) = subplots(1, 1 + len(weights), sharey=True, **shape)
    left.imshow(picture)
    left.add_patch(Rectangle((-0.5, row - 0.5), picture.shape[1], 1, fill=False, ec=COLORS[1], lw=2))
    left.set(xlabel="column", ylabel="row")
    left.grid(False)
    for head, axes in enumerate(panels):
        axes.barh(range(len(picture)), weights[head, row], height=0.9, color=COLORS[0])
        axes.axhline(row, color=COLORS[1], lw=1, ls="-")
        axes.set(xlabel="weight", ylabel=" ", xlim=(0, max(0.3, weights[:, row].max())))
        axes.set_title(f"head {head + 1}", fontsize=10)
    return figure


def shaded_words(words: Sequence[str], weights: np.ndarray, title: str = "") -> Figure:
    """Write a text with each word on a grey as dark as its weight: what a model looked at.

    Args:
        words: the text, one word an entry.
        weights: shape ``(words,)``, ≥ 0; the largest is drawn darkest.
        title: one line above.

    Returns:
        The figure.

    Raises:
        ValueError: not one weight a word.

    Example:
        >>> len(shaded_words(["very", "good"], np.array([0.1, 0.9])).axes[0].texts)
        2
    """
    if len(words) != len(weights):
        raise ValueError(f"{len(words)} words but {len(weights)} weights; give one weight a word.")
    places, column, line = [], 0, 0
    for word in words:
        if column and column + len(word) > 84:
            column, line = 0, line + 1
        places.append((column + len(word) / 2, line))
        column += len(word) + 2  # room for the frame of the next word
    figure, axes = subplots(figsize=(8.2, 0.3 * (line + 1) + 0.3))
    for word, place, shade in zip(words, places, np.asarray(weights) / np.max(weights), strict=True):
        box = {"boxstyle": "square,pad=0.2", "fc": str(1 - 0.85 * shade), "ec": "none"}
        color = "white" if shade > 0.55 else "black"
        axes.text(*place, word, ha="center", va="center", family="monospace", fontsize=10.5, color=color, bbox=box)
    axes.set(xlim=(0, 85), ylim=(line + 0.6, -0.6))
    axes.set_title(title, fontsize=10, loc="left")
    axes.axis("off")
    return figure


def soft_lookup(
    query: np.ndarray, keys: np.ndarray, weights: np.ndarray, *, values: Mapping[str, float], unit: str
) -> Figure:
    """Draw a query arrow among key arrows, the weight of each key, and the answer: the weighted mean of the values.

    Args:
        query: shape ``(2,)``.
        keys: shape ``(keys, 2)``, of length 1.
        weights: shape ``(keys,)``, summing to 1.
        values: from each key's name to its value, in the order of the keys.
        unit: of the values.

    Returns:
        The figure.

    Example:
        >>> weights = np.array([0.5, 0.5])
        >>> figure = soft_lookup(np.ones(2), np.eye(2), weights, values={"a": 4.0, "b": 8.0}, unit="m")
        >>> figure.axes[1].get_title()
        'answer: 6.0 m'
    """
    figure, (left, right) = subplots(1, 2, figsize=(8.2, 3.2), width_ratios=(1, 1.4))
    reach = max(1.0, float(np.hypot(*query)))
    for key, name in zip(keys, values, strict=True):
        left.annotate("", key, (0, 0), arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0})
        left.text(*(key * (1 + 0.2 * reach)), name, ha="center", va="center")
    style = {"arrowstyle": "-|>", "color": COLORS[3], "lw": 3, "shrinkA": 0, "shrinkB": 0}
    left.annotate("", query, (0, 0), arrowprops=style)
    left.set(xlim=(-1.2 * reach - 0.3, 1.2 * reach + 0.3), ylim=(-1.2 * reach - 0.1, 1.2 * reach + 0.1), aspect="equal")
    left.axis("off")
    right.bar(list(values), weights, color=COLORS[4], edgecolor="black")
    for place, (weight, value) in enumerate(zip(weights, values.values(), strict=True)):
        right.text(place, weight + 0.03, f"{weight:.2f} × {value:g} {unit}", ha="center", fontsize=9)
    answer = np.dot(weights, list(values.values()))
    right.set(xlabel="key", ylabel="weight", ylim=(0, 1.15), title=f"answer: {answer:.1f} {unit}")
    return figure


def _arrow(axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow behind the boxes: from side to side between columns, along the left side within one."""
    if start[0] == end[0]:
        ends, bend = ((start[0] - 0.43, start[1]), (end[0] - 0.43, end[1])), 0.25
    else:
        ends, bend = ((start[0] + 0.43, start[1]), (end[0] - 0.43, end[1])), 0.0
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "color": "0.65", "linewidth": 0.8}
    axes.add_patch(FancyArrowPatch(*ends, mutation_scale=8, shrinkA=0, shrinkB=0, zorder=0, **style))
