"""Decompress the members of a parcel within bounds."""

import lzma
import zlib
from typing import Any

import numpy as np

from bmkit.data.draw import Members
from bmkit.data.entries import DataError
from bmkit.data.parcels import LARGEST
from bmkit.data.unpickle import read_frame

__all__ = ["frames", "gunzip", "labelled_lines"]


def _unpacked(packed: bytes, decompressor: Any) -> bytes:
    """Decompress one whole gzip or xz stream up to a size that no honest set passes."""
    try:
        content = decompressor.decompress(packed, LARGEST)
    except (zlib.error, lzma.LZMAError) as error:
        raise DataError(f"compressed data is damaged ({error}). Run `python3 -m bmkit data verify`.") from error
    if not decompressor.eof:
        raise DataError(f"compressed data is cut short or unpacks to more than {LARGEST:,} bytes; expected less.")
    if decompressor.unused_data:
        raise DataError(f"compressed data is followed by {len(decompressor.unused_data):,} bytes; expected its end.")
    return content


def gunzip(packed: bytes) -> bytes:
    """Decompress one gzip stream.

    Args:
        packed: the stream, and nothing behind it.

    Returns:
        Its content.

    Raises:
        DataError: it is damaged, cut short, or unpacks to more than any honest set.

    Example:
        >>> import gzip
        >>> gunzip(gzip.compress(b"rows"))
        b'rows'
    """
    return _unpacked(packed, zlib.decompressobj(wbits=31))


def frames(members: Members) -> list[dict[str, np.ndarray]]:
    """Read xz-compressed pickled tables.

    Args:
        members: the tables by name.

    Returns:
        The columns by name of each table, in the order of the tables' names.

    Raises:
        DataError: one is damaged, or holds something other than a table of numbers and texts.

    Example:
        >>> frames({"a.pkl.compress": b"no table"})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: compressed data is damaged (Input format not supported ...
    """
    return [read_frame(_unpacked(packed, lzma.LZMADecompressor(memlimit=LARGEST))) for packed in members.values()]


def labelled_lines(members: Members) -> tuple[np.ndarray, np.ndarray]:
    r"""Read texts that stand one a line, the texts of each class in a file of their own.

    Args:
        members: one file a class, by name.

    Returns:
        The lines that are not empty, without spaces at both ends, as an object array, and the number of the file of
        each, in the order of the files' names.

    Raises:
        DataError: a file is not text in UTF-8.

    Example:
        >>> texts, labels = labelled_lines({"neg.txt": b"Bad.", "pos.txt": b"Good.\n\n Fine. "})
        >>> texts.tolist(), labels.tolist()
        (['Bad.', 'Good.', 'Fine.'], [0, 1, 1])
    """
    texts, labels = [], []
    for label, (name, content) in enumerate(members.items()):
        try:
            lines = content.decode().split("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{name} is not text in UTF-8 ({error}). Run `python3 -m bmkit data verify`.") from error
        texts += [line.strip() for line in lines if line.strip()]
        labels += [label] * (len(texts) - len(labels))
    return np.array(texts, dtype=object), np.array(labels, "int64")
