"""Words spoken by a synthesiser in many voices, none of which is shared by two splits."""

import re

import numpy as np

from bmkit.data.draw import Members, Splits, cut, grouped
from bmkit.data.entries import DataError, Description
from bmkit.data.voices import families, synthesise

__all__ = ["read"]

ACCENTS = ("en-US", "en", "en-GB-scotland", "en-GB-x-rp")
# Left out: robots, echoes, whispers and jokes, and all but some of the voices of a large family.
VOICES = """adam caleb ed grandpa john klatt2 m7 max Mike pedro quincy robert Nguyen m1 m3 m8 Alex Alicia Andrea Andy
AnxiousAndy Annie Denis Diogo anika Gene Gene2 Jacky Lee Marco Mario Michael Reed antonio aunty f4 belinda boris david
edward edward2 f1 steph f2 f5 f3 grandma gustave marcelo ian iven iven3 linda m2 m4 m5 mike2 norbert paul sandro shelby
travis victor zac""".split()  # noqa: SIM905 - one a line would take a page


def _recorded(clip: np.ndarray, rate: int, size: int, drawn: np.random.Generator) -> np.ndarray:
    """Lay a word into one second at a drawn place, loudness and noise, and thin it out to `size` samples."""
    spectrum = np.fft.rfft(clip)
    spectrum[np.fft.rfftfreq(len(clip), 1 / rate) < 50] = 0  # some voices drift, which no ear and no microphone takes
    word = np.fft.irfft(spectrum, len(clip))
    loud = np.flatnonzero(np.abs(word) > 0.02 * np.abs(word).max())
    word = word[loud[0] : loud[-1] + 1][:rate]
    second = np.zeros(rate)
    start = drawn.integers(rate - len(word) + 1)
    second[start : start + len(word)] = word
    spectrum = np.fft.rfft(second)[: size // 2 + 1]  # what lies above half the new rate is cut off
    spectrum[-1] = 0
    sound = np.fft.irfft(spectrum, size)
    power = (sound**2).sum() / (len(word) * size / rate)  # of the word, not of the silence around it
    sound += drawn.normal(0, np.sqrt(power / 10 ** (drawn.uniform(10, 30) / 10)), size)
    return np.round(sound * (drawn.uniform(0.2, 0.9) * 32767 / np.abs(sound).max())).astype(np.int16)


def _high(variant: str) -> bool:
    """Tell whether a voice file sets the lowest pitch to 120 Hz or more."""
    lowest = re.search(r"^pitch\s+(\d+)", variant, re.M)
    return bool(lowest) and int(lowest[1]) >= 120


def read(members: Members, description: Description) -> Splits:
    """Let each voice say each word once per accent; voices of one family are in one split."""
    folder = "espeakng_loader/espeak-ng-data/voices/!v/"
    missing = [voice for voice in VOICES if folder + voice not in members]
    if missing:
        raise DataError(f"the parcel has no voices {', '.join(missing)}; mend VOICES in bmkit/data/readers/words.py.")
    variants = {voice: members[folder + voice].decode(errors="replace") for voice in VOICES}
    drawn = np.random.default_rng(0)
    said = [(voice, accent, y) for voice in VOICES for accent in ACCENTS for y in range(len(description.classes))]
    voice, accent, y = (np.array(column, dtype=object) for column in zip(*said, strict=True))
    pitch, speed = drawn.integers(30, 71, len(said)).tolist(), drawn.integers(120, 201, len(said)).tolist()
    names = [f"{accent}+{voice}" for voice, accent, _ in said]
    jobs = list(zip(names, [description.classes[code] for *_, code in said], pitch, speed, strict=True))
    rate, clips = synthesise(members, jobs)
    size = description.x["waveform"].shape[0]
    waveform = np.stack([_recorded(clip, rate, size, drawn) for clip in clips])
    family = families(variants)
    chosen = grouped(np.array([family[name] for name in voice]), np.array([_high(variants[name]) for name in voice]))
    x = {"waveform": waveform, "voice": voice, "accent": accent}
    return cut(x, y.astype(np.int64), chosen)
