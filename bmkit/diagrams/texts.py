"""How a text is cut into tokens, and how a model is asked for the words that were hidden in it."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bmkit.plot import subplots

__all__ = ["cut_text", "masked_language_model"]


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


def masked_language_model(words: Sequence[str], hidden: Sequence[int], *, width: int, vocabulary_size: int) -> Figure:
    """Draw how BERT learns: all words enter the encoder, some as ▢, and a loss stands at the hidden places alone.

    Args:
        words: the text.
        hidden: the places of the words that are hidden, from 0.
        width: numbers of a vector.
        vocabulary_size: numbers of logits.

    Returns:
        The figure.

    Raises:
        ValueError: a hidden place lies outside the text.

    Example:
        >>> figure = masked_language_model(["hot", "black", "tea"], [2], width=8, vocabulary_size=50)
        >>> [text.get_text() for text in figure.axes[0].texts if "ln" in text.get_text()]
        ['−ln p(tea)']
    """
    time = len(words)
    if not all(0 <= place < time for place in hidden):
        raise ValueError(f"places {list(hidden)} are hidden in a text of {time} words; expected 0 … {time - 1}.")
    figure, axes = subplots(figsize=(8.6, 3.4))
    frame = {"boxstyle": "round,pad=0.3", "fc": "white", "ec": "black"}
    centred = {"ha": "center", "va": "center", "fontsize": 9.5}

    def arrow(x: float, start: float, end: float) -> None:
        axes.annotate("", (x, end), (x, start), arrowprops={"arrowstyle": "-|>", "color": "black"})

    axes.add_patch(Rectangle((-0.45, 0.85), time - 0.1, 0.6, fc="0.88", ec="black"))
    axes.text((time - 1) / 2, 1.15, "embedding and encoder blocks: every place sees all others", **centred)
    for place, word in enumerate(words):
        asked = place in hidden
        axes.text(place, 0, "▢" if asked else word, bbox=frame, **centred)
        arrow(place, 0.25, 0.85)
        arrow(place, 1.45, 2.0)
        if not asked:
            axes.text(place, 2.12, "not asked", color="0.35", ha="center", va="center", fontsize=8.5)
            continue
        axes.text(place, 2.25, "dense,\nsoftmax", bbox=frame, **centred)
        arrow(place, 2.55, 3.05)
        axes.text(place, 3.25, f"−ln p({word})", fontweight="bold", **centred)
    shapes = {0.0: "read", 0.55: f"tokens ({time},)", 1.72: f"vectors ({time}, {width})"}
    shapes |= {2.8: f"probabilities ({len(hidden)}, {vocabulary_size})", 3.25: "loss"}
    for y, label in shapes.items():
        axes.text(-0.65, y, label, ha="right", va="center", fontsize=9)
    axes.set(xlim=(-2.6, time - 0.4), ylim=(-0.3, 3.5))
    axes.axis("off")
    return figure
