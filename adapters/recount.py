"""Recomputes the evaluation from `cases.events`: every fact, or some, as of a moment (`recount`).

A month of a large city is four million facts of three kilobytes: they are read with the bulk client and parsed once, and the partitions are
spread over the machine's cores. What is no fact is passed over and counted; the projection puts it on the dead letters.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import orjson

from adapters import reader
from adapters.evaluation_store import Counting
from adapters.fact_log import ConsumerRecord, FactLog
from config.settings import Settings
from config.topics import CASE_EVENTS
from incidents.audit import Span
from incidents.catalogue import City
from incidents.errors import TryAgain, UserError
from incidents.evaluation import NO_FACT, Sheet, moment_ms
from incidents.indicators import Line, line
from incidents.periods import Days

AT_ONCE = 5_000
SILENT_S = 30.0
SMALL = 20_000
"""So few facts are counted in this process: starting others would take longer."""


@dataclass(frozen=True)
class Job:
    """What one process counts: these spans of the topic, facts up to `as_of_ms`."""

    bootstrap: str
    topic: str
    spans: dict[int, Span]
    as_of_ms: int
    counting: Counting
    keep_sheets: bool


@dataclass(frozen=True)
class Recount:
    """Every case as of a moment, recomputed from the facts; `sheets` stand in the order of `lines`, if they were asked for."""

    lines: list[Line]
    sheets: list[Sheet]
    facts: int
    unreadable: int


def recount(
    settings: Settings, city: City, as_of_ms: int, spans: Mapping[int, Span] | None = None, *, keep_sheets: bool = False
) -> Recount:
    """Fold every fact up to a moment, or those in `spans`. Raises UserError when the broker does not answer."""
    name = settings.named(CASE_EVENTS.name)
    wanted = dict(spans) if spans is not None else reader.spans(settings.kafka_bootstrap, name)
    job = Job(settings.kafka_bootstrap, name, wanted, as_of_ms, Counting.of(city), keep_sheets)
    total = sum(span.end - span.begin for span in wanted.values())
    if total <= SMALL:
        return _run(job)
    jobs = [replace(job, spans=part) for part in _spread(wanted, os.cpu_count() or 1)]
    with ProcessPoolExecutor(len(jobs), mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_run, jobs))
    return Recount(
        [case for part in parts for case in part.lines],
        [sheet for part in parts for sheet in part.sheets],
        sum(part.facts for part in parts),
        sum(part.unreadable for part in parts),
    )


def _spread(spans: Mapping[int, Span], most: int) -> list[dict[int, Span]]:
    """Partitions over processes, the longest first, each to the one that has least."""
    parts: list[dict[int, Span]] = [{} for _ in range(min(most, len(spans)))]
    for partition, span in sorted(spans.items(), key=lambda item: item[1].begin - item[1].end):
        min(parts, key=lambda part: sum(each.end - each.begin for each in part.values()))[partition] = span
    return parts


def _run(job: Job) -> Recount:
    try:
        return asyncio.run(_recount(job))
    except TryAgain as error:
        raise UserError(f"{error}; start Kafka with `cityloop up`, or set CITYLOOP_KAFKA_BOOTSTRAP and CITYLOOP_NAMESPACE") from None


async def _recount(job: Job) -> Recount:
    fold = Fold(job.counting, job.as_of_ms)
    async for record in _records(job):
        fold.take(record.value)
    days = Days(job.counting.time_zone)
    sheets = list(fold.sheets.values())
    return Recount(
        [line(sheet, job.counting.limits, days) for sheet in sheets], sheets if job.keep_sheets else [], fold.facts, fold.unreadable
    )


class Fold:
    """Folds facts as they stand on the log into sheets in memory, about a kilobyte a case."""

    def __init__(self, counting: Counting, as_of_ms: int) -> None:
        self.sheets: dict[str, Sheet] = {}
        self.facts = self.unreadable = 0
        self._limits = counting.limits
        self._as_of_ms = as_of_ms

    def take(self, value: bytes | None) -> None:
        """One record's value."""
        try:
            event: dict[str, Any] = orjson.loads(value or b"")
            data = event["data"]
            if moment_ms(data["at"]) > self._as_of_ms:
                return
            sheet = self.sheets.get(data["case_id"])
            if sheet is None:
                sheet = Sheet(data["case_id"])
            self.facts += sheet.take(event, self._limits)
        except NO_FACT:
            self.unreadable += 1
            return
        self.sheets[sheet.case_id] = sheet


async def _records(job: Job) -> AsyncIterator[ConsumerRecord]:
    left = {partition: span for partition, span in job.spans.items() if span.begin < span.end}
    log = FactLog(job.bootstrap, job.topic)
    try:
        if left:
            await log.start({partition: span.begin for partition, span in left.items()})
        while left:
            found = await log.read(AT_ONCE, wait_ms=int(SILENT_S * 1000))
            if not found:
                raise TryAgain(f"Kafka gives no more records of {job.topic} {min(left)}:{left[min(left)].begin}")
            for record in found:
                span = left.get(record.partition)
                if span is None:
                    continue
                if record.offset < span.end:
                    yield record
                if record.offset + 1 >= span.end:
                    del left[record.partition]
    finally:
        await log.stop()
