"""Texts of a program's interface, names of emoji, languages, places and currencies, in English and Chinese."""

import json
import re
from collections.abc import Iterator

import numpy as np

from bmkit.data.draw import Members, Splits, cut, stratified
from bmkit.data.entries import SPLITS, DataError, Description
from bmkit.data.readers.interface import pairs_of, unique

__all__ = ["emoji_names", "read"]

SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")  # the five tones: the same names over and over
CHINESE = re.compile("[\u4e00-\u9fff]")


def emoji_names(english: bytes, chinese: bytes) -> Iterator[tuple[str, str]]:
    r"""Yield the names of emoji in two languages, but for those with a skin tone.

    Args:
        english: a JSON object, by emoji an object with ":a_name:" under "en".
        chinese: a JSON object, by emoji ":a_name:".

    Returns:
        Pairs of names, with spaces for underscores.

    Raises:
        DataError: they are no such objects.

    Example:
        >>> list(emoji_names('{"⚽": {"en": ":soccer_ball:"}}'.encode(), '{"⚽": ":足球:"}'.encode()))
        [('soccer ball', '足球')]

    Reference:
        Unicode CLDR, annotations, https://cldr.unicode.org/translation/characters-emoji-symbols/short-names-and-keywords
    """
    try:
        names, theirs = json.loads(english), json.loads(chinese)
        pairs = [(names[one]["en"], name) for one, name in theirs.items() if one in names and not SKIN.search(one)]
        for pair in pairs:
            yield tuple(name.strip(":").replace("_", " ") for name in pair)
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise DataError(f"the names of emoji cannot be read ({type(error).__name__}: {error}).") from error


def _places() -> Iterator[tuple[str, str]]:
    """Yield the names that Babel knows of languages, places and currencies, in the order of their codes."""
    import babel

    english, chinese = babel.Locale("en"), babel.Locale("zh")
    for kind in ("languages", "territories", "currencies"):
        names, theirs = getattr(english, kind), getattr(chinese, kind)
        yield from ((names[code], theirs[code]) for code in sorted(set(names) & set(theirs)))


def read(members: Members, description: Description) -> Splits:
    """Read all pairs whose translation holds Chinese letters; no text comes twice, whichever kind it is of."""
    emoji = [content for name, content in members.items() if name.startswith("emoji/")]
    packs = {name: content for name, content in members.items() if not name.startswith("emoji/")}
    found = {
        "interface": [pair for name, content in packs.items() for pair in pairs_of(name, content)],
        "emoji": emoji_names(*emoji),  # emoji.json, then emoji_zh.json
        "cldr": _places(),
    }
    rows = [(*pair, kind) for kind, pairs in found.items() for pair in pairs if CHINESE.search(pair[1])]
    kinds = {row[:2]: row[2] for row in reversed(rows)}
    kept = list(unique(row[:2] for row in rows).values())
    text, y = (np.array(column, dtype=object) for column in zip(*kept, strict=True))
    kind = np.array([kinds[pair] for pair in kept], dtype=object)
    return cut({"text": text, "kind": kind}, y, stratified(kind, [description.rows[split] for split in SPLITS]))
