"""Write with a trained model: choose the next token, append it, go on. Any `Decoder` serves."""

import weakref
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from bmkit.backend import keras
from bmkit.scratch import log_softmax, sampling_probabilities

__all__ = ["Decoder", "beam_search", "generate", "sample", "translate"]

AT_ONCE = 256  # sources that `translate` answers together
_HALVES = weakref.WeakKeyDictionary()  # of models that have written, so that each half is traced once


class Decoder(Protocol):
    """What `generate` asks: our `bmkit.models.CachedDecoder` has it, `bmkit.pretrained`'s SmolLM2, what Whisper heard.

    The cache is the decoder's own affair: it is made by `start_cache`, handed to `step` and taken back. Only
    `beam_search` looks into it: there it is an array or a nest of arrays, and the first axis of each counts the texts.
    """

    def start_cache(self, batch: int, length: int) -> Any:
        """Return an empty cache for `batch` texts of at most `length` tokens."""

    def step(self, tokens: np.ndarray, cache: Any, position: int) -> tuple[np.ndarray, Any]:
        """Read integers ``(batch, steps)``, the first at `position`; return logits (…, vocabulary) and the cache."""


def sample(
    logits: np.ndarray,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    random: np.random.Generator | None = None,
) -> np.ndarray:
    """Draw one token a row: from ``softmax(logits / temperature)``, its tail cut off.

    Args:
        logits: shape ``(batch, vocabulary)``.
        temperature: ≥ 0; 0 takes the likeliest token.
        top_k: draw from so many of the likeliest tokens only.
        top_p: draw from the likeliest tokens that together reach this probability only, in (0, 1].
        random: where chance comes from; a new one, different each time, when None.

    Returns:
        Integers, shape ``(batch,)``.

    Raises:
        ValueError: a limit makes no sense; see `bmkit.scratch.sampling_probabilities`.

    Example:
        >>> sample(np.array([[0.0, 2.0, 1.0]]), temperature=0)
        array([1])

    Reference:
        Holtzman et al. (2020), The curious case of neural text degeneration, https://arxiv.org/abs/1904.09751
    """
    logits = np.asarray(logits)
    if temperature == 0:
        return logits.argmax(axis=-1)
    probabilities = sampling_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
    random = np.random.default_rng() if random is None else random
    edges = np.cumsum(probabilities, axis=-1)  # a token is drawn when the number falls before its edge
    drawn = random.random((len(edges), 1)) * edges[:, -1:]
    return (edges <= drawn).sum(axis=-1)


def generate(
    decoder: Decoder,
    prompt: np.ndarray,
    new_tokens: int,
    *,
    choose: Callable | None = None,
    stop: int | None = None,
    cache: bool = True,
) -> np.ndarray:
    """Continue a text token by token.

    Args:
        decoder: reads tokens and gives logits, and remembers what it read in a cache.
        prompt: integers, shape ``(time,)`` or ``(batch, time)``, at least one token.
        new_tokens: how many to write, at most.
        choose: from logits ``(batch, vocabulary)`` to tokens ``(batch,)``, such as ``functools.partial(sample, top_k=9,
            random=…)``; the likeliest token when None.
        stop: token that ends a text; it is written, and once more wherever another text of the batch goes on.
        cache: False reads the whole text again for every token: the same answer, later.

    Returns:
        Prompt and new tokens, integers of shape ``(time + written,)`` or ``(batch, time + written)``.

    Raises:
        ValueError: the prompt is empty.

    Example:
        >>> class Counting:  # after each number comes the next
        ...     def start_cache(self, batch, length):
        ...         return None
        ...
        ...     def step(self, tokens, cache, position):
        ...         return np.eye(10)[(tokens + 1) % 10], cache
        >>> generate(Counting(), np.array([3]), 4)
        array([3, 4, 5, 6, 7])

    Reference:
        Pope et al. (2022), Efficiently scaling transformer inference, section 2, https://arxiv.org/abs/2211.05102
    """
    choose = choose or (lambda logits: np.argmax(logits, axis=-1))
    tokens = np.atleast_2d(np.asarray(prompt))  # (batch, time)
    batch, time = tokens.shape
    if not time:
        raise ValueError("the prompt is empty; begin with at least one token, such as the one that starts a text.")
    memory, position, ended = decoder.start_cache(batch, time + new_tokens) if cache else None, 0, np.zeros(batch, bool)
    for _ in range(new_tokens):
        if not cache:
            memory, position = decoder.start_cache(batch, tokens.shape[1]), 0
        logits, memory = decoder.step(tokens[:, position:], memory, position)
        position = tokens.shape[1]
        new = np.asarray(choose(np.asarray(logits)[:, -1]))  # (batch,)
        if stop is not None:
            new = np.where(ended, stop, new)
            ended |= new == stop
        tokens = np.concatenate([tokens, new[:, np.newaxis]], axis=1)
        if ended.all():
            break
    return tokens if np.ndim(prompt) == 2 else tokens[0]


def beam_search(
    decoder: Decoder,
    prompt: np.ndarray,
    new_tokens: int,
    *,
    beams: int = 4,
    stop: int | None = None,
    length_penalty: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Continue a text by the likeliest of several beginnings: ``score = Σ log p(token) / tokens written ** penalty``.

    Of every beginning all next tokens are tried, and the best `beams` texts go on.

    Args:
        decoder: as for `generate`; the first axis of all arrays in its cache must count the texts.
        prompt: integers, shape ``(time,)`` or ``(batch, time)``, at least one token.
        new_tokens: how many to write, at most.
        beams: how many beginnings are kept; 1 is greedy.
        stop: token that ends a text; it is written and counted, and once more wherever another text goes on.
        length_penalty: 0 compares sums, which favours short texts; 1 compares means.

    Returns:
        Prompt and new tokens of the best text, integers of shape ``(time + written,)`` or ``(batch, time + written)``;
        and its score, in nats, shape ``()`` or ``(batch,)``.

    Raises:
        ValueError: the prompt is empty, or there is no beam.

    Example:
        >>> class Trap:  # token 1 looks better at first, but what follows 0 is certain
        ...     def start_cache(self, batch, length):
        ...         return np.zeros((batch, 0))
        ...
        ...     def step(self, tokens, cache, position):
        ...         after = np.log([[1e-9, 1, 1e-9], [0.3, 0.3, 0.4], [0.45, 0.55, 1e-9]])
        ...         return after[tokens], cache
        >>> beam_search(Trap(), np.array([2]), 2, beams=2)[0], generate(Trap(), np.array([2]), 2)
        (array([2, 0, 1]), array([2, 1, 2]))

    Reference:
        Wu et al. (2016), Google's neural machine translation system, section 7, https://arxiv.org/abs/1609.08144
    """
    if beams < 1:
        raise ValueError(f"beams is {beams}; keep at least one beginning.")
    tokens = np.repeat(np.atleast_2d(np.asarray(prompt)), beams, axis=0)  # (batch · beams, time)
    rows, time = tokens.shape
    if not time:
        raise ValueError("the prompt is empty; begin with at least one token, such as the one that starts a text.")
    memory, position = decoder.start_cache(rows, time + new_tokens), 0
    sums, written, ended = np.full((rows // beams, beams), -np.inf), np.zeros(rows, int), np.zeros(rows, bool)
    sums[:, 0] = 0.0  # at first all beginnings are the same, and one of them is enough
    for _ in range(new_tokens):
        logits, memory = decoder.step(tokens[:, position:], memory, position)
        position = tokens.shape[1]
        each = _log_p(np.asarray(logits)[:, -1], ended, stop)  # (batch · beams, vocabulary)
        kept, new, sums = _best(sums, each, (written + ~ended) ** length_penalty)
        tokens = np.concatenate([tokens[kept], new[:, np.newaxis]], axis=1)
        memory = _of_rows(memory, kept)
        written, ended = written[kept] + ~ended[kept], ended[kept] | (new == stop)
        if ended.all():
            break
    scores = sums[:, 0] / np.maximum(written[::beams], 1) ** length_penalty
    return (tokens[::beams], scores) if np.ndim(prompt) == 2 else (tokens[0], scores[0])


def _log_p(logits: np.ndarray, ended: np.ndarray, stop: int | None) -> np.ndarray:
    """Return log p of each next token; a text that has ended goes on with `stop`, which costs nothing."""
    log_p = log_softmax(logits.astype(float))
    if stop is not None:
        log_p[ended] = np.where(np.arange(log_p.shape[1]) == stop, 0.0, -np.inf)
    return log_p


def _best(sums: np.ndarray, log_p: np.ndarray, divisors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose the best of all beginnings with all next tokens: their rows, the tokens, and the new sums."""
    batch, beams = sums.shape
    totals = sums[..., np.newaxis] + log_p.reshape(batch, beams, -1)  # (batch, beams, vocabulary)
    scores = (totals / divisors.reshape(batch, beams, 1)).reshape(batch, -1)
    # Sorting all scores would take 25 times as long.
    best = np.sort(np.argpartition(-scores, beams - 1, axis=1)[:, :beams], axis=1)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    kept = best // log_p.shape[1] + beams * np.arange(batch)[:, np.newaxis]
    return kept.ravel(), best.ravel() % log_p.shape[1], np.take_along_axis(totals.reshape(batch, -1), best, axis=1)


def _of_rows(memory: Any, rows: np.ndarray) -> Any:
    def taken(part):
        return part[rows] if isinstance(part, np.ndarray) else keras.ops.take(part, rows, axis=0)

    return keras.tree.map_structure(taken, memory)


def translate(model: keras.Model, source: np.ndarray, *, start: int, end: int, length: int) -> np.ndarray:
    """Let an encoder–decoder write its likeliest answer to each source, token by token.

    The source is read once; only what is written is read again for each token.

    Args:
        model: what `bmkit.models.transformer` or `bmkit.models.rnn_encoder_decoder` built, or any model of the same
            two inputs whose layer named "encoded" gives all that the answer needs of the source besides its filling.
        source: integers, shape ``(n, source time)``.
        start: target token that begins every answer.
        end: target token that ends an answer.
        length: tokens of an answer at most, `end` included, `start` not.

    Returns:
        Integers, shape ``(n, length)``; 0 after `end`.

    Raises:
        ValueError: the model has no two inputs or no layer "encoded".

    Example:
        >>> from bmkit.models import transformer
        >>> translate(transformer(10, 8), np.array([[4, 7, 2, 9], [5, 3, 0, 0]]), start=1, end=2, length=6).shape
        (2, 6)

    Reference:
        Sutskever, Vinyals and Le (2014), section 3.2, https://arxiv.org/abs/1409.3215
    """
    reader, writer = _halves(model)
    source = np.asarray(source)
    answer = np.zeros((len(source), length + 1), "int32")  # of one length throughout, so that nothing is traced twice
    answer[:, 0] = start
    for first in range(0, len(source), AT_ONCE):
        read, written = source[first : first + AT_ONCE], answer[first : first + AT_ONCE]
        known = [read, *keras.tree.flatten(reader.predict_on_batch(read))]
        ended = np.zeros(len(read), bool)
        for time in range(length):
            logits = np.asarray(writer.predict_on_batch([*known, written[:, :-1]]))  # (batch, length, vocabulary)
            written[:, time + 1] = np.where(ended, 0, logits[:, time].argmax(axis=-1))
            ended |= written[:, time + 1] == end
            if ended.all():
                break
    return answer[:, 1:].astype(int)


def _halves(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Split an encoder–decoder into the half that reads and the half that writes; both share its weights."""
    if model not in _HALVES:
        names, inputs = [layer.name for layer in model.layers], getattr(model, "inputs", None) or ()
        if len(inputs) != 2 or "encoded" not in names:
            raise ValueError(
                f"model {model.name!r} has {len(inputs)} inputs and the layers {', '.join(names)}; expected two "
                'inputs, source and target, and a layer named "encoded" where the reading of the source ends.'
            )
        source, target = inputs
        encoded = keras.tree.flatten(model.get_layer("encoded").output)  # vectors of all steps, or a state's parts
        reader, known = keras.Model(source, encoded), [source, *encoded, target]
        origins = [tensor._keras_history for tensor in known]
        writer = keras.Model(known, model.output)
        for tensor, origin in zip(known, origins, strict=True):
            tensor._keras_history = origin  # Keras makes inputs of them anew; so the model can be saved as before
        _HALVES[model] = reader, writer
    return _HALVES[model]
