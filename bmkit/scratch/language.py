"""Guess the next token: how sure to be, and how surprised one was."""

import numpy as np

from bmkit.scratch.activations import softmax

__all__ = ["hide_tokens", "perplexity", "sampling_probabilities"]


def perplexity(probabilities: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Between how many equally likely tokens the model wavers: ``exp(-mean(ln pₜ))``.

    Args:
        probabilities: what the model gave to the tokens that came, in [0, 1], any shape.
        mask: 1 or True where a token counts, same shape.

    Returns:
        At least 1; infinite when a token that came was held impossible.

    Raises:
        ValueError: a probability lies outside [0, 1], or no token counts.

    Example:
        >>> perplexity(np.array([0.25, 0.25]))
        4.0

    Reference:
        Jurafsky and Martin (2025), Speech and Language Processing, third edition draft, section 3.3,
        https://web.stanford.edu/~jurafsky/slp3/
    """
    probabilities = np.asarray(probabilities, dtype=float)
    counted = probabilities[np.asarray(mask, bool)] if mask is not None else probabilities.ravel()
    if not counted.size or counted.min() < 0 or counted.max() > 1:
        raise ValueError(f"{counted.size} probabilities count; expected at least one, each in [0, 1].")
    with np.errstate(divide="ignore"):
        return float(np.exp(-np.log(counted).mean()))


def sampling_probabilities(
    logits: np.ndarray, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> np.ndarray:
    """Sharpen a guess and cut off its tail: ``softmax(logits / temperature)`` over the tokens that are kept.

    Args:
        logits: shape ``(…, vocabulary)``.
        temperature: > 0; below 1 the likely tokens gain, above 1 the unlikely ones.
        top_k: keep so many of the likeliest tokens (more when the last ones are equally likely); all when None.
        top_p: keep the smallest set of the likeliest tokens whose probabilities reach this sum, in (0, 1].

    Returns:
        Probabilities, shape ``(…, vocabulary)``, each row summing to 1; with both limits, `top_k` is applied first.

    Raises:
        ValueError: the temperature is not positive, `top_k` is below 1, or `top_p` lies outside (0, 1].

    Example:
        >>> logits = np.log([0.5, 0.3, 0.2])
        >>> sampling_probabilities(logits, top_k=2), sampling_probabilities(logits, top_p=0.5)
        (array([0.625, 0.375, 0.   ]), array([1., 0., 0.]))

    Reference:
        Holtzman et al. (2020), The curious case of neural text degeneration, https://arxiv.org/abs/1904.09751
    """
    if temperature <= 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError(
            f"temperature {temperature}, top_k {top_k}, top_p {top_p}; expected a positive temperature, top_k of at "
            "least 1 and top_p in (0, 1]. For the likeliest token alone use top_k=1."
        )
    logits = np.asarray(logits, dtype=float) / temperature
    if top_k is not None and top_k < logits.shape[-1]:
        least = np.sort(logits, axis=-1)[..., -top_k, np.newaxis]
        logits = np.where(logits >= least, logits, -np.inf)
    probabilities = softmax(logits)
    if top_p is None:
        return probabilities
    order = np.argsort(-probabilities, axis=-1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=-1)
    # A token is kept when those before it do not reach the sum yet; a rounding error must not let one more in.
    kept = np.cumsum(ranked, axis=-1) - ranked < top_p - 1e-12
    kept = np.take_along_axis(kept, np.argsort(order, axis=-1), axis=-1)
    return probabilities * kept / (probabilities * kept).sum(axis=-1, keepdims=True)


def hide_tokens(
    tokens: np.ndarray, random: np.random.Generator, *, words: tuple[int, int], mask_token: int, share: float = 0.15
) -> tuple[np.ndarray, np.ndarray]:
    """Hide some tokens to be guessed: of those chosen, 80 in 100 become the mask, 10 a random word, 10 stay.

    What stays or is random keeps the model from trusting its eyes: every step may be one that is asked for.

    Args:
        tokens: integers, shape ``(n, time)``.
        random: where chance comes from.
        words: ``(first, end)`` of the ordinary words, ``first ≤ token < end``; others, as filling, are never chosen.
        mask_token: what a hidden token becomes.
        share: of each row's ordinary tokens that are chosen, in (0, 1]; at least one where there is any.

    Returns:
        The tokens to read, and where one was chosen, True or False; both of shape ``(n, time)``.

    Raises:
        ValueError: the share lies outside (0, 1].

    Example:
        >>> read, chosen = hide_tokens(np.array([[5, 6, 7, 0]]), np.random.default_rng(0), words=(2, 9), mask_token=9)
        >>> read.tolist(), chosen.astype(int).tolist()
        ([[5, 6, 9, 0]], [[0, 0, 1, 0]])

    Reference:
        Devlin, Chang, Lee and Toutanova (2019), BERT, section 3.1, https://arxiv.org/abs/1810.04805
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; expected a number in (0, 1].")
    tokens = np.asarray(tokens)
    ordinary = (words[0] <= tokens) & (tokens < words[1])
    wanted = np.maximum(np.round(share * ordinary.sum(axis=-1, keepdims=True)), 1)
    order = np.where(ordinary, random.random(tokens.shape), 2.0).argsort(axis=-1).argsort(axis=-1)
    chosen = ordinary & (order < wanted)
    dice = random.random(tokens.shape)
    others = random.integers(*words, size=tokens.shape)
    fate = np.where(dice < 0.8, mask_token, np.where(dice < 0.9, others, tokens))
    return np.where(chosen, fate, tokens), chosen
