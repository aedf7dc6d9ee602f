"""Counting in a city's working time: the arithmetic under every deadline (DOMAIN.md, four clocks).

Each year of the calendar becomes, when first asked for, a sorted table of its working stretches as moments of UTC, so that breaks, nights,
weekends, holidays, make-up workdays and daylight saving are rows of a table and every question is a search in it: O(log n) within a year.
A year without a row raises MissingYear: never a guess. All moments are aware; exact to the microsecond.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from incidents.errors import MissingYear
from incidents.workcalendar import WorkCalendar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Year:
    """The working days of a year as ordinals, and its stretches in microseconds since 1970: begin, end, working time before it."""

    days: list[int]
    begins: list[int]
    ends: list[int]
    before: list[int]
    total: int

    def done(self, at: int) -> int:
        """Working time of the year up to a moment of it."""
        row = bisect_right(self.begins, at) - 1
        return 0 if row < 0 else self.before[row] + min(at, self.ends[row]) - self.begins[row]


class WorkTime:
    """Working time of one calendar in one zone. Without a calendar every year is missing."""

    def __init__(self, calendar: WorkCalendar | None, zone: ZoneInfo) -> None:
        self.calendar = calendar
        self.zone = zone
        self._years: dict[int, _Year] = {}

    @property
    def day_length(self) -> timedelta:
        """The working time of an ordinary day, by the wall clock. Raises MissingYear without a calendar."""
        if self.calendar is None:
            raise MissingYear(None)
        spans = (datetime.combine(EPOCH, each.ends) - datetime.combine(EPOCH, each.begins) for each in self.calendar.hours)
        return sum(spans, timedelta())

    def between(self, one: datetime, other: datetime) -> timedelta:
        """The working time from `one` to `other`; nothing when `other` is not later."""
        if other <= one:
            return timedelta()
        first, last = self._local(one).year, self._local(other).year
        done = self._year(last).done(_us(other)) - self._year(first).done(_us(one))
        return (done + sum(self._year(year).total for year in range(first, last))) * MICROSECOND

    def clamp(self, at: datetime) -> datetime:
        """`at` if it is working time, else the moment when work begins next."""
        year, moment = self._local(at).year, _us(at)
        row = bisect_right(self._year(year).ends, moment)
        while row == len(self._year(year).begins):
            year, row = year + 1, 0
        return at if self._year(year).begins[row] <= moment else _at(self._year(year).begins[row])

    def later(self, at: datetime, work: timedelta) -> datetime:
        """The first moment by which this much working time has gone by since `at`; `at` itself for none. `work` may be negative."""
        if not work:
            return at
        year, left = self._place(at, work)
        while left > self._year(year).total:
            left -= self._year(year).total
            year += 1
        while left <= 0:
            year -= 1
            left += self._year(year).total
        table = self._year(year)
        row = bisect_left(table.before, left) - 1
        return _at(table.begins[row] + left - table.before[row])

    def days_later(self, at: datetime, days: int) -> datetime:
        """The same time of day so many working days after the day of `at` (after the last one before it, where it is none).

        A local time that the change of clocks skips is read with the offset before the change, one that comes twice is the first
        (RFC 5545, 3.3.5).
        """
        local = self._local(at)
        year = local.year
        row = bisect_right(self._year(year).days, local.toordinal()) - 1 + days
        while row >= len(self._year(year).days):
            row -= len(self._year(year).days)
            year += 1
        while row < 0:
            year -= 1
            row += len(self._year(year).days)
        return self._utc(date.fromordinal(self._year(year).days[row]), local.time())

    def dates_later(self, at: datetime, days: int) -> datetime:
        """The same time of day so many days later, all days alike."""
        local = self._local(at)
        return self._utc(local.date() + days * DAY, local.time())

    def closing(self, at: datetime) -> datetime:
        """When the working day of `at` closes."""
        local = self._local(at)
        table = self._year(local.year)
        midnight = _us(self._utc(local.date() + DAY, time()))
        return _at(table.ends[bisect_left(table.begins, midnight) - 1])

    def stretches(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The working time of a day, stretch by stretch; nothing on a day off."""
        table = self._year(day.year)
        first, end = (_us(self._utc(each, time())) for each in (day, day + DAY))
        for row in range(bisect_left(table.begins, first), bisect_left(table.begins, end)):
            yield _at(table.begins[row]), _at(table.ends[row])

    def midnight(self, day: date) -> datetime:
        """When a day begins."""
        return self._utc(day, time())

    def day_of(self, at: datetime) -> date:
        """The city's date of a moment."""
        return self._local(at).date()

    def _place(self, at: datetime, work: timedelta) -> tuple[int, int]:
        year = self._local(at).year
        return year, self._year(year).done(_us(at)) + work // MICROSECOND

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def _utc(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock.replace(fold=0), self.zone).astimezone(UTC)

    def _year(self, year: int) -> _Year:
        if (table := self._years.get(year)) is None:
            table = self._years[year] = self._table(year)
        return table

    def _table(self, year: int) -> _Year:
        if self.calendar is None or year not in self.calendar.known:
            raise MissingYear(year, self.midnight(date(year, 1, 1)))
        first = date(year, 1, 1).toordinal()
        days = [day for day in range(first, date(year + 1, 1, 1).toordinal()) if self.calendar.is_workday(date.fromordinal(day))]
        begins, ends, before, total = [], [], [], 0
        for day in days:
            for begin, end in self._hours(date.fromordinal(day), self.calendar):
                begins.append(begin)
                ends.append(end)
                before.append(total)
                total += end - begin
        return _Year(days, begins, ends, before, total)

    def _hours(self, day: date, calendar: WorkCalendar) -> Iterator[tuple[int, int]]:
        """The working hours of a day as moments: those whose wall time lies in them, in every offset that the day has."""
        for begin, end, offset in self._offsets(day):
            for hours in calendar.hours:
                opens, closes = (_us(datetime.combine(day, each, UTC)) - offset for each in (hours.begins, hours.ends))
                if max(opens, begin) < min(closes, end):
                    yield max(opens, begin), min(closes, end)

    def _offsets(self, day: date) -> Iterator[tuple[int, int, int]]:
        """The day as stretches of one UTC offset: begin, end, offset; two of them on a day when clocks are changed."""
        begin, end = _us(self.midnight(day)), _us(self.midnight(day + DAY))
        offset = self._offset(begin)
        while self._offset(end - 1) != offset:
            change = bisect_left(range(begin, end), True, key=lambda at: self._offset(at) != offset)  # noqa: B023  # used at once
            yield begin, begin + change, offset
            begin, offset = begin + change, self._offset(begin + change)
        yield begin, end, offset

    def _offset(self, at: int) -> int:
        offset = _at(at).astimezone(self.zone).utcoffset()
        return (offset or timedelta()) // MICROSECOND


def _us(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _at(moment: int) -> datetime:
    return EPOCH + moment * MICROSECOND
