"""Online sets: the same call, tested on right-shaped random samples, and what happens without a network."""

import socket
import tempfile

import numpy as np
import pytest

from bmkit import backend, data  # noqa: F401 - the backend silences TensorFlow before TFDS is imported
from bmkit.data import manifest, store


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BMKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # TFDS leaves an empty folder there at each preparation
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


def check_form(name, batch_size=4):
    """Compare one batch of each split with the description."""
    loaded = data.load(name, batch_size=batch_size)
    description = data.describe(name)
    for split in manifest.SPLITS:
        x, y = next(getattr(loaded, split).as_numpy_iterator())
        for values, field in ((x, description.x), (y, description.y)):
            assert values.shape == (batch_size, *field.shape)
            assert values.dtype == field.dtype
            assert field.range[0] <= values.min() <= values.max() <= field.range[1]
        assert np.unique(x).size > 2  # grey levels, not zeros and ones from a wrong scale


@pytest.mark.parametrize("name", [n for n in data.names() if manifest.entry(n).recipe.source == "tfds"])
def test_every_online_set_has_the_form_of_its_description(name):
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=8):
        check_form(name)


def test_another_online_set_needs_a_manifest_entry_only(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    entry = (manifest.FOLDER / "sets" / "mnist.toml").read_text(encoding="utf-8").replace("mnist:3.0.1", "cifar10")
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "cifar10.toml").write_text(entry.replace("[28, 28, 1]", "[32, 32, 3]"), encoding="utf-8")
    monkeypatch.setattr(manifest, "FOLDER", tmp_path)
    with tfds.testing.mock_data(num_examples=8):
        check_form("cifar10")


def test_without_a_network_one_clear_error_comes_before_any_download(monkeypatch):
    import tensorflow_datasets as tfds

    asked, load = [], tfds.load

    def watched(*arguments, download, **options):
        asked.append(download)
        return load(*arguments, download=download, **options)

    def nowhere(*_, **__):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(tfds, "load", watched)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(data.DataError, match=r"there is no network, or it is blocked.*data fetch mnist`\.$"):
        data.load("mnist")
    assert asked == [False]


def test_a_dead_proxy_is_one_clear_error_within_seconds_and_no_fault_of_the_disk(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(store, "say", None)  # nothing is begun
    with pytest.raises(
        data.DataError, match=r"^mnist is not on this computer, and .* cannot be reached: there is no net"
    ):
        data.load("mnist")


def failures():
    import requests
    import tensorflow as tf

    full = RuntimeError("ResourceExhaustedError: wrapped")
    full.__cause__ = tf.errors.ResourceExhaustedError(None, None, "disk")
    denied = tf.errors.PermissionDeniedError(None, None, "disk")
    network = r"^TensorFlow Datasets could not fetch mnist \(\w+: .*\); try again later\.$"
    yield full, r"^the disk is full while fetching mnist"
    yield OSError("Not enough disk space. Needed: 1"), r"^the disk is full while fetching mnist"
    yield denied, r"^the cache cannot be used while fetching mnist \(PermissionError: "
    yield OSError(30, "Read-only file system"), r"^the cache cannot be used while fetching mnist"
    yield requests.exceptions.ProxyError("dead"), network
    yield requests.exceptions.ConnectTimeout("late"), network
    yield ConnectionResetError(104, "reset"), network
    yield RuntimeError("anything"), network


@pytest.mark.parametrize(("failure", "message"), failures(), ids=lambda value: type(value).__name__)
def test_what_tfds_raises_is_told_as_what_it_is(monkeypatch, failure, message):
    import tensorflow_datasets as tfds

    def load(_, *, download, **__):
        assert (socket.getdefaulttimeout() == store.SILENCE) == download
        raise failure if download else AssertionError("no local copy")

    monkeypatch.setattr(tfds, "load", load)
    monkeypatch.setattr(store, "reaches", lambda host: True)
    with pytest.raises(data.DataError, match=message):
        data.load("mnist")
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("failure", [None, RuntimeError("the host\nsaid no")])
def test_with_a_network_the_size_is_said_before_the_download(monkeypatch, capsys, failure):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def load(_, *, download, split, **__):
        if not download:
            raise AssertionError("could not find data")
        assert "fetching mnist (11.6 MB)" in capsys.readouterr().err
        if failure:
            raise failure
        example = {"image": np.full((1, 28, 28, 1), 255, np.uint8), "label": np.array([3])}
        return [tf.data.Dataset.from_tensor_slices(example) for _ in split]

    monkeypatch.setattr(tfds, "load", load)
    monkeypatch.setattr(store, "reaches", lambda host: True)
    if failure:
        with pytest.raises(data.DataError, match=r"could not fetch mnist \(RuntimeError: the host said no\)"):
            data.load("mnist")
    else:
        x, y = data.load("mnist").arrays("test")
        assert (x.shape, x.max(), y.tolist()) == ((1, 28, 28, 1), 1.0, [3])
