"""Train Keras models: one seed, the fast path chosen by rule, live progress, resume after a kill, a clean Ctrl-C."""

import contextlib
import operator
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmkit.backend import keras
from bmkit.runtime import Runtime, runtime
from bmkit.train import checkpoint
from bmkit.train.keeper import EMPTY, Keeper, TrainingError
from bmkit.train.progress import Progress
from bmkit.train.resume import Saver

__all__ = ["Runtime", "TrainingError", "evaluate", "fit", "runtime", "seed"]


class _Random(np.random.Generator):
    """NumPy's generator; as the last line of a cell it shows nothing, where NumPy's shows an address in memory."""

    def _ipython_display_(self):
        pass


def seed(number: int = 0) -> np.random.Generator:
    """Start every random generator (Python, NumPy, Keras and its backend) from one number.

    The environment variable BMKIT_SEED_SHIFT is added to the number: so a whole chapter is run with another seed.

    Args:
        number: the seed, ≥ 0.

    Returns:
        A NumPy generator started from the same number, for random numbers of your own.

    Example:
        >>> random = seed(0)
        >>> int(random.integers(100)) == int(seed(0).integers(100))
        True
    """
    number += int(os.environ.get("BMKIT_SEED_SHIFT") or 0)
    keras.utils.set_random_seed(number)
    return _Random(np.random.PCG64(number))


def fit(
    model: keras.Model,
    train,
    validation=None,
    *,
    epochs: int,
    patience: int | None = None,
    resume: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train a compiled model and leave it with its best weights: those of the lowest validation loss.

    Ctrl-C (or *Interrupt the kernel*) stops after the current batch, keeps the best weights so far and returns the
    history so far; a second one does not wait for the batch. A loss that is no longer a number ends the training; the
    best weights are kept then, too.

    Args:
        model: compiled Keras model.
        train: `tf.data.Dataset` of batched ``(x, y)``, or a tuple of arrays ``(x, y)`` or ``(x, y, sample_weight)``.
        validation: the same for validation; without it the training loss decides which weights are best.
        epochs: passes over the training data, at most.
        patience: stop after so many epochs without a better loss; never when None.
        resume: folder that survives a kill: the same call again goes on after the last finished epoch. Of this folder
            only the sub-folder ``bmkit-fit`` is used; it is removed once training has ended by itself. What was changed
            since (learning rate, loss, metrics, …) is told, and the new setting is used.
        callbacks: more Keras callbacks. What they remember in numbers is resumed, too.

    Returns:
        History: from each metric's name to its values, one an epoch, earlier runs of a resumed training included; NaN
        for the epochs in which a metric was not measured.

    Raises:
        ValueError: the model is not compiled, an argument is of the wrong kind, or `resume` holds the training of
            another model or optimizer.
        TrainingError: the data are empty, or the loss is not a number from the start; the model has its old weights.
        CheckpointError: another training runs in `resume`, or it cannot be written.

    Example:
        >>> import numpy as np
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> line.compile(optimizer="sgd", loss="mse")
        >>> sorted(fit(line, (np.ones((4, 1)), np.ones((4, 1))), epochs=2))
        ['loss']

    Reference:
        Keras guide, Training and evaluation with the built-in methods,
        https://keras.io/guides/training_with_built_in_methods/
    """
    if not model.compiled:
        raise ValueError(f"model {model.name!r} is not compiled; call model.compile(optimizer=…, loss=…) first.")
    epochs, patience = _whole("epochs", epochs), patience if patience is None else _whole("patience", patience)
    x, y, weights = _parts(train, "train")
    if validation is not None:
        _parts(validation, "validation")
    path = runtime(model, epochs * _batches(train))
    if path.jit_compile != "auto":
        model.jit_compile = path.jit_compile
    keeper = Keeper(model, validation is not None, patience)
    with keeper.listening(), contextlib.nullcontext() if resume is None else checkpoint.opened(resume) as states:
        _build(model, train)
        savers = [] if states is None else [Saver(states, keeper, callbacks)]
        with Progress(epochs) as progress, keeper.minding():
            if not any([saver.restore() for saver in savers]):
                model.fit(
                    x,
                    y,
                    sample_weight=weights,
                    validation_data=validation,
                    epochs=epochs,
                    initial_epoch=len(keeper.rows),
                    verbose=0,
                    shuffle=isinstance(train, tuple),  # a tf.data pipeline shuffles itself
                    callbacks=[keeper, progress, *callbacks, *savers],
                )
        progress.finish(len(keeper.rows), keeper.ending(), warn=keeper.diverged)
        if states is not None:
            states.finished = not keeper.interrupted
    return keeper.history()


def evaluate(model: keras.Model, dataset) -> dict[str, float]:
    """Measure loss and metrics without training.

    Args:
        model: compiled Keras model.
        dataset: `tf.data.Dataset` of batched ``(x, y)``, or a tuple of arrays ``(x, y)`` or ``(x, y, sample_weight)``.

    Returns:
        From each metric's name to its value, averaged over the examples.

    Raises:
        ValueError: `dataset` is neither.
        TrainingError: it is empty.

    Example:
        >>> import numpy as np
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> line.compile(loss="mse")
        >>> evaluate(line, (np.ones((4, 1)), np.ones((4, 1))))
        {'loss': 0.0}
    """
    x, y, weights = _parts(dataset, "dataset")
    measured = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    return {name: float(value) for name, value in measured.items()}


def _build(model, train) -> None:
    """Make the variables of model, optimizer and metrics before the first step; else TensorFlow traces it twice."""
    model._initial_epoch = None  # Keras never forgets where a resumed training began, and would skip epochs later
    if type(model).train_step is not keras.Model.train_step:
        return  # such a model may need other variables, or none of these
    with contextlib.suppress(Exception):  # what is wrong with the data, `fit` tells better
        spec = getattr(train, "element_spec", train)
        model._symbolic_build(data_batch=keras.tree.map_structure(_symbol, spec))


def _symbol(one) -> keras.KerasTensor:
    return keras.KerasTensor((None, *one.shape[1:]), dtype=keras.backend.standardize_dtype(one.dtype))


def _whole(name: str, value) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1.")
    return number


def _parts(data, name: str) -> tuple:
    """Take x, y and the sample weights out of a tuple of arrays; what is a pipeline stays whole."""
    if isinstance(data, tuple) and len(data) in (2, 3):
        parts = (*data, None)[:3]
    elif data is None or isinstance(data, (tuple, list, dict, str)) or hasattr(data, "shape"):
        kind = f"a tuple of {len(data)}" if isinstance(data, tuple) else f"of type {type(data).__name__}"
        raise ValueError(f"{name} is {kind}; give a tuple of arrays (x, y), or a tf.data.Dataset of batches.")
    else:
        parts = (data, None, None)
    if _rows(parts[0]) == 0:
        raise TrainingError(EMPTY.format(name))
    return parts


def _rows(x) -> int | None:
    """Count the rows of arrays or the batches of a pipeline; None when it does not know."""
    leaves = keras.tree.flatten(x)
    try:
        return len(leaves[0]) if leaves else 0
    except TypeError:
        return None


def _batches(train) -> int:
    """Count the batches of an epoch; 0 for a pipeline that does not know."""
    if isinstance(train, tuple):
        return -(-(_rows(train[0]) or 0) // 32)  # 32: what Keras takes of arrays
    return _rows(train) or 0
