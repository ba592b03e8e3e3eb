"""The field's terms stand where the list says: what breaks that is told in one sentence."""

import importlib
import types

import pytest
from nbformat.v4 import new_markdown_cell

from bmkit.course import chapters, form, terms

FIVE = chapters.find("05")


@pytest.fixture
def judged(written, monkeypatch):
    """Judge a made-up chapter 05, which comes after 01, 04 and 00, by a made-up list."""
    introduced = {
        "01": ["logit"],
        "02": ["probe"],
        "05": ["step size", "basin|basins of attraction"],
        "06": ["drop-out"],
    }
    instead = {"slope": "gradient", "a heap|the heap": "a cluster"}
    monkeypatch.setattr(terms, "_list", lambda: {"introduced": introduced, "instead": instead})
    monkeypatch.setattr(terms, "_sayings", lambda chapter: [])

    def judge(*texts):
        both = "The *step size* is η, and each **basin** has its lowest point."
        written[0][:] = [new_markdown_cell(text) for text in ("# Drop-out, probe and step size", *texts, both)]
        return " | ".join(form._uses_the_fields_terms(FIVE))

    return judge


@pytest.mark.parametrize(
    "text",
    [
        "Logits have been known since chapter 01.",
        "Here `drop-out` is code, $drop-out$ a formula, and a step-size-free step is something else.",
        "*Drop-out* is explained in chapter 06. Drop-out again.",
        "Drop-out follows in [chapter 06](06_regularization.ipynb).",
        "A [probe](02_deep_learning.ipynb) is known from there.",
        "Read on.\n\n**References**\n\n* A (2024), Drop-out and the heap of slopes.",
        "The plural **step\nsizes** counts, over two lines as well.",
        "Heaps of data.",
    ],
)
def test_terms_that_are_introduced_linked_or_known_are_no_fault(judged, text):
    assert judged(text) == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "Our step sizes\nshrink.",
            "'step size' is first used in the cell that begins with 'Our step sizes': put it in **bold** and explain",
        ),
        ("Two basins of attraction.", "'basin' is first used in the cell that begins with 'Two basins of attraction.'"),
        (
            "*Figure. Here you can see what drop-out does.*",
            "'drop-out' is first used in the cell that begins with '*Fig",
        ),
        ("Drop-out helps.", "explain it there, or link to chapter 06, where it is explained"),
        ("See [02](02_deep_learning.ipynb).\n\nDrop-out.", "or link to chapter 06"),
        ("A probe reads it.", "or link to chapter 02"),
        ("The Slopes vanish.", "'Slopes' stands in the cell that begins with 'The Slopes vanish.'; write gradient"),
        ("It is in the\nheap.", "'the\\nheap' stands in the cell that begins with 'It is in the'; write a cluster"),
    ],
)
def test_a_term_before_its_introduction_and_a_word_of_ours_are_told(judged, text, sentence):
    assert sentence in judged(text)


def test_a_term_that_its_chapter_forgets_is_told(judged, monkeypatch):
    monkeypatch.setattr(terms, "_list", lambda: {"introduced": {"05": ["ridge"]}, "instead": {}})
    assert judged() == "'ridge' is introduced nowhere; explain it, in **bold**, or mend notebooks/terms.toml"


def test_what_exercises_say_uses_the_fields_terms_too(judged, monkeypatch):
    found = ["Add the slopes up.", "`slope.sum()`"]
    monkeypatch.setattr(terms, "_sayings", lambda chapter: found)
    assert judged() == "'slopes' stands in what an exercise says, 'Add the slopes up.'; write gradient"


def test_hints_reasons_and_explained_mistakes_are_what_exercises_say(monkeypatch):
    said = terms._sayings(FIVE)
    five = importlib.import_module("bmkit.exercises.ch05")
    assert five.momentum.hints[0] in said and five.momentum.mistakes[0][1] in said
    assert {five.best_rate.hints[0], five.best_rate.why} <= set(said) and next(
        iter(five.best_rate.mistakes.values())
    ) in said
    assert terms._sayings(types.SimpleNamespace(number="98")) == []


def test_the_list_of_terms_names_chapters_of_the_plan_and_no_term_twice():
    introduced = terms._list()["introduced"]
    assert introduced.keys() <= {chapter.number for chapter in chapters.chapters()}
    for number, names in introduced.items():
        assert names == sorted(set(names), key=str.casefold), number
    words = {word for entry in terms._list()["instead"] for word in entry.split("|")}
    assert not words & {form for names in introduced.values() for name in names for form in name.split("|")}
