"""What a demo tells: read from the topics as anybody could, and counted.

The way from a report to its case is measured on the real clock, between the append times of the report and of the fact `opened`.
"""

import asyncio
from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from adapters.clock import parse_clock
from adapters.follow import ConsumerRecord, Follower
from cli.demo_examples import Examples
from config.settings import Settings
from config.topics import CASE_EVENTS, REPORTED
from console.counters import Counters
from incidents.case import Fact
from incidents.errors import TryAgain
from incidents.facts import decode_fact
from incidents.vocabulary import ENDED, OPEN, FactType, State
from producers.units_run import LearnedClock

LATEST = 7
MEASURED = 5_000
BACKOFF_S = 0.5
QUIET = (FactType.SIGHTED, FactType.UPDATED)


@dataclass
class Told:
    """The figures of the story so far."""

    facts: Counter[FactType] = field(default_factory=Counter)
    states: Counter[State] = field(default_factory=Counter)
    latest: deque[Fact] = field(default_factory=lambda: deque(maxlen=LATEST))
    waits_ms: deque[int] = field(default_factory=lambda: deque(maxlen=MEASURED))

    def wait_s(self, share: float) -> float | None:
        """Report → case, seconds, for this share of the cases (0.5 the median); None before the first one."""
        ordered = sorted(self.waits_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 if ordered else None

    @property
    def open(self) -> int:
        """Cases that are open now."""
        return sum(self.states[state] for state in OPEN)

    @property
    def ended(self) -> int:
        """Cases that are over."""
        return sum(self.states[state] for state in ENDED)


class Story:
    """Follows the topics; `run` it as a task. What it tells is up to date within a second. `top` is the city's highest level."""

    def __init__(self, settings: Settings, top: str) -> None:
        self.told = Told()
        self.examples = Examples(top)
        self.counters = Counters(settings)
        self._settings = settings
        self._clock = LearnedClock(parse_clock(settings.clock))
        self._sequences: dict[str, tuple[int, State]] = {}
        self._appended: dict[int, array[int]] = defaultdict(lambda: array("q"))
        self._unmeasured: list[tuple[int, int, int]] = []

    def city_time(self) -> datetime:
        """The city's clock."""
        return self._clock.now()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.counters.run())
            group.create_task(self._follow(REPORTED.name, self._report))
            group.create_task(self._follow(CASE_EVENTS.name, self._fact))

    async def _follow(self, topic: str, take: Callable[[ConsumerRecord], None]) -> None:
        while True:
            follower = Follower(self._settings.kafka_bootstrap, self._settings.named(topic))
            try:
                await follower.start()
                while True:
                    for record in await follower.read():
                        take(record)
                    self._measure()
            except TryAgain:
                await asyncio.sleep(BACKOFF_S)
            finally:
                await follower.stop()

    def _report(self, record: ConsumerRecord) -> None:
        appended = self._appended[record.partition]
        if record.offset == len(appended):
            appended.append(record.timestamp)

    def _fact(self, record: ConsumerRecord) -> None:
        fact = decode_fact(record.value)
        before, state = self._sequences.get(fact.case_id, (0, None))
        if fact.sequence <= before:
            return
        told = self.told
        self._clock.learn(fact.at, record.timestamp)
        self._sequences[fact.case_id] = (fact.sequence, fact.case.state)
        self.examples.hear(fact)
        told.facts[fact.type] += 1
        told.states[fact.case.state] += 1
        if state is not None:
            told.states[state] -= 1
        if fact.type not in QUIET:
            told.latest.append(fact)
        if fact.type is FactType.OPENED and fact.case.count == 1:
            [total] = fact.case.totals.values()
            self._unmeasured.append((total.partition, total.offset, record.timestamp))

    def _measure(self) -> None:
        """The report's own append time may be read after the fact's."""
        left = []
        for partition, offset, opened in self._unmeasured:
            appended = self._appended[partition]
            if offset < len(appended):
                self.told.waits_ms.append(max(0, opened - appended[offset]))
            else:
                left.append((partition, offset, opened))
        self._unmeasured = left
