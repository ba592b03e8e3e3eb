"""The demo of chapter 20 in a real Chromium: a sentence is translated; what cannot be is refused in a sentence."""

import demos
import pytest
from demos import asked, browsing, opened, refused, said

pytestmark = [*demos.MARKS, pytest.mark.slow]
kit = demos.of_chapter("20")


def test_a_sentence_is_translated_and_other_input_is_refused(playwright, kit):
    with browsing(playwright) as page:
        opened(page, kit, "20")
        assert page.locator("textarea").input_value().startswith("Where can I find a good book")
        asked(page, "The house is very small.")
        said(page, "Portuguese: A casa é muito pequena.")
        assert page.locator(".bmkit-answer img").count() == 1
        for text, sentence in (
            ("  ", "There is no text yet"),
            ("word " * 10_000, "The text has 10,000 words; give at most 60."),
            ("Кошка спит на старом диване.", "Cyrillic; write in Latin."),
            ("这个函数返回数组中最大的值。", "write in Latin."),
            ("unrecognizability " * 60, "This is too long for one sentence; give one at a time."),
        ):
            asked(page, text)
            refused(page, sentence)
        asked(page, "$ 5.")  # no letters
        refused(page, "has no letters")
        asked(page, "Cat")
        said(page, "Portuguese: Gato")
