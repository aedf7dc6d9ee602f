"""Finds reports among billions: by the partition that a source's key leads to, by append time, and otherwise the newest first.

For a person's question (`explain`, `case show --reports`). Records carry the machine's time and reports the city's: `Times` turns one
into the other where the city's clock allows it; on a clock of events nothing can be said, and the whole log is read.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters import reader, reported
from adapters.case_files import partition_of
from adapters.clock import CityClock, ClockKind, open_clock, parse_clock
from adapters.hot import Keys, connect
from adapters.reader import Record
from adapters.reported import FAR_MS, Head, Judged
from config.settings import Settings
from config.topics import FATES, REPORTED
from incidents.audit import Span
from incidents.case import Case
from incidents.catalogue import City
from incidents.decision import Verdict
from incidents.errors import TryAgain
from incidents.events import epoch_ms

Say = Callable[[str], None]
Progressing = Callable[[int], Callable[[int], None]]
"""From the number of records to come to what is told how many came."""
AROUND = timedelta(hours=1)
LEEWAY_MS = 60_000
"""Real time that city time as computed here may be off: a clock's anchor is the earliest anybody wrote."""
FIRST_PIECE = 20_000
LARGEST_PIECE = 640_000
Found = list[tuple[Record, Head]]


@dataclass(frozen=True, slots=True)
class Times:
    """City time to real time; `clock` None: the clock of events, or its anchor is not to be had."""

    clock: CityClock | None

    def real(self, begin: datetime, end: datetime) -> tuple[int, int] | None:
        """The real ms between which the city's clock showed these moments; None where nobody can say."""
        if self.clock is None or not self.clock.speed:
            return None
        now_ms = int(time.time() * 1000)
        now, speed = epoch_ms(self.clock.at(now_ms)), self.clock.speed
        return round(now_ms - (now - epoch_ms(begin)) / speed) - LEEWAY_MS, round(now_ms - (now - epoch_ms(end)) / speed) + LEEWAY_MS


def times(settings: Settings) -> Times:
    """The times of this stack. Raises UserError when it runs by another clock than the settings say."""
    if parse_clock(settings.clock).kind is ClockKind.EVENTS:
        return Times(None)

    async def opened() -> CityClock:
        redis = connect(settings.redis_url)
        try:
            return await open_clock(settings, redis, Keys(settings.namespace, settings.city))
        finally:
            await redis.aclose()

    try:
        return Times(asyncio.run(opened()))
    except TryAgain:
        return Times(None)


@dataclass(frozen=True)
class Search:
    """One person's search: says what it does, and shows how far it is."""

    settings: Settings
    say: Say
    progressing: Progressing

    def report(self, source: str, report_id: str, around: datetime | None) -> Found:
        """Every record of a report, also those that a client sent again within an hour. Raises UserError when Kafka is away.

        First where the source's key leads to, then in the other partitions (a record may have another key than its source).
        """
        topic = self.settings.named(REPORTED.name)
        everything = reader.spans(self.settings.kafka_bootstrap, topic)
        own = partition_of(source, len(everything))
        near = self._near(around)
        if near is not None:
            if found := self._within(near, source, report_id, own):
                return found
            self.say(f"not within {AROUND} of {around}; reading the whole log, the newest first")
        return self._first(self._newest_first(spans, source, report_id) for spans in _own_first(everything, own))

    def near(self, source: str, report_id: str, around: datetime) -> Found:
        """`report`, but only within an hour of its time: what a stranger may ask of the log. Everywhere on a clock of events."""
        everything = reader.spans(self.settings.kafka_bootstrap, self.settings.named(REPORTED.name))
        own, near = partition_of(source, len(everything)), self._near(around)
        return self.report(source, report_id, None) if near is None else self._within(near, source, report_id, own)

    def _within(self, near: tuple[int, int], source: str, report_id: str, own: int) -> Found:
        window = reader.between(self.settings.kafka_bootstrap, self.settings.named(REPORTED.name), *near)
        return self._first(self._read(spans, source, report_id) for spans in _own_first(window, own))

    def of_case(self, city: City, case: Case, topic_id: str) -> list[Judged]:
        """What was said of every report of a case, by partition and offset.

        Looks into the partitions of the case's sources, from its first sighting on; into all fates when its opening is not there.
        """
        settings = self.settings
        spans = reader.spans(settings.kafka_bootstrap, settings.named(FATES.name))
        places = {total.partition % FATES.partitions for total in case.totals.values() if total.topic_id == topic_id}
        bounded = {place: span for place, span in self._while_seen(city, case, spans).items() if place in places}
        found = self._of_case(case, topic_id, bounded)
        if any(judged.verdict in (Verdict.OPENED, Verdict.HELD) for judged in found):
            return found
        self.say("its opening is not where it should be; reading all fates")
        return self._of_case(case, topic_id, spans)

    def _of_case(self, case: Case, topic_id: str, spans: Mapping[int, Span]) -> list[Judged]:
        return reported.of_case(self.settings, topic_id, case.case_id, spans, self.progressing(_records(spans)))

    def _while_seen(self, city: City, case: Case, spans: Mapping[int, Span]) -> Mapping[int, Span]:
        """A report is appended at most `accept_ahead` before its own time, and at most `accept_past` after it."""
        last = case.ended_at and city.accept_past and case.ended_at + city.accept_past
        near = times(self.settings).real(case.first_seen - city.accept_ahead, last or case.first_seen)
        if near is None:
            return spans
        begin, end = near
        return reader.between(self.settings.kafka_bootstrap, self.settings.named(FATES.name), begin, end if last else FAR_MS)

    def _near(self, around: datetime | None) -> tuple[int, int] | None:
        if around is None:
            return None
        near = times(self.settings).real(around - AROUND, around + AROUND)
        if near is None:
            self.say(f"on the clock {self.settings.clock} a report's time does not say where it stands on the log")
        return near

    def _first(self, tries: Iterator[Found]) -> Found:
        return next((found for found in tries if found), [])

    def _read(self, spans: Mapping[int, Span], source: str, report_id: str) -> Found:
        reports = reported.reports(self.settings, spans, self.progressing(_records(spans)))
        return [(record, head) for record, head in reports if head.id == report_id and head.source == source]

    def _newest_first(self, spans: Mapping[int, Span], source: str, report_id: str) -> Found:
        """In pieces from the end, each twice as long as the last; when found, another hour before it too."""
        left, piece = dict(spans), FIRST_PIECE
        while any(span.begin < span.end for span in left.values()):
            newest = {place: Span(max(span.begin, span.end - piece), span.end) for place, span in left.items()}
            left = {place: Span(span.begin, newest[place].begin) for place, span in left.items()}
            if found := self._read(newest, source, report_id):
                return self._read(self._hour_before(found[0][0], left), source, report_id) + found
            piece = min(2 * piece, LARGEST_PIECE)
        return []

    def _hour_before(self, first: Record, left: Mapping[int, Span]) -> dict[int, Span]:
        topic = self.settings.named(REPORTED.name)
        hour = round(AROUND.total_seconds() * 1000)
        since = reader.between(self.settings.kafka_bootstrap, topic, first.timestamp_ms - hour, FAR_MS)
        return {place: Span(max(span.begin, since[place].begin), span.end) for place, span in left.items()}


def _own_first(spans: Mapping[int, Span], own: int) -> Sequence[dict[int, Span]]:
    return [{own: spans[own]}, {place: span for place, span in spans.items() if place != own}]


def _records(spans: Mapping[int, Span]) -> int:
    return sum(max(0, span.end - span.begin) for span in spans.values())
