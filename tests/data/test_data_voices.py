"""The spoken words: voices of the splits, the sound itself, and a synthesiser that fails. No sample is compared."""

import re

import numpy as np
import pytest

from bmkit import data
from bmkit.data import manifest, parcels, speak, voices
from bmkit.data.readers import words

SPLITS = manifest.SPLITS
SET = manifest.entry("spoken_words")


@pytest.fixture(scope="module")
def members():
    return parcels.read_members(parcels.fetch_parcel(SET.parcel), SET.recipe.members)


@pytest.fixture(scope="module")
def splits():
    whole = data.load("spoken_words")
    return {split: whole.arrays(split) for split in SPLITS}


@pytest.mark.slow
def test_voices_of_validation_and_test_are_unheard_and_their_vowels_too(members, splits):
    heard = {split: set(x["voice"]) for split, (x, _) in splits.items()}
    assert {split: len(names) for split, names in heard.items()} == {"train": 46, "validation": 9, "test": 9}
    assert set().union(*heard.values()) == set(words.VOICES)
    formants = {}
    for name in words.VOICES:
        text = members[f"espeakng_loader/espeak-ng-data/voices/!v/{name}"].decode()
        found = dict(re.findall(r"^formant\s+([123])\s+(\d+)", text, re.M))
        formants[name] = np.array([int(found.get(number, 100)) for number in "123"])
    for split in ("validation", "test"):
        for name in heard[split]:
            for other in set(words.VOICES) - heard[split]:
                assert np.abs(formants[name] - formants[other]).max() > 2, f"{name} and {other} sound alike"


@pytest.mark.slow
def test_each_voice_says_each_word_once_in_each_accent(splits):
    for x, y in splits.values():
        said = set(zip(x["voice"], x["accent"], y, strict=True))
        assert len(said) == len(y) == len(set(x["voice"])) * len(words.ACCENTS) * 10


@pytest.mark.slow
def test_a_clip_is_a_word_within_noise_and_never_clipped(splits):
    for x, _ in splits.values():
        sound = x["waveform"]
        assert (np.abs(sound).max(axis=1) > 0.19).all() and np.abs(sound).max() < 0.91
        assert np.abs(sound.mean(axis=1)).max() < 0.005
        parts = np.sort((sound.reshape(len(sound), 50, 160) ** 2).mean(axis=2), axis=1)  # power in 20 ms
        quiet, loud = parts[:, 5], parts[:, -5]
        assert (quiet > 0).all(), "there is noise everywhere"
        assert np.median(10 * np.log10(loud / quiet)) > 10, "the word stands out of it"


@pytest.mark.slow
def test_the_words_differ_and_a_voice_is_heard_in_any_of_them(members):
    jobs = [["en-US+m1", word, 50, 150] for word in ("stop", "go", "stop")] + [["en-US+f1", "stop", 50, 150]]
    rate, (stop, go, again, other) = voices.synthesise(members, jobs)
    assert rate == 22050 and 0.2 < len(go) / rate < 1.5
    assert abs(len(stop) - len(again)) < 0.1 * rate  # not equal: the synthesiser draws its own noise
    periods = [np.fft.irfft(np.abs(np.fft.rfft(clip, 65536)) ** 2)[rate // 300 : rate // 60] for clip in (stop, other)]
    low, high = (rate / (rate // 300 + period.argmax()) for period in periods)
    assert 60 < low < 130 < high < 280, "m1 is a low voice, f1 a high one"


def test_voices_with_like_vowels_are_one_family():
    files = {
        "a": "formant 1 100 90",
        "b": "formant\t2 98",
        "c": "formant 2 96 1 1",
        "d": "formant 9 10",
        "e": "formant 3 97",
    }
    assert voices.families(files) == {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1}


def test_noise_and_place_are_drawn_but_repeat_with_the_generator():
    tone = (10_000 * np.sin(np.arange(9000) / 10)).astype(np.int16)
    clip = np.concatenate([np.zeros(700, np.int16), tone, np.zeros(4000, np.int16)])
    first, again, other = (words._recorded(clip, 22050, 8000, np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.shape == (8000,) and first.dtype == np.int16 and (first == again).all() and (first != other).any()
    heard = np.abs(np.fft.rfft(first)).argmax()
    assert abs(heard - 22050 / 10 / 2 / np.pi) <= 2, "the pitch is kept at the new rate"


def test_the_library_asks_for_nothing_it_does_not_get(members, capfd):
    bare = {name: content for name, content in members.items() if "phondata" not in name}
    # Half a library may end its process with a signal: no other than that one.
    library = [name for name in members if "espeak-ng." in name]
    for wrong in (bare, members | {name: members[name][:5000] for name in library}):
        with pytest.raises(data.DataError, match=r"cannot be used on this computer .*exit code.*japanese_vowels"):
            voices.synthesise(wrong, [["en-US+m1", "stop", 50, 150]])
    with pytest.raises(data.DataError, match="refuses the voice 'xx\\+m1'"):
        voices.synthesise(members, [["xx+m1", "stop", 50, 150]])
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os; os.abort()", r"exit code -?\d+; it said nothing"),
        ("import time; time.sleep(60)", "did not end within 0.5 seconds"),
        ("raise SystemExit('no sound')", "exit code 1; no sound"),
    ],
)
def test_a_crash_or_a_standstill_of_the_synthesiser_stops_nothing_but_itself(tmp_path, monkeypatch, program, message):
    broken = tmp_path / "speak.py"
    broken.write_text(program, encoding="utf-8")
    monkeypatch.setattr(speak, "__file__", str(broken))
    monkeypatch.setattr(voices, "LIMIT", 0.5 if "sleep" in program else 60)
    monkeypatch.setenv("BMKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(data.DataError, match=f"cannot be used on this computer.*{message}"):
        voices.synthesise({"a/libespeak-ng.so": b""}, [])
    assert list((tmp_path / "cache" / "tmp").iterdir()) == []


def test_a_parcel_without_the_voices_is_a_clear_error():
    with pytest.raises(data.DataError, match=r"has no voices adam, caleb.*; mend VOICES"):
        words.read({}, SET.description)


def test_a_computer_without_a_wheel_is_told_where_there_are_some(monkeypatch):
    monkeypatch.setattr(manifest, "COMPUTER", "plan9-mips")
    monkeypatch.setattr(parcels, "COMPUTER", "plan9-mips")
    manifest._read.cache_clear()
    try:
        elsewhere = manifest.entry("spoken_words")
        assert elsewhere.digest == SET.digest
        with pytest.raises(
            data.DataError, match=r"no wheel for this computer \(plan9-mips\); it has some for linux-x86"
        ):
            parcels.fetch_parcel(elsewhere.parcel)
    finally:
        manifest._read.cache_clear()


def test_every_wheel_is_a_plain_file_of_the_pinned_version():
    assert len(SET.parcel.wheels) == 6
    for wheel in SET.parcel.wheels.values():
        assert wheel["file"].startswith(f"espeakng_loader-{SET.parcel.version}-py3-none-")
        assert re.fullmatch("[0-9a-f]{64}", wheel["sha256"]) and 9e6 < wheel["bytes"] < 11e6
