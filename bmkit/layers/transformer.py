"""The block that Transformers repeat."""

from bmkit.backend import keras
from bmkit.layers.attention import MultiHeadAttention

ops = keras.ops

__all__ = ["TransformerBlock"]


@keras.saving.register_keras_serializable(package="bmkit")
class TransformerBlock(keras.layers.Layer):
    """Attend, then think, each as a change to what is there: ``x + attention(norm(x))``, ``x + mlp(norm(x))``.

    Args:
        num_heads: number of heads; it divides the width of the input.
        hidden_units: width inside the two-layer perceptron; four times that of the input when None.
        dropout: share dropped in training after each part and of the attention weights, in [0, 1).
        causal: no step looks ahead.
        cross: a second attention, to `context`, stands between the two parts: a block of a decoder that translates.
        rotary: turn queries and keys of the self-attention by their positions.
        **kwargs: `name` and `dtype`, handed to `keras.layers.Layer`.

    Call arguments:
        x: shape ``(batch, time, width)``.
        padding_mask: True where a step is real, shape ``(batch, time)``; nobody looks at filling.
        context: what the encoder made, shape ``(batch, context time, width)``, for a block with `cross`.
        context_mask: True where a step of the context is real, shape ``(batch, context time)``.
        past: keys and values of earlier steps, shape ``(batch, 2, heads, length, size)``, of which those before
            `position` count; for a causal block.
        position: where the first step stands, shape ``(batch,)``.
        training: whether dropout acts.

    Returns:
        Shape ``(batch, time, width)``; with `past` a pair with the new keys and values.

    Example:
        >>> TransformerBlock(2, causal=True)(keras.Input((None, 16))).shape
        (None, None, 16)

    Reference:
        Vaswani et al. (2017), figure 1, https://arxiv.org/abs/1706.03762; Xiong et al. (2020), On layer
        normalization in the Transformer architecture (why the norm comes first), https://arxiv.org/abs/2002.04745
    """

    def __init__(self, num_heads, *, hidden_units=None, dropout=0.0, causal=False, cross=False, rotary=False, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.hidden_units, self.dropout = num_heads, hidden_units, dropout
        self.causal, self.cross, self.rotary = causal, cross, rotary
        own = {"dtype": self.dtype_policy}
        self.attention = MultiHeadAttention(num_heads, dropout=dropout, rotary=rotary, **own)
        self.cross_attention = MultiHeadAttention(num_heads, dropout=dropout, **own) if cross else None
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-5, **own) for _ in range(3 if cross else 2)]
        self.drop = keras.layers.Dropout(dropout, **own)

    def build(self, x_shape, context_shape=None):
        """Create the weights of all parts."""
        width = x_shape[-1]
        hidden = self.hidden_units or 4 * width
        self.attention.build(x_shape)
        if self.cross_attention is not None:
            self.cross_attention.build(x_shape, context_shape or x_shape)
        for norm in self.norms:
            norm.build(x_shape)
        self.expand = keras.layers.Dense(hidden, dtype=self.dtype_policy, name="expand")
        self.contract = keras.layers.Dense(width, dtype=self.dtype_policy, name="contract")
        self.expand.build((*x_shape[:-1], width))
        self.contract.build((*x_shape[:-1], hidden))

    def call(self, x, padding_mask=None, context=None, context_mask=None, past=None, position=None, training=None):
        """Attend to the steps, to the context if there is one, and think."""
        new, mask = None, self._mask(x, padding_mask, past, position)
        change = self.attention(self.norms[0](x), attention_mask=mask, past=past, position=position, training=training)
        if past is not None:
            change, new = change
        x = x + self.drop(change, training=training)
        if self.cross_attention is not None:
            mask = None if context_mask is None else context_mask[:, None]  # (batch, 1, context time)
            change = self.cross_attention(self.norms[1](x), context, attention_mask=mask, training=training)
            x = x + self.drop(change, training=training)
        # The form with tanh, GPT-2's: with the exact one, whole training steps took 1.8 times as long on a CPU.
        hidden = ops.gelu(self.expand(self.norms[-1](x)), approximate=True)  # (batch, time, hidden)
        change = self.contract(hidden)  # (batch, time, width)
        x = x + self.drop(change, training=training)
        return x if past is None else (x, new)

    def _mask(self, x, padding_mask, past, position):
        """Say which step may look at which, shape ``(batch or 1, time, keys)``, or None: at all."""
        mask = None if padding_mask is None else padding_mask[:, None]  # (batch, 1, time)
        if self.causal:
            steps = ops.arange(ops.shape(x)[1])
            ahead = (steps[:, None] >= steps)[None]  # (1, time, time)
            mask = ahead if mask is None else ops.logical_and(mask, ahead)
        if past is not None:
            known = ops.arange(ops.shape(past)[3])[None] < ops.cast(position, "int32")[:, None]  # (batch, length)
            shape = (ops.shape(x)[0], ops.shape(x)[1])
            known = ops.broadcast_to(known[:, None], (*shape, ops.shape(past)[3]))
            mask = ops.concatenate([known, ops.broadcast_to(mask, (*shape, shape[1]))], axis=-1)
        return mask

    def get_config(self):
        """Return what is needed to build the layer again."""
        names = ("num_heads", "hidden_units", "dropout", "causal", "cross", "rotary")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
