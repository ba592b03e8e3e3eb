"""The demo of chapter 21 in a real Chromium: a paragraph is shortened; what cannot be is refused in a sentence."""

import re

import demos
import pytest
from demos import asked, browsing, opened, refused, said

pytestmark = [*demos.MARKS, pytest.mark.slow]
kit = demos.of_chapter("21")

PARAGRAPH = (
    "Return the largest value of an array along one axis. The values are compared as numbers, and the result does not "
    "hold the places at which they stand. See also the function for places."
)


def test_a_paragraph_is_shortened_and_other_input_is_refused(playwright, kit):
    with browsing(playwright) as page:
        opened(page, kit, "21")
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
