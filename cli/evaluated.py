"""Where a command's figures come from: the sheets that the worker keeps, or the facts again as of a time. No command of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol

import typer

from adapters.evaluation_store import Sheets, read_only
from adapters.recount import Recount, recount
from cli.output import say
from config.settings import Settings
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.evaluation import Sheet
from incidents.events import epoch_ms
from incidents.indicators import Dimension, Line, Tally, tally
from incidents.periods import Days, Period, month_of, period

AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="Recompute from the facts up to this time, with an offset; default: as kept.")
]
PeriodOption = Annotated[
    str | None, typer.Option("--period", help="A day 2026-11-21, a week 2026-W47, a month 2026-11, or all; default: this month.")
]


class Evaluated(Protocol):
    """What figures are read off, as of `at_ms`."""

    @property
    def at_ms(self) -> int:
        """Milliseconds since 1970 UTC."""

    @property
    def source(self) -> str:
        """`kept` or `recomputed`."""

    def tally(self, period: Period, dimensions: Sequence[Dimension] = tuple(Dimension)) -> Tally:
        """Cases of a period by dimension, value and flags."""

    def cases(self) -> Iterator[tuple[Sheet, Line]]:
        """Every case."""


@dataclass(frozen=True)
class Kept:
    """The sheets of the running worker, as of its newest fact."""

    sheets: Sheets
    at_ms: int
    source: str = "kept"

    def tally(self, period: Period, dimensions: Sequence[Dimension] = tuple(Dimension)) -> Tally:
        """See Evaluated."""
        return self.sheets.tally(period, self.at_ms, dimensions)

    def cases(self) -> Iterator[tuple[Sheet, Line]]:
        """See Evaluated."""
        return self.sheets.sheets()


@dataclass(frozen=True)
class Recomputed:
    """The facts folded anew."""

    counted: Recount
    at_ms: int
    source: str = "recomputed"

    def tally(self, period: Period, dimensions: Sequence[Dimension] = tuple(Dimension)) -> Tally:
        """See Evaluated."""
        return tally(self.counted.lines, period, self.at_ms, dimensions)

    def cases(self) -> Iterator[tuple[Sheet, Line]]:
        """See Evaluated."""
        return zip(self.counted.sheets, self.counted.lines, strict=True)


@contextmanager
def evaluated(settings: Settings, city: City, as_of: datetime | None, *, by_case: bool = False) -> Iterator[Evaluated]:
    """The kept sheets, or the facts up to `as_of`; `by_case` where `cases` is needed.

    Raises UserError when there are none, or Kafka is away.
    """
    if as_of is not None:
        counted = recount(settings, city, epoch_ms(as_of), keep_sheets=by_case)
        say(f"{counted.facts:,} facts of {len(counted.lines):,} cases" + _unread(counted.unreadable))
        yield Recomputed(counted, epoch_ms(as_of))
        return
    with read_only(settings, city) as sheets:
        yield Kept(sheets, sheets.told_ms() or epoch_ms(datetime.now(UTC)))


def _unread(count: int) -> str:
    return f"; {count:,} records are no facts (`cityloop deadletters list`)" if count else ""


def moment(text: str | None) -> datetime | None:
    """A time with an offset, or None. Raises UserError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UserError(f"--as-of {text!r} is no time with an offset; write it like 2026-12-01T00:00+08:00")
    return at


def asked_period(text: str | None, city: City, at_ms: int) -> Period:
    """The period a person named, or the month of the figures. Raises UserError."""
    return period(text) if text else month_of(Days(city.time_zone).of(at_ms))
