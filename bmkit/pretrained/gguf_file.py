"""Read a GGUF file, the form in which llama.cpp keeps language models: facts, tokens and weights of a few bits each.

The file is taken apart here and nowhere else, so that each count, size and place in it is compared with its length
before it is followed; the `gguf` package names the types and unpacks the numbers.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.data import DataError
from bmkit.pretrained.packed_file import MEND, PackedFile, PackedTensor, Walk, open_packed, unique

__all__ = ["BytePairTokenizer", "read_gguf", "tokenizer_of"]

CONTROL = 3  # GGUF's kind of a token that is a mark, such as <|im_end|>, never a piece of text
# Forms of numbers in GGUF's order; 8 is a text, 9 an array.
NUMBERS = {number: "<" + form for number, form in enumerate(("B", "b", "H", "h", "I", "i", "f", "?"))}
NUMBERS |= {10: "<Q", 11: "<q", 12: "<d"}
TEXT, ARRAY = 8, 9
MOST_AXES = 4


class _Walk(Walk):
    """A walk through a GGUF file: its facts and where its tensors lie."""

    def value(self) -> Any:
        """Read a fact: its type, then itself; arrays hold numbers or texts, never arrays."""
        kind = self.number("<I")
        if kind == TEXT:
            return self.text()
        if kind != ARRAY:
            return self.number(NUMBERS[kind])
        kind = self.number("<I")
        if kind == TEXT:
            return [self.text() for _ in self.count()]
        return [self.number(NUMBERS[kind]) for _ in self.count()]

    def tensor(self) -> tuple:
        """Read where a tensor lies: shape with the fastest axis first, type, place behind the header."""
        shape = [self.number() for _ in range(min(self.number("<I"), MOST_AXES + 1))]
        if not 1 <= len(shape) <= MOST_AXES or min(shape) < 1:
            raise ValueError("a tensor has an impossible shape")
        return shape, self.number("<I"), self.number()


def _parts(content: np.ndarray) -> tuple[dict, dict]:
    """Take a file apart into facts and packed tensors."""
    walk = _Walk(content)
    if (bytes(walk.take(4)), walk.number("<I")) not in ((b"GGUF", 2), (b"GGUF", 3)):
        raise ValueError("it does not begin like one of version 2 or 3")
    tensors, facts = walk.count(), walk.count()
    facts = unique((walk.text(), walk.value()) for _ in facts)
    tensors = unique((walk.text(), walk.tensor()) for _ in tensors)
    alignment = facts.get("general.alignment", 32)
    if type(alignment) is not int or alignment < 1 or alignment & (alignment - 1):
        raise ValueError("its alignment is not a power of two")
    start = -(-walk.place // alignment) * alignment
    return facts, {name: _packed(content, start, *tensor) for name, tensor in tensors.items()}


def _packed(content: np.ndarray, start: int, shape: list, number: int, offset: int) -> PackedTensor:
    """Cut the packed rows of a tensor out of the file."""
    import gguf

    kind = gguf.GGMLQuantizationType(number)
    block, width = gguf.GGML_QUANT_SIZES[kind]  # so many numbers are packed into so many bytes
    columns, *others = shape
    size = math.prod(others) * (columns // block) * width
    if columns % block or start + offset + size > len(content):
        raise ValueError("a tensor reaches past its end or ends within a block")
    rows = content[start + offset : start + offset + size].reshape(*reversed(others), columns // block * width)
    return PackedTensor(kind, tuple(reversed(shape)), rows)


def read_gguf(path: Path) -> PackedFile:
    """Open a GGUF file.

    Args:
        path: the file.

    Returns:
        Its facts, and its tensors by name. It holds the file open as long as it lives.

    Raises:
        bmkit.data.DataError: the file is damaged or cut short, or holds a tensor of an unknown type.

    Reference:
        GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
    """
    return open_packed(path, _parts, kind="a GGUF file")


@dataclasses.dataclass(frozen=True, eq=False)
class BytePairTokenizer:
    """Turns text into token numbers and back; `tokens` names every number, with Ġ for a space; `end` ends a text."""

    tokens: tuple = dataclasses.field(repr=False)
    pairs: Any = dataclasses.field(repr=False)
    end: int

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text; marks such as <|im_end|> become one number each."""
        return self.pairs.encode(text, add_special_tokens=False).ids

    def decode(self, numbers: Any) -> str:
        """Return the text of numbers, marks included; half a letter shows as �."""
        return self.pairs.decode([int(number) for number in numbers], skip_special_tokens=False)


def tokenizer_of(file: PackedFile) -> BytePairTokenizer:
    """Make the tokenizer whose tokens and merges stand in a GGUF file.

    Args:
        file: what `read_gguf` opened.

    Returns:
        The tokenizer: digits one by one, then byte pairs.

    Raises:
        bmkit.data.DataError: the file holds no vocabulary, or one of another kind.

    Reference:
        Sennrich et al. (2016), Neural machine translation of rare words with subword units,
        https://aclanthology.org/P16-1162
    """
    import tokenizers

    kind = (file.fact("tokenizer.ggml.model", str), file.fact("tokenizer.ggml.pre", str))
    if kind != ("gpt2", "smollm"):
        raise DataError(f"{file.name} has a tokenizer of the kind {kind}, expected ('gpt2', 'smollm').")
    tokens, merges, kinds = (file.fact(f"tokenizer.ggml.{key}", list) for key in ("tokens", "merges", "token_type"))
    numbers = {token: number for number, token in enumerate(tokens)}
    try:
        model = tokenizers.models.BPE(numbers, [tuple(merge.split(" ")) for merge in merges])
        if not len(tokens) == len(numbers) == len(kinds):
            raise ValueError("a token comes twice, or has no kind")
    except Exception as error:  # the library's own kind of error has no public name
        raise DataError(f"{file.name}: its vocabulary and merges do not fit together ({error}). {MEND}") from error
    pairs = tokenizers.Tokenizer(model)
    splits = [tokenizers.pre_tokenizers.Digits(individual_digits=True)]
    splits += [tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)]
    pairs.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(splits)
    pairs.decoder = tokenizers.decoders.ByteLevel()
    marks = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    pairs.add_special_tokens(marks)
    end = file.fact("tokenizer.ggml.eos_token_id", int)
    if not 0 <= end < len(tokens):
        raise DataError(f"{file.name} ends an answer with token {end}, which it does not have. {MEND}")
    return BytePairTokenizer(tuple(tokens), pairs, end)
