"""The demo of chapter 27 in a real Chromium: an announcement is spoken and written down; what is none is refused."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import test_demo_browser
from test_demo import awaited
from test_demo_browser import browsing, playwright, refused, said

from bmkit.course.chapters import ROOT

__all__ = ["playwright"]  # a fixture, found here by its name

pytestmark = [*test_demo_browser.pytestmark, pytest.mark.slow]

LENGTH = "audio => new Promise(done => { if (audio.duration) done(audio.duration); \
audio.onloadedmetadata = () => done(audio.duration); })"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Start the demo of the chapter itself, which trains its voice first."""
    log = tmp_path_factory.mktemp("demo") / "log"
    command = [sys.executable, "-m", "bmkit.course.cli", "demo", "--no-browser", "27"]
    surroundings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("w") as file:
        child = subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=file, stderr=file)
    try:
        told = awaited(SimpleNamespace(child=child, log=log), "The demo is ready.", seconds=600)
        yield re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", told)[0]
    finally:
        child.kill()
        child.wait()


def asked(page, text):
    page.locator("textarea").evaluate("(area, text) => { area.value = text; area.oninput(); }", text)
    page.get_by_role("button", name="Answer").click()


def test_an_announcement_is_spoken_and_other_input_is_refused(playwright, address):
    with browsing(playwright) as page:
        page.goto(address)
        page.locator(".bmkit").wait_for()
        assert page.locator("textarea").input_value() == "Platform 7, at 14:30"
        asked(page, "Platform 3, in 49 minutes")
        told = said(page, "Whisper writes")
        assert "platform" in told and "minutes" in told
        assert page.locator(".bmkit-answer img").count() == 1
        assert 2 < page.locator(".bmkit-answer audio").evaluate(LENGTH) < 5, "seconds of sound that can be played"
        if path := os.environ.get("BMKIT_SCREENSHOT"):
            page.screenshot(path=path)
        for text, sentence in (
            ("  ", "There is no text yet"),
            ("platform " * 10_000, "The text has 10,000 words; give at most 12."),
            ("Кошка спит на диване", "Cyrillic; write in Latin."),
            ("六号站台", "write in Latin."),
            ("42", "has no letters"),
            ("Platform banana, at nine", "The station does not know banana; see the examples."),
            ("Platform 99", "The station does not know 99; see the examples."),
        ):
            asked(page, text)
            refused(page, sentence)
        asked(page, "Platform three, at half past nine.")
        refused(page, "The station does not know half, past; see the examples.")
