"""The engine against a counter that looks at every minute (minutes.py): random starts, limits, clocks, pauses, towns."""

import random
from datetime import date, time
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from config.load import load_city
from config.settings import Settings
from incidents import limits
from incidents.catalogue import ClockKind
from incidents.limits import Clock, Pause
from incidents.workcalendar import Ends, WorkCalendar, WorkHours
from incidents.worktime import WorkTime
from tests.incidents.minutes import EPOCH, MINUTE, Pauses, Town, after_minutes, after_natural_days, after_work_days

NIGHT = [(time(0, 30), time(1, 30)), (time(2, 15), time(4))]  # so that the change of clocks cuts working hours
# zone, hours, calendar file, span (the change of clocks of Lord Howe is half an hour)
TOWNS = {
    "qingdao 2020": ("Asia/Shanghai", None, "qingdao", (date(2019, 12, 1), date(2020, 12, 30))),
    "qingdao 2026": ("Asia/Shanghai", None, "qingdao", (date(2025, 12, 1), date(2026, 12, 30))),
    "boston 2015": ("America/New_York", None, "boston", (date(2015, 1, 2), date(2016, 3, 31))),
    "a night office in New York": ("America/New_York", NIGHT, "boston", (date(2015, 2, 1), date(2015, 12, 15))),
    "a night office on Lord Howe": ("Australia/Lord_Howe", NIGHT, "boston", (date(2015, 1, 5), date(2015, 12, 15))),
    "an office without lunch in Kolkata": ("Asia/Kolkata", [(time(9), time(17, 45))], "qingdao", (date(2024, 1, 3), date(2024, 12, 20))),
}


@cache
def town(name: str) -> tuple[Town, WorkCalendar]:
    """The town for the counter, and the same as a calendar for the engine."""
    zone, hours, city, span = TOWNS[name]
    calendar = load_city(Settings(city=city)).calendar
    assert calendar is not None
    if hours is not None:
        rows = tuple(WorkHours(begins=begins, ends=ends) for begins, ends in hours)
        calendar = calendar.model_copy(update={"hours": rows})
    wall = [(row.begins, row.ends) for row in calendar.hours]
    return Town(zone, wall, set(calendar.holiday), set(calendar.makes_up), span), calendar


def counted(place: Town, clock: Clock, start: int, pauses: Pauses) -> int:
    """The deadline, minute by minute."""
    limit = int(clock.limit * 60) if clock.kind in (ClockKind.URGENT_HOUR, ClockKind.WORK_HOUR) else int(clock.limit)
    if clock.kind is ClockKind.WORK_DAY:
        return after_work_days(place, start, limit, pauses, clock.ends is Ends.DAY_END)
    if clock.kind is ClockKind.NATURAL_DAY:
        return after_natural_days(place, start, limit, pauses)
    if clock.kind is ClockKind.URGENT_DAY:
        return after_minutes(place, start, limit * 24 * 60, pauses, on_work=False)
    return after_minutes(place, start, limit, pauses, on_work=clock.kind is ClockKind.WORK_HOUR)


def drawn(dice: random.Random, place: Town) -> tuple[Clock, int, Pauses]:
    """A clock, where it begins (often on the very edge of working time), and up to three pauses."""
    start = dice.randrange(place.first, place.last - 60 * 24 * 80)
    if dice.random() < 0.4:
        edge = next((at for at in range(start, start + 20_000) if place.works(at) != place.works(at + 1)), start)
        start = edge + dice.choice((0, 1, 2))
    kind = dice.choice(list(ClockKind))
    hours = kind in (ClockKind.URGENT_HOUR, ClockKind.WORK_HOUR)
    limit = dice.choice((0.25, 0.5, 1, 2, 4, 8, 9.5, 16, 40)) if hours else dice.choice((1, 2, 3, 5, 10, 15))
    pauses: Pauses = []
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        begins = start + dice.randrange(-600, 8 * 24 * 60)
        pauses.append((begins, begins + dice.choice((1, 30, 120, 600, 24 * 60, 4 * 24 * 60, dice.randrange(1, 9000)))))
    ends = dice.choice(list(Ends))
    return Clock(kind=kind, limit=limit, ends=ends, began_at=EPOCH + start * MINUTE, rules="r"), start, pauses


def agree(seed: int, cases: int) -> None:
    """That many random cases come to the same minute in both."""
    dice, names, judged = random.Random(seed), list(TOWNS), 0
    while judged < cases:
        name = dice.choice(names)
        place, _ = town(name)
        clock, start, pauses = drawn(dice, place)
        try:
            wanted = counted(place, clock, start, pauses)
        except IndexError:  # beyond the span that the counter knows
            continue
        spans = [Pause(begins=EPOCH + begins * MINUTE, ends=EPOCH + ends * MINUTE) for begins, ends in pauses]
        assert limits.due(work(name), clock, 0, spans) == EPOCH + wanted * MINUTE, (
            name,
            clock,
            [(pause.begins, pause.ends) for pause in spans],
        )
        judged += 1


@cache
def work(name: str) -> WorkTime:
    """The engine of a town, its tables kept."""
    return WorkTime(town(name)[1], ZoneInfo(TOWNS[name][0]))


def test_the_engine_agrees_with_a_minute_counter() -> None:
    agree(seed=1, cases=2_000)


@pytest.mark.slow
def test_the_engine_agrees_with_a_minute_counter_ten_thousand_times() -> None:
    agree(seed=2, cases=10_000)
