"""Live progress of a training, in a terminal or a notebook."""

import sys
import time

from bmkit.backend import keras
from bmkit.console import say
from bmkit.live import in_notebook, is_live

__all__ = ["Progress"]


class Progress(keras.callbacks.Callback):
    """Live progress in a terminal or a notebook; what stays in a notebook is one line that any machine repeats.

    With the environment variable BMKIT_QUIET nothing moves: notebooks are built and tested so.

    Args:
        epochs: passes over the data, at most.
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
        """Show the batch, four times a second at most."""
        if time.monotonic() - self.last_shown > 0.25:
            self._show(self.epoch, (batch + 1) / (self.params.get("steps") or batch + 2), logs)

    def on_epoch_begin(self, epoch, logs=None):
        """Remember the epoch: a batch is not told which one it belongs to."""
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Show the epoch's numbers."""
        self._show(epoch + 1, 0.0, logs)

    def _show(self, epoch: int, part: float, logs) -> None:
        self.last_shown = time.monotonic()
        numbers = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items() if isinstance(value, float))
        text = f"epoch {min(epoch + 1, self.epochs)} of {self.epochs}  {numbers}"
        if self.terminal:
            self.terminal.update(self.task, completed=epoch + part, description=text)
        elif is_live():
            bar = f"<progress value='{epoch + part:.2f}' max='{self.epochs}'></progress> {text}"
            self._display({"text/plain": text, "text/html": bar})

    def finish(self, epochs_run: int, ending: str, warn: bool = False) -> None:
        """Leave one line in a notebook; elsewhere only if it is a warning.

        Args:
            epochs_run: how many epochs the history holds.
            ending: how the training ended, such as "training done".
            warn: the ending is not what was meant.
        """
        if in_notebook():
            seconds = time.monotonic() - self.started
            self._display({"text/plain": f"{ending} (here: {epochs_run} epochs, {seconds:.1f} s)"})
        elif warn:
            say(f"{ending}, after {epochs_run} epochs.")

    def _display(self, bundle: dict) -> None:
        from IPython.display import display

        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)
