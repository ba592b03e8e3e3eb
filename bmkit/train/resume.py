"""The callback of a resumable training: saves its state after each epoch, and restores it if it belongs to this one."""

import math
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from bmkit.backend import keras
from bmkit.console import say
from bmkit.train import snapshot
from bmkit.train.checkpoint import OWN, Checkpoints, Mismatch
from bmkit.train.keeper import Keeper

__all__ = ["Saver"]


class Saver(keras.callbacks.Callback):
    """Save the whole state after each epoch. It must be the last callback, so that it sees what the others did.

    Args:
        states: where to.
        keeper: holds history and best weights.
        callbacks: the learner's own, whose memory is saved, too.
    """

    def __init__(self, states: Checkpoints, keeper: Keeper, callbacks: Sequence[keras.callbacks.Callback]):
        super().__init__()
        self.set_model(keeper.model)
        if not self.model.built:
            raise ValueError(
                f"model {self.model.name!r} has no weights yet, so that a state could not be put back into it; call it "
                "once on a batch before a training with `resume`."
            )
        self.states, self.keeper, self.callbacks, self.remembered = states, keeper, list(callbacks), []
        self.variables, self.seeds = snapshot.variables(self.model), snapshot.seeds(self.model)
        self.expected = [(one.dtype, one.shape) for one in snapshot.values(self.variables)]
        self.shapes = {
            "model": snapshot.shapes(self.model.weights),
            "optimizer": [type(self.model.optimizer).__name__, *snapshot.shapes(self.variables)],
        }
        self.settings = snapshot.settings(self.model) | {
            "validation": "yes" if keeper.validated else "no",
            "patience": str(keeper.patience),
            "callbacks": ", ".join(type(one).__name__ for one in callbacks) or "none",
        }

    def restore(self) -> bool:
        """Go on from the newest sound state, if there is one.

        Returns:
            Whether that training had ended already, and was killed before it could say so.

        Raises:
            Mismatch: the states are those of another model or optimizer; nothing was changed.
        """
        found = self.states.newest(self._parsed)
        if found is None:
            return False
        changed = self._changes(found)
        anew = found.monitor != self.keeper.monitor or {"loss", "loss weights"} & set(changed)
        self.remembered, self.keeper.rows, self.keeper.begun = found.callbacks, found.rows, len(found.rows)
        if not anew:
            self.keeper.best, self.keeper.best_epoch = found.best, found.best_epoch
        snapshot.put(self.variables, found.values)
        if len(found.seeds) == len(self.seeds):
            snapshot.put(self.seeds, found.seeds)
        if changed:
            texts = [f"{name} {now} (before: {before})" for name, (before, now) in changed.items()]
            best = (
                "; the best weights are chosen anew, since losses before and after cannot be compared" if anew else ""
            )
            say(f"this training goes on with other settings than it was begun with: {'; '.join(texts)}{best}.")
        return self.keeper.out_of_patience() or (found.stopped and not changed)

    def _parsed(self, document: dict, arrays: list[np.ndarray]) -> SimpleNamespace:
        for kind, shapes in self.shapes.items():
            if document["shapes"][kind] != shapes:
                raise Mismatch(
                    f"{self.states.folder} holds the training of another {kind}, so this one cannot go on there. "
                    f"Pass the {kind} it was begun with or another folder as `resume`; to give it up, delete its "
                    f"sub-folder {OWN}."
                )
        rows = [{name: np.asarray(value, float).tolist() for name, value in row.items()} for row in document["rows"]]
        best_epoch, monitor, count = document["best_epoch"], document["monitor"], len(self.variables)
        if best_epoch is not None and not (best_epoch in range(len(rows)) and math.isfinite(rows[best_epoch][monitor])):
            raise ValueError("there is no such epoch")
        cut = 0 if best_epoch is None else count
        best, values = arrays[:cut], _fitting(arrays[cut : cut + count], self.expected)
        return SimpleNamespace(
            rows=rows,
            best_epoch=best_epoch,
            monitor=monitor,
            best=_fitting(best, self.expected) if best else None,
            values=values,
            seeds=arrays[cut + count :],
            settings={str(name): str(text) for name, text in document["settings"].items()},
            rate=None if document["rate"] is None else float(document["rate"]),
            callbacks=[(str(name), dict(memory)) for name, memory in document["callbacks"]],
            stopped=bool(document["stopped"]),
        )

    def _changes(self, found: SimpleNamespace) -> dict[str, tuple[str, str]]:
        """Compare the settings; a learning rate that only callbacks have changed is restored, and is no change."""
        mine, begun_with = snapshot.rate(self.model), found.settings.get("learning rate")
        if None not in (mine, found.rate) and f"{mine:g}" in (begun_with, f"{found.rate:g}"):
            self.model.optimizer.learning_rate = found.rate
            self.settings["learning rate"] = begun_with
        names = {**found.settings, **self.settings}
        pairs = {name: (found.settings.get(name, "none"), self.settings.get(name, "none")) for name in names}
        return {name: (before, now) for name, (before, now) in pairs.items() if before != now}

    def on_train_begin(self, logs=None):
        """Give the learner's callbacks their memory back, after each has begun anew."""
        self.fresh = [snapshot.plain(one) for one in self.callbacks]
        for one, (name, memory) in zip(self.callbacks, self.remembered, strict=False):
            if type(one).__name__ == name:
                vars(one).update(memory)

    def on_epoch_end(self, epoch, logs=None):
        """Save everything as one state."""
        keeper = self.keeper
        if keeper.diverged:
            return  # nobody wants to go on from there
        document = {
            "rows": keeper.rows,
            "best_epoch": keeper.best_epoch,
            "monitor": keeper.monitor,
            "shapes": self.shapes,
            "settings": self.settings,
            "rate": snapshot.rate(self.model),
            "callbacks": [_memory(*pair) for pair in zip(self.callbacks, self.fresh, strict=True)],
            "stopped": bool(self.model.stop_training),
        }
        now = snapshot.values([*self.variables, *self.seeds])
        self.states.save(len(keeper.rows), document, [*(keeper.best or []), *now])


def _fitting(arrays: list[np.ndarray], expected: list[tuple[np.dtype, tuple]]) -> list[np.ndarray]:
    """Check that arrays have the expected shapes; files know no bfloat16, so give each its type back."""
    typed = [array.view(dtype) for array, (dtype, _) in zip(arrays, expected, strict=True)]
    if any(array.shape != shape for array, (_, shape) in zip(typed, expected, strict=True)):
        raise ValueError("values of another shape")
    return typed


def _memory(callback, fresh: dict) -> tuple[str, dict]:
    """Return what a callback has learned since the training began; its settings are not among it."""
    now = snapshot.plain(callback)
    return type(callback).__name__, {name: now[name] for name in now if name not in fresh or fresh[name] != now[name]}
