"""Prints China's holidays and make-up workdays as the `[[years]]` of a city's calendar.toml: `python -m config.export_calendar 2010 2026`.

For whoever keeps the calendar, once a year when the State Council's notice is out: needs the development dependency `chinesecalendar`,
whose newest version knows the notice. The product reads only the TOML.
"""

import sys
from collections.abc import Iterator
from datetime import date
from itertools import groupby

from chinese_calendar import constants

from incidents.errors import UserError


def years(first: int, last: int) -> Iterator[str]:
    """The rows of these years. Raises UserError for a year that the installed chinesecalendar does not know."""
    for year in range(first, last + 1):
        if not any(day.year == year for day in constants.holidays):
            raise UserError(f"the installed chinesecalendar does not know {year}; upgrade it once the notice of that year is out")
        yield f"\n[[years]]\nyear = {year}\nholidays = [\n{''.join(_holidays(year))}]\n"


def _holidays(year: int) -> Iterator[str]:
    off, on = (_by_name(days, year) for days in (constants.holidays, constants.workdays))
    for name in sorted(off.keys() | on.keys(), key=lambda name: min(off.get(name, []) + on.get(name, []))):
        holiday = constants.Holiday(name)
        given = [("days", off.get(name, [])), ("workdays", on.get(name, []))]
        lists = ", ".join(f"{key} = [{', '.join(map(str, days))}]" for key, days in given if days)
        yield f'  {{zh = "{holiday.chinese}", en = "{name}", {lists}}},\n'


def _by_name(days: dict[date, str], year: int) -> dict[str, list[date]]:
    named = sorted((name, day) for day, name in days.items() if day.year == year)
    return {name: [day for _, day in group] for name, group in groupby(named, key=lambda each: each[0])}


if __name__ == "__main__":
    try:
        sys.stdout.write("".join(years(int(sys.argv[1]), int(sys.argv[2]))))
    except UserError as error:
        sys.exit(str(error))
