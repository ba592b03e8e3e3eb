"""Drawings of chapters 13, 15 and 17: what they show is what was computed."""

import numpy as np
import pytest
from matplotlib.text import Annotation

from bmkit import diagrams


def test_an_lstm_adds_the_product_of_input_gate_and_candidate_to_what_is_left_of_the_memory():
    texts = diagrams.lstm_cell().axes[0].texts
    box_at = {text.get_position(): text.get_text() for text in texts if text.get_text() and text.get_zorder() < 5}
    arrows = {(box_at[one.xyann], box_at[one.xy]) for one in texts if isinstance(one, Annotation)}
    into = {end: {start for start, to in arrows if to == end} for end in box_at.values()}
    assert into["×"] == {"memory c", "forget gate f"} and into["× "] == {"input gate i", "candidate g"}
    assert into["+"] == {"×", "× "} and into["new memory c′"] == {"+"}
    assert into["×  "] == {"tanh", "output gate o"} and into["tanh"] == {"new memory c′"}


def test_a_soft_look_up_shows_the_weights_and_the_weighted_mean():
    weights, values = np.array([0.75, 0.25]), {"north": 4.0, "east": 12.0}
    left, right = diagrams.soft_lookup(np.array([0.0, 2.0]), np.eye(2)[::-1], weights, values=values, unit="°C").axes
    assert right.get_title() == "answer: 6.0 °C"
    assert [patch.get_height() for patch in right.patches] == [0.75, 0.25]
    assert [label.get_text() for label in right.get_xticklabels()] == ["north", "east"]
    assert {text.get_text() for text in left.texts} >= {"north", "east"}
    reach = left.get_xlim()[1], left.get_ylim()[1]
    assert min(reach) > 2, "the query arrow stays inside"


def test_the_darkest_word_has_most_weight_and_lines_stay_inside():
    words, weights = ["word"] * 40, np.linspace(0, 0.1, 40)
    axes = diagrams.shaded_words(words, weights).axes[0]
    shades = [float(text.get_bbox_patch().get_facecolor()[0]) for text in axes.texts]
    assert shades[0] == 1 and np.all(np.diff(shades) < 0)
    places = np.array([text.get_position() for text in axes.texts])
    assert places[:, 0].max() + 2 <= axes.get_xlim()[1] and len(set(places[:, 1])) > 1
    assert len({tuple(place) for place in places}) == 40, "no word covers another"
    with pytest.raises(ValueError, match="2 words but 1 weights"):
        diagrams.shaded_words(["a", "b"], np.ones(1))


def test_a_text_is_cut_where_its_pieces_end_and_the_pieces_are_counted():
    axes = diagrams.cut_text({"letters": list("a bc"), "two": ["a", " bc"]}).axes[0]
    assert [(patch.get_x(), patch.get_width()) for patch in axes.patches[4:]] == [(0, 1), (1, 3)]
    shown = [text.get_text() for text in axes.texts]
    assert shown.count("·") == 2 and {"letters", "two", "4", "2"} <= set(shown)
    with pytest.raises(ValueError, match="2 different texts"):
        diagrams.cut_text({"one": ["a"], "other": ["b"]})


def test_a_masked_language_model_hides_words_below_and_asks_for_them_alone_above():
    axes = diagrams.masked_language_model(["a", "cup", "of", "tea"], [1, 3], width=8, vocabulary_size=50).axes[0]
    shown = [text.get_text() for text in axes.texts]
    assert "cup" not in shown and "tea" not in shown and shown.count("▢") == 2 and shown.count("not asked") == 2
    assert {"−ln p(cup)", "−ln p(tea)", "tokens (4,)", "vectors (4, 8)", "probabilities (2, 50)"} <= set(shown)
    with pytest.raises(ValueError, match="a text of 1 words"):
        diagrams.masked_language_model(["a"], [1], width=8, vocabulary_size=50)


def test_a_ctc_lattice_has_an_arrow_for_each_step_of_a_path_that_spells_the_labels():
    states = ["–", "one", "–", "two", "–", "two", "–"]
    axes = diagrams.ctc_lattice(states, np.full((6, 7), 0.25), path=[0, 1, 3, 4, 5, 5]).axes[0]
    arrows = [one for one in axes.texts if isinstance(one, Annotation)]
    places = {tuple(np.rint([*one.xyann, *one.xy]).astype(int)) for one in arrows}  # frame and state, twice
    assert (1, 1, 2, 3) in places, "one and two differ: the blank between them may be jumped over"
    assert (2, 3, 3, 5) not in places, "two and two do not"
    assert {place[2] - place[0] for place in places} == {1}
    thick = {tuple(np.rint([*one.xyann, *one.xy]).astype(int)) for one in arrows if one.arrow_patch.get_linewidth() > 2}
    assert thick == {(0, 0, 1, 1), (1, 1, 2, 3), (2, 3, 3, 4), (3, 4, 4, 5), (4, 5, 5, 5)}
    written = [text for text in axes.texts if text.get_text() == ".250"]
    assert len(written) == 18, "what lies on no path holds no number"
    with pytest.raises(ValueError, match="3 states but sums of shape"):
        diagrams.ctc_lattice(["–", "one", "–"], np.zeros((4, 5)))
