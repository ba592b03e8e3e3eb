"""Utterances of several channels in two .ts files."""

import numpy as np

from bmkit.data.draw import Members, Splits, with_validation
from bmkit.data.entries import Description

__all__ = ["read"]


def _utterances(content: bytes, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a .ts file: one utterance per line, channels parted by colons, the class last; fill up with zeros."""
    lines = content.decode().split("@data", 1)[1].split()
    rows = [line.split(":") for line in lines]
    x = np.zeros((len(rows), longest, len(rows[0]) - 1), np.float32)
    for row, (*channels, _) in enumerate(rows):
        frames = np.array([channel.split(",") for channel in channels], np.float32).T  # (time, channels)
        x[row, : len(frames)] = frames
    return x, np.array([int(row[-1]) - 1 for row in rows])


def read(members: Members, description: Description) -> Splits:
    """Read a test and a train .ts file of utterances, x of shape (rows, longest, channels)."""
    test, train = (_utterances(content, description.x.shape[0]) for content in members.values())
    return with_validation(*train, test, description)
