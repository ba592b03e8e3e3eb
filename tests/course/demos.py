"""Demos in a real Chromium: how they are started, opened, asked and listened to."""

import contextlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_demo import awaited

from bmkit.course.chapters import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
ALLOWED, DEVICE = "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"
PATIENCE = 120_000  # milliseconds, for a machine that is busy with other tests

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]
MOST_SECONDS = 900  # a chapter up to its demo takes a minute on two quiet cores


@contextlib.contextmanager
def running(number):
    """Start the demo of a chapter, which trains its networks first, as `test_demo_browser.kit` does."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "bmkit.course.cli", "demo", "--no-browser", number]
        with log.open("w") as file:
            child = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
        try:
            told = awaited(SimpleNamespace(child=child, log=log), "The demo is ready.", seconds=MOST_SECONDS)
            address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", told)[0]
            yield SimpleNamespace(runs={number: SimpleNamespace(address=address)})
        finally:
            child.terminate()
            child.wait(60)


def of_chapter(number):
    """A fixture: the demo of a chapter, running."""

    @pytest.fixture(scope="module")
    def kit():
        with running(number) as kit:
            yield kit

    return kit


@contextlib.contextmanager
def browsing(playwright, *flags):
    """Open a page that may ask this machine alone; all that it asks for is noted."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE)
    page.asked, page.outside, page.faults = [], [], []

    def gate(route):
        inside = re.match(r"(http|ws)://127\.0\.0\.1:\d+/|blob:http://127|data:", route.request.url)
        (page.asked if inside else page.outside).append(route.request.url)
        route.continue_() if inside else route.abort()

    page.context.route("**/*", gate)
    page.on("websocket", lambda channel: page.asked.append(channel.url))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    try:
        yield page
        assert not page.outside and not page.faults
    finally:
        browser.close()


def opened(page, kit, number):
    page.goto(kit.runs[number].address)
    page.locator(".bmkit").wait_for()
    return page


def said(page, text, where=".bmkit-answer"):
    """Wait for a text on the page; return all of it. A picture is kept where BMKIT_SCREENSHOTS names a folder."""
    page.locator(where, has_text=re.compile(text)).wait_for()
    if folder := os.environ.get("BMKIT_SCREENSHOTS"):
        page.wait_for_timeout(300)
        name = re.sub(r"\W+", "_", os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" ")[0])
        page.screenshot(path=f"{folder}/{name}_{re.sub(r'[^a-zA-Z0-9]+', '_', text)}.png")
    return page.locator(where).inner_text()


def refused(page, text):
    told = said(page, text, ".bmkit-refusal")
    assert "\n" not in told and "Traceback" not in page.content()
    return told


def chosen(page, content, name="sound.wav", kind="audio/wav"):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": content})


def asked(page, text):
    page.locator("textarea").evaluate("(area, text) => { area.value = text; area.oninput(); }", text)
    page.get_by_role("button", name="Answer").click()


def wav(samples, rate):
    """Write samples in -1 to 1, shape (time,) or (time, channels), as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1 if samples.ndim == 1 else samples.shape[1], 2, rate, 0, "NONE", ""))
        sound.writeframes((32_767 * np.clip(samples, -1, 1)).astype("<i2").tobytes())
    return file.getvalue()


def tone(seconds, *, rate=44_100, channels=2, hertz=440):
    """Write a WAV file whose left channel is a tone and whose right one is silent."""
    samples = np.zeros((round(seconds * rate), channels))
    samples[:, 0] = 0.49 * np.sin(2 * np.pi * hertz * np.arange(len(samples)) / rate)
    return wav(samples, rate)


def refuses_bad_sounds(page, most):
    """Give what is no sound, is empty, too long (`most` seconds are allowed) or silent: one sentence each."""
    for content, sentence in (
        (b"no sound at all", "This file is no sound that the browser can read"),
        (b"", "This file is no sound that the browser can read"),
        (tone(0), "(lasts 0.00 s|is no sound)"),
        (tone(most + 1, channels=1), f"lasts {most + 1} s; give at most {most} s"),
        (tone(1, hertz=0, channels=1), "silent from its beginning to its end"),
    ):
        chosen(page, content)
        refused(page, sentence)
