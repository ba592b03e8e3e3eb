"""Multilingual E5, a small BERT whose sentence vectors agree across a hundred languages, Chinese among them.

Four fifths of its numbers are one table, a row for each of 250,037 tokens. The table is never unpacked as a whole: it
stays at 8 bits a number, as Keras' own quantized embedding, which scales only the rows that a text needs.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmkit import backend, data
from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.pretrained.e5_file import SIZES, read_e5
from bmkit.pretrained.packed_file import MEND, PackedFile
from bmkit.pretrained.text import SentenceEncoder

__all__ = ["PieceTokenizer", "e5_encoder", "multilingual_e5"]

ops = keras.ops
EPSILON = 1e-12  # that of a BERT's normalisations, which KerasHub does not let one choose
ROWS = 8192  # of the table unpacked at once: 12 MB
LINEAR = {"q": "query", "k": "key", "v": "value", "ao": "output"}  # E5's and KerasHub's names within an attention


@dataclasses.dataclass(frozen=True, eq=False)
class PieceTokenizer:
    """Cuts texts into the likeliest pieces of words; `letters` says which letters are written as others beforehand.

    It has the names that KerasHub's tokenizers of BERT have.
    """

    pieces: Any = dataclasses.field(repr=False)
    letters: dict = dataclasses.field(repr=False)
    cls_token_id: int
    sep_token_id: int
    pad_token_id: int

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token numbers of each text, without marks at the ends."""
        return [self.pieces.encode(self._plain(text)).ids for text in texts]

    def detokenize(self, numbers: Any) -> str:
        """Return the text of token numbers, marks included."""
        return self.pieces.decode([int(number) for number in numbers], skip_special_tokens=False)

    def _plain(self, text: str) -> str:
        """Write a letter in one way only: é as one sign, Ａ as A, all spaces as one."""
        text = text.encode("utf-8", "replace").decode()  # half a letter, as a browser may send it, becomes "?"
        return re.sub(" {2,}", " ", unicodedata.normalize("NFC", text).translate(self.letters))


def _tokenizer(file: PackedFile) -> PieceTokenizer:
    """Make the tokenizer whose vocabulary stands in an E5 file."""
    import tokenizers

    vocabulary = list(zip(file.fact("pieces", list), file.fact("scores", list), strict=True))
    marks = (file.fact(name, int) for name in ("start", "end", "filling"))
    pieces = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=file.fact("unknown", int)))
    pieces.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()  # a space is a letter like others, and begins a word
    pieces.decoder = tokenizers.decoders.Metaspace()
    return PieceTokenizer(pieces, file.fact("letters", dict), *marks)


def _shapes(sizes: dict[str, int]) -> dict[str, tuple]:
    """Name the tensors of a file with their shapes; matrices are kept as (output, input)."""
    width, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    shapes = {"emb.word": (sizes["vocabulary_size"], width), "emb.pos": (sizes["max_sequence_length"], width)}
    shapes |= {"emb.type": (sizes["num_segments"], width), "emb.ln.w": (width,), "emb.ln.b": (width,)}
    layer = {name: (width, width) for name in LINEAR} | {"fi": (inner, width), "fo": (width, inner)}
    for number in range(sizes["num_layers"]):
        for name, shape in layer.items():
            shapes |= {f"l{number}.{name}.w": shape, f"l{number}.{name}.b": shape[:1]}
        shapes |= {f"l{number}.{norm}.{part}": (width,) for norm in ("aln", "oln") for part in "wb"}
    return shapes


def _sizes(file: PackedFile) -> dict[str, int]:
    """Take the sizes of a BERT from an E5 file, by KerasHub's names, if they fit together and to its tensors."""
    sizes = {name: file.fact(name, int) for name in SIZES}
    wrong = min(sizes.values()) < 1 or sizes["hidden_dim"] % sizes["num_heads"] or sizes["num_layers"] > 1000
    if wrong or sizes["vocabulary_size"] < len(file.fact("pieces", list)):
        raise data.DataError(f"{file.name} has sizes that do not fit together: {sizes}. {MEND}")
    if abs(file.fact("epsilon", float) - EPSILON) > EPSILON / 100:
        raise data.DataError(f"{file.name} has an epsilon of {file.fact('epsilon', float)}, expected {EPSILON}. {MEND}")
    for name, shape in _shapes(sizes).items():
        file.expect(name, int(np.prod(shape, dtype=object)))
    return sizes


def _bert(file: PackedFile) -> Any:
    """Build the BERT whose sizes stand in an E5 file, with the tensors of the file; it never grows beyond them."""
    sizes = _sizes(file)
    with backend.silenced():
        import keras_hub
    policies = keras.dtype_policies.DTypePolicyMap("float32")
    policies["token_embedding"] = keras.dtype_policies.get("int8_from_float32")
    model = keras_hub.models.BertBackbone(**sizes, dropout=0.0, dtype=policies)
    model.token_embedding.set_weights(_quantized(file, sizes["vocabulary_size"], sizes["hidden_dim"]))
    _fill(model, {name: shape for name, shape in _shapes(sizes).items() if name != "emb.word"}, file)
    model.pooled_dense.set_weights([ops.zeros_like(weight) for weight in model.pooled_dense.weights])  # not in the file
    return model


def _quantized(file: PackedFile, rows: int, width: int) -> list[np.ndarray]:
    """Bring the table of tokens from 4 bits in blocks to 8 bits in rows, as Keras keeps them, a few rows at a time."""
    import gguf

    table = file.expect("emb.word", rows * width)
    packed = table.rows.reshape(rows, -1)
    codes, scales = np.zeros((rows, width), "int8"), np.ones(rows, "float32")
    for start in range(0, rows, ROWS):
        part = slice(start, start + ROWS)
        numbers = gguf.quants.dequantize(packed[part], table.kind)
        codes[part], scale = keras.quantizers.abs_max_quantize(numbers, axis=-1, to_numpy=True)
        scales[part] = scale[:, 0]
    return [codes, scales]


def _fill(model: Any, shapes: dict[str, tuple], file: PackedFile) -> None:
    """Unpack the other tensors of an E5 file into a `BertBackbone`, one at a time."""
    places = {"emb.pos": model.position_embedding.position_embeddings, "emb.type": model.segment_embedding.embeddings}
    norms, linear = {"emb.ln": model.embeddings_layer_norm}, {}
    for number, layer in enumerate(model.transformer_layers):
        attention = layer._self_attention_layer
        linear |= {f"l{number}.{name}": getattr(attention, f"_{long}_dense") for name, long in LINEAR.items()}
        linear |= {f"l{number}.fi": layer._feedforward_intermediate_dense}
        linear |= {f"l{number}.fo": layer._feedforward_output_dense}
        norms |= {f"l{number}.aln": layer._self_attention_layer_norm, f"l{number}.oln": layer._feedforward_layer_norm}
    for name, norm in norms.items():
        places |= {f"{name}.w": norm.gamma, f"{name}.b": norm.beta}
    for name, dense in linear.items():
        places |= {f"{name}.w": dense.kernel, f"{name}.b": dense.bias}
    for name, shape in shapes.items():
        numbers = file.array(name, int(np.prod(shape))).reshape(shape)
        if name.rpartition(".")[0] in linear:  # Keras keeps (input, output), with the heads apart
            numbers = numbers.T
        places[name].assign(numbers.reshape(places[name].shape))


def e5_encoder(path: Path) -> SentenceEncoder:
    """Read a BERT with its tokenizer out of an E5 file.

    Args:
        path: the file.

    Returns:
        The encoder. It puts "query: " in front of each text, as in its training.

    Raises:
        bmkit.data.DataError: the file is damaged, of another kind, or lacks what the model needs.

    Example:
        >>> e5_encoder(Path("no such file"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: no such file cannot be read as an E5 file (FileNotFoundError: ...

    Reference:
        Wang et al. (2024), Multilingual E5 Text Embeddings, https://arxiv.org/abs/2402.05672
    """
    file = read_e5(path)
    return SentenceEncoder(_bert(file), _tokenizer(file), prefix="query: ")


def multilingual_e5() -> SentenceEncoder:
    """Load multilingual-e5-small: 12 layers, 384 numbers a sentence, trained on a billion pairs in many languages.

    Two texts of like meaning have like vectors, whatever their languages. All cosines are high, from about .7 up: rank
    them, do not compare them with a bound. Of a search the passages are encoded by
    ``dataclasses.replace(encoder, prefix="passage: ")``, which shares the weights.

    Returns:
        The encoder. Its table of tokens is not trained further, its layers can be.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.

    Example:
        >>> multilingual_e5().encode(["It works.", "没问题。"]).shape  # doctest: +SKIP
        (2, 384)

    Reference:
        Wang et al. (2024), Multilingual E5 Text Embeddings, https://arxiv.org/abs/2402.05672
    """
    with weight_files("multilingual_e5") as folder:
        return e5_encoder(next(folder.glob("*.bin")))
