"""The city's clock: the one time that deadlines, acceptance of reports and screens go by; timeouts of machinery stay on the real one.

`CITYLOOP_CLOCK` chooses it (ARCHITECTURE.md §1): `real`, `x600@<moment>` (begins there, runs 600 times faster; all processes share the
anchor through Redis) or `events` (replay: the lowest over the partitions of the highest event time seen, which intake writes). `now` never
goes back while the process lives, except that it follows a correction of the wall clock by more than a minute. `JumpGuard` sees such jumps.
"""

import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.hot import Keys
from config.settings import Settings
from incidents.errors import TryAgain, UserError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEP_BACK_S = 60.0  # a smaller step of the wall clock is waited out, a larger one is a jump
RIGHT = "right are `real`, `events` or a speed and where it begins with an offset, as in x600@2026-11-21T08:00+08:00"

Seconds = Callable[[], float]


class ClockKind(StrEnum):
    """The three clocks."""

    REAL = "real"
    FAST = "fast"
    EVENTS = "events"


@dataclass(frozen=True)
class ClockSetting:
    """`CITYLOOP_CLOCK`, understood. `speed` is city seconds per real second: 1, the given factor, 0 for events."""

    text: str
    kind: ClockKind
    speed: float
    start: datetime = EPOCH


def parse_clock(text: str) -> ClockSetting:
    """The setting behind the text. Raises UserError naming the value and what is right.

    >>> parse_clock("x600@2026-11-21T08:00+08:00").speed
    600.0
    """
    if text == ClockKind.REAL:
        return ClockSetting(text, ClockKind.REAL, 1.0)
    if text == ClockKind.EVENTS:
        return ClockSetting(text, ClockKind.EVENTS, 0.0)
    found = re.fullmatch(r"x(\d{1,5}(?:\.\d{1,3})?)@(.+)", text)
    try:
        if found is None or not 1 <= float(found[1]) <= 10_000:
            raise ValueError(text)
        start = datetime.fromisoformat(found[2])
    except ValueError:
        raise UserError(f"CITYLOOP_CLOCK={text!r} is no clock: {RIGHT}; the speed is 1 to 10000") from None
    if start.tzinfo is None:
        raise UserError(f"CITYLOOP_CLOCK={text!r} begins at a time without an offset: {RIGHT}")
    return ClockSetting(text, ClockKind.FAST, float(found[1]), start.astimezone(UTC))


class CityClock(Protocol):
    """What every stage asks; all moments are aware, UTC."""

    speed: float

    def now(self) -> datetime:
        """The city's time."""

    def at(self, append_ms: int, stated: datetime | None = None) -> datetime:
        """When a record appended at `append_ms` (real, ms since 1970) was written, on the city's clock; for `events` what it states itself.

        Depends on nothing but the arguments and the clock's anchor, so that a replay judges alike.
        """

    async def refresh(self) -> None:
        """Hear what the other processes know. Called every second or so; raises TryAgain when Redis is away."""


class RealClock:
    """The wall clock."""

    speed = 1.0

    def __init__(self, wall: Seconds = time.time) -> None:
        self._wall = wall
        self._latest = float("-inf")

    def now(self) -> datetime:
        """The wall clock's time; a small step back is waited out."""
        wall = self._wall()
        if self._latest - STEP_BACK_S < wall < self._latest:
            wall = self._latest
        self._latest = wall
        return self._city(wall)

    def at(self, append_ms: int, stated: datetime | None = None) -> datetime:
        """The record's append time, mapped to the city's clock."""
        return self._city(append_ms / 1000)

    async def refresh(self) -> None:
        """Nothing to hear."""

    def _city(self, wall: float) -> datetime:
        return EPOCH + timedelta(seconds=wall)


class FastClock(RealClock):
    """Began at `setting.start` when the real clock showed `anchor_ms`, and runs `setting.speed` times faster.

    The earliest anchor anybody wrote wins, so that a correction moves the clock forwards only; after a flush it is written again from here.
    """

    def __init__(self, setting: ClockSetting, anchors: "Anchors", wall: Seconds = time.time) -> None:
        super().__init__(wall)
        self.speed = setting.speed
        self._start = setting.start
        self._anchors = anchors
        self.anchor_ms = int(wall() * 1000)

    async def refresh(self) -> None:
        """Agree with the others on the anchor."""
        self.anchor_ms = await self._anchors.agree(self.anchor_ms)

    def _city(self, wall: float) -> datetime:
        try:
            return self._start + timedelta(seconds=(wall - self.anchor_ms / 1000) * self.speed)
        except OverflowError:  # years before the anchor, times the speed
            return EPOCH


class EventsClock:
    """Stands where the slowest partition's events stand; 1970 before the first one. `heard` is the twin of what intake writes."""

    speed = 0.0

    def __init__(self, highest: Callable[[], Awaitable[Iterable[int]]] | None = None) -> None:
        self._highest = highest
        self._now = EPOCH
        self._heard: dict[int, int] = {}

    def now(self) -> datetime:
        """The lowest over the partitions of the highest event time, as of the last refresh."""
        return self._now

    def at(self, append_ms: int, stated: datetime | None = None) -> datetime:
        """What the record states of itself; without that, now."""
        return self._now if stated is None else stated.astimezone(UTC)

    def heard(self, partition: int, event_ms: int) -> None:
        """An event of this time was read from this partition (one process without servers: rehearse, tests)."""
        self._heard[partition] = max(event_ms, self._heard.get(partition, event_ms))
        self._move(self._heard.values())

    async def refresh(self) -> None:
        """Read what intake has seen."""
        if self._highest is not None:
            self._move(await self._highest())

    def _move(self, highest: Iterable[int]) -> None:
        lowest = min(highest, default=0)
        self._now = max(self._now, EPOCH + timedelta(milliseconds=lowest))


class Anchors(Protocol):
    """Where processes agree on the anchor of one clock."""

    async def agree(self, mine_ms: int) -> int:
        """The earliest anchor anybody gave for this clock, mine included. Raises UserError when the stack runs by another clock."""


_AGREE = """
local there = redis.call('GET', KEYS[1])
local text, anchor = ARGV[1], tonumber(ARGV[2])
if there then
  local at, other = string.match(there, '^(%d+) (.*)$')
  if other ~= text then return other end
  if tonumber(at) <= anchor then return tonumber(at) end
end
redis.call('SET', KEYS[1], string.format('%.0f %s', anchor, text))
return anchor
"""


class RedisAnchors:
    """The shared anchor, under `Keys.clock`; kept as long as the namespace is, written again after a flush."""

    def __init__(self, redis: "Redis", key: str, text: str) -> None:
        self._text = text
        self._key = key
        self._agree = redis.register_script(_AGREE)

    async def agree(self, mine_ms: int) -> int:
        """See Anchors; raises TryAgain when Redis is away."""
        try:
            found: int | bytes = await self._agree(keys=[self._key], args=[self._text, mine_ms])
        except RedisError as error:
            raise TryAgain(f"Redis: {error}") from error
        if isinstance(found, bytes):
            raise UserError(
                f"CITYLOOP_CLOCK={self._text!r}, but this stack runs by {found.decode()!r}: "
                "its deadlines stand on that clock; set the same, or another CITYLOOP_NAMESPACE"
            )
        return found


async def open_clock(settings: Settings, redis: "Redis", keys: Keys) -> CityClock:
    """The clock of `CITYLOOP_CLOCK`, already agreed with the other processes. Raises UserError, and TryAgain when Redis is away."""
    setting = parse_clock(settings.clock)
    clock: CityClock
    if setting.kind is ClockKind.FAST:
        clock = FastClock(setting, RedisAnchors(redis, keys.clock, setting.text))
    elif setting.kind is ClockKind.EVENTS:
        clock = EventsClock(lambda: _highest(redis, keys.events_clock))
    else:
        clock = RealClock()
    await clock.refresh()
    return clock


async def _highest(redis: "Redis", key: str) -> list[int]:
    try:
        return [int(each) for each in await cast(Awaitable[list[Any]], redis.hvals(key))]
    except RedisError as error:
        raise TryAgain(f"Redis: {error}") from error


class JumpGuard:
    """Sees the wall clock jump: its way since the start against the monotonic one's (which counts a suspended machine's sleep too)."""

    def __init__(self, wall: Seconds = time.time, steady: Seconds = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)) -> None:
        self._wall = wall
        self._steady = steady
        self._apart = wall() - steady()

    def drift_s(self) -> float:
        """Seconds the wall clock went further than the steady one since this guard was made; negative when it was set back."""
        return self._wall() - self._steady() - self._apart
