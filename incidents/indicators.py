"""Indicators: shares of flags over cases, by dimension and period. The rows stand in a city's indicators.toml (`config.load_indicators`).

A case counts in a period by its reporting day or by the day it came to be closed (handled, or its limit over), as the row says. Counting is
done once for all rows: a tally holds, per dimension and value, how many cases have which flags; every figure is read off it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator

from incidents.catalogue import Frozen, Named
from incidents.evaluation import Sheet
from incidents.flags import BIT, Standing, adjusted, bits, flags_at, standing
from incidents.periods import Days, Period


class Dimension(StrEnum):
    """What figures are broken down by; a `post` is a dimension too: that of the row itself."""

    CITY = "city"
    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"
    GRID = "grid"
    LEVEL = "level"
    UNIT = "unit"
    CATEGORY = "category"
    CHANNEL = "channel"
    SEVERITY = "severity"
    DAY = "day"


class Anchor(StrEnum):
    """The day on which a case counts: reported, come to be closed, or every day (a stock, as it stands)."""

    REPORTED = "reported"
    DUE = "due"
    STOCK = "stock"


class Indicator(Frozen):
    """One row. A case is in the denominator with any of its flags and none of `without`; in the numerator, if also any of that one's.

    Without a denominator the indicator is a count. So a share is never above one, and `without` holds for both.
    """

    key: str
    name: Named
    numerator: tuple[str, ...] = Field(min_length=1)
    denominator: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    by: Anchor = Anchor.DUE
    post: str | None = None
    dimensions: tuple[Dimension, ...] = tuple(Dimension)

    @model_validator(mode="after")
    def _of_flags(self) -> Self:
        for flag in (*self.numerator, *self.denominator, *self.without):
            if flag not in BIT:
                raise ValueError(f"unknown flag {flag!r}; `cityloop indicators flags` lists them")
        return self

    @property
    def rule(self) -> str:
        """How it is counted, in one line.

        >>> Indicator(key="k", name=Named(zh="", en=""), numerator=("filed",), denominator=("report",), without=("not_accepted",)).rule
        'filed / (report - not_accepted)'
        """
        top, bottom = " + ".join(self.numerator), " + ".join(self.denominator)
        less = "".join(f" - {flag}" for flag in self.without)
        if not bottom:
            return top + less
        return f"{f'({top})' if len(self.numerator) > 1 else top} / {f'({bottom}{less})' if less or len(self.denominator) > 1 else bottom}"

    @cached_property
    def masks(self) -> tuple[int, int, int]:
        """Numerator, denominator and `without` as numbers."""
        return bits(self.numerator), bits(self.denominator), bits(self.without)


class ScorePart(Frozen):
    """A part of a unit's score: `weight` points times the share, or times what is missing of one."""

    indicator: str
    weight: float = Field(gt=0)
    inverse: bool = False


class Evaluation(Frozen):
    """A city's indicators and the unit score; `rules` is the hash of the file and of the flags it counts."""

    indicators: tuple[Indicator, ...] = Field(min_length=1)
    score: tuple[ScorePart, ...] = Field(min_length=1)
    rules: str

    @cached_property
    def by_key(self) -> dict[str, Indicator]:
        """Indicator by key."""
        return {row.key: row for row in self.indicators}


class Line(NamedTuple):
    """A case as it is counted: its days (ordinals in the city's zone; None: not yet), its flags, and where it counts."""

    case_id: str
    reported_day: int
    due_day: int | None
    standing: Standing
    district: str | None
    subdistrict: str | None
    community: str | None
    grid: str | None
    level: str
    unit: str | None
    answerable: str | None
    category: str
    channel: str
    severity: str


def line(sheet: Sheet, limits: Mapping[str, int], days: Days) -> Line:
    """The line of a sheet. `due_day` is known before it comes: the flags say whether it has."""
    moments = [sheet.handled_ms, sheet.due_ms if sheet.came_due_ms is None else sheet.came_due_ms]
    known = [moment for moment in moments if moment is not None]
    return Line(
        sheet.case_id,
        days.of(sheet.opened_ms),
        days.of(min(known)) if known and sheet.filed_ms is not None else None,
        standing(sheet, limits),
        sheet.district,
        sheet.subdistrict,
        sheet.community,
        sheet.grid,
        sheet.level,
        sheet.unit,
        sheet.answerable,
        sheet.category,
        sheet.channel,
        sheet.severity,
    )


Tally = dict[tuple[Anchor, Dimension], dict[str, Counter[int]]]
"""Per anchor and dimension: value -> how many cases have exactly these flags."""
NOBODY = "-"
"""The value of a dimension for cases that have none, such as no unit yet."""


def tally(lines: Iterable[Line], period: Period, at_ms: int, dimensions: Sequence[Dimension] = tuple(Dimension)) -> Tally:
    """Count cases as of `at_ms`, which is not before the last fact of any of them."""
    counts: Tally = {(anchor, dimension): {} for anchor in Anchor for dimension in dimensions}
    by_anchor = {anchor: [(dimension, counts[anchor, dimension]) for dimension in dimensions] for anchor in Anchor}
    for case in lines:
        flags = flags_at(case.standing, at_ms)
        for anchor, day in ((Anchor.REPORTED, case.reported_day), (Anchor.DUE, case.due_day), (Anchor.STOCK, None)):
            if anchor is Anchor.STOCK or (day is not None and period.first <= day <= period.last):
                for dimension, values in by_anchor[anchor]:
                    value = value_of(case, anchor, dimension) or NOBODY
                    found = values.get(value)
                    if found is None:
                        found = values[value] = Counter()
                    found[flags] = found.get(flags, 0) + 1
    return counts


def value_of(case: Line, anchor: Anchor, dimension: Dimension) -> str | None:
    """Where a case counts in a dimension; by its due day a unit answers for what came due while it held it."""
    return _VALUES[dimension](case, anchor)


_VALUES: dict[Dimension, Callable[[Line, Anchor], str | None]] = {
    Dimension.CITY: lambda case, _: "all",
    Dimension.DISTRICT: lambda case, _: case.district,
    Dimension.SUBDISTRICT: lambda case, _: case.subdistrict,
    Dimension.COMMUNITY: lambda case, _: case.community,
    Dimension.GRID: lambda case, _: case.grid,
    Dimension.LEVEL: lambda case, _: case.level,
    Dimension.UNIT: lambda case, anchor: case.answerable if anchor is Anchor.DUE else case.unit,
    Dimension.CATEGORY: lambda case, _: case.category,
    Dimension.CHANNEL: lambda case, _: case.channel,
    Dimension.SEVERITY: lambda case, _: case.severity,
    Dimension.DAY: lambda case, anchor: str(case.due_day if anchor is Anchor.DUE else case.reported_day),
}


@dataclass(frozen=True, slots=True)
class Share:
    """Counts beside the rate: `denominator` is None for a count; the rate is None where there is nothing to judge."""

    numerator: int
    denominator: int | None

    @property
    def rate(self) -> float | None:
        """The share, 0 to 1."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, slots=True)
class Figure:
    """One series in one period: an indicator for one value of a dimension, raw, and adjusted by upheld appeals."""

    indicator: Indicator
    dimension: Dimension
    value: str
    raw: Share
    adjusted: Share

    @property
    def is_live(self) -> bool:
        """Whether there is anything to count."""
        return bool(self.raw.numerator if self.raw.denominator is None else self.raw.denominator)

    def as_dict(self) -> dict[str, Any]:
        """For programs; the rule stands beside the figure."""
        return {
            "indicator": self.indicator.key,
            "rule": self.indicator.rule,
            "by": self.indicator.by,
            "post": self.indicator.post,
            "dimension": self.dimension,
            "value": self.value,
            "numerator": self.raw.numerator,
            "denominator": self.raw.denominator,
            "rate": self.raw.rate,
            "adjusted_numerator": self.adjusted.numerator,
            "adjusted_denominator": self.adjusted.denominator,
            "adjusted_rate": self.adjusted.rate,
        }


def figures(indicators: Iterable[Indicator], counts: Tally, dimension: Dimension) -> Iterator[Figure]:
    """Every indicator for every value of a dimension, values in order."""
    for row in indicators:
        if dimension in row.dimensions:
            by_value = counts.get((row.by, dimension), {})
            for value in sorted(by_value):
                yield Figure(row, dimension, value, *share(row, by_value[value]))


def share(row: Indicator, cases: Mapping[int, int]) -> tuple[Share, Share]:
    """An indicator over cases by their flags: raw and adjusted."""
    raw, heard = _share(row, cases.items()), _share(row, ((adjusted(flags), count) for flags, count in cases.items()))
    return raw, heard


def _share(row: Indicator, cases: Iterable[tuple[int, int]]) -> Share:
    top, bottom, without = row.masks
    numerator = denominator = 0
    for flags, count in cases:
        if (not bottom or flags & bottom) and not flags & without:
            denominator += count
            if flags & top:
                numerator += count
    return Share(numerator, denominator if bottom else None)


def score(evaluation: Evaluation, cases: Mapping[int, int]) -> tuple[float | None, float | None]:
    """A unit's score over its cases by their flags, raw and adjusted: 0 to the sum of the weights; None when it had nothing to do.

    60 on-time handling + 30 closure + 10 (1 - rework) of what was to be handled and closed (DOMAIN.md, Indicators); the weights are the
    city's. What is overdue and open stays in the denominators: leaving it open never pays.
    """
    parts = [(part, *share(evaluation.by_key[part.indicator], cases)) for part in evaluation.score]
    return _points([(part, raw) for part, raw, _ in parts]), _points([(part, heard) for part, _, heard in parts])


def _points(parts: Sequence[tuple[ScorePart, Share]]) -> float | None:
    points = 0.0
    for part, found in parts:
        if found.rate is None:
            return None
        points += part.weight * (1 - found.rate if part.inverse else found.rate)
    return points
