"""The demo of chapter 21 in a real Chromium: a paragraph is shortened; what cannot be is refused in a sentence."""

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

PARAGRAPH = (
    "Return the largest value of an array along one axis. The values are compared as numbers, and the result does not "
    "hold the places at which they stand. See also the function for places."
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Start the demo of the chapter itself, which trains its network first."""
    log = tmp_path_factory.mktemp("demo") / "log"
    command = [sys.executable, "-m", "bmkit.course.cli", "demo", "--no-browser", "21"]
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


def test_a_paragraph_is_shortened_and_other_input_is_refused(playwright, address):
    with browsing(playwright) as page:
        page.goto(address)
        page.locator(".bmkit").wait_for()
        assert page.locator("textarea").input_value().startswith("By default, this is the standardized fourth moment")
        asked(page, PARAGRAPH)
        told = said(page, "TextRank: ")
        kept = re.search(r"Kept \(here: (.*)\)", told)[1].split()
        words = iter(re.findall("[a-z0-9]+", PARAGRAPH.lower())[:40])
        assert len(kept) >= 3 and all(word in words for word in kept), "the words of the text, in their order"
        assert page.locator(".bmkit-answer img").count() == 1
        for text, sentence in (
            ("  ", "There is no text yet"),
            ("word " * 10_000, "The text has 10,000 words; give at most 500."),
            ("Кошка спит на старом диване, и собака лежит рядом с ней у двери дома.", "Cyrillic; write in Latin."),
            ("这个函数返回数组中最大的值，并且不会改变数组本身。", "write in Latin."),
            ("Too short.", "This is too short to shorten; give at least 12 words."),
        ):
            asked(page, text)
            refused(page, sentence)
        asked(page, "A. B. C. D. E. F. G. H. I. J. K. L. M.")  # sentences of one word each
        said(page, "TextRank: a b c")
