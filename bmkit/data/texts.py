"""Make and clean texts: dates in seven languages, the prose of a docstring, and how two texts are told to be one.

Text is told to be one with another in two ways: by its first letters (`opening`), or by any long run of letters that
both have (`without_echoes`), where reviews are cut in pieces or quote one another.
"""

import datetime
import re
from collections.abc import Iterator, Sequence

__all__ = ["dates_of", "opening", "prose", "without_echoes", "without_markup"]

LANGUAGES = ("de", "en", "es", "fr", "ja", "ru", "zh")
STYLES = ("full", "long", "medium", "yMMMEd")  # three lengths, and the skeleton "short weekday, day, month, year"
MARKUP = (
    (re.compile(r":[\w:+-]+:(?=`)"), ""),  # :class:`x`
    (re.compile(r"`([^`<]+?) <[^`>]+>`_{0,2}"), r"\1"),  # `a page <address>`_
    (re.compile(r"`{1,2}[~.!][^`]*?([^`.]+)`{1,2}"), r"\1"),  # `~.a.b.C`
    (re.compile(r" ?\[[\w*]+\]_"), ""),  # [1]_
    (re.compile(r"`{1,2}([^`]+)`{1,2}_{0,2}"), r"\1"),  # ``x``
    (re.compile(r"\*{1,2}(\w[^*]*)\*{1,2}"), r"\1"),  # *x*
)
SENTENCES = re.compile(r"[A-Z][a-z]*,? [A-Za-z0-9 ,.;:'\"()?!/_=+-]*\.")
NO_SENTENCES = re.compile(r"https?:|::|--|\.\. |\bdoi\b|[A-Z]\.,? [A-Z]\.")  # addresses, underlines, directives, names


def opening(text: str) -> str:
    """Return the first 60 letters and digits of a text, without tags and case: equal openings, same text.

    Args:
        text: a text, may hold HTML tags.

    Returns:
        At most 60 lower-case characters.

    Example:
        >>> opening("<br />Good, GOOD coffee!")
        'goodgoodcoffee'

    Reference:
        Broder, 1997, "On the Resemblance and Containment of Documents", https://doi.org/10.1109/SEQUEN.1997.666900
    """
    return _letters(text)[:60]


def _letters(text: str) -> str:
    """Return the letters and digits of a text, without tags and case."""
    return re.sub(r"[\W_]+", "", re.sub(r"<[^>]*>", " ", text)).lower()


def without_echoes(texts: Sequence[str], labels: Sequence[int], *, run: int = 20, least: int = 1) -> list[int]:
    """Leave out texts that have as many letters or digits in a row in common with an earlier one.

    Where such two have different labels, neither is kept: one of the labels is wrong, and nobody knows which.

    Args:
        texts: the texts; tags, case, spaces and signs in them are passed over.
        labels: class of each text.
        run: letters or digits in a row that make two texts one; shorter texts are one where all their letters agree.
        least: texts with fewer letters and digits are left out as well.

    Returns:
        Places of the texts that are kept, in order.

    Example:
        >>> texts = ["Good, good coffee!", "I say: GOOD, good coffee.", "Bad.", "bad", "Tea"]
        >>> without_echoes(texts, [1, 1, 0, 1, 1], run=8)
        [0, 4]

    Reference:
        Broder, 1997, "On the Resemblance and Containment of Documents", https://doi.org/10.1109/SEQUEN.1997.666900
    """
    owner, kept = {}, set()
    for place, text in enumerate(texts):
        letters = _letters(text)
        runs = {letters[start : start + run] for start in range(max(1, len(letters) - run + 1))}
        earlier = {owner[one] for one in runs if one in owner}
        kept -= {other for other in earlier if labels[other] != labels[place]}
        if not earlier and len(letters) >= least:
            owner |= dict.fromkeys(runs, place)
            kept.add(place)
    return sorted(kept)


def dates_of(day: datetime.date, language: str) -> list[str]:
    """Write a day in the ways of a language that leave no doubt: month and year in full, never digits alone.

    Args:
        day: the day.
        language: a locale that Babel knows, as "fr".

    Returns:
        Up to four different texts; every space in them is an ordinary one.

    Example:
        >>> dates_of(datetime.date(2024, 2, 29), "fr")
        ['jeudi 29 février 2024', '29 février 2024', '29 févr. 2024', 'jeu. 29 févr. 2024']

    Reference:
        Unicode CLDR, date formats, https://cldr.unicode.org/translation/date-time/date-time-patterns
    """
    from babel.dates import format_date, format_skeleton

    made = [format_date(day, style, locale=language) for style in STYLES[:3]]
    made.append(format_skeleton(STYLES[3], day, locale=language))
    spaced = [" ".join(text.split()) for text in made]
    return list(dict.fromkeys(text for text in spaced if re.search(r"[^\W\d]", text)))


def without_markup(text: str) -> str:
    r"""Take the markup of Sphinx off a text, and write it in one line.

    Args:
        text: a paragraph.

    Returns:
        The same words with single spaces.

    Example:
        >>> without_markup("See :func:`~keras.ops.sum`\n  and *not* ``max`` [1]_.")
        'See sum and not max.'

    Reference:
        Docutils, reStructuredText inline markup,
        https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html#inline-markup
    """
    for pattern, instead in MARKUP:
        text = pattern.sub(instead, text)
    return " ".join(text.split())


def _paragraphs(docstring: str) -> Iterator[str]:
    """Yield runs of lines that begin a thought: after an empty line, a title, "name : type", or in "name: text"."""
    group, indent, hanging, above = [], -1, False, ""
    for line in [*docstring.split("\n"), ""]:
        here, text = len(line) - len(line.lstrip()), line.strip()
        if group and (not text or (here <= indent if hanging else here != indent)):
            yield " ".join(group)
            group = []
        argument = re.match(r"`{0,2}\*{0,2}\w+`{0,2}: +(?=[A-Z])", text)
        if group:
            group.append(text)
            indent, hanging = here, False
        elif argument:  # its text goes on in deeper lines
            group, indent, hanging = [text[argument.end() :]], here, True
        elif text and (not above.strip("-=~") or " : " in above or above.endswith(":")):
            group, indent, hanging = [text], here, False
        above = text


def prose(docstring: str) -> list[str]:
    """Keep the paragraphs of a docstring that are English sentences, without the signs of its markup.

    Args:
        docstring: cleaned of its indentation, in the markup of Sphinx.

    Returns:
        Paragraphs of one line each: ASCII, beginning with a capital, ending with a full stop, at least 60 letters
        and digits; at most 3 % of a paragraph are digits and signs other than , . ' - and spaces.

    Example:
        >>> prose('''Sum over an axis.
        ...
        ... The sum of the elements of ``x`` over the given :term:`axis`, with neither weights nor scale.
        ...
        ... x : array, shape (3,)
        ...     What is summed, in any order that the layout of the memory makes quick to walk through.
        ...
        ... >>> total([1, 2])
        ... ''')  # doctest: +NORMALIZE_WHITESPACE
        ['The sum of the elements of x over the given axis, with neither weights nor scale.',
         'What is summed, in any order that the layout of the memory makes quick to walk through.']

    Reference:
        numpydoc, "Style guide", https://numpydoc.readthedocs.io/en/latest/format.html
    """
    kept = []
    for text in _paragraphs(docstring):
        text = without_markup(text)
        signs = len(re.findall(r"[^A-Za-z ,.'-]", text))
        whole = SENTENCES.fullmatch(text) and not NO_SENTENCES.search(text)
        if whole and len(opening(text)) == 60 and signs <= 0.03 * len(text):
            kept.append(text)
    return kept
