"""Reports as they stand on the log, joined with what intake said of them: for `explain`, `case show --reports` and the audit's verdicts.

Reads `incidents.reported` leniently: whatever names itself by source and id is shown, also when intake rejected it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from adapters import reader
from adapters.fates import decode_fates
from adapters.reader import Progress, Record
from config.settings import Settings
from config.topics import FATES, REPORTED
from incidents.audit import Span
from incidents.decision import Verdict
from incidents.fates import Flush, grounds

FAR_MS = 1 << 60


@dataclass(frozen=True, slots=True)
class Head:
    """What names a report; a field is "" where it is missing or no text. `category` and `channel` are as sent."""

    source: str
    id: str
    time: str
    category: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What intake said of the report at one offset; `verdict`, `reason` and `rules` are None while it has said nothing."""

    partition: int
    offset: int
    case_id: str | None
    verdict: Verdict | None
    reason: str | None
    rules: str | None

    def told(self) -> dict[str, Any]:
        """The fields that a person or a program is told; the numbers of the reason also by themselves."""
        return {
            "partition": self.partition,
            "offset": self.offset,
            "verdict": self.verdict,
            "reason": self.reason,
            **grounds(self.reason or "")._asdict(),
            "rules": self.rules,
        }


def head(record: Record) -> Head | None:
    """The report's name from a structured or binary CloudEvent; None when neither can be read."""
    try:
        event = orjson.loads(record.value or b"")
    except ValueError:
        return None
    if (source := record.header("ce_source")) is not None:
        names = {"source": source, "id": record.header("ce_id"), "time": record.header("ce_time"), "data": event}
    elif isinstance(event, dict):
        names = event
    else:
        return None
    body = names.get("data")
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    source, name, time = (_text(names.get(each)) for each in ("source", "id", "time"))
    return Head(source, name, time, _text(said.get("category")), _text(said.get("channel")))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def reports(settings: Settings, spans: Mapping[int, Span], progress: Progress = lambda _: None) -> Iterator[tuple[Record, Head]]:
    """The reports of these spans that name themselves. Raises UserError when Kafka is away."""
    for record in reader.read(settings.kafka_bootstrap, settings.named(REPORTED.name), spans, progress):
        if (named := head(record)) is not None:
            yield record, named


def fates(
    settings: Settings, spans: Mapping[int, Span] | None = None, progress: Progress = lambda _: None, naming: bytes = b""
) -> Iterator[Flush]:
    """The records of fates in these spans (all by default) that hold the bytes `naming`. Raises UserError when Kafka is away."""
    topic = settings.named(FATES.name)
    wanted = reader.spans(settings.kafka_bootstrap, topic) if spans is None else spans
    for record in reader.read(settings.kafka_bootstrap, topic, wanted, progress):
        if naming in (record.value or b""):  # a case's id stands there as it is: most records need not be decoded
            said = decode_fates(record.value)
            if isinstance(said, Flush):
                yield said


def fate_of(settings: Settings, topic_id: str, record: Record) -> Judged | None:
    """What was said first of this report; None when nothing was said yet. A fate is never said before its report was appended."""
    place = record.partition % FATES.partitions
    span = reader.between(settings.kafka_bootstrap, settings.named(FATES.name), record.timestamp_ms, FAR_MS)[place]
    for flush in fates(settings, {place: span}):
        if (flush.topic_id, flush.partition) == (topic_id, record.partition):
            for fate in flush.fates:
                if record.offset in fate.offsets:
                    return Judged(record.partition, record.offset, fate.case_id, fate.verdict, fate.reason, fate.rules)
    return None


def of_case(
    settings: Settings, topic_id: str, case_id: str, spans: Mapping[int, Span] | None = None, progress: Progress = lambda _: None
) -> list[Judged]:
    """Every report of a case that these spans of the fates tell of (all by default), by partition and offset; each offset once."""
    found: dict[tuple[int, int], Judged] = {}
    for flush in fates(settings, spans, progress, case_id.encode()):
        for fate in flush.fates if flush.topic_id == topic_id else ():
            if fate.case_id == case_id:
                for offset in fate.offsets:
                    judged = Judged(flush.partition, offset, case_id, fate.verdict, fate.reason, fate.rules)
                    found.setdefault((flush.partition, offset), judged)
    return [found[at] for at in sorted(found)]


def heads(settings: Settings, judged: list[Judged]) -> dict[tuple[int, int], Head]:
    """The names of these reports, by partition and offset; those whose records are gone from the log (retention) are missing."""
    topic = settings.named(REPORTED.name)
    wanted: dict[int, list[int]] = {}
    for each in judged:
        wanted.setdefault(each.partition, []).append(each.offset)
    found = ((record, head(record)) for record in reader.pick(settings.kafka_bootstrap, topic, wanted))
    return {(record.partition, record.offset): named for record, named in found if named}
