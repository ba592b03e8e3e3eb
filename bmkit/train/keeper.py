"""The callback that every training carries: it keeps the history and the best weights, and knows when to stop."""

import contextlib
import math
import signal
import threading
from collections.abc import Iterator

import numpy as np

from bmkit.backend import keras
from bmkit.errors import Error
from bmkit.train import snapshot

__all__ = ["EMPTY", "Keeper", "TrainingError"]

EMPTY = "the data given as `{}` are empty, so nothing was learned; look at where they are made or filtered."


class TrainingError(Error):
    """Nothing can be learned from these data with these settings."""


class Keeper(keras.callbacks.Callback):
    """Keep history and best weights; stop when patience is over or the loss is no number; put the best weights back.

    Args:
        model: compiled Keras model.
        validated: whether there are validation data; without them the training loss decides which weights are best.
        patience: stop after so many epochs without a better loss; never when None.

    Attributes:
        monitor: the loss that decides.
        rows: one for each finished epoch, from each metric's name to its value.
        best: the values of `snapshot.variables` after the epoch of the lowest `monitor`; None before there is one.
        best_epoch: that epoch, counted from 0.
        begun: epoch from which patience counts while there is no best one.
        presses: how often Ctrl-C was pressed.
        interrupted: ended by Ctrl-C.
        diverged: ended by a loss that is not a number.
    """

    def __init__(self, model: keras.Model, validated: bool, patience: int | None):
        super().__init__()
        self.set_model(model)
        self.validated, self.patience, self.monitor = validated, patience, "val_loss" if validated else "loss"
        self.rows, self.best, self.best_epoch, self.begun = [], None, None, 0
        self.presses, self.interrupted, self.diverged = 0, False, False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Let the first Ctrl-C wait for the end of the batch: inside of TensorFlow it may turn into a TypeError.

        So nothing that the kit or Keras does is ever broken off halfway. Only a second Ctrl-C is that impatient.
        """
        usual = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(usual):
            yield
            return

        def note(number, frame):
            self.presses += 1
            if self.presses > 1:
                usual(number, frame)

        try:
            signal.signal(signal.SIGINT, note)
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    @contextlib.contextmanager
    def minding(self) -> Iterator[None]:
        """Leave the model with its best weights however the block ends; with its old ones if nothing was learned."""
        variables = snapshot.variables(self.model)
        before = snapshot.values(variables)
        try:
            yield
        except KeyboardInterrupt:
            self.interrupted = True
        except TrainingError:
            snapshot.put(variables, before)
            raise
        except Exception:
            if self.presses < 2:
                raise
            self.interrupted = True  # what the second Ctrl-C became in some library
        finally:
            if self.best is not None:
                snapshot.put(snapshot.variables(self.model), self.best)

    def on_epoch_begin(self, epoch, logs=None):
        """Nothing is seen yet."""
        self.trained, self.tested = False, False

    def on_train_batch_end(self, batch, logs=None):
        """The training data are not empty."""
        self.trained = True
        self._stop_if_asked()

    def on_test_batch_end(self, batch, logs=None):
        """The validation data are not empty."""
        self.tested = True
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self.presses:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        """Note the numbers, keep the weights if they are the best, and decide whether to go on."""
        if not self.trained or self.validated > self.tested:
            raise TrainingError(EMPTY.format("validation" if self.trained else "train"))
        self.rows.append({name: np.asarray(value, float).tolist() for name, value in sorted((logs or {}).items())})
        loss, watched = (self.rows[-1].get(name, 0.0) for name in ("loss", self.monitor))
        if self.best is None and not (math.isfinite(loss) and math.isfinite(watched)):
            raise TrainingError(
                f"{'loss' if not math.isfinite(loss) else self.monitor} is not a number from the start, so nothing was "
                "learned and the model has the weights it had before. Divide the learning rate by ten, and look for "
                "missing or huge values in the data."
            )
        self.diverged = not math.isfinite(loss)
        if self.monitor in self.rows[-1] and watched < self.lowest():  # never true for "not a number"
            self.best, self.best_epoch = snapshot.values(snapshot.variables(self.model)), len(self.rows) - 1
        self.model.stop_training = self.model.stop_training or self.diverged or self.out_of_patience()

    def lowest(self) -> float:
        """Return the lowest value of `monitor` so far."""
        return math.inf if self.best is None else self.rows[self.best_epoch][self.monitor]

    def out_of_patience(self) -> bool:
        """Tell whether the last `patience` epochs brought nothing better."""
        since = len(self.rows) - (self.begun if self.best is None else self.best_epoch + 1)
        return self.patience is not None and since >= self.patience and self.monitor in self.rows[-1]

    def ending(self) -> str:
        """Say how the training ended."""
        if self.interrupted:
            return "stopped by you, best weights kept" if self.rows else "stopped by you in the first epoch"
        if self.diverged:
            return "stopped: the loss is no longer a number; best weights kept"
        return "training done, best weights kept"

    def history(self) -> dict[str, list[float]]:
        """Return the columns of `rows`: NaN where nothing was measured, empty ones before the first epoch ends."""
        names = {name for row in self.rows for name in row}
        if not self.rows:
            names = {"loss", *self.model.get_metrics_result()}
            names |= {f"val_{name}" for name in names} if self.validated else set()
        return {name: [row.get(name, math.nan) for row in self.rows] for name in sorted(names)}
