"""The store behind sifting: the atomic call on Redis and its outbox. The twin is adapters/sift_memory.py, held to the same contract suite.

`call` answers for one partition and one batch of groups; what it decided waits in the partition's outbox until `remove`, so that a
successor publishes what a dead worker could not (ARCHITECTURE.md §3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import starmap
from pathlib import Path
from struct import Struct
from typing import NamedTuple, Protocol

from orjson import dumps, loads

from adapters.hot import HotStore
from incidents.steps.sifting import Group, MatchRule, edge

SCRIPT = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("sift_kept.lua", "sift.lua"))
RECENT = 16
"""Reports per source whose resend is recognised; further back a resend counts as merged (ARCHITECTURE.md §3)."""
EIGHT_DAYS_S = 691_200
"""How long a mark and an identity are kept: a day longer than reports are."""
MOST_AT_ONCE = 200
"""Outbox entries read at once."""
MORE = 8
"""Openings of other reports that a sight brings, for their evidence and words."""
GROUP = "<HiiI6BdI5dIIBB"  # the same in sift.lua
BUDGET_US = 4_000
"""What a call may spend on groups; the one that is begun then, and telling and keeping it all, end before 10 ms (ARCHITECTURE.md §3)."""


class Learned(NamedTuple):
    """What one group came to; x, y, first, last, urgent are the case's, for recognising the next repeat without a call.

    `merged` without a case: into the one that its hint names, of which all that is known already.
    """

    verdict: str
    case: str = ""
    x: int = 0
    y: int = 0
    first: int = 0
    last: int = 0
    urgent: int = 3


LATER = Learned("later")


@dataclass(frozen=True, slots=True)
class Answer:
    """One entry of the outbox ("" when nothing new was decided) and what each group came to, in order.

    `others` is how many entries of others the outbox holds: they are to be published first.
    """

    entry: str
    outcome: bytes
    learned: tuple[Learned, ...]
    others: int


class Sift(Protocol):
    """What intake may assume: a call is atomic, raises TryAgain or NotReady having changed nothing it will not answer `already` for, and
    entries of a partition's outbox come in the order of their calls."""

    async def call(
        self, partition: int, topic_id: str, groups: Sequence[Group], high: int | None = None, published: str = "", telling: str = ""
    ) -> Answer:
        """Decide for the groups, strictly in order per source. `high` (ms) is the highest event time so far, for the events clock;
        `published` an entry of the outbox to be forgotten with it, which spares a call of its own; `telling` one of the caller's that is
        being published meanwhile, and so no other's."""

    async def check(self) -> None:
        """Raise NotReady or TryAgain when a call would: an idle worker must notice a lost store too."""

    async def outbox(self, partition: int) -> list[tuple[str, bytes]]:
        """The oldest unpublished outcomes of a partition, with their entry ids."""

    async def remove(self, partition: int, entries: Sequence[str]) -> None:
        """Forget these outcomes: they are published."""


def packed(groups: Sequence[Group]) -> list[bytes | str]:
    """What the script takes of the groups (its ARGV[9..]): the rules, each once, then two arguments per group."""
    numbers: dict[tuple[str, int], int] = {}
    rules: list[tuple[object, ...]] = []
    packed: list[bytes | str] = [b""]
    for group in groups:
        key = group.family, id(group.rule)
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(rules)
            rules.append(_rule(group.family, group.rule))
        packed += (_told(group, number), group.opening)
    packed[0] = dumps(rules)
    return packed


def _rule(family: str, rule: MatchRule) -> tuple[object, ...]:
    return family, rule.radius, rule.window, rule.span, rule.recurs, rule.quiet, int(rule.by_place), rule.confirm, edge(rule.radius)


@cache
def _layout(many: int) -> Struct:
    return Struct(f"{GROUP}{many}d{many}I")


def _told(group: Group, rule: int) -> bytes:
    """A group but for its opening."""
    offsets, times = group.offsets, group.times
    many = len(offsets)
    source, identity, hint, new_id = group.source.encode(), group.identity.encode(), group.hint.encode(), group.new_id.encode()
    numbers = _layout(many).pack(
        rule,
        group.x,
        group.y,
        group.cos,
        group.known,
        group.tight,
        group.machine,
        group.held,
        group.notable,
        group.urgent,
        group.spread,
        many,
        offsets[0],
        offsets[-1],
        times[0],
        min(times) if many > 1 else times[0],
        max(times) if many > 1 else times[0],
        len(source),
        len(identity),
        len(hint),
        len(new_id),
        *times,
        *group.keys,
    )
    return b"".join((numbers, source, identity, hint, new_id, dumps(offsets)))


class RedisSift:
    """The atomic call as a script on Redis (adapters/sift.lua)."""

    def __init__(self, hot: HotStore, rules: str, events_clock: bool = False, budget_us: int = BUDGET_US) -> None:
        self._hot = hot
        self._rules = rules
        self._budget = budget_us
        self._prefix = hot.keys.sift
        self._clock = hot.keys.events_clock if events_clock else ""

    async def call(
        self, partition: int, topic_id: str, groups: Sequence[Group], high: int | None = None, published: str = "", telling: str = ""
    ) -> Answer:
        args = [partition, topic_id, "" if high is None else high, self._rules, self._budget, published, telling, *packed(groups)]
        entry, outcome, learned, others = await self._hot.run(SCRIPT, [self._prefix, self._clock], args)
        answers = list(starmap(Learned, loads(learned)))
        answers += [LATER] * (len(groups) - len(answers))
        return Answer(entry.decode(), outcome, tuple(answers), others)

    async def check(self) -> None:
        await self._hot.run("return 1")

    async def outbox(self, partition: int) -> list[tuple[str, bytes]]:
        script = "return redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[2])"
        found = await self._hot.run(script, [f"{self._prefix}outbox:{partition}"], [MOST_AT_ONCE])
        return [(entry.decode(), fields[1]) for entry, fields in found]

    async def remove(self, partition: int, entries: Sequence[str]) -> None:
        await self._hot.run("return redis.call('XDEL', KEYS[2], unpack(ARGV, 2))", [f"{self._prefix}outbox:{partition}"], list(entries))
