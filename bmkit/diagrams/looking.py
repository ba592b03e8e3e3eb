"""What attention does: a soft look-up, and which words are read."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from bmkit.plot import COLORS, subplots

__all__ = ["shaded_words", "soft_lookup"]


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
