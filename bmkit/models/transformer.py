"""Transformers that read: one that classifies, one that fills gaps (BERT), and one that reads and writes.

Token 0 is filling in all of them: nobody looks at it. The norm comes first in every block, and once more at the end.
"""

from bmkit.backend import keras
from bmkit.layers import TokenAndPosition, TransformerBlock, masked_mean

ops = keras.ops

__all__ = ["bert", "bert_classifier", "bert_masked_lm", "transformer", "transformer_classifier"]


def transformer(
    source_vocabulary: int,
    target_vocabulary: int,
    *,
    width: int = 64,
    depth: int = 2,
    num_heads: int = 4,
    positions: str = "sinusoidal",
    dropout: float = 0.0,
) -> keras.Model:
    """Build the Transformer: an encoder reads the source, a decoder looks at all of it and writes.

    Args:
        source_vocabulary: number of source tokens; token 0 is filling.
        target_vocabulary: number of target tokens.
        width: numbers of a step.
        depth: blocks of the encoder, and as many of the decoder.
        num_heads: heads of each attention; they divide the width.
        positions: "sinusoidal" or "rotary".
        dropout: share dropped in training after each part and of the attention weights, in [0, 1).

    Returns:
        Functional model from ``[source (batch, source time), target so far (batch, target time)]`` to the logits of the
        token after each of the target, ``(batch, target time, target_vocabulary)``, not compiled.

    Raises:
        ValueError: the positions are unknown, or the heads do not divide the width.

    Example:
        >>> transformer(50, 20).output_shape
        (None, None, 20)

    Reference:
        Vaswani et al. (2017), Attention is all you need, https://arxiv.org/abs/1706.03762
    """
    source = keras.Input(shape=(None,), dtype="int32", name="source")
    target = keras.Input(shape=(None,), dtype="int32", name="target")
    own = {"dropout": dropout, "rotary": positions == "rotary"}
    real = ops.not_equal(source, 0)  # (batch, source time)
    x = TokenAndPosition(source_vocabulary, width, positions=positions)(source)  # (batch, source time, width)
    for _ in range(depth):
        x = TransformerBlock(num_heads, **own)(x, padding_mask=real)
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="encoded")(x)
    y = TokenAndPosition(target_vocabulary, width, positions=positions)(target)  # (batch, target time, width)
    for _ in range(depth):
        y = TransformerBlock(num_heads, causal=True, cross=True, **own)(y, context=x, context_mask=real)
    y = keras.layers.LayerNormalization(epsilon=1e-5, name="decoded")(y)
    logits = keras.layers.Dense(target_vocabulary, name="logits")(y)
    return keras.Model([source, target], logits, name="transformer")


def transformer_classifier(
    vocabulary_size: int,
    num_classes: int,
    *,
    width: int = 64,
    depth: int = 2,
    num_heads: int = 4,
    positions: str = "sinusoidal",
    pool: str = "mean",
) -> keras.Model:
    """Build a Transformer that reads tokens and answers: ``logits = dense(pool(encoder(tokens)))``.

    Args:
        vocabulary_size: number of tokens; token 0 is filling.
        num_classes: number of logits.
        width: numbers of a step.
        depth: number of blocks.
        num_heads: heads of each attention; they divide the width.
        positions: "sinusoidal" or "rotary".
        pool: "mean" over the real steps, or the "last" real step, as a recurrent network answers.

    Returns:
        Functional model from tokens ``(batch, time)`` to logits ``(batch, num_classes)``, not compiled.

    Raises:
        ValueError: `pool` or the positions are unknown, or the heads do not divide the width.

    Example:
        >>> transformer_classifier(100, 3).output_shape
        (None, 3)

    Reference:
        Vaswani et al. (2017), https://arxiv.org/abs/1706.03762
    """
    if pool not in ("mean", "last"):
        raise ValueError(f"pool is {pool!r}; expected 'mean' or 'last'.")
    tokens = keras.Input(shape=(None,), dtype="int32", name="tokens")
    real = ops.not_equal(tokens, 0)  # (batch, time)
    x = TokenAndPosition(vocabulary_size, width, positions=positions)(tokens)  # (batch, time, width)
    for _ in range(depth):
        x = TransformerBlock(num_heads, rotary=positions == "rotary")(x, padding_mask=real)
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="encoded")(x)
    kept = real
    if pool == "last":  # a step is the last one when no real step is left after it
        steps = ops.cast(real, "float32")
        after = ops.flip(ops.cumsum(ops.flip(steps, axis=1), axis=1), axis=1)  # itself included
        kept = ops.logical_and(real, ops.equal(after, 1.0))
    x = masked_mean(x, kept)  # (batch, width)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(tokens, logits, name="transformer_classifier")


def bert(
    vocabulary_size: int,
    length: int,
    *,
    width: int = 64,
    depth: int = 2,
    num_heads: int = 4,
    positions: str = "learned",
    dropout: float = 0.0,
) -> keras.Model:
    """Build an encoder that guesses hidden tokens from both sides: ``logits[t] = dense(encoder(tokens)[t])``.

    Args:
        vocabulary_size: number of tokens, the one that hides others included; token 0 is filling.
        length: the longest sequence.
        width: numbers of a step.
        depth: number of blocks.
        num_heads: heads of each attention; they divide the width.
        positions: "learned", "sinusoidal" or "rotary".
        dropout: share dropped in training after each part and of the attention weights, in [0, 1).

    Returns:
        Functional model from tokens ``(batch, time)`` to logits ``(batch, time, vocabulary_size)``, not compiled. Its
        layer "encoded" gives the steps themselves, ``(batch, time, width)``.

    Raises:
        ValueError: the positions are unknown, or the heads do not divide the width.

    Example:
        >>> bert(100, 32).output_shape
        (None, None, 100)

    Reference:
        Devlin, Chang, Lee and Toutanova (2019), BERT, https://arxiv.org/abs/1810.04805
    """
    tokens = keras.Input(shape=(None,), dtype="int32", name="tokens")
    real = ops.not_equal(tokens, 0)  # (batch, time)
    x = TokenAndPosition(vocabulary_size, width, length=length, positions=positions)(tokens)  # (batch, time, width)
    for _ in range(depth):
        x = TransformerBlock(num_heads, dropout=dropout, rotary=positions == "rotary")(x, padding_mask=real)
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="encoded")(x)
    logits = keras.layers.Dense(vocabulary_size, name="logits")(x)  # (batch, time, vocabulary_size)
    return keras.Model(tokens, logits, name="bert")


def bert_classifier(model: keras.Model, num_classes: int, *, dropout: float = 0.0) -> keras.Model:
    """Put a classifier on the steps of an encoder: ``logits = dense(masked_mean(encoded))``.

    Both models share the encoder: training the classifier changes it, unless it was frozen before
    (``model.trainable = False``).

    Args:
        model: what `bert` built, trained or not.
        num_classes: number of logits.
        dropout: share of the last layer's inputs dropped in training, in [0, 1).

    Returns:
        Functional model from tokens ``(batch, time)`` to logits ``(batch, num_classes)``, not compiled.

    Raises:
        ValueError: the model has no layer "encoded".

    Example:
        >>> bert_classifier(bert(100, 32), 2).output_shape
        (None, 2)

    Reference:
        Devlin, Chang, Lee and Toutanova (2019), section 3.2, https://arxiv.org/abs/1810.04805
    """
    if "encoded" not in [layer.name for layer in model.layers]:
        raise ValueError(f"model {model.name!r} has no layer named 'encoded'; give one that models.bert has built.")
    tokens, x = model.inputs[0], model.get_layer("encoded").output  # (batch, time), (batch, time, width)
    x = masked_mean(x, ops.not_equal(tokens, 0))  # (batch, width)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(tokens, logits, name="bert_classifier")


def bert_masked_lm(model: keras.Model, num_places: int) -> keras.Model:
    """Ask an encoder for some places only: ``logits[j] = dense(encoder(tokens)[places[j]])``.

    The last layer, one score for each token of the vocabulary, costs as much as the rest of a small encoder; so it is
    asked where a token was hidden and nowhere else. Both models share all weights.

    Args:
        model: what `bert` built, trained or not.
        num_places: how many places are asked in each sequence, ≥ 1.

    Returns:
        Functional model from ``[tokens (batch, time), places (batch, num_places)]`` to logits
        ``(batch, num_places, vocabulary_size)``, not compiled.

    Raises:
        ValueError: the model has no layers "encoded" and "logits".

    Example:
        >>> bert_masked_lm(bert(100, 32), 5).output_shape
        (None, 5, 100)

    Reference:
        Devlin, Chang, Lee and Toutanova (2019), section 3.1, https://arxiv.org/abs/1810.04805
    """
    if not {"encoded", "logits"} <= {layer.name for layer in model.layers}:
        raise ValueError(f"model {model.name!r} has no layers 'encoded' and 'logits'; give one that models.bert built.")
    places = keras.Input(shape=(num_places,), dtype="int32", name="places")
    encoded = model.get_layer("encoded").output  # (batch, time, width)
    asked = ops.take_along_axis(encoded, places[..., None], axis=1)  # (batch, num_places, width)
    return keras.Model([model.inputs[0], places], model.get_layer("logits")(asked), name="bert_masked_lm")
