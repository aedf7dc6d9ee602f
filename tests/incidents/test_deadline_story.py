"""A deadline explained: every interval has its reason, they tile the way from the clock's beginning to the deadline, and sum up to it."""

from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_city
from config.settings import Settings
from incidents import clocks
from incidents.case import Case
from incidents.catalogue import City, ClockKind, Condition
from incidents.deadline_story import DeadlineStory, Why, explain
from incidents.vocabulary import State
from tests.incidents.closing import NAME, desk_in

SHANGHAI = ZoneInfo("Asia/Shanghai")


@cache
def qingdao() -> City:
    """The city with its calendar file."""
    return load_city(Settings(city="qingdao"))


def filed(kind: ClockKind, limit: float, at: datetime, **changes: Any) -> Case:
    """A case whose clock of this kind began then."""
    row = Condition(key="c", name=NAME, clock=kind, limit=limit)
    return desk_in(State.HANDLING).open.model_copy(update={**clocks.begun(qingdao(), row, at), **changes})


def paused(case: Case, begins: datetime, ends: datetime) -> Case:
    """The case after a suspension."""
    case = case.model_copy(update={"suspended_at": begins})
    return case.model_copy(update={**clocks.resumed(qingdao(), case, ends), "suspended_at": None})


def told(case: Case) -> DeadlineStory:
    """The story, which there is."""
    story = explain(qingdao(), case)
    assert story is not None
    return story


def at(text: str) -> datetime:
    """A moment on the city's wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def rows(story: DeadlineStory) -> list[tuple[str, str, str, str]]:
    """The spans as a person reads them."""
    shown = [(span.begins.astimezone(SHANGHAI), span.ends and span.ends.astimezone(SHANGHAI), span) for span in story.spans]
    return [(f"{b:%m-%d %H:%M}", f"{e:%m-%d %H:%M}" if e else "", span.why, span.name.zh if span.name else "") for b, e, span in shown]


def test_lunch_night_holiday_and_make_up_saturday_are_named() -> None:
    # filed at 17:00 before National Day 2026; 1 h that evening, 8 h on Thursday 8, 8 h on Friday 9, 3 h on the make-up Saturday
    story = told(filed(ClockKind.WORK_HOUR, 20, at("2026-09-30T17:00")))
    assert rows(story)[:7] == [
        ("09-30 17:00", "09-30 18:00", Why.WORKING, ""),
        ("09-30 18:00", "10-01 00:00", Why.NIGHT, ""),
        ("10-01 00:00", "10-08 00:00", Why.HOLIDAY, "国庆节"),
        ("10-08 00:00", "10-08 08:00", Why.NIGHT, ""),
        ("10-08 08:00", "10-08 12:00", Why.WORKING, ""),
        ("10-08 12:00", "10-08 14:00", Why.BREAK, ""),
        ("10-08 14:00", "10-08 18:00", Why.WORKING, ""),
    ]
    assert rows(story)[-1] == ("10-10 08:00", "10-10 11:00", Why.MAKES_UP, "国庆节")
    assert (story.counted_s, story.limit_s) == (20 * 3600, 20 * 3600)


def test_a_weekend_is_a_weekend_and_a_pause_cuts_only_what_would_have_counted() -> None:
    case = paused(filed(ClockKind.WORK_HOUR, 4, at("2026-11-20T16:00")), at("2026-11-20T17:00"), at("2026-11-23T09:00"))
    assert rows(told(case)) == [
        ("11-20 16:00", "11-20 17:00", Why.WORKING, ""),
        ("11-20 17:00", "11-20 18:00", Why.PAUSE, ""),
        ("11-20 18:00", "11-21 00:00", Why.NIGHT, ""),
        ("11-21 00:00", "11-23 00:00", Why.WEEKEND, ""),
        ("11-23 00:00", "11-23 08:00", Why.NIGHT, ""),
        ("11-23 08:00", "11-23 09:00", Why.PAUSE, ""),
        ("11-23 09:00", "11-23 12:00", Why.WORKING, ""),
    ]


def test_a_lasting_suspension_is_open() -> None:
    case = filed(ClockKind.WORK_DAY, 2, at("2026-11-23T10:00"), state=State.SUSPENDED, suspended_at=at("2026-11-23T11:00"))
    assert rows(told(case)) == [("11-23 10:00", "11-23 11:00", Why.WORKING, ""), ("11-23 11:00", "", Why.PAUSE, "")]


def test_an_urgent_clock_runs_through() -> None:
    story = told(filed(ClockKind.URGENT_HOUR, 2, at("2026-11-21T23:00")))
    assert rows(story) == [("11-21 23:00", "11-22 01:00", Why.RUNNING, "")]
    assert story.calendar is None


def test_a_calendar_that_was_changed_since_is_told_and_the_deadline_holds() -> None:
    case = filed(ClockKind.WORK_DAY, 1, at("2026-11-23T10:00"))
    calendar = qingdao().calendar
    assert calendar is not None
    changed = qingdao().model_copy(update={"calendar": calendar.model_copy(update={"weekdays": (1, 3, 4, 5)})})
    changed.__dict__.pop("worktime", None)
    story = explain(changed, case)
    assert story is not None
    assert story.due_at == at("2026-11-24T10:00")
    assert story.recomputed_at == at("2026-11-25T10:00")


def test_before_filing_there_is_nothing_to_explain() -> None:
    assert explain(qingdao(), desk_in(State.REPORTED).open) is None


MOMENTS = st.integers(0, 270 * 24 * 60).map(lambda minutes: at("2026-01-01T00:00") + timedelta(minutes=minutes))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ClockKind), st.integers(1, 12), MOMENTS, st.lists(st.tuples(st.integers(0, 200), st.integers(1, 99)), max_size=3))
def test_the_intervals_tile_the_way_to_the_deadline_and_sum_up_to_the_limit(
    kind: ClockKind, limit: int, began: datetime, pauses: list[tuple[int, int]]
) -> None:
    case = filed(kind, limit, began)
    edge = began
    for after, hours in pauses:
        begins, edge = edge + timedelta(hours=after), edge + timedelta(hours=after + hours)
        case = paused(case, begins, edge)
    story = told(case)
    assert story.spans[0].begins == began
    assert story.spans[-1].ends == story.due_at == story.recomputed_at
    assert all(before.ends == after.begins for before, after in pairwise(story.spans))
    assert story.counted_s == story.limit_s
