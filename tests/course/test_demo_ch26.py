"""The demo of chapter 26 in a real Chromium: a recording and a file are written down; what is no speech is refused."""

import io
import re
import wave

import demos
import numpy as np
import pytest
import test_demo_browser
from test_demo_browser import ALLOWED, DEVICE, browsing, chosen, opened, playwright, refused, said, tone

from bmkit import data

__all__ = ["playwright"]  # a fixture, found here by its name

pytestmark = [*test_demo_browser.pytestmark, pytest.mark.slow]

WORDS = r"Whisper writes: .*best of times.*worst of times"


def wav(samples, rate):
    """Write samples in -1 to 1, shape (time,) or (time, channels), as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1 if samples.ndim == 1 else samples.shape[1], 2, rate, 0, "NONE", ""))
        sound.writeframes((32_767 * np.clip(samples, -1, 1)).astype("<i2").tobytes())
    return file.getvalue()


@pytest.fixture(scope="module")
def passage():
    """The first seconds of A Tale of Two Cities, and their samples a second."""
    recording = data.recording("two_cities")
    return recording.samples[: 6 * recording.sample_rate], recording.sample_rate


@pytest.fixture(scope="module")
def kit():
    """Start the demo of the chapter itself."""
    with demos.running("26") as kit:
        yield kit


@pytest.fixture(scope="module")
def page(playwright, kit, passage, tmp_path_factory):
    """A browser whose microphone hears the passage, again and again."""
    file = tmp_path_factory.mktemp("microphone") / "passage.wav"
    file.write_bytes(wav(*passage))
    with browsing(playwright, ALLOWED, DEVICE, f"--use-file-for-fake-audio-capture={file}") as page:
        yield opened(page, kit, "26")


def test_a_file_is_written_down_also_in_stereo_at_another_rate(page, passage):
    samples, rate = passage
    chosen(page, wav(samples, rate))
    said(page, WORDS)
    times = np.arange(6 * 44_100) / 44_100
    channel = np.interp(times, np.arange(len(samples)) / rate, samples)
    chosen(page, wav(np.stack([channel, channel], axis=1), 44_100), "stereo.wav")
    said(page, WORDS)
    assert page.locator(".bmkit-given audio").count() == 1, "what was given can be heard"


def test_the_examples_are_answered(page):
    page.get_by_role("button", name="a passage of Dickens").click()
    said(page, WORDS)
    page.get_by_role("button", name="silence").click()
    said(page, "Nobody seems to speak here; say something and try again.")


def test_a_recording_is_written_down(page):
    page.get_by_role("button", name="Record").click()
    page.get_by_role("button", name=re.compile(r"Stop \(6 s\)")).click()
    told = said(page, "Whisper writes: ")
    assert re.search("(best|worst) of times", told), told


def test_what_is_no_speech_gets_one_sentence(page):
    hiss = np.clip(0.1 * np.random.default_rng(0).normal(size=4 * 16_000), -1, 1)
    chosen(page, wav(hiss, 16_000))
    said(page, "Nobody seems to speak here")
    for content, sentence in (
        (b"no sound at all", "This file is no sound that the browser can read"),
        (b"", "This file is no sound that the browser can read"),
        (tone(0), "(lasts 0.00 s|is no sound)"),
        (tone(31, channels=1), "lasts 31 s; give at most 30 s"),
        (tone(1, hertz=0, channels=1), "silent from its beginning to its end"),
    ):
        chosen(page, content)
        refused(page, sentence)
