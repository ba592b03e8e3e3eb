"""A panel answers every request, whatever it holds, and shows the first example where nobody watches."""

import json

import numpy as np
import pytest
from IPython.display import Audio

from bmkit import demo, plot
from bmkit.demo.panel import MOST_BYTES

TONE = np.sin(np.arange(8000) / 5).astype("float32") / 2
GREY = np.full((20, 30, 3), 128, "uint8")


def made(make, *words, **options):
    with demo.collected() as panels:
        make(*words, **options)
    return panels[0]


def asked(panel, request, *buffers):
    told = []
    panel.reply(request, buffers, told.append)
    return told


def answer_of(told):
    assert told[0] == {"busy": True} and told[-1] == {"busy": False}
    return [message["html"] for message in told if "html" in message]


def test_a_text_is_answered_with_what_was_chosen():
    panel = made(demo.text, lambda text, times: text * times, ["ab"], times=[1, 2, 3])
    assert answer_of(asked(panel, {"text": " x "})) == ["<p>x</p>"]
    assert answer_of(asked(panel, {"text": "x", "chosen": {"times": 2}})) == ["<p>xxx</p>"]
    assert answer_of(asked(panel, {"example": "ab"})) == ["<p>ab</p>"]


def test_a_picture_arrives_as_pixels_and_an_example_is_shown():
    panel = made(demo.picture, lambda pixels: f"{pixels.shape} {pixels.mean()}", {"grey": GREY})
    told = asked(panel, {"example": "grey"})
    assert "<img" in told[1]["given"] and answer_of(told) == ["<p>(20, 30, 3) 128.0</p>"]
    assert asked(panel, {}, b"no picture")[0]["refused"].startswith("This file is no picture")


def test_a_sound_arrives_as_numbers_and_an_example_can_be_heard():
    panel = made(demo.sound, lambda samples: f"{len(samples)} {samples.max():.1f}", {"tone": TONE}, rate=8000)
    sent = (TONE * 32767).astype("<i2").tobytes()
    assert answer_of(asked(panel, {}, memoryview(sent))) == ["<p>8000 0.5</p>"]
    assert "<audio" in asked(panel, {"example": "tone"})[1]["given"]
    assert asked(panel, {})[0]["refused"].startswith("The sound lasts 0.00 s")


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"text": None, "chosen": {"times": 99}},
        {"text": "x", "chosen": {"times": "1"}},
        {"text": "x", "chosen": [1]},
        {"text": ["x"] * 10_000},
        {"example": "none"},
        {"example": ["ab"]},
        {"text": "x", "chosen": None},
    ],
)
def test_odd_requests_get_one_sentence(request_):
    panel = made(demo.text, lambda text, times: text * times, ["ab"], times=[1, 2])
    (told,) = asked(panel, request_)
    assert list(told) == ["refused"] and "\n" not in told["refused"]


def test_a_function_that_fails_costs_one_sentence_and_the_next_request_is_answered():
    panel = made(demo.text, lambda text: 1 // (text == "good"), ["good"])
    sentence = "There is no answer to this (ZeroDivisionError: integer division or modulo by zero); try another input."
    assert asked(panel, {"text": "bad"})[1:] == [{"refused": sentence}, {"busy": False}]
    assert answer_of(asked(panel, {"text": "good"})) == ["<p>1</p>"]


def test_what_the_page_must_know_can_be_sent():
    for panel in (
        made(demo.text, str.upper, ["ab"], size=[1, "two"]),
        made(demo.picture, str, {"grey": GREY}),
        made(demo.sound, str, {"tone": TONE}),
    ):
        told = json.loads(json.dumps(panel.spec))
        assert told["kind"] == panel.kind and told["examples"] and told["sentences"]["denied"]
    assert told["rate"] == 16_000 and 2 * told["rate"] * told["most_seconds"] < MOST_BYTES


def test_wrong_use_is_told_to_the_author():
    with pytest.raises(ValueError, match="one example at least"):
        demo.text(str.upper, [])
    with pytest.raises(demo.Refusal, match="Cyrillic"):
        demo.text(str.upper, ["Кошка"], scripts=["LATIN"])
    with pytest.raises(ValueError, match="'grey' must be uint8"):
        demo.picture(str, {"grey": GREY / 255})
    with pytest.raises(ValueError, match=r"'tone' must be numbers in \[-1, 1\)"):
        demo.sound(str, {"tone": (TONE * 32767).astype("int16")})
    with pytest.raises(ValueError, match="rate = 4000"):
        demo.sound(str, {"tone": TONE}, rate=4000)
    with pytest.raises(ValueError, match="at most 250"):
        demo.sound(str, {"tone": TONE}, most_seconds=500)


def test_where_nobody_watches_the_first_answer_is_shown(capsys):
    def drawn(text):
        figure, axes = plot.subplots()
        axes.set(xlabel="word", ylabel="weight")
        yield "not yet"
        yield ["words", figure, Audio(TONE, rate=8000), None, GREY]

    demo.text(drawn, ["first", "second"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "Your text: first",
        "words",
        "<IPython.core.display.Image object>",
        "(a sound, which can be heard when the cell is run)",
        "<IPython.core.display.Image object>",
    ]


def test_a_figure_that_the_next_step_replaces_is_closed(capsys):
    import matplotlib.pyplot as plt

    def growing(text):
        for height in (1, 2):
            figure, axes = plot.subplots()
            axes.bar([text], [height])
            axes.set(xlabel="word", ylabel="weight")
            yield [figure, f"height {height}"]

    demo.text(growing, ["first"])
    assert capsys.readouterr().out.splitlines()[1:] == ["<IPython.core.display.Image object>", "height 2"]
    assert plt.get_fignums() == [], "Jupyter would store each that is open"


def test_in_a_notebook_that_somebody_works_in_it_is_a_widget(monkeypatch):
    pytest.importorskip("anywidget")
    from bmkit.demo import panel as module
    from bmkit.demo.widget import PanelWidget

    shown = []
    monkeypatch.setattr(module, "is_live", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    demo.text(str.upper, ["ab"])
    (widget,) = shown
    assert isinstance(widget, PanelWidget) and widget.spec["examples"] == ["ab"]
    told = []
    monkeypatch.setattr(widget, "send", told.append)
    widget._handle_custom_msg({"text": "x"}, [])
    assert {"html": "<p>X</p>"} in told
