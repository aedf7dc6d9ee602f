"""Gathers what the audit judges, from Kafka alone but for the totals of the hot store: waits for the roles, takes the cut, reads.

The order matters while traffic goes on: first intake's commits (the cut), then closure up to all that intake had told by then, then
`cases.latest`, and the facts last, so that whatever an earlier reading names, the later ones hold.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import orjson

from adapters import reader
from adapters.bus import TopicState
from adapters.fates import decode_fates
from adapters.seen import read_seen
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, CASES_LATEST, FATES, REJECTED, REPORTED, Topic
from incidents.audit import Cut, Span, Tally
from incidents.audit_checks import Findings, Totals, counted
from incidents.case import Position
from incidents.errors import NotReady, TryAgain
from incidents.factbook import FactBook
from incidents.fates import BadFates, Rebuilt

Say = Callable[[str], None]
LOOK_EVERY_S = 0.5
SAY_EVERY_S = 2.0


@dataclass(frozen=True)
class Caught:
    """How far a role has come: what it has committed, and how many records were behind that when we stopped waiting."""

    state: TopicState
    committed: Mapping[int, int]
    behind: int


def caught_up(settings: Settings, topic: Topic, role: str, patience_s: float, say: Say) -> Caught:
    """Waits until the role has committed all that stood in the topic at first sight, or made no progress for `patience_s`."""
    name, group = settings.named(topic.name), settings.named(role)
    found = reader.state(settings.kafka_bootstrap, name, group)
    goal, best, moved_at, said_at = found.ends, -1, time.monotonic(), 0.0
    while True:
        committed = commits(found)
        behind = sum(max(0, end - committed[partition]) for partition, end in goal.items())
        now = time.monotonic()
        if sum(committed.values()) > best:
            best, moved_at = sum(committed.values()), now
        if not behind or now - moved_at >= patience_s:
            return Caught(found, committed, behind)
        if now - said_at >= SAY_EVERY_S:
            said_at = now
            say(f"waiting for {role}: {behind:,} records of {name} to go …")
        time.sleep(LOOK_EVERY_S)
        found = reader.state(settings.kafka_bootstrap, name, group)


def commits(found: TopicState) -> dict[int, int]:
    """Partition → committed offset; the log's start where the group has committed nothing of this incarnation of the topic."""
    said = {p: offset for p, (offset, topic_id) in found.committed.items() if topic_id in ("", found.topic_id)}
    return {partition: max(start, min(said.get(partition, start), found.ends[partition])) for partition, start in found.starts.items()}


def gather(settings: Settings, patience_s: float, say: Say) -> Findings:
    """Everything that the audit judges. Raises UserError when Kafka or a topic is not there."""
    intake = caught_up(settings, REPORTED, "intake", patience_s, say)
    closure = caught_up(settings, CASE_COMMANDS, "closure", patience_s, say)
    now = reader.state(settings.kafka_bootstrap, settings.named(REPORTED.name))
    cuts = {p: Cut(start, intake.committed[p], now.ends.get(p, 0)) for p, start in intake.state.starts.items()}
    reading = Reading(settings, intake.state.topic_id, say)
    reading.fates()
    reading.dead_letters()
    reading.latest()
    reading.facts()
    if closure.behind:
        reading.faults.append(f"closure is {closure.behind} commands behind and makes no progress")
    if intake.behind and not any(cut.committed > cut.start for cut in cuts.values()):
        reading.faults.append(f"intake has committed none of {intake.behind} reports")
    return Findings(
        topic_id=reading.topic_id,
        cuts=cuts,
        tallies=reading.tallies,
        book=reading.book,
        dead=frozenset(reading.dead),
        latest=reading.cases,
        seen=_seen(settings, intake.state.cluster_id, sorted(reading.book.stories), say),
        early=reading.early(),
        faults=reading.faults,
    )


def _seen(settings: Settings, cluster_id: str, case_ids: list[str], say: Say) -> dict[str, Totals] | None:
    try:
        return read_seen(settings, cluster_id, case_ids)
    except (TryAgain, NotReady) as error:
        say(f"the hot store does not answer ({error}); totals are checked against cases.latest instead")
        return None


class Reading:
    """What has been read so far. Of a topic's records, those that cannot be read are `faults`, each with its place."""

    def __init__(self, settings: Settings, topic_id: str, say: Say) -> None:
        self.topic_id = topic_id
        self.tallies = {topic_id: Tally(topic_id, pages=None)}
        self.book = FactBook()
        self.dead: set[tuple[int, int]] = set()
        self.cases: dict[str, Totals] = {}
        self.rebuilt_ms = -1
        self.faults: list[str] = []
        self._settings = settings
        self._say = say

    def fates(self) -> None:
        """All of `incidents.fates`, a tally per incarnation of `incidents.reported`."""
        self.tallies |= self._tallies(self._records(FATES))

    def early(self) -> Mapping[str, int]:
        """Sightings by case whose fates stood on the log before the last note of a rebuild."""
        if self.rebuilt_ms < 0:
            return {}
        bootstrap, name = self._settings.kafka_bootstrap, self._settings.named(FATES.name)
        before = reader.between(bootstrap, name, 0, self.rebuilt_ms)
        return counted(self._tallies(reader.read(bootstrap, name, before)).values())

    def _tallies(self, records: Iterable[reader.Record]) -> dict[str, Tally]:
        found: dict[str, Tally] = {}
        for record in records:
            try:
                said = decode_fates(record.value)
            except BadFates as error:
                self.faults.append(f"{FATES.name} {record.partition}:{record.offset}: {error}")
                continue
            if isinstance(said, Rebuilt):
                self.rebuilt_ms = max(self.rebuilt_ms, record.timestamp_ms)
            else:
                found.setdefault(said.topic_id, Tally(said.topic_id, pages=None)).add_fates(said)
        return found

    def dead_letters(self) -> None:
        """Where the dead letters of this incarnation of `incidents.reported` come from."""
        for record in self._records(REJECTED):
            if record.header("origin-topic") != self._settings.named(REPORTED.name):
                continue
            if record.header("origin-topic-id") in (None, self.topic_id):
                self.dead.add((int(record.header("origin-partition") or -1), int(record.header("origin-offset") or -1)))

    def latest(self) -> None:
        """The last state of every case that is not forgotten."""
        for record in self._records(CASES_LATEST):
            case_id = (record.key or b"").decode()
            if record.value is None:
                self.cases.pop(case_id, None)
                continue
            case = orjson.loads(record.value)
            totals = case["totals"].values()
            at = tuple(Position(topic_id=t["topic_id"], partition=t["partition"], offset=t["offset"]) for t in totals)
            self.cases[case_id] = Totals(sum(total["count"] for total in totals), at, case["sequence"])

    def facts(self) -> None:
        """All facts; they are kept for ever, so one that is gone from the log is a fault."""
        expected: dict[int, int] = {}
        for record in self._records(CASE_EVENTS):
            if record.offset != expected.get(record.partition, 0):
                self.faults.append(f"{CASE_EVENTS.name} {record.partition}:{expected.get(record.partition, 0)} is gone from the log")
            expected[record.partition] = record.offset + 1
            try:
                self.book.add(orjson.loads(record.value or b""), record.value or b"")
            except (ValueError, KeyError, TypeError) as error:
                self.faults.append(f"{CASE_EVENTS.name} {record.partition}:{record.offset} is no fact ({error!r})")

    def _records(self, topic: Topic) -> Iterator[reader.Record]:
        name = self._settings.named(topic.name)
        wanted: dict[int, Span] = reader.spans(self._settings.kafka_bootstrap, name)
        if topic is CASE_EVENTS:
            self.faults += [f"{topic.name} {p} is empty and begins at {s.begin}" for p, s in wanted.items() if s.begin == s.end > 0]
        total = sum(span.end - span.begin for span in wanted.values())
        done, said_at = 0, time.monotonic()

        def progress(count: int) -> None:
            nonlocal done, said_at
            done += count
            if time.monotonic() - said_at >= SAY_EVERY_S:
                said_at = time.monotonic()
                self._say(f"reading {name}: {done:,} of {total:,} records …")

        yield from reader.read(self._settings.kafka_bootstrap, name, wanted, progress)
