"""The diary of the people of a simulated city: each command once, when it is due, whatever is said twice; and time learned from facts."""

from datetime import UTC, datetime, timedelta

from adapters.clock import parse_clock
from incidents.case import Fact, Position
from incidents.steps import closure
from producers.units import Units
from producers.units_run import Diary, LearnedClock
from tests.producers.test_units import START, qingdao, sight

UNITS = Units(qingdao())
LONG_AFTER = START + timedelta(days=2)


def opened(number: int = 1) -> Fact:
    """The first fact of a case that waits for a person's review."""
    decision = closure.decide(UNITS.city, None, sight(number, "muck_truck_uncovered"), START, Position(topic_id="T", partition=0, offset=1))
    return decision.facts[0]


def test_a_command_is_due_on_the_city_clock_and_given_once() -> None:
    diary = Diary(UNITS)
    diary.hear(opened())
    assert diary.due(START) == []
    due = diary.due(LONG_AFTER)
    assert len(due) == 1
    diary.done(due)
    assert diary.due(LONG_AFTER) == []


def test_a_fact_told_twice_plans_nothing_twice() -> None:
    diary = Diary(UNITS)
    diary.hear(opened())
    diary.hear(opened())
    assert len(diary.due(LONG_AFTER)) == 1


def test_what_could_not_be_published_is_due_again() -> None:
    diary = Diary(UNITS)
    diary.hear(opened())
    due = diary.due(LONG_AFTER)
    diary.again(due)
    assert diary.due(LONG_AFTER) == due


def test_a_restarted_diary_gives_the_same_commands() -> None:
    one, other = Diary(UNITS), Diary(Units(qingdao()))
    for diary in (one, other):
        for number in range(20):
            diary.hear(opened(number))
    assert one.due(LONG_AFTER) == other.due(LONG_AFTER)


def test_the_city_time_is_learned_from_the_newest_fact_and_runs_on() -> None:
    wall_s = 1000.0
    clock = LearnedClock(parse_clock("x600@2026-11-21T08:00+08:00"), lambda: wall_s)
    clock.learn(START, 990_000)
    clock.learn(START, 995_000)  # appended late: it shows too early a time
    assert clock.now() == START + timedelta(seconds=10 * 600)


def test_on_a_clock_of_events_time_is_that_of_the_newest_fact() -> None:
    clock = LearnedClock(parse_clock("events"), lambda: 5e9)
    clock.learn(START + timedelta(hours=1), 1)
    clock.learn(START, 2)
    assert clock.now() == START + timedelta(hours=1)


def test_on_the_real_clock_time_is_the_wall_clock() -> None:
    clock = LearnedClock(parse_clock("real"), lambda: 1_700_000_000.0)
    assert clock.now() == datetime.fromtimestamp(1_700_000_000, UTC)
