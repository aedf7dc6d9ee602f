"""Laws that no start, limit, clock or pause may break, in the real calendars of both cities."""

from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_city
from config.settings import Settings
from incidents import limits
from incidents.catalogue import ClockKind
from incidents.limits import Clock, Pause
from incidents.workcalendar import Ends
from incidents.worktime import WorkTime

MINUTE = timedelta(minutes=1)


@cache
def qingdao() -> WorkTime:
    """Counts in Qingdao's working time, 2010 to 2026."""
    return load_city(Settings(city="qingdao")).worktime


@cache
def boston() -> WorkTime:
    """Counts in Boston's, 2015 and 2016."""
    return load_city(Settings(city="boston")).worktime


def moments(first: datetime, days: int) -> st.SearchStrategy[datetime]:
    """Any second of so many days."""
    return st.integers(0, days * 86_400).map(lambda seconds: first + timedelta(seconds=seconds))


CHINA = moments(datetime(2019, 11, 1, tzinfo=UTC), 2000)
BOSTON = moments(datetime(2015, 1, 5, tzinfo=UTC), 300)
SPANS = st.integers(0, 60 * 24 * 20).map(lambda minutes: minutes * MINUTE)
KINDS = st.sampled_from(ClockKind)
ENDS = st.sampled_from(Ends)
LIMITS = st.integers(1, 15)


def clock(kind: ClockKind, ends: Ends, limit: int, began: datetime) -> Clock:
    """A clock that began then."""
    return Clock(kind=kind, limit=limit, ends=ends, began_at=began, rules="r")


@settings(deadline=None)
@given(KINDS, ENDS, LIMITS, CHINA, SPANS)
def test_who_begins_later_is_not_due_earlier(kind: ClockKind, ends: Ends, limit: int, began: datetime, later: timedelta) -> None:
    one, other = clock(kind, ends, limit, began), clock(kind, ends, limit, began + later)
    assert limits.due(qingdao(), one) <= limits.due(qingdao(), other)


@settings(deadline=None)
@given(KINDS, ENDS, LIMITS, CHINA)
def test_a_longer_limit_is_due_later(kind: ClockKind, ends: Ends, limit: int, began: datetime) -> None:
    one, other = clock(kind, ends, limit, began), clock(kind, ends, limit + 1, began)
    assert began < limits.due(qingdao(), one) < limits.due(qingdao(), other)


@settings(deadline=None)
@given(KINDS, ENDS, LIMITS, CHINA, st.lists(st.tuples(SPANS, SPANS), max_size=3), st.integers(0, 2))
def test_step_by_step_is_the_same_as_from_the_beginning(
    kind: ClockKind, ends: Ends, limit: int, began: datetime, steps: list[tuple[timedelta, timedelta]], extensions: int
) -> None:
    work, one, pauses, edge = qingdao(), clock(kind, ends, limit, began), [], began
    at = limits.due(work, one)
    for number in range(max(len(steps), extensions)):
        if number < extensions:
            at = limits.extended(work, one, at)
        if number < len(steps):
            after, length = steps[number]
            pause = Pause(begins=edge + after + MINUTE, ends=edge + after + length + 2 * MINUTE)
            edge = pause.ends
            if pause.begins < at:
                pauses.append(pause)
                at = limits.resumed(work, one, at, pause)
    assert at == limits.due(work, one, extensions, pauses)


@settings(deadline=None)
@given(KINDS, ENDS, LIMITS, CHINA, SPANS, SPANS)
def test_a_pause_in_two_halves_is_one_pause_and_none_shortens_a_limit(
    kind: ClockKind, ends: Ends, limit: int, began: datetime, first: timedelta, second: timedelta
) -> None:
    one = clock(kind, ends, limit, began)
    middle = began + first
    halves = [Pause(begins=began, ends=middle), Pause(begins=middle, ends=middle + second)]
    whole = limits.due(qingdao(), one, 0, [Pause(begins=began, ends=middle + second)])
    assert limits.due(qingdao(), one) <= limits.due(qingdao(), one, 0, halves) == limits.due(qingdao(), one, 0, halves[::-1]) == whole


@settings(deadline=None)
@given(BOSTON, SPANS, SPANS)
def test_working_time_adds_up(at: datetime, one: timedelta, other: timedelta) -> None:
    work, middle, end = boston(), at + one, at + one + other
    assert work.between(at, middle) + work.between(middle, end) == work.between(at, end)
    assert work.between(end, at) == timedelta()


@settings(deadline=None)
@given(BOSTON, st.integers(0, 100_000).map(lambda seconds: timedelta(seconds=seconds, microseconds=seconds)), SPANS)
def test_going_on_by_working_time_goes_exactly_so_far(at: datetime, one: timedelta, other: timedelta) -> None:
    work = boston()
    there = work.later(at, one)
    assert work.between(at, there) == one
    assert work.later(there, other / 10) == work.later(at, one + other / 10) or not (one and other)
    assert work.later(there, -one) <= at if one else there == at


@settings(deadline=None)
@given(BOSTON)
def test_what_is_clamped_is_working_time_and_no_work_lies_between(at: datetime) -> None:
    work = boston()
    clamped = work.clamp(at)
    assert work.between(at, clamped) == timedelta()
    assert work.clamp(clamped) == clamped
    assert work.between(clamped, clamped + MINUTE) > timedelta()
