"""Phrases of days, times, numbers and quantities, put together by the rules of English and of Chinese."""

import datetime
from collections.abc import Callable

import numpy as np

from bmkit.data.draw import Members, Splits, cut
from bmkit.data.entries import SPLITS, Description

__all__ = ["phrase", "read"]

UNITS = (
    "speed-kilometer-per-hour",
    "speed-meter-per-second",
    "speed-mile-per-hour",
    "consumption-liter-per-kilometer",
    "temperature-celsius",
    "mass-kilogram",
    "mass-tonne",
    "mass-gram",
    "electric-volt",
    "digital-megabyte",
    "pressure-hectopascal",
    "duration-second",
    "graphics-pixel",
)
CURRENCIES = ("EUR", "USD", "JPY", "GBP", "CNY", "BRL")
DURATIONS = ("years", "months", "weeks", "days", "hours", "minutes")
ONE = {"years": 365, "months": 30, "weeks": 7, "days": 1, "hours": 1 / 24, "minutes": 1 / 1440}  # in days
STYLES = ("full", "long", "medium", "yMMMEd", "MMMEd", "yMMM")
LONGEST = (40, 28)  # characters in English and in Chinese: four phrases of five
SPENT = 400  # phrases that were the test once, and helped to choose a setting of chapter 20
Pair = tuple[str, str]


def _both(write: Callable[[str], str]) -> Pair:
    return tuple(" ".join(write(language).split()) for language in ("en", "zh"))


def _moment(random: np.random.Generator) -> datetime.datetime:
    first = datetime.datetime(1950, 1, 1)
    return first + datetime.timedelta(int(random.integers(36_525)), minutes=5 * int(random.integers(288)))


def _day(random: np.random.Generator) -> Pair:
    from babel.dates import format_date, format_skeleton

    day, style = _moment(random), STYLES[random.integers(len(STYLES))]
    if style[0] in "yM":
        return _both(lambda language: format_skeleton(style, day, locale=language))
    return _both(lambda language: format_date(day, style, locale=language))


def _time(random: np.random.Generator) -> Pair:
    from babel.dates import format_skeleton

    time, style = _moment(random), ("Bhm", "hm")[random.integers(2)]
    return _both(lambda language: format_skeleton(style, time, locale=language))


def _range(random: np.random.Generator) -> Pair:
    from babel.dates import format_interval

    start = _moment(random)
    if random.integers(2):
        end = start + datetime.timedelta(int(random.integers(1, 500)))
        return _both(lambda language: format_interval(start, end, "yMMMd", locale=language))
    end = start + datetime.timedelta(minutes=5 * int(random.integers(1, 120)))
    if end.date() > start.date():
        end = start.replace(hour=23, minute=55)
        start = start - datetime.timedelta(minutes=30)
    return _both(lambda language: format_interval(start, end, "hm", locale=language))


def _distance(random: np.random.Generator) -> Pair:
    from babel.dates import format_timedelta

    unit, number = DURATIONS[random.integers(len(DURATIONS))], int(random.integers(2, 60))
    length = datetime.timedelta(ONE[unit] * number) * random.choice([-1, 1])
    options = {"granularity": unit[:-1], "threshold": 1e9, "add_direction": True}
    return _both(lambda language: format_timedelta(length, locale=language, **options))


def _quantity(random: np.random.Generator) -> Pair:
    from babel.units import format_unit

    unit, number = UNITS[random.integers(len(UNITS))], int(random.integers(2, 10 ** random.integers(1, 4) + 2))
    return _both(lambda language: format_unit(number, unit, locale=language))


def _money(random: np.random.Generator) -> Pair:
    from babel.numbers import format_currency

    currency, number = CURRENCIES[random.integers(len(CURRENCIES))], int(random.integers(2, 1000))
    options = {"format": "#,##0", "format_type": "name", "currency_digits": False}
    return _both(lambda language: format_currency(number, currency, locale=language, **options))


def _large(random: np.random.Generator) -> Pair:
    from babel.numbers import format_compact_decimal

    size = 1000 ** int(random.integers(1, 3))
    number = int(random.integers(10, 1000)) * size // 10 ** int(random.integers(2))
    english = format_compact_decimal(number, format_type="long", locale="en", fraction_digits=1)
    chinese = format_compact_decimal(number, format_type="short", locale="zh", fraction_digits=4)
    return english, chinese


PARTS = (_day, _time, _range, _distance, _quantity, _money, _large)


def _join(pairs: list[Pair], style: str) -> Pair:
    from babel.lists import format_list

    sides = {language: [pair[place] for pair in pairs] for place, language in enumerate(("en", "zh"))}
    return _both(lambda language: format_list(sides[language], style, locale=language))


def phrase(random: np.random.Generator, parts: int) -> Pair:
    """Make one phrase: parts joined by "and" or "or", as the locale data of both languages say.

    Args:
        random: where chance comes from.
        parts: how many are joined.

    Returns:
        The phrase in English and in Chinese.

    Example:
        >>> phrase(np.random.default_rng(1), 2)
        ('in 45 days and Jun 1964', '45天后和1964年6月')

    Reference:
        Unicode CLDR, https://cldr.unicode.org
    """
    pairs = [PARTS[random.integers(len(PARTS))](random) for _ in range(parts)]
    return _join(pairs, ("standard", "or")[random.integers(2)])


def read(_: Members, description: Description) -> Splits:
    """Draw phrases of one or two parts with seed 0 until there are enough different English ones, in that order.

    Between validation and test `SPENT` phrases are left out.
    """
    drawn, found = np.random.default_rng(0), {}
    while len(found) < sum(description.rows.values()) + SPENT:
        english, chinese = phrase(drawn, int(drawn.integers(1, 3)))
        if len(english) <= LONGEST[0] and len(chinese) <= LONGEST[1]:
            found.setdefault(english, chinese)
    x, y = np.array(list(found), dtype=object), np.array(list(found.values()), dtype=object)
    ends = np.cumsum([description.rows[split] for split in SPLITS])
    train, validation, _ = np.split(np.arange(len(y)), ends[:2])
    return cut(x, y, [train, validation, np.arange(len(y) - description.rows["test"], len(y))])
