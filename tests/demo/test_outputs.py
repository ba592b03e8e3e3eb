"""Answers become HTML that needs nothing from outside; errors become one sentence."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.display import Audio
from PIL import Image

from bmkit import plot
from bmkit.demo.outputs import html_of, replies, sentence_of
from bmkit.errors import Error


def pixels_of(html):
    (png,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


def test_a_text_cannot_become_markup():
    assert html_of("<script>alert(1)</script> & so on") == "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; so on</p>"
    assert html_of(0.5) == "<p>0.5</p>" and html_of(None) == "" and html_of([]) == ""


def test_a_figure_is_drawn_and_closed():
    figure, _ = plot.subplots()
    assert pixels_of(html_of(figure)).shape[0] > 300
    assert not plt.fignum_exists(figure.number)


def test_pictures_sounds_and_tables():
    picture = np.arange(20 * 30 * 3, dtype="uint32").astype("uint8").reshape(20, 30, 3)
    assert np.array_equal(pixels_of(html_of(picture)), picture)
    assert 'src="data:audio/wav;base64' in html_of(Audio(np.ones(800), rate=8000))

    class Table:
        def _repr_html_(self):
            return "<table></table>"

    assert html_of(["a", Table()]) == "<p>a</p><table></table>"


def test_what_is_printed_stands_before_the_answer():
    def answer(text):
        print(f"{text} is read")
        return "done"

    assert list(replies(answer, "it", {})) == ["<p>it is read</p><p>done</p>"]


def test_each_yield_is_an_answer_and_choices_are_handed_on():
    def answer(text, beams):
        for width in range(1, beams + 1):
            print(width)
            yield text * width

    assert list(replies(answer, "a", {"beams": 2})) == ["<p>1</p><p>a</p>", "<p>2</p><p>aa</p>"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Error("The file is empty; choose another."), "The file is empty; choose another."),
        (ValueError("first\nsecond\nthird"), "There is no answer to this (ValueError: first); try another input."),
        (KeyError(), "There is no answer to this (KeyError); try another input."),
    ],
)
def test_an_error_is_one_sentence(error, told):
    assert sentence_of(error) == told
    assert len(sentence_of(ValueError("x" * 10_000))) < 300
