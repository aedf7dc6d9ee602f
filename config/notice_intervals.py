"""Rows `[[intervals]]` of hooks.toml: Alertmanager's `time_intervals` in the city's zone, and whether it is a workday by its calendar."""

import re
from collections.abc import Callable, Mapping
from datetime import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incidents.notice_times import Range, TimeInterval

KEYS = ("name", "times", "weekdays", "days_of_month", "months", "years", "workdays", "location")
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|(24:00)")


def interval_of(row: Mapping[str, object], zone: ZoneInfo) -> TimeInterval:
    """An interval from its row. Raises ValueError(key, what is wrong)."""
    try:
        zone = ZoneInfo(str(row["location"])) if "location" in row else zone
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("location", f"{row['location']!r} is no IANA time zone like Asia/Shanghai") from None
    workdays = row.get("workdays")
    if not isinstance(workdays, bool | None):
        raise ValueError("workdays", f"{workdays!r}; write true or false")
    return TimeInterval(
        zone,
        times=tuple(_times(text) for text in _texts(row, "times")),
        weekdays=_ranges(row, "weekdays", lambda text: _named(text, _DAYS, 0)),
        days_of_month=_ranges(row, "days_of_month", _day),
        months=_ranges(row, "months", lambda text: _named(text, _MONTHS, 1)),
        years=_ranges(row, "years", lambda text: _number(text, 1970, 9999)),
        workdays=workdays,
    )


def _texts(row: Mapping[str, object], key: str) -> list[str]:
    found = row.get(key, [])
    if not isinstance(found, list) or not found and key in row:
        raise ValueError(key, f"{found!r}; write a list of texts")
    return [str(each) for each in found]


def _times(text: str) -> tuple[time, time | None]:
    begins, _, ends = text.partition("-")
    first, last = _clock(begins), _clock(ends)
    if first is None or (last is not None and first >= last):
        raise ValueError("times", f'{text!r} ends before it begins; a night is two: "22:00-24:00", "00:00-07:00"')
    return first, last


def _clock(text: str) -> time | None:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError("times", f'{text!r} is no time of day; write a stretch like "09:00-17:00"')
    return None if found[3] else time(int(found[1]), int(found[2]))


def _ranges(row: Mapping[str, object], key: str, read: Callable[[str], int]) -> tuple[Range, ...]:
    found = []
    for text in _texts(row, key):
        first, _, last = text.partition(":")
        try:
            begins, ends = read(first), read(last or first)
        except ValueError as error:
            raise ValueError(key, f"{text!r}: {error}") from None
        if begins > ends and (begins > 0) == (ends > 0):
            raise ValueError(key, f"{text!r} ends before it begins")
        if begins < 0 < ends:
            raise ValueError(key, f"{text!r} begins at the month's end and ends at its start")
        found.append((begins, ends))
    return tuple(found)


def _named(text: str, names: tuple[str, ...] | list[str], first: int) -> int:
    low = text.strip().lower()
    if low in names:
        return names.index(low) + first
    if first and low.isdigit():
        return _number(low, 1, len(names))
    raise ValueError(f"write {names[0]} … {names[-1]}")


def _day(text: str) -> int:
    found = _number(text, -31, 31)
    if not found:
        raise ValueError("days are 1 to 31, from the month's end -1 to -31")
    return found


def _number(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"-?\d{1,4}", text.strip()) or not least <= int(text) <= most:
        raise ValueError(f"write a number from {least} to {most}")
    return int(text)
