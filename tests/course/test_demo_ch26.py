"""The demo of chapter 26 in a real Chromium: a recording and a file are written down; what is no speech is refused."""

import re

import demos
import numpy as np
import pytest
from demos import ALLOWED, DEVICE, browsing, chosen, opened, refuses_bad_sounds, said, wav

from bmkit import data

pytestmark = [*demos.MARKS, pytest.mark.slow]
kit = demos.of_chapter("26")

WORDS = r"Whisper writes: .*best of times.*worst of times"


@pytest.fixture(scope="module")
def passage():
    """The first seconds of A Tale of Two Cities, and their samples a second."""
    recording = data.recording("two_cities")
    return recording.samples[: 6 * recording.sample_rate], recording.sample_rate


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
    refuses_bad_sounds(page, most=30)
