"""Silences as people make them: who wants not to be told of what, from when until when, every day or week, and why.

The board works with `incidents.notice_decide.Silence`, one for each time; `windows` gives those that matter now. They are kept in SQL
(adapters/silences.py), so that a lost Redis loses none. What may be changed in place is Alertmanager's rule (silence/silence.go).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from incidents.catalogue import Frozen

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
LONGEST = timedelta(days=366)


class Repeats(StrEnum):
    """How often a silence comes again, at the same time of day in the city's zone."""

    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def step(self) -> timedelta | None:
        """From one time to the next."""
        return {Repeats.NEVER: None, Repeats.DAILY: timedelta(days=1), Repeats.WEEKLY: timedelta(weeks=1)}[self]


class Standing(StrEnum):
    """Alertmanager's states of a silence; one that comes again is active from its first start to its last end."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class Wish(Frozen):
    """A silence. `matchers` are written as Alertmanager's and all must match; the first time is [`starts_at`, `ends_at`).

    One that repeats does so until `until`, which is its last end; what does not repeat has none.
    """

    matchers: tuple[Filled, ...] = Field(min_length=1, max_length=50)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    owner: Filled
    comment: Filled
    repeats: Repeats = Repeats.NEVER
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError(f"the silence ends at {self.ends_at} before it starts at {self.starts_at}")
        step = self.repeats.step
        if (step is None) is not (self.until is None):
            raise ValueError("`until` says when a silence that repeats comes for the last time; one that does not repeat has none")
        if step is not None and self.ends_at - self.starts_at >= step:
            raise ValueError(f"a silence that repeats {self.repeats} must be shorter than that")
        if self.over - self.starts_at > LONGEST:
            raise ValueError("a silence lasts a year at most; what is never to be told belongs into the routing tree")
        return self

    @property
    def over(self) -> datetime:
        """When it is over for good."""
        return self.until or self.ends_at

    def standing(self, at: datetime) -> Standing:
        """Pending, active or expired at this moment."""
        if at < self.starts_at:
            return Standing.PENDING
        return Standing.ACTIVE if at < self.over else Standing.EXPIRED

    def windows(self, at: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The time that `at` lies in, if any, and the next one: [start, end) each, in order."""
        step = self.repeats.step
        if step is None:
            if at < self.ends_at:
                yield self.starts_at, self.ends_at
            return
        first, last = self.starts_at.astimezone(zone), self.ends_at.astimezone(zone)
        begin = max(0, (at - last) // step)
        for count in range(begin, begin + 4):  # the wall clock of a zone may be an hour off a multiple of days
            start, end = first + count * step, min(last + count * step, self.over)
            if start >= self.over:
                return
            if at < end and start < end:
                yield start, end


class KeptSilence(Wish):
    """A silence that is kept. `warned_at` is when its owner was told that it ends soon."""

    id: str
    updated_at: AwareDatetime
    warned_at: AwareDatetime | None = None

    def may_become(self, wish: Wish, at: datetime) -> bool:
        """Whether the wish may take this one's place under its id; otherwise this one ends and the wish is another silence."""
        if self.matchers != wish.matchers or self.repeats != wish.repeats:
            return False
        match self.standing(at):
            case Standing.ACTIVE:
                return wish.starts_at == self.starts_at and wish.over > at
            case Standing.PENDING:
                return wish.starts_at >= at
            case Standing.EXPIRED:
                return False
