"""Boxes and arrows: what is computed from what, in a recurrent network, in an LSTM and in a Transformer."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.figure import Figure

from bmkit.plot import subplots

__all__ = [
    "boxes",
    "encoder_decoder",
    "lstm_cell",
    "residual_block",
    "teacher_forcing",
    "transformer_block",
    "unrolled_rnn",
]


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


def encoder_decoder(source: str, written: str, following: str) -> Figure:
    """Draw a Transformer: the encoder reads above, the decoder writes below and looks up into what was read.

    Args:
        source: what is read.
        written: what has been written so far.
        following: what is written next.

    Returns:
        The figure.

    Example:
        >>> "next: 0" in [text.get_text() for text in encoder_decoder("3 May", "05-", "next: 0").axes[0].texts]
        True
    """
    parts = ["embedding", "norm,\nattention", "+", "norm,\nfeed-forward", " +", "norm"]  # a blank: another name
    upper = dict(zip([source, *parts], range(7), strict=True))
    lower = ["embedding ", "norm,\ncausal\nattention", "+ ", "norm,\ncross-\nattention", " + "]
    lower += ["norm, \nfeed-forward ", "  +", "norm ", following]
    below = dict(zip([written, *lower], range(10), strict=True))
    places = {name: (x, 1.35) for name, x in upper.items()} | {name: (x, 0) for name, x in below.items()}
    chains = [*itertools.pairwise(upper), *itertools.pairwise(below), ("norm", "norm,\ncross-\nattention")]
    shortcuts = [("embedding", "+", "", -0.55), ("+", " +", "", -0.55)]  # above the encoder, below the decoder
    shortcuts += [(*ends, "", 0.55) for ends in (("embedding ", "+ "), ("+ ", " + "), (" + ", "  +"))]
    shaded = ("norm,\nattention", "norm,\ncausal\nattention", "norm,\ncross-\nattention")
    figure = boxes(places, [*chains, *shortcuts], shaded=shaded, figsize=(10.6, 3.2))
    axes = figure.axes[0]
    for x, y, name in ((3.0, 2.1, "encoder block, repeated"), (4.0, -0.75, "decoder block, repeated")):
        axes.text(x, y, name, ha="center", va="center", fontsize=9, style="italic")
    axes.set(xlim=(-0.6, 9.6), ylim=(-0.9, 2.25))
    return figure


def lstm_cell() -> Figure:
    """Draw one step of an LSTM, ``c' = f·c + i·g`` and ``h' = o·tanh(c')``: the memory along the top, the gates below.

    Returns:
        The figure.

    Example:
        >>> [text.get_text() for text in lstm_cell().axes[0].texts].count("(units,)")
        4
    """
    places = {"memory c": (0, 2.4), "×": (1.5, 2.4), "+": (3.3, 2.4), "new memory c′": (5.5, 2.4)}
    places |= {
        "× ": (3.3, 1.6),
        "tanh": (6.6, 1.6),
        "×  ": (6.6, 0.75),
        "new state h′": (8.5, 0.75),
    }  # blanks tell × apart
    places |= {"forget gate f": (1.5, 0.75), "input gate i": (2.75, 0.75), "candidate g": (3.95, 0.75)}
    places |= {"output gate o": (5.3, 0.75), "word x, state h": (2.75, -0.3)}
    gates = ("forget gate f", "input gate i", "output gate o")
    arrows = [("memory c", "×", "(units,)"), ("×", "+", "f·c"), ("+", "new memory c′", "(units,)")]
    arrows += [("forget gate f", "×", "(units,)"), ("input gate i", "× "), ("candidate g", "× "), ("× ", "+", "i·g")]
    arrows += [
        ("new memory c′", "tanh"),
        ("tanh", "×  "),
        ("output gate o", "×  "),
        ("×  ", "new state h′", "(units,)"),
    ]
    arrows += [("word x, state h", name) for name in (*gates, "candidate g")]
    return boxes(places, arrows, shaded=gates, figsize=(9.2, 3.3))


def residual_block(shape: Sequence[int]) -> Figure:
    """Draw a residual block: what two convolutions add to an input that goes past them.

    Args:
        shape: of the input and the output, ``(height, width, channels)``.

    Returns:
        The figure, with the shape on each arrow.

    Example:
        >>> [text.get_text() for text in residual_block((8, 6, 4)).axes[0].texts].count("(8, 6, 4)")
        4
    """
    names = ["x", "conv 3×3", "ReLU", "conv 3×3 ", "+", "ReLU ", "y"]
    places = {name: (1.75 * step, 0.0) for step, name in enumerate(names)}
    size = f"({', '.join(map(str, shape))})"
    arrows = [(start, end, size) for start, end in itertools.pairwise(names) if end not in ("+", "ReLU ")]
    arrows += [("+", "ReLU "), ("x", "+", f"shortcut: x, {size}", -0.28), ("conv 3×3 ", "+", f"F(x)\n{size}")]
    figure = boxes(places, arrows, shaded=("conv 3×3", "conv 3×3 "), figsize=(9.8, 1.9))
    figure.axes[0].set(xlim=(-0.4, 10.9), ylim=(-0.6, 1.6))  # as wide as high a unit: labels lie on the arcs
    return figure


def teacher_forcing() -> Figure:
    """Draw what a decoder is given: in training the right beginning, in use what it has written itself.

    Returns:
        The figure.

    Example:
        >>> "$x_2 = y_1$" in [text.get_text() for text in teacher_forcing().axes[0].texts]
        True
    """
    places, arrows = {}, []
    for left, target in ((0.0, "y"), (4.6, r"\hat{y}")):
        given = [f"$x_1 = $ {'start' if left else 'start '}", *(f"$x_{k + 1} = {target}_{k}$" for k in (1, 2))]
        wanted = [f"${target}_{k}$" for k in (1, 2, 3)]
        for step, (below, above) in enumerate(zip(given, wanted, strict=True)):
            places |= {below: (left + 1.4 * step, 0), above: (left + 1.4 * step, 1)}
            arrows.append((below, above))
        if left:
            arrows += zip(wanted[:2], given[1:], strict=True)
    figure = boxes(places, arrows, shaded=[name for name in places if "=" in name], figsize=(8.6, 2.5))
    axes = figure.axes[0]
    for x, title in ((1.4, "training: the right answer is given"), (6.0, "inference: its own writing is given")):
        axes.text(x, 1.5, title, ha="center", va="center", fontsize=10)
    axes.set(xlim=(-0.7, 8.1), ylim=(-0.4, 1.7))
    return figure


def transformer_block() -> Figure:
    """Draw a Transformer's block with the norm first: two parts, each added to what is there, and all shapes.

    Returns:
        The figure.

    Example:
        >>> [text.get_text() for text in transformer_block().axes[0].texts].count("(n, d)")
        7
    """
    names = ["x", "norm", "attention", "+", "norm ", "Dense, gelu", "Dense", "+ ", "z"]  # a blank makes another name
    across = [0, 1.1, 2.6, 3.9, 5.0, 6.6, 8.4, 9.6, 10.6]
    places = {name: (x, 0) for name, x in zip(names, across, strict=True)}
    shapes = ["(n, 4d)" if start == "Dense, gelu" else "(n, d)" for start in names[:-1]]
    chain = [(*ends, shape) for ends, shape in zip(itertools.pairwise(names), shapes, strict=True)]
    shortcuts = [("x", "+", "", -0.3), ("+", "+ ", "", -0.3)]
    figure = boxes(places, [*chain, *shortcuts], shaded=["attention"], figsize=(10.2, 1.9))
    axes = figure.axes[0]
    for x, y in ((1.95, 0.7), (6.75, 0.93)):
        axes.text(x, y, "shortcut", ha="center", va="center", fontsize=9, style="italic")
    axes.set(ylim=(-0.35, 1.1))
    return figure


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
    states = ["$h_0=0$", *(f"$h_{step}$" for step in range(1, len(words) + 1))]
    state, word = "state h\n(units,)", "word x\n(features,)"
    places = {state: (-2.3, 1), word: (-2.3, 0), states[0]: (-0.4, 1), question: (len(words) + 2.0, 1)}
    arrows = [(word, state, "W"), (states[-1], question, "(units,)")]
    for step, name in enumerate(words, start=1):
        places |= {states[step]: (step, 1), name: (step, 0)}
        arrows += [(name, states[step], "W"), (states[step - 1], states[step], "U")]
    figure = boxes(places, arrows, shaded=[state], figsize=(8.8, 2.6))
    axes = figure.axes[0]
    loop = {"arrowstyle": "-|>", "color": "black", "connectionstyle": "arc3,rad=-1.7", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (-2.05, 1.2), (-2.55, 1.2), arrowprops=loop)
    top = axes.annotate("U", (-2.3, 1.62), ha="center", va="center", fontsize=9)
    top.set_bbox({"fc": "white", "ec": "none", "pad": 1})
    axes.set(xlim=(-3.0, len(words) + 2.7), ylim=(-0.4, 1.8))
    return figure
