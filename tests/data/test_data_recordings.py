"""Recordings: one sound out of a parcel, with its text; whatever is wrong with it is one clear error."""

import io
import wave

import numpy as np
import pytest
from shop import PARCEL

from bmkit import data
from bmkit.course import needs
from bmkit.data import manifest
from bmkit.data.recordings import read_wave

pytest_plugins = ["shop"]  # the fixture shop

VALUES = np.array([0, 16_384, -32_768, 32_767], "<i2")
ENTRY = """
title = "Four samples"
parcel = "bmkit-tiny"
member = "bmkit_tiny/voice.wav"
sample_rate = 8000
samples = 4
text = "Four."
licence = "CC0"
citation = "none"
reference = "https://example.org"
"""


def written(values=VALUES, *, rate=8000, channels=1, width=2):
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(values.tobytes())
    return content.getvalue()


@pytest.fixture
def voice_shop(shop):
    shop.pack(**{"bmkit_tiny/voice.wav": written()})
    shop.pin()
    shop.describe("recordings/voice", ENTRY)
    return shop


def test_a_recording_is_described_fetched_verified_and_read(voice_shop, capfd):
    about = str(data.describe("voice"))
    assert "4 samples, 8,000 a second" in about and "bmkit-tiny 1.0 (0.7 MB)" in about and "licence: CC0" in about
    assert list(data.recordings()) == ["voice"]
    (problem,) = data.verify(["voice"])
    assert "voice: it is not fetched yet; run `python3 -m bmkit data fetch voice`" in problem
    data.fetch(["voice"])
    assert "fetching bmkit-tiny 1.0 (0.7 MB), once" in capfd.readouterr().err
    assert data.verify(["voice"]) == []
    sound = data.recording("voice")
    assert (sound.name, sound.sample_rate, sound.text, sound.samples.dtype) == ("voice", 8000, "Four.", "float32")
    assert sound.samples.tolist() == [0, 0.5, -1, 32_767 / 32_768]


def test_without_names_recordings_are_fetched_too(voice_shop):
    voice_shop.describe("recordings/voice", ENTRY.replace("bmkit-tiny", "other"))
    voice_shop.describe("parcels/other", PARCEL.format(file="other-1.0-py3-none-any.whl", sha256="0" * 64, bytes=1))
    with pytest.raises(data.DataError, match=r"other 1\.0 could not be fetched"):
        data.fetch()


def test_a_damaged_parcel_is_never_served(voice_shop, monkeypatch):
    voice_shop.stock()
    content = bytearray(voice_shop.parcel().read_bytes())
    content[len(content) // 2] ^= 1
    voice_shop.parcel().write_bytes(content)
    (problem,) = data.verify("voice")
    assert "its SHA-256 is" in problem
    monkeypatch.setenv("PIP_FIND_LINKS", str(voice_shop.folder / "nowhere"))
    with pytest.raises(data.DataError, match="without a network"):
        data.recording("voice")


def test_an_unknown_recording_is_answered_with_those_there_are(voice_shop):
    with pytest.raises(data.DataError, match="there is no recording 'voices'; there are: voice"):
        data.recording("voices")


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ('parcel = "bmkit-tiny"', 'parcel = "tiny"', "the recording comes from 'tiny'; allowed: bmkit-tiny"),
        ('parcel = "bmkit-tiny"', "", "the recording comes from None"),
        ('parcel = "bmkit-tiny"', "parcel = []", "cannot be read as an entry|comes from"),
        ("bmkit_tiny/voice.wav", "../voice.wav", "member is '../voice.wav', expected a name inside the parcel"),
        ("= 8000", "= 0", "sample_rate is 0, expected 1 or more"),
        ("samples = 4\n", "samples = -4\n", "samples is -4, expected 1 or more"),
        ("samples = 4\n", "samples = 4.0\n", "samples is 4.0, expected int"),
        ('text = "Four."\n', "", "the recording lacks text"),
        ('text = "Four."', 'words = "Four."', "lacks text"),
        ('title = "', 'name = "a"\ntitle = "', "the recording has name = 'a', which follows from the rest"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(voice_shop, line, instead, message):
    assert line in ENTRY
    voice_shop.describe("recordings/voice", ENTRY.replace(line, instead))
    with pytest.raises(data.DataError, match=message) as told:
        manifest.read(voice_shop.data)
    assert "voice.toml" in str(told.value)


ABOUT = {
    "sound": written(),
    "cut": written()[:-3],
    "a head": written()[:20],
    "nothing": b"",
    "noise": bytes(range(256)),
}
ABOUT |= {"stereo": written(channels=2), "8 bits": written(width=1), "another rate": written(rate=16_000)}
ABOUT |= {
    "longer": written(np.zeros(5, "<i2")),
    "absurd": written().replace(b"data\x08\0\0\0", b"data\xff\xff\xff\x7f"),
}


@pytest.mark.parametrize("name", ABOUT)
def test_another_sound_is_one_clear_error(voice_shop, name):
    about = data.describe("voice")
    if name in ("sound", "absurd"):  # a length that reaches past the end means: to the end
        assert len(read_wave(ABOUT[name], about)) == 4
        return
    with pytest.raises(data.DataError, match=r"the recording voice (cannot be read as a WAV|has .channels)") as told:
        read_wave(ABOUT[name], about)
    assert str(told.value).isprintable()


def test_a_notebook_needs_the_recording_that_it_names():
    assert list(needs.needs(["from bmkit import data", "data.recording('two_cities')"])) >= ["recording two_cities"]
    assert not [one for one in needs.needs(["x = 'three_cities'"]) if one.startswith("recording")]


@pytest.mark.slow
def test_the_real_recording_is_what_its_entry_says():
    sound = data.recording("two_cities")
    assert sound.samples.shape == (2_129_958,) and 0.1 < np.abs(sound.samples).max() < 1
    assert len(sound.text.split()) == 118 and "\n" not in sound.text
