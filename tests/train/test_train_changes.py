"""A resumed training with other settings, callbacks or kinds of weights: what changed is told, nothing shifts."""

import os

import numpy as np
import pytest
from test_train_resume import DATA, MISLED, Stops, broken_off, compiled, equal, learner  # noqa: F401

from bmkit import train
from bmkit.backend import keras

pytestmark = pytest.mark.slow


CHANGES = {
    "learning rate": ({"optimizer": keras.optimizers.Adam(0.5)}, {}, "learning rate 0.5 (before: 0.05)"),
    "optimizer": ({"optimizer": keras.optimizers.Adam(0.05, beta_1=0.5)}, {}, "beta_1=0.5"),
    "more metrics": (
        {"metrics": ("accuracy", "sparse_categorical_accuracy")},
        {},
        "metrics [accuracy, sparse_categorical_accuracy] (before: [accuracy])",
    ),
    "no metrics": ({"metrics": ()}, {}, "metrics [] (before: [accuracy])"),
    "no validation": ({}, {"validation": None}, "validation no (before: yes)"),
    "patience": ({}, {"patience": 9}, "patience 9 (before: None)"),
    "loss": ({"loss": keras.losses.SparseCategoricalCrossentropy()}, {}, "loss SparseCategoricalCrossentropy("),
    "dropout": ({"dropout": 0.1}, {}, "rate=0.1"),
    "callbacks": ({}, {"callbacks": ()}, "callbacks none (before: Stops)"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_told_and_the_new_setting_is_used(tmp_path, capsys, change):
    compiled_with, called_with, told = CHANGES[change]
    given = {"validation": MISLED, "epochs": 4, "resume": tmp_path / "run", "callbacks": [Stops(None)]}
    broken = train.fit(compiled(), DATA, **given | {"callbacks": [Stops(2)]})
    model = compiled(**compiled_with)
    rate = float(model.optimizer.learning_rate)
    history = train.fit(model, DATA, **given | called_with)
    said = capsys.readouterr().err
    assert said.startswith("bmkit: this training goes on with other settings than it was begun with: ")
    assert told in said and said.count("(before: ") == 1 and said.count("\n") == 1
    assert {len(values) for values in history.values()} == {4}
    for name, values in broken.items():
        assert history[name][:2] == values, "what was measured before stays in its column"
    assert float(model.optimizer.learning_rate) == rate
    for name in history:
        gone = (change == "no metrics" and "acc" in name) or (change == "no validation" and "val" in name)
        assert np.isnan(history[name][2:]).all() == gone
        assert np.isnan(history[name][:2]).all() == (name not in broken)
    anew = change in ("no validation", "loss")
    assert ("the best weights are chosen anew" in said) == anew


def test_best_weights_are_chosen_anew_when_another_loss_decides(tmp_path):
    train.fit(compiled(), DATA, MISLED, epochs=5, resume=tmp_path / "run", callbacks=[Stops(3)])
    model = compiled(dropout=0.0)
    history = train.fit(model, DATA, epochs=5, resume=tmp_path / "run")["loss"]
    kept, last = train.evaluate(model, DATA)["loss"], history[-1]
    assert kept < last, "after the last step the loss is lower than while it was measured"


def test_validation_added_later_is_told_and_fills_its_column_from_there_on(learner, tmp_path, capsys):  # noqa: F811
    broken_off(learner, tmp_path / "run", validation=None)
    history = learner.fit(tmp_path / "run", callbacks=[Stops(None)])
    assert np.isnan(history["val_loss"][:3]).all() and np.isfinite(history["val_loss"][3:]).all()
    assert "validation yes (before: no); the best weights are chosen anew" in capsys.readouterr().err


@pytest.mark.parametrize("at", [2, 5])
def test_what_a_callback_has_counted_is_resumed(learner, tmp_path, capsys, at):  # noqa: F811
    def falling(*more):
        falls = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=2, factor=0.5, cooldown=1)
        return [falls, *more]

    def outcome(*more):
        history, values = learner.outcome(*more, validation=MISLED, epochs=8, callbacks=falling(Stops(None)))
        return history, [*values, np.array(learner.model.optimizer.learning_rate)]

    whole = outcome()
    assert whole[1][-1] < 0.05 / 3, "the rate must have fallen twice"
    learner.fit(tmp_path / "run", validation=MISLED, epochs=8, callbacks=falling(Stops(at)))
    equal(outcome(tmp_path / "run"), whole)
    assert capsys.readouterr().err == ""


def test_a_model_without_weights_is_refused_when_it_is_to_be_resumed(tmp_path):
    class Own(keras.Model):
        def train_step(self, batch):
            return {}

    model = Own()
    model.compile(optimizer="sgd", loss="mse")
    with pytest.raises(ValueError, match=r"has no weights yet, so that .* call it once on a batch"):
        train.fit(model, DATA, epochs=1, resume=tmp_path / "run")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_bfloat16", "mixed_float16"])
def test_weights_of_every_type_and_a_second_optimizer_are_resumed(tmp_path, policy):
    def pair():
        train.seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, dtype=policy)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(
            keras.optimizers.Adam(0.01), loss, jit_compile=False, run_eagerly=True, auto_scale_loss="16" in policy
        )
        model.other = keras.optimizers.SGD(0.1, momentum=0.9)
        model.other.build(model.trainable_variables)
        model.other.iterations.assign(5)
        return model

    whole, model = pair(), pair()
    history = train.fit(whole, DATA, epochs=4)
    train.fit(model, DATA, epochs=4, resume=tmp_path / "run", callbacks=[Stops(2)])
    model = pair()
    model.other.iterations.assign(9)
    assert train.fit(model, DATA, epochs=4, resume=tmp_path / "run", callbacks=[Stops(None)]) == history
    assert int(model.other.iterations.numpy()) == 5
    for a, b in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_schedule_goes_on_where_it_was_and_its_change_is_told(tmp_path, capsys):
    def model(steps):
        return compiled(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, steps)))

    whole = train.fit(model(6), DATA, epochs=6)
    train.fit(model(6), DATA, epochs=6, resume=tmp_path / "run", callbacks=[Stops(3)])
    train.fit(model(6), DATA, epochs=5, resume=tmp_path / "run", callbacks=[Stops(4)])
    assert capsys.readouterr().err == ""
    assert train.fit(model(9), DATA, epochs=6, resume=tmp_path / "run", callbacks=[Stops(None)]) != whole
    assert "decay_steps=9" in capsys.readouterr().err
