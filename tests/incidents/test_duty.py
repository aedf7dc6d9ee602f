"""Who is on duty: shifts by the clock and the calendar, turns, single days; whom a case calls, and when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import load_folder
from config.settings import ROOT
from incidents.duty import Cover, DutyPerson, Roster, Shift, Turn, called, next_on_duty, on_duty
from incidents.duty_gaps import gaps
from incidents.vocabulary import Days

CITY = load_folder(ROOT / "config" / "cities" / "qingdao")
ZONE = ZoneInfo("Asia/Shanghai")
CLEAN, ABOVE, CENTRE, TOP = "sanitation-370202", "sanitation-city", "command_center-370202", "command_center-city"
SHIFTS = (
    Shift(key="office"),
    Shift(key="night", hours=("18:00-08:00",)),
    Shift(key="day", hours=("08:00-18:00",)),
    Shift(key="round", hours=("08:30-08:30",)),
    Shift(key="rest", hours=("00:00-24:00",), days=Days.RESTDAY),
)


def roster(*turns: Turn, **more: Any) -> Roster:
    """A roster of these turns, whose people all exist."""
    named = {key for turn in turns for key in turn.people} | {key for keys in more.get("days", {}).values() for key in keys}
    people = tuple(DutyPerson(key=key, name=key.title(), unit=CENTRE, channels={"sms": {"to": "1"}}) for key in sorted(named))
    return Roster(shifts=SHIFTS, people=people, turns=turns, **more)


def turn(unit: str, shift: str, *people: str, level: str = "district", **more: Any) -> Turn:
    """A turn."""
    return Turn(unit=unit, level=level, shift=shift, people=people, **more)


def local(text: str) -> datetime:
    """A moment of Qingdao."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("shift", "at", "there"),
    [
        ("day", "2026-11-20T08:00", True),
        ("day", "2026-11-20T17:59:59.999", True),
        ("day", "2026-11-20T18:00", False),
        ("night", "2026-11-20T18:00", True),
        ("night", "2026-11-21T07:59", True),
        ("night", "2026-11-21T08:00", False),
        ("round", "2026-11-21T08:29", True),
        ("round", "2026-11-21T08:30", True),
        ("office", "2026-11-20T09:00", True),
        ("office", "2026-11-20T13:00", False),
        ("office", "2026-11-21T09:00", False),
        ("office", "2026-02-14T09:00", True),  # a Saturday that makes up for the Spring Festival
        ("office", "2026-02-17T09:00", False),  # a Tuesday of the festival
        ("rest", "2026-02-17T23:59", True),
        ("rest", "2026-02-14T09:00", False),
        ("rest", "2026-11-21T00:00", True),
        ("rest", "2026-11-23T00:00", False),
    ],
)
def test_a_shift_goes_by_the_city_s_clock_and_calendar(shift: str, at: str, there: bool) -> None:
    found = on_duty(CITY, roster(turn(CENTRE, shift, "li")), CENTRE, "district", local(at))
    assert bool(found) is there


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    nights = roster(turn(CENTRE, "night", "li"), days={(CENTRE, "district", "night", date(2026, 11, 20)): ("wang",)})
    there = [on_duty(CITY, nights, CENTRE, "district", local(at)) for at in ("2026-11-20T07:00", "2026-11-21T07:00", "2026-11-21T19:00")]
    assert [[person.key for person in people] for people in there] == [["li"], ["wang"], ["li"]]


def test_a_single_day_may_say_that_nobody_comes() -> None:
    empty = roster(turn(CENTRE, "day", "li"), days={(CENTRE, "district", "day", date(2026, 11, 20)): ()})
    assert on_duty(CITY, empty, CENTRE, "district", local("2026-11-20T09:00")) == ()
    assert on_duty(CITY, empty, CENTRE, "district", local("2026-11-21T09:00")) != ()


def test_people_take_turns_week_by_week() -> None:
    weekly = roster(turn(CENTRE, "round", "a", "b", "c", begins=date(2026, 11, 2), rotate_days=7, ends=date(2026, 12, 31)))
    moments = [local("2026-11-02T09:00") + timedelta(days=7) * week for week in range(-1, 5)]
    there = [on_duty(CITY, weekly, CENTRE, "district", at) for at in moments]
    assert [people[0].key if people else None for people in there] == [None, "a", "b", "c", "a", "b"]


def test_in_a_year_that_the_calendar_lacks_both_kinds_of_days_are_manned() -> None:
    both = roster(turn(CENTRE, "office", "li"), turn(CENTRE, "rest", "wang"))
    assert {each.key for each in on_duty(CITY, both, CENTRE, "district", local("2031-05-01T09:00"))} == {"li", "wang"}


def call(found: Roster, at: str, *, waits: bool = True, level: str = "district", unit: str = CLEAN) -> tuple[Any, ...] | None:
    """Unit, people and local time of who is called."""
    it = called(CITY, found, (unit, level), "370202", local(at), waits=waits)
    return None if it is None else (it.unit, tuple(person.key for person in it.people), f"{it.at.astimezone(ZONE):%d %H:%M}")


OFFICES = roster(
    turn(CLEAN, "office", "clean"),
    turn(ABOVE, "day", "above"),
    turn(CENTRE, "round", "centre"),
    turn(TOP, "round", "top", level="city"),
    answers="command_center",
)


@pytest.mark.parametrize(
    ("at", "waits", "who"),
    [
        ("2026-11-20T09:00", True, (CLEAN, ("clean",), "20 09:00")),
        ("2026-11-20T13:00", True, (CLEAN, ("clean",), "20 14:00")),  # lunch
        ("2026-11-20T19:00", True, (CLEAN, ("clean",), "23 08:00")),  # Friday evening: Monday
        ("2026-02-13T19:00", True, (CLEAN, ("clean",), "14 08:00")),  # Friday evening before a make-up Saturday
        ("2026-02-14T19:00", True, (CLEAN, ("clean",), "24 08:00")),  # the festival
        ("2026-11-20T13:00", False, (ABOVE, ("above",), "20 13:00")),  # an emergency goes up the unit's line
        ("2026-11-20T19:00", False, (CENTRE, ("centre",), "20 19:00")),  # and on to who answers for the level
    ],
)
def test_what_is_no_emergency_waits_for_duty_and_an_emergency_goes_on(at: str, waits: bool, who: tuple[Any, ...]) -> None:
    assert call(OFFICES, at, waits=waits) == who


@pytest.mark.parametrize(
    ("level", "who"), [("district", CLEAN), ("city", TOP), ("subdistrict", CLEAN), ("grid", CLEAN), ("unheard-of", CLEAN)]
)
def test_an_escalation_calls_the_duty_of_its_level_else_of_the_next_above(level: str, who: str) -> None:
    found = call(OFFICES, "2026-11-20T09:00", level=level)
    assert found is not None
    assert found[0] == who


def test_a_unit_without_posts_is_answered_for() -> None:
    found = call(OFFICES, "2026-11-20T09:00", unit="nobody-knows")
    assert found is not None
    assert found[0] == CENTRE


def test_where_nobody_ever_is_on_duty_nobody_is_called() -> None:
    assert call(roster(answers="command_center"), "2026-11-20T09:00") is None
    past = roster(turn(CLEAN, "day", "li", ends=date(2026, 1, 1)))
    assert call(past, "2026-11-20T09:00", waits=False) is None


def test_an_emergency_that_finds_nobody_now_is_told_to_whoever_comes_first_in_its_line() -> None:
    assert call(roster(turn(CLEAN, "office", "li")), "2026-11-20T19:00", waits=False) == (CLEAN, ("li",), "23 08:00")


@given(st.integers(0, 320 * 24 * 60), st.sampled_from([shift.key for shift in SHIFTS]))
def test_the_next_duty_is_the_first_moment_with_somebody_there(minutes: int, shift: str) -> None:
    found, at = roster(turn(CENTRE, shift, "li")), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    if on_duty(CITY, found, CENTRE, "district", at):
        return
    begins = next_on_duty(CITY, found, CENTRE, "district", at)
    assert begins is not None
    assert begins > at
    assert on_duty(CITY, found, CENTRE, "district", begins)
    steps = int((begins - at) / timedelta(minutes=30))
    assert not any(on_duty(CITY, found, CENTRE, "district", at + timedelta(minutes=30) * step) for step in range(steps))


def test_gaps_are_the_stretches_in_which_a_covered_post_has_nobody() -> None:
    thin = roster(
        turn(CENTRE, "day", "li"),
        turn(CENTRE, "night", "wang"),
        turn(CLEAN, "office", "sun"),
        days={(CENTRE, "district", "night", date(2026, 11, 20)): ()},
        covers=(
            Cover(unit=CENTRE, level="district"),
            Cover(unit=CLEAN, level="district", shift="office"),
            Cover(unit=TOP, level="city", shift="office"),
        ),
    )
    found = [
        (gap.unit, f"{gap.begins.astimezone(ZONE):%d %H:%M}", f"{gap.ends.astimezone(ZONE):%d %H:%M}")
        for gap in gaps(CITY, thin, date(2026, 11, 19), 3)
    ]
    mornings = [(TOP, "19 08:00", "19 12:00"), (TOP, "19 14:00", "19 18:00"), (TOP, "20 08:00", "20 12:00"), (TOP, "20 14:00", "20 18:00")]
    assert found == [(CENTRE, "20 18:00", "21 08:00"), *mornings]


def test_a_post_that_is_always_manned_has_no_gap_on_the_day_when_clocks_change() -> None:
    boston = load_folder(ROOT / "config" / "cities" / "boston").model_copy(update={"units": CITY.units})
    always = roster(turn(CENTRE, "day", "li"), turn(CENTRE, "night", "wang"), covers=(Cover(unit=CENTRE, level="district"),))
    assert gaps(boston, always, date(2015, 3, 7), 3) == gaps(boston, always, date(2015, 10, 31), 3) == []
