"""How near claims came to their bounds when chapters were run in several ways."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from bmkit.compare import figures
from bmkit.data.credits import row

__all__ = ["COLUMNS", "Claim", "as_json", "gather", "markdown"]

COLUMNS = ("", "where", "claim", "smallest", "largest", "bound", "least margin", "spread", "")


@dataclass
class Claim:
    """One `expect` of a chapter in all its variants.

    Attributes:
        chapter: two digits.
        cell: its place in the notebook, counted from 0.
        text: the claim in words.
        records: pairs of a variant's name and what `expect` was given there.
    """

    chapter: str
    cell: int
    text: str
    records: list[tuple[str, dict]] = field(default_factory=list)

    @property
    def failed(self) -> dict[str, str]:
        """From each variant in which the claim failed to what was said there."""
        return {variant: record["failure"] for variant, record in self.records if record["failure"]}

    @property
    def margins(self) -> list[list[float]]:
        """For each bound of the claim, how far inside it each record was; negative outside."""
        sides = [[value - bound for value, bound in self._pairs("value", "at_least")]]
        sides.append([bound - value for value, bound in self._pairs("value", "at_most")])
        sides.append([allowed - off for off, allowed in self._pairs("deviation", "tolerance") if allowed])
        return [side for side in sides if side]

    def _pairs(self, measured: str, bound: str) -> list[tuple[float, float]]:
        pairs = [(record[measured], record[bound]) for _, record in self.records]
        return [pair for pair in pairs if None not in pair and not any(map(math.isnan, pair))]

    @property
    def margin(self) -> float | None:
        """The least distance to a bound; None for what is exactly equal or not made of numbers."""
        return min((min(side) for side in self.margins), default=None)

    @property
    def spread(self) -> float | None:
        """How much the distance to the nearest bound varied."""
        nearest = min(self.margins, key=min, default=None)
        return None if nearest is None else max(nearest) - min(nearest)

    @property
    def near(self) -> bool:
        """Whether the claim held everywhere, but by less than it varied: the next seed may break it."""
        return not self.failed and self.margin is not None and self.margin < self.spread

    def row(self, variants: int) -> tuple[str, ...]:
        """Return the claim as texts, one for each of `COLUMNS`.

        Args:
            variants: how many there were; a claim that not all of them reached says so.
        """
        measured = [record["value"] for _, record in self.records if record["value"] is not None]
        low, high = (figures(min(measured)), figures(max(measured))) if measured else ("", "")
        reached = len({variant for variant, _ in self.records})
        told = ["fails: " + ", ".join(self.failed)] if self.failed else ["near"] if self.near else []
        told += [f"in {reached} of {variants}"] if reached < variants else []
        sign = "✗" if self.failed else "·" if self.near else "✓"
        place = f"{self.chapter} [{self.cell}]"
        distance = ("" if number is None else figures(number) for number in (self.margin, self.spread))
        return (sign, place, self.text, low, high, self._bound(), *distance, "; ".join(told))

    def _bound(self) -> str:
        words = []
        for sign, name in (("≥", "at_least"), ("≤", "at_most"), ("=", "equals"), ("±", "tolerance")):
            bounds = {record[name] for _, record in self.records if record[name] is not None}
            if name == "tolerance":
                bounds.discard(0.0)
            if bounds:
                words.append(f"{sign} " + " … ".join(dict.fromkeys([figures(min(bounds)), figures(max(bounds))])))
        return ", ".join(words) or "equal"


def gather(records: Iterable[tuple[str, str, int, dict]]) -> list[Claim]:
    """Put together what the same `expect` was given in several runs.

    Args:
        records: chapter, variant, cell and record, one each time that a claim was checked.

    Returns:
        Claims in the order of chapters and cells.

    Example:
        >>> rows = [{"claim": "accuracy", "value": v, "at_least": 0.9, "at_most": None, "equals": None,
        ...          "deviation": None, "tolerance": None, "failure": ""} for v in (0.91, 0.95)]
        >>> (claim,) = gather([("04", "seed-0", 7, rows[0]), ("04", "seed-1", 7, rows[1])])
        >>> claim.row(variants=2)
        ('·', '04 [7]', 'accuracy', '0.91', '0.95', '≥ 0.9', '0.01', '0.04', 'near')
    """
    claims: dict[tuple, Claim] = {}
    for chapter, variant, cell, record in records:
        claim = claims.setdefault((chapter, cell, record["claim"]), Claim(chapter, cell, record["claim"]))
        claim.records.append((variant, record))
    return [claims[key] for key in sorted(claims, key=lambda key: key[:2])]


def markdown(claims: Iterable[Claim], variants: int) -> str:
    """Write claims as a table in Markdown.

    Args:
        claims: from `gather`.
        variants: how many there were.

    Returns:
        The table, with a newline at its end.
    """
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(claim.row(variants) for claim in claims)]
    return "".join(row(cells) + "\n" for cells in rows)


def as_json(claims: Iterable[Claim]) -> str:
    """Write claims with all that was measured.

    Args:
        claims: from `gather`.

    Returns:
        A list in JSON, with a newline at its end.

    Example:
        >>> as_json([Claim("04", 7, "accuracy")]).split()
        ['[', '{', '"chapter":', '"04",', '"cell":', '7,', '"text":', '"accuracy",', '"records":', '[]', '}', ']']
    """
    return json.dumps([asdict(claim) for claim in claims], indent=1, ensure_ascii=False) + "\n"
