"""Recorded spoken digits as frames of cepstral coefficients."""

import numpy as np

from bmkit.data.arrays import read_npz
from bmkit.data.draw import Members, Splits, cut, stratified
from bmkit.data.entries import SPLITS, DataError, Description
from bmkit.data.speakers import GROUPS, PEOPLE

__all__ = ["read"]


def read(members: Members, description: Description) -> Splits:
    """Read the recordings, filled up with frames of zeros; each split has its share of each digit of each group."""
    (content,) = members.values()
    frames, digits, lengths = read_npz(content, ("X", "y", "lengths"))
    longest, width = description.x["mfcc"].shape
    speaker = np.array(list("".join(GROUPS)), np.int64)
    sound = frames.ndim == 2 and frames.shape[1] == width and digits.shape == lengths.shape == speaker.shape
    if not sound or lengths.min() < 1 or lengths.max() > longest or lengths.sum() != len(frames):
        raise DataError(
            f"the recordings have shape {frames.shape} and {lengths.shape} lengths; expected {width} coefficients, "
            f"{len(speaker):,} recordings of 1 to {longest} frames, and as many frames as the lengths add up to."
        )
    mfcc = np.zeros((len(lengths), longest, width), np.float32)
    mfcc[np.arange(longest) < lengths[:, np.newaxis]] = frames
    x = {"mfcc": mfcc, "length": lengths.astype(np.int64), "speaker": speaker}
    rows = [description.rows[split] for split in SPLITS]
    return cut(x, digits.astype(np.int64), stratified(digits * PEOPLE + speaker, rows))
