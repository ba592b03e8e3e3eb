"""Multi-layer perceptrons: every input sees every neuron."""

from collections.abc import Sequence

from bmkit.backend import keras

__all__ = ["mlp"]


def mlp(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    hidden_units: Sequence[int] = (128,),
    dropout: float = 0.0,
    name: str = "mlp",
) -> keras.Model:
    """Build a multi-layer perceptron: ``hₗ = relu(hₗ₋₁Wₗ + bₗ)``, then one linear layer of logits.

    Args:
        input_shape: shape of one example; it is flattened.
        num_classes: number of logits.
        hidden_units: width of each hidden layer, from first to last; empty for a linear classifier.
        dropout: share of hidden activations dropped in training, in [0, 1).
        name: the model's name.

    Returns:
        Functional model from ``(batch, *input_shape)`` to logits ``(batch, num_classes)``, not compiled.

    Example:
        >>> mlp((8, 8, 1), 10, hidden_units=(32,)).count_params()  # (64+1)·32 + (32+1)·10
        2410

    Reference:
        Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors,
        https://doi.org/10.1038/323533a0
    """
    inputs = keras.Input(shape=tuple(input_shape))
    x = keras.layers.Flatten()(inputs)  # (batch, features)
    for units in hidden_units:
        x = keras.layers.Dense(units, activation="relu")(x)  # (batch, units)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
    return keras.Model(inputs, logits, name=name)
