"""From a picture of sound back to sound: the inverse Fourier transform, Griffin and Lim's search for phases, pulses.

Axes as in `bmkit.scratch.spectrogram`: ``samples`` of a signal, ``frames`` of it over time, ``bins`` of frequency,
``bands`` of the mel scale.
"""

import numpy as np

from bmkit.scratch.spectrogram import hann_window, short_time_fourier

__all__ = [
    "griffin_lim",
    "inverse_short_time_fourier",
    "log_mel_amplitudes",
    "mel_to_magnitudes",
    "pulse_train",
    "spectral_convergence",
]

SILENT = 1e-10  # where the squared windows add up to less, no frame tells what the signal was


def inverse_short_time_fourier(
    spectrum: np.ndarray, length: int, hop: int, *, center: bool = False, samples: int | None = None
) -> np.ndarray:
    """Add the frames up again: ``x[n] = Σₜ w[n - t·hop]·frameₜ[n - t·hop] / Σₜ w²[n - t·hop]``.

    Each frame is the inverse transform of a row of the spectrum, and w is the Hann window. This is the signal whose
    `short_time_fourier` comes nearest to the spectrum: the very signal, if the spectrum is that of a signal.

    Args:
        spectrum: complex numbers, shape ``(frames, length // 2 + 1)``.
        length: samples in a window and in what was transformed.
        hop: samples from one frame to the next.
        center: the frames are centred on samples 0, hop, 2·hop …, as `short_time_fourier` does it with `center`.
        samples: how many to return; ``(frames - 1)·hop`` with `center`, else all that a frame reaches, when None.

    Returns:
        Shape ``(samples,)``; 0 where the windows of all frames are 0.

    Raises:
        ValueError: the spectrum has other bins than the length gives, the hop is not positive, or more samples are
            wanted than the frames reach.

    Example:
        >>> wave = np.sin(np.arange(24.0))
        >>> again = inverse_short_time_fourier(short_time_fourier(wave, 8, 4, center=True), 8, 4, center=True)
        >>> again.shape, bool(np.allclose(again, wave))
        ((24,), True)

    Reference:
        Griffin and Lim (1984), Signal estimation from modified short-time Fourier transform, equation 6,
        https://doi.org/10.1109/TASSP.1984.1164317
    """
    spectrum = np.asarray(spectrum)
    if hop < 1 or spectrum.ndim != 2 or spectrum.shape[1] != length // 2 + 1 or not len(spectrum):
        raise ValueError(
            f"a spectrum of shape {spectrum.shape} with a hop of {hop} does not come from frames of {length} samples; "
            f"expected (frames, {length // 2 + 1}) and a hop of at least 1."
        )
    window = hann_window(length)
    frames = np.fft.irfft(spectrum, length) * window  # (frames, length)
    total = np.zeros((len(frames) - 1) * hop + length)
    weight = np.zeros_like(total)
    for start, frame in zip(range(0, len(frames) * hop, hop), frames, strict=True):
        total[start : start + length] += frame
        weight[start : start + length] += window**2
    signal = np.divide(total, weight, out=np.zeros_like(total), where=weight > SILENT)
    before = length // 2 if center else 0
    samples = (len(frames) - 1) * hop + (0 if center else length) if samples is None else samples
    if samples > len(signal) - before:
        raise ValueError(f"{samples} samples are wanted, but the frames reach {len(signal) - before} samples far.")
    return signal[before : before + samples]


def spectral_convergence(signal: np.ndarray, magnitudes: np.ndarray, length: int, hop: int) -> float:
    """Tell how far a signal's spectrum is from the wanted one: ``‖ |STFT(x)| - A ‖ / ‖A‖``.

    Args:
        signal: samples, shape ``(samples,)``.
        magnitudes: the wanted sizes A, ≥ 0, shape ``(samples // hop + 1, length // 2 + 1)``.
        length: samples in a window.
        hop: samples from one frame to the next.

    Returns:
        0 where they agree; 1 for silence.

    Example:
        >>> wave = np.sin(np.arange(24.0))
        >>> spectral_convergence(wave, abs(short_time_fourier(wave, 8, 4, center=True)), 8, 4)
        0.0

    Reference:
        Griffin and Lim (1984), equation 5, https://doi.org/10.1109/TASSP.1984.1164317
    """
    found = abs(short_time_fourier(signal, length, hop, center=True))
    return float(np.linalg.norm(found - magnitudes) / np.linalg.norm(magnitudes))


def griffin_lim(
    magnitudes: np.ndarray,
    length: int,
    hop: int,
    *,
    steps: int = 32,
    momentum: float = 0.99,
    phases: np.ndarray | None = None,
) -> np.ndarray:
    """Find a signal for magnitudes without phases: go to the nearest signal, keep its phases, and again.

    ``Cₖ = STFT(ISTFT(A · e^{i·angle}))``, then ``angle = arg(Cₖ - m/(1+m) · Cₖ₋₁)``: Griffin and Lim's steps with
    m = 0, their fast form otherwise, which goes on in the direction of the last step.

    Args:
        magnitudes: sizes A of a spectrum with centred frames, ≥ 0, shape ``(frames, length // 2 + 1)``.
        length: samples in a window.
        hop: samples from one frame to the next.
        steps: how often the phases are mended.
        momentum: m, in [0, 1).
        phases: where to begin, in radians, same shape as the magnitudes; drawn with seed 0 when None.

    Returns:
        Samples, shape ``((frames - 1)·hop,)``.

    Raises:
        ValueError: a magnitude is negative, the momentum is outside [0, 1), or the shapes do not fit.

    Example:
        >>> wave = np.sin(np.arange(160.0))
        >>> wanted = abs(short_time_fourier(wave, 32, 8, center=True))
        >>> errors = [spectral_convergence(griffin_lim(wanted, 32, 8, steps=n), wanted, 32, 8) for n in (0, 8, 64)]
        >>> errors == sorted(errors, reverse=True)
        True

    Reference:
        Perraudin, Balazs and Søndergaard (2013), A fast Griffin-Lim algorithm,
        https://doi.org/10.1109/WASPAA.2013.6701851
    """
    magnitudes = np.asarray(magnitudes, dtype=float)
    if magnitudes.size and magnitudes.min() < 0:
        raise ValueError(f"the smallest magnitude is {magnitudes.min():g}; expected ≥ 0: sizes, not decibels.")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum is {momentum}; expected 0 ≤ momentum < 1.")
    if phases is None:
        phases = np.random.default_rng(0).uniform(0, 2 * np.pi, magnitudes.shape)
    spectrum, before = magnitudes * np.exp(1j * phases), 0.0
    for _ in range(steps):
        signal = inverse_short_time_fourier(spectrum, length, hop, center=True)
        now = short_time_fourier(signal, length, hop, center=True)  # consistent: the spectrum of a signal
        ahead = now - momentum / (1 + momentum) * before
        size = abs(ahead)
        spectrum = magnitudes * np.divide(ahead, size, out=np.ones_like(ahead), where=size > 0)  # e^{i·angle}
        before = now
    return inverse_short_time_fourier(spectrum, length, hop, center=True)


def log_mel_amplitudes(
    signal: np.ndarray, filters: np.ndarray, length: int, hop: int, *, floor: float = 1e-5
) -> np.ndarray:
    """Write a sound as speech synthesisers do: ``ln max(|STFT(x)| · F, floor)``.

    `log_mel_spectrogram` draws powers in decibels below the loudest one; here the floor is the same for every clip, so
    that a network can learn from one clip and be right for another.

    Args:
        signal: samples, shape ``(samples,)``.
        filters: a `mel_filterbank` F for `length`, shape ``(length // 2 + 1, bands)``.
        length: samples in a window.
        hop: samples from one frame to the next.
        floor: the smallest amplitude that is told from silence, > 0.

    Returns:
        Natural logarithms, shape ``(samples // hop + 1, bands)``; frame t is centred on sample t·hop.

    Example:
        >>> from bmkit.scratch import mel_filterbank
        >>> log_mel_amplitudes(np.zeros(800), mel_filterbank(20, 256, 8000), 256, 128).round(2)[0, :2]
        array([-11.51, -11.51])

    Reference:
        Shen et al. (2018), Natural TTS synthesis by conditioning WaveNet on mel spectrogram predictions, section 2.1,
        https://arxiv.org/abs/1712.05884
    """
    return np.log(np.maximum(abs(short_time_fourier(signal, length, hop, center=True)) @ filters, floor))


def mel_to_magnitudes(log_mel: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Guess the bins from the bands: ``max(0, exp(m) · F⁺)``, with the pseudoinverse of the filters.

    The bands are fewer than the bins, so that what differed within a band is lost: the least squares solution of the
    smallest size is taken.

    Args:
        log_mel: natural logarithms of amplitudes, as `log_mel_amplitudes` gives them, shape ``(frames, bands)``.
        filters: the `mel_filterbank` F of the bands, shape ``(bins, bands)``.

    Returns:
        Magnitudes, ≥ 0, shape ``(frames, bins)``, for `griffin_lim`.

    Example:
        >>> mel_to_magnitudes(np.log([[2.0]]), np.array([[0.0], [1.0], [1.0]]))
        array([[0., 1., 1.]])

    Reference:
        Penrose (1955), A generalized inverse for matrices, https://doi.org/10.1017/S0305004100030401
    """
    return np.maximum(0.0, np.exp(log_mel) @ np.linalg.pinv(filters))


def pulse_train(pitch: np.ndarray, rate: float, *, highest: float) -> np.ndarray:
    """Let the vocal cords knock: all harmonics up to a frequency, ``e[n] = Σₕ cos(h·φₙ)``, ``φₙ = 2π·Σ pitch / rate``.

    The sum over h = 1 … H has a closed form: ``sin((H + ½)·φ) / (2·sin(φ/2)) - ½``.

    Args:
        pitch: frequency of the cords at each sample, in hertz, shape ``(samples,)``; 0 where they rest.
        rate: samples a second, in hertz.
        highest: no harmonic goes beyond this frequency, in hertz.

    Returns:
        Shape ``(samples,)``; H at each knock, 0 where the cords rest.

    Raises:
        ValueError: harmonics above half the rate would be heard as other ones.

    Example:
        >>> pulse_train(np.full(8, 2.0), 8, highest=4.0).round(6)
        array([-1.,  0., -1.,  2., -1.,  0., -1.,  2.])

    Reference:
        Winham and Steiglitz (1970), Input generators for digital sound synthesis, https://doi.org/10.1121/1.1911928
    """
    if not highest <= rate / 2:
        raise ValueError(f"harmonics up to {highest:g} Hz are wanted; expected at most {rate / 2:g} Hz, half the rate.")
    pitch = np.asarray(pitch, dtype=float)
    voiced = pitch > 0
    half = np.pi * np.cumsum(pitch) / rate  # φ / 2
    harmonics = np.floor(highest / np.where(voiced, pitch, np.inf))  # H
    knock = abs(np.sin(half)) < 1e-9  # there the quotient is 0 / 0, and its limit H + ½
    quotient = np.sin((2 * harmonics + 1) * half) / (2 * np.where(knock, 1.0, np.sin(half)))
    return np.where(voiced, np.where(knock, harmonics + 0.5, quotient) - 0.5, 0.0)
