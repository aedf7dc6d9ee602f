"""When the next record may leave: as fast as it can, at a rate, with the gaps of a recording, or by the city's clock.

Waiting is done on the stop event, so that a signal ends it at once.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from incidents.errors import UserError

NowMs = Callable[[], int]
"""A clock: milliseconds since 1970."""
Monotonic = Callable[[], float]


class Pace(Protocol):
    """Holds a record back until it is due. `wait` returns early, without a sign, when the stop event is set."""

    def wait(self, due_ms: int | None, stop: threading.Event) -> None:
        """Return when a record that is due at `due_ms` (on the source's clock) may be sent."""
        ...

    def behind_s(self) -> float:
        """Real seconds by which sending trails behind what was due; 0 when it keeps up."""
        ...


class Unpaced:
    """`max`: nothing waits."""

    def wait(self, due_ms: int | None, stop: threading.Event) -> None:
        """Return at once."""

    def behind_s(self) -> float:
        """Never behind."""
        return 0.0


@dataclass(slots=True)
class ByRate:
    """So many records per real second, evenly; a stall is caught up for at most a second."""

    per_second: float
    monotonic: Monotonic = time.monotonic
    _next: float = 0.0
    _behind: float = 0.0

    def wait(self, due_ms: int | None, stop: threading.Event) -> None:
        """Wait for this record's turn."""
        now = self.monotonic()
        self._next = max(self._next, now - 1.0) + 1.0 / self.per_second
        self._behind = now - self._next
        if self._behind < 0:
            stop.wait(-self._behind)

    def behind_s(self) -> float:
        """Seconds since this record's turn."""
        return max(0.0, self._behind)


@dataclass(slots=True)
class Recorded:
    """The gaps of the recording, divided by `speed`; the first due record leaves at once. Times that run backwards do not wait."""

    speed: float
    monotonic: Monotonic = time.monotonic
    _zero: float | None = None
    _behind: float = 0.0

    def wait(self, due_ms: int | None, stop: threading.Event) -> None:
        """Wait until as much time has gone by since the first record as the recording says."""
        if due_ms is None:
            return
        now = self.monotonic()
        if self._zero is None:
            self._zero = now - due_ms / 1000 / self.speed
        self._behind = now - self._zero - due_ms / 1000 / self.speed
        if self._behind < 0:
            stop.wait(-self._behind)

    def behind_s(self) -> float:
        """Seconds since the record was due."""
        return max(0.0, self._behind)


@dataclass(slots=True)
class ByClock:
    """By a clock that runs by itself (the city's): a record leaves when the clock shows its time. `speed` = clock seconds a second."""

    now_ms: NowMs
    speed: float = 1.0
    _seen_ms: int = 0
    _behind: float = 0.0

    def wait(self, due_ms: int | None, stop: threading.Event) -> None:
        """Wait until the clock shows `due_ms`; asks the clock only when the time it last showed is not late enough."""
        if due_ms is None or due_ms <= self._seen_ms:
            return
        self._seen_ms = self.now_ms()
        while self._seen_ms < due_ms and not stop.is_set():
            stop.wait(max(0.001, (due_ms - self._seen_ms) / 1000 / self.speed))
            self._seen_ms = self.now_ms()
        self._behind = (self._seen_ms - due_ms) / 1000 / self.speed

    def behind_s(self) -> float:
        """Seconds since the record was due."""
        return max(0.0, self._behind)


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
