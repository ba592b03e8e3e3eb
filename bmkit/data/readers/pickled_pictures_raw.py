"""Pictures and labels in two pickles, as published."""

from bmkit.data.draw import Members, Splits, stratified_splits
from bmkit.data.entries import Description
from bmkit.data.readers.pickled_pictures import pictures

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read pictures and labels as published, equal pictures and all."""
    return stratified_splits(*pictures(members, description), description)
