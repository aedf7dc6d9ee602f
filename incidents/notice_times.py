"""Time intervals: when a route is muted, or the only times it is active (Alertmanager's `time_intervals`, and the city's work days).

Every condition that is given must hold; of each, one range is enough. A day of the month may count from its end (-1 is the last) and is
clamped to the month; times include their start and not their end, in the interval's zone. Alertmanager knows no calendar with make-up
workdays: `workdays` asks the city's.
"""

import calendar
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from incidents.workcalendar import WorkCalendar

Range = tuple[int, int]
"""First and last, both included."""


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """One interval; an empty condition always holds. `weekdays` 0 Sunday … 6 Saturday, `times` [start, end) with 24:00 as None."""

    zone: ZoneInfo
    times: tuple[tuple[time, time | None], ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()
    workdays: bool | None = None

    def contains(self, at: datetime, work: WorkCalendar | None) -> bool:
        """Whether a moment lies in it. Raises MissingYear when it asks for work days of a year that the calendar lacks."""
        local = at.astimezone(self.zone)
        return (
            self._at_time(local.time())
            and _within(self.weekdays, (local.weekday() + 1) % 7)
            and self._on_day(local)
            and _within(self.months, local.month)
            and _within(self.years, local.year)
            and (self.workdays is None or work is None or work.is_workday(local.date()) is self.workdays)
        )

    def _at_time(self, clock: time) -> bool:
        clock = clock.replace(second=0, microsecond=0)
        return not self.times or any(start <= clock and (end is None or clock < end) for start, end in self.times)

    def _on_day(self, local: datetime) -> bool:
        if not self.days_of_month:
            return True
        last = calendar.monthrange(local.year, local.month)[1]
        ranges = ((day if day > 0 else last + day + 1 for day in each) for each in self.days_of_month)
        return any(first <= local.day <= until for first, until in ranges)


def _within(ranges: tuple[Range, ...], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)
