"""What the dispatcher of notices keeps between two of its turns; durable in Redis (hook_state_redis.py), with a twin in memory.

There is one dispatcher at a time: who holds the lease. Everything is written under its token in one step, so a zombie's word is refused
whole, and the board's state and the offsets up to which it has learned never disagree, wherever a process dies and however far a Redis is
rolled back.

Every method raises TryAgain when Redis is away and NotReady behind the guard of the hot store.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import AwareDatetime

from incidents.catalogue import Frozen
from incidents.errors import CityloopError

LEASE_MS = 5_000
DUTY = "duty/"
"""How the name of a target begins that is a person's who has duty."""
KEPT, ALIKE = 50, 8
"""Explanations of a case; how many of the newest an explanation is compared with (hook_state.lua has the same)."""


class LeaseLost(CityloopError):
    """Another one dispatches by now, or nobody did for too long: nothing was written; begin anew."""

    def __init__(self) -> None:
        super().__init__("the lease of the dispatcher is another one's by now")


class Explained(Frozen):
    """Why a case was told to a receiver at a moment, or was not: `reason` is of a bounded set, `why` is a sentence for people."""

    at: AwareDatetime
    receiver: str
    node: str
    group: str
    reason: str
    why: str
    notice: str | None = None

    @property
    def marker(self) -> str:
        """The same for what says the same at another time."""
        said = "\0".join((self.receiver, self.node, self.reason, self.why, self.notice or ""))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def deliveries(self, targets: Iterable[str]) -> list[str]:
        """Ids of the deliveries that may have come of it: a target's name begins with its receiver's, or with whose duty it is."""
        begins = (f"{self.receiver}/", DUTY) if self.node == "duty" else (f"{self.receiver}/",)
        return [f"{self.notice}@{target}" for target in targets if target.startswith(begins)] if self.notice else []


class Escalation(Frozen):
    """An escalation whose proof of delivery is outstanding: when it was said (real time, ms), and the deliveries that tell of it."""

    case_id: str
    sequence: int
    level: str
    said_ms: int
    deliveries: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """One per fact."""
        return f"{self.case_id} {self.sequence}"


@dataclass(frozen=True)
class Turn:
    """What one turn changed: the board's records (None: gone), next offsets, escalations by id, and explanations by case."""

    records: Mapping[str, str | None] = field(default_factory=dict)
    offsets: Mapping[int, int] = field(default_factory=dict)
    topic: str | None = None
    escalations: Mapping[str, Escalation | None] = field(default_factory=dict)
    told: Sequence[tuple[str, Explained]] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.records or self.offsets or self.topic or self.escalations or self.told)


@dataclass
class Kept:
    """What stands there; `topic` None when no dispatcher has ever begun."""

    records: dict[str, str]
    offsets: dict[int, int]
    topic: str | None
    escalations: dict[str, Escalation]


class HookState(Protocol):
    """See the module."""

    async def take(self, token: str) -> bool:
        """Become the dispatcher, if there is none or it is you; then `load`, for another one may have been it meanwhile."""

    async def renew(self, token: str) -> bool:
        """Stay it; False when it is another one, or was for a moment nobody."""

    async def release(self, token: str) -> None:
        """Let another one take over at once."""

    async def load(self) -> Kept:
        """All of it."""

    async def forget(self, token: str) -> None:
        """Begin with nothing. Raises LeaseLost."""

    async def write(self, token: str, turn: Turn) -> None:
        """All of it or nothing. Raises LeaseLost."""

    async def explained(self, case_id: str) -> list[Explained]:
        """The newest first, 50 at most, for 30 days."""
