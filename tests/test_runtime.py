"""Which path a training takes on which machine."""

import pytest

from bmkit import models, train
from bmkit.backend import keras


def test_on_a_cpu_under_tensorflow_xla_is_off(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind=None: [])
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert (train.runtime().device, train.runtime().jit_compile) == ("cpu", False)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert (train.runtime().device, train.runtime().jit_compile) == ("cpu", "auto")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind=None: ["gpu:0"])
    assert (train.runtime().device, train.runtime().jit_compile) == ("gpu", "auto")


@pytest.mark.parametrize(
    ("model", "steps", "expected"),
    [
        (models.rnn((9, 4), 2, bidirectional=True), 600, True),
        (models.rnn((9,), 2, embedding=(5, 4)), 600, True),
        (models.rnn((9, 4), 2), 599, False),  # too short a training to be worth compiling
        (models.rnn((None, 4), 2), 600, False),  # every length would be compiled anew
        (models.mlp((4,), 2), 600, False),
        (models.transformer_classifier(9, 2, depth=1), 600, False),
        (keras.Sequential([keras.Input((9, 4)), keras.layers.Conv1D(2, 3), keras.layers.LSTM(2)]), 600, False),
        (keras.Sequential([keras.layers.LSTM(2)]), 600, False),  # its input is not known yet
    ],
)
def test_on_a_cpu_xla_serves_long_trainings_of_recurrent_networks(monkeypatch, model, steps, expected):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind=None: [])
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert train.runtime(model, steps).jit_compile is expected
