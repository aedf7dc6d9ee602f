"""The clocks that limits run on (DOMAIN.md, four clocks), and what moves a deadline: extension and pause.

| clock | a limit of N ends | paused time is |
|---|---|---|
| `urgent_hour`, `urgent_day` | N hours, N × 24 hours later, around the clock | all time |
| `work_hour` | when N working hours have gone by | working time |
| `work_day` | N working days after the next working minute, at the same time of day or at the close of business | working time |
| `natural_day` | N days later at the same time of day | all time |

A case keeps its `Clock` as a snapshot, its extensions and its pauses: `due` counts its deadline from them; `extended` and `resumed` move a
deadline that stands, and agree with `due`. A pause that begins after the deadline moves nothing: that clock has run out; one that lies over
it does, for no deadline passes while a case is suspended.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from incidents.catalogue import City, ClockKind, Condition
from incidents.vocabulary import Grade
from incidents.workcalendar import Ends
from incidents.worktime import WorkTime

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ON_WORKING_TIME = frozenset({ClockKind.WORK_HOUR, ClockKind.WORK_DAY})


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Clock(_Value):
    """The snapshot of a limit, taken when it begins to run: a later change of the rules does not move it.

    `calendar` is the version of the calendar it was counted in (None: the clock needs none), `rules` the hash of the city's rules.
    """

    kind: ClockKind
    limit: float
    ends: Ends = Ends.SAME_TIME
    grade: Grade = Grade.B
    began_at: AwareDatetime
    calendar: str | None = None
    rules: str


class Pause(_Value):
    """Time that does not count: a suspension that is over."""

    begins: AwareDatetime
    ends: AwareDatetime


def begun(city: City, condition: Condition, at: datetime) -> Clock:
    """The clock of a filing condition that begins to run at `at`."""
    calendar = city.calendar if condition.clock in ON_WORKING_TIME else None
    return Clock(
        kind=condition.clock,
        limit=condition.limit,
        ends=calendar.ends if calendar else Ends.SAME_TIME,
        grade=condition.grade,
        began_at=at,
        calendar=calendar.version if calendar else None,
        rules=city.rules,
    )


def due(work: WorkTime, clock: Clock, extensions: int = 0, pauses: Iterable[Pause] = ()) -> datetime:
    """When the limit ends that began with the clock, so many times extended, these pauses not counted. Raises MissingYear."""
    at = _end(work, clock, 1 + extensions)
    for pause in _apart(pauses):
        at = resumed(work, clock, at, pause)
    return at


def extended(work: WorkTime, clock: Clock, at: datetime) -> datetime:
    """The deadline `at` and one original limit more (DOMAIN.md, 延期). Raises MissingYear."""
    if clock.kind is ClockKind.WORK_DAY:
        return work.days_later(at, int(clock.limit))
    if clock.kind is ClockKind.NATURAL_DAY:
        return work.dates_later(at, int(clock.limit))
    return moved(work, clock, at, length(work, clock))


def resumed(work: WorkTime, clock: Clock, at: datetime, pause: Pause) -> datetime:
    """The deadline `at` moved by what the clock would have run during a pause (挂账); unmoved by one after it. Raises MissingYear."""
    if at <= pause.begins:
        return at
    begins = max(pause.begins, clock.began_at)
    on_work = clock.kind in ON_WORKING_TIME
    paused = work.between(begins, pause.ends) if on_work else max(pause.ends - begins, timedelta())
    return moved(work, clock, at, paused)


def moved(work: WorkTime, clock: Clock, at: datetime, by: timedelta) -> datetime:
    """A moment moved by so much of the clock's own time; back where `by` is negative. Raises MissingYear.

    N working days that end at the time of day they began stand at the beginning of a stretch of work, all others at the end of one: both
    are the same point of working time.
    """
    if clock.kind not in ON_WORKING_TIME:
        return at + by
    there = work.later(at, by)
    return work.clamp(there) if by and clock.kind is ClockKind.WORK_DAY and clock.ends is Ends.SAME_TIME else there


def length(work: WorkTime, clock: Clock) -> timedelta:
    """The limit in the clock's own time: a working day is as long as its working hours. Raises MissingYear without a calendar."""
    if clock.kind in (ClockKind.URGENT_HOUR, ClockKind.WORK_HOUR):
        return HOUR * clock.limit
    return (work.day_length if clock.kind is ClockKind.WORK_DAY else DAY) * clock.limit


def _end(work: WorkTime, clock: Clock, times: int) -> datetime:
    began = clock.began_at
    if clock.kind is ClockKind.WORK_DAY:
        at = work.days_later(work.clamp(began), int(clock.limit) * times)
        return work.closing(at) if clock.ends is Ends.DAY_END else at
    if clock.kind is ClockKind.NATURAL_DAY:
        return work.dates_later(began, int(clock.limit) * times)
    return moved(work, clock, began, length(work, clock) * times)


def _apart(pauses: Iterable[Pause]) -> Iterator[Pause]:
    """The pauses in order, those that meet or overlap as one."""
    one: Pause | None = None
    for pause in sorted(pauses, key=lambda each: each.begins):
        if one is not None and pause.begins <= one.ends:
            one = Pause(begins=one.begins, ends=max(one.ends, pause.ends))
            continue
        if one is not None:
            yield one
        one = pause
    if one is not None:
        yield one
