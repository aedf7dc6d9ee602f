"""A minute counter for deadlines, written from DOMAIN.md alone ("Four clocks" and the rows of extension and suspension).

It knows nothing of the engine: it looks at one minute after another and asks whether offices work in it and whether the case is paused.
Everything is in whole minutes since 1970, UTC. Slow, and plain enough to be believed.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Pauses = list[tuple[int, int]]
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Town:
    """A zone, its working hours, its days off and its make-up workdays, between two dates."""

    def __init__(self, zone: str, hours: list[tuple[time, time]], off: set[date], on: set[date], span: tuple[date, date]) -> None:
        self.zone, self.hours, self.off, self.on = ZoneInfo(zone), hours, off, on
        self.first, self.last = (minute(datetime.combine(day, time(12), self.zone)) for day in span)
        self.working = bytearray(self._works(self.local(at)) for at in range(self.first, self.last))

    def workday(self, day: date) -> bool:
        """Offices work Monday to Friday but on holidays, and on the weekends that make up for them."""
        return day in self.on or (day.weekday() < 5 and day not in self.off)

    def works(self, at: int) -> bool:
        """Whether the minute that begins at `at` is working time. Raises IndexError outside the span."""
        if at < self.first:
            raise IndexError(at)
        return bool(self.working[at - self.first])

    def local(self, at: int) -> datetime:
        """The wall clock of a minute."""
        return (EPOCH + at * MINUTE).astimezone(self.zone)

    def _works(self, local: datetime) -> bool:
        return self.workday(local.date()) and any(begins <= local.time() < ends for begins, ends in self.hours)


def minute(at: datetime) -> int:
    """The minute that begins at a moment."""
    return (at - EPOCH) // MINUTE


def paused(at: int, pauses: Pauses) -> bool:
    """Whether the case is suspended in this minute."""
    return any(begins <= at < ends for begins, ends in pauses)


def after_minutes(town: Town, start: int, minutes: int, pauses: Pauses, on_work: bool) -> int:
    """The end of the last of so many minutes that count: unpaused ones, of working time only or of all time."""
    at = start
    while minutes:
        minutes -= not paused(at, pauses) and (not on_work or town.works(at))
        at += 1
    return at


def after_natural_days(town: Town, start: int, days: int, pauses: Pauses) -> int:
    """The same time of day so many days later; each paused minute before it moves it by one."""
    local = town.local(start)
    deadline = minute(datetime.combine(local.date() + timedelta(days=days), local.time(), town.zone))
    at = start
    while at < deadline:
        deadline += paused(at, pauses)
        at += 1
    return deadline


def after_work_days(town: Town, start: int, days: int, pauses: Pauses, day_end: bool) -> int:
    """Clamp to the next working minute, add working days, keep the time of day or go on to the close of business; then the pauses."""
    at = _next(town, start)
    local = town.local(at)
    day, left = local.date(), days
    while left:
        day += timedelta(days=1)
        left -= town.workday(day)
    clock = max(ends for _, ends in town.hours) if day_end else local.time()
    deadline = minute(datetime.combine(day, clock, town.zone))
    at = start
    while at < deadline or (paused(at - 1, pauses) and paused(at, pauses)):  # no deadline passes while a case is suspended
        if paused(at, pauses) and town.works(at):
            deadline = _next(town, deadline) + 1
            deadline = deadline if day_end else _next(town, deadline)
        at += 1
    return deadline


def _next(town: Town, at: int) -> int:
    while not town.works(at):
        at += 1
    return at
