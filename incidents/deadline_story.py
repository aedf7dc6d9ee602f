"""Explains a deadline interval by interval: what counted, what did not and why. A pure function of the case and the city (DOMAIN.md).

The command line and the API tell it; nobody decides by it. The deadline that stands in the case is the one that holds: it was moved step by
step in the calendar of its day. The story counts again in today's calendar and says where the two differ.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from pydantic import AwareDatetime, BaseModel, ConfigDict

from incidents import limits
from incidents.case import Case
from incidents.catalogue import City, Named
from incidents.events import CaseId
from incidents.limits import ON_WORKING_TIME, Clock, Pause
from incidents.vocabulary import State
from incidents.workcalendar import WorkCalendar
from incidents.worktime import WorkTime

DAY = timedelta(days=1)


class Why(StrEnum):
    """Why an interval counted, or did not."""

    RUNNING = "running"  # a clock that never stands still
    WORKING = "working"
    MAKES_UP = "makes_up"  # a weekend that makes up for a holiday (调休)
    BREAK = "break"
    NIGHT = "night"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    PAUSE = "pause"


COUNTED = frozenset({Why.RUNNING, Why.WORKING, Why.MAKES_UP})


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(_Value):
    """One interval; `name` is that of the holiday, `total_s` the seconds counted up to its end. `ends` is open while a case is paused."""

    begins: AwareDatetime
    ends: AwareDatetime | None
    why: Why
    counted: bool
    name: Named | None = None
    total_s: float = 0.0


class DeadlineStory(_Value):
    """A deadline explained. `recomputed_at` is what today's calendar gives: another than `due_at` where the calendar was changed since."""

    case_id: CaseId
    state: State
    zone: str
    clock: Clock
    extensions: int
    pauses: tuple[Pause, ...]
    due_at: AwareDatetime
    overdue: bool
    recomputed_at: AwareDatetime
    calendar: str | None
    limit_s: float
    counted_s: float
    spans: tuple[Span, ...]


def explain(city: City, case: Case) -> DeadlineStory | None:
    """The story of the case's deadline; None while no limit runs. Raises MissingYear where the calendar lost a year that it needs."""
    clock, due_at = case.clock, case.due_at
    if clock is None or due_at is None:
        return None
    work = city.worktime
    spans = _totalled(_told(work, case, clock, due_at))
    return DeadlineStory(
        case_id=case.case_id,
        state=case.state,
        zone=city.time_zone,
        clock=clock,
        extensions=case.extensions,
        pauses=case.pauses,
        due_at=due_at,
        overdue=case.overdue,
        recomputed_at=limits.due(work, clock, case.extensions, case.pauses),
        calendar=city.calendar.version if city.calendar and clock.calendar else None,
        limit_s=(limits.length(work, clock) * (1 + case.extensions)).total_seconds(),
        counted_s=max((span.total_s for span in spans), default=0.0),
        spans=spans,
    )


def _told(work: WorkTime, case: Case, clock: Clock, due_at: datetime) -> Iterator[Span]:
    """Every interval from the clock's beginning to the deadline; up to the suspension where one lasts."""
    since = case.suspended_at if case.state is State.SUSPENDED and case.suspended_at and case.suspended_at < due_at else None
    yield from _merged(_paused(_intervals(work, clock, since or due_at), case.pauses))
    if since is not None:
        yield Span(begins=since, ends=None, why=Why.PAUSE, counted=False)


def _intervals(work: WorkTime, clock: Clock, until: datetime) -> Iterator[Span]:
    if clock.kind not in ON_WORKING_TIME or work.calendar is None:
        yield _span(clock.began_at, until, Why.RUNNING)
        return
    day, last = work.day_of(clock.began_at), work.day_of(until)
    while day <= last:
        for span in _day(work, work.calendar, day):
            begins, ends = max(span.begins, clock.began_at), min(span.ends or until, until)
            if begins < ends:
                yield span.model_copy(update={"begins": begins, "ends": ends})
        day += DAY


def _day(work: WorkTime, calendar: WorkCalendar, day: date) -> Iterator[Span]:
    """A day from midnight to midnight."""
    begins, ends = work.midnight(day), work.midnight(day + DAY)
    stretches = list(work.stretches(day))
    if not stretches:
        holiday = calendar.holiday.get(day)
        name = Named(zh=holiday.zh, en=holiday.en) if holiday else None
        yield _span(begins, ends, Why.HOLIDAY if holiday else Why.WEEKEND, name)
        return
    made_up = calendar.makes_up.get(day)
    name = Named(zh=made_up.zh, en=made_up.en) if made_up else None
    edges = [begins, *(edge for stretch in stretches for edge in stretch), ends]
    for number, (start, end) in enumerate(pairwise(edges)):
        if number % 2:
            yield _span(start, end, Why.MAKES_UP if made_up else Why.WORKING, name)
        else:
            yield _span(start, end, Why.NIGHT if number in (0, len(edges) - 2) else Why.BREAK)


def _paused(spans: Iterator[Span], pauses: tuple[Pause, ...]) -> Iterator[Span]:
    """What would have counted, cut where the case was suspended; time off stays time off."""
    for span in spans:
        if not span.counted or span.ends is None:
            yield span
            continue
        begins, ends = span.begins, span.ends
        for pause in pauses:
            first, last = max(begins, pause.begins), min(ends, pause.ends)
            if first < last:
                yield span.model_copy(update={"begins": begins, "ends": first})
                yield _span(first, last, Why.PAUSE)
                begins = last
        yield span.model_copy(update={"begins": begins})


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Neighbours of one reason as one: a night does not end at midnight."""
    last: Span | None = None
    for span in spans:
        if span.ends == span.begins:
            continue
        if last is not None and last.ends == span.begins and (last.why, last.name) == (span.why, span.name):
            last = last.model_copy(update={"ends": span.ends})
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def _totalled(spans: Iterator[Span]) -> tuple[Span, ...]:
    told, total = [], timedelta()
    for span in spans:
        if span.counted and span.ends is not None:
            total += span.ends - span.begins
        told.append(span.model_copy(update={"total_s": total.total_seconds()}))
    return tuple(told)


def _span(begins: datetime, ends: datetime, why: Why, name: Named | None = None) -> Span:
    return Span(begins=begins, ends=ends, why=why, counted=why in COUNTED, name=name)
