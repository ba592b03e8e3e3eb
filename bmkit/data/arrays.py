"""Read NumPy's archives of arrays (.npz): numbers only, and never more memory than the bytes that are there."""

import io
import math
import zipfile

import numpy as np

from bmkit.data.entries import DataError
from bmkit.data.parcels import LARGEST, METHODS

__all__ = ["read_npz"]

LONGEST = 10_000  # letters of an array's header; an honest one has some hundred
MEND = "Run `python3 -m bmkit data verify`."


def _array(content: bytes) -> np.ndarray:
    """Read one array: its header says how many bytes must follow, and that is looked at before memory is taken."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, by_columns, dtype = read[version](file, max_header_size=LONGEST)
    if dtype.kind not in "biuf":
        raise ValueError(f"it holds {dtype}, expected numbers")
    values = content[file.tell() :]
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"it has {len(values):,} bytes, but its shape {str(shape)[:60]} needs others")
    return np.frombuffer(values, dtype).reshape(shape, order="F" if by_columns else "C").copy()


def read_npz(content: bytes, names: tuple) -> list[np.ndarray]:
    """Read named arrays out of an .npz archive.

    Args:
        content: the archive.
        names: of the arrays, without the ending .npy.

    Returns:
        The arrays, in the order of the names.

    Raises:
        DataError: the archive is damaged or too large, an array is missing, or holds something other than numbers.

    Example:
        >>> file = io.BytesIO()
        >>> np.savez(file, x=np.arange(3))
        >>> read_npz(file.getvalue(), ("x",))
        [array([0, 1, 2])]

    Reference:
        NumPy, "NPY format", https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    arrays, left = [], LARGEST
    for name in names:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                member = archive.getinfo(f"{name}.npy")
                left -= member.file_size  # no more than that is unpacked, whatever the stream holds
                if left < 0 or member.compress_type not in METHODS:
                    raise ValueError(f"it would unpack to more than {LARGEST:,} bytes, or is packed in another way")
                arrays.append(_array(archive.read(member)))
        except Exception as error:  # a damaged archive may fail in any way at all
            told = " ".join(str(error).split())[:200]
            raise DataError(f"the array {name!r} cannot be read ({type(error).__name__}: {told}). {MEND}") from error
    return arrays
