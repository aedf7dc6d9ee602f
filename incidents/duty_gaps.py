"""Which posts have nobody when they must have somebody: what `cityloop check` warns of before a case finds out."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

from incidents.catalogue import City, Frozen
from incidents.duty import DAY, Cover, Roster, on_duty


class Gap(Frozen):
    """A stretch of time in which nobody is at a post, UTC."""

    unit: str
    level: str
    begins: datetime
    ends: datetime


def gaps(city: City, roster: Roster, first: date, days: int) -> list[Gap]:
    """Every stretch of these days (the city's) in which a post that must be covered has nobody; by post, then by time."""
    return [gap for cover in roster.covers for gap in _gaps_of(city, roster, cover, first, days)]


def _gaps_of(city: City, roster: Roster, cover: Cover, first: date, days: int) -> Iterator[Gap]:
    zone, begins = ZoneInfo(city.time_zone), None
    moments = _moments(city, roster, cover, first, days)
    for at, _ in pairwise(moments):
        is_open = _needed(city, roster, cover, at.astimezone(zone)) and not on_duty(city, roster, cover.unit, cover.level, at)
        if is_open and begins is None:
            begins = at
        if not is_open and begins is not None:
            yield Gap(unit=cover.unit, level=cover.level, begins=begins, ends=at)
            begins = None
    if begins is not None:
        yield Gap(unit=cover.unit, level=cover.level, begins=begins, ends=moments[-1])


def _moments(city: City, roster: Roster, cover: Cover, first: date, days: int) -> list[datetime]:
    """Every moment at which something may begin or end, from the first midnight to the last."""
    zone = ZoneInfo(city.time_zone)
    keys = {*roster.shifts_of.get((cover.unit, cover.level), ()), *([cover.shift] if cover.shift else [])}
    clocks = {time(), *(clock for key in keys for span in roster.shift_by_key[key].spans(city.calendar) for clock in span)}
    last = datetime.combine(first + days * DAY, time(), zone).astimezone(UTC)
    within = {datetime.combine(first + number * DAY, clock, zone).astimezone(UTC) for number in range(days) for clock in clocks}
    return sorted({*within, last})


def _needed(city: City, roster: Roster, cover: Cover, local: datetime) -> bool:
    return cover.shift is None or roster.shift_by_key[cover.shift].day_of(local, city.calendar) is not None
