"""The in-memory twin of the atomic call (adapters/sift.py, adapters/sift.lua), for unit tests and `rehearse`.

The steps have the names of the script's, the rule itself is `incidents.steps.sifting.fits`; the contract
suite holds both to the same verdicts.
"""

import bisect
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.sift import LATER, MORE, MOST_AT_ONCE, RECENT, Answer, Learned
from incidents.steps.sifting import CASES, CM, CROWD, PAGE, Fit, Group, MatchRule, Seen, cell, distance_cm, edge, fits, mixed, waits
from incidents.vocabulary import State

JOINS = (Fit.JOIN, Fit.LATE)
HINTED = Learned("merged")


@dataclass
class _Mark:
    topic: str = ""
    offset: int = -1
    newest: int = -1
    cases: list[str] = field(default_factory=list)  # the last one first
    recent: list[int] = field(default_factory=list)


class _Again(Exception):
    pass


class MemorySift:
    """The in-memory twin, for unit tests and `rehearse`; one process, no loss, no guard. `most()` groups are done before the time is up."""

    def __init__(self, rules: str = "", most: Callable[[], int] | None = None) -> None:
        self.rules = rules
        self.cases: dict[str, Seen] = {}
        self.marks: dict[tuple[int, str], _Mark] = {}
        self.identities: dict[tuple[str, str], str] = {}
        self._most = most
        self._boxes: dict[int, dict[str, bytes]] = defaultdict(dict)
        self._cells: dict[str, dict[str, Seen]] = defaultdict(dict)
        self._serial = itertools.count(1)

    async def call(
        self, partition: int, topic_id: str, groups: Sequence[Group], high: int | None = None, published: str = "", telling: str = ""
    ) -> Answer:
        del high
        box = self._boxes[partition]
        box.pop(published, None)
        others = len(box) - (telling in box)
        call = _Call(self, partition, topic_id)
        most = max(1, self._most()) if self._most else len(groups)
        learned = (*(call.sift(group) for group in groups[:most]), *(LATER for _ in groups[most:]))
        if not call.fates:
            return Answer("", b"", learned, others)
        outcome = orjson.dumps(
            {"topic": topic_id, "partition": partition, "rules": self.rules, "fates": call.fates, "sights": list(call.sights.values())}
        )
        entry = str(next(self._serial))
        box[entry] = outcome
        return Answer(entry, outcome, learned, others)

    async def check(self) -> None:
        pass

    async def outbox(self, partition: int) -> list[tuple[str, bytes]]:
        return list(self._boxes[partition].items())[:MOST_AT_ONCE]

    async def remove(self, partition: int, entries: Sequence[str]) -> None:
        for entry in entries:
            self._boxes[partition].pop(entry, None)

    def load(self, case_id: str) -> Seen | None:
        """The case, behind at most five aliases."""
        for _ in range(5):
            seen = self.cases.get(case_id)
            if seen is None or not seen.into:
                return seen
            case_id = seen.into
        return None

    def near(self, group: Group) -> list[Seen]:
        """Cases of the family within the radius, nearest first, as far as crowded cells still know them."""
        reach, width = group.rule.radius / CM + 2, edge(group.rule.radius)
        east = reach * 1_000_000 / group.cos
        columns = range(math.floor((group.x - east) / width), math.floor((group.x + east) / width) + 1)
        rows = range(math.floor((group.y - reach) / width), math.floor((group.y + reach) / width) + 1)
        cells = (cell(group.family, group.rule.radius, column * width, row * width) for column in columns for row in rows)
        found = (seen for name in cells for seen in self._cells.get(name, {}).values())
        near = (seen for seen in found if not seen.into and distance_cm(group, seen) <= group.rule.radius)
        return sorted(near, key=lambda seen: (distance_cm(group, seen), seen.case_id))

    def add(self, seen: Seen, rule: MatchRule) -> None:
        """Put a case under its id, identity and place."""
        self.cases[seen.case_id] = seen
        if seen.identity:
            self.identities[seen.family, seen.identity] = seen.case_id
        if rule.by_place and seen.known:
            crowd = self._cells[cell(seen.family, rule.radius, seen.x, seen.y)]
            if len(crowd) >= CROWD:
                for case_id in sorted(crowd, key=lambda case_id: _worth(crowd[case_id]))[: CROWD // 4]:
                    del crowd[case_id]
            crowd[seen.case_id] = seen

    def move(self, case_id: str, state: State, handled: int | None, ended: int | None, into: str = "") -> None:
        """What closure writes when it moves a case."""
        if case_id in self.cases:
            seen = self.cases[case_id]
            seen.state, seen.handled, seen.ended, seen.into, seen.opening = state, handled, ended, into, {}

    def forget(self, case_id: str) -> None:
        """What closure does when nobody may come back to a case."""
        self.cases.pop(case_id, None)
        for crowd in self._cells.values():
            crowd.pop(case_id, None)


@dataclass
class _Found:
    seen: Seen
    rule: str
    apart: int
    gap: int


class _Call:
    """One call on the twin; the steps have the names of the script's."""

    def __init__(self, store: MemorySift, partition: int, topic: str) -> None:
        self.store, self.partition, self.topic = store, partition, topic
        self.fates: list[list[Any]] = []
        self.sights: dict[str, dict[str, Any]] = {}
        self.stuck: list[Group] = []

    def sift(self, group: Group) -> Learned:
        if any(waits(group, stuck) for stuck in self.stuck):
            self.stuck.append(group)
            return LATER
        mark = self.store.marks.get((self.partition, group.source)) or _Mark()
        behind = mark.offset if mark.topic == self.topic else -1
        fresh, resent = self._sorted(group, mark, behind)
        learned = self._known(group, mark)
        cases = mark.cases
        if fresh:
            try:
                learned = self._decide(group, mark, fresh)
            except _Again:
                self.stuck.append(group)
                return Learned("again")
            joined = learned.case or group.hint
            cases = [joined, *(case for case in cases if case != joined)][:CASES]
        if resent:
            self.fates.append([None, "resent", "resent", 0, 0, resent])
        if fresh or resent:
            at = bisect.bisect_right(group.offsets, behind)
            recent = [*mark.recent, *group.keys[at:]][-RECENT:]
            newest = max([mark.newest, *group.times[at:]])
            self.store.marks[self.partition, group.source] = _Mark(self.topic, group.offsets[-1], newest, cases, recent)
        return learned

    def _sorted(self, group: Group, mark: _Mark, behind: int) -> tuple[list[int], list[int]]:
        fresh: list[int] = []
        resent: list[int] = []
        for at, (offset, time, key) in enumerate(zip(group.offsets, group.times, group.keys, strict=True)):
            if offset <= behind:
                continue
            known = at == 0 and group.new_id in self.store.cases
            recent = time <= mark.newest and key in mark.recent
            (resent if known or recent else fresh).append(offset)
        return fresh, resent

    def _known(self, group: Group, mark: _Mark) -> Learned:
        seen = next((seen for seen in map(self.store.load, mark.cases) if seen and seen.family == group.family), None)
        return _learned("already", seen) if seen else Learned("already")

    def _decide(self, group: Group, mark: _Mark, fresh: list[int]) -> Learned:
        start = group.offsets.index(fresh[0])
        wanted = set(fresh)
        times = [time for offset, time in zip(group.offsets, group.times, strict=True) if offset in wanted]
        if not group.opening and not group.hint and times[0] <= mark.newest:
            raise _Again
        found, link, suggested = self._find(group, mark, times[0])
        apart = found is not None and len(fresh) > 1 and mixed(group, found.seen, found.apart, times)
        if apart or (found is None and (not group.opening or start > 0)):
            raise _Again
        if found is not None:
            seen, verdict, opened = found.seen, "merged", False
        else:
            seen, verdict = self._open(group, link, suggested, times[0])
            opened = True
        self._fate(group, seen, verdict, found or link, fresh, max(times) - min(times))
        self._count(group, seen, fresh, times, opened)
        return HINTED if not group.opening and seen.case_id == group.hint else _learned(verdict, seen)

    def _fate(self, group: Group, seen: Seen, verdict: str, why: _Found | None, fresh: list[int], spread: int) -> None:
        row: list[Any] = [seen.case_id, verdict, why.rule if why else verdict, why.apart if why else 0, why.gap if why else 0]
        if verdict == "merged":
            row.append(fresh)
            if seen.state is State.HELD:
                row += [seen.count + len(fresh), group.rule.confirm]
            self.fates.append(row)
            return
        self.fates.append([*row, fresh[:1]])
        if len(fresh) > 1:
            self.fates.append([seen.case_id, "merged", "same_source", 0, spread, fresh[1:]])

    def _find(self, group: Group, mark: _Mark, time: int) -> tuple[_Found | None, _Found | None, str | None]:
        link: _Found | None = None
        suggested: str | None = None
        for seen, rule in self._candidates(group, mark):
            fit, apart, gap = fits(group, seen, time, group.urgent == 0)
            if fit in JOINS and (rule != "same_place" or (group.tight and seen.tight)) and group.machine:
                return _Found(seen, "late" if fit is Fit.LATE else rule, apart, gap), None, None
            if fit in JOINS:
                suggested = suggested or seen.case_id
            elif fit is not Fit.NO and link is None and (group.machine or rule != "same_place" or (group.tight and seen.tight)):
                link = _Found(seen, fit.value, apart, gap)
        return None, link, suggested

    def _candidates(self, group: Group, mark: _Mark) -> Iterator[tuple[Seen, str]]:
        """What a report may join: the hint and the last cases of a machine, the case of its identity, those around."""
        cases = [group.hint, *(case for case in mark.cases if case != group.hint)] if group.machine else []
        ways = [(case, "same_source") for case in cases]
        if group.identity:
            ways.append((self.store.identities.get((group.family, group.identity), ""), "same_" + group.identity.partition(":")[0]))
        for case, rule in ways:
            seen = self.store.load(case) if case else None
            if seen is not None:
                yield seen, rule
        if group.rule.by_place and group.known:
            yield from ((seen, "same_place") for seen in self.store.near(group))

    def _open(self, group: Group, link: _Found | None, suggested: str | None, time: int) -> tuple[Seen, str]:
        refused = link is not None and link.rule == "refused"
        held = group.held or refused
        opening: dict[str, Any] = {"opening": orjson.loads(group.opening)}
        if held:
            opening["held"] = "refused_before" if refused else "waiting"
        if link is not None and not refused:
            opening["link"] = [link.rule, link.seen.case_id]
        if suggested:
            opening["suggested"] = suggested
        seen = Seen(
            case_id=group.new_id,
            family=group.family,
            identity=group.identity,
            x=group.x,
            y=group.y,
            known=group.known,
            tight=group.tight,
            first=time,
            last=time,
            urgent=group.urgent,
            state=State.HELD if held else State.REPORTED,
            told_last=time,
            opening=opening,
            opened_by=self.partition,
        )
        self.store.add(seen, group.rule)
        return seen, "held" if held else "opened"

    def _count(self, group: Group, seen: Seen, fresh: list[int], times: list[int], opened: bool) -> None:
        n, first, last = len(fresh), min(times), max(times)
        before = seen.sources.get(group.source)
        if before:
            n, first, last = n + before[0], min(first, before[1]), max(last, before[2])
        seen.sources[group.source] = (n, first, last, self.topic, self.partition, fresh[-1])
        seen.first, seen.last, seen.count = min(seen.first, *times), max(seen.last, *times), seen.count + len(fresh)
        after = seen.handled is not None and max(times) > seen.handled and not seen.told_after
        grown = seen.count >= 2 * seen.told_count or seen.last - seen.told_last > group.rule.window / 4
        tell = opened or before is None or group.notable or after or group.urgent < seen.urgent or grown
        seen.urgent = min(seen.urgent, group.urgent)
        if tell:
            seen.told_count, seen.told_last, seen.told_after = seen.count, seen.last, after or seen.told_after
            self._tell(group, seen, opened)

    def _tell(self, group: Group, seen: Seen, opened: bool) -> None:
        sight = self.sights.get(seen.case_id)
        if sight is None:
            sight = self.sights[seen.case_id] = {"case": seen.case_id, "totals": []}
            if seen.opening and (opened or seen.opened_by != self.partition):
                sight["opens"] = seen.opening
            for source in list(seen.sources)[seen.cursor : seen.cursor + PAGE]:
                sight["totals"] += source, "|".join(map(str, seen.sources[source]))
            seen.cursor = seen.cursor + PAGE if seen.cursor + PAGE < len(seen.sources) else 0
        sight["totals"] += group.source, "|".join(map(str, seen.sources[group.source]))
        if group.opening and not opened:
            more = sight.setdefault("more", [])
            if len(more) < MORE:
                more.append(orjson.loads(group.opening))
        sight["urgent"] = seen.urgent


def _worth(seen: Seen) -> tuple[int, int, str]:
    """Of a crowd the least of these leave."""
    return 0 if seen.ended is not None or seen.into else 1 + seen.tight, seen.last, seen.case_id


def _learned(verdict: str, seen: Seen) -> Learned:
    return Learned(verdict, seen.case_id, seen.x, seen.y, seen.first, seen.last, seen.urgent)
