"""From sound pressure to a picture of it: windows, the short-time Fourier transform, the mel scale, decibels.

Axes: ``samples`` of a signal, ``frames`` of it over time, ``bins`` of frequency, ``bands`` of the mel scale.
"""

import numpy as np

from bmkit.scratch.sequences import frame_signal

__all__ = [
    "decibels",
    "hann_window",
    "hertz_to_mel",
    "log_mel_spectrogram",
    "mel_filterbank",
    "mel_to_hertz",
    "short_time_fourier",
    "vocal_tract_warp",
]


def hann_window(length: int) -> np.ndarray:
    """Fade a frame in and out: ``wₙ = ½ - ½·cos(2πn / length)``.

    Args:
        length: samples of the frame.

    Returns:
        Weights in [0, 1], shape ``(length,)``; the window is periodic: it would go on with its first weight, 0.

    Raises:
        ValueError: the length is not positive.

    Example:
        >>> hann_window(4)
        array([0. , 0.5, 1. , 0.5])

    Reference:
        Harris (1978), On the use of windows for harmonic analysis with the discrete Fourier transform,
        https://doi.org/10.1109/PROC.1978.10837
    """
    if length < 1:
        raise ValueError(f"a window of {length} samples holds nothing; at least 1 is needed.")
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)


def short_time_fourier(
    signal: np.ndarray, length: int, hop: int, *, fft_length: int | None = None, center: bool = False
) -> np.ndarray:
    """Transform each windowed frame: ``S[t, k] = Σₙ wₙ · signal[t·hop + n] · exp(-2πi·k·n / fft_length)``.

    Args:
        signal: samples, shape ``(samples,)``.
        length: samples in a Hann window.
        hop: samples from the start of one frame to the start of the next.
        fft_length: samples that are transformed; the window stands in their middle. `length` when None.
        center: mirror the signal at both ends by half of `fft_length`, so that frame t is centred on sample t·hop.

    Returns:
        Complex numbers, shape ``(frames, fft_length // 2 + 1)``; bin k is the frequency ``k · rate / fft_length``.

    Raises:
        ValueError: the window is longer than what is transformed, or the signal is too short for one frame.

    Example:
        >>> wave = np.cos(2 * np.pi * np.arange(16) / 4)  # one turn in 4 samples: bin 2 of 8
        >>> abs(short_time_fourier(wave, length=8, hop=8)).round(3)
        array([[0., 1., 2., 1., 0.],
               [0., 1., 2., 1., 0.]])

    Reference:
        Allen and Rabiner (1977), A unified approach to short-time Fourier analysis and synthesis,
        https://doi.org/10.1109/PROC.1977.10770
    """
    fft_length = length if fft_length is None else fft_length
    signal = np.asarray(signal, dtype=float)
    if fft_length < length:
        raise ValueError(f"the window of {length} samples does not fit into fft_length {fft_length}; make it larger.")
    if center:
        if signal.shape[-1:] < (fft_length // 2 + 1,):
            raise ValueError(
                f"a signal of shape {signal.shape} cannot be mirrored by {fft_length // 2} samples; "
                f"at least {fft_length // 2 + 1} samples are needed."
            )
        signal = np.pad(signal, fft_length // 2, mode="reflect")
    before = (fft_length - length) // 2
    window = np.pad(hann_window(length), (before, fft_length - length - before))  # (fft_length,)
    return np.fft.rfft(frame_signal(signal, fft_length, hop) * window)  # (frames, bins)


def hertz_to_mel(frequency: np.ndarray | float) -> np.ndarray:
    """Say where the ear places a frequency: ``m = 1127 · ln(1 + f / 700)``.

    Args:
        frequency: in hertz, ≥ 0, any shape.

    Returns:
        Mels, same shape: equal steps sound about equally large; 1000 Hz are 1000 mel.

    Example:
        >>> hertz_to_mel(np.array([0.0, 1000.0])).round()
        array([   0., 1000.])

    Reference:
        Stevens, Volkmann and Newman (1937), A scale for the measurement of the psychological magnitude pitch,
        https://doi.org/10.1121/1.1915893
    """
    return 1127.0 * np.log1p(np.asarray(frequency, dtype=float) / 700.0)


def mel_to_hertz(mel: np.ndarray | float) -> np.ndarray:
    """Go back from the ear's scale: ``f = 700 · (exp(m / 1127) - 1)``.

    Args:
        mel: ≥ 0, any shape.

    Returns:
        Hertz, same shape.

    Example:
        >>> mel_to_hertz(hertz_to_mel(440.0)).round(6)
        np.float64(440.0)

    Reference:
        Stevens, Volkmann and Newman (1937), https://doi.org/10.1121/1.1915893
    """
    return 700.0 * np.expm1(np.asarray(mel, dtype=float) / 1127.0)


def mel_filterbank(
    bands: int, fft_length: int, rate: float, *, low: float = 20.0, high: float | None = None
) -> np.ndarray:
    """Lay overlapping triangles over the frequencies, of equal width in mel: ``F[k, b] = max(0, min(up, down))``.

    Band b rises from edge b to edge b+1, where it is 1, and falls to edge b+2. The edges lie at equal distances on the
    mel scale, and so the slopes are straight there.

    Args:
        bands: number of triangles.
        fft_length: samples that were transformed.
        rate: samples a second, in hertz.
        low: where the first triangle begins, in hertz.
        high: where the last one ends, in hertz; half the rate when None.

    Returns:
        Weights in [0, 1], shape ``(fft_length // 2 + 1, bands)``: ``power @ F`` gives the bands. Bin 0 counts nowhere.

    Raises:
        ValueError: the edges do not lie in 0 … rate/2, low below high, or there is no band.

    Example:
        >>> mel_filterbank(2, 8, 8000).round(2)
        array([[0.  , 0.  ],
               [0.63, 0.37],
               [0.  , 0.89],
               [0.  , 0.38],
               [0.  , 0.  ]])

    Reference:
        Davis and Mermelstein (1980), Comparison of parametric representations for monosyllabic word recognition,
        https://doi.org/10.1109/TASSP.1980.1163420
    """
    high = rate / 2 if high is None else high
    if bands < 1 or not 0 <= low < high <= rate / 2:
        raise ValueError(
            f"{bands} bands from {low:g} to {high:g} Hz; expected at least one band and edges with "
            f"0 ≤ low < high ≤ {rate / 2:g} Hz, half the sampling rate."
        )
    bins = hertz_to_mel(np.linspace(0.0, rate / 2, fft_length // 2 + 1))[:, np.newaxis]  # (bins, 1)
    edges = np.linspace(hertz_to_mel(low), hertz_to_mel(high), bands + 2)
    start, middle, end = edges[:-2], edges[1:-1], edges[2:]  # each (bands,)
    triangles = np.maximum(0.0, np.minimum((bins - start) / (middle - start), (end - bins) / (end - middle)))
    triangles[0] = 0.0  # a constant pressure is not heard
    return triangles


def decibels(power: np.ndarray, *, floor: float = 1e-10, range_db: float = 80.0) -> np.ndarray:
    """Write powers on the ear's scale of loudness: ``10·log₁₀ max(power, floor)``, cut off `range_db` below the top.

    Args:
        power: ≥ 0, any shape.
        floor: the smallest power that is told from silence.
        range_db: how far below the loudest value the quietest one may lie, in decibels.

    Returns:
        Decibels, same shape; a power of 1 is 0 dB, ten times the power is 10 dB more.

    Example:
        >>> decibels(np.array([0.0, 1.0, 100.0]))
        array([-60.,   0.,  20.])

    Reference:
        Keras documentation, MelSpectrogram, https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/
    """
    loudness = 10.0 * np.log10(np.maximum(np.asarray(power, dtype=float), floor))
    return np.maximum(loudness, loudness.max() - range_db)


def log_mel_spectrogram(
    signal: np.ndarray, rate: float, *, length: int, hop: int, bands: int, low: float = 20.0, high: float | None = None
) -> np.ndarray:
    """Draw what the ear hears: ``decibels(|short_time_fourier(signal)|² · mel_filterbank)``.

    Args:
        signal: samples, shape ``(samples,)``.
        rate: samples a second, in hertz.
        length: samples in a window and in what is transformed.
        hop: samples from one frame to the next.
        bands: number of mel bands.
        low: where the lowest band begins, in hertz.
        high: where the highest one ends, in hertz; half the rate when None.

    Returns:
        Decibels, shape ``(samples // hop + 1, bands)``: time runs along the first axis. ``keras.layers.MelSpectrogram``
        gives the same numbers with its two axes exchanged.

    Raises:
        ValueError: the signal is too short, or the band edges do not lie in 0 … rate/2.

    Example:
        >>> log_mel_spectrogram(np.sin(np.arange(800.0)), 8000, length=256, hop=128, bands=20).shape
        (7, 20)

    Reference:
        Davis and Mermelstein (1980), https://doi.org/10.1109/TASSP.1980.1163420
    """
    power = abs(short_time_fourier(signal, length, hop, center=True)) ** 2  # (frames, bins)
    return decibels(power @ mel_filterbank(bands, length, rate, low=low, high=high))


def vocal_tract_warp(factor: float, coefficients: int = 13, *, bands: int = 128, highest: float = 4000.0) -> np.ndarray:
    """Make a matrix that turns cepstral coefficients into those of a longer or shorter vocal tract: ``c' = W·c``.

    The coefficients are the cosine transform of a logarithmic mel spectrum. Go back to that spectrum, read it at
    frequencies that are `factor` times as high, and transform again: ``W = D·R·Dᵀ``. What lies above the highest
    frequency is read there.

    Args:
        factor: the tract's length over that of the speaker; 1 changes nothing, more moves all resonances down.
        coefficients: how many the frames have, from the first one (the mean of the spectrum) on.
        bands: mel bands of the spectrum.
        highest: upper end of the spectrum, in hertz.

    Returns:
        Matrix of shape ``(coefficients, coefficients)``.

    Example:
        >>> np.allclose(vocal_tract_warp(1.0), np.eye(13))
        True

    Reference:
        N. Jaitly, G. E. Hinton (2013), Vocal tract length perturbation (VTLP) improves speech recognition
    """
    centres = np.linspace(0, hertz_to_mel(highest), bands + 2)[1:-1]
    cosines = np.cos(np.pi * np.outer(np.arange(coefficients), np.arange(bands) + 0.5) / bands) * np.sqrt(2 / bands)
    cosines[0] /= np.sqrt(2)  # (coefficients, bands), rows of length 1
    read_at = hertz_to_mel(np.minimum(factor * mel_to_hertz(centres), highest))
    moved = np.array([np.interp(read_at, centres, row) for row in cosines])
    return cosines @ moved.T
