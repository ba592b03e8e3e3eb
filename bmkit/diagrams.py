"""Drawings of one thing each, too long for a chapter's cell: the map of the course, a step of a convolution."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from bmkit.plot import COLORS, subplots

__all__ = ["boxes", "convolution_step", "course_map", "lstm_cell", "unrolled_rnn"]


def boxes(
    places: Mapping[str, tuple[float, float]],
    arrows: Iterable[tuple],
    *,
    shaded: Sequence[str] = (),
    figsize: tuple[float, float] = (7.4, 3.0),
) -> Figure:
    """Draw boxes with text in them and arrows between them: what is computed from what.

    Args:
        places: from each box's text to its place ``(x, y)``, y upwards; one unit is the distance of neighbours.
        arrows: ``(start, end)``, ``(start, end, label)`` or ``(start, end, label, bend)``; start and end are texts of
            boxes, and a bend of 0.3 is a gentle arc.
        shaded: the boxes to draw in grey.
        figsize: width and height in inches.

    Returns:
        The figure.

    Raises:
        ValueError: an arrow or a shade names a box that is not there.

    Example:
        >>> [text.get_text() for text in boxes({"in": (0, 0), "out": (1, 0)}, [("in", "out", "times 2")]).axes[0].texts]
        ['in', 'out', '', 'times 2']
    """
    arrows = list(arrows)
    strange = {name for name in (*shaded, *(name for arrow in arrows for name in arrow[:2])) if name not in places}
    if strange:
        raise ValueError(f"no box is named {', '.join(sorted(strange))}; the boxes are {', '.join(places)}.")
    figure, axes = subplots(figsize=figsize)
    frames = {}
    for name, (x, y) in places.items():
        box = {"boxstyle": "round,pad=0.4", "fc": "0.88" if name in shaded else "white", "ec": "black"}
        frames[name] = axes.text(x, y, name, ha="center", va="center", fontsize=10, bbox=box).get_bbox_patch()
    for start, end, label, bend in (arrow + ("", 0.0)[len(arrow) - 2 :] for arrow in arrows):
        (x0, y0), (x1, y1) = places[start], places[end]
        style = {"arrowstyle": "-|>", "color": "black", "connectionstyle": f"arc3,rad={bend}"}
        style |= {"patchA": frames[start], "patchB": frames[end], "shrinkA": 0, "shrinkB": 1}  # from frame to frame
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=style, zorder=4)  # after the boxes, whose sizes it needs
        if label:
            x, y = (x0 + x1) / 2 + bend * (y1 - y0) / 2, (y0 + y1) / 2 - bend * (x1 - x0) / 2
            paper = {"fc": "white", "ec": "none", "pad": 1}
            axes.text(x, y, label, ha="center", va="center", fontsize=9, bbox=paper, zorder=5)
    across, up = zip(*places.values(), strict=True)
    axes.set(xlim=(min(across) - 0.5, max(across) + 0.5), ylim=(min(up) - 0.5, max(up) + 0.5))
    axes.axis("off")
    return figure


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
    figure, axes = subplots(figsize=(8.6, 6.8))
    for chapter in chapters:
        for needed in chapter.before[-1:]:  # only the last one named: all arrows together would hide the boxes
            _arrow(axes, place[needed], place[chapter.number])
    for chapter in chapters:
        x, y = place[chapter.number]
        face, edge = ("#56B4E9", "black") if chapter.ready else ("white", "0.6")
        box = {"boxstyle": "round,pad=0,rounding_size=0.05", "facecolor": face, "edgecolor": edge}
        axes.add_patch(FancyBboxPatch((x - 0.42, y - 0.42), 0.84, 0.84, mutation_aspect=1.4, **box))
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


def lstm_cell() -> Figure:
    """Draw one step of an LSTM: the memory along the top, the gates below it.

    Returns:
        The figure.

    Example:
        >>> len(lstm_cell().axes)
        1
    """
    places = {"memory c": (0, 2.1), "×": (1.5, 2.1), "+": (3.1, 2.1), "new memory c": (5.0, 2.1)}
    places |= {"forget gate f": (1.5, 1.05), "write gate i": (2.75, 1.05), "candidate g": (3.95, 1.05)}
    places |= {"o · tanh(c)": (6.0, 1.05), "new state h": (7.4, 1.05), "read gate o": (5.0, 0)}
    places |= {"word x, state h": (1.5, 0)}
    arrows = [("memory c", "×"), ("×", "+"), ("+", "new memory c"), ("forget gate f", "×"), ("write gate i", "+")]
    arrows += [("candidate g", "+"), ("new memory c", "o · tanh(c)"), ("o · tanh(c)", "new state h")]
    gates = ("forget gate f", "write gate i", "read gate o")
    arrows += [("word x, state h", name) for name in (*gates, "candidate g")] + [("read gate o", "o · tanh(c)")]
    return boxes(places, arrows, shaded=gates, figsize=(8.4, 3.1))


def unrolled_rnn(words: Sequence[str], question: str) -> Figure:
    """Draw a recurrent network twice: as a loop, and unrolled over the words of a sentence.

    Args:
        words: the sentence; its words must differ.
        question: what is read from the last state.

    Returns:
        The figure.

    Example:
        >>> texts = [text.get_text() for text in unrolled_rnn(["not", "good"], "to eat?").axes[0].texts]
        >>> "good" in texts, texts.count("U")
        (True, 3)
    """
    states = [f"$h_{step}$" for step in range(len(words) + 1)]
    places = {"state": (-2.2, 1), "word": (-2.2, 0), "$h_0=0$": (-0.2, 1)} | {question: (len(words) + 1.4, 1)}
    states[0] = "$h_0=0$"
    arrows = [("word", "state", "W"), (states[-1], question)]
    for step, word in enumerate(words, start=1):
        places |= {states[step]: (step, 1), word: (step, 0)}
        arrows += [(word, states[step], "W"), (states[step - 1], states[step], "U")]
    figure = boxes(places, arrows, shaded=["state"], figsize=(8.4, 2.5))
    axes = figure.axes[0]
    loop = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=-1.7", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (-2.0, 1.14), (-2.4, 1.14), arrowprops=loop)
    axes.text(-2.2, 1.72, "U", ha="center", va="center", fontsize=9)
    axes.set(xlim=(-2.8, len(words) + 2.3), ylim=(-0.4, 1.9))
    return figure


def _arrow(axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow behind the boxes: from side to side between columns, along the left side within one."""
    if start[0] == end[0]:
        ends, bend = ((start[0] - 0.42, start[1]), (end[0] - 0.42, end[1])), 0.25
    else:
        ends, bend = ((start[0] + 0.42, start[1]), (end[0] - 0.42, end[1])), 0.0
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "color": "0.65", "linewidth": 0.8}
    axes.add_patch(FancyArrowPatch(*ends, mutation_scale=8, shrinkA=0, shrinkB=0, zorder=0, **style))
