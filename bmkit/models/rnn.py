"""Recurrent networks: one that reads a sequence and answers, and a pair of which one reads and the other writes."""

from collections.abc import Sequence

from bmkit.backend import keras

ops = keras.ops

__all__ = ["rnn", "rnn_encoder_decoder"]

CELLS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def rnn(
    input_shape: Sequence[int | None],
    num_outputs: int,
    *,
    cell: str = "lstm",
    units: Sequence[int] = (64,),
    embedding: tuple[int, int] | None = None,
    bidirectional: bool = False,
    dropout: float = 0.0,
) -> keras.Model:
    """Build a recurrent network that reads a whole sequence and answers: ``logits = dense(h_last)``.

    Filling changes no answer: token 0, or a step whose numbers are all zero, leaves the state as it was. Trained with a
    mean squared error, the same model is a regressor, and its logits are predictions.

    Args:
        input_shape: ``(time, features)``, or ``(time,)`` for tokens; time is None when batches differ in length.
        num_outputs: number of logits, or of numbers to predict.
        cell: "simple_rnn", "lstm" or "gru".
        units: size of the state of each layer, from first to last.
        embedding: ``(vocabulary size, width)`` when the input is tokens; token 0 is filling.
        bidirectional: read from both ends; doubles the size of every state.
        dropout: share of each layer's inputs dropped in training, in [0, 1).

    Returns:
        Functional model from ``(batch, time, features)``, or tokens ``(batch, time)``, to logits
        ``(batch, num_outputs)``, not compiled.

    Raises:
        ValueError: the cell is unknown, or the input is tokens without an embedding, or an embedding without tokens.

    Example:
        >>> rnn((None, 12), 9, cell="simple_rnn", units=(32,)).count_params()  # (12+32+1)·32 + (32+1)·9
        1737

    Reference:
        Hochreiter and Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735
    """
    if (embedding is None) != (len(input_shape) == 2):
        raise ValueError(
            f"input_shape is {tuple(input_shape)} and embedding {embedding}; expected (time, features) without an "
            "embedding, or (time,) for tokens with embedding=(vocabulary size, width)."
        )
    inputs = keras.Input(shape=tuple(input_shape), dtype="float32" if embedding is None else "int32")
    if embedding is None:
        x, mask = inputs, ops.any(ops.not_equal(inputs, 0.0), axis=-1)  # (batch, time), True where real
    else:
        x, mask = keras.layers.Embedding(*embedding)(inputs), ops.not_equal(inputs, 0)
    for index, number in enumerate(units):
        layer = _cell(cell)(number, return_sequences=index + 1 < len(units))
        if bidirectional:
            layer = keras.layers.Bidirectional(layer)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
        x = layer(x, mask=mask)  # (batch, time, units); the last one (batch, units)
    logits = keras.layers.Dense(num_outputs, name="logits")(x)  # (batch, num_outputs)
    return keras.Model(inputs, logits, name="rnn")


def rnn_encoder_decoder(
    source_vocabulary: int,
    target_vocabulary: int,
    *,
    cell: str = "lstm",
    width: int = 64,
    units: int = 128,
    dropout: float = 0.0,
) -> keras.Model:
    """Build a pair of recurrent networks: one reads the source, the other starts from its last state and writes.

    All that the writer knows of the source is that one state. It has the inputs and outputs of
    `bmkit.models.transformer`, so that both can be compared.

    Args:
        source_vocabulary: number of source tokens; token 0 is filling.
        target_vocabulary: number of target tokens.
        cell: "simple_rnn", "lstm" or "gru".
        width: numbers of an embedded token.
        units: size of a state.
        dropout: share of the embedded tokens' numbers dropped in training, in [0, 1).

    Returns:
        Functional model from ``[source (batch, source time), target so far (batch, target time)]`` to the logits of the
        token after each of the target, ``(batch, target time, target_vocabulary)``, not compiled.

    Raises:
        ValueError: the cell is unknown.

    Example:
        >>> rnn_encoder_decoder(50, 20).output_shape
        (None, None, 20)

    Reference:
        Sutskever, Vinyals and Le (2014), Sequence to sequence learning with neural networks,
        https://arxiv.org/abs/1409.3215
    """
    source = keras.Input(shape=(None,), dtype="int32", name="source")
    target = keras.Input(shape=(None,), dtype="int32", name="target")
    x = keras.layers.Embedding(source_vocabulary, width)(source)  # (batch, source time, width)
    y = keras.layers.Embedding(target_vocabulary, width)(target)  # (batch, target time, width)
    if dropout:
        x, y = keras.layers.Dropout(dropout)(x), keras.layers.Dropout(dropout)(y)
    _, *state = _cell(cell)(units, return_state=True, name="encoded")(x, mask=ops.not_equal(source, 0))
    y = _cell(cell)(units, return_sequences=True)(y, initial_state=state)  # (batch, target time, units)
    logits = keras.layers.Dense(target_vocabulary, name="logits")(y)
    return keras.Model([source, target], logits, name="rnn_encoder_decoder")


def _cell(name: str):
    if name not in CELLS:
        raise ValueError(f"cell is {name!r}; expected one of {', '.join(CELLS)}.")
    return CELLS[name]
