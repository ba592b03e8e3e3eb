"""The formulas of `bmkit.scratch.language`: worked by hand, held against Keras, their promises and their errors."""

import numpy as np
import pytest

from bmkit import scratch
from bmkit.backend import keras

RANDOM = np.random.default_rng(17)
LOGITS = RANDOM.normal(scale=2.0, size=(6, 9))
GUESS = np.log([0.1, 0.4, 0.3, 0.2])

# name, arguments, options, what comes out, worked by hand
TOKENS = np.array([[5, 0, 1, 9]])  # one ordinary word, filling, an unknown word, the mask
HAND = [
    # One word alone is always the one that is chosen; this generator's dice fall on the mask.
    (
        "hide_tokens",
        (TOKENS, np.random.default_rng(1)),
        {"words": (2, 9), "mask_token": 9},
        ([[9, 0, 1, 9]], [[True, False, False, False]]),
    ),
    ("perplexity", (np.array([0.5, 0.125]),), {}, 4.0),  # 2 and 8: their geometric mean
    ("perplexity", (np.array([1.0, 1.0]),), {}, 1.0),
    ("perplexity", (np.array([0.5, 0.0]), [1, 0]), {}, 2.0),
    ("perplexity", (np.array([0.5, 0.0]),), {}, np.inf),
    ("sampling_probabilities", (GUESS,), {}, [0.1, 0.4, 0.3, 0.2]),
    ("sampling_probabilities", (GUESS,), {"temperature": 0.5}, np.array([1, 16, 9, 4]) / 30),
    ("sampling_probabilities", (GUESS,), {"top_k": 1}, [0.0, 1.0, 0.0, 0.0]),
    ("sampling_probabilities", (GUESS,), {"top_k": 3}, np.array([0, 4, 3, 2]) / 9),
    ("sampling_probabilities", (GUESS,), {"top_p": 0.6}, np.array([0, 4, 3, 0]) / 7),
    ("sampling_probabilities", (GUESS,), {"top_p": 0.7}, np.array([0, 4, 3, 0]) / 7),
    ("sampling_probabilities", (GUESS,), {"top_p": 1e-9}, [0.0, 1.0, 0.0, 0.0]),
    ("sampling_probabilities", (GUESS,), {"top_p": 1.0, "top_k": 99}, [0.1, 0.4, 0.3, 0.2]),
    # Of the three that are kept, 4/9 and 3/9 reach 0.7; of all four, 0.4 and 0.3 would too.
    ("sampling_probabilities", (GUESS,), {"top_k": 3, "top_p": 0.75}, np.array([0, 4, 3, 0]) / 7),
]

ERRORS = [
    ("hide_tokens", (TOKENS, RANDOM), {"words": (2, 9), "mask_token": 9, "share": 0.0}, "share is 0.0"),
    ("perplexity", (np.array([]),), {}, "at least one"),
    ("perplexity", (np.array([0.5]), [0]), {}, "at least one"),
    ("perplexity", (np.array([1.5]),), {}, "each in"),
    ("sampling_probabilities", (GUESS,), {"temperature": 0.0}, "top_k=1"),
    ("sampling_probabilities", (GUESS,), {"top_k": 0}, "at least 1"),
    ("sampling_probabilities", (GUESS,), {"top_p": 1.1}, "top_p in"),
]


def test_perplexity_is_the_exponential_of_the_cross_entropy_of_keras():
    tokens = RANDOM.integers(0, 9, size=6)
    loss = float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(tokens, np.float32(LOGITS)))
    given = scratch.softmax(LOGITS)[np.arange(6), tokens]
    assert scratch.perplexity(given) == pytest.approx(np.exp(loss), rel=1e-5)
    assert scratch.perplexity(np.full(50, 1 / 9)) == pytest.approx(9)


@pytest.mark.parametrize("options", [{"temperature": 0.7}, {"top_k": 4}, {"top_p": 0.8}, {"top_k": 5, "top_p": 0.5}])
def test_what_is_kept_are_the_likeliest_and_they_sum_to_one(options):
    kept = scratch.sampling_probabilities(LOGITS, **options)
    np.testing.assert_allclose(kept.sum(axis=-1), 1)
    least = np.where(kept > 0, LOGITS, np.inf).min(axis=-1)
    assert (np.where(kept > 0, -np.inf, LOGITS).max(axis=-1) < least).all()
    if "top_k" in options:
        assert ((kept > 0).sum(axis=-1) <= options["top_k"]).all()


def test_cold_is_certain_and_hot_is_even():
    assert scratch.sampling_probabilities(LOGITS, temperature=1e-3).max(axis=-1).min() > 0.999
    np.testing.assert_allclose(scratch.sampling_probabilities(LOGITS, temperature=1e6), 1 / 9, rtol=1e-4)


def test_hidden_tokens_meet_three_fates_and_others_none():
    tokens = np.random.default_rng(1).integers(0, 50, size=(2000, 20))  # 0 and 1 are no words
    read, chosen = scratch.hide_tokens(tokens, np.random.default_rng(2), words=(2, 50), mask_token=50)
    assert not chosen[tokens < 2].any() and (read == tokens)[~chosen].all()
    wanted = np.maximum(np.round(0.15 * (tokens > 1).sum(axis=1)), 1)
    np.testing.assert_array_equal(chosen.sum(axis=1), wanted)
    before, after = tokens[chosen], read[chosen]
    assert abs(np.mean(after == 50) - 0.8) < 0.03
    assert abs(np.mean((after != 50) & (after != before)) - 0.1) < 0.03 and after.min() >= 2
