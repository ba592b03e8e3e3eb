"""The formulas of `bmkit.scratch.waveform`: worked by hand, held against SciPy and Keras, their promises and errors."""

import itertools
import warnings

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.signal
import scipy.special

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(6)
SIGNAL = RANDOM.normal(size=640)
# Not the spectrum of any signal: magnitudes of one, phases of chance.
MADE_UP = RANDOM.normal(size=(11, 33)) + 1j * RANDOM.normal(size=(11, 33))
MADE_UP[:, [0, -1]] = MADE_UP[:, [0, -1]].real
MAGNITUDES, PHASES = abs(MADE_UP), np.angle(MADE_UP)
FILTERS = scratch.mel_filterbank(12, 64, 8000)
PITCH = np.repeat([0.0, 110.0, 440.0, 0.0, 3000.0], 40)

# name, arguments, options, what comes out, worked by hand
HAND = [
    # The windows of 4 are 0, ½, 1, ½, their squares 0, ¼, 1, ¼. A frame of [2, 0, 0] is ½ everywhere: sums of window/2
    # are 0, ¼, ½, ¼ + 0, ½, ¼ and those of the squares 0, ¼, 1, ¼, 1, ¼.
    ("inverse_short_time_fourier", ([[2, 0, 0], [2, 0, 0]], 4, 2), {}, [0, 1, 0.5, 1, 0.5, 1]),
    ("inverse_short_time_fourier", ([[2, 0, 0], [2, 0, 0]], 4, 2), {"center": True}, [0.5, 1]),
    ("inverse_short_time_fourier", ([[2, 0, 0]], 4, 2), {"center": True, "samples": 2}, [0.5, 1]),
    # Silence reaches none of the size wanted; a constant 1 gives 2, -1, 0 as in the tests of `short_time_fourier`.
    ("spectral_convergence", (np.zeros(6), np.ones((4, 3)), 4, 2), {}, 1.0),
    ("spectral_convergence", (np.ones(6), [[2, 1, 0]] * 3 + [[2, 1, 2]], 4, 2), {}, 2 / np.sqrt(24)),
    # Without a step nothing but the inverse is left.
    ("griffin_lim", ([[2, 0, 0]] * 3, 4, 2), {"steps": 0, "phases": np.zeros((3, 3))}, [0.5, 1, 0.5, 1]),
    ("griffin_lim", ([[2, 0, 0]] * 3, 4, 2), {"steps": 0, "phases": np.full((3, 3), np.pi)}, [-0.5, -1, -0.5, -1]),
    ("log_mel_amplitudes", (np.ones(6), np.eye(3), 4, 2), {"floor": np.e}, np.full((4, 3), 1.0)),
    ("log_mel_amplitudes", (np.ones(6), np.full((3, 1), np.e / 3), 4, 2), {}, np.full((4, 1), 1.0)),
    ("mel_to_magnitudes", (np.log([[2.0, 3.0]]), np.eye(3, 2)), {}, [[2, 3, 0]]),
    # Two overlapping bands: 1 0 / 1 1 has the inverse 1 0 / -1 1, and what would be negative is 0.
    ("mel_to_magnitudes", (np.log([[1.0, 3.0], [3.0, 1.0]]), np.array([[1, 1], [0, 1]])), {}, [[1, 2], [3, 0]]),
    # 2 Hz at 8 samples a second: a quarter turn each; cos φ + cos 2φ.
    ("pulse_train", (np.full(4, 2.0), 8), {"highest": 4.0}, [-1, 0, -1, 2]),
    ("pulse_train", ([0.0, 2.0, 2.0, 0.0, 2.0], 8), {"highest": 3.9}, [0, 0, -1, 0, 0]),
]
HAND_TOLERANCE = 1e-9


def scipy_inverse(spectrum, length, hop, *, center=False, samples=None):
    """SciPy scales a spectrum by the sum of the window, and refuses to guess where all windows are 0: at either end."""
    scaled = np.asarray(spectrum) / scipy.signal.get_window("hann", length).sum()
    names = {"nperseg": length, "noverlap": length - hop, "time_axis": 0, "freq_axis": 1}
    with warnings.catch_warnings(action="ignore"):  # of those ends
        whole = scipy.signal.istft(scaled, **names, boundary=False)[1]
    start = length // 2 if center else 0
    return whole[start : start + samples] if samples else whole[start : len(whole) - start]


def scipy_spectrum(signal, length, hop):
    padded = np.pad(signal, length // 2, mode="reflect")
    frames = len(signal) // hop + 1
    rows = [padded[t * hop : t * hop + length] * scipy.signal.get_window("hann", length) for t in range(frames)]
    return scipy.fft.rfft(rows)


def scipy_griffin_lim(magnitudes, length, hop, *, steps=32, momentum=0.99, phases=None):
    """The algorithm with SciPy's transforms; the unit vectors by division and not by angles."""
    unit, before = np.exp(1j * phases), None
    for _ in range(steps):
        now = scipy_spectrum(scipy_inverse(magnitudes * unit, length, hop, center=True), length, hop)
        unit = now if before is None else now - momentum / (1 + momentum) * before
        unit, before = unit / abs(unit), now
    return scipy_inverse(magnitudes * unit, length, hop, center=True)


def keras_log_mel(signal, filters, length, hop, *, floor=1e-5):
    """Keras' layer makes decibels of powers of the amplitudes; power 1 and natural logarithms are asked for here."""
    layer = keras.layers.MelSpectrogram(
        fft_length=length,
        sequence_stride=hop,
        num_mel_bins=filters.shape[1],
        sampling_rate=8000,
        min_freq=20.0,
        power_to_db=False,
        mag_exp=1.0,
    )
    return np.log(np.maximum(np.asarray(layer(np.float32(signal))).T, floor))


def least_squares(log_mel, filters):
    return np.maximum(0, scipy.linalg.lstsq(filters.T, np.exp(log_mel).T)[0].T)


def dirichlet(pitch, rate, *, highest):
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    counts = np.array([int(highest // one) if one else 0 for one in pitch])
    sums = [2 * count + 1 for count in counts]
    return np.array([(n * scipy.special.diric(at, n) - 1) / 2 for at, n in zip(phase, sums, strict=True)])


def scipy_convergence(signal, magnitudes, length, hop):
    found = abs(scipy_spectrum(signal, length, hop))
    return np.sqrt(((found - magnitudes) ** 2).sum() / (np.asarray(magnitudes) ** 2).sum())


# name, arguments, options, what an established library does with the same
PARITY_TOLERANCE = (1e-4, 1e-4)
PARITY = [
    ("inverse_short_time_fourier", (MADE_UP, 64, 16), {"center": True}, scipy_inverse),
    ("inverse_short_time_fourier", (MADE_UP, 64, 16), {"center": True, "samples": 176}, scipy_inverse),
    ("spectral_convergence", (SIGNAL[:160], MAGNITUDES, 64, 16), {}, scipy_convergence),
    ("griffin_lim", (MAGNITUDES, 64, 16), {"steps": 1, "phases": PHASES}, scipy_griffin_lim),
    ("griffin_lim", (MAGNITUDES, 64, 16), {"steps": 12, "phases": PHASES}, scipy_griffin_lim),
    ("griffin_lim", (MAGNITUDES, 64, 16), {"steps": 12, "momentum": 0.0, "phases": PHASES}, scipy_griffin_lim),
    ("log_mel_amplitudes", (SIGNAL, FILTERS, 64, 16), {}, keras_log_mel),
    ("mel_to_magnitudes", (RANDOM.normal(size=(5, 12)), FILTERS), {}, least_squares),
    ("pulse_train", (PITCH, 8000), {"highest": 3500.0}, dirichlet),
]

ERRORS = [
    ("inverse_short_time_fourier", (np.zeros((3, 4)), 4, 2), {}, "expected (frames, 3)"),
    ("inverse_short_time_fourier", (np.zeros((0, 3)), 4, 2), {}, "expected (frames, 3)"),
    ("inverse_short_time_fourier", (np.zeros((3, 3)), 4, 0), {}, "a hop of at least 1"),
    ("inverse_short_time_fourier", (np.zeros((3, 3)), 4, 2), {"samples": 9}, "the frames reach 8 samples far"),
    ("griffin_lim", (-MAGNITUDES, 64, 16), {}, "sizes, not decibels"),
    ("griffin_lim", (MAGNITUDES, 64, 16), {"momentum": 1.0}, "0 ≤ momentum < 1"),
    ("griffin_lim", (MAGNITUDES, 32, 16), {}, "expected (frames, 17)"),
    ("pulse_train", (PITCH, 8000), {"highest": 4001.0}, "at most 4000 Hz"),
]


# What librosa 0.11 gives, `griffinlim(S.T, n_iter=5, hop_length=8, n_fft=32, pad_mode="reflect", init=None)`, for
# S = np.random.default_rng(1).uniform(size=(7, 17)): every fourth sample.
LIBROSA = [0.009313, -0.099119, -0.26987, -0.321695, 0.02478, 0.055167, -0.071283, 0.117912, -0.093437, -0.090464]
LIBROSA += [-0.097216, -0.230655]


def test_an_audio_library_finds_the_same_signal():
    magnitudes = np.random.default_rng(1).uniform(size=(7, 17))
    found = scratch.griffin_lim(magnitudes, 32, 8, steps=5, phases=np.zeros_like(magnitudes))
    np.testing.assert_allclose(found[::4], LIBROSA, atol=1e-6)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("length", "hop"), [(64, 16), (64, 20), (63, 21)])
def test_a_signal_comes_back_from_its_own_spectrum(length, hop, center):
    spectrum = scratch.short_time_fourier(SIGNAL, length, hop, center=center)
    again = scratch.inverse_short_time_fourier(spectrum, length, hop, center=center)
    inner = slice(length, -length)  # at its ends an uncentred one has windows near 0
    np.testing.assert_allclose(again[inner], SIGNAL[: len(again)][inner], atol=1e-12)
    assert len(again) <= len(SIGNAL) < len(again) + hop


def test_the_inverse_is_the_nearest_signal():
    def half(spectrum):  # inner bins stand for two frequencies
        return spectrum * np.where((np.arange(33) % 32) == 0, np.sqrt(0.5), 1.0)

    nearest = scratch.inverse_short_time_fourier(MADE_UP, 64, 16)
    moves = 1e-3 * RANDOM.normal(size=(20, len(nearest)))

    def error(signal):
        return np.linalg.norm(half(scratch.short_time_fourier(signal, 64, 16) - MADE_UP))

    assert all(error(nearest + move) > error(nearest) for move in moves)


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_more_steps_come_nearer_and_momentum_gets_further(momentum):
    rate = 8000
    time = np.arange(rate // 2) / rate
    voice = sum(np.sin(2 * np.pi * 140 * h * time + h**2) / h for h in range(1, 12)) * np.hanning(len(time))
    wanted = abs(scratch.short_time_fourier(voice, 256, 64, center=True))

    def error(steps, momentum):
        signal = scratch.griffin_lim(wanted, 256, 64, steps=steps, momentum=momentum)
        return scratch.spectral_convergence(signal, wanted, 256, 64)

    errors = [error(steps, momentum) for steps in (0, 4, 16, 64)]
    assert all(later < earlier for earlier, later in itertools.pairwise(errors)), errors
    assert errors[-1] < 0.25 * errors[0]
    if momentum:
        assert errors[-1] < error(64, 0.0)


def test_without_phases_the_same_magnitudes_give_the_same_sound():
    first, again = (scratch.griffin_lim(MAGNITUDES, 64, 16, steps=3) for _ in range(2))
    assert first.shape == (160,) and (first == again).all()
    drawn = np.random.default_rng(0).uniform(0, 2 * np.pi, MAGNITUDES.shape)
    np.testing.assert_array_equal(first, scratch.griffin_lim(MAGNITUDES, 64, 16, steps=3, phases=drawn))


def test_bands_of_guessed_bins_are_the_bands_again_where_nothing_was_cut_off():
    smooth = np.log(np.hanning(14)[1:-1][np.newaxis] + 1.0)
    filters = scratch.mel_filterbank(12, 512, 8000)
    guessed = scratch.mel_to_magnitudes(smooth, filters)
    assert guessed.shape == (1, 257) and guessed.min() >= 0
    np.testing.assert_allclose(np.log(guessed @ filters), smooth, atol=0.02)


def test_a_pulse_train_is_heard_at_its_pitch():
    rate = 8000
    train = scratch.pulse_train(np.full(rate, 200.0), rate, highest=3500.0)
    spectrum = abs(np.fft.rfft(train)) / (rate / 2)  # one bin a hertz
    harmonics = np.arange(200, 3501, 200)
    np.testing.assert_allclose(spectrum[harmonics], 1, atol=1e-9)
    assert np.delete(spectrum, harmonics).max() < 1e-9
