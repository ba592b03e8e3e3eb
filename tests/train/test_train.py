"""Training keeps the best weights, survives Ctrl-C, tells when nothing was learned, repeats itself, and stays quiet."""

import io
import os
import sys

import numpy as np
import pytest

from bmkit import models, plot, train
from bmkit.backend import keras

pytestmark = pytest.mark.slow
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 4)).astype("float32")
Y = (X @ RANDOM.normal(size=(4, 3))).argmax(axis=-1)
MISLED = (X, (Y + 1) % 3)  # validation that gets worse the better the training data are learned
EPOCHS = 6


def compiled(learning_rate=0.05, eager=True):
    """A small classifier, always with the same first weights; 32 examples are one batch, so no order matters.

    Tracing its steps would take longer than a few of them.
    """
    train.seed(0)
    model = models.mlp((4,), 3, hidden_units=(8,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    given = {"metrics": ["accuracy"], "run_eagerly": eager, "jit_compile": False if eager else "auto"}
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss, **given)
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
    model = compiled(eager=False)
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
    assert train.fit(compiled(eager=False), pipeline(X, Y), pipeline(X, Y), epochs=EPOCHS) == nearly(plain[1])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="how often others trace is up to Keras")
@pytest.mark.parametrize("data", [(X, Y), pipeline(X, Y)], ids=["arrays", "pipeline"])
def test_the_training_step_is_traced_once(monkeypatch, data):
    step, traced = keras.Model.train_step, []
    monkeypatch.setattr(keras.Model, "train_step", lambda model, batch: traced.append(batch) or step(model, batch))
    train.fit(compiled(eager=False), data, data, epochs=2)
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


def test_ctrl_c_keeps_the_best_weights(plain):
    model, diary = compiled(eager=False), Diary(until=2)
    history = train.fit(model, (X, Y), MISLED, epochs=EPOCHS, callbacks=[diary])
    assert {len(values) for values in history.values()} == {2}
    assert same(model.get_weights(), diary.weights[int(np.argmin(history["val_loss"]))])


def test_ctrl_c_before_the_first_epoch_ends_returns_a_history_that_can_be_drawn():
    model = compiled()
    history = train.fit(model, (X, Y), (X, Y), epochs=2, callbacks=[Diary(until=0)])
    assert history == {"accuracy": [], "loss": [], "val_accuracy": [], "val_loss": []}
    for metric in ("loss", "accuracy"):
        assert plot.history({"cut": history}, metric).axes[0].lines
    assert train.fit(model, (X, Y), epochs=2, callbacks=[Diary(until=0)]) == {"accuracy": [], "loss": []}
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


class Breaks(keras.callbacks.Callback):
    """Makes the weights of a model no numbers before the epoch `at`."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])


@pytest.mark.parametrize("resumable", [False, True])
def test_a_loss_that_is_no_number_from_the_start_is_told_and_changes_nothing(tmp_path, resumable):
    model, folder = compiled(), tmp_path / "run" if resumable else None
    before = model.get_weights()
    with pytest.raises(train.TrainingError, match=r"^loss is not a number from the start, so nothing was learned"):
        train.fit(model, (X * np.inf, Y), (X, Y), epochs=3, resume=folder)
    assert same(model.get_weights(), before) and os.listdir(tmp_path) == []
    assert all(np.isfinite(one).all() for one in map(np.array, model.optimizer.variables))


def test_a_validation_loss_that_is_no_number_from_the_start_is_told():
    model, diary = compiled(), Diary()
    with pytest.raises(
        train.TrainingError, match=r"^val_loss is not a number from the start, .*huge values in the data"
    ):
        train.fit(model, (X, Y), (X * np.nan, Y), epochs=3, callbacks=[diary])
    assert not diary.weights


def test_a_loss_that_is_no_number_later_ends_the_training_and_is_told(capsys, tmp_path):
    model, diary = compiled(), Diary()
    history = train.fit(model, (X, Y), (X, Y), epochs=EPOCHS, resume=tmp_path / "run", callbacks=[Breaks(3), diary])
    assert len(history["loss"]) == 4 and np.isfinite(history["loss"][:3]).all() and np.isnan(history["loss"][3])
    assert same(model.get_weights(), diary.weights[2])
    said = "bmkit: stopped: the loss is no longer a number; best weights kept, after 4 epochs.\n"
    assert capsys.readouterr().err == said and os.listdir(tmp_path) == []


NOTHING = (X[:0], Y[:0])


@pytest.mark.parametrize("empty", [NOTHING, "known", "unknown"], ids=["arrays", "length known", "length unknown"])
@pytest.mark.parametrize("role", ["train", "validation"])
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_empty_data_are_told(role, empty):
    if empty == "known":
        empty = pipeline(X, Y).take(0)
    elif empty == "unknown":
        empty = pipeline(X, Y).filter(nothing)
    model = compiled()
    before = model.get_weights()
    data = (empty, (X, Y)) if role == "train" else ((X, Y), empty)
    with pytest.raises(train.TrainingError, match=f"the data given as `{role}` are empty, so nothing was learned"):
        train.fit(model, *data, epochs=2)
    assert same(model.get_weights(), before)


def nothing(x, y):
    return False


def test_sample_weights_are_used_in_training_and_validation(plain):
    every, first = np.ones(len(X)), np.zeros(len(X))
    first[:4] = 8.0  # the mean over 32 rows is that over these four
    model = compiled()
    assert train.fit(model, (X, Y, every), (X, Y, every), epochs=EPOCHS) == nearly(plain[1])
    weighted = train.fit(compiled(), (X, Y, first), (X, Y, first), epochs=2)
    few = train.fit(compiled(), (X[:4], Y[:4]), (X[:4], Y[:4]), epochs=2)
    assert weighted["loss"] == pytest.approx(few["loss"], rel=1e-4)
    assert weighted["val_loss"] == pytest.approx(few["val_loss"], rel=1e-4)
    weighted, few = train.evaluate(model, (X, Y, first)), train.evaluate(model, (X[:4], Y[:4]))
    assert weighted["loss"] == pytest.approx(few["loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (X, "of type ndarray"),
        ([X, Y], "of type list"),
        (None, "of type NoneType"),
        ("x", "of type str"),
        ({"x": X}, "of type dict"),
        ((X,), "a tuple of 1"),
        ((X, Y, Y, Y), "a tuple of 4"),
    ],
    ids=["array", "list", "None", "text", "dictionary", "one", "four"],
)
def test_data_of_another_kind_are_refused(data, kind):
    told = rf" is {kind}; give a tuple of arrays \(x, y\), or a tf\.data\.Dataset of batches\."
    with pytest.raises(ValueError, match="^train" + told):
        train.fit(compiled(), data, epochs=1)
    with pytest.raises(ValueError, match="^dataset" + told):
        train.evaluate(compiled(), data)
    if data is not None:
        with pytest.raises(ValueError, match="^validation" + told):
            train.fit(compiled(), (X, Y), data, epochs=1)


def test_best_weights_of_an_ordinary_training_need_no_disk(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert len(train.fit(compiled(), (X, Y), epochs=2)["loss"]) == 2


def test_a_model_with_a_step_of_its_own_and_no_loss_keeps_its_last_weights():
    class Own(keras.Model):
        def train_step(self, batch):
            x, _ = batch
            self.trainable_variables[0].assign_add(keras.ops.ones_like(self.trainable_variables[0]))
            return {"length": keras.ops.sum(x)}

    body = compiled()
    model, diary = Own(body.input, body.output), Diary()
    model.compile(optimizer="sgd")
    history = train.fit(model, (X, Y), epochs=3, patience=1, callbacks=[diary])
    assert list(history) == ["length"] and len(history["length"]) == 3
    assert same(model.get_weights(), diary.weights[-1])


def test_a_seed_repeats_a_training_exactly(plain):
    model = compiled(eager=False)
    train.fit(model, (X, Y), (X, Y), epochs=EPOCHS)
    assert same(model.get_weights(), plain[0].get_weights())
    numbers = train.seed(1)
    assert isinstance(numbers, np.random.Generator)
    assert numbers.random() == np.random.default_rng(1).random()
    assert not same(models.mlp((4,), 3, hidden_units=(8,)).get_weights(), compiled().get_weights())


def test_all_seeds_can_be_shifted_from_outside(monkeypatch):
    monkeypatch.setenv("BMKIT_SEED_SHIFT", "3")
    shifted = train.seed(4).random(), np.random.random(), float(keras.random.uniform(()))
    monkeypatch.setenv("BMKIT_SEED_SHIFT", "")
    assert shifted == (train.seed(7).random(), np.random.random(), float(keras.random.uniform(())))


def test_a_seed_at_the_end_of_a_cell_shows_nothing():
    from IPython.core.formatters import DisplayFormatter

    assert DisplayFormatter().format(train.seed(0)) == ({}, {})


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(ValueError, match=r"model 'mlp' is not compiled; call model\.compile"):
        train.fit(models.mlp((4,), 3), (X, Y), epochs=1)


@pytest.mark.parametrize("number", [0, -3, 2.5, "3", "three"])
def test_what_is_no_number_of_epochs_is_refused(number):
    told = f" is {number!r}; it must be a whole number of at least 1"
    with pytest.raises(ValueError, match="epochs" + told):
        train.fit(compiled(), (X, Y), epochs=number)
    with pytest.raises(ValueError, match="patience" + told):
        train.fit(compiled(), (X, Y), epochs=1, patience=number)


def test_one_epoch_as_a_numpy_number_is_accepted():
    assert len(train.fit(compiled(), (X, Y), epochs=np.int64(1), patience=np.int64(1))["loss"]) == 1


def test_fit_tells_the_rule_how_many_batches_there_will_be(monkeypatch):
    import tensorflow as tf

    seen, rows = [], tf.data.Dataset.from_tensor_slices((X, Y)).batch(5)
    monkeypatch.setattr(train, "runtime", lambda _, steps: seen.append(steps) or train.Runtime("cpu", False, ""))
    for given in ((X, Y), rows, rows.filter(lambda *_: True)):
        train.fit(compiled(), given, epochs=3)
    assert seen == [3 * -(-len(X) // 32), 3 * -(-len(X) // 5), 0]


@pytest.mark.parametrize("rule", [False, "auto"])
def test_fit_obeys_the_rule(monkeypatch, rule):
    model = compiled(eager=False)
    chosen = model.jit_compile  # what Keras resolved "auto" to
    monkeypatch.setattr(train, "runtime", lambda *_: train.Runtime("cpu", rule, "for this test"))
    train.fit(model, (X, Y), epochs=1)
    assert model.jit_compile is (chosen if rule == "auto" else False)


@pytest.fixture
def tiny():
    """A model of one weight, for what concerns the display alone."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True, jit_compile=False)
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
def test_in_a_notebook_one_line_stays_that_any_machine_repeats(monkeypatch, capfd, tiny, watched):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle["text/plain"])

    def display(bundle, raw, display_id):
        shown.append(bundle["text/plain"])
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("bmkit.train.progress.in_notebook", lambda: True)
    monkeypatch.setattr("bmkit.train.progress.is_live", lambda: watched)
    train.fit(tiny, (X, Y), epochs=2)
    assert shown[-1].startswith("training done, best weights kept (here: 2 epochs, ")
    assert (len(shown) > 1) == watched
    train.fit(tiny, (X, Y), epochs=2, callbacks=[Diary(until=1)])
    assert shown[-1].startswith("stopped by you, best weights kept (here: 1 epochs, ")
    train.fit(tiny, (X, Y), epochs=2, callbacks=[Diary(until=0)])
    assert shown[-1].startswith("stopped by you in the first epoch (here: 0 epochs, ")
    train.fit(tiny, (X, Y), epochs=4, callbacks=[Breaks(1)])
    assert shown[-1].startswith("stopped: the loss is no longer a number; best weights kept (here: 2 epochs, ")
    assert capfd.readouterr() == ("", "")
