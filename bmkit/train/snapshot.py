"""What a training consists of: the values that it changes, and the settings it was started with."""

import contextlib
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from bmkit.backend import keras

__all__ = ["plain", "put", "rate", "seeds", "settings", "shapes", "values", "variables"]


def variables(model: keras.Model) -> list[keras.Variable]:
    """List the weights of a model and the memory of its optimizers, in an order that any process repeats.

    The learning rate is not among them: it is a setting. See `rate`.

    Args:
        model: compiled and built.

    Example:
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> line.compile(optimizer=keras.optimizers.SGD(momentum=0.9), loss="mse")
        >>> len(variables(line))  # two weights, the optimizer's count of steps, and a momentum for each weight
        5
    """
    if model.built and model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    # A model with a training step of its own may hold more optimizers than `compile` gave it.
    optimizers = [one for _, one in sorted(vars(model).items()) if isinstance(one, keras.optimizers.Optimizer)]
    memory = [variable for one in optimizers for variable in one.variables if variable.name != "learning_rate"]
    return list({id(variable): variable for variable in [*model.weights, *memory]}.values())


def seeds(model: keras.Model) -> list[keras.Variable]:
    """List the states of a model's random generators, such as dropout's: `save_weights` leaves them out.

    Args:
        model: a model that is built.

    Example:
        >>> net = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])
        >>> len(seeds(net)), len(net.weights)
        (1, 0)
    """
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def values(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Copy the values of variables.

    Args:
        variables: as `variables` or `seeds` list them.

    Example:
        >>> values([keras.Variable([1.0, 2.0])])
        [array([1., 2.], dtype=float32)]
    """
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def put(variables: Sequence[keras.Variable], arrays: Sequence[np.ndarray]) -> None:
    """Give variables the values that `values` copied.

    Args:
        variables: the same, in the same order.
        arrays: their values.

    Example:
        >>> one = keras.Variable([1.0, 2.0])
        >>> put([one], [np.array([3.0, 4.0])])
        >>> values([one])
        [array([3., 4.], dtype=float32)]
    """
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def shapes(variables: Sequence[keras.Variable]) -> list[str]:
    """Write down each variable's shape and data type: what saved values must fit.

    Args:
        variables: as `variables` or `seeds` list them.

    Example:
        >>> shapes([keras.Variable([1.0, 2.0])])
        ['float32(2,)']
    """
    return [f"{keras.backend.standardize_dtype(variable.dtype)}{tuple(variable.shape)}" for variable in variables]


def rate(model: keras.Model) -> float | None:
    """Read the present learning rate; None when a schedule decides it, which needs nothing but the count of steps.

    Args:
        model: a compiled model.

    Example:
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> line.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
        >>> rate(line)
        0.5
    """
    found = [one for one in model.optimizer.variables if one.name == "learning_rate"]
    return float(found[0]) if found else None


def settings(model: keras.Model) -> dict[str, str]:
    """Write down how a model was compiled and what its layers are set to, in words to compare and to show.

    Args:
        model: a compiled model.

    Returns:
        From each setting's name to its value as a text. Names that Keras counts up (`dense_7`) are left out: the same
        model gets others in each process.

    Example:
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> line.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
        >>> said = settings(line)
        >>> said["optimizer"], said["learning rate"], said["loss"]
        ('SGD', '0.5', 'mse')
    """
    number = rate(model)
    said = {"optimizer": type(model.optimizer).__name__}
    said["learning rate"] = "a schedule" if number is None else f"{number:g}"
    said["optimizer's settings"] = _said(keras.optimizers.serialize(model.optimizer))
    compiled = _compiled(model)
    for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        said[name.replace("_", " ")] = _said(compiled.get(name))
    for number, layer in enumerate(model.layers, start=1):
        config = {}
        with contextlib.suppress(Exception):  # a layer of the learner's own need not know its settings
            config = {} if isinstance(layer, keras.Model) else layer.get_config()
        said[f"layer {number}"] = _said({"class_name": type(layer).__name__, "config": config})
    return said


def _compiled(model) -> dict:
    """Return loss and metrics as Keras writes them down; nothing when one of the learner's own cannot be."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")  # lambdas are not stored for ever, only compared
        return model.get_compile_config() or {}
    return {}


def _said(thing) -> str:
    if isinstance(thing, Mapping):
        inner = thing.get("config", {}) if "class_name" in thing else thing
        if not isinstance(inner, Mapping):
            return str(inner)  # a function's name
        used = {key: value for key, value in inner.items() if key != "name" and value is not None}
        if not isinstance(used.get("learning_rate"), Mapping):  # a number is told by itself, a schedule here
            used.pop("learning_rate", None)
        parts = (f"{key}={_said(value)}" for key, value in used.items())
        return f"{thing.get('class_name', '')}({', '.join(parts)})"
    if isinstance(thing, (list, tuple)):
        return f"[{', '.join(_said(one) for one in thing)}]"
    return f"{thing:g}" if isinstance(thing, float) else str(thing)


def plain(thing: object) -> dict[str, object]:
    """Read the attributes of an object that are numbers, texts or None: what a callback remembers between epochs.

    Args:
        thing: a callback.

    Example:
        >>> plain(keras.callbacks.ReduceLROnPlateau())["wait"]
        0
    """
    simple = (bool, int, float, str, type(None), np.generic)
    found = {name: value for name, value in vars(thing).items() if isinstance(value, simple)}
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in found.items()}
