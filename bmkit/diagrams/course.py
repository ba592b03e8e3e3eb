"""The map of the course."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from bmkit.plot import subplots

__all__ = ["course_map"]


def course_map(chapters: Sequence) -> Figure:
    """Draw the chapters as boxes in one column a part, with the numbers of the chapters to read before.

    Args:
        chapters: as `bmkit.course.chapters.chapters` lists them; ready ones are filled.

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
        x, y = place[chapter.number]
        face, edge = ("#56B4E9", "black") if chapter.ready else ("white", "0.6")
        box = {"boxstyle": "round,pad=0,rounding_size=0.05", "facecolor": face, "edgecolor": edge}
        axes.add_patch(FancyBboxPatch((x - 0.43, y - 0.42), 0.86, 0.84, mutation_aspect=1.4, **box))
        text = textwrap.fill(f"{chapter.number} {chapter.title}", 15, break_long_words=False)
        if chapter.before:
            text += "\n← " + " ".join(chapter.before)
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
