"""Choosing tokens and writing texts, with a model that is known by heart."""

import functools
import itertools

import numpy as np
import pytest

from bmkit import generate, scratch
from bmkit.backend import keras
from bmkit.models import transformer

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


class Table:
    """Knows log p of each token after each token, and keeps in its cache, row by row, what it has read."""

    def __init__(self, size, seed=0):
        self.table = np.random.default_rng(seed).normal(scale=2, size=(size, size))

    def start_cache(self, batch, length):
        return {"read": np.zeros((batch, length), int)}

    def step(self, tokens, cache, position):
        cache["read"][:, position : position + tokens.shape[1]] = tokens
        return self.table[tokens], cache


def score_of(table, text, penalty, stop=None):
    total, written = 0.0, 0
    for before, token in itertools.pairwise(text):
        total, written = total + scratch.log_softmax(table[before])[token], written + 1
        if token == stop:
            break
    return total / written**penalty


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_beams_without_number_find_the_best_of_all_texts(seed, penalty):
    decoder = Table(3, seed)
    text, score = generate.beam_search(decoder, np.array([1]), 4, beams=3**4, length_penalty=penalty)
    all_texts = [(1, *rest) for rest in itertools.product(range(3), repeat=4)]
    best = max(all_texts, key=lambda one: score_of(decoder.table, one, penalty))
    assert tuple(text) == best and score == pytest.approx(score_of(decoder.table, best, penalty))


def test_one_beam_is_greedy_and_more_are_never_worse_here():
    decoder = Table(9, seed=3)
    prompts = np.arange(8)[:, np.newaxis]
    greedy, scores = generate.beam_search(decoder, prompts, 5, beams=1)
    np.testing.assert_array_equal(greedy, generate.generate(decoder, prompts, 5))
    _, better = generate.beam_search(decoder, prompts, 5, beams=9**2)
    assert (better >= scores - 1e-12).all() and (better > scores + 0.01).any()


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_texts_of_different_lengths_are_compared_by_the_penalty_asked_for(penalty):
    decoder = Table(4, seed=5)
    text, score = generate.beam_search(decoder, np.array([2]), 5, beams=4**4, stop=0, length_penalty=penalty)
    assert score == pytest.approx(score_of(decoder.table, text, penalty, stop=0))
    all_texts = [(2, *rest) for rest in itertools.product(range(4), repeat=5)]
    assert score == pytest.approx(max(score_of(decoder.table, one, penalty, stop=0) for one in all_texts))
    after = np.flatnonzero(text[1:] == 0)
    assert not after.size or (text[1 + after[0] :] == 0).all()


def test_the_memory_follows_the_beam_that_it_belongs_to():
    class Careful(Table):
        def step(self, tokens, cache, position):
            logits, cache = super().step(tokens, cache, position)
            self.last = cache["read"][:, : position + tokens.shape[1]].copy()
            return logits, cache

    decoder = Careful(7, seed=1)
    text, _ = generate.beam_search(decoder, np.array([[3], [4]]), 6, beams=5)
    assert any((row == text[0, :-1]).all() for row in decoder.last[:5])
    assert any((row == text[1, :-1]).all() for row in decoder.last[5:])


@pytest.mark.parametrize(("options", "told"), [({"beams": 0}, "at least one beginning"), ({"prompt": []}, "is empty")])
def test_a_search_without_a_beginning_is_refused(options, told):
    options = {"prompt": [1], **options}
    with pytest.raises(ValueError, match=told):
        generate.beam_search(Table(3), np.array(options.pop("prompt"), int), 2, **options)


def test_beams_write_with_our_gpt_and_its_cache():
    from bmkit import models

    decoder = models.CachedDecoder(models.gpt(30, 12, width=16, depth=2, num_heads=2))
    text, score = generate.beam_search(decoder, np.array([4, 5]), 6, beams=3, stop=1)
    logits = decoder.step(text[np.newaxis, :-1], decoder.start_cache(1, 8), 0)[0][0]
    log_p = scratch.log_softmax(logits.astype(float))[np.arange(1, len(text) - 1), text[2:]]
    ends = np.flatnonzero(text[2:] == 1)
    counted = log_p[: ends[0] + 1] if ends.size else log_p
    assert score == pytest.approx(counted.mean(), abs=1e-4)


def test_a_model_that_has_translated_can_be_saved_and_translates_alike(tmp_path):
    model = transformer(10, 8, width=8, depth=1)
    source = np.array([[4, 7, 2, 9], [5, 3, 0, 0]])
    options = {"start": 1, "end": 2, "length": 5}
    written = generate.translate(model, source, **options)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    for one in (model, again):
        assert np.array_equal(generate.translate(one, source, **options), written)
