"""The reader that lets a synthesiser say words in many voices, none of which is shared by two splits."""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bmkit.data import speak
from bmkit.data.cache import storage_errors, work_folder
from bmkit.data.draw import Members, Splits, grouped
from bmkit.data.manifest import SPLITS, DataError, Description

__all__ = ["READERS", "families", "synthesise"]

ACCENTS = ("en-US", "en", "en-GB-scotland", "en-GB-x-rp")
# Left out: robots, echoes, whispers and jokes, and all but some of the voices of a large family.
VOICES = """adam caleb ed grandpa john klatt2 m7 max Mike pedro quincy robert Nguyen m1 m3 m8 Alex Alicia Andrea Andy
AnxiousAndy Annie Denis Diogo anika Gene Gene2 Jacky Lee Marco Mario Michael Reed antonio aunty f4 belinda boris david
edward edward2 f1 steph f2 f5 f3 grandma gustave marcelo ian iven iven3 linda m2 m4 m5 mike2 norbert paul sandro shelby
travis victor zac""".split()  # noqa: SIM905 - one a line would take a page
LIMIT = 300  # seconds that speaking may take; it takes some ten


def families(variants: dict[str, str]) -> dict[str, int]:
    """Number the voices so that those whose vowels are alike share a number.

    Two voices are alike when their first three formants, the resonances of the mouth, are moved by nearly the same
    percentage: 2 points at most each. Those alike to a third one are in its family, too.

    Args:
        variants: contents of eSpeak NG's voice files by name, with lines as "formant 1 97 100 100".

    Returns:
        The number of the family, from 0, by name, in the order of the names given.

    Example:
        >>> families({"a": "formant 1 97 100 100", "b": "formant 2 120 90 90", "c": "pitch 80 110"})
        {'a': 0, 'b': 1, 'c': 2}
        >>> families({"a": "formant 1 97 100 100", "b": "formant 1 98 90 90", "c": "pitch 80 110"})
        {'a': 0, 'b': 0, 'c': 0}

    Reference:
        eSpeak NG, "Voice files", https://github.com/espeak-ng/espeak-ng/blob/master/docs/voices.md
    """
    lines = re.compile(r"^formant[ \t]+([123])[ \t]+(\d+)", re.M)
    moved = [
        ({1: 100, 2: 100, 3: 100} | {int(n): int(share) for n, share in lines.findall(v)}) for v in variants.values()
    ]
    shares = np.array([list(one.values()) for one in moved])
    alike = np.abs(shares[:, None] - shares).max(axis=-1) <= 2
    family = np.arange(len(shares))
    for _ in shares:  # a chain is at most as long as there are voices
        family = np.array([family[row].min() for row in alike])
    return dict(zip(variants, np.unique(family, return_inverse=True)[1].tolist(), strict=True))


def synthesise(members: Members, jobs: list) -> tuple[int, list[np.ndarray]]:
    """Speak words in another process, which a fault in the library may stop without harm.

    Args:
        members: the library and its data, by member name of the parcel.
        jobs: `[voice, word, pitch, speed]` each, as `bmkit.data.speak.speak` takes them.

    Returns:
        The sampling rate in Hz, and 16-bit samples per job, each of shape (samples,).

    Raises:
        DataError: the library cannot be loaded or used on this computer.

    Example:
        >>> synthesise({"a/libespeak-ng.so": b"no library"}, [])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the speech synthesiser eSpeak NG cannot be used on this computer ...

    Reference:
        eSpeak NG, https://github.com/espeak-ng/espeak-ng
    """
    with work_folder() as folder, storage_errors("laying out the speech synthesiser"):
        for name, content in members.items():
            file = folder.joinpath(*name.split("/")[1:])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        library = min((name.split("/")[1] for name in members if "libespeak" in name or "ng.dll" in name), key=len)
        command = [sys.executable, "-P", str(Path(speak.__file__).absolute()), library]
        given = {"cwd": folder, "input": json.dumps(jobs), "capture_output": True, "text": True, "errors": "replace"}
        try:
            run = subprocess.run(command, timeout=LIMIT, check=False, **given)
            code, told = run.returncode, run.stderr.strip().splitlines()[-1:]
        except subprocess.TimeoutExpired:
            code, told = "none", [f"it did not end within {LIMIT} seconds"]
        if code != 0:
            raise DataError(
                f"the speech synthesiser eSpeak NG cannot be used on this computer ({platform.system()} "
                f"{platform.machine()}; exit code {code}; {''.join(told)[:300] or 'it said nothing'}). Prepare the set "
                "on another computer and copy the folder `sets` of its cache here (the environment variable "
                "BMKIT_CACHE says where it is), or work with real speech: japanese_vowels."
            )
        told = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        samples = np.fromfile(folder / "clips.raw", np.int16)
    return told["rate"], np.split(samples, np.cumsum(told["lengths"]))[:-1]


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


def words(members: Members, description: Description) -> Splits:
    """Let each voice say each word once per accent; voices of one family are in one split."""
    folder = "espeakng_loader/espeak-ng-data/voices/!v/"
    missing = [voice for voice in VOICES if folder + voice not in members]
    if missing:
        raise DataError(f"the parcel has no voices {', '.join(missing)}; mend VOICES in bmkit/data/voices.py.")
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
    return {
        split: ({name: column[rows] for name, column in x.items()}, y[rows].astype(np.int64))
        for split, rows in zip(SPLITS, chosen, strict=True)
    }


READERS: dict[str, Callable[[Members, Description], Splits]] = {"words": words}
