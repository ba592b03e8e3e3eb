"""Train Keras models: one seed, the fast path chosen by rule, live progress, resume after a kill, a clean Ctrl-C."""

import contextlib
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bmkit.backend import keras
from bmkit.live import in_notebook, is_live
from bmkit.runtime import Runtime, runtime

__all__ = ["Runtime", "evaluate", "fit", "runtime", "seed"]


def seed(number: int = 0) -> None:
    """Start every random generator (Python, NumPy, Keras and its backend) from one number.

    Args:
        number: the seed, ≥ 0.

    Example:
        >>> seed(0)
    """
    keras.utils.set_random_seed(number)


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
    history so far.

    Args:
        model: compiled Keras model.
        train: `tf.data.Dataset` of batched ``(x, y)``, or a tuple of arrays ``(x, y)``.
        validation: the same for validation; without it the training loss decides which weights are best.
        epochs: passes over the training data, at most.
        patience: stop after so many epochs without a better loss; never when None.
        resume: folder that survives a kill: the same call again goes on after the last finished epoch. It is removed
            once training has ended by itself.
        callbacks: more Keras callbacks.

    Returns:
        History: from each metric's name to its values, one an epoch, earlier runs of a resumed training included.

    Raises:
        ValueError: the model is not compiled, or `epochs` is not positive.

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
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; at least 1 is needed.")
    path = runtime(model, epochs * _batches(train))
    if path.jit_compile != "auto":
        model.jit_compile = path.jit_compile
    _build(model, train)
    model._initial_epoch = None  # Keras never forgets where a resumed training began, and would skip epochs later
    monitor = "loss" if validation is None else "val_loss"
    with _workspace(resume) as folder, _Progress(epochs) as progress:
        keepers = _keepers(folder, monitor, patience, resume is not None)
        x, y = train if isinstance(train, tuple) else (train, None)
        interrupted = False
        try:
            model.fit(
                x,
                y,
                validation_data=validation,
                epochs=epochs,
                verbose=0,
                shuffle=y is not None,  # a tf.data pipeline shuffles itself
                callbacks=[*keepers, progress, *callbacks],
            )
        except KeyboardInterrupt:
            interrupted = True
        history = _read_history(folder)
        if (folder / "best.weights.h5").exists():
            model.load_weights(folder / "best.weights.h5")
        progress.finish(len(next(iter(history.values()), [])), interrupted)
        if resume is not None and not interrupted:
            shutil.rmtree(folder)
    return history


def evaluate(model: keras.Model, dataset) -> dict[str, float]:
    """Measure loss and metrics without training.

    Args:
        model: compiled Keras model.
        dataset: `tf.data.Dataset` of batched ``(x, y)``, or a tuple of arrays.

    Returns:
        From each metric's name to its value, averaged over the examples.

    Example:
        >>> import numpy as np
        >>> line = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> line.compile(loss="mse")
        >>> evaluate(line, (np.ones((4, 1)), np.ones((4, 1))))
        {'loss': 0.0}
    """
    x, y = dataset if isinstance(dataset, tuple) else (dataset, None)
    return {name: float(value) for name, value in model.evaluate(x, y, verbose=0, return_dict=True).items()}


def _build(model, train) -> None:
    """Make the variables of model, optimizer and metrics before the first step; else TensorFlow traces it twice."""
    if type(model).train_step is not keras.Model.train_step:
        return  # such a model may need other variables, or none of these
    with contextlib.suppress(Exception):  # what is wrong with the data, `fit` tells better
        spec = getattr(train, "element_spec", train)
        model._symbolic_build(data_batch=keras.tree.map_structure(_symbol, spec))


def _symbol(one) -> keras.KerasTensor:
    return keras.KerasTensor((None, *one.shape[1:]), dtype=keras.backend.standardize_dtype(one.dtype))


def _batches(train) -> int:
    """Count the batches of an epoch; 0 for a pipeline that does not know."""
    try:
        return -(-len(train[0]) // 32) if isinstance(train, tuple) else len(train)  # 32: what Keras takes of arrays
    except TypeError:
        return 0


@contextlib.contextmanager
def _workspace(resume):
    """Yield the folder for best weights, history and backup: the caller's own, or one that vanishes."""
    if resume is not None:
        folder = Path(resume)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="bmkit-fit-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _keepers(folder: Path, monitor: str, patience: int | None, resumable: bool) -> list[keras.callbacks.Callback]:
    _drop_cut_line(folder / "history.csv")
    best = min(_read_history(folder).get(monitor, []), default=None)
    keepers = [_Best(folder, monitor, best), keras.callbacks.CSVLogger(folder / "history.csv", append=True)]
    if patience is not None:
        keepers.append(keras.callbacks.EarlyStopping(monitor, patience=patience, mode="min", baseline=best))
    if resumable:
        _mend_backup(folder / "backup")
        keepers.append(keras.callbacks.BackupAndRestore(folder / "backup", double_checkpoint=True))
    return keepers


def _drop_cut_line(log: Path) -> None:
    """Remove a last line that a kill cut short: the next one would be joined to it."""
    if log.exists():
        os.truncate(log, log.read_bytes().rfind(b"\n") + 1)


def _mend_backup(backup: Path) -> None:
    """Take the second copy of a backup that a kill cut short; without one, begin anew."""
    import h5py

    both = [backup / "latest.weights.h5", backup / "training_metadata.json"]
    try:
        if backup.exists():
            h5py.File(both[0]).close()
            json.loads(both[1].read_text("utf-8"))
    except (OSError, ValueError):
        second = [path.with_name(path.name + ".bkp") for path in both]
        if all(path.exists() for path in second):
            for damaged, sound in zip(both, second, strict=True):
                shutil.copy(sound, damaged)
        else:
            shutil.rmtree(backup)


class _Best(keras.callbacks.Callback):
    """Keep the weights of the lowest `monitor` in a file that is always whole, even if this process is killed."""

    def __init__(self, folder: Path, monitor: str, best: float | None):
        super().__init__()
        self.path, self.beside = folder / "best.weights.h5", folder / "beside.weights.h5"
        self.monitor, self.best = monitor, float("inf") if best is None else best

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor, float("nan"))
        if value < self.best:  # never true for "not a number"
            self.best = value
            self.model.save_weights(self.beside, overwrite=True)
            self.beside.replace(self.path)


def _read_history(folder: Path) -> dict[str, list[float]]:
    """Read the epochs logged so far; an epoch logged twice (a kill between log and backup) counts once, the last."""
    path = folder / "history.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = {int(row.pop("epoch")): row for row in csv.DictReader(file)}
    # Keras' logger invents columns for validation where there is none, and fills them with "NA".
    names = [name for name, text in next(iter(rows.values()), {}).items() if text != "NA"]
    return {name: [float(rows[epoch][name]) for epoch in sorted(rows)] for name in names}


class _Progress(keras.callbacks.Callback):
    """Live progress in a terminal or a notebook; what stays in a notebook is one line that any machine repeats.

    With the environment variable BMKIT_QUIET nothing moves: notebooks are built and tested so.
    """

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs, self.started, self.last_shown = epochs, time.monotonic(), 0.0
        self.handle, self.terminal = None, None

    def __enter__(self):
        if not in_notebook() and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self.terminal = Progress(console=Console(stderr=True), transient=True)
            self.terminal.start()
            self.task = self.terminal.add_task("training", total=self.epochs)
        return self

    def __exit__(self, *_):
        if self.terminal:
            self.terminal.stop()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self.last_shown > 0.25:
            self._show(self.epoch, (batch + 1) / (self.params.get("steps") or batch + 2), logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        self._show(epoch + 1, 0.0, logs)

    def _show(self, epoch: int, part: float, logs) -> None:
        self.last_shown = time.monotonic()
        numbers = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        text = f"epoch {min(epoch + 1, self.epochs)} of {self.epochs}  {numbers}"
        if self.terminal:
            self.terminal.update(self.task, completed=epoch + part, description=text)
        elif is_live():
            bar = f"<progress value='{epoch + part:.2f}' max='{self.epochs}'></progress> {text}"
            self._display({"text/plain": text, "text/html": bar})

    def finish(self, epochs_run: int, interrupted: bool) -> None:
        if not in_notebook():
            return
        seconds = time.monotonic() - self.started
        text = "stopped by you, best weights kept" if interrupted else "training done, best weights kept"
        self._display({"text/plain": f"{text} (here: {epochs_run} epochs, {seconds:.1f} s)"})

    def _display(self, bundle: dict) -> None:
        from IPython.display import display

        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)
