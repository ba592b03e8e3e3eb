"""Read an E5 file, the form in which multilingual-e5-small is spread with 4 bits a weight: vocabulary and tensors.

Little-endian, in this order: the mark and the sizes; the pieces of words with their scores; the letters that are
written as others; the list of tensors; the tensors, as 32-bit floats or in blocks of 32 numbers with a common scale.
"""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.pretrained.packed_file import PackedFile, PackedTensor, Walk, open_packed, unique

__all__ = ["SIZES", "read_e5"]

MARK, VERSION, BLOCK = b"E5S1", 1, 32  # how such a file begins, and numbers in a block
# The sizes at its head, by KerasHub's names of them.
SIZES = ("hidden_dim", "num_layers", "num_heads", "intermediate_dim", "vocabulary_size", "max_sequence_length")
SIZES += ("num_segments",)
MARKS = ("start", "end", "filling", "unknown")  # pieces that are no part of a text
KINDS = ("F32", "Q4_0")  # types of tensors, by llama.cpp's names, in the order of their numbers


def _vocabulary(walk: Walk) -> dict[str, Any]:
    """Read the pieces of words with their scores, and which of them are marks."""
    count = len(walk.count("<I"))
    marks = {name: walk.number("<I") for name in MARKS}
    length = walk.number()
    ends = np.frombuffer(walk.take(4 * (count + 1)), "<u4").astype("int64")
    scores = np.frombuffer(walk.take(4 * count), "<f4")
    letters = walk.take(length)
    if not count or ends[0] or ends[-1] != length or (np.diff(ends) < 1).any():
        raise ValueError("the pieces of its vocabulary do not lie one behind the other")
    if not np.isfinite(scores).all() or max(marks.values()) >= count:
        raise ValueError("a score of its vocabulary is no number, or a mark is no piece of it")
    ends = ends.tolist()
    pieces = [str(letters[start:end], "utf-8") for start, end in itertools.pairwise(ends)]
    if len(set(pieces)) != count:
        raise ValueError("a piece of its vocabulary comes twice")
    return {"pieces": pieces, "scores": scores.tolist(), **marks}


def _letters(walk: Walk) -> dict[int, str]:
    """Read which letters are written as others: full-width ones as ASCII, all kinds of spaces as one."""
    count = walk.count("<I")
    end = walk.number("<I") + walk.place
    pairs = [(walk.number("<I"), _text(walk)) for _ in count]
    if walk.place != end or len(found := dict(pairs)) != len(pairs):
        raise ValueError("its table of letters has another length than it says, or a letter twice")
    return found


def _text(walk: Walk) -> str:
    """Read a text as its code points; half a pair, which no text may hold, is refused."""
    points = np.frombuffer(walk.take(4 * walk.number("<B")), "<u4")
    text = "".join(map(chr, points.tolist()))
    text.encode()
    return text


def _tensor(walk: Walk, content: np.ndarray) -> PackedTensor:
    """Read where a tensor lies and cut it out of the file; its shape is known to the model only."""
    import gguf

    kind = gguf.GGMLQuantizationType[KINDS[walk.number("<B")]]
    count, start, size = walk.number("<I"), walk.number(), walk.number()
    block, width = gguf.GGML_QUANT_SIZES[kind]  # so many numbers are packed into so many bytes
    if count % block or size != count // block * width or start + size > len(content):
        raise ValueError("a tensor reaches past its end or ends within a block")
    return PackedTensor(kind, (count,), content[start : start + size])


def _parts(content: np.ndarray) -> tuple[dict, dict]:
    """Take a file apart into facts and packed tensors."""
    walk = Walk(content)
    if (bytes(walk.take(4)), walk.number("<I")) != (MARK, VERSION):
        raise ValueError(f"it does not begin like one of version {VERSION}")
    facts = {name: walk.number("<I") for name in SIZES}
    facts["epsilon"], block = walk.number("<f"), walk.number("<I")
    if block != BLOCK or not 0 < facts["epsilon"] < 1:
        raise ValueError(f"it has blocks of {block} numbers, or an epsilon that is none")
    facts |= _vocabulary(walk)
    facts["letters"] = _letters(walk)
    tensors = unique((walk.text("<H"), _tensor(walk, content)) for _ in walk.count("<I"))
    if sum(tensor.rows.size for tensor in tensors.values()) > len(content):
        raise ValueError("its tensors lie one upon the other")  # what is unpacked grows with the file, no faster
    return facts, tensors


def read_e5(path: Path) -> PackedFile:
    """Open an E5 file.

    Args:
        path: the file.

    Returns:
        Its tensors by name, each as one row of numbers, and these facts: the sizes `SIZES` and "epsilon"; "pieces" and
        their "scores"; "start", "end", "filling" and "unknown", the numbers of pieces that are marks; "letters", what
        is written for a code point. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged or cut short, or holds a tensor of an unknown type.

    Example:
        >>> read_e5(Path("no such file"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: no such file cannot be read as an E5 file (FileNotFoundError: ...

    Reference:
        The block Q4_0, https://github.com/ggml-org/llama.cpp/wiki/Tensor-Encoding-Schemes
    """
    return open_packed(path, _parts, kind="an E5 file")
