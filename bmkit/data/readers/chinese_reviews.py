"""Chinese reviews, without those that echo another one."""

import numpy as np

from bmkit.data.draw import Members, Splits, stratified_splits
from bmkit.data.entries import Description
from bmkit.data.texts import without_echoes
from bmkit.data.unpack import labelled_lines

__all__ = ["read"]

REPLY = "宾馆反馈"  # how the answer of a hotel begins; it bears the label of the review that it answers
LEAST = 5  # letters: what is shorter is mostly a headline, as "优点:", the good points


def read(members: Members, description: Description) -> Splits:
    """Read the reviews; of two that share twenty letters in a row the first is kept, or neither if they disagree."""
    texts, labels = labelled_lines(members)  # sorted by name: neg, pos
    reviews = np.flatnonzero([not text.startswith(REPLY) for text in texts])
    texts, labels = texts[reviews], labels[reviews]
    kept = without_echoes(texts, labels, least=LEAST)
    return stratified_splits(texts[kept], labels[kept], description)
