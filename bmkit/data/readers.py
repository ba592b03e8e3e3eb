"""Turn the members of a parcel into three splits of NumPy arrays.

A reader takes the members (bytes by name) and returns {"train": (x, y), "validation": (x, y), "test": (x, y)}; a
recipe names it. Splits are drawn here, once, with seed 0, and stored, so every reader of the course has the same.
To add a set: write a reader if none fits, put it into READERS, add the set to data/manifest.toml. When a reader's
result changes, raise `version` in the recipe of each set whose rows are others now: it is then prepared again.
"""

import io
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from bmkit.data import texts, voices
from bmkit.data.draw import Members, Splits, group_numbers, grouped, stratified
from bmkit.data.manifest import SPLITS, DataError, Description
from bmkit.data.parcels import LARGEST
from bmkit.data.texts import opening
from bmkit.data.unpickle import read_array, read_frame

__all__ = ["READERS", "pixels"]


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


def _stratified_splits(x: np.ndarray, y: np.ndarray, description: Description) -> Splits:
    """Split rows at random, stratified by class, into the sizes of the manifest."""
    chosen = stratified(y, [description.rows[split] for split in SPLITS])
    return {split: (x[rows], y[rows]) for split, rows in zip(SPLITS, chosen, strict=True)}


def _with_validation(x: np.ndarray, y: np.ndarray, test: tuple, description: Description) -> Splits:
    """Keep a published test split and take the validation rows out of the published training rows."""
    size = description.rows["validation"]
    train, validation = stratified(y, [len(y) - size, size])
    return {"train": (x[train], y[train]), "validation": (x[validation], y[validation]), "test": test}


def digits(_: Members, description: Description) -> Splits:
    """Take the digits that ship inside scikit-learn: integers from 0 to 16, x of shape (rows, 8, 8, 1)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = bunch.images.astype(np.uint8)[..., np.newaxis]
    return _stratified_splits(x, bunch.target.astype(np.int64), description)


def embedded_table(_: Members, description: Description) -> Splits:
    """Take the table of the same name that ships inside scikit-learn, in its own units, never scaled."""
    from sklearn import datasets

    raw = {"scaled": False} if description.name == "diabetes" else {}
    bunch = getattr(datasets, f"load_{description.name}")(**raw)
    if tuple(bunch.feature_names) != description.features:
        raise DataError(f"{description.name} has the columns {list(bunch.feature_names)}; the manifest names others.")
    x, y = bunch.data.astype(np.float32), bunch.target.astype(description.y.dtype)
    if description.classes:
        return _stratified_splits(x, y, description)
    chosen = stratified(np.zeros(len(y), int), [description.rows[split] for split in SPLITS])
    return {split: (x[rows], y[rows]) for split, rows in zip(SPLITS, chosen, strict=True)}


def _pickled_pictures(members: Members, description: Description) -> tuple[np.ndarray, np.ndarray]:
    """Read two gzipped pickles, pictures and labels, in the order of their names."""
    x, y = (read_array(_unpacked(packed, zlib.decompressobj(wbits=31))) for packed in members.values())
    return x.reshape(-1, *description.x.shape), y


def pickled_pictures(members: Members, description: Description) -> Splits:
    """Read pictures and labels and keep the first of every group of equal pictures."""
    x, y = _pickled_pictures(members, description)
    _, first = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
    first = np.sort(first)
    return _stratified_splits(x[first], y[first], description)


def pickled_pictures_raw(members: Members, description: Description) -> Splits:
    """Read pictures and labels as published, equal pictures and all."""
    return _stratified_splits(*_pickled_pictures(members, description), description)


def labelled_csv(members: Members, description: Description) -> Splits:
    """Read one gzipped table of integers 0 to 255 without a header, whose last column is the class."""
    (packed,) = members.values()
    text = io.BytesIO(_unpacked(packed, zlib.decompressobj(wbits=31)))
    table = np.loadtxt(text, delimiter=",", dtype=np.uint8, ndmin=2)
    x = table[:, :-1].reshape(-1, *description.x.shape)
    return _stratified_splits(x, table[:, -1].astype(np.int64), description)


def _frames(members: Members) -> list[dict[str, np.ndarray]]:
    """Read xz-compressed pickled tables, in the order of their names."""
    return [read_frame(_unpacked(packed, lzma.LZMADecompressor(memlimit=LARGEST))) for packed in members.values()]


def reviews(members: Members, description: Description) -> Splits:
    """Read the reviews; train and validation lose every review that the test split or they themselves hold already."""
    test, train = _frames(members)  # sorted by name: testing_data, training_data
    seen = {opening(text) for text in test["review"]}
    kept = []
    for row, text in enumerate(train["review"]):
        if opening(text) not in seen:
            seen.add(opening(text))
            kept.append(row)
    great = [(frame["score"] == "great").astype(np.int64) for frame in (train, test)]
    return _with_validation(train["review"][kept], great[0][kept], (test["review"], great[1]), description)


def reviews_raw(members: Members, description: Description) -> Splits:
    """Read the reviews as published, repeated ones and all."""
    test, train = ((f["review"], (f["score"] == "great").astype(np.int64)) for f in _frames(members))
    return _with_validation(*train, test, description)


def _utterances(content: bytes, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a .ts file: one utterance per line, channels parted by colons, the class last; fill up with zeros."""
    lines = content.decode().split("@data", 1)[1].split()
    rows = [line.split(":") for line in lines]
    x = np.zeros((len(rows), longest, len(rows[0]) - 1), np.float32)
    for row, (*channels, _) in enumerate(rows):
        frames = np.array([channel.split(",") for channel in channels], np.float32).T  # (time, channels)
        x[row, : len(frames)] = frames
    return x, np.array([int(row[-1]) - 1 for row in rows])  # classes are counted from 1 in the file


def time_series(members: Members, description: Description) -> Splits:
    """Read a test and a train .ts file of utterances, x of shape (rows, longest, channels)."""
    test, train = (_utterances(content, description.x.shape[0]) for content in members.values())
    return _with_validation(*train, test, description)


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


def faces(members: Members, description: Description) -> Splits:
    """Read pictures in folders s1, s2, … and split them by person, so that no test person is ever seen before."""
    people = np.array([int(re.search(r"/s(\d+)/", name)[1]) - 1 for name in members])
    pictures = np.stack([pixels(name, data, description.x.shape) for name, data in members.items()])
    counts = np.cumsum([description.rows[split] for split in SPLITS]) // np.bincount(people)[0]
    groups = np.split(np.random.default_rng(0).permutation(people.max() + 1), counts)[:3]
    chosen = [np.isin(people, group) for group in groups]
    return {split: (pictures[rows], people[rows]) for split, rows in zip(SPLITS, chosen, strict=True)}


def ratings(members: Members, description: Description) -> Splits:
    """Read the lecture ratings; every student and lecturer of validation and test is also in train."""
    (frame,) = _frames(members)
    columns = {"student": "s", "lecturer": "d"} | {name: name for name in ("studage", "lectage", "service", "dept")}
    x = {name: np.unique(frame[column], return_inverse=True)[1] for name, column in columns.items()}
    y, tenth = frame["y"].astype(np.float32), len(frame["y"]) // 10
    order = np.random.default_rng(0).permutation(len(y))
    train = order[2 * tenth :]
    held = order[: 2 * tenth]
    known = np.isin(x["student"][held], x["student"][train]) & np.isin(x["lecturer"][held], x["lecturer"][train])
    rows = {"validation": held[tenth:][known[tenth:]], "test": held[:tenth][known[:tenth]]}
    rows = {"train": np.concatenate([train, held[~known]])} | rows
    return {
        split: ({name: codes[np.sort(rows[split])] for name, codes in x.items()}, y[np.sort(rows[split])])
        for split in SPLITS
    }


def mixtures(members: Members, description: Description) -> Splits:
    """Read the concrete samples; all samples of one mixture, whatever their age, come into the same split."""
    (frame,) = _frames(members)
    x = np.stack([frame[name].astype(np.float32) for name in description.features], axis=1)  # (rows, 8)
    y = frame["compressive_strength"].astype(np.float32)
    mixture = group_numbers(*(frame[name] for name in description.features if name != "age"))
    chosen = grouped(mixture, np.zeros(len(y)))
    return {split: (x[rows], y[rows]) for split, rows in zip(SPLITS, chosen, strict=True)}


def customers(members: Members, description: Description) -> Splits:
    """Read the telephone company's customers; those with equal data come into the same split."""
    (frame,) = _frames(members)
    x = {name: frame[name] for name in description.x}
    x = {name: column if column.dtype == object else column.astype(np.float32) for name, column in x.items()}
    y = (frame["churn"] == "Yes").astype(np.int64)
    chosen = grouped(group_numbers(*x.values()), y)
    return {
        split: ({name: column[rows] for name, column in x.items()}, y[rows])
        for split, rows in zip(SPLITS, chosen, strict=True)
    }


def half_hours(members: Members, description: Description) -> Splits:
    """Read a series of one value per half-hour from a Monday's midnight on, split in the order of time."""
    (frame,) = _frames(members)
    step, y = np.arange(len(frame["x"])), frame["x"].astype(np.float32)
    if not np.array_equal(frame["rownames"], step + 1):
        raise DataError(f"{description.name} is not in the order of time; expected rows numbered from 1.")
    x = {"step": step, "weekday": step // 48 % 7, "half_hour": step % 48}
    ends = np.cumsum([description.rows[split] for split in SPLITS])
    parts = zip(SPLITS, np.split(step, ends)[:3], strict=True)
    return {split: ({name: column[rows] for name, column in x.items()}, y[rows]) for split, rows in parts}


READERS: dict[str, Callable[[Members, Description], Splits]] = {
    reader.__name__: reader
    for reader in (
        *(digits, embedded_table, labelled_csv, pickled_pictures, pickled_pictures_raw, reviews, reviews_raw),
        *(time_series, faces, ratings, mixtures, customers, half_hours),
    )
}
READERS |= texts.READERS | voices.READERS
