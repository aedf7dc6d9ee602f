"""A city's working time as values: hours of a day, days of a week, holidays and make-up workdays (调休) year by year.

Read from `calendar.toml` by `config.load`; `incidents.worktime` counts in it.
"""

import hashlib
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ends(StrEnum):
    """Where N working days end: at the time of day they began, or at the close of business (DOMAIN.md)."""

    SAME_TIME = "same_time"
    DAY_END = "day_end"


class WorkHours(_Value):
    """One stretch of working time in a day, local; its end is the first moment that does not belong to it."""

    begins: time
    ends: time

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError(f"working hours end at {self.ends} before they begin at {self.begins}")
        return self


class Holiday(_Value):
    """A holiday of a year: the days off, and the workdays on a weekend that make up for them."""

    zh: str
    en: str
    days: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()


class WorkYear(_Value):
    """What a year's official notice changes: days off on workdays, and workdays on weekends."""

    year: int
    holidays: tuple[Holiday, ...] = ()

    @model_validator(mode="after")
    def _of_this_year(self) -> Self:
        seen: set[date] = set()
        for day in (day for holiday in self.holidays for day in (*holiday.days, *holiday.workdays)):
            if day.year != self.year:
                raise ValueError(f"{day} does not lie in {self.year}")
            if day in seen:
                raise ValueError(f"{day} stands twice")
            seen.add(day)
        return self


class WorkCalendar(_Value):
    """Working time of a city. A year without a row is unknown: whoever counts in it must alarm, not guess."""

    hours: tuple[WorkHours, ...] = Field(min_length=1)
    weekdays: tuple[int, ...] = Field((1, 2, 3, 4, 5), min_length=1, description="ISO: Monday is 1")
    ends: Ends = Ends.SAME_TIME
    years: tuple[WorkYear, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for before, after in zip(self.hours, self.hours[1:], strict=False):
            if after.begins < before.ends:
                raise ValueError(f"working hours from {after.begins} overlap those until {before.ends}")
        if any(day not in range(1, 8) for day in self.weekdays):
            raise ValueError("weekdays are ISO numbers, Monday 1 to Sunday 7")
        years = [row.year for row in self.years]
        if years != sorted(set(years)):
            raise ValueError(f"each year stands once, in order; they are {', '.join(map(str, years))}")
        return self

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over all that it says: what a case names as the calendar that its deadline was counted in."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    @cached_property
    def known(self) -> frozenset[int]:
        """The years that have a row."""
        return frozenset(row.year for row in self.years)

    @cached_property
    def holiday(self) -> dict[date, Holiday]:
        """The holiday of every day off."""
        return {day: holiday for row in self.years for holiday in row.holidays for day in holiday.days}

    @cached_property
    def makes_up(self) -> dict[date, Holiday]:
        """The holiday that a workday makes up for."""
        return {day: holiday for row in self.years for holiday in row.holidays for day in holiday.workdays}

    def is_workday(self, day: date) -> bool:
        """Whether offices work; for a day of a known year only."""
        return day in self.makes_up or (day.isoweekday() in self.weekdays and day not in self.holiday)
