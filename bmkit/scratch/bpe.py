"""Byte-pair encoding: learn a vocabulary from a text by joining the commonest neighbours again and again.

A token is a piece of UTF-8 text as bytes. The first 256 tokens are the single bytes, so no text is ever unknown; each
merge appends one more. The order of the bytes and the rule for ties are those of the `tokenizers` library, so that
both learn the same merges.
"""

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

__all__ = ["bpe_decode", "bpe_encode", "bpe_train", "bpe_vocabulary", "split_words"]

# Printable bytes first, as GPT-2 counts them: then token 0 is "!" and token 33 is "B".
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
BYTES = [bytes([number]) for number in [*PRINTABLE, *sorted(set(range(256)) - set(PRINTABLE))]]
FIRST = {byte: index for index, byte in enumerate(BYTES)}
# Short English endings, then letters, digits or signs with the space before them, then what is left of the spaces.
WORD = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def split_words(text: str) -> list[str]:
    """Cut a text where no token may reach across: before each word, number and run of signs.

    The space before a word belongs to it. The rule is GPT-2's.

    Args:
        text: any text.

    Returns:
        The pieces; joined they give the text again.

    Example:
        >>> split_words("It's 12 o'clock.")
        ['It', "'s", ' 12', ' o', "'", 'clock', '.']

    Reference:
        Radford et al. (2019), Language models are unsupervised multitask learners, section 2.2,
        https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf
    """
    # Python's digits are 0 to 9 of each script; the rule means all that Unicode calls a number: ², ½, 〇.
    numbers = {ord(sign): "0" for sign in set(text) if unicodedata.category(sign).startswith("N")}
    return [text[match.start() : match.end()] for match in WORD.finditer(text.translate(numbers))]


def bpe_train(text: str, num_merges: int) -> list[tuple[int, int]]:
    """Join the commonest pair of neighbours, and again: ``merge = argmax count(a, b)`` over all words.

    Of pairs that are equally common the one with the smaller numbers is joined: first by ``a``, then by ``b``.

    Args:
        text: what to learn from.
        num_merges: how many pairs to join, at most; it ends early when every word is one token.

    Returns:
        Pairs of token numbers, in the order in which they were joined; pair i became token ``256 + i``.

    Raises:
        ValueError: `num_merges` is negative.

    Example:
        >>> [bpe_vocabulary(bpe_train("low lower lowest", 3))[-number] for number in (3, 2, 1)]
        [b'lo', b'low', b' low']

    Reference:
        Sennrich, Haddow and Birch (2016), Neural machine translation of rare words with subword units,
        https://arxiv.org/abs/1508.07909
    """
    if num_merges < 0:
        raise ValueError(f"num_merges is {num_merges}; it cannot be negative.")
    counted = Counter(split_words(text))
    words = [[FIRST[bytes([byte])] for byte in word.encode("utf-8")] for word in counted]
    times = list(counted.values())
    counts, places = Counter(), defaultdict(set)  # of each pair: how often, and in which words
    for index, word in enumerate(words):
        _count(word, times[index], counts, places, index)
    merges = []
    while len(merges) < num_merges and counts:
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        for index in list(places[pair]):
            _count(words[index], -times[index], counts, places, index)
            words[index] = _join(words[index], pair, 256 + len(merges))
            _count(words[index], times[index], counts, places, index)
        merges.append(pair)
    return merges


def bpe_vocabulary(merges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Spell out every token: 256 single bytes, then ``token(256 + i) = token(aᵢ) + token(bᵢ)``.

    Args:
        merges: what `bpe_train` learned.

    Returns:
        Bytes of each token, ``256 + len(merges)`` of them.

    Example:
        >>> bpe_vocabulary([(71, 72)])[-1]
        b'hi'

    Reference:
        Sennrich, Haddow and Birch (2016), https://arxiv.org/abs/1508.07909
    """
    vocabulary = list(BYTES)
    for a, b in merges:
        vocabulary.append(vocabulary[a] + vocabulary[b])
    return vocabulary


def bpe_encode(text: str, merges: Sequence[tuple[int, int]]) -> list[int]:
    """Write a text as token numbers: join pairs in the order in which they were learned, in each word by itself.

    Args:
        text: any text.
        merges: what `bpe_train` learned.

    Returns:
        Token numbers, 0 … 255 + len(merges).

    Example:
        >>> bpe_encode("hi hi", bpe_train("hi hi hi", 2))
        [256, 257]

    Reference:
        Sennrich, Haddow and Birch (2016), https://arxiv.org/abs/1508.07909
    """
    ranks = {tuple(pair): index for index, pair in enumerate(merges)}
    known, tokens = {}, []
    for text_word in split_words(text):
        if text_word not in known:
            word = [FIRST[bytes([byte])] for byte in text_word.encode("utf-8")]
            while pairs := [pair for pair in itertools.pairwise(word) if pair in ranks]:
                first = min(pairs, key=ranks.get)
                word = _join(word, first, 256 + ranks[first])
            known[text_word] = word
        tokens += known[text_word]
    return tokens


def bpe_decode(tokens: Sequence[int], merges: Sequence[tuple[int, int]]) -> str:
    """Read token numbers as text again.

    Args:
        tokens: numbers 0 … 255 + len(merges).
        merges: what `bpe_train` learned.

    Returns:
        The text; bytes that are no whole character become �, as when a text is cut in the middle of one.

    Raises:
        ValueError: a token is not in the vocabulary.

    Example:
        >>> bpe_decode([256, 257], bpe_train("hi hi hi", 2))
        'hi hi'

    Reference:
        Sennrich, Haddow and Birch (2016), https://arxiv.org/abs/1508.07909
    """
    vocabulary = bpe_vocabulary(merges)
    wrong = [token for token in tokens if not 0 <= token < len(vocabulary)]
    if wrong:
        raise ValueError(f"token {wrong[0]} is not in the vocabulary; expected numbers in 0 … {len(vocabulary) - 1}.")
    return b"".join(vocabulary[token] for token in tokens).decode("utf-8", errors="replace")


def _count(word, times, counts, places, index) -> None:
    """Add a word's pairs to the counts, or take them away when `times` is negative."""
    for pair in itertools.pairwise(word):
        counts[pair] += times
        places[pair].add(index)
        if times < 0:
            places[pair].discard(index)
            if not counts[pair]:
                del counts[pair]


def _join(word, pair, token) -> list[int]:
    """Replace each occurrence of a pair, from left to right, by one token."""
    joined, index = [], 0
    while index < len(word):
        if tuple(word[index : index + 2]) == pair:
            joined.append(token)
            index += 2
        else:
            joined.append(word[index])
            index += 1
    return joined
