"""One dispatcher at work, from taking the lease to losing it: reads the facts, takes a turn with them, looks after the rest.

The rest: silences and their ends, commits, the audit of escalations, the sign of life. Whatever goes wrong ends the shift, and the next one
begins with what was kept (streams/hooks.py).
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from adapters import metrics
from adapters.bus import TopicId, TopicState, topic_state
from adapters.deliveries import Deliveries, Order
from adapters.fact_log import ConsumerRecord, FactLog
from adapters.fault import Fault
from adapters.followed import Followed
from adapters.hook_state import LEASE_MS, HookState, Kept, LeaseLost, Turn
from config.settings import Settings
from config.topics import CASE_EVENTS
from handlers.engine import Engine
from handlers.undelivered import operational
from incidents.case import Fact
from incidents.catalogue import City
from incidents.errors import BadReport, NotReady, TryAgain
from incidents.facts import decode_fact, fact_named
from incidents.vocabulary import FactType
from streams.hooks_begin import beginning
from streams.hooks_dispatch import Desk, Dispatcher
from streams.hooks_files import Said
from streams.hooks_heartbeat import Pulse
from streams.hooks_silences import SilenceWatch

log = structlog.get_logger(__name__)

RENEW_S = 1.0
LOOK_S = 0.1
MOST = 500
AUDIT_EVERY_S = 5.0
COMMIT_EVERY_S = 1.0
SURE_MS = LEASE_MS - 1_000
"""So long after it was renewed a lease is surely ours: what the queue is given is not fenced by it."""


@dataclass(frozen=True)
class Setup:
    """What the role works with."""

    settings: Settings
    city: City
    files: Followed[Said]
    said: Said
    engine: Engine
    queue: Deliveries
    state: HookState
    silences: SilenceWatch
    now: Callable[[], datetime]
    pulse: Pulse


class Lease:
    """Ours while it is renewed."""

    def __init__(self, state: HookState) -> None:
        self._state = state
        self._token = uuid.uuid4().hex
        self._sure_until = 0.0

    async def take(self) -> bool:
        """Whether it is ours now."""
        asked = time.monotonic()
        if not await self._state.take(self._token):
            return False
        self._sure_until = asked + SURE_MS / 1000
        return True

    async def keep(self) -> None:
        """Renew it for ever. Raises LeaseLost; Redis may be away for as long as the lease is sure."""
        while True:
            await asyncio.sleep(RENEW_S)
            asked = time.monotonic()
            try:
                ours = await self._state.renew(self._token)
            except TryAgain:
                continue
            if not ours:
                raise LeaseLost
            self._sure_until = asked + SURE_MS / 1000

    def check(self) -> None:
        """Raises LeaseLost when it may be another one's."""
        if time.monotonic() > self._sure_until:
            raise LeaseLost

    async def write(self, turn: Turn) -> None:
        """See HookState."""
        await self._state.write(self._token, turn)

    async def forget(self) -> None:
        """See HookState."""
        await self._state.forget(self._token)

    async def let_go(self) -> None:
        """For the next one."""
        with suppress(TryAgain, NotReady):
            await self._state.release(self._token)


class Shift:
    """One dispatcher at work, from taking the lease to losing it."""

    def __init__(self, setup: Setup, lease: Lease) -> None:
        self._setup = setup
        self._lease = lease
        self._log = FactLog(setup.settings.kafka_bootstrap, _events(setup.settings), _group(setup.settings))
        self._topic = TopicId(setup.settings.kafka_bootstrap, _events(setup.settings))
        self._topic_id = ""
        self._next: dict[int, int] = {}
        self._commit_at = self._audit_at = 0.0
        self._dispatcher: Dispatcher | None = None

    async def begin(self) -> None:
        """Load what was kept, or begin with nothing. Raises TryAgain, NotReady and LeaseLost."""
        topic = await topic_state(self._setup.settings.kafka_bootstrap, _events(self._setup.settings), _group(self._setup.settings))
        self._topic_id = topic.topic_id
        await self._setup.silences.first()
        kept = await self._setup.state.load()
        if kept.topic == topic.topic_id:
            self._next = {p: _known(p, kept, topic) for p in topic.ends}
            self._dispatcher = self._made(kept)
        else:
            log.warning("nothing is kept of what was told to whom, beginning with the open cases", topic=kept.topic)
            found = await beginning(self._setup.settings, topic)
            await self._lease.forget()
            self._next = found.offsets
            self._dispatcher = self._made(Kept({}, {}, None, {}))
            self._dispatcher.seed(found.cases)
            await self._dispatcher.turn((), self._next, topic.topic_id)
        await self._log.start(self._next)
        log.info("dispatching", offsets=self._next)

    def _made(self, kept: Kept) -> Dispatcher:
        setup, said = self._setup, self._setup.said
        desk = Desk(setup.city, said.hooks.rules, said.telling, self._put, self._lease.write, setup.now, Fault(setup.settings.fault))
        made = Dispatcher(desk, kept)
        made.silence(setup.silences.in_force())
        return made

    async def follow(self, setup: Setup) -> None:
        """Between two steps: work with this from here on, with all that was kept. Raises TryAgain and NotReady."""
        if setup is not self._setup:
            kept = await setup.state.load()
            self._setup = setup
            self._dispatcher = self._made(kept)

    async def _put(self, orders: Sequence[Order]) -> None:
        self._lease.check()
        await self._setup.engine.put(orders)

    async def step(self) -> None:
        """Read, take a turn, look after the rest. Raises TryAgain, NotReady and LeaseLost."""
        assert self._dispatcher is not None, "begin first"
        records = await self._log.read(MOST, round(self._dispatcher.wait_s(LOOK_S) * 1000))
        began = time.monotonic()
        offsets = {record.partition: record.offset + 1 for record in records}
        self._setup.silences.look()
        self._dispatcher.silence(self._setup.silences.in_force())
        await self._dispatcher.turn([fact for fact in map(_fact, records) if fact is not None], offsets)
        if records:
            metrics.HOOK_TURN_SECONDS.observe(time.monotonic() - began)
        self._next |= offsets
        await self._look_after(self._dispatcher)
        self._setup.pulse.beat()

    async def _look_after(self, dispatcher: Dispatcher) -> None:
        now = time.monotonic()
        if now >= self._commit_at:
            self._commit_at = now + COMMIT_EVERY_S
            await self._log.commit(self._next, self._topic_id)
        if now >= self._audit_at:
            self._audit_at = now + AUDIT_EVERY_S
            await dispatcher.audit(self._setup.queue)
            if await self._topic.now() != self._topic_id:
                raise TryAgain("the topic of facts was made anew")
        if ending := self._setup.silences.ending():
            notices = [operational("silence.expiring", each.id, f"{each.owner}: {each.comment}", each.over) for each in ending]
            receivers = self._setup.said.telling.receivers
            await self._put([order for notice in notices for order in receivers.orders(notice, receivers.operations)])
            await self._setup.silences.told(ending)

    def lag(self) -> dict[int, int]:
        """Records between what is done and the end of the log."""
        return {partition: max(0, end - self._next.get(partition, end)) for partition, end in self._log.ends().items()}

    async def close(self) -> None:
        """Let go of the connections."""
        await self._log.stop()
        await self._topic.close()


def _events(settings: Settings) -> str:
    return settings.named(CASE_EVENTS.name)


def _group(settings: Settings) -> str:
    return settings.named("cityloop-hooks")


def _known(partition: int, kept: Kept, topic: TopicState) -> int:
    """Where a partition goes on; a new one from its start, which is also where one goes on whose records are gone."""
    begin, end = topic.starts[partition], topic.ends[partition]
    wanted = kept.offsets.get(partition, begin)
    if wanted < begin:
        metrics.LOST.labels(CASE_EVENTS.name).inc(begin - wanted)
        log.error("facts are gone from the log that nobody was told of", partition=partition, begin=wanted, end=begin)
    return min(max(wanted, begin), end)


def _fact(record: ConsumerRecord) -> Fact | None:
    """None for a sighting, which changes nothing that anybody is told, and for what is no fact (projection puts it on the dead letters)."""
    if fact_named(record.value) is FactType.SIGHTED:
        return None
    try:
        return decode_fact(record.value)
    except BadReport:
        return None
