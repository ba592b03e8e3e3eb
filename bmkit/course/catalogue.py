"""The catalogue of data sets and weights, as the command line prints it."""

import re
from collections.abc import Iterable

from bmkit import console

__all__ = ["catalogue"]


def catalogue(descriptions: Iterable) -> None:
    """Print data sets and weights with their sizes and licences.

    Args:
        descriptions: as `data.describe` returns them.
    """
    rows = []
    for one in descriptions:
        size = f"{one.download_bytes / 1e6:.1f} MB" if one.download_bytes else "none"
        weights = hasattr(one, "parameters")
        rows_of = f"{one.parameters:,} weights" if weights else " + ".join(f"{n:,}" for n in one.rows.values())
        licence = re.split(r" \(|;|, ", one.licence)[0]  # its first words; describe() has all of it
        kind = "weights" if weights else "core" if one.core else "online"
        rows.append((one.name, one.title, rows_of, size, licence, kind))
    console.table("Data sets and pretrained weights", ["name", "what", "rows", "download", "licence", ""], rows)
    print("Units, licence and citation of each: python3 -c \"from bmkit import data; print(data.describe('digits'))\"")
