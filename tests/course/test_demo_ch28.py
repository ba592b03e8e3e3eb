"""The demo of chapter 28 in a real Chromium: examples, a file and the microphone are heard; noise is not."""

import base64
import io
import re
import wave
from types import SimpleNamespace

import demos
import numpy as np
import pytest
from demos import ALLOWED, DEVICE, browsing, chosen, opened, refuses_bad_sounds, said, wav

pytestmark = [*demos.MARKS, pytest.mark.slow]
kit = demos.of_chapter("28")

KEYWORDS = "one, two, three, four"


def floors(told):
    """Read which keywords the demo says it has heard, in their order."""
    return re.findall(r"\d", re.search(r"Heard \(here: (.*)\)", told)[1])


@pytest.fixture(scope="module")
def page(playwright, kit):
    with browsing(playwright) as page:
        yield opened(page, kit, "28")


@pytest.fixture(scope="module")
def example(page):
    """The sound of the first example, as the page itself plays it, and what the demo hears in it."""
    page.get_by_role("button", name=KEYWORDS).click()
    heard = floors(said(page, r"Heard \(here: .*\d"))
    source = page.locator(".bmkit-given audio source, .bmkit-given audio").last.get_attribute("src")
    with wave.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32_768
        yield SimpleNamespace(samples=samples, rate=sound.getframerate(), heard=heard)


def test_the_bars_rise_and_most_keywords_of_the_example_are_heard(page, example):
    assert len(set(example.heard) & set("1234")) >= 2, example.heard
    assert page.locator(".bmkit-answer img").count() == 1


def test_a_stereo_file_at_another_rate_is_heard_as_well(page, example):
    times = np.arange(int(44_100 * len(example.samples) / example.rate)) / 44_100
    channel = np.interp(times, np.arange(len(example.samples)) / example.rate, example.samples)
    chosen(page, wav(np.stack([channel, channel], axis=1), 44_100), "stereo.wav")
    page.wait_for_function("() => document.querySelector('.bmkit-answer').innerText === ''")
    assert set(floors(said(page, r"Heard \(here: .*\d"))) & set(example.heard)


def test_what_the_microphone_hears_is_answered(playwright, kit, example, tmp_path):
    file = tmp_path / "microphone.wav"
    file.write_bytes(wav(example.samples, example.rate))
    with browsing(playwright, ALLOWED, DEVICE, f"--use-file-for-fake-audio-capture={file}") as page:
        opened(page, kit, "28")
        page.get_by_role("button", name="Record").click()
        page.get_by_role("button", name=re.compile(r"Stop \(7 s\)")).click()
        assert set(floors(said(page, r"Heard \(here: .*\d"))) & set(example.heard)


def test_what_holds_no_word_gets_one_sentence(page):
    hiss = 0.1 * np.random.default_rng(0).normal(size=16_000)
    hum = 0.1 * np.sin(2 * np.pi * 100 * np.arange(16_000) / 8_000)
    for sound in (hiss, hum):
        page.get_by_role("button", name="zero").click()
        said(page, "Heard")
        chosen(page, wav(sound, 8_000))
        said(page, "Nothing heard: the sound is equally loud all the time.")
    refuses_bad_sounds(page, most=10)
