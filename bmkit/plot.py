"""Figures that survive grey print and colour blindness, with a caption and a text alternative under each.

Importing this module sets the course's Matplotlib style, whatever the user's own settings are.
"""

import html
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.pyplot import subplots
from PIL import Image

from bmkit.live import is_live

__all__ = ["COLORS", "LINES", "MARKERS", "explore", "history", "images", "matrix", "show", "subplots", "table"]

# Okabe and Ito's palette, the green a little darker, ordered so that neighbours also differ in lightness.
COLORS = ("#0072B2", "#E69F00", "#000000", "#D55E00", "#56B4E9", "#CC79A7", "#00805F")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MOST_BYTES = 60_000

# Fonts that draw Chinese, Japanese and Korean signs, as systems bring them; the first one here is used where the
# standard font has no sign.
FONTS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB"),
    *("SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Arial Unicode MS", "Droid Sans Fallback"),
)
STYLE = {
    "axes.grid": True,
    "axes.prop_cycle": matplotlib.cycler(color=COLORS, linestyle=LINES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.figsize": (6.4, 3.4),
    "font.family": ["DejaVu Sans", *(name for name in FONTS if name in get_font_names())],
    "font.size": 11,
    "grid.alpha": 0.3,
    "image.cmap": "gray",
    "legend.frameon": False,
}


def _set_style() -> None:
    """Start from Matplotlib's own defaults: white text or a dark style of the user's would be stored unreadable."""
    plt.style.use("default")
    plt.rcParams.update(STYLE)


_set_style()


def show(figure: Figure) -> None:
    """Show a figure in the notebook, small enough to be stored there.

    The text cell below it begins with its caption (``*Figure. …*``) and holds the same in words, folded.

    Args:
        figure: the figure; it is closed afterwards.

    Raises:
        ValueError: an axis that carries numbers has no label.

    Example:
        >>> figure, axes = subplots()
        >>> _ = axes.set(xlabel="epoch", ylabel="loss (nats)")
        >>> show(figure)
        <IPython.core.display.Image object>
    """
    from IPython.display import Image as Picture
    from IPython.display import display

    bare = [axes for axes in figure.axes if axes.axison and not _labelled(axes)]
    if bare:
        raise ValueError(
            f"{len(bare)} of the figure's {len(figure.axes)} axes lack a label; "
            "use axes.set(xlabel=…, ylabel=…) with units, or axes.axis('off') for a picture."
        )
    display(Picture(_png(figure), format="png"))
    plt.close(figure)


def _labelled(axes: Any) -> bool:
    """Tell whether each axis of a plot that carries numbers has a label, of its own or of the whole figure."""
    if axes.get_label() == "<colorbar>":
        return bool(axes.get_xlabel() or axes.get_ylabel())
    x = axes.get_xlabel() or axes.figure.get_supxlabel() or not _numbered(axes.xaxis)
    y = axes.get_ylabel() or axes.figure.get_supylabel() or not _numbered(axes.yaxis)
    return bool(x and y)


def _numbered(axis: Any) -> bool:
    """Tell whether numbers stand along an axis; those inside a grid that shares its axes have none."""
    ticks = axis.get_major_ticks()
    return axis.get_visible() and any(tick.label1.get_visible() or tick.label2.get_visible() for tick in ticks)


def images(
    pictures: np.ndarray, titles: Sequence[str] | None = None, *, columns: int = 8, width: float = 6.4, **options
) -> Figure:
    """Lay pictures out in a grid.

    Args:
        pictures: shape ``(n, height, width)`` or ``(n, height, width, channels)`` with 1 or 3 channels.
        titles: one text a picture.
        columns: pictures in a row.
        width: of the whole figure, in inches.
        **options: handed to `matplotlib.axes.Axes.imshow`, such as ``vmin=0, vmax=1``.

    Returns:
        The figure.

    Raises:
        ValueError: not one title a picture.

    Example:
        >>> len(images(np.zeros((3, 8, 8)), columns=2).axes)
        4
    """
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures but {len(titles)} titles; give one title a picture.")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    side = width / columns
    ratio = pictures[0].shape[0] / pictures[0].shape[1]
    height = rows * (side * ratio + (0.3 if titles is not None else 0.05))
    figure, grid = subplots(rows, columns, figsize=(width, height), squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for index, (axes, picture) in enumerate(zip(grid.flat, pictures, strict=False)):
        axes.imshow(np.squeeze(picture), **options)
        if titles is not None:
            axes.set_title(titles[index], fontsize=9)
    return figure


def history(
    runs: Mapping[str, Mapping[str, Sequence[float]]], metric: str = "loss", *, unit: str = "", log: bool = False
) -> Figure:
    """Draw learning curves: training dashed and open, validation solid and filled.

    Args:
        runs: from each run's name to its history as `bmkit.train.fit` returns it.
        metric: the name of the metric to draw, such as ``"accuracy"``.
        unit: its unit, for the axis.
        log: draw the metric on a logarithmic axis.

    Returns:
        The figure.

    Raises:
        ValueError: more runs than there are colours.

    Example:
        >>> figure = history({"mlp": {"loss": [2.0, 1.0], "val_loss": [2.1, 1.4]}}, unit="nats")
        >>> figure.axes[0].get_ylabel()
        'loss (nats)'
    """
    if len(runs) > len(COLORS):
        raise ValueError(f"{len(runs)} runs are too many to tell apart; draw at most {len(COLORS)} in one figure.")
    figure, axes = subplots()
    for (name, run), color, marker in zip(runs.items(), COLORS, MARKERS, strict=False):
        epochs = np.arange(1, len(run[metric]) + 1)
        axes.plot(epochs, run[metric], color=color, ls="--", marker=marker, mfc="white", label=f"{name}, training")
        if f"val_{metric}" in run:
            axes.plot(epochs, run[f"val_{metric}"], color=color, ls="-", marker=marker, label=f"{name}, validation")
    name = metric.replace("_", " ")
    axes.set(xlabel="epoch", ylabel=f"{name} ({unit})" if unit else name, yscale="log" if log else "linear")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(runs) > 2:  # beside the curves, not on them
        figure.set_size_inches(7.8, 3.4)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    else:
        axes.legend()
    return figure


def matrix(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, xlabel: str, ylabel: str) -> Figure:
    """Draw a table of counts or shares as a grid of grey fields with the number in each.

    Args:
        values: shape ``(rows, columns)``, ≥ 0.
        rows: one name a row.
        columns: one name a column.
        xlabel: what the columns are.
        ylabel: what the rows are.

    Returns:
        The figure.

    Example:
        >>> matrix(np.eye(2), ["a", "b"], ["a", "b"], xlabel="predicted", ylabel="true").axes[0].get_xlabel()
        'predicted'
    """
    figure, axes = subplots(figsize=(0.55 * len(columns) + 1.2, 0.45 * len(rows) + 0.9))
    shades = np.sqrt(values)  # the root keeps small counts visible beside large ones
    axes.imshow(shades, cmap="Greys", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        dark = shades[row, column] > (shades.min() + shades.max()) / 2
        axes.text(column, row, f"{value:g}", ha="center", va="center", color="white" if dark else "black", fontsize=9)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(False)
    return figure


def table(rows: Mapping[str, Mapping[str, Any]], *, corner: str = "", digits: int = 3) -> None:
    """Show the results of a comparison side by side; a test of the notebook compares all but what was measured.

    Args:
        rows: from what is compared to its results, each from a column's heading to a value: a float, which was
            measured here; a tuple ``(value, low, high)`` of floats, a measurement with its interval; an integer or a
            text, which must be the same everywhere; None, where there is none. Columns stand in the order in which they
            first come.
        corner: heading of the first column.
        digits: of a float, after the point.

    Example:
        >>> table({"mean": {"error": 0.31}, "network": {"error": (0.12, 0.1, 0.15)}}, corner="model")
        a table of 2 rows (mean, network) and the columns error
    """
    from IPython.display import display

    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [_row("th", corner, "".join(_cell("th", name) for name in columns))]
    for name, row in rows.items():
        cells = [_cell("td", _text(row.get(column), digits), _measured(row.get(column))) for column in columns]
        lines.append(_row("td", name, "".join(cells)))
    sentence = f"a table of {len(rows)} rows ({', '.join(rows)}) and the columns {', '.join(columns)}"
    display(_Table("\n".join(lines), sentence))


def _measured(value: Any) -> bool:
    return isinstance(value, float | np.floating | tuple)


def _text(value: Any, digits: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, tuple):
        middle, low, high = value
        return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
    if _measured(value):
        return f"{value:.{digits}f}"
    return value if isinstance(value, str) else f"{value:,}"


def _row(kind: str, name: str, cells: str) -> str:
    return f'<tr><{kind} style="text-align: left">{html.escape(name)}</{kind}>{cells}</tr>'


def _cell(kind: str, text: str, measured: bool = False) -> str:
    here = ' class="here"' if measured else ""  # the test of a notebook looks past such a cell
    return f'<{kind}{here} style="text-align: right">{html.escape(text)}</{kind}>'


class _Table:
    """What the notebook shows: a table, or a sentence about it where only text can stand."""

    def __init__(self, lines: str, sentence: str):
        self._lines, self._sentence = lines, sentence

    def _repr_html_(self) -> str:
        return f"<table>\n{self._lines}\n</table>"

    def __repr__(self) -> str:
        return self._sentence


def explore(draw: Callable[..., Figure], *, start: Mapping, **values: Sequence) -> None:
    """Let the learner move sliders and see a figure follow; where nobody watches, show it for the start values.

    Args:
        draw: function from one value for each slider to a figure; fast, as it runs at every move.
        start: the value each slider starts with; the figure for these is what is stored in the notebook.
        **values: for each slider the values it offers, in order.

    Raises:
        ValueError: a start value is missing or is not among those offered.

    Example:
        >>> def draw(power):
        ...     figure, axes = subplots()
        ...     axes.plot(np.arange(5.0) ** power)
        ...     axes.set(xlabel="x", ylabel="y")
        ...     return figure
        >>> explore(draw, start={"power": 2}, power=[1, 2, 3])
        <IPython.core.display.Image object>
    """
    unknown = [name for name in values if start.get(name) not in list(values[name])]
    if unknown or set(start) != set(values):
        raise ValueError(f"start = {dict(start)} must give each of {', '.join(values)} one of the values offered.")
    if not is_live():
        show(draw(**start))
        return
    from IPython.display import display
    from ipywidgets import SelectionSlider, VBox, interactive_output

    room = {"style": {"description_width": "7rem"}, "layout": {"width": "30rem"}}  # for whole names and an easy grip
    sliders = {
        name: SelectionSlider(options=list(offered), value=start[name], description=name.replace("_", " "), **room)
        for name, offered in values.items()
    }
    display(VBox([*sliders.values(), interactive_output(lambda **chosen: show(draw(**chosen)), sliders)]))


def _png(figure: Figure) -> bytes:
    """Render to PNG; above the size limit with ever fewer colours, then fewer pixels."""
    raw = io.BytesIO()
    white = {"facecolor": "white", "transparent": False}  # also where a style has been chosen since
    figure.savefig(raw, format="png", bbox_inches="tight", metadata={"Software": None}, **white)
    if raw.tell() <= MOST_BYTES:
        return raw.getvalue()
    picture = Image.open(raw).convert("RGB")
    for colors in (256, 128, 64, 32):
        small = io.BytesIO()
        picture.quantize(colors).save(small, format="png", optimize=True)
        if small.tell() <= MOST_BYTES:
            return small.getvalue()
    while small.tell() > MOST_BYTES:
        picture = picture.resize((int(picture.width * 0.8), int(picture.height * 0.8)))
        small = io.BytesIO()
        picture.quantize(32).save(small, format="png", optimize=True)
    return small.getvalue()
