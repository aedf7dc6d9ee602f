"""The rule every Faust agent follows, written once: effects first, awaited, then the acknowledgement; and no exception leaves the loop.

Faust acknowledges what an exception interrupts (STREAMS.md §1), which would lose facts silently. So the stream never acknowledges by
itself, and what goes wrong is sorted here: a record nobody can read goes to the dead letters, an engine that is away means the same batch
again, a hot store that is not ready is rebuilt first, and a bug ends the process loudly, for the supervisor to start it anew.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import structlog

from adapters import metrics
from adapters.bus import Out, Publisher
from config.topics import CASE_EVENTS, REJECTED, Topic
from incidents.case import Fact
from incidents.errors import BadReport, NotReady, TryAgain
from incidents.facts import decode_fact, fact_named
from incidents.vocabulary import FactType
from streams.pace import rest_s

log = structlog.get_logger(__name__)

MOST = 500
WITHIN_S = 0.03
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
BUG = 70
"""Exit code of a process that found a bug in itself (EX_SOFTWARE)."""

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
Rebuild = Callable[[], Awaitable[None]]


def die() -> None:
    """End this process at once, acknowledging nothing."""
    os._exit(BUG)


class Act(Protocol[T_contra]):
    """What a stage does with what it reads (facts, positions), in order."""

    async def __call__(self, told: Sequence[T_contra], /) -> None:
        """Return when every effect is durable. May raise TryAgain or NotReady; doing the same again must be harmless."""


@dataclass(frozen=True)
class Ports:
    """What the loop itself acts through."""

    publisher: Publisher
    dead_letters: str
    rebuild: Rebuild
    die: Callable[[], None] = die


@dataclass
class Agent(Generic[T]):
    """The body of one agent on a topic. `working` is what readiness shows; `handled` the last offset done, by partition."""

    reads: ClassVar[Topic]
    name: str
    act: Act[T]
    ports: Ports
    working: bool = True
    handled: dict[int, int] = field(default_factory=dict)

    def read(self, message: Any) -> T | None:
        """What a record says, None when that is nothing to this agent. Raises BadReport."""
        raise NotImplementedError

    async def run(self, stream: Any) -> None:
        """Handle the stream to its end. One actor per app (concurrency 1), so that a partition's facts stay in order."""
        stream.enable_acks = False  # only `event.ack()` below acknowledges, whatever interrupts the loop
        async for events in stream.noack_take(MOST, within=WITHIN_S):
            began = time.monotonic()
            await self.take([event.message for event in events])
            for event in events:
                event.ack()
                self.handled[event.message.partition] = event.message.offset
            await asyncio.sleep(rest_s(len(events), time.monotonic() - began))

    async def take(self, messages: Sequence[Any]) -> None:
        """Carry out one batch; returns when its effects are durable, however long the engines take. Never raises an Exception."""
        began = time.monotonic()
        failures = 0
        while True:
            try:
                await self._carry_out(messages)
            except TryAgain as error:
                failures = await self._pause(error, failures)
            except NotReady as error:
                await self._rebuilt(error)
            except Exception:  # noqa: BLE001  # a bug: the stage runner's one broad except (STYLE.md §7.16)
                log.critical("a bug ends this process", stage=self.name, exc_info=True)
                self.ports.die()
                raise
            else:
                break
        self.working = True
        metrics.BATCH_RECORDS.labels(self.name).observe(len(messages))
        metrics.BATCH_SECONDS.labels(self.name).observe(time.monotonic() - began)

    async def _carry_out(self, messages: Sequence[Any]) -> None:
        told: list[T] = []
        letters: list[tuple[BadReport, Any]] = []
        for message in messages:
            try:
                said = self.read(message)
            except BadReport as error:
                letters.append((error, message))
            else:
                if said is not None:
                    told.append(said)
        if told:
            await self.act(told)
        if letters:
            await self.ports.publisher.publish([self._dead_letter(bad, message) for bad, message in letters])
            for bad, message in letters:
                metrics.REJECTED.labels(bad.reason).inc()
                log.error("cannot be read", stage=self.name, partition=message.partition, offset=message.offset, reason=bad.reason)

    def _dead_letter(self, error: BadReport, message: Any) -> Out:
        headers = (
            ("error-reason", error.reason.encode()),
            ("error-detail", error.detail[:2000].encode("utf-8", "replace")),
            ("error-stage", self.name.encode()),
            ("origin-topic", message.topic.encode()),
            ("origin-partition", str(message.partition).encode()),
            ("origin-offset", str(message.offset).encode()),
        )
        return Out(self.ports.dead_letters, message.key, message.value, headers)

    async def _pause(self, error: TryAgain, failures: int) -> int:
        self.working = False
        metrics.RETRIES.labels(self.name).inc()
        if failures in (0, 10) or failures % 60 == 59:
            log.warning("an engine is away, the same batch again", stage=self.name, error=str(error), failures=failures + 1)
        await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
        return failures + 1

    async def _rebuilt(self, error: NotReady) -> None:
        self.working = False
        log.warning("hot store not ready, work stops", stage=self.name, reason=str(error))
        try:
            await self.ports.rebuild()
        except TryAgain as away:
            await self._pause(away, 0)


@dataclass
class FactAgent(Agent[Fact]):
    """The body of one agent on `cases.events`; `only` names the facts that mean anything to it (None: all)."""

    reads = CASE_EVENTS
    only: frozenset[FactType] | None = None

    def read(self, message: Any) -> Fact | None:
        """The fact, as far as its name is not enough to pass it over: most facts are sightings, and decoding one costs 30 µs."""
        named = fact_named(message.value) if self.only is not None else None
        if named is not None and self.only is not None and named not in self.only:
            return None
        return decode_fact(message.value)


def ports(publisher: Publisher, namespace: str, rebuild: Rebuild) -> Ports:
    """The loop's ports on a real stack."""
    return Ports(publisher, REJECTED.named(namespace), rebuild)
