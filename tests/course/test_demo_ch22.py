"""The demo of chapter 22 in a real Chromium: reviews in two languages, and texts that are refused."""

import re

import demos
import pytest
from demos import asked, browsing, opened, refused, said

pytestmark = [*demos.MARKS, pytest.mark.slow]
kit = demos.of_chapter("22")


@pytest.fixture(scope="module")
def page(playwright, kit):
    with browsing(playwright) as page:
        yield page


def judged(page, text, reader="encoder"):
    """Give a review and return the probability of praise, and all that the page answers."""
    page.get_by_role("combobox").select_option(label=reader)
    page.locator(".bmkit-answer").evaluate("node => { node.innerHTML = ''; }")  # the answer before
    asked(page, text)
    told = said(page, "Probability of praise")
    return float(re.search(r"here: ([\d.]+)\)", told)[1]), told


def test_reviews_in_both_languages_are_told_apart_by_both_readers(page, kit):
    opened(page, kit, "22")
    for reader in ("n-grams", "encoder"):
        good, _ = judged(page, "This is the best tea that I have ever had, delicious and fresh.", reader)
        page.locator(".bmkit-answer img").wait_for()
        bad, _ = judged(page, "Stale, bitter and overpriced. I threw it away, a waste of money.", reader)
        assert good > 0.6 > 0.4 > bad
        good, told = judged(page, "房间很干净，服务非常热情，下次还会来。", reader)
        assert "干净" in told
        assert page.locator(".bmkit-answer img").count() == 0, "Chinese stands in lines: no font is needed"
        bad, _ = judged(page, "房间又脏又吵，服务态度很差，非常失望。", reader)
        assert good > 0.6 > 0.4 > bad


def test_a_long_review_is_cut_into_groups_of_words(page, kit):
    opened(page, kit, "22")
    judged(page, "The tea is good. " * 50)
    page.locator(".bmkit-answer img").wait_for()


def test_what_is_no_review_is_refused(page, kit):
    opened(page, kit, "22")
    for text, sentence in (
        ("  ", "There is no text yet"),
        ("word " * 10_000, "The text has 10,000 words; give at most 200."),
        ("Кошка спит", "in the script Cyrillic; write in Latin or Chinese."),
        ("42", "has no letters; write in Latin or Chinese."),
    ):
        asked(page, text)
        refused(page, sentence)
