"""Exercises of chapter 17, GPT."""

import numpy as np

from bmkit.check import Exercise, Question

__all__ = ["encode_word", "saving", "top_p", "wavering"]


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
        "For one merge walk through the tokens from left to right and build a new list: where its last token and the "
        "present one are the pair, replace that last token by the new one.",
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
    why="Without a cache all 256 tokens run through every layer again, with it one; and each of the 256 looks at 256, "
    "with it the new one alone.",
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
