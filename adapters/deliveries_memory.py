"""The queue of deliveries in memory: the twin of deliveries_redis.py, for tests and for trials with a simulated clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from adapters.deliveries import (
    AT_ONCE,
    DIGEST,
    OPENS,
    Attempt,
    Claimed,
    Deliveries,
    Delivery,
    End,
    Late,
    Order,
    Settled,
    Standing,
    State,
    TargetStanding,
)


@dataclass(slots=True)
class _Kept:
    order: Order
    queued: int
    state: State = State.WAITING
    turn: int = 0
    tries: int = 0
    lease: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    members: list[str] = field(default_factory=list)  # of the digest it leads
    leader: str | None = None
    alone: bool = False
    ended: int | None = None
    fallback_at: int | None = None
    fell_back: int | None = None
    unsaid: bool = False

    @property
    def line(self) -> str:
        return self.order.notice.group_key


@dataclass(slots=True)
class _Target:
    due: dict[str, int] = field(default_factory=dict)  # line -> when its first may go
    busy: set[str] = field(default_factory=set)
    sent: list[int] = field(default_factory=list)
    minute: int = 0
    second: int = 0
    flight: int = 0
    failures: int = 0
    since: int | None = None
    hold: int = 0
    waiting: int = 0
    disabled: str | None = None

    def room(self) -> int:
        """How many more may be under way."""
        return (1 if self.failures or self.minute else AT_ONCE) - self.flight

    def budget(self, now: int) -> tuple[float, int]:
        """How many more it takes now, and when the next may go."""
        if not self.minute:
            return float("inf"), now
        self.sent = [at for at in self.sent if at > now - 60_000]
        left, later = self.minute - len(self.sent), now
        if left < 1:
            later = self.sent[0] + 60_001
        if self.second and sum(at > now - 1000 for at in self.sent) >= self.second:
            left, later = 0, max(later, self.sent[-self.second] + 1001)
        return left, later

    def next(self, now: int) -> int | None:
        """When something of it may go, None when nothing waits or enough is under way."""
        if not self.due or self.room() < 1:
            return None
        left, later = self.budget(now)
        return max(min(self.due.values()), self.hold, later if left < 1 and self.disabled is None else 0)

    def recovered(self, now: int, known_dead: bool = False) -> None:
        """A success: whatever waited for it goes now, if it was thought dead."""
        if known_dead or self.failures >= OPENS:
            self.due = {line: min(at, now) for line, at in self.due.items()}
        self.failures, self.since, self.hold = 0, None, 0

    def failed(self, now: int, hold: int) -> None:
        """A failure that is the target's own."""
        self.failures += 1
        self.since = now if self.since is None else self.since
        self.hold = max(self.hold, hold)


class MemoryDeliveries(Deliveries):
    """See Deliveries."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._targets: dict[str, _Target] = {}

    def _line(self, target: str, line: str) -> list[str]:
        """Ids of a line that have not ended, in order."""
        there = (
            (kept.order.notice.sequence, id_)
            for id_, kept in self._kept.items()
            if kept.ended is None and kept.order.target == target and kept.line == line
        )
        return [id_ for _, id_ in sorted(there)]

    def _stand(self, kept: _Kept, now: int) -> None:
        target = self._targets[kept.order.target]
        target.waiting += 1
        if kept.line not in target.busy:
            target.due.setdefault(kept.line, now)

    def _release(self, kept: _Kept, at: int) -> None:
        target = self._targets[kept.order.target]
        target.busy.discard(kept.line)
        target.due.pop(kept.line, None)
        if self._line(kept.order.target, kept.line):
            target.due[kept.line] = at

    async def enqueue(self, orders: Sequence[Order], now: int) -> int:
        """See Deliveries."""
        done = 0
        for order in orders:
            if order.id in self._kept:
                continue
            kept = self._kept[order.id] = _Kept(order, now)
            if order.fallback_ms is not None:
                kept.fallback_at = now + order.fallback_ms
            target = self._targets.setdefault(order.target, _Target())
            target.minute, target.second = order.minute, order.second
            self._stand(kept, now)
            done += 1
        return done

    async def claim(self, now: int, most: int, lease_ms: int) -> list[Claimed]:
        """See Deliveries."""
        ready = ((at, name) for name, target in self._targets.items() if (at := target.next(now)) is not None and at <= now)
        out: list[Claimed] = []
        for _, name in sorted(ready):
            out += [self._taken(id_, now, lease_ms) for id_ in self._chosen(name, now, most - len(out))]
            if len(out) >= most:
                break
        return out

    def _chosen(self, name: str, now: int, most: int) -> list[str]:
        target = self._targets[name]
        lines = [line for at, line in sorted((at, line) for line, at in target.due.items()) if at <= now]
        if target.waiting > target.budget(now)[0] and target.disabled is None:
            members = self._gathered(name, lines[:DIGEST])
            self._digest(members)
            return members[:1]
        return [self._line(name, line)[0] for line in lines[: min(target.room(), most)]]

    def _gathered(self, name: str, lines: Iterable[str]) -> list[str]:
        members: list[str] = []
        for line in lines:
            for id_ in self._line(name, line)[:DIGEST]:
                if self._kept[id_].members or self._kept[id_].alone:
                    if not members:
                        return [id_]
                    break
                members.append(id_)
                if len(members) == DIGEST:
                    return members
        return members

    def _digest(self, members: list[str]) -> None:
        for id_ in members[1:]:
            kept = self._kept[id_]
            kept.leader = members[0]
            self._targets[kept.order.target].due.pop(kept.line, None)
            self._targets[kept.order.target].busy.add(kept.line)
        if members[1:]:
            self._kept[members[0]].members = members[1:]

    def _taken(self, id_: str, now: int, lease_ms: int) -> Claimed:
        kept = self._kept[id_]
        target = self._targets[kept.order.target]
        kept.turn, kept.tries, kept.state, kept.lease = kept.turn + 1, kept.tries + 1, State.CLAIMED, now + lease_ms
        target.due.pop(kept.line, None)
        target.busy.add(kept.line)
        target.flight += 1
        if target.minute:
            target.sent.append(now)
        notices = tuple(self._kept[each].order.notice for each in (id_, *kept.members))
        return Claimed(id_, kept.turn, kept.tries, kept.order.target, kept.queued, notices, target.failures, target.since, target.disabled)

    async def settle(self, settled: Sequence[Settled], now: int) -> int:
        """See Deliveries."""
        return sum(self._settle(each, now) for each in settled)

    def _settle(self, end: Settled, now: int) -> int:
        kept = self._kept.get(end.id)
        if kept is None or kept.state is not State.CLAIMED or kept.turn != end.turn:
            return 0
        target, members = self._targets[kept.order.target], [self._kept[each] for each in kept.members]
        target.flight -= 1
        kept.attempts.append(end.attempt)
        if end.end is End.DELIVERED:
            target.recovered(now)
        elif end.fault:
            target.failed(now, end.hold_ms)
        if end.end is End.RETRY or (end.end is End.REFUSED and members):
            if end.end is End.REFUSED:
                self._dissolve(kept, members, now)
            kept.state = State.WAITING
            self._release(kept, end.at_ms)
        else:
            self._leave(kept, members, State.DELIVERED if end.end is End.DELIVERED else State.DEAD, now)
        if end.early:
            self._hurry([kept, *members], now)
        if end.disable is not None:
            target.recovered(now, True)
            target.disabled = end.disable
        return 1

    def _dissolve(self, kept: _Kept, members: list[_Kept], now: int) -> None:
        kept.members, kept.alone = [], True
        for member in members:
            member.leader = None
            self._release(member, now)

    def _leave(self, kept: _Kept, members: list[_Kept], state: State, now: int) -> None:
        for each in (kept, *members):
            each.state, each.ended = state, now
            self._targets[each.order.target].waiting -= 1
            if each is not kept:
                each.attempts += kept.attempts
            each.unsaid = state is State.DEAD
            if state is State.DELIVERED:
                each.fallback_at = None
        for each in (kept, *members):
            self._release(each, now)
        if state is State.DEAD:
            self._hurry([kept, *members], now)

    @staticmethod
    def _hurry(these: Iterable[_Kept], now: int) -> None:
        for kept in these:
            kept.fallback_at = None if kept.fallback_at is None else now

    async def sweep(self, now: int, lost: Attempt) -> int:
        """See Deliveries."""
        ids = [id_ for id_, kept in self._kept.items() if kept.state is State.CLAIMED and kept.lease <= now]
        return sum(self._settle(Settled(id_, self._kept[id_].turn, End.RETRY, lost, now), now) for id_ in ids)

    async def late(self, now: int) -> list[Late]:
        """See Deliveries."""
        due = [(kept.fallback_at, id_) for id_, kept in self._kept.items() if kept.fallback_at is not None and kept.fallback_at <= now]
        return [Late(id_, self._kept[id_].order.target, self._kept[id_].order.notice) for _, id_ in sorted(due)][:100]

    async def fell_back(self, ids: Sequence[str], now: int) -> None:
        """See Deliveries."""
        for id_ in ids:
            self._kept[id_].fallback_at, self._kept[id_].fell_back = None, now

    async def unsaid(self) -> list[Delivery]:
        """See Deliveries."""
        return [_shown(id_, kept) for id_, kept in self._kept.items() if kept.unsaid][:100]

    async def said(self, ids: Sequence[str]) -> None:
        """See Deliveries."""
        for id_ in ids:
            self._kept[id_].unsaid = False

    async def replay(self, ids: Sequence[str], now: int) -> int:
        """See Deliveries."""
        done = 0
        for id_ in ids:
            kept = self._kept.get(id_)
            if kept is None or kept.state is not State.DEAD:
                continue
            kept.state, kept.ended, kept.tries, kept.queued = State.WAITING, None, 0, now
            kept.members, kept.leader = [], None
            self._stand(kept, now)
            done += 1
        return done

    async def enable(self, target: str, now: int) -> None:
        """See Deliveries."""
        if (known := self._targets.get(target)) is not None:
            known.disabled = None
            known.recovered(now, True)

    async def show(self, id_: str) -> Delivery | None:
        """See Deliveries."""
        kept = self._kept.get(id_)
        return None if kept is None else _shown(id_, kept)

    async def listed(self, state: State, most: int) -> list[str]:
        """See Deliveries."""
        dead = state is State.DEAD
        found = (
            (kept.ended or kept.queued, id_)
            for id_, kept in self._kept.items()
            if (kept.state is State.DEAD if dead else kept.ended is None)
        )
        return [id_ for _, id_ in sorted(found)][:most]

    async def targets(self) -> list[TargetStanding]:
        """See Deliveries."""
        return [
            TargetStanding(name, each.waiting, each.failures, each.since, each.hold or None, each.disabled)
            for name, each in sorted(self._targets.items())
        ]

    async def standing(self, now: int) -> Standing:
        """See Deliveries."""
        states = [kept.state for kept in self._kept.values()]
        oldest = min((kept.queued for kept in self._kept.values() if kept.ended is None), default=None)
        next_ = min((at for target in self._targets.values() if (at := target.next(now)) is not None), default=None)
        waiting = sum(state in (State.WAITING, State.CLAIMED) for state in states)
        open_ = sum(target.failures >= OPENS for target in self._targets.values())
        return Standing(waiting, states.count(State.CLAIMED), states.count(State.DEAD), open_, oldest, next_)


def _shown(id_: str, kept: _Kept) -> Delivery:
    return Delivery(
        id=id_,
        target=kept.order.target,
        line=kept.line,
        sequence=kept.order.notice.sequence,
        state=kept.state,
        queued_ms=kept.queued,
        tries=kept.tries,
        attempts=tuple(kept.attempts),
        notice=None if kept.state is State.DELIVERED else kept.order.notice,
        ended_ms=kept.ended,
        fallback_ms=kept.fell_back,
        digest=kept.leader,
    )
