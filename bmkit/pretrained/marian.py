"""The network of Marian's small translators in Keras: an encoder of six blocks, a decoder of two that remembers little.

Here the norm comes last in every part, the waves of the positions stand side by side, and the decoder has no
self-attention: a recurrence of two matrices takes its place, so that what it remembers does not grow with the text.
"""

import dataclasses
from typing import Any

import numpy as np

from bmkit.backend import keras
from bmkit.data import DataError
from bmkit.layers import MultiHeadAttention
from bmkit.pretrained.marian_file import MarianFile
from bmkit.pretrained.packed_file import MEND

__all__ = ["END", "UNKNOWN", "MarianNetwork", "PostNormBlock", "SimpleRecurrentCell", "TiedEmbedding", "marian_network"]

ops = keras.ops
END, UNKNOWN = 0, 1  # pieces: the one that ends a sentence (and stands before the first one), and the one for any other
KIND = {  # what the configuration must say, for this network to be the one that was trained
    "type": "transformer",
    "dec-cell": "ssru",
    "transformer-decoder-autoreg": "rnn",
    "transformer-preprocess": '""',
    "transformer-postprocess": "dan",
    "transformer-ffn-activation": "relu",
    "transformer-ffn-depth": "2",
    "tied-embeddings-all": "true",
}


class TiedEmbedding(keras.layers.Layer):
    """Write pieces as vectors, ``E[piece]·√width + waves[position]``; or score all pieces, ``x·Eᵀ + b``.

    Args:
        vocabulary_size: number of pieces.
        width: numbers of a vector, even.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        x: pieces (batch, time), or with `reverse` vectors (batch, time, width).
        position: where the first piece stands, (batch,); 0 when None.
        start: whether the piece at position 0 is the nothing before a sentence, written as zeros.
        reverse: score instead.

    Returns:
        Vectors (batch, time, width), or scores (batch, time, vocabulary_size).
    """

    def __init__(self, vocabulary_size, width, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.width = vocabulary_size, width

    def build(self, _):
        """Create the one table and the bias."""
        self.table = self.add_weight(shape=(self.vocabulary_size, self.width), name="table")
        self.bias = self.add_weight(shape=(self.vocabulary_size,), name="bias", initializer="zeros")

    def call(self, x, position=None, start=False, reverse=False):
        """Look up, or score."""
        if reverse:
            return ops.matmul(x, ops.transpose(self.table)) + self.bias
        steps = ops.arange(ops.shape(x)[1], dtype="int32")[None]  # (1, time)
        if position is not None:
            steps = steps + position[:, None]  # (batch, time)
        vectors = ops.take(self.table, x, axis=0) * self.width**0.5  # (batch, time, width)
        if start:
            vectors = vectors * ops.cast(steps > 0, vectors.dtype)[..., None]
        half = self.width // 2
        speeds = np.exp(-np.log(10_000.0) / (half - 1) * np.arange(half)).astype("float32")
        angles = ops.cast(steps, "float32")[..., None] * speeds  # (batch or 1, time, width / 2)
        return vectors + ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


class PostNormBlock(keras.layers.Layer):
    """Attend and think, each followed by add and norm: ``x = norm(x + attention(x))``, ``x = norm(x + mlp(x))``.

    Args:
        num_heads: number of heads; it divides the width of the input.
        hidden_units: width inside the two-layer perceptron.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        x: shape (batch, time, width).
        context: what is looked at, (batch, context time, width); `x` itself when None.
        context_mask: True where a step of the context is real, (batch, context time).

    Returns:
        Shape (batch, time, width).
    """

    def __init__(self, num_heads, hidden_units, **kwargs):
        super().__init__(**kwargs)
        self.attention = MultiHeadAttention(num_heads)
        self.expand = keras.layers.Dense(hidden_units, activation="relu")
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]

    def build(self, x_shape, context_shape=None):
        """Create the weights of all parts."""
        self.attention.build(x_shape, context_shape)
        self.contract = keras.layers.Dense(x_shape[-1])
        self.expand.build(x_shape)
        self.contract.build((*x_shape[:-1], self.expand.units))
        for norm in self.norms:
            norm.build(x_shape)

    def call(self, x, context=None, context_mask=None):
        """Attend, and think."""
        x = self.norms[0](x + self.attention(x, context, attention_mask=context_mask[:, None]))
        return self.norms[1](x + self.contract(self.expand(x)))


class SimpleRecurrentCell(keras.layers.Layer):
    """Forget a little, take in a little (SSRU): ``c = f·c + (1 − f)·(W·x)``, ``f = σ(Wf·x + b)``; out goes ``relu(c)``.

    Neither matrix sees c: a whole known sentence needs two products, and only the sums go step by step.

    Args:
        width: numbers of a step and of the state.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        x: one step, shape (batch, width).
        states: a list of c, shape (batch, width).

    Returns:
        The output (batch, width) and the list of the new c.

    Reference:
        Kim et al. (2019), From research to production and back: ludicrously fast neural machine translation,
        https://aclanthology.org/D19-5632
    """

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.state_size = self.output_size = width
        self.new = keras.layers.Dense(width, use_bias=False)
        self.forget = keras.layers.Dense(width, activation="sigmoid")

    def build(self, x_shape):
        """Create both matrices."""
        self.new.build(x_shape)
        self.forget.build(x_shape)

    def call(self, x, states):
        """Go one step on."""
        share = self.forget(x)
        state = share * states[0] + (1 - share) * self.new(x)
        return ops.relu(state), [state]


@dataclasses.dataclass(frozen=True, eq=False)
class MarianNetwork:
    """Three Keras models of the same layers.

    `model` goes from [source, target so far] to the scores of the piece after each of the target: for teacher forcing.
    `reader` goes from the source to its vectors; `writer` from [target, position, state, vectors, source] to scores and
    the new state, (batch, blocks, width). A source ends with piece 0, and what stands behind it is filling.
    """

    model: Any
    reader: Any
    writer: Any
    width: int
    depth: int


def _parts(sizes: dict[str, int]) -> dict[str, Any]:
    """Make the layers under Marian's own names."""
    width, heads = sizes["width"], sizes["num_heads"]
    parts = {"Wemb": TiedEmbedding(sizes["vocabulary_size"], width, name="embedding")}
    for side in ("encoder", "decoder"):
        for number in range(1, sizes[f"{side}_depth"] + 1):
            name = f"{side}_l{number}"
            parts[name] = PostNormBlock(heads, sizes["hidden_units"], name=name)
            if side == "decoder":
                recurrence = SimpleRecurrentCell(width, name=f"{name}_cell")
                parts[f"{name}_rnn"] = keras.layers.RNN(
                    recurrence, return_sequences=True, return_state=True, name=f"{name}_rnn"
                )
                parts[f"{name}_norm"] = keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")
    return parts


def _written(parts: dict, depth: int, target: Any, encoded: Any, real: Any, past: tuple = (None, None)) -> tuple:
    """Go through the decoder: to the scores, and the states of its blocks at the end."""
    position, states = past
    y, kept = parts["Wemb"](target, position=position, start=True), []  # (batch, steps, width)
    for number in range(1, depth + 1):
        name = f"decoder_l{number}"
        before = None if states is None else [states[:, number - 1]]
        change, state = parts[f"{name}_rnn"](y, initial_state=before)
        y = parts[f"{name}_norm"](y + change)
        y = parts[name](y, encoded, context_mask=real)
        kept.append(state)
    return parts["Wemb"](y, reverse=True), ops.stack(kept, axis=1)


def _build(sizes: dict[str, int], parts: dict[str, Any]) -> MarianNetwork:
    """Join the layers to three models."""
    width, depth = sizes["width"], sizes["decoder_depth"]
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    ends = ops.cast(ops.equal(source, END), "int32")
    real = ops.equal(ops.cumsum(ends, axis=1) - ends, 0)  # (batch, source time): no end before this piece
    x = parts["Wemb"](source)  # (batch, source time, width)
    for number in range(1, sizes["encoder_depth"] + 1):
        x = parts[f"encoder_l{number}"](x, context_mask=real)
    x = keras.layers.Identity(name="encoded")(x)
    scores, _ = _written(parts, depth, target, x, real)
    inputs = [
        target,
        keras.Input((), dtype="int32", name="position"),
        keras.Input((depth, width), name="state"),
        keras.Input((None, width), name="vectors"),
        source,
    ]
    models = {
        "model": keras.Model([source, target], scores, name="marian"),
        "reader": keras.Model(source, x, name="marian_reader"),
        "writer": keras.Model(inputs, _written(parts, depth, target, inputs[3], real, tuple(inputs[1:3]))),
    }
    for model in models.values():
        model.compile(jit_compile=False)  # else XLA compiles again for each new length
    return MarianNetwork(**models, width=width, depth=depth)


def _sizes(file: MarianFile) -> dict[str, int]:
    """Take the sizes from the configuration and the two tensors that tell the rest."""
    for key, expected in KIND.items():
        if (value := file.facts.get(key, "")) != expected:
            raise DataError(f"{file.name}: {key!r} is {value[:40]!r}, expected {expected!r}: it is another network.")
    width, heads = file.size("dim-emb", least=4, most=8192), file.size("transformer-heads")
    if width % (2 * heads):
        raise DataError(f"{file.name}: {heads} heads cannot share a width of {width}. {MEND}")
    sizes = {"width": width, "num_heads": heads, "hidden_units": file.size("transformer-dim-ffn", most=65_536)}
    sizes |= {"encoder_depth": file.size("enc-depth", most=100), "decoder_depth": file.size("dec-depth", most=100)}
    pieces = file.size("dim-vocabs", least=UNKNOWN + 1, most=10_000_000)
    return sizes | {"vocabulary_size": pieces}


def _values(file: MarianFile, sizes: dict[str, int]) -> dict[str, list[np.ndarray]]:
    """Unpack the weights of each layer in the order in which Keras keeps them; each shape is compared."""
    width, hidden, table = sizes["width"], sizes["hidden_units"], (sizes["vocabulary_size"], sizes["width"])

    def matrix(name: str, *shape: int) -> np.ndarray:
        return file.array(name, *shape)

    def vector(name: str, size: int = width) -> np.ndarray:
        return file.array(name, 1, size)[0]

    def norm(name: str) -> list[np.ndarray]:
        return [vector(f"{name}_ln_scale"), vector(f"{name}_ln_bias")]

    def block(name: str, attention: str) -> list[np.ndarray]:
        found = []
        for part in "qkvo":
            found += [matrix(f"{name}_{attention}_W{part}", width, width), vector(f"{name}_{attention}_b{part}")]
        found += [matrix(f"{name}_ffn_W1", width, hidden), vector(f"{name}_ffn_b1", hidden)]
        found += [*norm(f"{name}_{attention}_Wo"), *norm(f"{name}_ffn_ffn")]
        return [*found, matrix(f"{name}_ffn_W2", hidden, width), vector(f"{name}_ffn_b2")]

    values = {"Wemb": [matrix("Wemb", *table), vector("decoder_ff_logit_out_b", table[0])]}
    values |= {(name := f"encoder_l{n + 1}"): block(name, "self") for n in range(sizes["encoder_depth"])}
    for number in range(sizes["decoder_depth"]):
        name = f"decoder_l{number + 1}"
        values[name] = block(name, "context")
        rnn = f"{name}_rnn"
        values[rnn] = [matrix(f"{rnn}_W", width, width), matrix(f"{rnn}_Wf", width, width), vector(f"{rnn}_bf")]
        values[f"{name}_norm"] = norm(f"{rnn}_ffn")
    return values


def marian_network(file: MarianFile) -> MarianNetwork:
    """Build the network whose sizes and weights stand in a file; it never grows beyond them.

    Args:
        file: what `read_marian` read.

    Returns:
        The network, float32. The piece "unknown" is never written: its bias is out of reach, as in Marian.

    Raises:
        bmkit.data.DataError: the file holds another kind of network, or its sizes and tensors do not fit together.
    """
    sizes = _sizes(file)
    values = _values(file, sizes)  # all of them, before anything is built
    values["Wemb"][1][UNKNOWN] = -1e9
    parts = _parts(sizes)
    network = _build(sizes, parts)
    for name, arrays in values.items():
        parts[name].set_weights(arrays)
    return network
