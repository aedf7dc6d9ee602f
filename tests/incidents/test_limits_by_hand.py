"""Deadlines that a person worked out (deadlines_by_hand.toml), and the calendars that the cities' files must agree with."""

import tomllib
from datetime import UTC, date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import chinese_calendar
import holidays
import pytest

from config import export_calendar
from config.load import load_city
from config.settings import Settings
from incidents import limits
from incidents.catalogue import City
from incidents.limits import Clock, Pause
from incidents.workcalendar import WorkCalendar

BY_HAND: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "deadlines_by_hand.toml").read_text(encoding="utf-8"))
YEARS = range(2010, 2027)


@cache
def city(key: str) -> City:
    """A city that comes with the project."""
    return load_city(Settings(city=key))


def calendar(key: str) -> WorkCalendar:
    """Its calendar."""
    found = city(key).calendar
    assert found is not None
    return found


def days() -> list[date]:
    """Every day from 2010 to 2026."""
    first, end = date(YEARS[0], 1, 1), date(YEARS[-1] + 1, 1, 1)
    return [first + timedelta(days=number) for number in range((end - first).days)]


@pytest.mark.parametrize("name", BY_HAND)
def test_the_engine_says_what_was_worked_out_by_hand(name: str) -> None:
    row = BY_HAND[name]
    clock = Clock(kind=row["clock"], limit=row["limit"], ends=row.get("ends", "same_time"), began_at=row["start"], rules="r")
    pauses = [Pause(begins=begins, ends=ends) for begins, ends in row.get("pauses", ())]
    due = limits.due(city(row["city"]).worktime, clock, row.get("extensions", 0), pauses)
    assert due == row["due"].astimezone(UTC)


def test_there_are_sixty_of_them() -> None:
    assert len(BY_HAND) >= 60


def test_chinesecalendar_agrees_with_the_file_on_every_day() -> None:
    mine = calendar("qingdao")
    assert [day for day in days() if mine.is_workday(day) != chinese_calendar.is_workday(day)] == []


def test_holidays_agrees_with_the_file_on_every_day() -> None:
    mine, theirs = calendar("qingdao"), holidays.country_holidays("CN", years=YEARS)
    assert [day for day in days() if mine.is_workday(day) != theirs.is_working_day(day)] == []


def test_the_file_is_what_the_export_prints() -> None:
    exported = tomllib.loads("".join(export_calendar.years(YEARS[0], YEARS[-1])))
    assert tuple(row.model_dump() for row in calendar("qingdao").years) == tuple(
        type(row).model_validate(given).model_dump() for row, given in zip(calendar("qingdao").years, exported["years"], strict=True)
    )


def test_a_year_that_chinesecalendar_does_not_know_is_not_exported() -> None:
    with pytest.raises(Exception, match="does not know 2003"):
        list(export_calendar.years(2003, 2003))


def test_holidays_agrees_with_bostons_days_off_in_2015() -> None:
    theirs = holidays.country_holidays("US", subdiv="MA", years=2015)  # Independence Day is a Saturday: no day off
    assert {day for day in theirs if day.weekday() < 5} == {day for day in calendar("boston").holiday if day.year == 2015}
