"""Exercises of chapter 17, GPT."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question
from bmkit.exercises.probes import causal_behaviour

__all__ = ["encode_word", "pick", "short_context", "tiny_gpt", "top_p", "wavering"]


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


def _first_only(tokens, merges):
    """Join each pair at one place only."""
    tokens = list(tokens)
    for number, pair in enumerate(merges):
        for place in range(len(tokens) - 1):
            if (tokens[place], tokens[place + 1]) == pair:
                tokens[place : place + 2] = [256 + number]
                break
    return tokens


def _longest_first(tokens, merges):
    """Take the longest known piece at each place."""
    pieces = {token: (token,) for token in range(256)}
    for number, (a, b) in enumerate(merges):
        pieces[256 + number] = pieces[a] + pieces[b]
    spelled = {piece: token for token, piece in pieces.items()}
    found, start = [], 0
    while start < len(tokens):
        end = next(end for end in range(len(tokens), start, -1) if tuple(tokens[start:end]) in spelled)
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


def _tiny_gpt(vocabulary_size, width, num_heads):
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(vocabulary_size, width)(tokens)
    attention = keras.layers.MultiHeadAttention(num_heads, width // num_heads)
    x = x + attention(x, x, use_causal_mask=True)
    logits = keras.layers.Dense(vocabulary_size)(x)
    return keras.Model(tokens, logits)


def _out_of(look, activation=None):
    """Build what a learner might: an embedding, something that looks around, and an output."""

    def build(vocabulary_size, width, num_heads):
        tokens = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(vocabulary_size, width)(tokens)
        x = look(x, keras.layers.MultiHeadAttention(num_heads, width // num_heads))
        return keras.Model(tokens, keras.layers.Dense(vocabulary_size, activation=activation)(x))

    return build


def _causal(x, attention):
    return x + attention(x, x, use_causal_mask=True)


def _pick(logits, temperature, number):
    edges = np.cumsum(scratch.softmax(logits / temperature))
    return int(np.sum(edges <= number))


def _pick_as_given(logits, temperature, number):
    return int(np.sum(np.cumsum(scratch.softmax(logits) / temperature) <= number)) + 1


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
        (_first_only, "Each merge joined only the first place where its pair stands; join it wherever it stands."),
        (lambda tokens, merges: _encode_word(tokens, merges[:1]), "Only the first merge was carried out."),
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

tiny_gpt = Exercise(
    "ch17.tiny_gpt",
    _tiny_gpt,
    [(11, 16, 2), (30, 8, 1), (20, 12, 3)],
    hints=[
        "Begin with tokens = keras.Input((None,), dtype='int32') and x = keras.layers.Embedding(…)(tokens).",
        "attention = keras.layers.MultiHeadAttention(num_heads, width // num_heads). In self-attention x is given "
        "twice; use_causal_mask=True hides the later tokens.",
        "Add what attention gives to x, end in keras.layers.Dense(vocabulary_size) without an activation, and return "
        "keras.Model(…) from the tokens to it.",
    ],
    mistakes=[
        (
            _out_of(lambda x, attention: x + attention(x, x)),
            "Every answer depends on later tokens, so the model is shown what it should guess: use_causal_mask=True.",
        ),
        (
            _out_of(lambda x, attention: attention(x, x, use_causal_mask=True)),
            "The result of the attention replaces its input; add the two: x + attention(x, x, use_causal_mask=True).",
        ),
        (_out_of(_causal, "softmax"), "These are probabilities; give logits: the last layer has no activation."),
        (_out_of(lambda x, attention: x), "No answer depends on earlier tokens; the attention is missing."),
        (
            _out_of(lambda x, attention: _causal(x, attention)[:, -1]),
            "You answer at the last position alone; give logits at every position.",
        ),
    ],
    probe=causal_behaviour,
)

pick = Exercise(
    "ch17.pick",
    _pick,
    [
        (np.array([0.0, 1.0, 2.0]), 1.0, 0.05),
        (np.array([0.0, 1.0, 2.0]), 0.5, 0.05),
        (np.array([0.0, 1.0, 2.0]), 3.0, 0.5),
        (np.array([3.0, 1.0, 0.0, 2.0]), 2.0, 0.999),
        (np.array([1.0, 4.0, 2.0]), 0.25, 0.02),
    ],
    hints=[
        "Run it with logits np.zeros(2), temperature 1, the numbers 0.2 and 0.7. Which tokens should come, which do?",
        "A token's number is how many edges lie at or below the random number; nothing is to be added.",
        "Print chances.sum() for temperature 2. A temperature divides the logits, before the softmax.",
    ],
    mistakes=[
        (_pick_as_given, "This is still the faulty code; compare its tokens with those of the loop above."),
        (
            lambda logits, temperature, number: _pick_as_given(logits, temperature, number) - 1,
            "The count is right now, but the chances do not sum to 1: the temperature divides the logits.",
        ),
        (
            lambda logits, temperature, number: _pick(logits, temperature, number) + 1,
            "The temperature is right now, but each token is one too high.",
        ),
        (
            lambda logits, temperature, number: _pick(logits, 1 / temperature, number),
            "The temperature works the wrong way round: divide the logits by it.",
        ),
        (lambda logits, temperature, number: int(np.argmax(logits)), "This is greedy: the random number must decide."),
    ],
)

short_context = Question(
    "ch17.short_context",
    1.55,
    why="In windows of eight a prediction sees four or five tokens on average. Most of what helps stands close before "
    "it, but not all.",
    hints=["perplexity_with(8) and perplexity_with(256) are the two perplexities.", "Divide the first by the second."],
    mistakes={
        1: "Nothing changed; give the first one windows of 8.",
        0.645: "You divided the wrong way round: windows of 8 over windows of 256.",
        28.2: "That is the perplexity with windows of 8; divide it by that with windows of 256.",
    },
    tolerance=0.04,
)
