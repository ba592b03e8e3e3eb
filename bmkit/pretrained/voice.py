"""Hibari, a neural voice: text to phonemes, phonemes to a spectrum by a network, the spectrum to a waveform.

The network is run by ONNX Runtime. For each frame of 12.5 ms it tells the pitch and, at 601 frequencies, how the pulses
of the vocal cords are shaped, how much noise is breathed, and what is left. The rest is written out below.
"""

import dataclasses
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bmkit import scratch
from bmkit.console import silenced
from bmkit.data.entries import DataError
from bmkit.data.weights import weight_files
from bmkit.pretrained.pronounce import Lexicon, read_lexicon

__all__ = ["MEL", "RATE", "SILENCE", "Spoken", "Voice", "hibari", "mel_filters", "voice", "waveform"]

RATE, LENGTH, HOP = 24_000, 1200, 300  # samples a second, in a window, from one frame to the next
BINS = LENGTH // 2 + 1
MEL = {"bands": 80, "fft_length": LENGTH, "rate": RATE, "low": 50.0, "high": 7600.0}  # of `Spoken.log_mel`
VOICED, HIGHEST = 40.0, 11_000.0  # hertz: below the first the cords rest, above the second there are no harmonics
LOUDEST = 7.0  # of the logarithms of amplitudes: a slip of the network is not to hurt an ear
SILENCE = "_"  # how the pause before and after a sentence is written; its number is 0
LONGEST, MOST = 2000, 400  # letters of a text, phonemes that the network reads at once
SPEEDS = (0.5, 2.0)
LARGEST = 2**26  # bytes of the network's file; it has 8 MB
PARTS = ("lh", "theta", "ln", "lr", "phi", "f0")  # the outputs of the network
DURATIONS = "/Clip_output_0"  # the inner value of the network that counts 25 ms steps for each phoneme
MEND = "Run `python3 -m bmkit data verify`, then `python3 -m bmkit data fetch`."


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Spoken:
    """A text as the voice says it, and what happens when: lessons for a smaller network.

    `phonemes` has one sign each, `SILENCE` at both ends of a sentence; `durations` counts the frames of 12.5 ms of
    each phoneme; `log_mel`, (frames, 80), float32, holds natural logarithms of amplitudes (`scratch.log_mel_amplitudes`
    with `mel_filters()`); `pitch` is in hertz, 0 where the vocal cords rest; `samples`, float32, 300 a frame.
    """

    phonemes: tuple
    durations: np.ndarray
    pitch: np.ndarray
    log_mel: np.ndarray
    samples: np.ndarray


def mel_filters() -> np.ndarray:
    """Return the filters of `Spoken.log_mel`, for `scratch.mel_to_magnitudes`.

    Returns:
        80 bands from 50 to 7,600 Hz for windows of 1,200 samples, shape (601, 80).

    Example:
        >>> mel_filters().shape
        (601, 80)
    """
    return scratch.mel_filterbank(**MEL)


def waveform(parts: dict[str, np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Turn what the network tells of each frame into sound.

    ``S = exp(lh)·e^{iπ·tanh(theta)}·E + exp(ln)·Z + exp(lr)·e^{i·phi}``: E is the spectrum of pulses at the pitch f0,
    shaped in size and phase; Z is noise; the last term is what neither gives. The sound is the inverse transform of S.

    Args:
        parts: lh, theta, ln, lr and phi, shape (601, frames) each, and f0, in hertz, shape (frames,).
        random: draws the noise.

    Returns:
        float32, 24,000 samples a second, shape (300 · frames,).

    Example:
        >>> still = dict.fromkeys(("lh", "ln", "lr"), np.full((601, 8), -30.0)) | {"f0": np.zeros(8)}
        >>> still |= dict.fromkeys(("theta", "phi"), np.zeros((601, 8)))
        >>> waveform(still, np.random.default_rng(0)).shape
        (2400,)

    Reference:
        Wang, Takaki and Yamagishi (2020), Neural source-filter waveform models, https://arxiv.org/abs/1904.12088
    """
    shaped, noise, rest = (np.exp(np.minimum(parts[name].T, LOUDEST)) for name in ("lh", "ln", "lr"))  # (frames, 601)
    frames = len(shaped)
    at = np.interp((np.arange(HOP * frames) + 0.5) / HOP - 0.5, np.arange(frames), parts["f0"])  # pitch of each sample
    # Where the cords rest their phase goes on unheard, as it did when the network was taught.
    pulses = np.where(at > VOICED, scratch.pulse_train(np.maximum(at, VOICED), RATE, highest=HIGHEST), 0.0)
    # A cosine of size 1 has a peak of LENGTH / 4 under this window.
    excited = scratch.short_time_fourier(pulses, LENGTH, HOP, center=True)[:frames] / (LENGTH / 4)
    spectrum = shaped * np.exp(1j * np.pi * np.tanh(parts["theta"].T)) * excited
    drawn = random.standard_normal((BINS, frames, 2), dtype="float32").T
    spectrum += noise * (drawn[0] + 1j * drawn[1])
    spectrum += rest * np.exp(1j * parts["phi"].T)
    sound = scratch.inverse_short_time_fourier(spectrum, LENGTH, HOP, center=True, samples=HOP * frames)
    return sound.astype("float32")


@dataclasses.dataclass(frozen=True, eq=False)
class Voice:
    """A voice that reads English sentences.

    `session` runs the network, `symbols` gives each phoneme its number, `lexicon` the phonemes of words.
    """

    session: Any
    symbols: dict[str, int] = dataclasses.field(repr=False)
    lexicon: Lexicon = dataclasses.field(repr=False)

    def phonemes(self, text: str) -> str:
        """Pronounce a text.

        Args:
            text: English words of the lexicon and marks, at most 2,000 letters, numbers written as words.

        Returns:
            Its phonemes, one sign each, with spaces and marks.

        Raises:
            TypeError: the text is no `str`.
            ValueError: it is too long, holds no word, or words that cannot be pronounced; the message names them.
        """
        if not isinstance(text, str):
            raise TypeError(f"the text is of type {type(text).__name__}; expected str, one English sentence or more.")
        if len(text) > LONGEST:
            raise ValueError(
                f"the text has {len(text):,} letters; expected at most {LONGEST:,}: let the voice say it in parts."
            )
        return self.lexicon.phonemes(text)

    def say(self, text: str, *, speed: float = 1.0, seed: int = 0) -> tuple[np.ndarray, int]:
        """Speak a text: the same text, speed and seed give the same sound.

        Args:
            text: as `phonemes` takes it.
            speed: 0.5 is slow, 2 is fast.
            seed: of the noise that the voice breathes.

        Returns:
            float32 samples, about -1 to 1, and the samples a second, 24,000.

        Raises:
            TypeError: the text is no `str`.
            ValueError: the text cannot be pronounced or is too long, or the speed lies outside 0.5 to 2.
        """
        random = np.random.default_rng(seed)
        said = [waveform(parts, random) for _, _, parts in self._sentences(text, speed)]
        return np.concatenate(said), RATE

    def align(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Spoken:
        """Speak a text and tell when each phoneme sounds.

        Args:
            text: as `phonemes` takes it.
            speed: 0.5 is slow, 2 is fast.
            seed: of the noise that the voice breathes.

        Returns:
            Phonemes with their durations, pitch, log-mel spectrogram and samples.

        Raises:
            TypeError: the text is no `str`.
            ValueError: the text cannot be pronounced or is too long, or the speed lies outside 0.5 to 2.
        """
        random = np.random.default_rng(seed)
        signs, durations, tuned = zip(*self._sentences(text, speed), strict=True)
        samples = np.concatenate([waveform(parts, random) for parts in tuned])
        log_mel = scratch.log_mel_amplitudes(samples, mel_filters(), LENGTH, HOP)[:-1]  # one frame begins at the end
        return Spoken(
            phonemes=tuple("".join(signs)),
            durations=np.concatenate(durations),
            pitch=np.concatenate([parts["f0"] for parts in tuned]),
            log_mel=log_mel.astype("float32"),
            samples=samples,
        )

    def _sentences(self, text: str, speed: float) -> Iterator[tuple[str, np.ndarray, dict[str, np.ndarray]]]:
        """Let the network read sentence by sentence: phonemes with the silence, their frames, the outputs."""
        if not SPEEDS[0] <= speed <= SPEEDS[1]:
            raise ValueError(f"speed is {speed}; expected {SPEEDS[0]} to {SPEEDS[1]:g}, where 1 is the usual pace.")
        whole = self.phonemes(text)
        for sentence in re.split(r"(?<=[.!?…]) ", whole):
            for part in textwrap.wrap(sentence, MOST, break_on_hyphens=False):
                signs = SILENCE + "".join(sign for sign in part if sign in self.symbols) + SILENCE
                yield signs, *self._read(signs, speed)

    def _read(self, signs: str, speed: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        numbers = [[0, *(self.symbols[sign] for sign in signs[1:-1]), 0]]
        given = {"ids": np.array(numbers, "int64"), "speed": np.array([speed], "float32")}
        *found, steps = self.session.run([*PARTS, DURATIONS], given)
        parts = {name: values[0] for name, values in zip(PARTS, found, strict=True)}
        durations = 2 * steps.astype("int64")  # a step of the durations is two frames
        frames = int(durations.sum())
        shapes = {name: values.shape for name, values in parts.items()}
        if durations.shape != (len(signs),) or shapes != dict.fromkeys(PARTS, (BINS, frames)) | {"f0": (frames,)}:
            raise DataError(f"the network gives {shapes} for durations of {frames} frames in all. {MEND}")
        return durations, parts


def _message(field: int, content: bytes) -> bytes:
    """Write one field of a protocol buffer: its number, the length, the content."""
    length, size = b"", len(content)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + content


def _session(network: bytes, name: str) -> Any:
    """Start the network with its durations as one more output.

    Two protocol buffers, one behind the other, are one that holds the lists of both: so an output is added to the
    graph (field 7 of a model; field 12 of a graph; field 1, its name) without touching the file.
    """
    if len(network) > LARGEST:
        raise DataError(f"{name} has {len(network):,} bytes, expected at most {LARGEST:,}; it was not read.")
    with silenced():  # on some computers it complains about graphics cards that it does not find
        import onnxruntime
    onnxruntime.disable_telemetry_events()  # on Windows it would report to its maker
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # faster than any learner needs, and repeatable
    options.log_severity_level = 4
    added = _message(7, _message(12, _message(1, DURATIONS.encode())))
    try:
        session = onnxruntime.InferenceSession(network + added, options, providers=["CPUExecutionProvider"])
        taken = {one.name: (one.type, len(one.shape)) for one in session.get_inputs()}
        given = [one.name for one in session.get_outputs()]
    except Exception as error:  # its errors have no common class
        told = " ".join(str(error).split())[:200]
        raise DataError(f"{name} cannot be read as the network of a voice ({told}). {MEND}") from error
    if taken != {"ids": ("tensor(int64)", 2), "speed": ("tensor(float)", 1)} or given != [*PARTS, DURATIONS]:
        raise DataError(f"{name} takes {taken} and gives {given}; expected ids and speed, and {', '.join(PARTS)}.")
    return session


def _symbols(content: bytes, name: str) -> dict[str, int]:
    """Read the numbers of the phonemes."""
    try:
        symbols = json.loads(content)
        sound = all(len(sign) == 1 and type(number) is int and 0 < number < 178 for sign, number in symbols.items())
    except (ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"{name} is no list of phonemes ({type(error).__name__}). {MEND}") from error
    if not sound or SILENCE in symbols:
        raise DataError(f"{name} is no list of phonemes; expected single signs with numbers from 1 to 177. {MEND}")
    return symbols


def voice(folder: Path) -> Voice:
    """Read a voice: its network, its alphabet and its lexicon.

    Args:
        folder: holds hibari.onnx, vocab.json, lexicon_us_gold.json.gz and lexicon_us_silver.json.gz.

    Returns:
        The voice.

    Raises:
        bmkit.data.DataError: a file is missing or damaged.
    """
    names = ("hibari.onnx", "vocab.json", "lexicon_us_gold.json.gz", "lexicon_us_silver.json.gz")
    for name in names:
        if not (folder / name).is_file():
            raise DataError(f"the voice lacks its file {name}; expected {', '.join(names)}. {MEND}")
    network, symbols, *lists = ((folder / name).read_bytes() for name in names)
    session = _session(network, names[0])
    return Voice(session, _symbols(symbols, names[1]), read_lexicon(dict(zip(names[2:], lists, strict=True))))


def hibari() -> Voice:
    """Load Hibari's American voice, taught by Kokoro-82M's "af_heart"; Keras is not needed.

    Returns:
        The voice.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("hibari") as folder:
        return voice(folder)
