"""What systems in use get wrong about clocks (DOMAIN.md), and what a case may rely on whatever becomes of the rules around it."""

import csv
from collections import Counter
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.load import load_city
from config.settings import Settings
from incidents import clocks
from incidents.catalogue import City, ClockKind, Condition
from incidents.limit_words import limit_of
from incidents.steps import routing
from incidents.steps.escalation import decide
from incidents.vocabulary import FactType, State
from incidents.workcalendar import WorkCalendar
from tests.incidents.closing import NAME, PHOTO, Desk, category, city, opening, outcome, sight

STANDARDS = Path(__file__).parents[3] / "shared" / "data" / "standards" / "cn_case_standards_flat.csv"
SHANGHAI = ZoneInfo("Asia/Shanghai")


@cache
def calendar() -> WorkCalendar:
    """Qingdao's."""
    found = load_city(Settings(city="qingdao")).calendar
    assert found is not None
    return found


def town(**changes: object) -> City:
    """The small city with a real calendar, and a category whose conditions run on each clock."""
    rows = (
        Condition(key="hours", name=NAME, clock=ClockKind.WORK_HOUR, limit=4, grade="C"),
        Condition(key="urgent", name=NAME, clock=ClockKind.URGENT_HOUR, limit=2, grade="A"),
        Condition(key="days", name=NAME, clock=ClockKind.WORK_DAY, limit=2),
    )
    categories = (category(conditions=rows, close="person", dispatch="person"), category("other", conditions=rows[::-1]))
    return city(**{"calendar": calendar(), "categories": categories, **changes})


def at(text: str) -> datetime:
    """A moment on the city's wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def filed(when: str, condition: str, where: City | None = None) -> Desk:
    """A desk whose case was filed then, under this condition."""
    desk = Desk(where or town())
    desk.now = at(when)
    desk.take(sight())
    desk.must("file", "shift_lead", condition=condition)
    desk.must("dispatch", "dispatcher", unit="clean-1")
    desk.must("accept", "unit")
    return desk


def due(desk: Desk) -> str:
    """The deadline on the wall clock, to the minute."""
    assert desk.open.due_at is not None
    return f"{desk.open.due_at.astimezone(SHANGHAI):%m-%d %H:%M}"


def suspend(desk: Desk, begins: str, ends: str) -> None:
    """A suspension from and until these times."""
    desk.must("request_suspension", "unit", reason="wait")
    desk.now = at(begins)
    desk.must("grant_suspension", "dispatcher")
    desk.now = at(ends)
    desk.must("resume", "dispatcher")


def test_urgent_and_ordinary_hours_are_not_parsed_alike() -> None:
    assert (limit_of("2紧急工作时"), limit_of("2工作时"), limit_of("2小时")) == (
        (ClockKind.URGENT_HOUR, 2),
        (ClockKind.WORK_HOUR, 2),
        (ClockKind.WORK_HOUR, 2),
    )
    # Saturday night: two urgent hours are over at once, four working hours on Monday
    assert due(filed("2026-11-21T23:00", "urgent")) == "11-22 01:00"
    assert due(filed("2026-11-21T23:00", "hours")) == "11-23 12:00"


def test_every_limit_of_a_real_standard_is_read_and_none_is_guessed() -> None:
    if not STANDARDS.exists():
        pytest.skip("the standards are not at ../shared/data")
    with STANDARDS.open(encoding="utf-8-sig") as file:
        words = [row["time_limit"] for row in csv.DictReader(file)]
    read, refused = Counter[ClockKind](), []
    for each in words:
        try:
            read[limit_of(each)[0]] += 1
        except ValueError:
            refused.append(each)
    assert read == {ClockKind.WORK_DAY: 412, ClockKind.WORK_HOUR: 61, ClockKind.URGENT_HOUR: 41, ClockKind.URGENT_DAY: 4}
    assert refused == ["1紧急工作时制止"]


def test_a_lunch_break_is_not_counted() -> None:
    assert due(filed("2026-11-23T11:00", "hours")) == "11-23 17:00"


def test_make_up_workdays_are_not_ignored() -> None:
    assert due(filed("2026-10-09T17:00", "hours")) == "10-10 11:00"
    assert due(filed("2026-10-09T17:00", "days")) == "10-12 17:00"


def test_another_limit_does_not_lose_the_pause() -> None:
    desk = filed("2026-11-23T08:00", "hours")
    suspend(desk, "2026-11-23T09:00", "2026-11-23T11:00")
    assert due(desk) == "11-23 16:00"
    desk.must("recategorise", "dispatcher", category="other", condition="days")
    assert due(desk) == "11-25 10:00"
    assert [pause.ends for pause in desk.open.pauses] == [at("2026-11-23T11:00:01")]
    desk.must("recategorise", "dispatcher", category="spillage", condition="hours")
    assert due(desk) == "11-23 16:00"


def test_a_pause_survives_a_change_of_the_rules_while_it_lasts() -> None:
    desk = filed("2026-11-23T08:00", "days")
    desk.must("request_suspension", "unit", reason="wait")
    desk.now = at("2026-11-23T10:00")
    desk.must("grant_suspension", "dispatcher")
    desk.city = town(rules="r2", categories=(category(),))
    desk.now = at("2026-11-24T10:00")
    desk.must("resume", "dispatcher")
    assert due(desk) == "11-26 08:00"


def test_editing_a_rule_moves_no_running_case() -> None:
    desk = filed("2026-11-23T10:00", "hours")
    before = desk.open.due_at
    desk.city = town(rules="r2", calendar=calendar().model_copy(update={"weekdays": (2, 4)}), categories=(category(),))
    desk.must("note", "leader", note="hurry")
    assert desk.open.due_at == before
    assert [deadline.at for deadline in desk.open.deadlines if deadline.kind == "overdue"] == [before]


def test_the_same_limit_under_another_name_runs_on_in_the_calendar_of_its_day() -> None:
    desk = filed("2026-11-23T10:00", "days")
    before = desk.open.due_at
    desk.city = town(calendar=calendar().model_copy(update={"weekdays": (1, 5)}))
    desk.must("recategorise", "dispatcher", category="other", condition="days")
    assert (desk.open.category, desk.open.due_at) == ("other", before)


def test_the_limit_and_grade_belong_to_the_condition_and_are_kept_with_calendar_and_rules() -> None:
    clock = filed("2026-11-23T10:00", "urgent").open.clock
    assert clock is not None
    assert (clock.kind, clock.limit, clock.grade, clock.calendar, clock.rules) == (ClockKind.URGENT_HOUR, 2, "A", None, "r1")
    clock = filed("2026-11-23T10:00", "hours").open.clock
    assert clock is not None
    assert (clock.kind, clock.limit, clock.grade, clock.calendar, clock.rules) == (ClockKind.WORK_HOUR, 4, "C", calendar().version, "r1")


def test_reminder_and_escalation_run_on_the_case_s_own_clock() -> None:
    desk = filed("2026-11-20T17:00", "hours")  # Friday: 1 h, then 3 h on Monday
    armed = {deadline.kind: f"{deadline.at.astimezone(SHANGHAI):%m-%d %H:%M}" for deadline in desk.open.deadlines}
    assert armed == {"remind": "11-23 10:12", "overdue": "11-23 11:00"}
    desk.must("transfer", "dispatcher", level="subdistrict")
    overdue = next(deadline for deadline in desk.open.deadlines if deadline.kind == "overdue")
    desk.now = overdue.at
    [command] = decide(desk.city, desk.open, overdue)
    desk.take(command)
    [escalate] = [deadline for deadline in desk.open.deadlines if deadline.kind == "escalate"]
    assert f"{escalate.at.astimezone(SHANGHAI):%m-%d %H:%M}" == "11-23 15:00"


def test_a_suspension_after_the_limit_leaves_the_overdue_fact_and_holds_the_escalation() -> None:
    desk = filed("2026-11-23T08:00", "urgent")
    overdue = next(deadline for deadline in desk.open.deadlines if deadline.kind == "overdue")
    desk.now = overdue.at
    [command] = decide(desk.city, desk.open, overdue)
    desk.take(command)
    suspend(desk, "2026-11-23T10:30", "2026-11-23T14:30")
    assert (due(desk), desk.open.overdue) == ("11-23 10:00", True)
    [escalate] = [deadline for deadline in desk.open.deadlines if deadline.kind == "escalate"]
    assert f"{escalate.at.astimezone(SHANGHAI):%m-%d %H:%M}" == "11-23 15:00"


def test_a_year_that_the_calendar_lacks_refuses_the_filing_and_changes_nothing() -> None:
    desk = Desk(town())
    desk.take(sight())
    desk.now = at("2026-12-31T17:00")
    reason = desk.refused("file", "shift_lead", condition="days")
    assert "the calendar does not know 2027" in reason
    desk.must("file", "shift_lead", condition="urgent")


def test_a_case_that_a_rule_cannot_file_for_want_of_a_year_says_so_in_both_languages() -> None:
    desk = Desk(town())
    desk.now = at("2026-12-31T17:00")
    [file] = routing.decide(desk.city, desk.take(sight(opening=opening(condition="days"))).facts[0].case, FactType.OPENED)
    assert not outcome(desk.take(file)).accepted
    why = routing.unfiled_because(desk.city, desk.open, desk.now) or ""
    assert why.startswith("城市日历没有 2027 年") and "the calendar does not know 2027" in why


@pytest.mark.parametrize(
    ("changes", "now"),
    [
        ({"condition": "days"}, "2026-12-21T17:00"),
        ({"condition": "urgent"}, "2026-12-31T17:00"),
        ({"condition": "days", "channel": "hotline"}, "2026-12-31T17:00"),
        ({"condition": "days", "category": "gone"}, "2026-12-31T17:00"),
    ],
    ids=["the year is known", "no calendar is needed", "somebody verifies it first", "the catalogue lost the category"],
)
def test_a_case_that_a_rule_may_file_or_a_person_decides_has_no_such_reason(changes: dict[str, str], now: str) -> None:
    desk = Desk(town(categories=(*town().categories, category("gone"))))
    desk.take(sight(opening=opening(**changes)))
    assert routing.unfiled_because(town(), desk.open, at(now)) is None


def test_a_filed_case_has_no_reason_for_not_being_filed() -> None:
    assert routing.unfiled_because(town(), filed("2026-11-23T10:00", "days").open, at("2026-12-31T17:00")) is None


def test_an_extension_into_a_missing_year_is_refused() -> None:
    desk = filed("2026-12-29T10:00", "days")
    desk.must("request_extension", "unit", reason="more")
    assert "2027" in desk.refused("grant_extension", "dispatcher")
    assert desk.open.state is State.HANDLING


def test_an_escalation_beyond_the_calendar_comes_when_the_missing_year_begins() -> None:
    desk = filed("2026-12-29T17:00", "days")
    desk.must("transfer", "dispatcher", level="subdistrict")
    overdue = next(deadline for deadline in desk.open.deadlines if deadline.kind == "overdue")
    desk.now = overdue.at
    [command] = decide(desk.city, desk.open, overdue)
    assert outcome(desk.take(command)).accepted
    [escalate] = [deadline for deadline in desk.open.deadlines if deadline.kind == "escalate"]
    assert escalate.at == at("2027-01-01T00:00")


def test_missing_years_are_seen_two_months_ahead_and_for_every_limit_of_the_catalogue() -> None:
    far = category(conditions=(Condition(key="far", name=NAME, clock=ClockKind.WORK_DAY, limit=100),))
    assert clocks.missing_years(town(), at("2026-10-30T12:00")) == ()
    assert clocks.missing_years(town(), at("2026-11-03T12:00")) == (2027,)
    assert clocks.missing_years(town(categories=(far,)), at("2026-08-30T12:00")) == (2027,)
    assert clocks.missing_years(town(calendar=None), at("2026-08-30T12:00")) == (2026,)


def test_reopening_begins_a_new_clock() -> None:
    desk = filed("2026-11-23T08:00", "hours")
    suspend(desk, "2026-11-23T09:00", "2026-11-23T11:00")
    desk.must("report_handled", "unit", evidence=PHOTO)
    desk.must("pass_check", "checker", evidence=PHOTO)
    desk.must("close", "shift_lead")
    desk.now = at("2026-11-24T10:00")
    desk.must("reopen", "shift_lead", reason="again")
    assert (due(desk), desk.open.pauses) == ("11-24 16:00", ())
