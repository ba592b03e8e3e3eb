"""How a text is cut into tokens."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bmkit.plot import subplots

__all__ = ["cut_text"]


def cut_text(cuts: Mapping[str, Sequence[str]]) -> Figure:
    """Write one text in several rows, each cut into other pieces; neighbours stand on different greys, · is a space.

    Args:
        cuts: from each row's name to the pieces of the text; joined they must be the same text in all rows.

    Returns:
        The figure.

    Raises:
        ValueError: the rows do not hold the same text.

    Example:
        >>> len(cut_text({"letters": ["l", "o", "w"], "words": ["low"]}).axes[0].patches)
        4
    """
    texts = {"".join(pieces) for pieces in cuts.values()}
    if len(texts) != 1:
        raise ValueError(f"the rows hold {len(texts)} different texts; expected pieces of one.")
    figure, axes = subplots(figsize=(8.6, 0.42 * len(cuts) + 0.25))
    length = len(texts.pop())
    for row, (name, pieces) in enumerate(cuts.items()):
        axes.text(-0.7, row, name, ha="right", va="center", fontsize=9)
        axes.text(length + 0.7, row, len(pieces), ha="left", va="center", fontsize=9)
        start = 0
        for number, piece in enumerate(pieces):
            shade = ("0.78", "0.95")[number % 2]
            axes.add_patch(Rectangle((start, row - 0.36), len(piece), 0.72, fc=shade, ec="0.4", lw=0.6))
            for place, sign in enumerate(piece.replace(" ", "·")):
                axes.text(start + place + 0.5, row, sign, ha="center", va="center", family="monospace", fontsize=9)
            start += len(piece)
    axes.set(xlim=(-0.16 * length, 1.05 * length), ylim=(len(cuts) - 0.4, -0.6))
    axes.axis("off")
    return figure
