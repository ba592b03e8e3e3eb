"""A Transformer that writes: each token is guessed from those before it, and what was computed is remembered."""

import numpy as np

from bmkit.backend import keras
from bmkit.layers import TokenAndPosition, TransformerBlock
from bmkit.runtime import runtime

__all__ = ["CachedDecoder", "gpt"]

BLOCK = 64  # tokens


def gpt(
    vocabulary_size: int,
    length: int,
    *,
    width: int = 128,
    depth: int = 4,
    num_heads: int = 4,
    positions: str = "learned",
    dropout: float = 0.0,
) -> keras.Model:
    """Build a decoder that guesses the next token: ``logits[t] = dense(blocks(tokens[0 … t]))``.

    No token stands for filling: a token sees those before it alone, so whatever is filled in after a text changes
    nothing in it.

    Args:
        vocabulary_size: number of tokens.
        length: the longest text; learned positions go no further.
        width: numbers of a step.
        depth: number of blocks.
        num_heads: heads of each attention; they divide the width.
        positions: "learned", "sinusoidal" or "rotary".
        dropout: share dropped in training after each part and of the attention weights, in [0, 1).

    Returns:
        Functional model from tokens ``(batch, time)`` to the logits of the token after each,
        ``(batch, time, vocabulary_size)``, not compiled. `CachedDecoder` writes with it.

    Raises:
        ValueError: the positions are unknown, or the heads do not divide the width.

    Example:
        >>> gpt(300, 64, width=32, depth=2).output_shape
        (None, None, 300)

    Reference:
        Radford et al. (2018), Improving language understanding by generative pre-training,
        https://openai.com/index/language-unsupervised/
    """
    tokens = keras.Input(shape=(None,), dtype="int32", name="tokens")
    x = TokenAndPosition(vocabulary_size, width, length=length, positions=positions)(tokens)  # (batch, time, width)
    for _ in range(depth):
        x = TransformerBlock(num_heads, dropout=dropout, causal=True, rotary=positions == "rotary")(x)
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="decoded")(x)
    logits = keras.layers.Dense(vocabulary_size, name="logits")(x)  # (batch, time, vocabulary_size)
    return keras.Model(tokens, logits, name="gpt")


class _Step(keras.Model):
    """The layers of a `gpt`, called with a memory."""

    # Not a functional model: in one, Keras 3.15 expects of a layer as many outputs as its first call had.

    def __init__(self, embedding, blocks, norm, head):
        super().__init__(name="cached_step")
        self.embedding, self.blocks, self.norm, self.head = embedding, blocks, norm, head

    def call(self, inputs):
        tokens, past, position = inputs
        x, new = self.embedding(tokens, position=position), []  # (batch, steps, width)
        for index, block in enumerate(self.blocks):
            x, memory = block(x, past=past[:, index], position=position)
            new.append(memory)  # (batch, 2, heads, steps, size)
        return self.head(self.norm(x)), keras.ops.stack(new, axis=1)


class CachedDecoder:
    """Run a `gpt` over new tokens only; the keys and values of the earlier ones are remembered.

    With the default sizes a token after 256 others took 3.4 ms where reading all of them again took 16 ms
    (``benchmarks/kv_cache.py``, two busy processor cores). The weights are the model's own: train it further, and this
    writes with what it learned.

    Args:
        model: what `gpt` built, or loaded from a file.

    Raises:
        ValueError: the model is not made of causal blocks.

    Example:
        >>> decoder = CachedDecoder(gpt(300, 64, width=32, depth=2))
        >>> logits, cache = decoder.step(np.array([[5, 7, 9]]), decoder.start_cache(1, 64), 0)
        >>> logits, cache = decoder.step(np.array([[11]]), cache, 3)
        >>> logits.shape
        (1, 1, 300)

    Reference:
        Pope et al. (2022), Efficiently scaling transformer inference, section 2, https://arxiv.org/abs/2211.05102
    """

    def __init__(self, model: keras.Model):
        blocks = [layer for layer in model.layers if isinstance(layer, TransformerBlock)]
        if not blocks or not all(block.causal and not block.cross for block in blocks):
            raise ValueError(f"model {model.name!r} is not made of causal blocks; give one that models.gpt has built.")
        embedding = next(layer for layer in model.layers if isinstance(layer, TokenAndPosition))
        heads, width = blocks[0].num_heads, embedding.width
        self.limit = embedding.length if embedding.positions == "learned" else None
        self.shape = (len(blocks), 2, heads, width // heads)  # of one token's memory
        self._step = _Step(embedding, blocks, model.get_layer("decoded"), model.get_layer("logits"))
        if runtime().jit_compile != "auto":
            self._step.jit_compile = runtime().jit_compile

    def start_cache(self, batch: int, length: int) -> np.ndarray:
        """Make room for the keys and values of `length` tokens.

        Args:
            batch: texts written side by side.
            length: tokens of the longest one, the prompt included.

        Returns:
            Zeros, shape ``(batch, blocks, 2, heads, length, size)``: keys and values.

        Raises:
            ValueError: the model learned no positions that far.
        """
        if self.limit is not None and length > self.limit:
            raise ValueError(f"a text of {length} tokens was asked for; the model learned {self.limit} positions.")
        depth, two, heads, size = self.shape
        return np.zeros((batch, depth, two, heads, length, size), "float32")

    def step(self, tokens: np.ndarray, cache: np.ndarray, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Read new tokens and remember them.

        Args:
            tokens: integers, shape ``(batch, steps)``.
            cache: from `start_cache`, or from the step before; it is written in place.
            position: how many tokens were read before.

        Returns:
            The logits of the token after each, shape ``(batch, steps, vocabulary)``, and the cache.

        Raises:
            ValueError: the cache has no room for so many tokens.
        """
        tokens = np.asarray(tokens, "int32")
        batch, steps = tokens.shape
        if position + steps > cache.shape[4]:
            raise ValueError(
                f"{steps} tokens from position {position} do not fit a cache for {cache.shape[4]}; "
                "ask start_cache for more."
            )
        used = -(-position // BLOCK) * BLOCK  # hand over no more of the memory than is filled, in few different sizes
        past = np.ascontiguousarray(cache[..., :used, :])
        logits, new = self._step.predict_on_batch([tokens, past, np.full(batch, position, "int32")])
        cache[..., position : position + steps, :] = new
        return logits, cache
