"""Readers that make texts: dates in seven languages, and the prose in the docstrings of installed packages."""

import ast
import datetime
import re
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from bmkit.data.draw import Members, Splits, grouped
from bmkit.data.manifest import SPLITS, DataError, Description

__all__ = ["READERS", "dates_of", "opening", "prose"]

LANGUAGES = ("de", "en", "es", "fr", "ja", "ru", "zh")
STYLES = ("full", "long", "medium", "yMMMEd")  # three lengths, and the skeleton "short weekday, day, month, year"
LEFT_OUT = re.compile(r"/(\w*tests?|\w*testing|externals?|_external|_lib|distutils)/|_test\.py|/(__config|_dist|conft)")
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
    return re.sub(r"[\W_]+", "", re.sub(r"<[^>]*>", " ", text)).lower()[:60]


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


def dates(_: Members, description: Description) -> Splits:
    """Draw days from 1900 to 2099 with seed 0, each only once, and write them, one language after the other."""
    first = datetime.date(1900, 1, 1)
    days = (datetime.date(2100, 1, 1) - first).days
    drawn = np.random.default_rng(0)
    order = drawn.permutation(days)[: sum(description.rows.values())]
    texts, isos, languages = [], [], []
    for row, number in enumerate(order.tolist()):
        day, language = first + datetime.timedelta(number), LANGUAGES[row % len(LANGUAGES)]
        ways = dates_of(day, language)
        texts.append(ways[drawn.integers(len(ways))])
        isos.append(day.isoformat())
        languages.append(language)
    x = {"text": np.array(texts, dtype=object), "language": np.array(languages, dtype=object)}
    y = np.array(isos, dtype=object)
    ends = np.cumsum([description.rows[split] for split in SPLITS])
    parts = zip(SPLITS, np.split(np.arange(len(y)), ends)[:3], strict=True)
    return {split: ({name: column[rows] for name, column in x.items()}, y[rows]) for split, rows in parts}


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
        for pattern, instead in MARKUP:
            text = pattern.sub(instead, text)
        text = " ".join(text.split())
        signs = len(re.findall(r"[^A-Za-z ,.'-]", text))
        whole = SENTENCES.fullmatch(text) and not NO_SENTENCES.search(text)
        if whole and len(opening(text)) == 60 and signs <= 0.03 * len(text):
            kept.append(text)
    return kept


def _docstrings_of(name: str, source: bytes) -> Iterator[str]:
    """Yield the docstrings of a module, its classes and its functions, without running it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some strings hold backslashes that newer versions of Python dislike
            tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise DataError(
            f"{name} is not readable Python ({error}); install its package again with `pip install --force-reinstall`."
        ) from error
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""


def docstrings(members: Members, _: Description) -> Splits:
    """Read the prose of all docstrings; no paragraph comes twice, and those of one file are in one split."""
    seen, texts, files = set(), [], []
    for name, source in members.items():
        if LEFT_OUT.search(name):
            continue
        for docstring in _docstrings_of(name, source):
            fresh = [text for text in prose(docstring) if opening(text) not in seen]
            fresh = list({opening(text): text for text in reversed(fresh)}.values())[::-1]
            seen.update(map(opening, fresh))
            if fresh:
                texts.append("\n\n".join(fresh))
                files.append(name)
    _, package = np.unique([name.split("/")[0] for name in files], return_inverse=True)
    _, file = np.unique(files, return_inverse=True)
    x, chosen = np.array(texts, dtype=object), grouped(file, package, held=0.1)
    return {split: (x[rows], package[rows]) for split, rows in zip(SPLITS, chosen, strict=True)}


READERS: dict[str, Callable[[Members, Description], Splits]] = {
    reader.__name__: reader for reader in (dates, docstrings)
}
