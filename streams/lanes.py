"""What intake holds of one partition between reading and telling: what it recognises, what waits to be told, what waits to be sifted.

A lane never talks to anybody. The stage (streams/intake.py) feeds it records and carries its calls out; the hypothesis suite drives lanes
against the in-memory twin through kills, zombies and other batch borders. The rules that keep every report counted once:

- what is pending for a source travels before its next sift, and everything of a source stays in the order of its offsets;
- a group that could not be answered goes back to the front, split into single reports;
- `done` never passes a report that is not applied and told.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.sift import Learned
from incidents.errors import BadReport, RejectReason
from incidents.steps import intake
from incidents.steps.sifting import CM, Group, distance_cm
from streams.sorting import URGENT, Row, Sighting, Sorter, cosine, report_key
from streams.telling import Rejected

MOST_GROUPS = 1000
MOST_REPORTS = 5000
MOST_KNOWN = 300_000
"""Pairs of source and category remembered per generation; two generations are kept, the older one forgotten when the younger is full."""

Key = tuple[str, str]
"""Source and category."""


Original = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]
"""Key, value and headers of a record as it came."""

Cell = tuple[str, int | str, int]
"""Family, then a square or an identity."""


@dataclass(slots=True)
class Known:
    """The open case that explains a source's repeats; a hint only: the script checks it again."""

    case: str
    identity: str
    x: int
    y: int
    first: int
    last: int
    newest: int
    urgent: int


class Lane:
    """One partition. `read` takes records in order; `calls` gives the next groups to sift; `answered` takes what they came to."""

    def __init__(self, sorter: Sorter, partition: int, start: int) -> None:
        self.partition = partition
        self.position = start  # behind the last record read
        self.high: int | None = None  # highest event time read, ms
        self.recognised = 0
        self._sorter = sorter
        self._young: dict[Key, Known] = {}
        self._old: dict[Key, Known] = {}
        self._pending: dict[str, list[Group]] = {}
        self._cells: dict[Cell, set[str]] = {}  # sources with something pending, by the place of its case
        self._todo: deque[Group] = deque()
        self._last: dict[str, Group] = {}  # the last group of a source in _todo
        self._inflight: list[Group] = []
        self._originals: dict[int, Original] = {}  # of records on their way
        self.rejected: list[Rejected] = []
        self._rejecting: list[Rejected] = []

    def restart(self, start: int) -> None:
        """Forget all that was read and not finished; what is known stays, the script checks every hint."""
        self.position = start
        self._pending, self._cells, self._todo, self._last, self._inflight = {}, {}, deque(), {}, []
        self.rejected, self._rejecting, self._originals = [], [], {}

    # -- reading

    def read(self, value: bytes | None, offset: int, appended: int, judge: Callable[[int, int], bool]) -> str:
        """Take one record; `appended` is its append time on the city's clock in ms, `judge(time, appended)` says whether both fit.

        Returns the report's source, which is what the record's key should be. Raises BadReport, having taken nothing; `reject` must follow.
        """
        self.position = offset + 1
        sighting = self._sorter.sighting(value)
        assert value is not None
        event, at, time, row, _, _ = sighting
        if not judge(time, appended):
            intake.judge_time(at, self._sorter.city, datetime.fromtimestamp(appended / 1000, UTC))
        seen = min(time, appended)
        if self.high is None or time > self.high:
            self.high = time
        key = (event["source"], row.category.key)
        known = self._young.get(key) or self._promoted(key)
        if known is not None and time > known.newest and _explains(known, sighting, seen):
            group = self._recognised(known, key, row)
            group.offsets.append(offset)
            group.times.append(seen)
            group.keys.append(report_key(event["id"], time))
            group.values.append(value)
            known.newest, known.last = time, max(known.last, seen)
            self.recognised += 1
            return event["source"]
        self._young.pop(key, None)  # what it will be is open until the answer
        self._sift(self._sorter.group(sighting, value, offset, seen))
        return event["source"]

    def came_as(self, offset: int, original: Original) -> None:
        """The record just read has another key than its source, or headers: kept for the dead letters until it is answered."""
        self._originals[offset] = original

    def _sift(self, group: Group) -> None:
        self._settle(group.source)
        for cell in _around(group):
            for other in tuple(self._cells.get(cell, ())):
                self._settle(other)
        self._enqueue(group)

    def reject(self, rejected: Rejected) -> None:
        """Keep a record for the dead letters."""
        self.position = max(self.position, rejected.offset + 1)
        self.rejected.append(rejected)

    def _promoted(self, key: Key) -> Known | None:
        known = self._old.pop(key, None)
        if known is not None:
            self._remember(key, known)
        return known

    def _remember(self, key: Key, known: Known) -> None:
        self._young[key] = known
        if len(self._young) >= MOST_KNOWN:
            self._old, self._young = self._young, {}

    def known(self) -> int:
        """How many pairs of source and category are remembered."""
        return len(self._young) + len(self._old)

    def _recognised(self, known: Known, key: Key, row: Row) -> Group:
        """The group that tells this source's repeats of what is known; only the last one of a source may grow."""
        source, category = key
        groups = self._pending.setdefault(source, [])
        group = groups[-1] if groups else None
        if group is None or group.hint != known.case or group.category != category or group.identity != known.identity:
            group = Group(
                source=source,
                category=category,
                family=row.family,
                identity=known.identity,
                x=known.x,
                y=known.y,
                cos=cosine(known.y / 1e7),
                known=True,
                tight=False,
                machine=True,
                urgent=known.urgent,
                rule=row.rule,
                hint=known.case,
            )
            groups.append(group)
            self._cells.setdefault(_cell(group), set()).add(source)
        return group

    def _settle(self, source: str) -> None:
        """What is pending for a source travels before its next sift, and before the sift of anything that may belong to the same case."""
        for group in self._pending.pop(source, ()):
            self._cells.get(_cell(group), set()).discard(source)
            self._put(group)

    def settle(self) -> None:
        """Send everything pending on its way: called once a second."""
        for groups in self._pending.values():
            for group in groups:
                self._put(group)
        self._pending, self._cells = {}, {}

    def _put(self, group: Group) -> None:
        self._todo.append(group)
        self._last[group.source] = group

    def _enqueue(self, group: Group) -> None:
        """Repeats of one unknown thing inside a batch share a group, when nothing else of the source lies between."""
        last = self._last.get(group.source)
        if last is not None and _collapses(last, group):
            last.spread = max(last.spread, distance_cm(group, last))
            last.offsets += group.offsets
            last.times += group.times
            last.keys += group.keys
            last.values += group.values
            return
        self._put(group)

    # -- sifting

    def calls(self) -> list[Group]:
        """The next groups to sift, in flight from now on; empty when there is nothing to do."""
        assert not self._inflight
        reports = 0
        taken: list[Group] = []
        while self._todo and len(taken) < MOST_GROUPS and reports + len(self._todo[0].offsets) <= MOST_REPORTS:
            group = self._todo.popleft()
            reports += len(group.offsets)
            taken.append(group)
            if self._last.get(group.source) is group:
                del self._last[group.source]
        self._inflight = taken
        return taken

    def put_back(self) -> None:
        """The call got no answer: the same groups are next again."""
        self._todo.extendleft(reversed(self._inflight))
        self._inflight = []

    def answered(self, learned: Sequence[Learned]) -> None:
        """Take what the groups in flight came to; everything decided of them is told."""
        again: list[Group] = []
        for group, answer in zip(self._inflight, learned, strict=True):
            if answer.verdict == "again":
                again.extend(self._split(group))
            elif answer.verdict == "later":
                again.append(group)
            elif answer.verdict == "failed":
                detail = BadReport(RejectReason.FAILED, f"the atomic call failed on this report's group: {answer.case}")
                self.rejected += self._as_they_came(group, detail)
            elif group.machine and answer.case and group.source not in self._last:  # a later group of the source decides
                known = Known(answer.case, group.identity, answer.x, answer.y, answer.first, answer.last, max(group.times), answer.urgent)
                self._learn((group.source, group.category), known)
        self._inflight = []
        if again:  # what was collapsed may have overtaken others: by their offsets everything is in the order of the log again
            self._todo = deque(sorted([*again, *self._todo], key=lambda group: group.offsets[0]))
        if self._originals:
            done = self.done()
            self._originals = {offset: came for offset, came in self._originals.items() if offset >= done}

    def _as_they_came(self, group: Group, detail: BadReport) -> Iterator[Rejected]:
        for offset, value in zip(group.offsets, group.values, strict=True):
            yield Rejected(offset, detail, *self._originals.get(offset, (group.source.encode(), value, ())))

    def _learn(self, key: Key, known: Known) -> None:
        before = self._young.get(key)
        if before is not None:
            known.newest = max(known.newest, before.newest)
            if before.case == known.case:
                known.last = max(known.last, before.last)
        self._remember(key, known)

    def _split(self, group: Group) -> Iterator[Group]:
        self._young.pop((group.source, group.category), None)
        self._old.pop((group.source, group.category), None)
        for offset, time, value in zip(group.offsets, group.times, group.values, strict=True):
            yield self._sorter.group_of(value, offset, time)

    # -- telling

    def rejecting(self) -> list[Rejected]:
        """The rejected records to tell now; they stay here until `told`."""
        self._rejecting += self.rejected
        self.rejected = []
        return self._rejecting

    def told(self) -> None:
        """The records of `rejecting` are durable on the dead letters and in the fates."""
        self._rejecting = []

    def waiting(self) -> int:
        """Groups that wait for a call."""
        return len(self._todo) + len(self._inflight)

    def idle(self) -> bool:
        """Whether nothing at all waits."""
        return not (self._todo or self._inflight or self._pending or self.rejected or self._rejecting)

    def done(self) -> int:
        """The offset behind everything that is applied and told."""
        waiting = [group.offsets[0] for group in (*self._todo, *self._inflight)]
        waiting += [group.offsets[0] for groups in self._pending.values() for group in groups]
        waiting += [each.offset for each in (*self.rejected, *self._rejecting)]
        return min(waiting, default=self.position)


def _cell(group: Group) -> Cell:
    """Where a group's case lies: squares of the family's radius; a thing with an identity has no other place than that."""
    if group.identity:
        return group.family, group.identity, 0
    edge = 2 * group.rule.radius
    return group.family, group.x // edge, group.y // edge


def _around(group: Group) -> Iterator[Cell]:
    if group.identity:
        yield group.family, group.identity, 0
    edge = 2 * group.rule.radius
    x, y = group.x // edge, group.y // edge
    yield from ((group.family, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1))


def _explains(known: Known, sighting: Sighting, seen: int) -> bool:
    """Whether a machine's report is one more sighting of what is known: near, inside window and span, not more urgent."""
    rule, data = sighting.row.rule, sighting.event["data"]
    if seen - known.last > rule.window or (rule.span and seen - known.first > rule.span):
        return False
    severity = data.get("severity")
    if not data["channel"].is_machine or (severity is not None and URGENT[severity] < known.urgent):
        return False
    if known.identity or sighting.named:
        return known.identity == sighting.identity
    if sighting.where is None:
        return False
    lon, lat = sighting.where
    east = (lon * 1e7 - known.x) * CM * cosine(lat) / 1_000_000
    north = (lat * 1e7 - known.y) * CM
    return east * east + north * north <= rule.radius * rule.radius


def _collapses(last: Group, group: Group) -> bool:
    if not (group.machine and last.machine and last.opening) or (last.category, last.identity) != (group.category, group.identity):
        return False
    rule, time = group.rule, group.times[0]
    if time <= last.times[-1] or time - last.times[-1] > rule.window or (rule.span and time - last.times[0] > rule.span):
        return False
    if group.urgent < last.urgent or group.held != last.held or len(last.offsets) >= MOST_REPORTS:
        return False
    if rule.moving and group.identity:
        return True
    return group.known and last.known and distance_cm(group, last) <= rule.radius
