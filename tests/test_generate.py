"""Choosing tokens and writing texts, with a model that is known by heart."""

import functools

import numpy as np
import pytest

from bmkit import generate, scratch

LOGITS = np.log([[0.1, 0.4, 0.3, 0.2]])


class Counting:
    """Answers each token with the next number, and notes the length of each cache and what was read."""

    def __init__(self):
        self.started, self.notes = [], []

    def start_cache(self, batch, length):
        self.started.append(length)
        return self.notes

    def step(self, tokens, cache, position):
        cache.append((position, tokens.shape[1]))
        return np.eye(10)[(tokens + 1) % 10], cache


def test_samples_come_as_often_as_they_are_likely():
    drawn = generate.sample(np.repeat(LOGITS, 20_000, axis=0), random=np.random.default_rng(0))
    share = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(share, [0.1, 0.4, 0.3, 0.2], atol=0.015)


@pytest.mark.parametrize("limits", [{"top_k": 2}, {"top_p": 0.5}, {"temperature": 0.01}])
def test_what_was_cut_off_is_never_drawn(limits):
    drawn = generate.sample(np.repeat(LOGITS, 2000, axis=0), random=np.random.default_rng(0), **limits)
    assert set(drawn) <= set(np.flatnonzero(scratch.sampling_probabilities(LOGITS[0], **limits)))


def test_the_same_random_numbers_draw_the_same_tokens():
    draws = [generate.sample(np.zeros((50, 9)), random=np.random.default_rng(4)) for _ in range(2)]
    np.testing.assert_array_equal(*draws)
    assert len(set(draws[0])) > 3
    assert (generate.sample(np.zeros((50, 9)), random=np.random.default_rng(5)) != draws[0]).any()


def test_no_temperature_takes_the_likeliest():
    assert generate.sample(LOGITS, temperature=0) == [1]
    with pytest.raises(ValueError, match="positive temperature"):
        generate.sample(LOGITS, temperature=-1)


@pytest.mark.parametrize(("cache", "read"), [(True, [(0, 2), (2, 1), (3, 1)]), (False, [(0, 2), (0, 3), (0, 4)])])
def test_a_memory_is_told_the_new_token_alone(cache, read):
    decoder = Counting()
    text = generate.generate(decoder, np.array([3, 8]), 3, cache=cache)
    assert text.tolist() == [3, 8, 9, 0, 1] and decoder.notes == read
    assert decoder.started == ([5] if cache else [2, 3, 4])


def test_a_text_ends_with_its_stop_and_the_others_go_on():
    prompt = np.array([[5], [3]])
    text = generate.generate(Counting(), prompt, 9, stop=7)
    assert text.tolist() == [[5, 6, 7, 7, 7], [3, 4, 5, 6, 7]]


def test_tokens_are_chosen_by_whoever_is_asked():
    choose = functools.partial(generate.sample, top_k=1)
    assert generate.generate(Counting(), [1], 3, choose=choose).tolist() == [1, 2, 3, 4]
    last = generate.generate(Counting(), [1], 2, choose=lambda logits: np.full(len(logits), 9))
    assert last.tolist() == [1, 9, 9]
    assert generate.generate(Counting(), [1], 0).tolist() == [1]


def test_an_empty_prompt_is_refused():
    with pytest.raises(ValueError, match="at least one token"):
        generate.generate(Counting(), np.zeros((1, 0), int), 3)
