"""What intake had said of reports that it had not committed when the hot store was lost; the rebuild (streams/rebuild.py) goes by it.

The fates outlive the hot store, its marks do not. Without them such a report would be sifted again, and perhaps otherwise: a resend whose
ids are gone would count as a sighting. What is told of a source in the fates is put into the totals of its cases, and the marks follow.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters import reported
from adapters.bus import TopicState
from adapters.reader import between, read, spans, state
from config.settings import Settings
from config.topics import FATES, REPORTED
from incidents.audit import Span
from incidents.audit_checks import COUNTED
from incidents.case import Case
from incidents.commands import SourceTotal
from incidents.decision import Verdict
from incidents.events import CaseId

AHEAD_MS = 60_000
"""Fates run ahead of the commit by the second in which repeats are gathered, half a second between commits, and a call."""


@dataclass(frozen=True, slots=True)
class Told:
    """A report beyond intake's commit of which a fate was said; `time` is its own."""

    source: str
    time: datetime
    topic_id: str
    partition: int
    offset: int
    case_id: CaseId | None
    verdict: Verdict


def beyond_commits(settings: Settings) -> list[Told]:
    """The reports, in the order of each partition, that have a fate and are not committed. Raises UserError when Kafka is away."""
    known = state(settings.kafka_bootstrap, settings.named(REPORTED.name), settings.named("intake"))
    begins = dict(_uncommitted(known))
    said: dict[int, dict[int, tuple[CaseId | None, Verdict]]] = {partition: {} for partition in begins}
    for flush in reported.fates(settings, _recent_fates(settings, begins)):
        if flush.topic_id == known.topic_id and flush.partition in begins:
            for fate in flush.fates:
                case_id = None if fate.case_id is None else CaseId(fate.case_id)
                beyond = (offset for offset in fate.offsets if offset >= begins[flush.partition])
                said[flush.partition].update(dict.fromkeys(beyond, (case_id, fate.verdict)))
    wanted = {partition: Span(begins[partition], max(offsets) + 1) for partition, offsets in said.items() if offsets}
    told = []
    for record, head in reported.reports(settings, wanted):
        if (what := said[record.partition].get(record.offset)) is not None and what[1] is not Verdict.REJECTED:
            told.append(Told(head.source, _time(head.time), known.topic_id, record.partition, record.offset, *what))
    return told


def _uncommitted(known: TopicState) -> Iterator[tuple[int, int]]:
    for partition, begin in known.starts.items():
        offset, topic_id = known.committed.get(partition, (begin, known.topic_id))
        first = max(begin, offset) if topic_id in ("", known.topic_id) else begin
        if first < known.ends[partition]:
            yield partition, first


def _recent_fates(settings: Settings, begins: Mapping[int, int]) -> dict[int, Span]:
    """Where the fates of these partitions' uncommitted reports must stand: behind the reports, and near the end."""
    bootstrap, fates = settings.kafka_bootstrap, settings.named(FATES.name)
    everything = spans(bootstrap, fates)
    places = {partition % FATES.partitions for partition in begins}
    ends = {place: everything[place] for place in places if everything[place].begin < everything[place].end}
    last = [each.timestamp_ms for each in read(bootstrap, fates, {place: Span(span.end - 1, span.end) for place, span in ends.items()})]
    if not last:
        return {}
    recent = between(bootstrap, fates, min(last) - AHEAD_MS, max(last))
    return {place: Span(recent[place].begin, span.end) for place, span in ends.items()}


def _time(text: str) -> datetime:
    """A judged report's time is sound; should it not be, it is older than everything."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def with_told(cases: Mapping[CaseId, Case], told: Iterable[Told]) -> dict[CaseId, Case]:
    """The cases with these reports in their totals: counted where they were, and the source's offset moved behind them.

    A source whose report's case is not known is left from there on: it is sifted again, which opens the same case. So is one whose total
    stands at another partition (its reports moved when the topic got more of them).
    """
    totals = {case_id: dict(case.totals) for case_id, case in cases.items()}
    last = {
        (total.partition, source): case_id
        for case_id, case in sorted(cases.items(), key=lambda each: each[1].last_seen)
        for source, total in case.totals.items()
    }
    left: set[tuple[int, str]] = set()
    for each in told:
        source = each.partition, each.source
        case_id = each.case_id or last.get(source)
        if source in left or case_id not in totals or not _count(totals[case_id], each):
            left.add(source)
        else:
            last[source] = case_id
    return {case_id: case.model_copy(update={"totals": totals[case_id]}) for case_id, case in cases.items()}


def _count(totals: dict[str, SourceTotal], told: Told) -> bool:
    known = totals.get(told.source)
    many = int(told.verdict in COUNTED)
    at = {"topic_id": told.topic_id, "partition": told.partition, "offset": told.offset}
    if known is None:
        if not many:
            return False
        totals[told.source] = SourceTotal(count=many, first=told.time, last=told.time, **at)
        return True
    if (known.topic_id, known.partition) != (told.topic_id, told.partition):
        return False
    if known.offset < told.offset:
        first, last = min(known.first, told.time), max(known.last, told.time)
        totals[told.source] = SourceTotal(count=known.count + many, first=first, last=last, **at)
    return True
