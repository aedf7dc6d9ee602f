"""The cases in the hot store: closure moves them, the clock claims their deadlines, the console and the command line read them.

`RedisCases` and its twin `MemoryCases` (adapters/case_memory.py) are held to one contract suite. A case leaves the lists when it is
forgotten and Redis ten minutes later, so that what was still on its way to it finds it; answers to commands are kept as long.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson

from adapters import metrics
from adapters.hot import HotStore
from incidents.case import Case, Deadline
from incidents.commands import Command, Outcome, Target
from incidents.events import CaseId, epoch_ms
from incidents.facts import encode_case
from incidents.sightings import sift_state
from incidents.vocabulary import State

MOVES, CLAIM, ALIAS = ((Path(__file__).parent / f"case_{name}.lua").read_text(encoding="utf-8") for name in ("moves", "claim", "alias"))
T = TypeVar("T")

MOST_KNOWN = 4_000
"""Cases whose last JSON and value are kept, to compare instead of validate: 30 KB each."""
AT_ONCE = 100
"""Cases per call: a few milliseconds of Redis. The calls of one batch stand in its line together."""
FORGOTTEN_S = REPLY_S = 600
LEASE_MS = 5_000

_LOAD = "return redis.call('MGET', unpack(KEYS, 2))"
_RELEASE = """
for n = 2, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[n]) == ARGV[n + 1] then redis.call('HDEL', KEYS[2], ARGV[n]) end
end
"""
_DUE = """
local due = redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[2])
for _, member in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if tonumber(string.match(member, ':(%d+)$')) <= tonumber(ARGV[2]) then due = due + 1 end
end
return due
"""
_REARM = """
local lost = 0
for n = 2, #ARGV, 2 do
  if not (redis.call('ZSCORE', KEYS[2], ARGV[n]) or redis.call('ZSCORE', KEYS[3], ARGV[n])) then
    redis.call('ZADD', KEYS[2], ARGV[n + 1], ARGV[n])
    lost = lost + 1
  end
end
return lost
"""
_REPLY = "return redis.call('GET', KEYS[2])"
_PAGE = """
local from, last, limit, out = ARGV[2], ARGV[3], tonumber(ARGV[4]), {}
local rank = from == '' and 0 or redis.call('ZCOUNT', KEYS[2] .. 'cases', '(' .. from, '+inf')
while #out < limit do
  local rows = redis.call('ZREVRANGE', KEYS[2] .. 'cases', rank, rank + limit - 1, 'WITHSCORES')
  if #rows == 0 then break end
  for i = 1, #rows, 2 do
    local passed = rows[i + 1] == from and rows[i] >= last
    if not passed and #out < limit then
      local case = redis.call('GET', KEYS[2] .. 'case:' .. rows[i])
      if case then table.insert(out, case) end
    end
  end
  rank = rank + limit
end
return out
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A case before (None: new) and after the facts of a batch, the answers to the commands that moved it, and `after` as JSON if known."""

    before: Case | None
    after: Case
    outcomes: Sequence[Outcome] = ()
    json: bytes | None = None


class Cases(Protocol):
    """What closure, clock and readers may assume. Every call is atomic per chunk and raises TryAgain or NotReady; repeating is harmless."""

    async def load(self, ids: Collection[CaseId]) -> dict[CaseId, Case]:
        """The cases that are known, those forgotten in the last ten minutes too."""

    async def apply(self, moves: Sequence[Move], answers: Sequence[Outcome] = ()) -> set[CaseId]:
        """Move the cases by compare-and-set on `sequence`, forwards only, each with its answers; then answer what moved none.

        Returns the cases that stand further already: another worker went on with them.
        """

    async def alias(self, merges: Sequence[Command]) -> list[Target]:
        """What each merge's `into` is, and whether its case is an alias of it from now on: see case_alias.lua. At most AT_ONCE."""

    async def release(self, merges: Sequence[Command]) -> None:
        """These merges did not come about: their cases are no aliases, as far as these commands made them so."""

    async def claim_due(self, now_ms: int, real_ms: int, limit: int) -> tuple[Sequence[tuple[CaseId, Deadline]], bool]:
        """Lease up to `limit` deadlines due at `now_ms` (city's clock, ms), with those whose lease of 5 s of `real_ms` has run out.

        What a case does not carry any more is let go. Also says whether there may be more.
        """

    async def due(self, now_ms: int) -> int:
        """How many deadlines were due at `now_ms` and are not yet applied to their case, leased ones too."""

    async def rearm(self, cases: Sequence[Case]) -> int:
        """Put back what these cases carry and no list holds any more; how many that were. One too many is let go when it is claimed."""

    async def page(self, cursor: str | None, limit: int) -> tuple[list[Case], str | None]:
        """Cases, newest first, and the cursor of the next page (None: that was all)."""

    async def reply(self, command_id: str) -> Outcome | None:
        """What a command came to, for ten minutes."""


class RedisCases:
    """See Cases. Keys: adapters.hot.Keys."""

    def __init__(self, hot: HotStore) -> None:
        self._hot = hot
        self._keys = hot.keys
        self._known: dict[CaseId, tuple[bytes, Case]] = {}  # what was written or read last, the oldest first

    async def load(self, ids: Collection[CaseId]) -> dict[CaseId, Case]:
        """See Cases; an empty `ids` still asks whether the store is ready."""
        asked = list(ids)
        values = await asyncio.gather(*map(self._values, _chunks(asked) or [()]))
        found = zip(asked, chain.from_iterable(values), strict=True)
        return {case_id: self._read(case_id, value) for case_id, value in found if value is not None}

    async def _values(self, ids: Sequence[CaseId]) -> Sequence[bytes | None]:
        with metrics.REDIS_CALL_SECONDS.labels("case_load").time():
            values: list[bytes | None] = await self._hot.run(_LOAD if ids else "return {}", [self._keys.case + case_id for case_id in ids])
        return values

    def _read(self, case_id: CaseId, value: bytes) -> Case:
        """The case behind its JSON: what we wrote or read last, if that is what stands there; Redis has the word, this only saves time."""
        known = self._known.get(case_id)
        case = known[1] if known is not None and known[0] == value else Case.model_validate_json(value)
        self._keep(case, value)
        return case

    def _keep(self, case: Case, value: bytes) -> None:
        self._known.pop(case.case_id, None)
        self._known[case.case_id] = value, case
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    async def apply(self, moves: Sequence[Move], answers: Sequence[Outcome] = ()) -> set[CaseId]:
        """See Cases."""
        moving = (self._move(chunk, [outcome for move in chunk for outcome in move.outcomes]) for chunk in _chunks(moves))
        ahead = await asyncio.gather(*moving)
        await asyncio.gather(*(self._move((), rest) for rest in _chunks(answers)))
        return set[CaseId]().union(*ahead)

    async def _move(self, moves: Sequence[Move], outcomes: Sequence[Outcome]) -> set[CaseId]:
        values = [move.json or encode_case(move.after) for move in moves]
        told = [part for move, value in zip(moves, values, strict=True) for part in (told_of(move), value)]
        answers = [part for outcome in outcomes for part in (outcome.command_id, outcome.model_dump_json())]
        with metrics.REDIS_CALL_SECONDS.labels("case_moves").time():
            found = await self._hot.run(MOVES, [self._keys.prefix], [FORGOTTEN_S, REPLY_S, len(moves), *told, *answers])
        for move, value in zip(moves, values, strict=True):
            self._keep(move.after, value)
        return {CaseId(case_id.decode()) for case_id in found}

    async def alias(self, merges: Sequence[Command]) -> list[Target]:
        """See Cases."""
        found = await self._hot.run(ALIAS, [self._keys.prefix], [part for each in merges for part in (each.case_id, *alias_of(each))])
        pairs = zip(found[::2], found[1::2], strict=True)
        return [Target(state=State(state.decode()) if state else None, granted=bool(granted)) for state, granted in pairs]

    async def release(self, merges: Sequence[Command]) -> None:
        """See Cases."""
        if merges:
            await self._hot.run(
                _RELEASE, [self._keys.aliases], [part for each in merges for part in (each.case_id, " ".join(alias_of(each)))]
            )

    async def claim_due(self, now_ms: int, real_ms: int, limit: int) -> tuple[Sequence[tuple[CaseId, Deadline]], bool]:
        """See Cases."""
        looked_at, *found = await self._hot.run(CLAIM, [self._keys.prefix], [now_ms, real_ms, LEASE_MS, limit])
        pairs = zip(found[::2], found[1::2], strict=True)
        claimed = [(CaseId(case_id.decode()), Deadline.model_validate_json(deadline)) for case_id, deadline in pairs]
        return claimed, looked_at == limit

    async def due(self, now_ms: int) -> int:
        """See Cases."""
        return int(await self._hot.run(_DUE, [self._keys.deadlines, self._keys.claimed], [now_ms]))

    async def rearm(self, cases: Sequence[Case]) -> int:
        """See Cases."""
        members = [part for case in cases for each in case.deadlines for part in (member_of(case, each), epoch_ms(each.at))]
        return int(await self._hot.run(_REARM, [self._keys.deadlines, self._keys.claimed], members))

    async def page(self, cursor: str | None, limit: int) -> tuple[list[Case], str | None]:
        """See Cases."""
        from_ms, _, last = (cursor or "").partition("|")
        values = await self._hot.run(_PAGE, [self._keys.prefix], [from_ms, last, limit])
        cases = [Case.model_validate_json(value) for value in values]
        return cases, cursor_after(cases, limit)

    async def reply(self, command_id: str) -> Outcome | None:
        """See Cases."""
        value = await self._hot.run(_REPLY, [self._keys.reply + command_id])
        return None if value is None else Outcome.model_validate_json(value)

    def restore(self, pipe: Any, cases: Iterable[Case], merges: Iterable[Command] = ()) -> None:
        """Put cases, aliases and deadlines on the pipeline as they are. For the rebuild only (`adapters.restore.Vault.writing`).

        `merges` are those that were granted and wait to be decided. May be repeated.
        """
        for case in cases:
            pipe.set(self._keys.case + case.case_id, case.model_dump_json(), ex=FORGOTTEN_S if case.forgotten else None)
            if not case.forgotten:
                pipe.zadd(self._keys.cases, {case.case_id: epoch_ms(case.opened_at)})
            due: dict[Any, float] = {member_of(case, deadline): epoch_ms(deadline.at) for deadline in case.deadlines}
            if due:
                pipe.zadd(self._keys.deadlines, due)
            if case.merged_into:
                pipe.hset(self._keys.aliases, case.case_id, case.merged_into)
        for each in merges:
            pipe.hset(self._keys.aliases, each.case_id, " ".join(alias_of(each)))


def member_of(case: Case, deadline: Deadline) -> str:
    """A deadline's name among those of all cases."""
    return f"{case.case_id} {deadline.id}"


def alias_of(merge: Command) -> tuple[str, str]:
    """Whose alias a merge makes its case, and by which command."""
    return merge.into or "", merge.id


def deadline_of(case: Case | None, deadline_id: str) -> Deadline | None:
    """The deadline if the case still carries it."""
    return next((deadline for deadline in case.deadlines if deadline.id == deadline_id), None) if case else None


def cursor_after(cases: Sequence[Case], limit: int) -> str | None:
    """Where the next page begins: behind the last case of this one."""
    return f"{epoch_ms(cases[-1].opened_at)}|{cases[-1].case_id}" if len(cases) == limit else None


def told_of(move: Move) -> bytes:
    """What the script needs to know of a move."""
    before, after = move.before, move.after
    was = {deadline.id for deadline in before.deadlines} if before else set()
    stays = {deadline.id for deadline in after.deadlines}
    return orjson.dumps(
        {
            "id": after.case_id,
            "before": before.sequence if before else 0,
            "after": after.sequence,
            "opened": epoch_ms(after.opened_at),
            "state": sift_state(after),
            "handled": str(epoch_ms(after.handled_at)) if after.handled_at else "",
            "ended": str(epoch_ms(after.ended_at)) if after.ended_at else "",
            "into": after.merged_into or "",
            "apart": before is not None and before.merged_into is not None and after.merged_into is None,
            "forgotten": after.forgotten,
            "gone": [f"{after.case_id} {gone}" for gone in sorted(was - stays)],
            "due": [[member_of(after, each), epoch_ms(each.at)] for each in after.deadlines if each.id not in was],
        }
    )


def _chunks(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE)]
