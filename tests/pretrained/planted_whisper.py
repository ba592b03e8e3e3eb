"""A tiny Whisper in CTranslate2's layout, and the network written out in NumPy straight from that layout."""

import json
import struct

import numpy as np
import tokenizers
from scipy.special import erf

LAYERS, WIDTH, HEADS, INNER, BANDS, STEPS, LENGTH = 2, 8, 2, 12, 5, 1500, 32
LETTERS = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
MARKS = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|transcribe|>", "<|nocaptions|>"]
MARKS += ["<|notimestamps|>"]
END, START, _, _, _, SILENT, PLAIN = range(len(LETTERS), len(LETTERS) + len(MARKS))
VOCABULARY = len(LETTERS) + len(MARKS) + 4  # four times follow the marks
CONFIG = {"suppress_ids": [1, 2, START], "suppress_ids_begin": [3, END]}
FORMS = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def planted_tensors():
    random = np.random.default_rng(0)
    matrices = {"encoder/conv1": (WIDTH, BANDS, 3), "encoder/conv2": (WIDTH, WIDTH, 3)}
    norms = ["encoder/layer_norm", "decoder/layer_norm"]
    for side in ("encoder", "decoder"):
        for layer in (f"{side}/layer_{number}" for number in range(LAYERS)):
            matrices |= {f"{layer}/self_attention/linear_0": (3 * WIDTH, WIDTH)}
            matrices |= {f"{layer}/self_attention/linear_1": (WIDTH, WIDTH)}
            matrices |= {f"{layer}/ffn/linear_0": (INNER, WIDTH), f"{layer}/ffn/linear_1": (WIDTH, INNER)}
            norms += [f"{layer}/self_attention/layer_norm", f"{layer}/ffn/layer_norm"]
            if side == "decoder":
                matrices |= {f"{layer}/attention/linear_{n}": (rows * WIDTH, WIDTH) for n, rows in enumerate((1, 2, 1))}
                norms += [f"{layer}/attention/layer_norm"]
    shapes = {f"{name}/weight": shape for name, shape in matrices.items()}
    shapes |= {f"{name}/bias": shape[:1] for name, shape in matrices.items()}
    shapes |= {f"{name}/{part}": (WIDTH,) for name in norms for part in ("gamma", "beta")}
    shapes |= {"decoder/embeddings/weight": (VOCABULARY, WIDTH)}
    shapes |= {
        f"{side}/position_encodings/encodings": (n, WIDTH) for side, n in (("encoder", STEPS), ("decoder", LENGTH))
    }
    tensors = {name: random.normal(scale=0.5, size=shape).astype("float16") for name, shape in shapes.items()}
    for name in tensors:
        if name.endswith("self_attention/linear_0/bias"):
            tensors[name][WIDTH : 2 * WIDTH] = 0  # keys have no bias
        if name.endswith("/attention/linear_1/bias"):
            tensors[name][:WIDTH] = 0
    numbers = {"decoder/activation": ("int8", 3), "decoder/pre_norm": ("int8", 1)}
    numbers |= {"decoder/scale_embeddings": ("int8", 0)}
    numbers |= {f"{side}/num_heads": ("int16", HEADS) for side in ("encoder", "decoder")}
    return tensors | {name: np.array(value, form) for name, (form, value) in numbers.items()}


def text(value):
    content = value.encode() + b"\0"
    return struct.pack("<H", len(content)) + content


def tensor(name, values):
    head = text(name) + struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
    return head + struct.pack("<BI", FORMS[str(values.dtype)], values.nbytes) + values.tobytes()


def whole(tensors, *, kind="WhisperSpec", version=6, count=None, aliases=1):
    """Return a model file of CTranslate2."""
    head = struct.pack("<I", version) + text(kind)
    head += struct.pack("<II", 3, len(tensors) if count is None else count)
    tail = struct.pack("<I", aliases) + text("decoder/projection/weight") + text("decoder/embeddings/weight")
    return head + b"".join(tensor(name, values) for name, values in tensors.items()) + tail


def plant(folder, tensors=None, *, config=CONFIG, marks=MARKS, **changes):
    """Write the files of a model."""
    (folder / "model.bin").write_bytes(whole(tensors or planted_tensors(), **changes))
    (folder / "config.json").write_text(json.dumps(config))
    words = tokenizers.Tokenizer(tokenizers.models.BPE({letter: n for n, letter in enumerate(LETTERS)}, []))
    words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = tokenizers.decoders.ByteLevel()
    words.add_special_tokens(marks)
    words.save(str(folder / "tokenizer.json"))
    return folder


class ByHand:
    """The network in float64, from the tensors of a file."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.heads = int(tensors["encoder/num_heads"])

    def weight(self, name):
        return np.asarray(self.tensors[name], "float64")

    def linear(self, x, name):
        return x @ self.weight(f"{name}/weight").T + self.weight(f"{name}/bias")

    def norm(self, x, name):
        scaled = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        return scaled * self.weight(f"{name}/gamma") + self.weight(f"{name}/beta")

    def convolution(self, x, name, stride):
        """Slide a kernel of three over (time, input), one zero at both ends."""
        kernel, padded = self.weight(f"{name}/weight"), np.pad(x, ((1, 1), (0, 0)))
        places = range(0, len(x), stride)
        sums = np.array([np.einsum("ki,oik->o", padded[place : place + 3], kernel) for place in places])
        return gelu(sums + self.weight(f"{name}/bias"))

    def attention(self, queries, keys, values, *, causal=False):
        mixed = []
        for q, k, v in zip(*(np.split(x, self.heads, axis=1) for x in (queries, keys, values)), strict=True):
            scores = q @ k.T / np.sqrt(q.shape[1])
            scores = np.where(np.tri(*scores.shape), scores, -np.inf) if causal else scores
            chances = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed.append(chances / chances.sum(axis=1, keepdims=True) @ v)
        return np.concatenate(mixed, axis=1)

    def block(self, x, name, encoded=None):
        three = self.linear(self.norm(x, f"{name}/self_attention/layer_norm"), f"{name}/self_attention/linear_0")
        mixed = self.attention(*np.split(three, 3, axis=1), causal=encoded is not None)
        x = x + self.linear(mixed, f"{name}/self_attention/linear_1")
        if encoded is not None:
            queries = self.linear(self.norm(x, f"{name}/attention/layer_norm"), f"{name}/attention/linear_0")
            mixed = self.attention(queries, *np.split(self.linear(encoded, f"{name}/attention/linear_1"), 2, axis=1))
            x = x + self.linear(mixed, f"{name}/attention/linear_2")
        inner = gelu(self.linear(self.norm(x, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0"))
        return x + self.linear(inner, f"{name}/ffn/linear_1")

    def layers(self, x, side, encoded=None):
        for number in range(sum(name.startswith(f"{side}/layer_") for name in self.tensors)):
            if f"{side}/layer_{number}/ffn/linear_0/bias" in self.tensors:
                x = self.block(x, f"{side}/layer_{number}", encoded)
        return self.norm(x, f"{side}/layer_norm")

    def encode(self, features):
        """From (frames, bands) to (frames / 2, width)."""
        x = self.convolution(self.convolution(features, "encoder/conv1", 1), "encoder/conv2", 2)
        return self.layers(x + self.weight("encoder/position_encodings/encodings")[: len(x)], "encoder")

    def logits(self, tokens, encoded):
        table, places = (
            self.weight(f"decoder/{name}") for name in ("embeddings/weight", "position_encodings/encodings")
        )
        return self.layers(table[tokens] + places[: len(tokens)], "decoder", encoded) @ table.T


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2
