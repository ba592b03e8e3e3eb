"""Choose how a model is trained on this machine. The rule stands on the measurements of ``benchmarks/fit_paths.py``."""

from dataclasses import dataclass

from bmkit.backend import keras

__all__ = ["Runtime", "runtime"]

# Compiling costs seconds for each shape of a batch. With 300 steps the whole run took as long either way; with 900 the
# LSTM's was 1.5 times and the GRU's 2.3 times as fast (64 units, 60 steps of time, one thread, all compiling included).
ENOUGH_STEPS = 600
RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)


@dataclass(frozen=True)
class Runtime:
    """How training runs on this machine.

    Attributes:
        device: ``"gpu"`` or ``"cpu"``.
        jit_compile: what `bmkit.train.fit` hands to Keras.
        reason: why, in one sentence.
    """

    device: str
    jit_compile: bool | str
    reason: str


def runtime(model: keras.Model | None = None, steps: int = 0) -> Runtime:
    """Choose how to train here.

    Args:
        model: what is trained; without it, the rule for most models.
        steps: batches in all epochs together.

    Returns:
        The device, whether the XLA compiler is used, and why.

    Example:
        >>> runtime().device in ("cpu", "gpu")
        True
    """
    device = "gpu" if keras.distribution.list_devices("gpu") else "cpu"
    if device == "gpu" or keras.backend.backend() != "tensorflow":
        return Runtime(device, "auto", "Keras' own choice suits this device and backend")
    if model is not None and steps >= ENOUGH_STEPS and _is_recurrent(model):
        return Runtime(
            device, True, "on a CPU, XLA trains recurrent networks up to twice as fast, once it has compiled"
        )
    return Runtime(
        device, False, "on a CPU, XLA slows convolutions and attention down and compiles for seconds before anything"
    )


def _is_recurrent(model) -> bool:
    """Tell whether all work is done by recurrent layers, over sequences of one length: each other one compiles anew."""
    layers = [layer for layer in model.layers if layer.weights]
    plain = (*RECURRENT, keras.layers.Dense, keras.layers.Embedding)
    known = all(isinstance(layer, plain) for layer in layers) and any(isinstance(layer, RECURRENT) for layer in layers)
    shapes = [given.shape[1:] for given in getattr(model, "inputs", None) or []]
    return known and bool(shapes) and not any(None in shape for shape in shapes)
