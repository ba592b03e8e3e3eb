"""The recorded digits: arrays read within bounds, the frozen speakers, and frames filled up at the end only."""

import io
import zipfile

import numpy as np
import pytest

from bmkit import data
from bmkit.data import arrays, manifest, parcels, speakers
from bmkit.data.arrays import read_npz
from bmkit.data.readers import digit_sounds

SPLITS = manifest.SPLITS
SET = manifest.entry("spoken_digits")
GROUPS = np.array(list("".join(speakers.GROUPS)), int)


def archive(**members):
    """Write an .npz; bytes go in as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, value in members.items():
            part = io.BytesIO()
            if isinstance(value, bytes):
                part.write(value)
            else:
                np.lib.format.write_array(part, value, allow_pickle=True)
            target.writestr(f"{name}.npy", part.getvalue())
    return file.getvalue()


def header(shape, dtype="<f4", *, then=b""):
    """Write the head of an array that says what it likes."""
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + then


def test_arrays_come_back_as_they_were_written():
    one, two = np.arange(6, dtype="float32").reshape(2, 3), np.asfortranarray(np.arange(6).reshape(3, 2))
    first, second, third = read_npz(archive(a=one, b=two, c=np.float64(7)), ("a", "b", "c"))
    np.testing.assert_array_equal(first, one)
    np.testing.assert_array_equal(second, two)
    assert third.shape == () and third == 7 and first.dtype == "float32" and first.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "BadZipFile"),
        (archive(a=np.zeros(100))[:-30], "BadZipFile"),
        (archive(a=b"\x93NUMPX\x01\x00" + bytes(99)), "magic"),
        (archive(b=np.zeros(3)), r"KeyError: .*a\.npy"),
        (archive(a=np.array([print, {}], object)), "holds object, expected numbers"),
        (archive(a=np.array(["a"])), "expected numbers"),
        (archive(a=b"hello"), "ValueError"),
        (archive(a=header((10**9, 10**9), then=bytes(40))), r"40 bytes, but its shape \(1000000000, 1000000000\)"),
        (archive(a=header((10**30,))), "0 bytes, but its shape"),
        (archive(a=header((-1,), then=bytes(4))), "its shape"),
        (archive(a=header((2,), then=bytes(7))), "7 bytes, but its shape"),
        (archive(a=header((2,), then=bytes(9))), "9 bytes, but its shape"),
        (archive(a=header("__import__('os').abort()")), ""),
        (archive(a=header((1,) * 100, then=bytes(4))), ""),
        (archive(a=b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65_535), ""),
        (archive(a=b"\x93NUMPY\x09\x00" + bytes(70)), ""),
    ],
)
def test_a_damaged_or_hostile_archive_is_one_clear_error(content, message):
    with pytest.raises(data.DataError, match=rf"^the array 'a' cannot be read .*{message}") as told:
        read_npz(content, ("a",))
    assert "data verify" in str(told.value) and len(str(told.value)) < 350


def test_an_archive_that_unpacks_to_much_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 1000)
    with pytest.raises(data.DataError, match="would unpack to more than 1,000 bytes"):
        read_npz(archive(a=np.zeros(200)), ("a",))
    with pytest.raises(data.DataError, match=r"'b' cannot be read .*more than 1,000 bytes"):
        read_npz(archive(a=np.zeros(60), b=np.zeros(60)), ("a", "b"))  # together


def planted(**instead):
    """Recordings of two frames each, as many as there are labels."""
    made = {"X": np.ones((6000, 13), "float32"), "y": np.arange(3000) % 10, "lengths": np.full(3000, 2)}
    return {"digits.npz": archive(**(made | instead))}


@pytest.mark.parametrize(
    "instead",
    [
        {"X": np.ones((6000, 12), "float32")},
        {"X": np.ones(6000, "float32")},
        {"X": np.ones((5999, 13), "float32")},
        {"y": np.zeros(2999, int)},
        {"lengths": np.full(2999, 2)},
        {"lengths": np.r_[0, 4, np.full(2998, 2)]},
        {"lengths": np.r_[-1, 5, np.full(2998, 2)]},
        {"lengths": np.r_[93, np.full(2999, 2)], "X": np.ones((6091, 13), "float32")},
    ],
)
def test_recordings_that_do_not_fit_together_are_refused(instead):
    with pytest.raises(data.DataError, match=r"^the recordings have shape .*expected 13 coefficients, 3,000 rec"):
        digit_sounds.read(planted(**instead), SET.description)


def test_the_frozen_speakers_are_six_groups_of_five_hundred():
    assert len(GROUPS) == 3000 and np.bincount(GROUPS).tolist() == [500] * 6


@pytest.fixture(scope="module")
def splits():
    whole = data.load("spoken_digits")
    return {split: whole.arrays(split) for split in SPLITS}


@pytest.mark.slow
def test_each_speaker_says_each_digit_as_often_in_each_split(splits):
    for split, times in zip(SPLITS, (35, 5, 10), strict=True):
        x, y = splits[split]
        assert (np.bincount(y * 6 + x["speaker"], minlength=60) == times).all()


@pytest.mark.slow
def test_frames_of_zeros_are_at_the_end_only_and_loudness_comes_first(splits):
    for x, _ in splits.values():
        speech = x["mfcc"].any(axis=-1)
        assert (speech == (np.arange(92) < x["length"][:, np.newaxis])).all()
        assert x["mfcc"][speech].mean(axis=0).argmin() == 0
    lengths = np.concatenate([x["length"] for x, _ in splits.values()])
    assert (lengths.min(), np.median(lengths), lengths.max()) == (6, 17, 92)


@pytest.mark.slow
def test_the_speakers_come_out_again():
    (content,) = parcels.read_members(parcels.fetch_parcel(SET.parcel), SET.recipe.members).values()
    frames, digits, lengths = read_npz(content, ("X", "y", "lengths"))
    found = speakers.inferred_speakers(np.split(frames, np.cumsum(lengths)[:-1]), digits)
    table = np.zeros((6, 6), int)
    np.add.at(table, (GROUPS, found), 1)
    assert sorted(table.argmax(axis=1)) == list(range(6)), "groups may change their numbers, not more"
    assert table.max(axis=1).sum() >= 0.985 * 3000
    certain = table.max(axis=1)[[0, 1, 2, 4]]
    assert certain.min() >= 497, "all but two groups are beyond doubt"
    assert (np.bincount(digits * 6 + GROUPS, minlength=60) == 50).all()


@pytest.mark.slow
def test_a_logistic_regression_knows_the_digit_and_less_of_an_unheard_speaker(splits):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def numbers(x):
        spread = [row[:n].std(axis=0) for row, n in zip(x["mfcc"], x["length"], strict=True)]
        means = x["mfcc"].sum(axis=1) / x["length"][:, np.newaxis]
        return np.c_[means, spread]

    def score(train, test):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        return model.fit(*train).score(*test)

    known = {split: (numbers(x), y) for split, (x, y) in splits.items()}
    heard = score(known["train"], known["test"])
    x, y = (np.concatenate([known[split][part] for split in SPLITS]) for part in (0, 1))
    who = np.concatenate([splits[split][0]["speaker"] for split in SPLITS])
    unheard = [score((x[who != one], y[who != one]), (x[who == one], y[who == one])) for one in (0, 1, 2)]
    assert heard > 0.9 and max(unheard) < heard - 0.3
