"""What a learner's model does, told in a line that can be compared."""

import numpy as np

from bmkit.backend import keras

__all__ = ["causal_behaviour"]


def causal_behaviour(model: keras.Model) -> str:
    """Say what a model of token numbers does: the shape of its answers, and which tokens each answer depends on.

    Args:
        model: from integers ``(batch, time)`` below 10 to logits; the output weights of its attention are lost.

    Returns:
        One line, the same for all models that behave alike.

    Example:
        >>> tokens = keras.Input((None,), dtype="int32")
        >>> causal_behaviour(keras.Model(tokens, keras.layers.Embedding(11, 4)(tokens)))[:44]
        'answers of shape (3, 8, 4) to tokens of shap'
    """
    tokens = np.random.default_rng(17).integers(0, 10, size=(3, 8))  # below the vocabularies of all cases
    changed_last, changed_first = (tokens + np.eye(8, dtype=int)[place] for place in (-1, 0))  # one token each
    answers, last, first = (keras.ops.convert_to_numpy(model(x)) for x in (tokens, changed_last, changed_first))
    shape = f"answers of shape {answers.shape} to tokens of shape (3, 8)"
    if answers.ndim != 3:
        return shape
    moved, moved_by_first = np.abs(last - answers).max(axis=(0, 2)), np.abs(first - answers).max(axis=(0, 2))
    facts = {"later tokens": moved[:-1].max(), "earlier tokens": moved_by_first[-1], "the last token": moved[-1]}
    sums = np.allclose(answers.sum(axis=-1), 1, atol=1e-4)
    facts["the token itself without attention"] = _without_attention(model, tokens)
    seen = ", ".join(f"{name} {'seen' if fact > 1e-6 else 'not seen'}" for name, fact in facts.items())
    return f"{shape}; {seen}; {'probabilities' if sums else 'logits'}"


def _without_attention(model, tokens: np.ndarray) -> float:
    """Set what every attention gives to zero, and say how far the answers still differ from token to token."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.MultiHeadAttention):
            layer.output_dense.set_weights([np.zeros_like(weight) for weight in layer.output_dense.get_weights()])
    return float(np.ptp(keras.ops.convert_to_numpy(model(tokens)), axis=(0, 1)).max())
