"""Training keeps the best weights, survives Ctrl-C and a kill, repeats itself from a seed, and stays quiet."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bmkit import models, train
from bmkit.backend import keras

pytestmark = pytest.mark.slow
ROOT = Path(train.__file__).resolve().parent.parent
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 4)).astype("float32")
Y = (X @ RANDOM.normal(size=(4, 3))).argmax(axis=-1)
MISLED = (X, (Y + 1) % 3)  # validation that gets worse the better the training data are learned
EPOCHS = 6


def compiled(learning_rate=0.05):
    """A small classifier, always with the same first weights; 32 examples are one batch, so no order matters."""
    train.seed(0)
    model = models.mlp((4,), 3, hidden_units=(8,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])
    return model


class Diary(keras.callbacks.Callback):
    """Keeps the weights after each epoch; raises in the middle of the epoch `until`, counted from 0."""

    def __init__(self, until=None):
        super().__init__()
        self.until, self.weights = until, []

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.until:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def nearly(history, epochs=None):
    """The first epochs of a history, to compare with `==` up to rounding."""
    return {name: pytest.approx(values[:epochs], rel=1e-4) for name, values in history.items()}


@pytest.fixture(scope="module")
def plain():
    """One whole training without any trouble, and its model."""
    model = compiled()
    history = train.fit(model, (X, Y), (X, Y), epochs=EPOCHS)
    return model, history


def test_fit_lowers_the_loss_and_returns_every_epoch(plain):
    _, history = plain
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in history.values()} == {EPOCHS}
    assert all(isinstance(value, float) for values in history.values() for value in values)
    assert history["loss"][-1] < history["loss"][0] and history["val_loss"][-1] < history["val_loss"][0]


def test_evaluate_equals_keras_and_the_best_epoch(plain):
    model, history = plain
    measured = train.evaluate(model, (X, Y))
    assert measured == pytest.approx(model.evaluate(X, Y, verbose=0, return_dict=True))
    assert measured["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)
    assert train.evaluate(model, pipeline(X, Y)) == pytest.approx(measured)


def pipeline(x, y):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).batch(32)


def test_a_pipeline_trains_like_arrays(plain):
    assert train.fit(compiled(), pipeline(X, Y), pipeline(X, Y), epochs=EPOCHS) == nearly(plain[1])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="how often others trace is up to Keras")
@pytest.mark.parametrize("data", [(X, Y), pipeline(X, Y)], ids=["arrays", "pipeline"])
def test_the_training_step_is_traced_once(monkeypatch, data):
    step, traced = keras.Model.train_step, []
    monkeypatch.setattr(keras.Model, "train_step", lambda model, batch: traced.append(batch) or step(model, batch))
    train.fit(compiled(), data, data, epochs=2)
    assert len(traced) == 1


@pytest.mark.parametrize("validation", [MISLED, None], ids=["validation", "training alone"])
def test_the_weights_of_the_lowest_loss_are_kept(validation):
    model, diary = compiled(learning_rate=0.05 if validation else 3.0), Diary()
    history = train.fit(model, (X, Y), validation, epochs=EPOCHS, callbacks=[diary])
    watched = history["val_loss" if validation else "loss"]
    best = int(np.argmin(watched))
    assert best < EPOCHS - 1, "the case must have its best epoch before its last"
    assert same(model.get_weights(), diary.weights[best]) and not same(model.get_weights(), diary.weights[-1])
    assert ("val_loss" in history) == (validation is not None)


def test_patience_stops_after_so_many_epochs_without_a_better_loss():
    history = train.fit(compiled(), (X, Y), MISLED, epochs=40, patience=2)["val_loss"]
    assert len(history) == np.argmin(history) + 1 + 2 < 40


def test_ctrl_c_keeps_the_best_weights_and_training_goes_on_later(plain, tmp_path):
    folder, model, diary = tmp_path / "run", compiled(), Diary(until=2)
    history = train.fit(model, (X, Y), (X, Y), epochs=EPOCHS, resume=folder, callbacks=[diary])
    assert history == nearly(plain[1], epochs=2)
    best = diary.weights[int(np.argmin(history["val_loss"]))]
    assert same(model.get_weights(), best) and all(np.isfinite(weight).all() for weight in best)
    assert folder.exists()

    with (folder / "history.csv").open("a", newline="") as file:  # as after a kill between the log and the backup
        csv.writer(file).writerow([2, 9.0, 99.0, 9.0, 99.0])
    history = train.fit(model, (X, Y), (X, Y), epochs=EPOCHS, resume=folder)
    assert history == nearly(plain[1])
    assert not folder.exists()
    assert train.evaluate(model, (X, Y))["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-4)

    later = train.fit(model, (X, Y), epochs=2)
    assert len(later["loss"]) == 2, "a resumed model must train again from the first epoch"


def test_the_best_weights_from_before_an_interruption_are_still_the_best(tmp_path):
    model, diary = compiled(), Diary(until=2)
    train.fit(model, (X, Y), MISLED, epochs=4, resume=tmp_path / "run", callbacks=[diary])
    losses = train.fit(model, (X, Y), MISLED, epochs=4, resume=tmp_path / "run")["val_loss"]
    best = int(np.argmin(losses))
    assert best < 2 and len(losses) == 4, "the case must have its best epoch before the interruption"
    assert same(model.get_weights(), diary.weights[best])


@pytest.mark.parametrize(("epochs_before", "backup_cut"), [(1, True), (2, True), (2, False)])
def test_files_that_a_kill_cut_short_do_not_stop_a_later_run(plain, tmp_path, epochs_before, backup_cut):
    folder, model = tmp_path / "run", compiled()
    train.fit(model, (X, Y), (X, Y), epochs=EPOCHS, resume=folder, callbacks=[Diary(until=epochs_before)])
    backup = folder / "backup" / "latest.weights.h5"
    if backup_cut:
        backup.write_bytes(backup.read_bytes()[:500])
    (folder / "beside.weights.h5").write_bytes(b"half a file")
    with (folder / "history.csv").open("a", newline="") as file:
        file.write(f"{epochs_before},0.5")
    history = train.fit(compiled(), (X, Y), (X, Y), epochs=EPOCHS, resume=folder)
    # The epochs since the last whole backup are trained again, from the same weights: nothing differs in the end.
    assert history == nearly(plain[1]) and not folder.exists()


def test_ctrl_c_in_the_first_epoch_returns_an_empty_history():
    model = compiled()
    assert train.fit(model, (X, Y), epochs=2, callbacks=[Diary(until=0)]) == {}
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import test_train as here

class Waits(here.keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            sys.stdin.read()  # until the parent kills this process

here.train.fit(here.compiled(), (here.X, here.Y), (here.X, here.Y), epochs=here.EPOCHS, resume=sys.argv[2],
               callbacks=[Waits()])
"""


def logged(path):
    return len(path.read_text("utf-8").splitlines()) - 1 if path.exists() else 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_training_goes_on_where_it_was(plain, tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(folder)]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings)
    try:
        while logged(folder / "history.csv") < 3:
            assert child.poll() is None, child.communicate()[1]
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    model = compiled()
    history = train.fit(model, (X, Y), (X, Y), epochs=EPOCHS, resume=folder)
    # Equal to a training that was never killed: the optimizer's memory came back too.
    assert history == nearly(plain[1])
    assert train.evaluate(model, (X, Y))["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-4)
    assert not folder.exists()


def test_a_seed_repeats_a_training_exactly(plain):
    model = compiled()
    train.fit(model, (X, Y), (X, Y), epochs=EPOCHS)
    assert same(model.get_weights(), plain[0].get_weights())
    train.seed(1)
    assert not same(models.mlp((4,), 3, hidden_units=(8,)).get_weights(), compiled().get_weights())


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(ValueError, match=r"model 'mlp' is not compiled; call model\.compile"):
        train.fit(models.mlp((4,), 3), (X, Y), epochs=1)


@pytest.mark.parametrize("epochs", [0, -3])
def test_no_epochs_are_refused(epochs):
    with pytest.raises(ValueError, match=f"epochs is {epochs}; at least 1"):
        train.fit(compiled(), (X, Y), epochs=epochs)


def test_fit_tells_the_rule_how_many_batches_there_will_be(monkeypatch):
    import tensorflow as tf

    seen, rows = [], tf.data.Dataset.from_tensor_slices((X, Y)).batch(5)
    monkeypatch.setattr(train, "runtime", lambda _, steps: seen.append(steps) or train.Runtime("cpu", False, ""))
    for given in ((X, Y), rows, rows.filter(lambda *_: True)):
        train.fit(compiled(), given, epochs=3)
    assert seen == [3 * -(-len(X) // 32), 3 * -(-len(X) // 5), 0]


@pytest.mark.parametrize("rule", [False, "auto"])
def test_fit_obeys_the_rule(monkeypatch, rule):
    model = compiled()
    chosen = model.jit_compile  # what Keras resolved "auto" to
    monkeypatch.setattr(train, "runtime", lambda *_: train.Runtime("cpu", rule, "for this test"))
    train.fit(model, (X, Y), epochs=1)
    assert model.jit_compile is (chosen if rule == "auto" else False)


@pytest.fixture
def tiny():
    """A model of one weight, for what concerns the display alone."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    return model


def test_into_a_pipe_nothing_is_printed(capfd, tiny):
    train.fit(tiny, (X, Y), epochs=2)
    assert capfd.readouterr() == ("", "")


def test_in_a_terminal_progress_is_shown(monkeypatch, tiny):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    train.fit(tiny, (X, Y), epochs=3)
    assert "epoch 3 of 3" in screen.getvalue() and "loss" in screen.getvalue()


@pytest.mark.parametrize("watched", [True, False])
def test_in_a_notebook_one_line_stays_that_any_machine_repeats(monkeypatch, tiny, watched):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle["text/plain"])

    def display(bundle, raw, display_id):
        shown.append(bundle["text/plain"])
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(train, "in_notebook", lambda: True)
    monkeypatch.setattr(train, "is_live", lambda: watched)
    train.fit(tiny, (X, Y), epochs=2)
    assert shown[-1].startswith("training done, best weights kept (here: 2 epochs, ")
    assert (len(shown) > 1) == watched
    train.fit(tiny, (X, Y), epochs=2, callbacks=[Diary(until=1)])
    assert shown[-1].startswith("stopped by you, best weights kept (here: 1 epochs, ")
