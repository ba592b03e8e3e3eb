"""Multi-head attention that can be read, shows its weights and remembers keys and values."""

from bmkit.backend import keras
from bmkit.layers.positions import RotaryPositions

ops = keras.ops

__all__ = ["MultiHeadAttention"]


@keras.saving.register_keras_serializable(package="bmkit")
class MultiHeadAttention(keras.layers.Layer):
    """Look up in several ways at once: ``concat(softmax(QₕKₕᵀ / √size) Vₕ) · O``.

    One matrix makes the queries of all heads side by side; head h takes its own `size` columns of it.

    Args:
        num_heads: number of heads; it divides the width of the input.
        dropout: share of the attention weights dropped in training, in [0, 1).
        rotary: turn queries and keys by their positions.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        x: the steps that ask, shape ``(batch, queries, width)``.
        context: the steps that are asked, shape ``(batch, keys, width)``; `x` itself when None.
        attention_mask: True where a query may look at a key; broadcast to ``(batch, queries, keys)``.
        past: keys and values of earlier steps, shape ``(batch, 2, heads, past keys, size)``; they come before those
            of `x`, in the mask too.
        position: where the first step of `x` stands, shape ``(batch,)``; only rotary positions need it.
        return_scores: give the attention weights too.
        training: whether dropout acts.

    Returns:
        Shape ``(batch, queries, width)``; with `return_scores` a pair with the weights, shape ``(batch, heads, queries,
        keys)``; with `past` a pair with the keys and values of `x`, shape ``(batch, 2, heads, queries, size)``.

    Example:
        >>> MultiHeadAttention(2)(keras.Input((None, 16))).shape
        (None, None, 16)

    Reference:
        Vaswani et al. (2017), section 3.2, https://arxiv.org/abs/1706.03762; in NumPy: `scratch.multi_head_attention`
    """

    def __init__(self, num_heads, *, dropout=0.0, rotary=False, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.dropout, self.rotary = num_heads, dropout, rotary
        self.turn = RotaryPositions(dtype=self.dtype_policy) if rotary else None
        self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy)

    def build(self, x_shape, context_shape=None):
        """Create the four matrices."""
        width = x_shape[-1]
        if width % self.num_heads:
            raise ValueError(f"a width of {width} cannot be shared by {self.num_heads} heads; choose a divisor.")
        for name in ("query", "key", "value", "output"):
            layer = keras.layers.Dense(width, dtype=self.dtype_policy, name=name)
            layer.build((None, None, width if name in ("query", "output") else (context_shape or x_shape)[-1]))
            setattr(self, f"{name}_dense", layer)

    def call(self, x, context=None, attention_mask=None, past=None, position=None, return_scores=False, training=None):
        """Ask, compare, average, and mix the heads."""
        context = x if context is None else context
        query, key = self._split(self.query_dense(x)), self._split(self.key_dense(context))
        if self.turn is not None:
            query, key = self.turn(query, position), self.turn(key, position)
        query, key = ops.swapaxes(query, 1, 2), ops.swapaxes(key, 1, 2)  # (batch, heads, time, size)
        value = ops.swapaxes(self._split(self.value_dense(context)), 1, 2)
        if past is not None:
            new = ops.stack([key, value], axis=1)  # (batch, 2, heads, queries, size)
            key = ops.concatenate([past[:, 0], key], axis=2)
            value = ops.concatenate([past[:, 1], value], axis=2)
        scores = ops.matmul(query, ops.swapaxes(key, 2, 3)) / query.shape[-1] ** 0.5  # (batch, heads, queries, keys)
        scores = ops.cast(scores, "float32")
        if attention_mask is not None:
            scores = ops.where(attention_mask[:, None], scores, -1e9)
        weights = ops.cast(ops.softmax(scores, axis=-1), x.dtype)
        out = ops.matmul(self.drop(weights, training=training), value)  # (batch, heads, queries, size)
        out = ops.reshape(ops.swapaxes(out, 1, 2), (-1, ops.shape(x)[1], x.shape[-1]))  # (batch, queries, width)
        out = self.output_dense(out)
        if past is not None:
            return out, new
        return (out, weights) if return_scores else out

    def _split(self, x):
        return ops.reshape(x, (-1, ops.shape(x)[1], self.num_heads, x.shape[-1] // self.num_heads))

    def get_config(self):
        """Return what is needed to build the layer again."""
        own = {name: getattr(self, name) for name in ("num_heads", "dropout", "rotary")}
        return {**super().get_config(), **own}
