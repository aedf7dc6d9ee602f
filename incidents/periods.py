"""Days of a city and the periods made of them: a day, an ISO week, a month, or all time. Days are proleptic ordinals (`date.toordinal`)."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from incidents.errors import UserError

_QUARTER_MS = 900_000  # no zone's offset changes within a quarter of an hour
_MOST_QUARTERS = 100_000


class Days:
    """The day of a moment in a time zone; remembers what it worked out, for a month asks for it a million times."""

    def __init__(self, time_zone: str) -> None:
        self.zone = ZoneInfo(time_zone)
        self._known: dict[int, int] = {}

    def of(self, ms: int) -> int:
        """The ordinal of the local day of a moment in milliseconds since 1970 UTC."""
        quarter = ms // _QUARTER_MS
        day = self._known.get(quarter)
        if day is None:
            if len(self._known) >= _MOST_QUARTERS:
                self._known.clear()
            day = self._known[quarter] = datetime.fromtimestamp(quarter * 900, UTC).astimezone(self.zone).toordinal()
        return day

    def begins(self, day: int) -> datetime:
        """Midnight at which a day begins, UTC."""
        return datetime.combine(date.fromordinal(day), time.min, self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """Days `first` to `last`, both in it; `text` is how a person names it."""

    text: str
    first: int
    last: int

    def before(self) -> "Period":
        """The period before of the same kind, for comparison. Raises ValueError for all time."""
        if self.text == ALL.text:
            raise ValueError("nothing is before all time")
        day = date.fromordinal(self.first - 1)
        return _day(day) if self.first == self.last else _week(day) if "W" in self.text else _month(day.year, day.month)


ALL = Period("all", 1, date.max.toordinal())


def period(text: str) -> Period:
    """`2026-11-21`, `2026-W47`, `2026-11` or `all`. Raises UserError for anything else.

    >>> period("2026-11").last - period("2026-11").first, period("2026-W47").before().text
    (29, '2026-W46')
    """
    if text == ALL.text:
        return ALL
    try:
        if match := re.fullmatch(r"(\d{4})-W(\d{1,2})", text):
            return _week(date.fromisocalendar(int(match[1]), int(match[2]), 1))
        if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
            return _month(int(match[1]), int(match[2]))
        return _day(date.fromisoformat(text))
    except ValueError:
        raise UserError(f"{text!r} is no period; write a day 2026-11-21, a week 2026-W47, a month 2026-11, or all") from None


def month_of(day: int) -> Period:
    """The month in which a day lies."""
    found = date.fromordinal(day)
    return _month(found.year, found.month)


def _day(day: date) -> Period:
    return Period(day.isoformat(), day.toordinal(), day.toordinal())


def _week(day: date) -> Period:
    year, week, weekday = day.isocalendar()
    first = day - timedelta(days=weekday - 1)
    return Period(f"{year}-W{week:02d}", first.toordinal(), first.toordinal() + 6)


def _month(year: int, month: int) -> Period:
    first = date(year, month, 1)
    return Period(f"{year}-{month:02d}", first.toordinal(), first.toordinal() + monthrange(year, month)[1] - 1)
