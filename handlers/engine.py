"""The one delivery engine: takes what the queue gives, sends it through its channel, and tells the queue what came of it.

At least once, under one id, each case in order. An engine keeps nothing that matters: it may die at any point, another takes over when the
lease ends. All that is under way at once goes beside each other, so that a slow receiver delays nobody else.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from adapters.deliveries import OPENS, Attempt, Claimed, Deliveries, End, Order, Settled
from adapters.fault import Fault
from adapters.metrics import (
    HOOK_BREAKERS_OPEN,
    HOOK_QUEUE_DELIVERIES,
    HOOK_QUEUE_OLDEST_AGE_SECONDS,
    NOTICE_AGE_SECONDS,
    NOTICES,
    NOTICES_FAILED,
    NOTICES_UNDELIVERED,
)
from handlers.channel import Channel, Outcome, Profile, Target, Transport
from handlers.schedule import (
    FALLBACK_AFTER,
    FALLBACK_FAILURES,
    HOPELESS_AFTER,
    MOST_RETRY_AFTER,
    PROBE_EVERY,
    SCHEDULES,
    Schedule,
)
from handlers.sending import Sent, sent
from handlers.undelivered import Bury, operational
from incidents.errors import NotReady, TryAgain
from incidents.notices import Notice

log = structlog.get_logger(__name__)

UNDER_WAY = 1024
CLAIM = 256
QUEUED_AT_ONCE = 200
LEASE = timedelta(seconds=30)
"""Longer than an attempt can last (15 s) by what a stalled process may lose."""
UNKNOWN, UNKNOWN_AGAIN = timedelta(minutes=1), timedelta(seconds=5)
"""How long, and how often, it is looked whether a target that is not configured has become so."""
LOOK_EVERY_S = 0.1
KEEP_HOUSE_EVERY_S = 0.25
PAUSE_S = 0.5
FINISH_S = 2.0


@dataclass(frozen=True)
class Receivers:
    """Whom there is to tell, and how. `operations` are the targets that hear of targets that fail. Not `limited` are those of a city whose
    clock runs faster than life: whoever listens to a simulated one is none of those whom the channels' limits spare."""

    targets: Mapping[str, Target]
    channels: Mapping[str, Channel]
    transports: Mapping[str, Transport]
    operations: tuple[str, ...] = ()
    limited: bool = True

    def orders(self, notice: Notice, targets: Iterable[str]) -> list[Order]:
        """What `Deliveries.enqueue` takes; targets that want no resolved ones, or are none, are left out."""
        found = (self.targets.get(name) for name in targets)
        wanted = (one for one in found if one and (one.send_resolved or notice.fact or notice.status == "firing"))
        return [self._order(notice, target) for target in wanted]

    def _order(self, notice: Notice, target: Target) -> Order:
        limit = self.channels[target.kind].limit if self.limited else None
        fallback = int(FALLBACK_AFTER.total_seconds() * 1000) if target.fallback else None
        return Order(notice, target.name, limit.per_minute if limit else 0, (limit.per_second or 0) if limit else 0, fallback)


def steady() -> Callable[[], int]:
    """Milliseconds since 1970 that go on evenly when the wall clock jumps."""
    begin = time.time() - time.monotonic()
    return lambda: int((begin + time.monotonic()) * 1000)


@dataclass(frozen=True)
class Rules:
    """What tests shorten."""

    schedules: Mapping[Profile, Schedule] = field(default_factory=lambda: SCHEDULES)
    probe: timedelta = PROBE_EVERY
    lease: timedelta = LEASE
    unknown: timedelta = UNKNOWN_AGAIN
    now: Callable[[], int] = field(default_factory=steady)


class Engine:
    """Delivers until told to stop. One per process; several processes share the queue."""

    def __init__(self, queue: Deliveries, receivers: Receivers, bury: Bury, rules: Rules | None = None, fault: Fault | None = None) -> None:
        self._queue = queue
        self.receivers = receivers
        self._bury = bury
        self._rules = rules or Rules()
        self._fault = fault or Fault("")
        self._under_way: set[asyncio.Task[None]] = set()
        self._settled: list[Settled] = []
        self._news = asyncio.Event()
        self._house_at = 0.0
        self._broken: BaseException | None = None  # of an attempt: a bug, or NotReady

    async def change(self, receivers: Receivers) -> None:
        """Work with these from here on; returns when nothing is under way to the former ones."""
        self.receivers, under_way = receivers, set(self._under_way)
        if under_way:
            await asyncio.wait(under_way)

    async def tell(self, notice: Notice, targets: Iterable[str]) -> None:
        """Put a notice in the queue for these targets, and send it at once. Raises TryAgain and NotReady; doing it again is harmless."""
        await self.put(self.receivers.orders(notice, targets))

    async def put(self, orders: Sequence[Order]) -> None:
        """The same for many deliveries; a part of them may be queued when it raises."""
        for at in range(0, len(orders), QUEUED_AT_ONCE):
            await self._queue.enqueue(orders[at : at + QUEUED_AT_ONCE], self._rules.now())
            self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`, then finish what is under way. Raises NotReady: rebuild, and run again."""
        try:
            while not stop.is_set():
                try:
                    await self._turn()
                except TryAgain as error:
                    log.warning("an engine is away, trying again", error=str(error))
                    await asyncio.sleep(PAUSE_S)
        finally:
            await self._finish()
            with suppress(TryAgain, NotReady):
                await self._settle()

    async def _finish(self) -> None:
        """What ends soon may; what does not comes again when its lease is over."""
        if not self._under_way:
            return
        _, slow = await asyncio.wait(self._under_way, timeout=FINISH_S)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

    async def _turn(self) -> None:
        self._news.clear()
        if (broken := self._broken) is not None:
            self._broken = None
            raise broken
        await self._settle()
        if time.monotonic() >= self._house_at:
            await self._keep_house()
            self._house_at = time.monotonic() + KEEP_HOUSE_EVERY_S
        room = min(UNDER_WAY - len(self._under_way), CLAIM)
        claimed = await self._queue.claim(self._rules.now(), room, _ms(self._rules.lease)) if room else []
        if claimed:
            self._fault.reached("hooks:claimed")
        for each in claimed:
            task = asyncio.create_task(self._deliver(each))
            self._under_way.add(task)
            task.add_done_callback(self._ended)
        if not claimed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_EVERY_S)
        else:
            await asyncio.sleep(0)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._news.set()
        if not task.cancelled():
            self._broken = self._broken or task.exception()

    async def _settle(self) -> None:
        if not self._settled:
            return
        self._fault.reached("hooks:sent")
        settled = self._settled[:]
        await self._queue.settle(settled, self._rules.now())
        del self._settled[: len(settled)]
        self._fault.reached("hooks:settled")

    async def _deliver(self, claimed: Claimed) -> None:
        target = self.receivers.targets.get(claimed.target)
        if target is None or claimed.disabled is not None:
            self._settled.append(self._unsent(claimed))
            return
        self._fault.reached("hooks:sending")
        told = await sent(claimed.notices, target, self.receivers)
        self._count(claimed, target, told)
        settled = self._settlement(claimed, target, told)
        for notice in self._operational(claimed, target, settled):
            await self._tell_operations(notice, target)
        self._settled.append(settled)

    def _unsent(self, claimed: Claimed) -> Settled:
        """For a disabled target, and for an unknown one: another process may have read of it a moment earlier than this one."""
        why, now = claimed.disabled or "the target is not configured", self._rules.now()
        again = claimed.disabled is None and now - claimed.queued_ms < _ms(UNKNOWN)
        attempt = Attempt(at=datetime.now(UTC), outcome="not_sent", reason="clientError", detail=why)
        return Settled(claimed.id, claimed.turn, End.RETRY if again else End.DEAD, attempt, at_ms=now + _ms(self._rules.unknown))

    def _settlement(self, claimed: Claimed, target: Target, told: Sent) -> Settled:
        now, verdict = self._rules.now(), told.verdict
        if verdict.outcome is Outcome.OK:
            return Settled(claimed.id, claimed.turn, End.DELIVERED, told.attempt)
        if verdict.outcome is Outcome.REFUSED:
            return Settled(claimed.id, claimed.turn, End.REFUSED, told.attempt, now)
        why = f"said 410: {verdict.detail}" if verdict.outcome is Outcome.GONE else self._hopeless(claimed, target, now)
        if why is not None:
            return Settled(claimed.id, claimed.turn, End.DEAD, told.attempt, disable=why)
        asked = _ms(min(verdict.after, MOST_RETRY_AFTER)) if verdict.after is not None else 0
        probe = _ms(self._rules.probe) if claimed.failures + 1 >= OPENS else 0
        wait = self._wait(claimed, target, now)
        return Settled(
            claimed.id,
            claimed.turn,
            End.DEAD if wait is None else End.RETRY,
            told.attempt,
            at_ms=now + max(asked, wait or 0),
            hold_ms=now + max(asked, probe) if asked or probe else 0,
            fault=True,
            early=claimed.tries >= FALLBACK_FAILURES,
        )

    def _wait(self, claimed: Claimed, target: Target, now: int) -> int | None:
        """Milliseconds until it is tried again, None when it was tried enough."""
        schedule = self._rules.schedules[target.profile]
        until = claimed.notices[0].until
        end = claimed.queued_ms + _ms(schedule.most) if schedule.most is not None else None
        if schedule.most is not None and until is not None:
            end = _ms(until - datetime.fromtimestamp(0, UTC))
        wait = schedule.wait(claimed.tries)
        return None if wait is None or (end is not None and now >= end) else _ms(wait)

    @staticmethod
    def _hopeless(claimed: Claimed, target: Target, now: int) -> str | None:
        if target.profile is Profile.URGENT or claimed.since_ms is None or now - claimed.since_ms < _ms(HOPELESS_AFTER):
            return None
        return f"nothing but failures for {HOPELESS_AFTER}"

    def _operational(self, claimed: Claimed, target: Target, settled: Settled) -> Iterable[Notice]:
        since = datetime.fromtimestamp((claimed.since_ms or self._rules.now()) / 1000, UTC)
        if settled.disable is not None:
            yield operational("endpoint.disabled", target.name, settled.disable, since)
        elif settled.fault and claimed.failures + 1 == OPENS:
            yield operational("endpoint.failing", target.name, settled.attempt.detail, since)
        elif settled.end is End.DELIVERED and claimed.failures >= OPENS:
            yield operational("endpoint.recovered", target.name, f"after {claimed.failures} failures", since)

    async def _tell_operations(self, notice: Notice, about: Target) -> None:
        log.warning(notice.reason, target=about.name, detail=notice.group_labels["detail"])
        names = [name for name in self.receivers.operations if name != about.name]
        with suppress(TryAgain):  # it stands in the log, and on the dead letters what it was about
            await self._queue.enqueue(self.receivers.orders(notice, names), self._rules.now())

    def _count(self, claimed: Claimed, target: Target, told: Sent) -> None:
        if told.verdict.outcome is not Outcome.OK:
            NOTICES_FAILED.labels(target.kind, told.verdict.reason or "other").inc()
            return
        now = datetime.now(UTC)
        for notice in claimed.notices:
            NOTICES.labels(target.kind, notice.reason).inc()
            NOTICE_AGE_SECONDS.labels(target.kind).observe(max(0.0, (now - notice.at).total_seconds()))

    async def _keep_house(self) -> None:
        """What is nobody's: leases that ended, fallbacks that are due, dead ones to be said, the numbers."""
        now = self._rules.now()
        lost = Attempt(at=datetime.now(UTC), outcome="lost", reason="contextCanceled", detail="its process never came back")
        await self._queue.sweep(now, lost)
        await self._fall_back(now)
        dead = await self._queue.unsaid()
        if dead:
            await self._bury(dead)
            self._fault.reached("hooks:buried")
            await self._queue.said([each.id for each in dead])
            for each in dead:
                known = self.receivers.targets.get(each.target)
                NOTICES_UNDELIVERED.labels(known.kind if known else "none").inc()
        standing = await self._queue.standing(now)
        HOOK_QUEUE_OLDEST_AGE_SECONDS.set(0 if standing.oldest_ms is None else max(0, now - standing.oldest_ms) / 1000)
        HOOK_QUEUE_DELIVERIES.labels("waiting").set(standing.waiting)
        HOOK_QUEUE_DELIVERIES.labels("dead").set(standing.dead)
        HOOK_BREAKERS_OPEN.set(standing.open)

    async def _fall_back(self, now: int) -> None:
        late = await self._queue.late(now)
        orders: list[Order] = []
        for each in late:
            target = self.receivers.targets.get(each.target)
            orders += self.receivers.orders(each.notice, target.fallback if target else ())
        await self._queue.enqueue(orders, now)
        if late:
            self._fault.reached("hooks:fell_back")
            await self._queue.fell_back([each.id for each in late], now)


def _ms(time_: timedelta) -> int:
    return round(time_.total_seconds() * 1000)
