"""Models from the network: the same call, tried with stand-ins; without a network one clear error, never a wait."""

import socket

import numpy as np
import pytest

from bmkit import data, pretrained
from bmkit.backend import keras
from bmkit.pretrained import online, text


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("keras:ResNet50", "storage.googleapis.com"),
        ("bert_tiny_en_uncased", "www.kaggle.com"),
        ("hf://a/b", "huggingface.co"),
    ],
)
def test_models_from_the_network_without_one_are_one_clear_error(monkeypatch, name, host):
    asked = []
    monkeypatch.setattr(online, "reaches", asked.append)
    with pytest.raises(data.DataError, match=f"comes from {host} and there is no network; .* minilm, .*smollm2"):
        pretrained.load(name)
    assert asked == [host]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("keras:Resnet50", "'keras:ResNet50'"),
        ("minilm2", "'minilm'"),
        ("bert_tiny_en", "'bert_tiny_en_uncased'"),
        ("ftp://x", "there are: bert_reviews"),
    ],
)
def test_a_name_that_does_not_exist_is_answered_with_near_ones(monkeypatch, name, near):
    monkeypatch.setattr(online, "reaches", None)  # the network is never asked
    with pytest.raises(data.DataError, match=f"there is no model '{name}'.*{near}"):
        pretrained.load(name)


def test_a_model_of_keras_applications_becomes_a_classifier(monkeypatch):
    build = keras.applications.MobileNetV2

    def local(*, weights, classifier_activation):
        assert (weights, socket.getdefaulttimeout()) == ("imagenet", online.PATIENCE)
        return build((32, 32, 3), alpha=0.35, weights=None, classifier_activation=classifier_activation)

    local.__module__ = build.__module__
    monkeypatch.setattr(keras.applications, "MobileNetV2", local)
    monkeypatch.setattr(online, "reaches", lambda host: True)
    monkeypatch.setattr(online, "imagenet_labels", lambda: tuple(map(str, range(1000))))
    found = pretrained.load("keras:MobileNetV2")
    assert found.preprocess(np.full((40, 50, 3), 255)).max() == 1 and found.features.output_shape == (None, 1280)
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("reads_text", [True, False])
@pytest.mark.parametrize(("bert", "kind"), [(True, text.SentenceEncoder), (False, online.Preset)])
def test_presets_of_kerashub_come_with_their_tokenizers(monkeypatch, bert, kind, reads_text):
    import keras_hub

    class Backbone:
        """Stands for what KerasHub loads."""

    def tokenizer(name):
        if not reads_text:
            raise ValueError("there is no tokenizer")
        return f"tokenizer of {name}"

    monkeypatch.setattr(online, "reaches", lambda host: True)
    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", lambda name: Backbone())
    monkeypatch.setattr(keras_hub.models.Tokenizer, "from_preset", tokenizer)
    monkeypatch.setattr(keras_hub.models, "BertBackbone", Backbone if bert else dict)
    found = pretrained.load("hf://somebody/model")
    assert type(found) is kind and isinstance(found.model, Backbone)
    assert found.tokenizer == ("tokenizer of hf://somebody/model" if reads_text else None)


def test_a_transfer_that_fails_is_one_clear_error(monkeypatch):
    def fails():
        raise TimeoutError("timed\nout")

    monkeypatch.setattr(online, "reaches", lambda host: True)
    monkeypatch.setattr(online, "_loader", lambda *_: fails)
    with pytest.raises(data.DataError, match=r"could not be loaded from huggingface.co \(TimeoutError: timed out\)"):
        pretrained.load("hf://a/b")
