"""The demo of chapter 27 in a real Chromium: an announcement is spoken and written down; what is none is refused."""

import demos
import pytest
from demos import asked, browsing, opened, refused, said

pytestmark = [*demos.MARKS, pytest.mark.slow]
kit = demos.of_chapter("27")

LENGTH = "audio => new Promise(done => { if (audio.duration) done(audio.duration); \
audio.onloadedmetadata = () => done(audio.duration); })"


def test_an_announcement_is_spoken_and_other_input_is_refused(playwright, kit):
    with browsing(playwright) as page:
        opened(page, kit, "27")
        assert page.locator("textarea").input_value() == "Platform 7, at 14:30"
        asked(page, "Platform 3, in 49 minutes")
        told = said(page, "Whisper writes")
        assert "platform" in told and "minutes" in told
        assert page.locator(".bmkit-answer img").count() == 1
        assert 2 < page.locator(".bmkit-answer audio").evaluate(LENGTH) < 5, "seconds of sound that can be played"
        for text, sentence in (
            ("  ", "There is no text yet"),
            ("platform " * 10_000, "The text has 10,000 words; give at most 12."),
            ("Кошка спит на диване", "Cyrillic; write in Latin."),
            ("六号站台", "write in Latin."),
            ("42", "has no letters"),
            ("Platform banana, at nine", "The station does not know banana; see the examples."),
            ("Platform 99", "The station does not know 99; see the examples."),
            ("Platform three, at half past nine.", "The station does not know half, past; see the examples."),
        ):
            asked(page, text)
            refused(page, sentence)
        asked(page, "Platform 3, at 9:05")  # after what was refused it still answers
        said(page, "Whisper writes")
