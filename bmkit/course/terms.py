"""The field's terms: each is introduced where `notebooks/terms.toml` says, and no word of our own takes its place."""

import functools
import importlib
import re
import tomllib
from collections.abc import Iterator

from bmkit.check import Exercise, Question
from bmkit.course import book
from bmkit.course.chapters import NOTEBOOKS, ROOT, Chapter, chapters

__all__ = ["faults"]

EMPHASISED = re.compile(r"(\*{1,2})(?=[^\s*])([^*]*[^\s*])\1(?!\*)")
NOT_PROSE = re.compile(r"\*\*References\*\*.*|```.*?```|\$\$.*?\$\$|`[^`]*`|\$[^$]*\$|(?<=\])\([^()\s]*\)", re.DOTALL)
MOST_WORDS = 4  # in an emphasised phrase beside the term itself: longer ones are captions and questions


def faults(chapter: Chapter) -> Iterator[str]:
    """Say where a chapter breaks with the list.

    Args:
        chapter: one whose source exists.

    Yields:
        One sentence for each term that stands before its introduction, and for each word that has taken a term's place.

    Example:
        >>> from bmkit.course.chapters import find
        >>> list(faults(find("05")))
        []
    """
    texts = [cell.source for cell in book.read_source(chapter).cells if cell.cell_type == "markdown"]
    yield from _late_terms(chapter, texts[1:])  # the title cell names what is to come
    yield from _house_words({text: _place(text) for text in texts})
    yield from _house_words({said: f"what an exercise says, {said!r}" for said in _sayings(chapter)})


def _late_terms(chapter: Chapter, texts: list[str]) -> Iterator[str]:
    known = _read_before(chapter)
    for term, homes in _introduced().items():
        if known & homes:
            continue
        name, is_home = term.partition("|")[0], chapter.number in homes
        first = next((text for text in texts if _pattern(term).search(_prose(text))), "")
        if is_home and not first:
            yield f"{name!r} is introduced nowhere; explain it, in **bold**, or mend notebooks/terms.toml"
        elif first and not _emphasises(term, first) and (is_home or not _links_to(homes, first)):
            link = "" if is_home else f", or link to chapter {' or '.join(sorted(homes))}, where it is explained"
            yield f"{name!r} is first used in {_place(first)}: put it in **bold** and explain it there{link}"


def _house_words(places: dict[str, str]) -> Iterator[str]:
    for word, term in _list()["instead"].items():
        for text, place in places.items():
            if found := _pattern(word).search(_prose(text)):
                yield f"{found[0]!r} stands in {place}; write {term}"


def _sayings(chapter: Chapter) -> list[str]:
    """Collect what the exercises of a chapter say: hints, reasons and explained mistakes."""
    place = f"ch{chapter.number}"
    if not (ROOT / "bmkit" / "exercises" / f"{place}.py").exists():
        return []
    found = vars(importlib.import_module(f"bmkit.exercises.{place}")).values()
    return [said for one in found if isinstance(one, (Exercise, Question)) for said in _sentences(one)]


def _sentences(item: Exercise | Question) -> list[str]:
    if isinstance(item, Question):
        return [*item.hints, item.why, *item.mistakes.values()]
    return [*item.hints, *(said for _, said in item.mistakes)]


@functools.cache
def _list() -> dict:
    with (NOTEBOOKS / "terms.toml").open("rb") as file:
        return tomllib.load(file)


def _introduced() -> dict[str, set[str]]:
    """Map each term to the chapters that introduce it."""
    homes: dict[str, set[str]] = {}
    for number, terms in _list()["introduced"].items():
        for term in terms:
            homes.setdefault(term, set()).add(number)
    return homes


def _read_before(chapter: Chapter) -> set[str]:
    """Collect the chapters that its reader has read: those that its title cell names, and those that they name."""
    before = {one.number: one.before for one in chapters()}
    known: set[str] = set()
    waiting = list(chapter.before)
    while waiting:
        one = waiting.pop()
        known.add(one)
        waiting += before[one]
    return known


@functools.cache
def _pattern(forms: str) -> re.Pattern:
    """Find any of the forms of a word, as a whole word, with a plural's ending and across the end of a line."""
    words = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in forms.split("|"))
    return re.compile(rf"(?<![\w-])(?:{words})(?:s|es)?(?![\w]|-\w)", re.IGNORECASE)


@functools.cache
def _prose(text: str) -> str:
    """Leave out what is not prose: code, formulas, the addresses of links, references."""
    return NOT_PROSE.sub(" ", text)


def _emphasises(term: str, text: str) -> bool:
    """Tell whether a term stands in a text in bold or italics, alone or within a short phrase."""
    longest = MOST_WORDS + len(term.partition("|")[0].split())
    phrases = (found[2] for found in EMPHASISED.finditer(_prose(text)))
    return any(len(phrase.split()) <= longest and _pattern(term).search(phrase) for phrase in phrases)


def _links_to(numbers: set[str], text: str) -> bool:
    return any(f"]({number}_" in text for number in numbers)


def _place(text: str) -> str:
    return f"the cell that begins with {text.partition(chr(10))[0][:60]!r}"
