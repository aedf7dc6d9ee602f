"""What intake holds of one partition between reading and telling: what it recognises, what waits to be told, what waits to be sifted.

A lane never talks to anybody. The stage (streams/intake.py) feeds it records and carries its calls out; the hypothesis suite drives lanes
against the in-memory twin through kills, zombies and other batch borders. The rules that keep every report counted once:

- what is pending for a source travels before its next sift, and everything of a source stays in the order of its offsets;
- a group that could not be answered goes back to the front, split into single reports;
- `done` never passes a report that is not applied and told.

A machine's report that nothing known explains is sifted, and remembered at once as the answer that is awaited: its repeats wait for that
answer instead of being asked for themselves. So reading far ahead of the answers costs nothing.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.consumer import ConsumerRecord
from adapters.sift import Learned
from incidents.errors import BadReport, RejectReason
from incidents.steps import intake
from incidents.steps.sifting import Group
from streams.calls import Calls
from streams.glance import Event
from streams.memory import Memory
from streams.repeats import MOST_REPORTS, ROW, Known, Pending, Waiting
from streams.sorting import Sighting, Sorter, report_key
from streams.telling import Rejected

MOST_STAMPS = 4096
"""Slices of reading whose append time is remembered: more than wait for an answer while Redis answers."""
FAR_MS = 1 << 60

Key = tuple[str, str]
"""Source and category."""
Original = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]
"""Key, value and headers of a record as it came."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How old and how new a report may be, in ms around its append on the city's clock."""

    appended: Callable[[int], int]
    ahead: int
    past: int | None  # None: any age

    def passes(self, time: int, appended: int) -> bool:
        """Whether both fit."""
        return time <= appended + self.ahead and (self.past is None or time >= appended - self.past)


class Lane:
    """One partition. `take` reads records in order; `calls` gives the next groups to sift; `answered` takes what they came to, and
    `published` says that this is told: the next groups may be sifted before that."""

    def __init__(self, sorter: Sorter, gate: Gate, partition: int, start: int = 0) -> None:
        self.partition = partition
        self.recognised = 0
        self.unusual = 0  # records whose key is not their report's source
        self._highest = 0  # event time read, ms
        self._sorter = sorter
        self._gate = gate
        self._memory = Memory()
        self._asked: dict[Key, Group] = {}  # the last group of a machine and category that has no answer yet
        self._pending = Pending()
        self._calls = Calls(self._pending)
        self.restart(start)

    def restart(self, start: int = 0) -> None:
        """Forget all that was read and not finished; what is known stays, the script checks every hint."""
        for key in self._asked:
            self._memory.drop(*key)
        self.position = start  # behind the last record read
        self._held = 0  # reports read and not yet answered
        self._pending.clear()
        self._calls.clear()
        self._asked = {}
        self._originals: dict[int, Original] = {}  # of records on their way
        self._stamps: deque[tuple[int, int]] = deque(maxlen=MOST_STAMPS)  # offset and append time of the first record of each slice
        self._settled = self.recognised, self._pending.begun  # at the last `settle`
        self.rejected: list[Rejected] = []
        self._rejecting: list[Rejected] = []

    # -- reading

    def take(self, records: Sequence[ConsumerRecord]) -> None:
        """Take the next records of the partition, in order."""
        if records:
            self._stamps.append((records[0].offset, records[0].timestamp))
        look, stamp = self._sorter.glancer.look, None
        for record in records:
            if record.timestamp != stamp:
                stamp = record.timestamp
                appended = self._gate.appended(stamp)
            seen = look(record.value) if record.value is not None and not record.headers else None
            if seen is None or not self._repeats(record, appended, *seen):
                self._read(record, appended, seen)
        if records:
            self.position = records[-1].offset + 1

    def _repeats(self, record: ConsumerRecord, appended: int, event: Event, time: int) -> bool:
        """Count a repeat of what is known; False, having taken nothing, when that needs a closer look."""
        data, source = event.data, event.source
        sources = self._memory.young.get(data.category)
        known = sources.get(source) if sources is not None else None
        if known is None or record.key != source.encode() or not self._gate.passes(time, appended):
            return False
        seen = time if time < appended else appended
        if not known.takes(data, seen):
            return False
        key = report_key(event.id, time)
        if time <= known.newest and (time <= known.since or self._pending.holds(source, key)):
            return False
        where = None if known.case else (data.location.lon, data.location.lat)
        self._recognised(source, known, time, (record.offset, seen, key, record.value), where)
        return True

    def _read(self, record: ConsumerRecord, appended: int, seen: tuple[Event, int] | None) -> None:
        try:
            if record.key == b"":
                raise BadReport(RejectReason.EMPTY_KEY, "the record's key is \"\"; send the report's source, or no key at all")
            value = intake.from_headers(record.headers, record.value) if record.headers else record.value
            sighting = self._sorter.seen(seen[0]) if seen is not None else self._sorter.sighting(value)
            assert value is not None
            self._sort(sighting, record.offset, appended, record.timestamp, value)
        except BadReport as error:
            self.rejected.append(Rejected(record.offset, error, record.key, record.value, record.headers))
            return
        unusual = record.key != sighting.event["source"].encode()
        if unusual or record.headers:
            self._originals[record.offset] = record.key, record.value, record.headers
            self.unusual += unusual

    def _sort(self, sighting: Sighting, offset: int, appended: int, stamp: int, value: bytes) -> None:
        time = sighting.time
        if not self._gate.passes(time, appended):
            intake.judge_time(sighting.at, self._sorter.city, datetime.fromtimestamp(appended / 1000, UTC))
        event, seen = sighting.event, min(time, appended)
        known = self._memory.get(event["source"], sighting.row.category.key)
        if known is not None and time > known.newest and known.explains(sighting, seen):
            row = offset, seen, report_key(event["id"], time), value
            self._recognised(event["source"], known, time, row, None if known.case else sighting.where)
        else:
            self._highest = max(self._highest, time)
            self._sift(self._sorter.group(sighting, value, offset, seen, stamp))

    def _recognised(self, source: str, known: Known, time: int, row: Waiting, where: tuple[float, float] | None) -> None:
        repeats = known.repeats
        if repeats is None or len(repeats.reports) == ROW * MOST_REPORTS:
            repeats = self._pending.begin(source, known)
        repeats.reports += row
        if where is not None:
            repeats.places.append(where)
        if time > repeats.newest:
            repeats.newest = time
            if time > known.newest:
                known.newest = time
                if time > self._highest:
                    self._highest = time
        if row[1] > known.last:
            known.last = row[1]
        self._held += 1
        self.recognised += 1

    def _sift(self, group: Group) -> None:
        """Ask about a group, behind all that is pending of its source and of anything that may belong to the same case."""
        self._calls.add((*self._pending.of(group), group))
        self._held += 1
        self._await(group)

    def _await(self, group: Group) -> None:
        """Its answer decides what is known of its source and category; until then its repeats wait."""
        key = group.source, group.category
        if not group.machine:
            self._memory.drop(*key)
            return
        seen = group.times[0]
        row = self._sorter.rows[group.category]
        self._asked[key] = group
        before = self._memory.get(*key)
        newest = max(group.newest, before.newest) if before is not None else group.newest
        self._memory.keep(*key, Known("", row, group.identity, group.x, group.y, group.cos, seen, seen, newest, group.urgent))

    # -- sifting

    def settle(self) -> None:
        """Send everything pending on its way, behind what is new: for that people wait."""
        self._calls.settle()
        self._settled = self.recognised, self._pending.begun

    def together(self) -> float:
        """Repeats since the last `settle` that go together in a group, at least 1: what it pays to wait for more of them."""
        recognised, begun = self._settled
        return max(1.0, (self.recognised - recognised) / max(1, self._pending.begun - begun))

    def calls(self) -> list[Group]:
        """The next groups to sift, in flight from now on; empty when there is nothing to do."""
        return self._calls.take()

    def put_back(self) -> None:
        """The call got no answer: the same groups are next again."""
        self._calls.put_back()

    def answered(self, learned: Sequence[Learned]) -> None:
        """Take what the groups in flight came to; what was decided of them is still to be told."""
        again: list[Group] = []
        split = False
        for group, answer in zip(self._calls.inflight, learned, strict=True):
            if answer.verdict == "later":
                again.append(group)
                continue
            if answer.verdict == "again":
                split = True
                again.extend(self._split(group))
                continue
            self._held -= len(group.offsets)
            if answer.verdict == "failed":
                detail = BadReport(RejectReason.FAILED, f"the atomic call failed on this report's group: {answer.case}")
                self.rejected += self._as_they_came(group, detail)
            if answer.case or answer.verdict != "merged":
                self._learn(group, answer)
            if self._originals:
                for offset in group.offsets:
                    self._originals.pop(offset, None)
        self._calls.answered(learned, again, split)

    def _as_they_came(self, group: Group, detail: BadReport) -> Iterator[Rejected]:
        for offset, value in zip(group.offsets, group.values, strict=True):
            yield Rejected(offset, detail, *self._originals.get(offset, (group.source.encode(), value, ())))

    def _split(self, group: Group) -> list[Group]:
        """Its reports one by one, each with all that it needs to open a case."""
        key = group.source, group.category
        self._unsettled(key, group)
        rows = zip(group.values, group.offsets, group.times, strict=True)
        singles = [self._sorter.group_of(value, offset, time) for value, offset, time in rows]
        if key not in self._asked and singles[-1].machine:
            self._await(singles[-1])
        return singles

    def _learn(self, group: Group, answer: Learned) -> None:
        """The answer to a source's latest question is what its next repeats are held against."""
        if not group.machine:
            return
        key = group.source, group.category
        if not answer.case or answer.verdict == "failed":
            self._unsettled(key, group)
            return
        if self._asked.get(key, group) is not group:
            return  # a later group of the source decides
        self._asked.pop(key, None)
        before = self._memory.get(*key)
        if before is not None and before.case == answer.case:
            before.first, before.last, before.urgent = min(before.first, answer.first), max(before.last, answer.last), answer.urgent
            return
        row, where = self._sorter.rows[group.category], (answer.x, answer.y, group.cos)
        since = max(group.newest, answer.last)
        known = Known(answer.case, row, group.identity, *where, answer.first, answer.last, group.newest, answer.urgent, since)
        self._memory.keep(*key, known)
        if before is not None:
            known.newest = max(known.newest, before.newest)
            if not before.case and not self._pending.adopt(group.source, before, known):
                for single in [self._sorter.group_of(*each) for each in self._pending.reports(group.source)]:
                    self._held -= 1
                    self._sift(single)

    def _unsettled(self, key: Key, group: Group) -> None:
        """No case explains this source's repeats any more: those that wait are asked for themselves."""
        if self._asked.get(key, group) is group:
            self._asked.pop(key, None)
            self._memory.drop(*key)
            self._calls.add(self._pending.of_source(group.source))

    # -- telling

    def published(self) -> None:
        """What the oldest answered call decided is told."""
        self._calls.untold.popleft()

    def outbox_published(self) -> None:
        """What all answered calls decided is told."""
        self._calls.untold.clear()

    def rejecting(self) -> list[Rejected]:
        """The rejected records to tell now; they stay here until `told`."""
        self._rejecting += self.rejected
        self.rejected = []
        return self._rejecting

    def told(self) -> None:
        """The records of `rejecting` are durable on the dead letters and in the fates."""
        self._rejecting = []

    def high(self) -> int | None:
        """The highest event time read, ms."""
        return self._highest or None

    def known(self) -> int:
        """How many pairs of source and category are remembered."""
        return len(self._memory)

    def stamp(self, offset: int) -> int | None:
        """When Kafka took the record at this offset, in ms, as the first of the slice it was read in; None for one read long ago."""
        at = bisect_right(self._stamps, (offset, FAR_MS)) - 1
        return self._stamps[at][1] if at >= 0 else None

    def waiting(self) -> int:
        """Groups that wait for a call, those of due sources as one each."""
        return self._calls.waiting()

    def settling(self) -> bool:
        """Whether some of what was pending at the last `settle` is not yet asked for."""
        return self._calls.settling()

    def held(self) -> int:
        """Reports that are read and not yet answered."""
        return self._held

    def idle(self) -> bool:
        """Whether nothing at all waits."""
        return not (self._calls.waiting() or self._calls.untold or self._pending or self.rejected or self._rejecting)

    def done(self) -> int:
        """The offset behind everything that is applied and told."""
        waiting = list(self._calls.firsts())
        pending = self._pending.first()
        if pending is not None:
            waiting.append(pending)
        waiting += [each.offset for each in (*self.rejected, *self._rejecting)]
        return min(waiting, default=self.position)
