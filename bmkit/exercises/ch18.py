"""Exercises of chapter 18, BERT."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["closer", "hidden", "masked_loss", "wordpiece", "worst_layer"]

_random = np.random.default_rng(18)


def _hidden(tokens, chosen, dice, others, mask):
    """Hide what was chosen: mostly behind the mask, sometimes behind another word, sometimes not at all."""
    instead = np.where(dice < 0.9, others, tokens)
    return np.where(chosen & (dice < 0.8), mask, np.where(chosen, instead, tokens))


def _masked_loss(logits, answers, counted):
    """Take the mean surprise over the places that count."""
    guesses = scratch.log_softmax(logits)
    surprise = -np.take_along_axis(guesses, answers[..., np.newaxis], axis=-1)[..., 0]
    return (surprise * counted).sum() / counted.sum()


def _wordpiece(word, vocabulary):
    """Take the longest known piece from the left, again and again."""
    pieces = _without_unknown(word, vocabulary)
    return ["[UNK]"] if "[UNK]" in pieces else pieces


def _without_unknown(word, vocabulary):
    """Make the mistake of keeping the pieces found before a rest that is unknown."""
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        ends = [end for end in range(len(word), start, -1) if mark + word[start:end] in vocabulary]
        if not ends:
            return [*pieces, "[UNK]"]
        pieces.append(mark + word[start : ends[0]])
        start = ends[0]
    return pieces


def _places(rows, time):
    """Draw a case: tokens, chosen places, dice, random words."""
    tokens, others = _random.integers(2, 50, size=(2, rows, time))
    return tokens, _random.random((rows, time)) < 0.4, _random.random((rows, time)), others, 50


hidden = Exercise(
    "ch18.hidden",
    _hidden,
    [
        (
            np.array([[5, 6, 7, 8]]),
            np.array([[True, True, True, False]]),
            np.array([[0.1, 0.85, 0.95, 0.1]]),
            np.array([[11, 12, 13, 14]]),
            50,
        ),
        _places(2, 6),
        _places(4, 30),
        _places(1, 60),
    ],
    hints=[
        "Only chosen places change. There, the dice decide: below 0.8 the mask, below 0.9 a random word, else nothing.",
        "np.where can be nested: np.where(dice < 0.8, mask, np.where(dice < 0.9, others, tokens)) is the fate of each.",
        "Around it comes one more np.where: the fate where chosen, the token elsewhere.",
    ],
    mistakes=[
        (
            lambda tokens, chosen, dice, others, mask: np.where(chosen, mask, tokens),
            "You put the mask everywhere; one in ten of the chosen gets a random word, one in ten stays.",
        ),
        (
            lambda tokens, chosen, dice, others, mask: np.where(dice < 0.8, mask, np.where(dice < 0.9, others, tokens)),
            "You hid places that were not chosen; the dice count for the chosen ones only.",
        ),
        (
            lambda tokens, chosen, dice, others, mask: np.where(
                chosen, np.where(dice < 0.8, mask, np.where(dice < 0.9, tokens, others)), tokens
            ),
            "Below 0.9 comes the random word, and from 0.9 on the token stays: you have the two the other way round.",
        ),
    ],
)

masked_loss = Exercise(
    "ch18.masked_loss",
    _masked_loss,
    [
        (np.log([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]]), np.array([[0, 2]]), np.array([[1.0, 0.0]])),
        (np.zeros((2, 3, 8)), np.ones((2, 3), int), np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])),
        (_random.normal(size=(3, 5, 7)), _random.integers(7, size=(3, 5)), (_random.random((3, 5)) < 0.6) * 1.0),
        (3 * _random.normal(size=(1, 9, 4)), _random.integers(4, size=(1, 9)), np.eye(1, 9, 4)),
    ],
    hints=[
        "scratch.log_softmax turns logits into log-probabilities; at each place you need the one of the right token.",
        "np.take_along_axis(guesses, answers[..., np.newaxis], axis=-1)[..., 0] picks it; minus it is the surprise.",
        "Multiply by what counts, add up, and divide by how many count.",
    ],
    mistakes=[
        (
            lambda logits, answers, counted: (
                -np.take_along_axis(scratch.log_softmax(logits), answers[..., np.newaxis], axis=-1).mean()
            ),
            "You took the mean over all places; those that were not hidden, or do not exist, must not count.",
        ),
        (
            lambda logits, answers, counted: (
                -np.take_along_axis(scratch.log_softmax(logits), answers[..., np.newaxis], axis=-1)[..., 0] * counted
            ).mean(),
            "You divided by the number of all places; divide by the number of those that count.",
        ),
        (
            lambda logits, answers, counted: (
                -np.take_along_axis(scratch.log_softmax(logits), answers[..., np.newaxis], axis=-1)[..., 0] * counted
            ).sum(),
            "That is the sum; divide it by the number of places that count.",
        ),
    ],
)

wordpiece = Exercise(
    "ch18.wordpiece",
    _wordpiece,
    [
        ("unbelievably", {"un", "unb", "##bel", "##ie", "##va", "##bly", "##believ"}),
        ("teapot", {"tea", "t", "##pot", "##p", "##ot", "pot"}),
        ("teas", {"tea", "t", "##as", "##e"}),
        ("tea", {"tea", "t", "##ea"}),
    ],
    hints=[
        "Try the whole rest of the word first, then one letter less, and so on; the first known piece is taken.",
        "Every piece but the first carries ## in front, in the vocabulary and in your answer.",
        'If not even one letter fits, the whole word is ["[UNK]"].',
    ],
    mistakes=[
        (
            lambda word, vocabulary: [piece.removeprefix("##") for piece in _wordpiece(word, vocabulary)],
            "Pieces that continue a word must keep their ##.",
        ),
        (
            _without_unknown,
            "When the rest of a word cannot be cut, the whole word is unknown: nothing of it is kept.",
        ),
    ],
)


worst_layer = Question(
    "ch18.worst_layer",
    6,
    why="The last block was trained to say what a text is about, and there the verdict is washed out.",
    hints=[
        "What was the last block trained for? Are a kind and an angry review of one tea about the same thing?",
        "More layers are not more of everything: each keeps what the next needs, and the last what its loss asked for.",
    ],
    mistakes={
        1: "So one would think, as it has hardly looked around yet. But another one is worse still.",
        4: "That is one of the two best.",
        3: "On the contrary: half-way up the verdict is clear.",
    },
)

closer = Question(
    "ch18.closer",
    "A",
    why="A shares all words but one and the subject; the meaning of the vectors is mostly: what is it about?",
    hints=[
        "Which of the two says something about the same thing in nearly the same words?",
        "MiniLM learned from pairs of texts that belong together: questions with answers, titles with articles.",
    ],
    mistakes={"B": "That is what the sentences mean to you. But the vectors say above all what a text is about."},
)
