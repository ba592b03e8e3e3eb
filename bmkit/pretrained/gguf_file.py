"""Read a GGUF file, the form in which llama.cpp keeps language models: facts, tokens and weights of a few bits each."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.data import DataError

__all__ = ["BytePairTokenizer", "GGUFFile", "read_gguf", "tokenizer_of"]

CONTROL = 3  # GGUF's kind of a token that is a mark, such as <|im_end|>, never a piece of text
MEND = "Run `python3 -m bmkit data verify`, then `python3 -m bmkit data fetch`."


@dataclasses.dataclass(frozen=True, eq=False)
class GGUFFile:
    """Facts by key, and tensors that stay packed on the disk until `array` asks for one."""

    name: str
    facts: dict[str, Any]
    tensors: dict[str, Any] = dataclasses.field(repr=False)

    def fact(self, key: str) -> Any:
        """Return the fact of a key.

        Raises:
            bmkit.data.DataError: the file has no such fact.
        """
        if key not in self.facts:
            raise DataError(f"{self.name} lacks {key!r}, which the model needs; it is another model or damaged. {MEND}")
        return self.facts[key]

    def array(self, name: str, *shape: int) -> np.ndarray:
        """Unpack one tensor.

        Args:
            name: the tensor's name.
            shape: the shape that it must have, slowest axis first.

        Returns:
            float32 array of that shape.

        Raises:
            bmkit.data.DataError: there is no such tensor, it has another shape, or its type cannot be unpacked.
        """
        from gguf import quants

        if name not in self.tensors:
            raise DataError(f"{self.name} has no tensor {name!r}, which the model needs. {MEND}")
        tensor = self.tensors[name]
        try:
            values = quants.dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError as error:
            kind = tensor.tensor_type.name
            raise DataError(
                f"{self.name}: {name} is of type {kind}, which cannot be unpacked here ({error})."
            ) from error
        if values.shape != shape:
            raise DataError(f"{self.name}: {name} has shape {values.shape}, expected {shape}. {MEND}")
        return values


def read_gguf(path: Path) -> GGUFFile:
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
    import gguf

    try:
        reader = gguf.GGUFReader(path)
        facts = {key: field.contents() for key, field in reader.fields.items()}
    except Exception as error:  # a damaged file may fail in any way at all
        raise DataError(
            f"{path.name} cannot be read as a GGUF file ({type(error).__name__}: {error}); it is damaged, cut short, "
            f"or newer than the installed gguf package. {MEND}"
        ) from error
    return GGUFFile(path.name, facts, {tensor.name: tensor for tensor in reader.tensors})


@dataclasses.dataclass(frozen=True, eq=False)
class BytePairTokenizer:
    """Turns text into token numbers and back; `tokens` names every number, with Ġ for a space."""

    tokens: tuple = dataclasses.field(repr=False)
    pairs: Any = dataclasses.field(repr=False)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text; marks such as <|im_end|> become one number each."""
        return self.pairs.encode(text, add_special_tokens=False).ids

    def decode(self, numbers: Any) -> str:
        """Return the text of numbers, marks included; half a letter shows as �."""
        return self.pairs.decode([int(number) for number in numbers], skip_special_tokens=False)


def tokenizer_of(file: GGUFFile) -> BytePairTokenizer:
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

    kind = (file.fact("tokenizer.ggml.model"), file.fact("tokenizer.ggml.pre"))
    if kind != ("gpt2", "smollm"):
        raise DataError(f"{file.name} has a tokenizer of the kind {kind}, expected ('gpt2', 'smollm').")
    tokens, merges = (file.fact(f"tokenizer.ggml.{key}") for key in ("tokens", "merges"))
    numbers = {token: number for number, token in enumerate(tokens)}
    try:
        model = tokenizers.models.BPE(numbers, [tuple(merge.split(" ")) for merge in merges])
    except Exception as error:  # the library's own kind of error has no public name
        raise DataError(f"{file.name}: its vocabulary and merges do not fit together ({error}). {MEND}") from error
    pairs = tokenizers.Tokenizer(model)
    splits = [tokenizers.pre_tokenizers.Digits(individual_digits=True)]
    splits += [tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)]
    pairs.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(splits)
    pairs.decoder = tokenizers.decoders.ByteLevel()
    kinds = file.fact("tokenizer.ggml.token_type")
    marks = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    pairs.add_special_tokens(marks)
    return BytePairTokenizer(tuple(tokens), pairs)
