"""Layers that tell a network where a step stands: waves or learned vectors that are added, angles that turn."""

from bmkit.backend import keras

ops = keras.ops

__all__ = ["RotaryPositions", "TokenAndPosition"]

KINDS = ("learned", "sinusoidal", "rotary")


def _angles(x, width, position, base):
    """Return the angle of each step and pair, shape ``(batch or 1, time, width / 2)``, float32."""
    steps = ops.arange(ops.shape(x)[1], dtype="float32")[None]  # (1, time)
    if position is not None:
        steps = steps + ops.cast(position, "float32")[:, None]  # (batch, time)
    frequencies = base ** (-ops.arange(0, width, 2, dtype="float32") / width)  # (width / 2,)
    return steps[..., None] * frequencies


@keras.saving.register_keras_serializable(package="bmkit")
class RotaryPositions(keras.layers.Layer):
    """Turn each pair of numbers by an angle that grows with the position: ``(a + ib) · exp(i·ωⱼ·t)``.

    Pair j consists of the numbers j and ``j + size/2``. The layer learns nothing.

    Args:
        base: the slowest pair turns about this much slower than the fastest.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        x: queries or keys, shape ``(batch, time, heads, size)``, size even.
        position: where the first step stands, integers, shape ``(batch,)``; 0 when None.

    Returns:
        Same shape.

    Example:
        >>> RotaryPositions()(keras.Input((None, 2, 8))).shape
        (None, None, 2, 8)

    Reference:
        Su et al. (2021), RoFormer, https://arxiv.org/abs/2104.09864; in NumPy: `bmkit.scratch.rotary`
    """

    def __init__(self, base=10_000.0, **kwargs):
        super().__init__(**kwargs)
        self.base = base

    def build(self, input_shape):
        """Refuse an odd size."""
        if input_shape[-1] % 2:
            raise ValueError(f"a head has {input_shape[-1]} numbers; rotary positions need pairs, an even size.")

    def call(self, x, position=None):
        """Turn the pairs."""
        angles = _angles(x, x.shape[-1], position, self.base)[:, :, None]  # (batch or 1, time, 1, size / 2)
        cosine, sine = ops.cast(ops.cos(angles), x.dtype), ops.cast(ops.sin(angles), x.dtype)
        a, b = ops.split(x, 2, axis=-1)
        return ops.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1)

    def get_config(self):
        """Return what is needed to build the layer again."""
        return {**super().get_config(), "base": self.base}


@keras.saving.register_keras_serializable(package="bmkit")
class TokenAndPosition(keras.layers.Layer):
    """Write each token as a vector that also says where it stands: ``E[token]·√width + P[position]``.

    Args:
        vocabulary_size: how many different tokens there are.
        width: numbers of a vector; even, for sine and cosine come in pairs.
        length: the longest sequence; needed for learned positions alone.
        positions: "learned" (a table P), "sinusoidal" (waves), or "rotary" (nothing is added here: `RotaryPositions`
            turn the queries and keys later).
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        tokens: integers, shape ``(batch, time)``.
        position: where the first token stands, integers, shape ``(batch,)``; 0 when None.

    Returns:
        Shape ``(batch, time, width)``.

    Example:
        >>> TokenAndPosition(100, 16)(keras.Input((None,), dtype="int32")).shape
        (None, None, 16)

    Reference:
        Vaswani et al. (2017), sections 3.4 and 3.5, https://arxiv.org/abs/1706.03762
    """

    def __init__(self, vocabulary_size, width, *, length=None, positions="sinusoidal", **kwargs):
        super().__init__(**kwargs)
        if positions not in KINDS:
            raise ValueError(f"positions is {positions!r}; expected one of {', '.join(KINDS)}.")
        if width % 2:
            raise ValueError(f"width is {width}; expected an even number.")
        if positions == "learned" and not length:
            raise ValueError("learned positions are rows of a table: say the longest length, or use 'sinusoidal'.")
        self.vocabulary_size, self.width, self.length, self.positions = vocabulary_size, width, length, positions
        # The spread 1/√width makes the scaled vectors about as large as sines and cosines.
        spread = keras.initializers.RandomNormal(stddev=width**-0.5)
        self.embedding = keras.layers.Embedding(vocabulary_size, width, spread, dtype=self.dtype_policy)

    def build(self, input_shape):
        """Create the table of tokens and, for learned positions, that of positions."""
        self.embedding.build(input_shape)
        if self.positions == "learned":
            spread = keras.initializers.RandomNormal(stddev=0.5)
            self.table = self.add_weight(shape=(self.length, self.width), initializer=spread, name="positions")

    def call(self, tokens, position=None):
        """Look up the tokens and add their positions."""
        x = self.embedding(tokens) * self.width**0.5  # (batch, time, width)
        if self.positions == "sinusoidal":
            angles = _angles(x, self.width, position, 10_000.0)
            waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)  # (…, time, width / 2, 2)
            x = x + ops.cast(ops.reshape(waves, (-1, ops.shape(x)[1], self.width)), x.dtype)
        elif self.positions == "learned":
            if isinstance(tokens.shape[1], int) and tokens.shape[1] > self.length:
                raise ValueError(f"{tokens.shape[1]} tokens, but positions were learned for {self.length} at most.")
            steps = ops.arange(ops.shape(x)[1], dtype="int32")[None]  # (1, time)
            if position is not None:
                steps = steps + ops.cast(position, "int32")[:, None]  # (batch, time)
            x = x + ops.cast(ops.take(self.table, steps, axis=0), x.dtype)
        return x

    def get_config(self):
        """Return what is needed to build the layer again."""
        own = {name: getattr(self, name) for name in ("vocabulary_size", "width", "length", "positions")}
        return {**super().get_config(), **own}
