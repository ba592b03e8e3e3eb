"""Exercises of chapter 18, BERT."""

import numpy as np

from bmkit import scratch
from bmkit.backend import keras
from bmkit.check import Exercise, Question

__all__ = ["cls_classifier", "half_hidden", "last_is_best", "masked_loss", "seen_as_mask", "wordpiece"]

_random = np.random.default_rng(18)

seen_as_mask = Question(
    "ch18.seen_as_mask",
    240,
    why="15 in 100 of 2,000 words are chosen, 300; of these 80 in 100 become the mask.",
    hints=[
        "Two shares follow each other: first which words are chosen, then what becomes of a chosen one.",
        "How many of the 2,000 words are chosen? Of these, how many become ▢?",
    ],
    mistakes={
        300: "So many are chosen; only 80 in 100 of them become the mask.",
        1600: "That is 80 in 100 of all words; it is 80 in 100 of the chosen ones.",
        270: "Those that become a random word are not seen as the mask.",
        30: "So many stay as they are, and as many become a random word.",
    },
)


def _masked_loss(logits, answers, counted):
    """Take the mean surprise over the places that count."""
    guesses = scratch.log_softmax(logits)
    surprise = -np.take_along_axis(guesses, answers[..., np.newaxis], axis=-1)[..., 0]
    return (surprise * counted).sum() / counted.sum()


def _surprise(logits, answers):
    return -np.take_along_axis(scratch.log_softmax(logits), answers[..., np.newaxis], axis=-1)[..., 0]


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
        "np.take_along_axis picks it along the last axis, if answers gets one more axis; its negative is the surprise.",
        "Multiply the surprise by what counts and add up. By which number must the sum be divided?",
    ],
    mistakes=[
        (
            lambda logits, answers, counted: _surprise(logits, answers).mean(),
            "You took the mean over all places; those that were not hidden, or do not exist, must not count.",
        ),
        (
            lambda logits, answers, counted: (_surprise(logits, answers) * counted).mean(),
            "You divided by the number of all places; divide by the number of those that count.",
        ),
        (
            lambda logits, answers, counted: (_surprise(logits, answers) * counted).sum(),
            "That is the sum; divide it by the number of places that count.",
        ),
        (
            lambda logits, answers, counted: -_masked_loss(logits, answers, counted),
            "The sign is wrong: a surprise is minus the log-probability.",
        ),
    ],
)


def _cls_classifier(vocabulary_size, width, num_classes):
    tokens = keras.Input((None,), dtype="int32")
    real = keras.ops.not_equal(tokens, 0)
    x = keras.layers.Embedding(vocabulary_size, width)(tokens)
    attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=width // 2)
    x = x + attention(x, x, attention_mask=real[:, None, :])
    logits = keras.layers.Dense(num_classes)(x[:, 0])
    return keras.Model(tokens, logits)


def _reader(look, pool, activation=None):
    """Build what a learner might: an embedding, something that looks around, one vector, and an output."""

    def build(vocabulary_size, width, num_classes):
        tokens = keras.Input((None,), dtype="int32")
        real = keras.ops.not_equal(tokens, 0)
        x = keras.layers.Embedding(vocabulary_size, width)(tokens)
        x = x + look(keras.layers.MultiHeadAttention(num_heads=2, key_dim=width // 2), x, real)
        return keras.Model(tokens, keras.layers.Dense(num_classes, activation=activation)(pool(x)))

    return build


def _masked(attention, x, real):
    return attention(x, x, attention_mask=real[:, None, :])


def _first(x):
    return x[:, 0]


def _behaviour(model) -> str:
    """Say what a model of token numbers does: the shape of its answers, and what each answer depends on."""
    tokens = np.random.default_rng(18).permutation(np.arange(1, 10))[np.newaxis, :7]  # all different, none is filling
    tokens = np.concatenate([tokens, tokens[:, ::-1]])
    padded = np.pad(tokens, ((0, 0), (0, 3)))
    swapped = tokens[:, [1, 0, *range(2, 7)]]
    later = tokens.copy()
    later[:, -1] = tokens[:, -2]
    answers, filled, turned, changed = (keras.ops.convert_to_numpy(model(x)) for x in (tokens, padded, swapped, later))
    shape = f"answers of shape {answers.shape} to tokens of shape (2, 7)"
    if answers.ndim != 2:
        return shape
    facts = {
        "the padding": np.abs(filled - answers).max(),
        "the last token": np.abs(changed - answers).max(),
        "which token comes first": np.abs(turned - answers).max(),
    }
    told = ", ".join(f"{name} {'counts' if fact > 1e-5 else 'does not count'}" for name, fact in facts.items())
    sums = np.allclose(answers.sum(axis=-1), 1, atol=1e-4)
    return f"{shape}; {told}; {'probabilities' if sums else 'logits'}"


cls_classifier = Exercise(
    "ch18.cls_classifier",
    _cls_classifier,
    [(11, 16, 2), (30, 8, 3), (20, 12, 5)],
    hints=[
        "Begin with keras.Input((None,), dtype='int32') and an Embedding; keras.ops.not_equal(tokens, 0) tells what is "
        "real.",
        "keras.layers.MultiHeadAttention(num_heads=2, key_dim=…) gets x twice; attention_mask wants the shape "
        "(batch, 1, time) here, so give what is real one axis more.",
        "Add what attention gives to x. The vector of [CLS] is the one at place 0; a Dense layer without an activation "
        "makes the logits of it.",
    ],
    mistakes=[
        (
            _reader(lambda attention, x, real: attention(x, x), _first),
            "Zeros behind the text change your answer, so the padding is looked at: give attention_mask.",
        ),
        (
            _reader(_masked, lambda x: keras.ops.mean(x, axis=1)),
            "You take the mean of all vectors, padding included; take the vector at place 0, that of [CLS].",
        ),
        (
            _reader(_masked, _first, "softmax"),
            "These are probabilities; give logits: the last layer has no activation.",
        ),
        (_reader(lambda attention, x, real: x, _first), "Only the first token counts; the attention is missing."),
        (
            _reader(_masked, lambda x: x),
            "You answer at every place; give one answer a text, from the vector at place 0.",
        ),
    ],
    probe=_behaviour,
)


def _wordpiece(word, vocabulary):
    """Take the longest known piece from the left, again and again."""
    pieces = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        end = len(word)
        while end > start and mark + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return ["[UNK]"]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


def _keeps_beginning(word, vocabulary):
    """Make the mistake of keeping the pieces found before a rest that is unknown."""
    for end in range(len(word), 0, -1):
        if "[UNK]" not in (pieces := _wordpiece(word[:end], vocabulary)):
            return pieces if end == len(word) else [*pieces, "[UNK]"]
    return ["[UNK]"]


wordpiece = Exercise(
    "ch18.wordpiece",
    _wordpiece,
    [
        ("unbelievably", {"un", "unb", "##bel", "##ie", "##va", "##bly", "##believ"}),
        ("teapot", {"tea", "t", "##pot", "##p", "##ot", "pot"}),
        ("teas", {"tea", "t", "##as", "##e"}),
        ("tea", {"tea", "t", "##ea"}),
        ("unbelievably", {"un", "##bel", "##ie", "##va", "##bly", "##believ", "##ably"}),
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
            _keeps_beginning,
            "When the rest of a word cannot be cut, the whole word is unknown: nothing of it is kept.",
        ),
    ],
)

half_hidden = Question(
    "ch18.half_hidden",
    0.84,  # five draws of the hidden words gave 0.80 to 0.94
    why="With half of the words gone, most gaps have a neighbour that is a gap itself.",
    hints=[
        "surprise_with(0.15) is what the table says; surprise_with(0.5) hides half of the words.",
        "Subtract the first from the second; both are in nats.",
    ],
    mistakes={
        0: "Nothing changed; give one of the two calls the share 0.5.",
        -0.84: "You subtracted the wrong way round; the surprise rises.",
        4.6: "That is the surprise with half of the words hidden; subtract that with 15 in 100.",
    },
    tolerance=0.12,
)

last_is_best = Question(
    "ch18.last_is_best",
    "no",
    why="The last block was trained to say what a text is about, and perhaps the verdict is in the way there.",
    hints=[
        "What was the last block trained for? Are a kind and an angry review of one tea about the same thing?",
    ],
    mistakes={
        "yes": "Validation says otherwise. Perhaps the last block keeps what its own loss asked for, not the verdict.",
    },
)
