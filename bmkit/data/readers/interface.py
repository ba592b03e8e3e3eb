"""Texts of a program's interface and what its translators made of them."""

import json
import re
from collections.abc import Iterable, Iterator

import numpy as np

from bmkit.data.draw import Members, Splits, cut, stratified
from bmkit.data.entries import SPLITS, DataError, Description
from bmkit.data.texts import opening

__all__ = ["pairs_of", "read", "unique"]

PLACES = re.compile(r"[%{}<>\n]")  # places for values, tags and line breaks
LONGEST = 25  # words


def pairs_of(name: str, content: bytes) -> Iterator[tuple[str, str]]:
    r"""Yield the texts of a language pack with their translations, but for those with places for values in them.

    Args:
        name: the member's name, for the message.
        content: a JSON object; a text's key may begin with its context and the sign 4, its value lists the forms of
            the translation by number. The text "" is about the pack itself.

    Returns:
        Pairs of text and translation, of 1 to 25 words, in the pack's order.

    Raises:
        DataError: the member is no such object.

    Example:
        >>> list(pairs_of("a.json", b'{"": {}, "menu\\u0004Close": ["Fechar"], "%1 files": ["%1 arquivos"]}'))
        [('Close', 'Fechar')]

    Reference:
        GNU gettext, contexts and plural forms, https://www.gnu.org/software/gettext/manual/gettext.html
    """
    try:
        texts = {key: forms for key, forms in json.loads(content).items() if key}
        pairs = [(key.split("\4")[-1].strip(), forms[0].strip()) for key, forms in texts.items()]
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        raise DataError(f"{name} is not a language pack ({type(error).__name__}: {error}).") from error
    for text, translation in pairs:
        if translation and len(text.split()) <= LONGEST and not PLACES.search(text + translation):
            yield text, translation


def unique(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Keep the first of all pairs whose texts open alike.

    Args:
        pairs: texts with their translations.

    Returns:
        The pairs by the opening of their text, in order; a text without a letter or digit is left out.

    Example:
        >>> unique([("Close", "Fechar"), ("close…", "Fechar"), ("…", "…")])
        {'close': ('Close', 'Fechar')}
    """
    kept = {}
    for text, translation in pairs:
        if key := opening(text):
            kept.setdefault(key, (text, translation))
    return kept


def read(members: Members, description: Description) -> Splits:
    """Read packs of one language, texts of at least three words; no text comes twice."""
    pairs = (pair for name, content in members.items() for pair in pairs_of(name, content))
    kept = unique(pair for pair in pairs if len(pair[0].split()) >= 3).values()
    x, y = (np.array(column, dtype=object) for column in zip(*kept, strict=True))
    return cut(x, y, stratified(np.zeros(len(y)), [description.rows[split] for split in SPLITS]))
