"""Exercises of chapter 17, GPT."""

import numpy as np

from bmkit import scratch
from bmkit.check import Exercise, Question

__all__ = ["encode_word", "next_token_loss", "saving", "top_p", "wavering"]

_random = np.random.default_rng(17)


def _encode_word(tokens, merges):
    """Cut one word by learned merges."""
    tokens = list(tokens)
    for number, pair in enumerate(merges):
        joined = []
        for token in tokens:
            if joined and (joined[-1], token) == pair:
                joined[-1] = 256 + number
            else:
                joined.append(token)
        tokens = joined
    return tokens


def _longest_first(tokens, merges):
    """Take the longest known piece at each place."""
    spelled = {(token,): token for token in range(256)}
    pieces = {token: (token,) for token in range(256)}
    for number, (a, b) in enumerate(merges):
        pieces[256 + number] = pieces[a] + pieces[b]
        spelled[pieces[256 + number]] = 256 + number
    found, start = [], 0
    while start < len(tokens):
        ends = range(len(tokens), start, -1)
        end = next(end for end in ends if tuple(tokens[start:end]) in spelled)
        found.append(spelled[tuple(tokens[start:end])])
        start = end
    return found


def _next_token_loss(logits, tokens):
    """Average the surprise at each token but the first, in nats."""
    guesses = scratch.log_softmax(logits)[:-1]
    right = guesses[np.arange(len(tokens) - 1), tokens[1:]]
    return -right.mean()


def _picked(rows, columns):
    return scratch.log_softmax(rows)[np.arange(len(columns)), columns]


def _top_p(probabilities, p):
    """Keep the likeliest tokens that together reach p."""
    order = np.argsort(-probabilities)
    before = np.cumsum(probabilities[order]) - probabilities[order]
    kept = np.zeros_like(probabilities)
    chosen = order[before < p - 1e-12]
    kept[chosen] = probabilities[chosen]
    return kept / kept.sum()


def _short_of_p(probabilities, p):
    order = np.argsort(-probabilities)
    kept = np.where(np.cumsum(probabilities[order]) <= p, probabilities[order], 0)[np.argsort(order)]
    return kept / max(kept.sum(), 1e-300)


def _guess(*shares):
    return np.array(shares, float) / sum(shares)


encode_word = Exercise(
    "ch17.encode_word",
    _encode_word,
    [
        ([7, 8, 9], [(7, 8), (256, 9)]),
        ([1, 2, 3, 4], [(2, 3), (1, 2), (3, 4)]),
        ([5, 5, 5, 5, 5], [(5, 5), (256, 256)]),
        ([1, 2, 1, 2, 3], [(1, 2), (2, 3), (256, 3)]),
        ([4], [(1, 2)]),
    ],
    hints=[
        "Go through the merges in the order in which they were learned; merge number i makes token 256 + i.",
        "For one merge walk through the tokens from left to right and build a new list: where the last token of the new "
        "list and the present one are the pair, replace that last token by the new one.",
        "After each merge go on with the new list; a later merge may join what an earlier one made.",
    ],
    mistakes=[
        (
            _longest_first,
            "You take the longest known piece from the left. Byte-pair encoding does not: the merge that was learned "
            "first wins, wherever it stands in the word.",
        ),
        (
            lambda tokens, merges: _encode_word(tokens, merges[:1]),
            "Only the first merge was carried out.",
        ),
        (
            lambda tokens, merges: _encode_word(tokens[::-1], [pair[::-1] for pair in merges])[::-1],
            "You join from the right: of five equal tokens the first two are a pair, then the next two.",
        ),
    ],
)

next_token_loss = Exercise(
    "ch17.next_token_loss",
    _next_token_loss,
    [
        (np.log([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.2, 0.2, 0.6]]), np.array([2, 0, 0])),
        (np.zeros((5, 8)), np.array([3, 1, 4, 1, 5])),
        (_random.normal(size=(6, 10)), _random.integers(0, 10, size=6)),
        (3 * _random.normal(size=(2, 4)), np.array([1, 3])),
    ],
    hints=[
        "Row t of the logits is the guess for token t + 1. Which row has nothing to be compared with?",
        "scratch.log_softmax(logits)[:-1] are the guesses that count, tokens[1:] what came.",
        "Pick one number a row: guesses[np.arange(n), tokens[1:]]; then minus the mean.",
    ],
    mistakes=[
        (
            lambda logits, tokens: -_picked(logits, tokens).mean(),
            "You compare row t with token t. That token was the input: row t guesses token t + 1.",
        ),
        (
            lambda logits, tokens: -_picked(logits[1:], tokens[:-1]).mean(),
            "Shifted the wrong way: row t is compared with the token after it, not before it.",
        ),
        (
            lambda logits, tokens: -_picked(logits[:-1], tokens[1:]).sum(),
            "This is the sum; the loss is the mean over the guesses, so that long and short texts compare.",
        ),
        (
            lambda logits, tokens: -_picked(logits[:-1], tokens[1:]).sum() / len(tokens),
            "Divide by the number of guesses, one fewer than there are tokens.",
        ),
        (
            lambda logits, tokens: _picked(logits[:-1], tokens[1:]).mean(),
            "The sign: surprise is minus the logarithm, and never negative.",
        ),
    ],
)

top_p = Exercise(
    "ch17.top_p",
    _top_p,
    [
        (_guess(1, 4, 3, 2), 0.6),
        (_guess(1, 4, 3, 2), 0.7),
        (_guess(70, 12, 10, 8), 0.5),
        (_guess(*range(1, 12)), 0.9),
        (_guess(8, 1, 1), 1.0),
    ],
    hints=[
        "order = np.argsort(-probabilities) sorts the tokens, the likeliest first.",
        "A token is kept when those before it, np.cumsum(sorted) - sorted, have not reached p yet.",
        "Set all others to 0, put the rest back into the old order, and divide by their sum.",
    ],
    mistakes=[
        (
            _short_of_p,
            "You stop before the sum reaches p; the token that carries it past p is kept too. Otherwise nothing "
            "is left when the likeliest token alone exceeds p.",
        ),
        (
            lambda probabilities, p: _top_p(probabilities, p) * probabilities[_top_p(probabilities, p) > 0].sum(),
            "The kept probabilities do not sum to 1; divide by their sum.",
        ),
        (
            lambda probabilities, p: np.sort(_top_p(probabilities, p))[::-1],
            "The numbers are right but sorted; each must stand at its own token.",
        ),
    ],
)

wavering = Question(
    "ch17.wavering",
    4,
    why="The mean of ln 1 and ln 16 is ln 4: perplexity is a geometric mean, the square root of 1 · 16.",
    hints=[
        "How surprised is the model each time, in nats? Take the mean of both, and only then exp.",
        "ln 1 = 0 and ln 16 = 4 ln 2. Half of that is 2 ln 2.",
    ],
    mistakes={
        8.5: "That is the arithmetic mean of 1 and 16; the mean is taken of the logarithms.",
        8: "Half of 16 leaves the certain half out; take the mean of ln 1 and ln 16, then exp.",
        2: "2 is the mean surprise in bits; the perplexity is 2 to that power.",
        16: "Half of the time it is not surprised at all.",
    },
)

saving = Question(
    "ch17.saving",
    256,
    why="Without a cache all 256 tokens are run through every layer again, with it one; and looking back takes 256 · 256 "
    "products instead of 256.",
    hints=[
        "How many tokens pass through the layers without the cache, how many with it?",
        "And the looking: who looks at how many? Compare t · t with t.",
    ],
    mistakes={
        128: "That is about the saving over a whole text of 256 tokens; here only the last one is asked for.",
        65536: "256 · 256 is the looking without the cache; with it the new token still looks at 256.",
        1: "Without the cache the 255 earlier tokens are computed anew, with it they are not.",
    },
)
