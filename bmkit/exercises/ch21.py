"""Exercises of chapter 21, text summarization."""

import numpy as np

from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["best_length", "clipped", "votes", "word_tagger"]

_random = np.random.default_rng(21)

clipped = Question(
    "ch21.clipped",
    0.5,
    why="The reference says the twice, so two of the four words count: 2 / 4.",
    hints=["How often does the reference say the?", "Precision divides by the number of words of the summary, four."],
    mistakes={
        1: "Each of the four stands in the reference, but the minimum clips: two of them count.",
        0.25: "The reference says the twice: two of the four words count.",
        0.4: "That is the recall, 2 of the 5 words of the reference.",
        0.444: "That is F1, the harmonic mean of precision and recall; the precision alone is asked for.",
        2: "Two is the number of common words; divide it.",
    },
)

best_length = Question(
    "ch21.best_length",
    26,
    why="With every word that is added recall stays or rises, so the longest always wins.",
    hints=[
        "Can recall fall when a word is added to the summary?",
        "np.argmax of the mean recall over the validation texts, for k in ks.",
    ],
    mistakes={
        4: "That may be best for precision. Recall divides by the words of the reference.",
        12: "That is near what the mean of the three F1 chooses; take entry 1 of what scratch.rouge_n returns.",
        10: "Ten words are near the top of the curves of F1; the recall is entry 1 of what scratch.rouge_n returns.",
    },
)


def _votes(weights, damping):
    n = len(weights)
    moves = weights / weights.sum(axis=1, keepdims=True)
    ranks = np.full(n, 1 / n)
    for _ in range(100):
        ranks = (1 - damping) / n + damping * ranks @ moves
    return ranks


def _as_found(weights, damping):
    moves = weights / weights.sum(axis=0, keepdims=True)
    ranks = np.full(len(weights), 1 / len(weights))
    for _ in range(100):
        ranks = (1 - damping) + damping * ranks @ moves
    return ranks


def _columns(weights, damping):
    n = len(weights)
    moves = weights / weights.sum(axis=0, keepdims=True)
    ranks = np.full(n, 1 / n)
    for _ in range(100):
        ranks = (1 - damping) / n + damping * ranks @ moves
    return ranks


def _turned(weights, damping):
    n = len(weights)
    moves = weights / weights.sum(axis=0, keepdims=True)
    ranks = np.full(n, 1 / n)
    for _ in range(100):
        ranks = (1 - damping) / n + damping * moves @ ranks
    return ranks


def _whole_jump(weights, damping):
    moves = weights / weights.sum(axis=1, keepdims=True)
    ranks = np.full(len(weights), 1 / len(weights))
    for _ in range(100):
        ranks = (1 - damping) + damping * ranks @ moves
    return ranks


def _once(weights, damping):
    n = len(weights)
    moves = weights / weights.sum(axis=1, keepdims=True)
    return (1 - damping) / n + damping * np.full(n, 1 / n) @ moves


votes = Exercise(
    "ch21.votes",
    _votes,
    [
        (np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 2.0, 0.0]]), 0.85),
        (_random.random((5, 5)), 0.5),
        (_random.random((4, 4)), 0.0),
        (_random.random((6, 6)) ** 3, 0.95),
    ],
    hints=[
        "A sentence has one vote to give away: what must each row of moves sum to?",
        "With probability 1 - damping a voter picks any of n sentences: each gets a share of that.",
        "moves = weights / weights.sum(axis=1, keepdims=True), and (1 - damping) / n + damping * ranks @ moves.",
    ],
    mistakes=[
        (_as_found, "This is the function as you found it: mend the sum, and the jump."),
        (
            _columns,
            "All ranks are equal. The rows of moves should sum to 1, not its columns: sum over axis=1. Votes arrive "
            "by ranks @ moves, not by moves @ ranks.",
        ),
        (
            _turned,
            "This is right for votes from column to row. Here weights[a, b] is what a gives to b: rows sum to 1, and "
            "votes arrive by ranks @ moves.",
        ),
        (
            _whole_jump,
            "The rows are right. But each of n sentences gets its share of the jump, (1 - damping) / n.",
        ),
        (_once, "This is one step; repeat it until nothing changes, 100 times."),
    ],
)


def _word_tagger(vocabulary, width):
    layers = [
        keras.layers.Embedding(vocabulary, width, mask_zero=True),
        keras.layers.Bidirectional(keras.layers.GRU(width, return_sequences=True)),
        keras.layers.Dense(1),
    ]
    return keras.Sequential([keras.Input((None,), dtype="int32"), *layers])


def _stack(*layers):
    return keras.Sequential([keras.Input((None,), dtype="int32"), *layers])


def _without_mask(vocabulary, width):
    reader = keras.layers.Bidirectional(keras.layers.GRU(width, return_sequences=True))
    return _stack(keras.layers.Embedding(vocabulary, width), reader, keras.layers.Dense(1))


def _one_way(vocabulary, width):
    reader = keras.layers.GRU(width, return_sequences=True)
    return _stack(keras.layers.Embedding(vocabulary, width, mask_zero=True), reader, keras.layers.Dense(1))


def _one_answer(vocabulary, width):
    reader = keras.layers.Bidirectional(keras.layers.GRU(width))
    return _stack(keras.layers.Embedding(vocabulary, width, mask_zero=True), reader, keras.layers.Dense(1))


def _probability(vocabulary, width):
    return keras.Sequential([_word_tagger(vocabulary, width), keras.layers.Activation("sigmoid")])


def _read(model) -> np.ndarray:
    """Give a tagger fixed weights, and padded sentences: what it answers at the real words tells how it is built."""
    random = np.random.default_rng(21)
    tokens = np.array([[1, 2, 3, 0, 0], [3, 2, 1, 0, 0], [2, 1, 3, 2, 1], [1, 0, 0, 0, 0]])
    model(tokens)  # the first call builds it
    model.set_weights([random.normal(size=weight.shape) for weight in model.weights])
    answers = keras.ops.convert_to_numpy(model(tokens))
    return answers * (tokens != 0)[..., np.newaxis] if answers.ndim == 3 else answers


word_tagger = Exercise(
    "ch21.word_tagger",
    _word_tagger,
    [(5, 3), (4, 2), (9, 5)],
    hints=[
        "The network above has two inputs; yours has one. Which layers stay?",
        "Every word needs an answer: the GRU must return all its states, return_sequences=True, and read both ways.",
        "Embedding with mask_zero=True, Bidirectional(GRU(width, return_sequences=True)), Dense(1).",
    ],
    mistakes=[
        (_without_mask, "Padding changes the answers: the embedding must make a mask of token 0, mask_zero=True."),
        (_one_way, "Each answer knows only the words before it: let the GRU read both ways, with Bidirectional."),
        (_one_answer, "This gives one answer for the whole text; return all states, return_sequences=True."),
        (_probability, "The model should end in a logit: leave the sigmoid to the loss."),
    ],
    probe=_read,
    tolerance=1e-4,
)
