"""Tables of the command line."""

import re
from collections.abc import Iterable
from typing import Any

from bmkit import console

__all__ = ["catalogue", "table", "verdicts"]


def catalogue(descriptions: Iterable) -> None:
    """Print data sets, weights and recordings with their sizes and licences.

    Args:
        descriptions: as `data.describe` returns them.
    """
    rows = []
    for one in descriptions:
        size = f"{one.download_bytes / 1e6:.1f} MB" if one.download_bytes else "none"
        kind, rows_of = _kind(one)
        licence = re.split(r" \(|;|, ", one.licence)[0]  # its first words; describe() has all of it
        rows.append((one.name, one.title, rows_of, size, licence, kind))
    table("Data sets, pretrained weights and recordings", ["name", "what", "rows", "download", "licence", ""], rows)
    print("Units, licence and citation of each: python3 -c \"from bmkit import data; print(data.describe('digits'))\"")


def _kind(one: Any) -> tuple[str, str]:
    """Tell what an entry is, and how much it holds."""
    if hasattr(one, "parameters"):
        return "weights", f"{one.parameters:,} weights"
    if hasattr(one, "sample_rate"):
        return "recording", f"{one.samples / one.sample_rate:.0f} s"
    return "core" if one.core else "online", " + ".join(f"{rows:,}" for rows in one.rows.values())


def verdicts(stages: Iterable) -> None:
    """Print how the stages of a test ended, and below what mends those that failed.

    Args:
        stages: as `suite.run` returns them.
    """
    stages = list(stages)
    rows = [("✓" if one.passed else "✗", one.stage.name, f"{one.seconds:.0f} s") for one in stages]
    table("bmkit test", ["", "stage", "time"], rows)
    for failed in (one.stage for one in stages if not one.passed):
        print(f"✗ {failed.name}: {failed.mend}")


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table that fits the terminal; long texts are folded.

    Args:
        title: above it.
        columns: their headings.
        rows: texts, one for each column.

    Example:
        >>> table("Sets", ["name", "rows"], [("digits", "1,797")])  # doctest: +NORMALIZE_WHITESPACE
               Sets
        ┏━━━━━━━━┳━━━━━━━┓
        ┃ name   ┃ rows  ┃
        ┡━━━━━━━━╇━━━━━━━┩
        │ digits │ 1,797 │
        └────────┴───────┘
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(title=title)
    for column in columns:
        drawn.add_column(column, overflow="fold")  # the ellipsis is one letter here and three in ASCII
    for row in rows:
        drawn.add_row(*(escape(console.shown(text)) for text in row))
    Console().print(drawn)
