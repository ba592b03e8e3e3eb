"""Chinese reviews, as published."""

from bmkit.data.draw import Members, Splits, stratified_splits
from bmkit.data.entries import Description
from bmkit.data.unpack import labelled_lines

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read the reviews as published, line by line, repeated ones and all."""
    return stratified_splits(*labelled_lines(members), description)
