"""When the next record may leave: as fast as it can, at a rate, with the gaps of a recording, or by the city's clock.

A pace only computes; `producers.run` does the waiting. All moments are seconds of the machine's monotonic clock.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from incidents.errors import UserError

NowMs = Callable[[], int]
"""A clock: milliseconds since 1970."""
Monotonic = Callable[[], float]
AT_ONCE = 0.0
ASKED_EVERY_S = 1.0


class Pace(Protocol):
    """Decides when a record leaves. `when` is called once per record, in their order."""

    def when(self, due_ms: int | None) -> float:
        """The moment at which a record that is due at `due_ms` (on the source's clock) may be sent; a past one means at once."""
        ...


class Unpaced:
    """`max`: nothing waits."""

    def when(self, due_ms: int | None) -> float:
        """At once."""
        return AT_ONCE


@dataclass(slots=True)
class ByRate:
    """So many records per real second, evenly; a stall is caught up for at most a second."""

    per_second: float
    monotonic: Monotonic = time.monotonic
    _next: float = 0.0

    def when(self, due_ms: int | None) -> float:
        """This record's turn."""
        self._next = max(self._next, self.monotonic() - 1.0) + 1.0 / self.per_second
        return self._next


@dataclass(slots=True)
class Recorded:
    """The gaps of the recording, divided by `speed`; the first due record leaves at once. Times that run backwards do not wait."""

    speed: float
    monotonic: Monotonic = time.monotonic
    _zero: float | None = None

    def when(self, due_ms: int | None) -> float:
        """As long after the first record as the recording says."""
        if due_ms is None:
            return AT_ONCE
        if self._zero is None:
            self._zero = self.monotonic() - due_ms / 1000 / self.speed
        return self._zero + due_ms / 1000 / self.speed


@dataclass(slots=True)
class ByClock:
    """By a clock that runs by itself (the city's): a record leaves when the clock shows its time. `speed` = clock seconds a second.

    The clock is asked once a second, so that a correction of it is followed.
    """

    now_ms: NowMs
    speed: float = 1.0
    monotonic: Monotonic = time.monotonic
    _asked: float | None = None
    _zero: float = 0.0

    def when(self, due_ms: int | None) -> float:
        """When the clock will show `due_ms`."""
        if due_ms is None:
            return AT_ONCE
        now = self.monotonic()
        if self._asked is None or now - self._asked > ASKED_EVERY_S:
            self._asked = now
            self._zero = now - self.now_ms() / 1000 / self.speed
        return self._zero + due_ms / 1000 / self.speed


_SPEED = re.compile(r"x(?P<times>\d+(\.\d+)?)|(?P<rate>\d+(\.\d+)?)(/s)?")


def pace_of(speed: str) -> Pace:
    """`max`, `real`, `x60` (any factor) or `500/s` (records a second) as a pace. Raises UserError for anything else."""
    if speed == "max":
        return Unpaced()
    if speed == "real":
        return Recorded(1.0)
    found = _SPEED.fullmatch(speed)
    if found and found["times"] and float(found["times"]) > 0:
        return Recorded(float(found["times"]))
    if found and found["rate"] and float(found["rate"]) > 0:
        return ByRate(float(found["rate"]))
    raise UserError(f"unknown speed {speed!r}; give `max`, `real`, `x60` (times as fast as recorded) or `500/s` (records a second)")
