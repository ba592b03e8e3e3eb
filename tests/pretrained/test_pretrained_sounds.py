"""Sounds of any usual form become one channel at 16,000 samples a second; others are refused in one sentence."""

import numpy as np
import pytest

from bmkit.errors import Error
from bmkit.pretrained.sounds import SoundError, one_channel, pieces

TONE = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100) * 0.5


def pitch(sound, rate):
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return power.argmax() * rate / len(sound)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_pitch_its_length_and_its_loudness_at_any_rate(rate):
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate) * 0.5
    sound = one_channel(tone, rate)
    assert sound.shape == (16_000,) and sound.dtype == "float32"
    assert pitch(sound, 16_000) == pytest.approx(440, abs=1)
    assert np.abs(sound[1000:-1000]).max() == pytest.approx(0.5, abs=0.01)


def test_what_the_new_rate_cannot_hold_is_taken_away_and_not_folded_back():
    shrill = np.sin(2 * np.pi * 15_000 * np.arange(44_100) / 44_100)
    assert np.abs(one_channel(shrill, 44_100)[1000:-1000]).max() < 0.01


def test_channels_are_averaged():
    both = np.stack([TONE, np.zeros_like(TONE)], axis=1)
    np.testing.assert_allclose(one_channel(both, 44_100), one_channel(TONE / 2, 44_100), atol=1e-6)
    assert one_channel(TONE[:, np.newaxis], 44_100).shape == (16_000,)


@pytest.mark.parametrize("form", ["int8", "int16", "int32", "uint8", "float16", "float32", "float64"])
def test_samples_of_any_usual_type_mean_the_same(form):
    scale, zero = {"int8": (127, 0), "int16": (32_767, 0), "int32": (2**31 - 200, 0), "uint8": (127, 128)}.get(
        form, (1, 0)
    )
    sound = one_channel((TONE * scale + zero).astype(form), 44_100)
    np.testing.assert_allclose(sound, one_channel(TONE, 44_100), atol=0.02)


GOOD = np.zeros(16_000)
BAD = {
    "nothing": ([], 16_000, r"the sound lasts 0\.000 s; give at least 0\.1 s"),
    "hardly anything": (np.zeros(1_500), 16_000, r"lasts 0\.094 s"),
    "channels first": (np.zeros((2, 16_000)), 16_000, r"has shape \(2, 16000\); .* transpose it"),
    "no channel": (np.zeros((16_000, 0)), 16_000, r"has shape \(16000, 0\)"),
    "a number": (0.5, 16_000, r"has shape \(\)"),
    "three axes": (np.zeros((9, 9, 9)), 16_000, r"has shape \(9, 9, 9\)"),
    "no number in it": (np.where(np.arange(16_000) == 99, np.nan, 0), 16_000, "infinite or no number"),
    "infinity in it": (np.where(np.arange(16_000) == 99, -np.inf, 0), 16_000, "infinite or no number"),
    "16 bits as floating-point numbers": (GOOD + 9000.0, 16_000, r"reaches 9,000\.0; .*divide by the largest value"),
    "texts": (["a"] * 16_000, 16_000, "of type <U1"),
    "truth values": (GOOD > 1, 16_000, "of type bool"),
    "complex numbers": (GOOD + 1j, 16_000, "of type complex128"),
    "no rate": (GOOD, 0, "sample_rate is 0; expected a whole number of samples a second, 4,000 to 384,000"),
    "a rate in kHz": (GOOD, 16, "sample_rate is 16;"),
    "a broken rate": (GOOD, 16_000.5, r"sample_rate is 16000\.5;"),
    "a rate of no number": (GOOD, None, "sample_rate is None;"),
    "a rate of 2**62": (GOOD, 2**62, "sample_rate is 4611686018427387904;"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_sound_is_one_sentence(name):
    sound, rate, message = BAD[name]
    with pytest.raises(SoundError, match=message) as told:
        one_channel(sound, rate)
    assert isinstance(told.value, Error) and isinstance(told.value, ValueError)
    assert str(told.value).isprintable() and len(str(told.value)) < 300


def test_a_long_sound_is_cut_in_its_pauses_and_nothing_is_lost():
    sound = np.random.default_rng(0).uniform(-1, 1, 100 * 1000)
    for pause in (25, 28, 52, 80):
        sound[pause * 1000 : pause * 1000 + 300] = 0
    parts = pieces(sound, sample_rate=1000)
    np.testing.assert_array_equal(np.concatenate(parts), sound)
    edges = np.cumsum([len(part) for part in parts])[:-1] / 1000
    np.testing.assert_allclose(edges, [25.15, 52.15, 80.15], atol=0.06)  # 28 is as quiet, and comes later


@pytest.mark.parametrize("seconds", [0.1, 29.9, 30, 30.01, 61, 90.5])
def test_no_piece_is_longer_than_half_a_minute(seconds):
    sound = np.random.default_rng(0).uniform(-1, 1, int(seconds * 1000))
    parts = pieces(sound, sample_rate=1000)
    assert sum(map(len, parts)) == len(sound) and max(map(len, parts)) <= 30_000
    assert len(parts) >= -(-len(sound) // 30_000) and all(len(part) >= 22_000 for part in parts[:-1])
