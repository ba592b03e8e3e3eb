"""Pictures of faces in one folder a person."""

import re

import numpy as np

from bmkit.data.draw import Members, Splits, cut
from bmkit.data.entries import SPLITS, DataError, Description

__all__ = ["pixels", "read"]


def pixels(name: str, content: bytes, shape: tuple) -> np.ndarray:
    r"""Read a binary PGM picture, undoing line-end conversion where the file suffered it.

    In this parcel about 150 files went through a conversion of line ends: every byte 10, pixels too, became 13 10.
    Their header tells. Undoing it is exact, unless two pixels really were 13 10: then the undone picture is one
    pixel short, and of all places where it may have been, the one that leaves the picture smoothest is taken.

    Args:
        name: the member's name, for the message.
        content: the file.
        shape: expected (height, width, 1).

    Returns:
        Grey levels, uint8, of the given shape.

    Raises:
        DataError: no PGM header, or another size than expected.

    Example:
        >>> pixels("a.pgm", b"P5\n2 1\n255\n\x07\x0a", (1, 2, 1)).ravel()
        array([ 7, 10], dtype=uint8)
        >>> pixels("a.pgm", b"P5\r\n2 1\r\n255\r\n\x07\r\n", (1, 2, 1)).ravel()
        array([ 7, 10], dtype=uint8)

    Reference:
        PGM format, https://netpbm.sourceforge.net/doc/pgm.html
    """
    header = re.match(rb"P5(\r?\n)(\d+) (\d+)\r?\n255\r?\n", content)
    if not header or (int(header[3]), int(header[2]), 1) != tuple(shape):
        raise DataError(f"{name} begins with {content[:16]!r}; expected a grey PGM (P5) of shape {shape}.")
    body = content[header.end() :]
    bodies = [body]
    if header[1] == b"\r\n":
        bodies = [body.replace(b"\r\n", b"\n")]
        if len(bodies[0]) == np.prod(shape) - 1:
            parts = [(body[: m.start()], body[m.end() :]) for m in re.finditer(b"\r\n", body)]
            bodies = [b"\r\n".join(part.replace(b"\r\n", b"\n") for part in pair) for pair in parts]
    if len(bodies[0]) != np.prod(shape):
        raise DataError(f"{name} holds {len(bodies[0]):,} pixels; expected {np.prod(shape):,}.")
    pictures = [np.frombuffer(candidate, np.uint8).reshape(shape) for candidate in bodies]
    return min(pictures, key=lambda picture: np.abs(np.diff(picture.astype(int), axis=0)).sum())


def read(members: Members, description: Description) -> Splits:
    """Read pictures in folders s1, s2, … and split them by person, so that no test person is ever seen before."""
    people = np.array([int(re.search(r"/s(\d+)/", name)[1]) - 1 for name in members])
    pictures = np.stack([pixels(name, data, description.x.shape) for name, data in members.items()])
    counts = np.cumsum([description.rows[split] for split in SPLITS]) // np.bincount(people)[0]
    groups = np.split(np.random.default_rng(0).permutation(people.max() + 1), counts)[:3]
    return cut(pictures, people, [np.flatnonzero(np.isin(people, group)) for group in groups])
