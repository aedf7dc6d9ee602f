"""A city's working time as values: hours of a day, days of a week, holidays and make-up workdays (调休) year by year.

The clocks that run on it belong to a later issue; the loader checks it now, so that a wrong row is found at start.
"""

from datetime import date, time
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ends(StrEnum):
    """Where N working days end: at the time of day they began, or at the close of business (DOMAIN.md)."""

    SAME_TIME = "same_time"
    DAY_END = "day_end"


class WorkHours(_Value):
    """One stretch of working time in a day, local."""

    begins: time
    ends: time

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError(f"working hours end at {self.ends} before they begin at {self.begins}")
        return self


class WorkYear(_Value):
    """What a year's official notice changes: days off on workdays, and workdays on weekends."""

    year: int
    holidays: tuple[date, ...]
    workdays: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _of_this_year(self) -> Self:
        for day in self.holidays + self.workdays:
            if day.year != self.year:
                raise ValueError(f"{day} does not lie in {self.year}")
        if both := set(self.holidays) & set(self.workdays):
            raise ValueError(f"{min(both)} is both a holiday and a workday")
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
        return self
