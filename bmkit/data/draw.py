"""Draw the rows of a split: every class with its share, or groups of rows that must stay together."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bmkit.data.entries import SPLITS, DataError, Description

__all__ = [
    "Members",
    "Splits",
    "cut",
    "group_numbers",
    "grouped",
    "stratified",
    "stratified_splits",
    "with_validation",
]

Members = dict[str, bytes]  # what a reader takes: contents by name
Splits = dict[str, tuple[Any, np.ndarray]]  # what it returns: (x, y) per split


def stratified(labels: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """Draw disjoint sets of rows in which every class has its share, with seed 0.

    Args:
        labels: class of each row, shape (rows,).
        sizes: how many rows each set gets; their sum is at most the number of rows.

    Returns:
        One array of row numbers per size, sorted.

    Raises:
        DataError: more rows are wanted than there are.

    Example:
        >>> first, second = stratified(np.array([0, 0, 0, 0, 1, 1, 1, 1]), [4, 4])
        >>> np.bincount(np.array([0, 0, 0, 0, 1, 1, 1, 1])[first])
        array([2, 2])

    Reference:
        Kohavi, 1995, "A Study of Cross-Validation and Bootstrap", https://www.ijcai.org/Proceedings/95-2/Papers/016.pdf
    """
    if sum(sizes) > len(labels):
        raise DataError(f"the split wants {sum(sizes):,} rows, but there are {len(labels):,}; mend `rows`.")
    shuffled = np.random.default_rng(0).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        rows = shuffled[labels[shuffled] == label]
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)  # evenly from 0 to 1 within each class
    # Cutting the common order anywhere cuts every class at the same share.
    order = shuffled[np.argsort(place[shuffled], kind="stable")]
    return [np.sort(rows) for rows in np.split(order, np.cumsum(sizes))[: len(sizes)]]


def group_numbers(*columns: np.ndarray) -> np.ndarray:
    """Number the rows of a table so that equal rows, and only they, share a number.

    Args:
        *columns: the columns to compare, each of shape (rows,); numbers, where "not a number" equals itself, or text.

    Returns:
        A number from 0 per row, in the order of first appearance, shape (rows,).

    Example:
        >>> group_numbers(np.array([7.0, np.nan, 7.0, np.nan]), np.array(["a", "b", "a", "c"], dtype=object))
        array([0, 1, 0, 2])

    Reference:
        Elmagarmid, Ipeirotis and Verykios, 2007, "Duplicate Record Detection", https://doi.org/10.1109/TKDE.2007.250581
    """
    numbers: dict[tuple, int] = {}
    return np.array([numbers.setdefault(tuple(map(str, row)), len(numbers)) for row in zip(*columns, strict=True)])


def grouped(groups: np.ndarray, labels: np.ndarray, *, held: float = 0.2) -> list[np.ndarray]:
    """Draw 60 / 20 / 20 % of the groups with seed 0 (or other shares); a group is never divided.

    Args:
        groups: number of the group of each row, from 0 without gaps, shape (rows,).
        labels: class of each row, shape (rows,); groups are stratified by the class of their first row.
        held: share of the groups that the second and the third set get each.

    Returns:
        Three sorted arrays of row numbers, which together are all rows.

    Example:
        >>> [part.tolist() for part in grouped(np.array([0, 1, 2, 3, 4, 0]), np.zeros(6))]
        [[2, 3, 4], [0, 5], [1]]

    Reference:
        scikit-learn, GroupKFold, https://scikit-learn.org/stable/modules/cross_validation.html#group-cv
    """
    _, first = np.unique(groups, return_index=True)
    share = int(len(first) * held + 1e-9)
    chosen = stratified(labels[first], [len(first) - 2 * share, share, share])
    return [np.flatnonzero(np.isin(groups, some)) for some in chosen]


def cut(x: Any, y: np.ndarray, chosen: Sequence[np.ndarray]) -> Splits:
    """Cut rows into the three splits.

    Args:
        x: inputs, shape (rows, ...), or a dictionary of such arrays.
        y: labels, shape (rows,).
        chosen: row numbers of train, validation and test.

    Returns:
        `(x, y)` of each split.

    Example:
        >>> cut(np.arange(4), np.arange(4) * 2, [np.array([0, 3]), np.array([1]), np.array([2])])["train"]
        (array([0, 3]), array([0, 6]))
    """

    def taken(rows: np.ndarray) -> Any:
        return {name: column[rows] for name, column in x.items()} if isinstance(x, dict) else x[rows]

    return {split: (taken(rows), y[rows]) for split, rows in zip(SPLITS, chosen, strict=True)}


def stratified_splits(x: Any, y: np.ndarray, description: Description) -> Splits:
    """Cut rows at random, stratified by class, into the sizes of the manifest.

    Args:
        x: inputs, shape (rows, ...), or a dictionary of such arrays.
        y: class of each row, shape (rows,).
        description: says how many rows each split has.

    Returns:
        `(x, y)` of each split.

    Raises:
        DataError: the manifest's rows are not as many as there are.

    Example:
        >>> from bmkit.data.manifest import entry
        >>> rows = np.zeros((1797, 64))
        >>> splits = stratified_splits(rows, rows[:, 0], entry("digits").description)
        >>> {split: len(y) for split, (_, y) in splits.items()}
        {'train': 1077, 'validation': 360, 'test': 360}
    """
    counted, fifth = sum(description.rows.values()), len(y) // 5
    if counted != len(y):
        raise DataError(
            f"{description.name} has {len(y):,} rows, but its entry adds up to {counted:,}; write "
            f"for example rows = {{ train = {len(y) - 2 * fifth}, validation = {fifth}, test = {fifth} }} into "
            f"data/sets/{description.name}.toml."
        )
    return cut(x, y, stratified(y, [description.rows[split] for split in SPLITS]))


def with_validation(x: np.ndarray, y: np.ndarray, test: tuple, description: Description) -> Splits:
    """Keep a published test split and take the validation rows out of the published training rows.

    Args:
        x: inputs of the published training rows, shape (rows, ...).
        y: their classes, shape (rows,).
        test: `(x, y)` of the published test rows.
        description: says how many rows validation has.

    Returns:
        `(x, y)` of each split.

    Example:
        >>> from bmkit.data.manifest import entry
        >>> rows = np.arange(270)
        >>> splits = with_validation(rows, rows % 9, (rows, rows), entry("japanese_vowels").description)
        >>> {split: len(y) for split, (_, y) in splits.items()}
        {'train': 216, 'validation': 54, 'test': 270}
    """
    size = description.rows["validation"]
    train, validation = stratified(y, [len(y) - size, size])
    return {"train": (x[train], y[train]), "validation": (x[validation], y[validation]), "test": test}
