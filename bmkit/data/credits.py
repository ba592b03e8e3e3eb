"""The tables of README.md that say which data sets, weights and recordings there are, and whose they are."""

from collections.abc import Iterable

from bmkit.data.load import describe, names
from bmkit.data.recordings import recordings
from bmkit.data.weights import weights

__all__ = ["recordings_table", "row", "sets_table", "weights_table"]


def sets_table() -> str:
    """Write the table of data sets from their entries.

    Returns:
        Markdown, a line a set.

    Example:
        >>> [line[:48] for line in sets_table().splitlines() if "`wine`" in line]
        ['| `wine` | 178 Italian wines of three growers, b']
    """
    lines = ["| `NAME` | data | rows | licence | cite |", "|---|---|---|---|---|"]
    for one in map(describe, names()):
        rows = f"{sum(one.rows.values()):,}"
        cells = (f"`{one.name}`", one.title, rows, one.licence, f"[{one.citation}]({one.reference})")
        lines.append(row(cells))
    return "\n".join(lines)


def weights_table() -> str:
    """Write the table of pretrained weights from their entries.

    Returns:
        Markdown, a line a model.

    Example:
        >>> [line.split(" | ")[2] for line in weights_table().splitlines() if "`minilm`" in line]
        ['84 MB']
    """
    lines = ["| `NAME` | model | download | needs | licence | cite |", "|---|---|---|---|---|---|"]
    for one in weights().values():
        size = f"{one.download_bytes / 1e6:.0f} MB"
        if one.own:
            size = f"none ({one.own.bytes / 1e6:.1g} MB, part of the kit)"
        credit = f"[{one.citation}]({one.reference})"
        lines.append(row((f"`{one.name}`", one.title, size, one.needs, one.licence, credit)))
    return "\n".join(lines)


def recordings_table() -> str:
    """Write the table of recordings from their entries.

    Returns:
        Markdown, a line a recording.

    Example:
        >>> [line.split(" | ")[2] for line in recordings_table().splitlines() if "`two_cities`" in line]
        ['20 MB']
    """
    lines = ["| `NAME` | recording | download | licence | cite |", "|---|---|---|---|---|"]
    for one in recordings().values():
        size, credit = f"{one.download_bytes / 1e6:.0f} MB", f"[{one.citation}]({one.reference})"
        lines.append(row((f"`{one.name}`", one.title, size, one.licence, credit)))
    return "\n".join(lines)


def row(cells: Iterable[str]) -> str:
    r"""Write a line of a Markdown table.

    Args:
        cells: their texts.

    Returns:
        The line, without a newline.

    Example:
        >>> row(["P(a|b)", "0.5"])
        '| P(a\\|b) | 0.5 |'
    """
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
