"""The store behind sifting: the atomic call on Redis and its outbox. The twin is adapters/sift_memory.py, held to the same contract suite.

`call` answers for one partition and one batch of groups; what it decided waits in the partition's outbox until `remove`, so that a
successor publishes what a dead worker could not (ARCHITECTURE.md §3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from adapters.hot import HotStore
from incidents.steps.sifting import Group

SCRIPT = (Path(__file__).parent / "sift.lua").read_text(encoding="utf-8")
RECENT = 16
"""Reports per source whose resend is recognised; further back a resend counts as merged (ARCHITECTURE.md §3)."""
EIGHT_DAYS_S = 691_200
"""How long a mark and an identity are kept: a day longer than reports are."""
MOST_AT_ONCE = 200
"""Outbox entries read at once."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What one group came to; x, y, first, last, urgent are the case's, for recognising the next repeat without a call."""

    verdict: str
    case: str = ""
    x: int = 0
    y: int = 0
    first: int = 0
    last: int = 0
    urgent: int = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """One entry of the outbox ("" when nothing new was decided) and what each group came to, in order."""

    entry: str
    outcome: bytes
    learned: tuple[Learned, ...]


class Sift(Protocol):
    """What intake may assume: a call is atomic, raises TryAgain or NotReady having changed nothing it will not answer `already` for, and
    entries of a partition's outbox come in the order of their calls."""

    async def call(self, partition: int, topic_id: str, groups: Sequence[Group], high: int | None = None) -> Answer:
        """Decide for the groups, strictly in order per source. `high` (ms) is the highest event time so far, for the events clock."""

    async def check(self) -> None:
        """Raise NotReady or TryAgain when a call would: an idle worker must notice a lost store too."""

    async def outbox(self, partition: int) -> list[tuple[str, bytes]]:
        """The oldest unpublished outcomes of a partition, with their entry ids."""

    async def remove(self, partition: int, entries: Sequence[str]) -> None:
        """Forget these outcomes: they are published."""


def _argument(group: Group) -> bytes:
    rule = group.rule
    return orjson.dumps(
        {
            "s": group.source,
            "f": group.family,
            "i": group.identity,
            "x": group.x,
            "y": group.y,
            "c": group.cos,
            "k": int(group.known),
            "t": int(group.tight),
            "m": int(group.machine),
            "u": group.urgent,
            "r": rule.radius,
            "w": rule.window,
            "p": rule.span,
            "a": rule.recurs,
            "q": rule.quiet,
            "b": int(rule.by_place),
            "h": group.hint,
            "n": group.new_id,
            "o": group.opening,
            "d": int(group.held),
            "N": int(group.notable),
            "z": group.spread,
            "e": rule.confirm,
            "O": group.offsets,
            "T": group.times,
            "K": group.keys,
        }
    )


class RedisSift:
    """The atomic call as a script on Redis (adapters/sift.lua)."""

    def __init__(self, hot: HotStore, rules: str, events_clock: bool = False) -> None:
        self._hot = hot
        self._rules = rules
        self._prefix = hot.keys.sift
        self._clock = hot.keys.events_clock if events_clock else ""

    async def call(self, partition: int, topic_id: str, groups: Sequence[Group], high: int | None = None) -> Answer:
        args: list[str | bytes | int] = [partition, topic_id, "" if high is None else high, self._rules, *map(_argument, groups)]
        entry, outcome, learned = await self._hot.run(SCRIPT, [self._prefix, self._clock], args)
        ordered = sorted(orjson.loads(learned) or (), key=lambda row: row[0])
        return Answer(
            entry.decode(), outcome, tuple(Learned(*row[1:]) if row[1] != "failed" else Learned("failed", *row[2:]) for row in ordered)
        )

    async def check(self) -> None:
        await self._hot.run("return 1")

    async def outbox(self, partition: int) -> list[tuple[str, bytes]]:
        script = "return redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[2])"
        found = await self._hot.run(script, [f"{self._prefix}outbox:{partition}"], [MOST_AT_ONCE])
        return [(entry.decode(), fields[1]) for entry, fields in found]

    async def remove(self, partition: int, entries: Sequence[str]) -> None:
        await self._hot.run("return redis.call('XDEL', KEYS[2], unpack(ARGV, 2))", [f"{self._prefix}outbox:{partition}"], list(entries))
