"""The formulas of `bmkit.scratch.transcription`: worked by hand, held against Keras and jiwer, their promises."""

import itertools

import jiwer
import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras
from bmkit.scratch import transcription

RANDOM = np.random.default_rng(26)
LOG_P = scratch.log_softmax(RANDOM.normal(size=(6, 4)))
HALVES = np.log(np.full((2, 2), 0.5))
TRAP = np.log([[0.6, 0.4], [0.6, 0.4]])  # the best path spells nothing, the best sum one label
SAID = ["one two three", "four", "five five oh"]
HEARD = ["one three three", "", "five oh oh five"]

HAND = [
    ("ctc_collapse", ([0, 3, 3, 0, 3, 1],), {}, [3, 3, 1]),
    ("ctc_collapse", ([2, 2, 1, 2],), {"blank": 2}, [1]),
    ("ctc_collapse", ([],), {}, []),
    ("ctc_loss", (HALVES, [1]), {}, -np.log(0.75)),
    ("ctc_loss", (HALVES, []), {}, -np.log(0.25)),
    ("ctc_loss", (HALVES, [1, 1]), {}, np.inf),  # it takes three frames
    ("ctc_loss", (np.log(np.full((3, 2), 0.5)), [1, 1]), {}, np.log(8)),
    ("ctc_beam_search", (TRAP,), {}, ([1], np.log(0.64))),
    ("ctc_beam_search", (TRAP,), {"beams": 1}, ([], np.log(0.36))),
    ("aligned", ("", ""), {}, []),
    ("word_error_rate", ([["one", "two"], ["three"]], [["one"], ["three", "oh"]]), {}, 2 / 3),
    ("word_error_rate", ([["one"]], [["two", "one", "two"]]), {}, 2.0),
]


def keras_loss(log_p, target):
    lengths = [np.array([len(one)], "int32") for one in (target, log_p)]
    losses = keras.ops.ctc_loss(np.array([target], "int32"), log_p[np.newaxis].astype("float32"), *lengths)
    return keras.ops.convert_to_numpy(losses)[0]


def keras_greedy(path):
    log_p = np.log(scratch.one_hot(np.array(path), 4) + 1e-6)[np.newaxis].astype("float32")
    decoded, _ = keras.ops.ctc_decode(log_p, np.array([len(path)], "int32"), mask_index=0)
    row = keras.ops.convert_to_numpy(decoded)[0, 0]
    return row[row >= 0].tolist()


PARITY = [
    ("ctc_loss", (LOG_P, [1, 2]), keras_loss),
    ("ctc_loss", (LOG_P, [3, 3, 1]), keras_loss),
    ("ctc_loss", (LOG_P, [1, 1, 1]), keras_loss),
    ("ctc_collapse", ([0, 3, 3, 0, 3, 1],), keras_greedy),
    (
        "word_error_rate",
        ([text.split() for text in SAID], [text.split() for text in HEARD]),
        lambda *_: jiwer.wer(SAID, HEARD),
    ),
]
PARITY = [(*case[:2], {}, case[2]) for case in PARITY]
ALONE = {"aligned", "ctc_beam_search"}

ERRORS = [
    ("ctc_loss", (LOG_P, [0]), "labels among the classes other than the blank, 0"),
    ("ctc_loss", (LOG_P, [4]), "labels among the classes"),
    ("ctc_loss", (LOG_P[0], [1]), "expected (time, classes)"),
    ("ctc_beam_search", (LOG_P,), {"beams": 0}, "keep at least one"),
    ("word_error_rate", ([["one"]], []), "as many of both"),
    ("word_error_rate", ([[]], [["one"]]), "one word at least"),
    ("gaussian_states", ([], 3), "0 recordings"),
    ("gaussian_states", ([np.ones((5, 2))], 0), "0 states"),
    ("gaussian_states", ([LOG_P[:2]], 3), "gets no frame"),
    ("gaussian_states", ([np.ones((5, 2))], 2), "never changes"),
]
ERRORS = [case if len(case) == 4 else (*case[:2], {}, case[2]) for case in ERRORS]


def spelled_sums(log_p):
    """Add up the probabilities of all paths by what they spell."""
    sums = {}
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        labels = tuple(scratch.ctc_collapse(path))
        sums[labels] = sums.get(labels, 0.0) + np.exp(log_p[np.arange(len(path)), path].sum())
    return sums


def test_the_forward_algorithm_adds_up_all_paths():
    sums = spelled_sums(LOG_P)
    assert sum(sums.values()) == pytest.approx(1)
    for labels, total in sums.items():
        assert scratch.ctc_loss(LOG_P, labels) == pytest.approx(-np.log(total))


def test_a_wide_beam_finds_the_largest_sum_and_any_beam_stays_below_it():
    for seed in range(5):
        log_p = scratch.log_softmax(2 * np.random.default_rng(seed).normal(size=(5, 3)))
        sums = spelled_sums(log_p)
        labels, log_sum = scratch.ctc_beam_search(log_p, beams=len(sums))
        assert tuple(labels) == max(sums, key=sums.get)
        assert log_sum == pytest.approx(np.log(sums[tuple(labels)]))
        for beams in (1, 2, 4):
            labels, log_sum = scratch.ctc_beam_search(log_p, beams=beams)
            assert log_sum <= np.log(sums[tuple(labels)]) + 1e-9


def test_a_blank_of_another_number():
    turned = np.roll(LOG_P, -1, axis=1)  # the blank last, as some libraries have it
    assert scratch.ctc_loss(turned, [0, 1], blank=3) == pytest.approx(scratch.ctc_loss(LOG_P, [1, 2]))
    labels, _ = scratch.ctc_beam_search(turned, blank=3)
    assert [label + 1 for label in labels] == scratch.ctc_beam_search(LOG_P)[0]


@pytest.mark.parametrize(
    ("right", "heard", "pairs"),
    [
        ("abc", "abc", ["aa", "bb", "cc"]),
        ("ab", "b", ["a-", "bb"]),
        ("b", "ab", ["-a", "bb"]),
        ("", "x", ["-x"]),
        ("kitten", "sitting", ["ks", "ii", "tt", "tt", "ei", "nn", "-g"]),
    ],
)
def test_texts_lie_side_by_side(right, heard, pairs):
    assert ["".join(one or "-" for one in pair) for pair in scratch.aligned(right, heard)] == pairs


def test_errors_are_counted_as_jiwer_counts_them():
    letters = np.random.default_rng(0)
    for _ in range(30):
        right, heard = ("".join(letters.choice(list("abc"), letters.integers(1, 9))) for _ in range(2))
        found = scratch.word_error_rate([right], [heard])
        assert found == pytest.approx(jiwer.cer(right, heard))


def chain_cost(cut, frames, means, variances):
    return 0.5 * ((frames - means[cut]) ** 2 / variances[cut] + np.log(variances[cut])).sum()


def test_a_recording_is_cut_on_the_cheapest_of_all_ways_through_the_chain():
    random = np.random.default_rng(3)
    for states in (1, 2, 4):
        frames, means = random.normal(size=(6, 2)), random.normal(size=(states, 2))
        variances = random.uniform(0.5, 2, size=(states, 2))
        cut = transcription._cut(frames, means, variances)
        ways = []
        for steps in itertools.product(range(3), repeat=5):
            way = np.cumsum([0, *steps])
            if way[-1] == states - 1:
                ways.append(chain_cost(way, frames, means, variances))
        assert chain_cost(cut, frames, means, variances) == pytest.approx(min(ways))
        assert cut[0] == 0
        assert cut[-1] == states - 1


def test_states_of_unequal_lengths_are_found_and_short_recordings_are_kept():
    random = np.random.default_rng(0)
    levels = np.array([[0.0, 1.0], [4.0, -2.0], [-3.0, 0.0]])
    recordings = []
    for _ in range(30):
        times = random.integers([2, 8, 3], [5, 12, 6])
        recordings.append(np.repeat(levels, times, axis=0) + random.normal(0, 0.3, size=(times.sum(), 2)))
    means, variances = scratch.gaussian_states([*recordings, levels[:1]], 3, rounds=5)
    assert means == pytest.approx(levels, abs=0.3)
    assert variances.shape == (3, 2)
    assert (variances > 0).all()
