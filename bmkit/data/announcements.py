"""A closed little language of 70 words: what a loudspeaker at a station says of platforms, times and dates."""

import datetime

import numpy as np

__all__ = ["KINDS", "announcement", "number_words", "time_words"]

KINDS = ("platform", "time", "date")
UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen""".split()  # noqa: SIM905 - one a line would take a page
TENS = ("", "", "twenty", "thirty", "forty", "fifty")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = """January February March April May June July August September October November
December""".split()  # noqa: SIM905
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
ORDINALS |= {"twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}
FIRST = datetime.date(2024, 1, 1)
DAYS, PLATFORMS = 2192, 20  # six years, and the platforms of a large station


def number_words(number: int, *, ordinal: bool = False) -> str:
    """Write a number as it is spoken.

    Args:
        number: 0 to 59.
        ordinal: "third" in place of "three".

    Returns:
        One word or two.

    Raises:
        ValueError: the number is outside 0 to 59.

    Example:
        >>> number_words(45), number_words(20), number_words(31, ordinal=True)
        ('forty five', 'twenty', 'thirty first')
    """
    if not (isinstance(number, int | np.integer) and 0 <= number <= 59):
        raise ValueError(f"the number is {number!r}; expected a whole one from 0 to 59.")
    words = UNITS[number] if number < 20 else f"{TENS[number // 10]} {UNITS[number % 10]}".removesuffix(" zero")
    *before, last = words.split()
    if ordinal:
        last = ORDINALS.get(last, f"{last}th")
    return " ".join([*before, last])


def time_words(hour: int, minute: int) -> str:
    """Write a time of day as a timetable has it.

    Args:
        hour: 0 to 23.
        minute: 0 to 59.

    Returns:
        Words.

    Raises:
        ValueError: there is no such time.

    Example:
        >>> time_words(10, 30), time_words(7, 5), time_words(18, 0)
        ('ten thirty', 'seven oh five', "eighteen o'clock")
    """
    if not 0 <= hour <= 23:
        raise ValueError(f"the hour is {hour!r}; expected 0 to 23.")
    minutes = number_words(minute)
    after = "o'clock" if minute == 0 else f"oh {minutes}" if minute < 10 else minutes
    return f"{number_words(hour)} {after}"


def announcement(kind: str, drawn: np.random.Generator) -> str:
    """Draw one announcement.

    Args:
        kind: one of `KINDS`: a platform and in how many minutes, a platform and a time, or a day.
        drawn: draws the numbers; the same generator gives the same announcements.

    Returns:
        A sentence of words and marks, without digits.

    Raises:
        ValueError: there is no such kind.

    Example:
        >>> announcement("platform", np.random.default_rng(0))
        'Platform eighteen, in thirty eight minutes.'
    """
    if kind not in KINDS:
        raise ValueError(f"there is no announcement {kind!r}; there are {', '.join(KINDS)}.")
    if kind == "date":
        day = FIRST + datetime.timedelta(int(drawn.integers(DAYS)))
        return f"{WEEKDAYS[day.weekday()]}, {MONTHS[day.month - 1]} {number_words(day.day, ordinal=True)}."
    platform = f"Platform {number_words(drawn.integers(1, PLATFORMS + 1))}"
    if kind == "platform":
        return f"{platform}, in {number_words(drawn.integers(2, 60))} minutes."
    return f"{platform}, at {time_words(drawn.integers(24), drawn.integers(60))}."
