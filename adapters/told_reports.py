"""Reports with what was said of them, for the command line and the API: those of a case, and the story of one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any

from adapters import reader, reported
from adapters.reader import Record
from adapters.report_search import Search
from adapters.reported import Head, Judged
from config.settings import Settings
from config.topics import REPORTED
from incidents.case import Case
from incidents.catalogue import City
from incidents.decision import Verdict
from incidents.errors import TryAgain, UserError

AT_ONCE = 4
"""Questions of one console that may read the log at the same time."""


def reports_of(search: Search, city: City, case: Case, limit: int) -> dict[str, Any]:
    """Of a case: `report_count`, `sources` with their totals as last told, and `reports`: what opened it, and the newest of the others.

    At most `limit` reports, 0 for all of them. Raises UserError when Kafka is away.
    """
    settings = search.settings
    topic_id = reader.state(settings.kafka_bootstrap, settings.named(REPORTED.name)).topic_id
    judged = search.of_case(city, case, topic_id)
    chosen = _chosen(judged, limit)
    heads = reported.heads(settings, chosen)
    rows = [_row(settings, each, heads.get((each.partition, each.offset))) for each in chosen]
    totals = sorted(case.totals.items(), key=lambda item: (-item[1].count, item[0]))
    sources = [{"source": source, **total.model_dump(mode="json", exclude={"topic_id"})} for source, total in totals]
    return {"report_count": len(judged), "sources": sources, "reports": sorted(rows, key=lambda row: (row["time"] or "", row["offset"]))}


def _chosen(judged: list[Judged], limit: int) -> list[Judged]:
    """Offsets of different partitions have no order among each other: an equal share of the newest of each."""
    if not limit or len(judged) <= limit:
        return judged
    opening = [each for each in judged if each.verdict is not Verdict.MERGED][:limit]
    seen: Counter[int] = Counter()
    ranked: list[tuple[int, Judged]] = []
    for each in reversed(judged):
        if each.verdict is Verdict.MERGED:
            seen[each.partition] += 1
            ranked.append((seen[each.partition], each))
    newest = [each for _, each in sorted(ranked, key=lambda pair: pair[0])[: limit - len(opening)]]
    return sorted([*opening, *newest], key=lambda each: (each.partition, each.offset))


def _row(settings: Settings, judged: Judged, head: Head | None) -> dict[str, Any]:
    named = {"source": head and head.source, "id": head and head.id, "time": head and head.time}
    return {**named, "topic": settings.named(REPORTED.name), **judged.told(), "case_id": judged.case_id}


def story(settings: Settings, record: Record, head: Head, judged: Judged | None) -> dict[str, Any]:
    """What became of one report: its name and place on the log, the verdict with its rule and numbers, and the case it went to."""
    unjudged = Judged(record.partition, record.offset, None, None, None, None)
    return {
        "source": head.source,
        "id": head.id,
        "time": head.time,
        "category": head.category,
        "channel": head.channel,
        "topic": settings.named(REPORTED.name),
        "appended_at": datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        **(judged or unjudged).told(),
        "case_id": judged.case_id if judged else None,
    }


class ReportLog:
    """A console's questions to the log of reports: bounded, for each reads a stretch of it. Blocks; for worker threads."""

    def __init__(self, settings: Settings, city: City) -> None:
        self._search = Search(settings, lambda _: None, lambda _: lambda _: None)
        self._city = city
        self._asking = BoundedSemaphore(AT_ONCE)

    def report(self, source: str, report_id: str, around: datetime) -> list[dict[str, Any]]:
        """The `story` of every record of a report within an hour of its time. Raises TryAgain when Kafka is away or others are asking."""
        settings = self._search.settings
        with self._asked():
            found = self._search.near(source, report_id, around)
            if not found:
                return []
            topic_id = reader.state(settings.kafka_bootstrap, settings.named(REPORTED.name)).topic_id
            return [story(settings, record, head, reported.fate_of(settings, topic_id, record)) for record, head in found]

    def of_case(self, case: Case, limit: int) -> dict[str, Any]:
        """`reports_of` a case. Raises TryAgain as `report` does."""
        with self._asked():
            return reports_of(self._search, self._city, case, limit)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        if not self._asking.acquire(blocking=False):
            raise TryAgain(f"{AT_ONCE} others are reading the log of reports")
        try:
            yield
        except UserError as error:  # the reader's words for a broker that is away
            raise TryAgain(str(error)) from error
        finally:
            self._asking.release()
