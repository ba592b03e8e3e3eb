"""Food reviews, without those that another one repeats."""

import numpy as np

from bmkit.data.draw import Members, Splits, with_validation
from bmkit.data.entries import Description
from bmkit.data.texts import opening
from bmkit.data.unpack import frames

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read the reviews; train and validation lose every review that the test split or they themselves hold already."""
    test, train = frames(members)  # sorted by name: testing_data, training_data
    seen = {opening(text) for text in test["review"]}
    kept = []
    for row, text in enumerate(train["review"]):
        if opening(text) not in seen:
            seen.add(opening(text))
            kept.append(row)
    great = [(frame["score"] == "great").astype(np.int64) for frame in (train, test)]
    return with_validation(train["review"][kept], great[0][kept], (test["review"], great[1]), description)
