"""Sounds as a recogniser wants them: one channel, 16,000 samples a second, in pieces of half a minute at most."""

import math
import numbers
from typing import Any

import numpy as np
from scipy import signal

from bmkit.errors import Error

__all__ = ["SoundError", "one_channel", "pieces"]

LEAST_SECONDS = 0.1
RATES = (4_000, 384_000)  # samples a second: below a telephone's, above a studio's
MOST_CHANNELS = 8
LOUDEST = 2.0  # decoders overshoot 1 a little; what is louder is on another scale
QUIET = 0.2  # seconds over which loudness is compared where a long sound is cut


class SoundError(Error, ValueError):
    """A sound that cannot be taken; the sentence says what it is like and what was expected."""


def one_channel(sound: Any, sample_rate: int, *, wanted: int = 16_000) -> np.ndarray:
    """Bring a sound to one channel and another sample rate.

    Channels are averaged. Another rate is reached by a polyphase filter, which takes away what the new rate cannot
    hold.

    Args:
        sound: samples, shape ``(time,)`` or ``(time, channels)``: floating-point numbers in [-1, 1], signed integers
            over their whole range, or unsigned bytes, silent at 128.
        sample_rate: samples a second, 4,000 to 384,000.
        wanted: samples a second of the answer.

    Returns:
        float32 of shape ``(time,)``.

    Raises:
        SoundError: there is no sound, or less than a tenth of a second; it has another shape, type or scale; it holds
            what is no number; or the rate is none.

    Example:
        >>> stereo = np.zeros((44_100, 2), "int16")
        >>> one_channel(stereo, 44_100).shape
        (16000,)

    Reference:
        scipy.signal.resample_poly,
        https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.resample_poly.html
    """
    if not isinstance(sample_rate, numbers.Integral) or not RATES[0] <= sample_rate <= RATES[1]:
        raise SoundError(
            f"sample_rate is {sample_rate!r}; expected a whole number of samples a second, {RATES[0]:,} to "
            f"{RATES[1]:,}."
        )
    sound = np.asarray(sound)
    if sound.ndim not in (1, 2) or (sound.ndim == 2 and not 1 <= sound.shape[1] <= MOST_CHANNELS):
        raise SoundError(
            f"the sound has shape {sound.shape}; expected (time,) or (time, channels) with at most {MOST_CHANNELS} "
            "channels: where channels come first, transpose it."
        )
    if (seconds := len(sound) / sample_rate) < LEAST_SECONDS:
        raise SoundError(f"the sound lasts {seconds:.3f} s; give at least {LEAST_SECONDS} s.")
    sound = _scaled(sound)
    sound = sound.mean(axis=1) if sound.ndim == 2 else sound
    shared = math.gcd(int(sample_rate), wanted)
    if sample_rate != wanted:
        sound = signal.resample_poly(sound, wanted // shared, int(sample_rate) // shared)
    return sound.astype("float32")


def _scaled(sound: np.ndarray) -> np.ndarray:
    """Turn samples of any usual type into floating-point numbers in [-1, 1], or refuse them."""
    if sound.dtype == np.uint8:
        return (sound.astype("float32") - 128) / 128
    if sound.dtype.kind == "i":
        return sound.astype("float32") / -float(np.iinfo(sound.dtype).min)
    if sound.dtype.kind != "f":
        raise SoundError(f"the samples are of type {sound.dtype}; expected floating-point numbers or signed integers.")
    if not np.isfinite(sound).all():
        raise SoundError("the sound holds samples that are infinite or no number; replace them or record it again.")
    if (peak := float(np.abs(sound).max())) > LOUDEST:
        raise SoundError(
            f"the sound reaches {peak:,.1f}; expected floating-point numbers in [-1, 1]: divide by the largest value "
            "that its format has, as 32,768 for 16 bits."
        )
    return sound.astype("float32")


def pieces(sound: np.ndarray, *, sample_rate: int = 16_000, most_seconds: float = 30, search: float = 8) -> list:
    """Cut a long sound where it is quietest, so that hardly a word is cut in two.

    Args:
        sound: samples, shape ``(time,)``.
        sample_rate: samples a second.
        most_seconds: length of a piece at most.
        search: the cut is sought in so many seconds before that length.

    Returns:
        The pieces in order; together they are the sound.

    Example:
        >>> sound = np.ones(50)
        >>> sound[27] = 0  # a pause
        >>> [len(piece) for piece in pieces(sound, sample_rate=1, most_seconds=30, search=8)]
        [27, 23]
    """
    cut, longest = [], int(most_seconds * sample_rate)
    width = max(1, int(QUIET * sample_rate))
    while len(sound) > longest:
        first = longest - int(search * sample_rate)
        sums = np.cumsum(np.square(sound[first:longest], dtype="float64"))
        place = first + int((sums[width:] - sums[:-width]).argmin()) + 1 + width // 2
        cut.append(sound[:place])
        sound = sound[place:]
    return [*cut, sound]
