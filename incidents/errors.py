"""What can go wrong, as a tree; each error names the thing, the value and the next act.

CityloopError
├── BadReport        the report cannot be used: it goes to the dead letters with its reason
├── BadCommand       the command cannot be read: likewise
├── NotReady         the hot store must be rebuilt before anyone may work on it
├── TryAgain         an engine is away: the caller keeps what it holds and repeats, in one place
└── UserError        a person must act (exit code 2): a setting, a file or an argument is wrong
    ├── ConfigError  a city's folder is wrong, with file and line
    └── MissingYear  the calendar does not know a year that a deadline needs
"""

from datetime import datetime
from enum import StrEnum


class CityloopError(Exception):
    """Base of every error that cityloop raises on purpose."""


class RejectReason(StrEnum):
    """Why a report or a command is on the dead letters: the header `error-reason`, a bounded set."""

    NOT_JSON = "not_json"
    INVALID_SHAPE = "invalid_shape"
    MISSING_FIELD = "missing_field"
    INVALID_VALUE = "invalid_value"
    OVERSIZED = "oversized"
    DUPLICATE_KEYS = "duplicate_keys"
    EMPTY_KEY = "empty_key"  # in an object, or of the record itself
    TOO_DEEP = "too_deep"
    NULL_VALUE = "null_value"
    BAD_TIME = "bad_time"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    UNKNOWN_CATEGORY = "unknown_category"
    OTHER_CITY = "other_city"
    OUT_OF_BOUNDS = "out_of_bounds"
    NO_LOCATION = "no_location"
    BAD_PLATE = "bad_plate"
    FAILED = "failed"  # the atomic call itself failed on this group


class BadReport(CityloopError):
    """A report that cannot be used; `detail` names the field, the value and what would be right."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class BadCommand(BadReport):
    """A record on `cases.commands` that is not a command."""


class NotReady(CityloopError):
    """The hot store is empty, restarted, rolled back or another one: stop, rebuild, go on (ARCHITECTURE.md §3)."""


class TryAgain(CityloopError):
    """An engine did not answer; nothing is known to have changed, and the same call may be repeated."""


class UserError(CityloopError):
    """A person's mistake: printed as one message, exit code 2, never a traceback."""


class ConfigError(UserError):
    """A city's folder is wrong: `path:line: message`."""

    def __init__(self, path: str, line: int | None, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
        self.path = path
        self.line = line
        self.message = message


class MissingYear(UserError):
    """The city's calendar has no row for a year in which working time is to be counted; `begins` is when that year begins."""

    def __init__(self, year: int | None, begins: datetime | None = None) -> None:
        what = "there is no calendar" if year is None else f"the calendar does not know {year}"
        super().__init__(f"{what}; add the year's official notice to the city's calendar.toml (docs/city.md)")
        self.year = year
        self.begins = begins
