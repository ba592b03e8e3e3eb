"""A resumed training equals an unbroken one, or says what differs; it touches nothing but its own folder."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import test_checkpoint as states
from test_checkpoint import OWN, POSIX, ROOT, small_disk  # noqa: F401

from bmkit import models, train
from bmkit.backend import keras
from bmkit.train import checkpoint, snapshot
from bmkit.train.keeper import Keeper
from bmkit.train.resume import Saver

pytestmark = pytest.mark.slow
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 4)).astype("float32")
Y = (X @ RANDOM.normal(size=(4, 3))).argmax(axis=-1)
DATA, MISLED = ((tf.data.Dataset.from_tensor_slices((X, y)).batch(32)) for y in (Y, (Y + 1) % 3))
# MISLED as validation gets worse the better DATA are learned.
EPOCHS = 6


def compiled(units=8, optimizer=None, loss=None, metrics=("accuracy",), dropout=0.3, eager=True):
    """A classifier with dropout, always with the same first weights; 32 examples are one batch: no order matters.

    Tracing its steps would take longer than a few of them.
    """
    train.seed(0)
    model = models.mlp((4,), 3, hidden_units=(units,), dropout=dropout)
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    given = {"metrics": list(metrics), "jit_compile": False, "run_eagerly": eager}
    model.compile(optimizer or keras.optimizers.Adam(0.05), loss, **given)
    return model


class Learner:
    """One model that can begin anew without being traced again, as it would in a new process."""

    def __init__(self):
        self.model = compiled(eager=False)
        train.fit(self.model, DATA, DATA, epochs=1)  # makes every variable, traces both steps
        self.variables = [*snapshot.variables(self.model), *snapshot.seeds(self.model)]
        train.seed(0)
        start = compiled()
        self.first = snapshot.values([*snapshot.variables(start), *snapshot.seeds(start)])

    def fit(self, folder=None, epochs=EPOCHS, validation=DATA, callbacks=(), patience=None):
        snapshot.put(self.variables, self.first)
        self.model.optimizer.learning_rate = 0.05
        given = {"epochs": epochs, "resume": folder, "callbacks": callbacks, "patience": patience}
        return train.fit(self.model, DATA, validation, **given)

    def outcome(self, *arguments, **named):
        history = self.fit(*arguments, **named)
        return history, snapshot.values(self.variables)


@pytest.fixture(scope="module")
def learner():
    return Learner()


@pytest.fixture(scope="module")
def unbroken(learner):
    return learner.outcome()


def equal(first, second):
    """Equal histories and equal weights, optimizer and generators included, to the last bit."""
    assert first[0] == second[0]
    for a, b in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(a, b)


class Stops(keras.callbacks.Callback):
    """Ctrl-C in the epoch `at`, counted from 0."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.at:
            raise KeyboardInterrupt


class SignalInSave(keras.callbacks.Callback):
    """A real signal at a moment of the save of the epoch `at`."""

    def __init__(self, number, at, moment):
        super().__init__()
        self.number, self.at, self.moment = number, at, moment

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            self.block = states.signalled(self.number, self.moment)
            self.block.__enter__()


def test_saving_changes_nothing(learner, unbroken, tmp_path, capfd):
    equal(learner.outcome(tmp_path / "run"), unbroken)
    assert os.listdir(tmp_path) == [] and capfd.readouterr() == ("", "")


@pytest.mark.parametrize("at", (1, 3, 5))
def test_a_resumed_training_equals_an_unbroken_one_dropout_included(learner, unbroken, tmp_path, capsys, at):
    history = learner.fit(tmp_path / "run", callbacks=[Stops(at)])
    assert history == {name: values[:at] for name, values in unbroken[0].items()}
    equal(learner.outcome(tmp_path / "run", callbacks=[Stops(None)]), unbroken)
    assert os.listdir(tmp_path) == [] and capsys.readouterr().err == ""
    assert len(learner.fit(epochs=2)["loss"]) == 2, "a resumed model must train again from the first epoch"


@POSIX
@pytest.mark.parametrize("moment", [1, 90, 240])
def test_ctrl_c_while_a_state_is_saved_waits_for_it(learner, unbroken, tmp_path, capsys, moment):
    before = sys.gettrace()
    try:
        history = learner.fit(tmp_path / "run", callbacks=[SignalInSave(signal.SIGINT, 2, moment)])
    finally:
        sys.settrace(before)
    assert len(history["loss"]) == 3 and (tmp_path / "run" / OWN / "epoch-000003").exists()
    equal(learner.outcome(tmp_path / "run", callbacks=[SignalInSave(0, None, 0)]), unbroken)
    assert os.listdir(tmp_path) == [] and capsys.readouterr().err == ""


@POSIX
@pytest.mark.parametrize("end", [Saver, checkpoint.Checkpoints], ids=["before the states are read", "at the very end"])
def test_ctrl_c_around_the_training_leaves_nothing_half_done(learner, unbroken, tmp_path, capsys, monkeypatch, end):
    name = {Saver: "restore", checkpoint.Checkpoints: "_clear"}[end]
    usual = getattr(end, name)
    broken_off(learner, tmp_path / "run")
    monkeypatch.setattr(end, name, lambda one: (os.kill(os.getpid(), signal.SIGINT), usual(one))[1])
    first = learner.fit(tmp_path / "run", callbacks=[Stops(None)])
    monkeypatch.undo()
    if end is Saver:
        assert len(first["loss"]) == 3
        equal(learner.outcome(tmp_path / "run", callbacks=[Stops(None)]), unbroken)
    else:
        assert first == unbroken[0]
    assert os.listdir(tmp_path) == [] and capsys.readouterr().err == ""


CHILD = """
import os, signal, sys
import test_train_resume as here

class Kills(here.keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

here.train.fit(here.compiled(), here.DATA, here.DATA, epochs=here.EPOCHS, resume=sys.argv[1], callbacks=[Kills()])
"""


@POSIX
def test_a_killed_training_goes_on_where_it_was(learner, unbroken, tmp_path, capsys):
    class Kills(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            assert epoch >= 3, "three epochs are on the disk"

    assert states.run(CHILD, tmp_path / "run", check=False).returncode == -signal.SIGKILL
    history, values = learner.outcome(tmp_path / "run", callbacks=[Kills()])
    assert history == {name: pytest.approx(column, rel=1e-4) for name, column in unbroken[0].items()}
    for a, b in zip(values, unbroken[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)
    assert not (tmp_path / "run").exists() and capsys.readouterr().err == ""


def broken_off(learner, folder, at=3, **named):
    history = learner.fit(folder, callbacks=[Stops(at)], **named)
    return history, Path(folder) / OWN


def test_a_damaged_state_is_told_and_its_epoch_trained_again(learner, unbroken, tmp_path, capsys):
    _, own = broken_off(learner, tmp_path / "run")
    path = own / "epoch-000003" / "arrays.npy"
    path.write_bytes(states.half(path) + bytes(len(states.half(path))))
    equal(learner.outcome(tmp_path / "run", callbacks=[Stops(None)]), unbroken)
    assert "not used in" in (said := capsys.readouterr().err) and "goes on from epoch-000002." in said


def test_without_any_sound_state_training_begins_anew_and_says_so(learner, unbroken, tmp_path, capsys):
    _, own = broken_off(learner, tmp_path / "run")
    for path in own.glob("epoch-*/state.json"):
        path.unlink()
    equal(learner.outcome(tmp_path / "run"), unbroken)
    assert "epoch-000003, epoch-000002; the training begins anew." in capsys.readouterr().err


HOSTILE = {
    "rows": [None, 3, [3], [{"loss": "low"}], [{"loss": {}}], [], [{}, {}, {}]],
    "best_epoch": ["2", 7, -1, 1.5, []],
    "monitor": [None, "accuracy of nothing", []],
    "shapes": [None, []],
    "settings": [None, 3, ["x"]],
    "rate": ["fast", [], {}],
    "callbacks": [None, 3, [3], ["ab", "cde"], [["Stops", 3]]],
}


@pytest.fixture(scope="module")
def broken(learner, tmp_path_factory):
    """A training that was broken off after two epochs."""
    folder = tmp_path_factory.mktemp("broken") / "run"
    broken_off(learner, folder, at=2)
    return folder


def restored(learner, folder):
    """Do what `fit` does before the first step; return the history so far."""
    keeper = Keeper(learner.model, True, None)
    with checkpoint.opened(folder) as opened:
        Saver(opened, keeper, [Stops(None)]).restore()
    return keeper.rows


@pytest.mark.parametrize("field", HOSTILE)
def test_a_signed_state_of_wrong_kinds_is_dropped(learner, broken, tmp_path, capsys, field):
    for number, value in enumerate(HOSTILE[field]):
        folder = shutil.copytree(broken, tmp_path / str(number))
        newest = folder / OWN / "epoch-000002"
        document = json.loads((newest / "state.json").read_text())
        (newest / "state.json").write_text(json.dumps(document | {field: value}))
        states.sign(newest)
        assert len(restored(learner, folder)) == 1, value
        assert "epoch-000002; the training goes on from epoch-000001." in capsys.readouterr().err


@pytest.mark.parametrize("change", ["fewer", "other shape", "other type"])
def test_a_signed_state_with_other_values_is_dropped(learner, broken, tmp_path, capsys, change):
    folder = shutil.copytree(broken, tmp_path / "run")
    newest = folder / OWN / "epoch-000002"
    arrays = checkpoint._read(newest)[1]
    arrays = {"fewer": arrays[:3], "other shape": [one[None] for one in arrays], "other type": [*arrays[1:], arrays[0]]}
    with (newest / "arrays.npy").open("wb") as file:
        for one in arrays[change]:
            np.save(file, one)
    states.sign(newest)
    assert len(restored(learner, folder)) == 1
    assert "the training goes on from epoch-000001." in capsys.readouterr().err


OTHERS = {
    "model": lambda: compiled(units=9),
    "optimizer": lambda: compiled(optimizer=keras.optimizers.SGD(0.05)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_training_of_another_model_or_optimizer_is_refused_before_anything_is_touched(
    learner, unbroken, tmp_path, kind
):
    folder = tmp_path / "run"
    _, own = broken_off(learner, folder)
    model, there = OTHERS[kind](), {path: path.stat() for path in own.rglob("*") if path.is_dir()}
    before = model.get_weights()
    with pytest.raises(
        ValueError, match=rf"run holds the training of another {kind}, .* delete its sub-folder {OWN}\."
    ):
        train.fit(model, DATA, DATA, epochs=EPOCHS, resume=folder)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {path: path.stat().st_mtime_ns for path in there} == {path: was.st_mtime_ns for path, was in there.items()}
    equal(learner.outcome(folder, callbacks=[Stops(None)]), unbroken)


@pytest.mark.parametrize("name", [".", "results", "new/results"])
def test_the_learners_own_files_survive(learner, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    own = ["thesis.docx", "history.csv", "best.weights.h5", "beside.weights.h5", "backup/latest.weights.h5", ".x"]
    for file in own:
        path = tmp_path / name / file
        if name != "new/results":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("years of work")
    there = set(tmp_path.rglob("*")) | ({tmp_path / "new"} if name == "new/results" else set())
    for at in (2, None):
        learner.fit(name, epochs=3, callbacks=[Stops(at)])
    assert set(tmp_path.rglob("*")) == there
    assert all(path.is_dir() or path.read_text() == "years of work" for path in there)


def test_a_sub_folder_of_the_learners_is_refused_and_an_empty_name_too(learner, tmp_path):
    (tmp_path / OWN).mkdir()
    (tmp_path / OWN / "thesis.docx").write_text("years of work")
    with pytest.raises(checkpoint.files.NotOurs, match="holds files that are not the kit's"):
        learner.fit(tmp_path)
    with pytest.raises(ValueError, match="resume is an empty text"):
        learner.fit("")
    assert os.listdir(tmp_path / OWN) == ["thesis.docx"]


def test_a_second_training_in_the_folder_says_so_and_the_first_goes_on(learner, unbroken, tmp_path):
    class Second(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            code = f"from bmkit.train.checkpoint import opened\nwith opened({str(tmp_path / 'run')!r}): pass"
            if epoch == 2:
                told.append(states.run(code, check=False).stderr)

    told = []
    equal(learner.outcome(tmp_path / "run", callbacks=[Second()]), unbroken)
    assert "CheckpointError: another training is running in" in told[0]


def test_a_full_disk_is_told_and_the_same_call_goes_on(learner, unbroken, small_disk):  # noqa: F811
    class Fills(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                disk = os.statvfs(small_disk)
                (small_disk / "large").write_bytes(bytes(disk.f_bavail * disk.f_bsize))

    with pytest.raises(checkpoint.CheckpointError, match=r"in .*run \(.*No space left.*\), so epoch 4 is not saved"):
        learner.fit(small_disk / "run", callbacks=[Fills()])
    (small_disk / "large").unlink()
    equal(learner.outcome(small_disk / "run", callbacks=[Stops(None)]), unbroken)


@pytest.mark.parametrize("at", [1, 3])
def test_patience_counts_across_a_break(learner, tmp_path, at):
    whole = learner.outcome(validation=MISLED, patience=3, epochs=40)
    assert len(whole[0]["loss"]) < 8
    broken_off(learner, tmp_path / "run", at=at, validation=MISLED, patience=3, epochs=40)
    given = {"validation": MISLED, "patience": 3, "epochs": 40, "callbacks": [Stops(None)]}
    equal(learner.outcome(tmp_path / "run", **given), whole)


class Patient(keras.callbacks.Callback):
    """Ends a training by itself; `kills` it between its end and the removal of its states."""

    def __init__(self, kills):
        super().__init__()
        self.kills = kills

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch >= 2

    def on_train_end(self, logs=None):
        if self.kills:
            raise KeyboardInterrupt


@pytest.mark.parametrize("patience", [None, 1])
def test_a_training_that_had_ended_is_not_trained_on(learner, tmp_path, patience, capsys):
    given = {"validation": MISLED if patience else DATA, "patience": patience, "epochs": 9}
    first = learner.fit(tmp_path / "run", callbacks=[Patient(True)], **given)
    assert (tmp_path / "run" / OWN).exists()
    assert learner.fit(tmp_path / "run", callbacks=[Patient(False)], **given) == first
    assert os.listdir(tmp_path) == [] and capsys.readouterr().err == ""


@pytest.mark.parametrize(("epochs", "trained"), [(8, 8), (2, 3), (3, 3)])
def test_another_number_of_epochs_is_fine(learner, tmp_path, epochs, trained, capsys):
    broken_off(learner, tmp_path / "run")
    assert len(learner.fit(tmp_path / "run", epochs=epochs, callbacks=[Stops(None)])["loss"]) == trained
    assert os.listdir(tmp_path) == [] and capsys.readouterr().err == ""
