"""Lattices: every way through a text, one column a moment."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from bmkit.plot import COLORS, subplots

__all__ = ["ctc_lattice"]

RADIUS = 0.31


def ctc_lattice(states: Sequence[str], sums: np.ndarray, *, blank: str = "–", path: Sequence[int] = ()) -> Figure:
    """Draw all paths that spell a text: a row for each state, a column for each frame, an arrow for each step.

    From a state a path may stay, go on to the next one, or jump over a blank between two different labels. What lies on
    no path from the first frame to the last is pale.

    Args:
        states: blank, label, blank, …, label, blank.
        sums: the sum of the forward algorithm in each state, shape ``(frames, states)``; it is written there.
        blank: how the blank is written in `states`.
        path: a state's number for each frame, to be drawn thick.

    Returns:
        The figure.

    Raises:
        ValueError: there are not as many sums as states.

    Example:
        >>> figure = ctc_lattice(["–", "one", "–"], np.full((3, 3), 0.25))
        >>> len(figure.axes[0].patches), [label.get_text() for label in figure.axes[0].get_yticklabels()]
        (9, ['–', 'one', '–'])

    Reference:
        Graves et al. (2006), Connectionist temporal classification, figure 3, https://doi.org/10.1145/1143844.1143891
    """
    frames, count = np.shape(sums)
    if count != len(states):
        raise ValueError(f"there are {len(states)} states but sums of shape {np.shape(sums)}; give (frames, states).")
    figure, axes = subplots(figsize=(1.15 * frames + 1.4, 0.62 * count + 0.9))
    live = _live(states, frames, blank)
    for t, s in np.ndindex(frames, count):
        shade = "black" if live[t, s] else "0.8"
        axes.add_patch(Circle((t, s), RADIUS, fc="white", ec=shade, lw=1.2, zorder=3))
        if live[t, s]:
            written = f"{sums[t][s]:.3f}".removeprefix("0")
            axes.text(t, s, written, ha="center", va="center", fontsize=8, zorder=4)
    for t, s in np.argwhere(live[:-1]):
        for after in _after(states, s, blank):
            if live[t + 1, after]:
                chosen = len(path) > t + 1 and (path[t], path[t + 1]) == (s, after)
                _arrow(axes, (t, s), (t + 1, after), chosen)
    axes.set_xticks(range(frames), range(1, frames + 1))
    axes.set_yticks(range(count), states, fontsize=11)
    axes.set(xlim=(-0.7, frames - 0.4), ylim=(count - 0.4, -0.6), xlabel="frame", ylabel="state")
    axes.tick_params(length=0)
    axes.set_aspect("equal")
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


def _after(states: Sequence[str], s: int, blank: str) -> list[int]:
    """Return the states to which a path may go: itself, the next, or the one after a blank if it is another label."""
    after = [s, s + 1, s + 2]
    may_jump = states[s] != blank and states[s] != states[min(s + 2, len(states) - 1)]
    return [state for state in after[: 2 + may_jump] if state < len(states)]


def _live(states: Sequence[str], frames: int, blank: str) -> np.ndarray:
    """Mark what lies on a path from one of the first two states to one of the last two, (frames, states)."""
    reached, useful = np.zeros((2, frames, len(states)), bool)
    reached[0, :2], useful[-1, -2:] = True, True
    for t in range(1, frames):
        for s in np.flatnonzero(reached[t - 1]):
            reached[t, _after(states, s, blank)] = True
    for t in range(frames - 2, -1, -1):
        for s in range(len(states)):
            useful[t, s] = useful[t + 1, _after(states, s, blank)].any()
    return reached & useful


def _arrow(axes, start: tuple[int, int], end: tuple[int, int], chosen: bool) -> None:
    (x0, y0), (x1, y1) = start, end
    share = RADIUS / np.hypot(x1 - x0, y1 - y0)
    look = {"arrowstyle": "-|>", "color": COLORS[3] if chosen else "0.45", "lw": 2.4 if chosen else 0.9}
    look |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    tail = (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
    head = (x1 - share * (x1 - x0), y1 - share * (y1 - y0))
    axes.annotate("", head, tail, arrowprops=look, zorder=2)
