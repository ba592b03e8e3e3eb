"""Turn English text into phonemes by look-up: a lexicon of 180,000 words, endings, letters, weak forms of small words.

The alphabet is that of the lexicon: one sign a sound, as "A" for the vowel of *day*; ˈ and ˌ mark stress.
"""

import dataclasses
import json
import re
import unicodedata
from typing import Any

from bmkit.data.entries import DataError
from bmkit.data.unpack import gunzip

__all__ = ["Lexicon", "read_lexicon"]

LARGEST, MOST_WORDS = 2**26, 500_000  # bytes of a lexicon and words in it; an honest one has 5 MB and 93,000
MARKS = ';:,.!?—…()"“”'
PIECES = re.compile(r"[^\W_]+(?:'[^\W_]+)*|\s|[^\w\s]|_")  # a word, a space, a sign
SAME = str.maketrans({"’": "'", "‘": "'", "-": " ", "–": "—", "‑": " "})
VOWELS, CONSONANTS = frozenset("AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻɐ"), frozenset("bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ")
VOWEL = re.compile(f"[{''.join(sorted(VOWELS))}]")
TAPPED = "AIOWYiuæɑəɛɪɹʊʌ"  # after these, an American t before a vowel is a short d
MOST_NAMED = 5  # unknown words that an error names


def _with_s(stem: str) -> str:
    """Add the ending of *cats*, *dogs* or *buses*."""
    return stem + ("s" if stem[-1] in "ptkfθ" else "ᵻz" if stem[-1] in "szʃʒʧʤ" else "z")


def _with_ed(stem: str) -> str:
    """Add the ending of *stopped*, *landed*, *waited* or *called*."""
    if stem[-1] == "t":
        return (stem[:-1] + "ɾ" if stem[-2:-1] in TAPPED else stem) + "ᵻd"
    return stem + ("t" if stem[-1] in "pkfθʃsʧ" else "ᵻd" if stem[-1] == "d" else "d")


def _with_ing(stem: str) -> str:
    """Add the ending of *calling* or *waiting*."""
    return (stem[:-1] + "ɾ" if stem[-1] == "t" and stem[-2:-1] in TAPPED else stem) + "ɪŋ"


# Ending of the spelling, what stands there without it, and how its sound is added; the first known word is taken.
ENDINGS = (
    (re.compile(r"(?<!s)s$|'s$"), ("",), _with_s),
    (re.compile(r"ies$"), ("y",), _with_s),
    (re.compile(r"es$"), ("",), _with_s),
    (re.compile(r"(?<!d)d$"), ("",), _with_ed),
    (re.compile(r"ed$"), ("",), _with_ed),
    (re.compile(r"([bdgklmnprstvz])\1ed$"), (r"\1",), _with_ed),
    (re.compile(r"ing$"), ("", "e"), _with_ing),
    (re.compile(r"([bdgklmnprstvz])\1ing$"), (r"\1",), _with_ing),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Lexicon:
    """Words and their phonemes; of a word that is spoken in two ways, as *read*, the usual one."""

    words: dict[str, str] = dataclasses.field(repr=False)

    def word(self, word: str) -> str | None:
        """Pronounce one word that stands alone.

        Args:
            word: letters, perhaps with an apostrophe within.

        Returns:
            Its phonemes; `None` if it is not in the lexicon, is no known word with the ending -s, -ed or -ing, and
            no row of capitals, whose letters are named one by one.
        """
        known = self._listed(word) or self._inflected(word.lower())
        return known or (self._letters(word) if word.isupper() and word.isascii() else None)

    def _listed(self, word: str) -> str | None:
        tried = (word, word.lower(), word.capitalize())
        return next((self.words[one] for one in tried if one in self.words), None)

    def _inflected(self, word: str) -> str | None:
        """Find the word without its ending, and add the ending's sound."""
        for pattern, instead, add in ENDINGS:
            if (found := pattern.search(word)) and found.start() > 1:
                stems = (word[: found.start()] + found.expand(letters) for letters in instead)
                if known := next(filter(None, map(self._listed, stems)), None):
                    return add(known)
        return None

    def _letters(self, word: str) -> str | None:
        """Name letters: the last one bears the stress."""
        names = [self.words.get(letter) for letter in word]
        if None in names:
            return None
        joined = "".join(names).replace("ˌ", "").replace("ˈ", "ˌ")
        return "ˈ".join(joined.rsplit("ˌ", 1))

    def _spoken(self, word: str, then: str, *, first: bool) -> str | None:
        """Pronounce a word before others: small words are weak, and three of them heed the sound that follows."""
        sound = next((sign for sign in then if sign in VOWELS | CONSONANTS or sign in MARKS), ".")
        small, before_vowel, at_end = word.lower(), sound in VOWELS, sound in MARKS
        if word == "a" or (word == "A" and first):
            return "ɐ"
        weak = {"an": "ɐn", "the": "ði" if before_vowel else "ðə", "in": "ˈɪn" if at_end else "ɪn"}
        if not at_end:
            weak |= {"to": "tʊ" if before_vowel else "tə", "am": "ɐm"}
        if small in weak or word == "I":
            return weak.get(small, "ˌI")
        known = self.word(word)
        capital = known and word[0].isupper() and not {"ˈ", "ˌ"} & set(known)  # as in "With you": a light stress
        return VOWEL.sub(r"ˌ\g<0>", known, count=1) if capital else known

    def phonemes(self, text: str) -> str:
        """Pronounce a text.

        Args:
            text: English words and the marks ; : , . ! ? — … ( ) " “ ”, with numbers written as words.

        Returns:
            Phonemes, marks, and a space between words.

        Raises:
            ValueError: the text holds no word, or something that cannot be pronounced; the message names it.

        Example:
            >>> Lexicon({"open": "ˈOpᵊn", "door": "dˈɔɹ"}).phonemes("Open the doors!")
            'ˈOpᵊn ðə dˈɔɹz!'
        """
        plain = " ".join(unicodedata.normalize("NFKC", text).translate(SAME).split())
        pieces = PIECES.findall(plain)
        if not any(piece[0].isalnum() for piece in pieces):
            raise ValueError(f"the text {text[:40]!r} holds no word; expected an English sentence.")
        said, unknown = "", []
        for place, piece in reversed(list(enumerate(pieces))):  # a small word heeds what follows it
            if piece[0].isalnum():
                found = self._spoken(piece, said, first=place == 0)
            else:
                found = piece if piece in MARKS or piece == " " else "" if piece == "'" else None
            unknown += [piece] if found is None else []
            said = (found or "") + said
        if unknown:
            raise ValueError(_told(list(dict.fromkeys(reversed(unknown)))))
        return said.replace("ɾ", "T").replace("ʔ", "t")  # as the voice was taught to write them


def _told(unknown: list[str]) -> str:
    """Say which words cannot be pronounced, and what to do."""
    named = ", ".join(repr(word[:30]) for word in unknown[:MOST_NAMED])
    more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
    return (
        f"the voice cannot pronounce {named}{more}; expected English words and the marks {' '.join(MARKS)} — write "
        "numbers and symbols as words, and rare names as they sound."
    )


def _entries(packed: bytes, name: str) -> dict[str, Any]:
    """Unpack one list of words."""
    content = gunzip(packed)
    if len(content) > LARGEST:
        raise DataError(f"{name} unpacks to {len(content):,} bytes, expected at most {LARGEST:,}; it was not read.")
    try:
        listed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is no list of words ({error}). Run `python3 -m bmkit data verify`.") from error
    if not isinstance(listed, dict) or not 0 < len(listed) <= MOST_WORDS:
        raise DataError(f"{name} is no list of 1 to {MOST_WORDS:,} words. Run `python3 -m bmkit data verify`.")
    return listed


def read_lexicon(packed: dict[str, bytes]) -> Lexicon:
    """Read lists of words, each a JSON object compressed by gzip; earlier lists go before later ones.

    Args:
        packed: the lists by name; a word has its phonemes, or an object with the usual ones under "DEFAULT".

    Returns:
        The lexicon.

    Raises:
        DataError: a list is damaged, too large, or of another form.

    Example:
        >>> import gzip
        >>> read_lexicon({"a": gzip.compress(b'{"read": {"DEFAULT": "rid", "VBD": "red"}}')}).word("reads")
        'ridz'
    """
    words: dict[str, str] = {}
    for name, content in reversed(packed.items()):
        for word, said in _entries(content, name).items():
            usual = said.get("DEFAULT") if isinstance(said, dict) else said
            if not isinstance(usual, str) or not usual:
                raise DataError(f"{name}: {word[:40]!r} has no phonemes. Run `python3 -m bmkit data verify`.")
            words[word] = usual
    return Lexicon(words)
