"""What a training shows while it runs, and how settings are told in words."""

import pytest

from bmkit.train import progress, snapshot


@pytest.fixture
def live(monkeypatch):
    """A notebook that is watched: what is shown there, one bundle after the other."""
    monkeypatch.setattr(progress, "is_live", lambda: True)
    shown = []
    monkeypatch.setattr(progress.Progress, "_display", lambda self, bundle: shown.append(bundle))
    return shown


def test_a_notebook_shows_epoch_and_numbers_beside_a_bar(live):
    bar = progress.Progress(3)
    bar.set_params({"steps": 3})
    bar.on_epoch_begin(1)
    bar.on_train_batch_end(0, {"loss": 0.12345, "steps": 7})
    text = "epoch 2 of 3  loss 0.123"
    assert live[-1] == {"text/plain": text, "text/html": f"<progress value='1.33' max='3'></progress> {text}"}
    bar.on_epoch_end(2, {"loss": 0.5})
    text = "epoch 3 of 3  loss 0.500"
    assert live[-1] == {"text/plain": text, "text/html": f"<progress value='3.00' max='3'></progress> {text}"}


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        ({"class_name": "Adam", "config": {"name": "adam", "learning_rate": 0.1, "beta_1": 0.9}}, "Adam(beta_1=0.9)"),
        ({"class_name": "function", "config": "mse"}, "mse"),
        ({"loss": "mse", "weights": None, "metrics": ["accuracy", 2]}, "(loss=mse, metrics=[accuracy, 2])"),
        (
            {"class_name": "SGD", "config": {"learning_rate": {"class_name": "CosineDecay", "config": {"alpha": 0.5}}}},
            "SGD(learning_rate=CosineDecay(alpha=0.5))",
        ),
    ],
)
def test_settings_are_told_without_names_and_nothings(thing, told):
    assert snapshot._said(thing) == told
