"""The formulas of `bmkit.scratch.spectrogram`: worked by hand, held against Keras, their promises and their errors."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(5)
SIGNAL = RANDOM.normal(size=1000)
ROOT = 0.7071067811865476
MEL = 1127 * np.log(2)  # what 700 Hz are

# name, arguments, options, what comes out, worked by hand
HAND = [
    ("hann_window", (2,), {}, [0.0, 1.0]),
    ("hann_window", (8,), {}, [0.0, 0.5 - ROOT / 2, 0.5, 0.5 + ROOT / 2, 1.0, 0.5 + ROOT / 2, 0.5, 0.5 - ROOT / 2]),
    # The window of 4 is 0, ½, 1, ½: its sum is 2, its alternating sum -½ + 1 - ½ = 0.
    ("short_time_fourier", (np.ones(6), 4, 2), {}, [[2.0, -1.0, 0.0]] * 2),
    # In the middle of 8 it begins two samples later.
    ("short_time_fourier", (np.eye(1, 8, 4)[0], 4, 1), {"fft_length": 8}, [[1.0, -1.0, 1.0, -1.0, 1.0]]),
    # Mirrored by two samples: 2 1 | 0 1 2 | 1 0, so that the middle of frame 0 is sample 0.
    ("short_time_fourier", (np.arange(3.0), 4, 2), {"center": True}, [[1.0, -0.0, -1.0], [3.0, -2.0, 1.0]]),
    ("hertz_to_mel", (np.array([0.0, 700.0, 2100.0]),), {}, [0.0, MEL, 2 * MEL]),
    # A flat spectrum is flat wherever it is read.
    ("vocal_tract_warp", (1.2, 1), {}, [[1.0]]),
    ("mel_to_hertz", (np.array([0.0, MEL, 2 * MEL]),), {}, [0.0, 700.0, 2100.0]),
    # Edges at 0, ⅓, ⅔ and 1 of 4·MEL; the bins of 0, 2100 and 10 500 Hz lie at 0, 2 and 4 MEL.
    ("mel_filterbank", (1, 10, 21_000), {"low": 0.0}, None),
    ("decibels", (np.array([1e-3, 1.0, 1e3, 1e9]),), {}, [10.0, 10.0, 30.0, 90.0]),
    ("decibels", (np.array([0.0, 1e-10]),), {}, [-100.0, -100.0]),
    ("log_mel_spectrogram", (np.zeros(16), 8000), {"length": 8, "hop": 8, "bands": 2}, np.full((3, 2), -100.0)),
]
# One triangle from 0 to 4 MEL·(log₂ 16 = 4): its top is at 2 MEL, 2100 Hz, which is bin 1 of 2100 Hz each.
TRIANGLE = np.minimum(1, 2 - np.log2(1 + 3 * np.arange(6)) / 2)[:, np.newaxis] * (np.arange(6) > 0)[:, np.newaxis]
HAND = [(*case[:3], TRIANGLE) if case[3] is None else case for case in HAND]


def keras_stft(signal, length, hop, *, fft_length=None, center=False):
    fft_length = fft_length or length
    real, imaginary = keras.ops.stft(signal, length, hop, fft_length, window="hann", center=center)
    return np.asarray(real) + 1j * np.asarray(imaginary)


def keras_filterbank(bands, fft_length, rate, *, low=20.0, high=None):
    layer = keras.layers.MelSpectrogram(fft_length=fft_length)
    edges = {"lower_edge_hertz": low, "upper_edge_hertz": high or rate / 2}
    return layer.linear_to_mel_weight_matrix(bands, fft_length // 2 + 1, rate, **edges)


def keras_log_mel(signal, rate, *, length, hop, bands, low=20.0, high=None):
    names = {"fft_length": length, "sequence_stride": hop, "num_mel_bins": bands, "min_freq": low, "max_freq": high}
    return np.asarray(keras.layers.MelSpectrogram(**names, sampling_rate=rate)(np.float32(signal))).T


def keras_decibels(power):
    return keras.layers.MelSpectrogram()._dbscale(np.float32(power))


# name, arguments, options, what Keras does with the same
PARITY_TOLERANCE = (1e-5, 1e-5)
ALONE = {"hann_window", "hertz_to_mel", "mel_to_hertz", "vocal_tract_warp"}  # Keras has them inside larger layers only
PARITY = [
    ("short_time_fourier", (SIGNAL, 64, 20), {}, keras_stft),
    ("short_time_fourier", (SIGNAL, 50, 20), {"fft_length": 64}, keras_stft),
    # Even lengths only: for odd ones TensorFlow gives the symmetric window, the other backends the periodic one.
    ("short_time_fourier", (SIGNAL, 62, 16), {"fft_length": 128, "center": True}, keras_stft),
    ("mel_filterbank", (20, 256, 8000), {}, keras_filterbank),
    ("mel_filterbank", (40, 512, 16_000), {"low": 80.0, "high": 7000.0}, keras_filterbank),
    ("decibels", (10 ** RANDOM.uniform(-12, 3, size=(5, 4)),), {}, keras_decibels),
    ("log_mel_spectrogram", (SIGNAL, 8000), {"length": 128, "hop": 64, "bands": 12}, keras_log_mel),
    (
        "log_mel_spectrogram",
        (SIGNAL[:999], 16_000),
        {"length": 256, "hop": 100, "bands": 24, "low": 100.0, "high": 6000.0},
        keras_log_mel,
    ),
]

ERRORS = [
    ("hann_window", (0,), {}, "at least 1 is needed"),
    ("short_time_fourier", (SIGNAL, 64, 20), {"fft_length": 63}, "does not fit into fft_length 63"),
    ("short_time_fourier", (SIGNAL[:32], 64, 20), {"center": True}, "at least 33 samples"),
    ("short_time_fourier", (SIGNAL[:32], 64, 20), {}, "no longer than the signal"),
    ("mel_filterbank", (8, 256, 8000), {"high": 4001.0}, "≤ 4000 Hz"),
    ("mel_filterbank", (0, 256, 8000), {}, "at least one band"),
    ("log_mel_spectrogram", (SIGNAL, 8000), {"length": 64, "hop": 8, "bands": 4, "low": -1.0}, "0 ≤ low < high"),
]


def test_the_energy_of_a_frame_is_kept():
    spectrum = abs(scratch.short_time_fourier(SIGNAL, 64, 64)) ** 2
    both = 2 * spectrum.sum(axis=1) - spectrum[:, 0] - spectrum[:, -1]  # each inner bin stands for two frequencies
    frames = scratch.frame_signal(SIGNAL, 64, 64) * scratch.hann_window(64)
    np.testing.assert_allclose(both / 64, (frames**2).sum(axis=1))


def test_windows_that_overlap_by_half_add_up_to_one():
    window = scratch.hann_window(32)
    np.testing.assert_allclose(window[:16] + window[16:], 1)


def test_inner_bands_add_up_to_one_between_the_middles():
    filters = scratch.mel_filterbank(10, 512, 8000)
    middles = np.linspace(scratch.hertz_to_mel(20.0), scratch.hertz_to_mel(4000.0), 12)[[1, -2]]
    bins = scratch.hertz_to_mel(np.linspace(0, 4000, 257))
    inside = (bins >= middles[0]) & (bins <= middles[1])
    np.testing.assert_allclose(filters[inside].sum(axis=1), 1)


def test_a_tone_is_loudest_in_its_own_band():
    rate, bands = 8000, 20
    edges = scratch.mel_to_hertz(np.linspace(scratch.hertz_to_mel(20.0), scratch.hertz_to_mel(4000.0), bands + 2))
    for band in (8, 13, 18):
        tone = np.sin(2 * np.pi * edges[band + 1] * np.arange(rate // 4) / rate)
        picture = scratch.log_mel_spectrogram(tone, rate, length=512, hop=128, bands=bands)
        assert (picture[2:-2].argmax(axis=1) == band).all()


def test_ten_times_the_pressure_is_twenty_decibels():
    options = {"length": 128, "hop": 64, "bands": 12}
    quiet, loud = (scratch.log_mel_spectrogram(factor * SIGNAL, 8000, **options) for factor in (1, 10))
    np.testing.assert_allclose(loud - quiet, 20)


def test_a_longer_vocal_tract_moves_a_resonance_down_by_its_factor():
    bands = 128
    centres = np.linspace(0, scratch.hertz_to_mel(4000.0), bands + 2)[1:-1]
    hertz = scratch.mel_to_hertz(centres)
    spectrum = np.exp(-(((hertz - 1000) / 150) ** 2))
    cosines = np.cos(np.pi * np.outer(np.arange(bands), np.arange(bands) + 0.5) / bands) * np.sqrt(2 / bands)
    cosines[0] /= np.sqrt(2)
    for factor in (0.8, 1.25):
        moved = cosines.T @ scratch.vocal_tract_warp(factor, bands) @ (cosines @ spectrum)
        assert abs(hertz[moved.argmax()] - 1000 / factor) < 40
        np.testing.assert_allclose(moved.max(), 1.0, atol=0.02)


def test_a_vocal_tract_of_the_same_length_changes_nothing():
    np.testing.assert_allclose(scratch.vocal_tract_warp(1.0), np.eye(13), atol=1e-12)
    np.testing.assert_allclose(scratch.vocal_tract_warp(1.0, 5, bands=40, highest=8000.0), np.eye(5), atol=1e-12)
