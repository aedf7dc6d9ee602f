"""The dispatcher of notices: facts in, deliveries out. One at a time; it dies and begins anew with what it kept.

A turn learns facts, asks the board what is due, queues the deliveries, and only then keeps what changed, together with the offsets: who
dies in between says the same once more, under the same ids. So a notice may be told twice and is never missed.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from adapters import metrics
from adapters.deliveries import Deliveries, Order
from adapters.fault import Fault
from adapters.hook_state import Explained, Kept, Turn
from incidents.alerts import alert_of
from incidents.case import Case, Fact
from incidents.catalogue import City
from incidents.notice_board import Board, BoardRules, Record, Told
from incidents.notice_decide import Silence
from streams.hooks_proof import Proofs
from streams.hooks_telling import LATER, Reached, Telling, Waiting, waiting_of

MOST_EXPLAINED = 200
"""Alerts of one decision that it is explained for: a notice names no more."""


def now_ms() -> int:
    """Real time."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Desk:
    """What a dispatcher works with. `put` queues deliveries, `write` keeps a turn; both raise what their stores do."""

    city: City
    rules: BoardRules
    telling: Telling
    put: Callable[[Sequence[Order]], Awaitable[None]]
    write: Callable[[Turn], Awaitable[None]]
    now: Callable[[], datetime]
    fault: Fault = field(default_factory=lambda: Fault(""))


@dataclass
class _Said:
    """What one turn says."""

    orders: list[Order] = field(default_factory=list)
    told: list[tuple[str, Explained]] = field(default_factory=list)
    records: dict[str, str | None] = field(default_factory=dict)


class Dispatcher:
    """See the module. After any error of a turn it is to be thrown away, and another one made of what is kept."""

    def __init__(self, desk: Desk, kept: Kept) -> None:
        self._desk = desk
        records = [(key, orjson.loads(value)) for key, value in kept.records.items()]
        self._board = Board(desk.rules, [Record(key, value) for key, value in records if not key.startswith(LATER)])
        self._later = waiting_of(records)
        self._proofs = Proofs(kept.escalations)

    def seed(self, cases: Sequence[Case]) -> None:
        """Learn of cases without their facts: the first beginning."""
        now = self._desk.now()
        for case in cases:
            if (alert := alert_of(self._desk.city, case)) is not None:
                self._board.learn(alert, now)

    def silence(self, silences: Sequence[Silence]) -> None:
        """These hold from here on."""
        self._board.silence(silences)

    def wait_s(self, most: float) -> float:
        """How long nothing is due."""
        due = min((each for each in (self._board.next_at(), *(one.until for one in self._later.values())) if each), default=None)
        return most if due is None else min(most, max(0.0, (due - self._desk.now()).total_seconds()))

    async def turn(self, facts: Sequence[Fact], offsets: Mapping[int, int], topic: str | None = None) -> None:
        """Take in these facts and tell what is due. Raises TryAgain, NotReady and LeaseLost."""
        now, said = self._desk.now(), _Said()
        for fact in facts:
            self._learn(fact, now, said)
        for told in self._board.due(now):
            metrics.HOOK_DECISIONS.labels(told.reason).inc()
            self._explain(told, said)
            self._add(self._desk.telling.of(told, now), told, now, said)
        self._take_up(now, said)
        self._proofs.queued(said.orders)
        if said.orders:
            self._desk.fault.reached("hooks:decided")
            await self._desk.put(said.orders)
            self._desk.fault.reached("hooks:queued")
        said.records |= {key: None if value is None else orjson.dumps(value).decode() for key, value in self._board.changed()}
        turn = Turn(said.records, offsets, topic, self._proofs.changed(), said.told)
        if not turn.is_empty:
            await self._desk.write(turn)
            self._desk.fault.reached("hooks:kept")

    def _learn(self, fact: Fact, now: datetime, said: _Said) -> None:
        alert = alert_of(self._desk.city, fact.case)
        if alert is None:
            return
        self._board.learn(alert, now)
        self._proofs.learn(fact, now_ms())
        said.orders += self._desk.telling.subscribed(fact, alert)

    def _take_up(self, now: datetime, said: _Said) -> None:
        """What waited for somebody's duty, if that has begun."""
        ripe = [each for each in self._later.values() if each.until <= now]
        if not ripe:
            return
        firing = {alert.fingerprint: alert for alert in self._board.firing()}
        for waiting in ripe:
            del self._later[waiting.notice.id]
            said.records[LATER + waiting.notice.id] = None
            self._add(self._desk.telling.again(waiting, firing, now), waiting, now, said)

    def _add(self, reached: Reached, of: Told | Waiting, now: datetime, said: _Said) -> None:
        said.orders += reached.orders
        for waiting in reached.waiting:
            self._later[waiting.notice.id] = waiting
            said.records[LATER + waiting.notice.id] = waiting.model_dump_json()
        for notice, why in reached.why:
            entry = Explained(
                at=now, receiver=of.receiver, node="duty", group=notice.group_key, reason=notice.reason, why=why, notice=notice.id
            )
            said.told += [(case_id, entry) for alert in notice.alerts if (case_id := alert.labels.get("case_id"))]

    def _explain(self, told: Told, said: _Said) -> None:
        notice = told.notice.id if told.notice is not None else None
        entry = Explained(
            at=told.at, receiver=told.receiver, node=told.path, group=told.group_key, reason=told.reason, why=told.why, notice=notice
        )
        cases = (alert.labels.get("case_id") for alert in told.alerts[:MOST_EXPLAINED])
        said.told += [(case_id, entry) for case_id in cases if case_id]

    async def audit(self, queue: Deliveries) -> None:
        """Show how many escalations nobody was told in time. Raises TryAgain and NotReady."""
        metrics.ESCALATIONS_UNDELIVERED.set(await self._proofs.audit(queue, now_ms()))
