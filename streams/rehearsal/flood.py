"""Intake of a rehearsal: the real lane and the twin of the atomic call, one partition, one call after another."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple, cast

import orjson

from adapters.consumer import Records
from adapters.sift_memory import MemorySift
from incidents.catalogue import City
from streams.intake import FAR_MS
from streams.lanes import Gate, Lane
from streams.rehearsal.office import TOPIC
from streams.sorting import Sorter
from streams.telling import Rejected


class Record(NamedTuple):
    """What a lane looks at of a record."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Flood:
    """Reports in, outcomes out: what the atomic call says, in order. `spent_s` is CPU time by part."""

    def __init__(self, city: City) -> None:
        self.sift = MemorySift(city.rules)
        self.spent_s = {"recognise": 0.0, "sift": 0.0}
        ahead = round(city.accept_ahead.total_seconds() * 1000)
        # as on the worker's clock of events: a report may be as old as it likes
        self._lane = Lane(Sorter(city), Gate(appended=lambda _: FAR_MS, ahead=ahead, past=None), 0)

    @property
    def recognised(self) -> int:
        """Reports that were counted without a call."""
        return self._lane.recognised

    def take(self, records: Sequence[Record]) -> list[Rejected]:
        """Read the next records; returns those that are no reports."""
        began = time.process_time()
        self._lane.take(cast(Records, records))
        self.spent_s["recognise"] += time.process_time() - began
        rejected = list(self._lane.rejecting())
        self._lane.told()
        return rejected

    async def outcomes(self, settle: bool) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Ask about what waits, with `settle` about everything; the caller applies each outcome before it takes the next."""
        began = time.process_time()
        if settle:
            self._lane.settle()
        while groups := self._lane.calls():
            answer = await self.sift.call(0, TOPIC, groups)
            self._lane.answered(answer.learned)
            self._lane.published()
            if answer.entry:
                await self.sift.remove(0, [answer.entry])
                outcome = orjson.loads(answer.outcome)
                self.spent_s["sift"] += time.process_time() - began
                yield answer.entry, outcome
                began = time.process_time()
        self.spent_s["sift"] += time.process_time() - began
