"""Ship: what goes into a file comes out of it, also in a process that knows nothing else; other files are refused."""

import json
import zipfile

import numpy as np
import pytest

from bmkit import ship
from bmkit.backend import keras


def network(width=3):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(2, "softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def open_double(file):
    """Answer with what the file's network says of the doubled input."""
    import numpy

    from bmkit import ship

    parts = ship.unpack(file)

    def answer(row):
        return parts["network"](numpy.asarray(row)[None] * parts["factor"]).numpy()[0]

    return answer


def open_forgetful(file):
    def answer(text):
        return np.char.upper(text)  # numpy is imported by this test file, not by the function

    return answer


def open_sleeper(file):
    import time

    time.sleep(60)


def test_all_kinds_of_parts_come_back(tmp_path):
    parts = {
        "network": network(),
        "mean": np.arange(6, dtype="float32").reshape(2, 3).T,
        "flags": np.array([True, False]),
        "words": ["ja", "nein", "是"],
        "settings": {"threshold": 0.4, "language": None},
        "count": np.int64(3),
    }
    found = ship.unpack(ship.pack(tmp_path / "a.zip", parts))
    assert list(found) == list(parts)
    for before, after in zip(parts["network"].get_weights(), found["network"].get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    for name in ("mean", "flags"):
        np.testing.assert_array_equal(found[name], parts[name])
        assert found[name].dtype == parts[name].dtype
    assert [found[name] for name in ("words", "settings", "count")] == [parts["words"], parts["settings"], 3]


def test_what_training_needs_is_left_at_home(tmp_path):
    model = network(width=2000)
    model.fit(np.ones((8, 4)), np.zeros(8), verbose=0)
    size = ship.pack(tmp_path / "a.zip", {"network": model}).stat().st_size
    assert size < 1.5 * 4 * model.count_params()  # the optimizer holds two more numbers for each weight
    assert model.optimizer.iterations == 1  # and the learner's own network can go on training


def test_layers_of_the_kit_are_known_to_the_reader(tmp_path):
    from bmkit.layers import MultiHeadAttention

    inputs = keras.Input((5, 8))
    model = keras.Model(inputs, MultiHeadAttention(num_heads=2)(inputs))
    found = ship.unpack(ship.pack(tmp_path / "a.zip", {"network": model}))["network"]
    x = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    np.testing.assert_allclose(found(x), model(x), atol=1e-6)


@pytest.mark.parametrize(
    "name, part, told",
    [
        ("two words", 1, "'two words'"),
        ("../up", 1, "letters, digits and _"),
        ("objects", np.array([None, {}]), "array of object"),
        ("texts", np.array(["a", "b"]), "or a list"),
        ("function", print, "cannot be stored"),
        ("missing", float("nan"), "cannot be stored"),
        ("loop", {1, 2}, "give a Keras model, a NumPy array"),
    ],
)
def test_what_cannot_be_stored_is_told_and_nothing_is_written(tmp_path, name, part, told):
    with pytest.raises(ship.ShipError, match=told):
        ship.pack(tmp_path / "a.zip", {"fine": 1, name: part})
    assert not list(tmp_path.iterdir())


def test_a_packed_file_is_replaced_and_another_is_not(tmp_path):
    file = ship.pack(tmp_path / "a.zip", {"version": 1})
    ship.pack(file, {"version": 2})
    assert ship.unpack(file) == {"version": 2}
    for content in (b"a thesis", b""):
        (tmp_path / "thesis.zip").write_bytes(content)
        with pytest.raises(ship.ShipError, match="choose another name"):
            ship.pack(tmp_path / "thesis.zip", {"version": 3})
        assert (tmp_path / "thesis.zip").read_bytes() == content
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("one.jpg", b"...")
    with pytest.raises(ship.ShipError, match="choose another name"):
        ship.pack(tmp_path / "photos.zip", {"version": 3})


def test_a_damaged_file_is_refused_with_one_sentence(tmp_path):
    file = ship.pack(tmp_path / "a.zip", {"network": network(), "mean": np.ones(300), "words": ["a"]})
    whole = file.read_bytes()
    random = np.random.default_rng(0)
    for place in [*random.integers(0, len(whole), 60), 0, len(whole) - 1]:
        bent = bytearray(whole)
        bent[place] ^= 0xFF
        file.write_bytes(bent)
        try:  # a byte that no reader looks at, such as a date, may be anything
            found = ship.unpack(file)
        except ship.ShipError as error:
            assert "\n" not in str(error)
        else:
            assert found["words"] == ["a"]
            np.testing.assert_array_equal(found["mean"], 1)
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ship.ShipError, match=r"bmkit\.ship\.pack has written"):
            ship.unpack(file)


def hostile(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_a_hostile_file_is_refused_before_it_is_read(tmp_path):
    cases = {
        "leaves its folder": hostile(tmp_path / "1.zip", [("../../a.json", "1")]),
        "unpacks to too much": hostile(tmp_path / "2.zip", [("a.json", "1" * 10**6)], zipfile.ZIP_DEFLATED),
        "has too many parts": hostile(tmp_path / "3.zip", [(f"a{place}.json", "1") for place in range(101)]),
        "is a pickle": hostile(tmp_path / "4.zip", [("a.npy", b"\x93NUMPY")]),
        "nests deeply": hostile(tmp_path / "5.zip", [("a.json", "[" * 10**5)]),
        "counts what is not there": hostile(
            tmp_path / "6.zip",
            [
                (
                    "a.safetensors",
                    b"\x50"
                    + b"\0" * 7
                    + json.dumps({"array": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}})
                    .encode()
                    .ljust(80),
                )
            ],
        ),
    }
    for what, file in cases.items():
        with pytest.raises(ship.ShipError):
            pytest.fail(f"a file that {what} was read: {ship.unpack(file)}")


def test_code_in_a_network_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "n.keras")
    file = hostile(tmp_path / "a.zip", [("network.keras", (tmp_path / "n.keras").read_bytes())])
    with pytest.raises(ship.ShipError, match="Lambda"):
        ship.unpack(file)


def test_a_new_process_gives_the_same_answers(tmp_path):
    model = network()
    file = ship.pack(tmp_path / "a.zip", {"network": model, "factor": 2.0})
    rows = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    trial = ship.try_out(open_double, file, list(rows), repeats=2)
    np.testing.assert_allclose(trial.answers, model(rows * 2), atol=1e-6)
    assert trial.megabytes == file.stat().st_size / 1e6
    assert 0 < trial.p50_milliseconds <= trial.p95_milliseconds
    assert trial.load_seconds > 0


def test_what_the_function_forgot_is_told(tmp_path):
    file = ship.pack(tmp_path / "a.zip", {"factor": 2.0})
    with pytest.raises(ship.ShipError, match=r"NameError: name 'np' is not defined.*imports inside"):
        ship.try_out(open_forgetful, file, ["a"])


@pytest.mark.parametrize("application", [len, lambda file: len])
def test_a_function_without_a_source_of_its_own_is_told(tmp_path, application):
    file = ship.pack(tmp_path / "a.zip", {"factor": 2.0})
    with pytest.raises(ship.ShipError, match="define it by def"):
        ship.try_out(application, file, ["a"])


def test_a_function_that_never_answers_is_ended(tmp_path):
    file = ship.pack(tmp_path / "a.zip", {"factor": 2.0})
    with pytest.raises(ship.ShipError, match="not answered within 2 seconds"):
        ship.try_out(open_sleeper, file, ["a"], seconds=2)
