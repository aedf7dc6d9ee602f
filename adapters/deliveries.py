"""The queue of deliveries: what is on its way to which target. Durable in Redis (deliveries_redis.py), with a twin in memory.

A delivery is one notice for one target. Deliveries of a line (`Notice.group_key`) go one after the other, in the order of their sequence,
those of other lines beside them. Whoever claims one has a lease; when the lease ends, the next one gets it. So each is delivered at least
once, under one id. A target that fails is asked by one delivery at a time, and not before its quiet (`hold_ms`) is over; one with a limit
gets what is too much as a digest, whose members stay the same until it is settled. What leaves undelivered waits, with every attempt, until
it stands on the dead letters, and can be replayed for 30 days. Deliveries that were made are remembered for a day.

Times are milliseconds, given by the caller. Every method raises TryAgain when Redis is away and NotReady behind the guard of the hot store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime

from incidents.catalogue import Frozen
from incidents.notices import Notice

AT_ONCE, DIGEST, OPENS = 16, 50, 5
"""Under way to one target; members of a digest; failures in a row after which its breaker is open (deliveries.lua has the same)."""


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    DEAD = "dead"


class End(StrEnum):
    """How an attempt ended for the queue. A refused digest is taken apart, its first member goes alone; a refused single one is dead."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"
    DEAD = "dead"


class Attempt(Frozen):
    """One attempt: when, how long, what came of it. `detail` is for people and holds no secret."""

    at: AwareDatetime
    seconds: float = 0
    outcome: str
    reason: str | None = None
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A notice to be delivered to a target, which takes `minute` and `second` messages in any such time (0: as many as come).

    When it is not delivered `fallback_ms` later (None: nobody asks), `late` says so.
    """

    notice: Notice
    target: str
    minute: int = 0
    second: int = 0
    fallback_ms: int | None = None

    @property
    def id(self) -> str:
        """Of the delivery: the same order twice is one delivery."""
        return f"{self.notice.id}@{self.target}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under way. `turn` is the lease's name, `tries` counts from the last replay; several notices are a digest's.

    `failures` in a row are the target's, `since` when they began; `disabled` says why nothing is sent to it.
    """

    id: str
    turn: int
    tries: int
    target: str
    queued_ms: int
    notices: tuple[Notice, ...]
    failures: int = 0
    since_ms: int | None = None
    disabled: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claimed delivery. `fault` counts against the target, `hold_ms` is until when the target asked for quiet, `disable`
    why it gets nothing more; `early` tells the fallback at once."""

    id: str
    turn: int
    end: End
    attempt: Attempt
    at_ms: int = 0
    hold_ms: int = 0
    fault: bool = False
    early: bool = False
    disable: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it is shown. The notice is gone once it is delivered; `digest` is the delivery whose message told it."""

    id: str
    target: str
    line: str
    sequence: int
    state: State
    queued_ms: int
    tries: int
    attempts: tuple[Attempt, ...]
    notice: Notice | None = None
    ended_ms: int | None = None
    fallback_ms: int | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """A delivery whose fallback is to be told."""

    id: str
    target: str
    notice: Notice


@dataclass(frozen=True, slots=True)
class Standing:
    """The queue in numbers; `next_ms` is when something may go."""

    waiting: int
    claimed: int
    dead: int
    open: int
    oldest_ms: int | None
    next_ms: int | None


@dataclass(frozen=True, slots=True)
class TargetStanding:
    """A target as the queue knows it: how many deliveries wait for it, its failures in a row and since when, until when it is left in
    quiet, and why it is disabled, if it is."""

    name: str
    waiting: int = 0
    failures: int = 0
    since_ms: int | None = None
    hold_ms: int | None = None
    disabled: str | None = None

    @property
    def open(self) -> bool:
        """Whether its breaker is open: it fails, and is asked by one message at a time."""
        return self.failures >= OPENS


LOST = "lost"
"""The outcome of an attempt whose process never came back."""


class Deliveries(Protocol):
    """See the module."""

    async def enqueue(self, orders: Sequence[Order], now: int) -> int:
        """Keep these; how many were new."""

    async def claim(self, now: int, most: int, lease_ms: int) -> list[Claimed]:
        """Up to `most` that may go now, the longest due target first; ours for `lease_ms`."""

    async def settle(self, settled: Sequence[Settled], now: int) -> int:
        """Say what became of them; how many leases were still ours."""

    async def sweep(self, now: int, lost: Attempt) -> int:
        """Let those wait again whose lease has ended; how many."""

    async def late(self, now: int) -> list[Late]:
        """Up to 100 whose fallback is due and was not told."""

    async def fell_back(self, ids: Sequence[str], now: int) -> None:
        """Their fallback has been told."""

    async def unsaid(self) -> list[Delivery]:
        """Up to 100 dead ones that do not stand on the dead letters yet."""

    async def said(self, ids: Sequence[str]) -> None:
        """They do now."""

    async def replay(self, ids: Sequence[str], now: int) -> int:
        """Dead ones go again, at their place in their line; how many."""

    async def enable(self, target: str, now: int) -> None:
        """A target that was disabled, or fails, is asked again at once."""

    async def show(self, id_: str) -> Delivery | None:
        """One delivery."""

    async def listed(self, state: State, most: int) -> list[str]:
        """Ids of those that wait (also under way), or are dead; the oldest first."""

    async def targets(self) -> list[TargetStanding]:
        """Every target that was ever told something, by name."""

    async def standing(self, now: int) -> Standing:
        """The numbers."""
