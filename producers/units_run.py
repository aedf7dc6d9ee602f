"""Runs the people of a simulated city: reads every fact, keeps what they plan on a heap, gives each command when it is due.

It sees topics only. All it knows is rebuilt from `cases.events` at every start, and its commands' ids follow from the case, so that a
restart, or a second process with the same seed, commands nothing twice. Even the city's clock is learned from the facts.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from adapters.bus import Out, Publisher
from adapters.clock import ClockKind, ClockSetting, parse_clock
from adapters.follow import Follower
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, UNIT_POSITIONS
from incidents.case import Case, Fact
from incidents.commands import Command
from incidents.errors import TryAgain
from incidents.facts import decode_fact, encode_command
from incidents.positions import encode_position
from incidents.vocabulary import CommandType
from producers.album import Album
from producers.patrols import Patrols
from producers.units import Lane, Planned, Units

log = structlog.get_logger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_MS = 100
BACKOFF_S = 0.5
DRAWN_AT_ONCE = 4


class LearnedClock:
    """The city's time as the facts show it: a fact's own time against its record's append time, the highest of all seen."""

    def __init__(self, setting: ClockSetting, wall: Callable[[], float] = time.time) -> None:
        self._setting = setting
        self._wall = wall
        self._ahead_ms: float | None = None

    def learn(self, at: datetime, append_ms: int) -> None:
        """A fact of this city time was appended at `append_ms` (real)."""
        ahead = (at - EPOCH).total_seconds() * 1000 - self._setting.speed * append_ms
        self._ahead_ms = ahead if self._ahead_ms is None else max(ahead, self._ahead_ms)

    def now(self) -> datetime:
        """The city's time; 1970 before the first fact. On a clock of events, that of the newest fact."""
        if self._setting.kind is ClockKind.REAL:
            return datetime.fromtimestamp(self._wall(), UTC)
        if self._ahead_ms is None:
            return EPOCH
        return EPOCH + timedelta(milliseconds=self._ahead_ms + self._setting.speed * self._wall() * 1000)


@dataclass
class _Known:
    """What is planned of one case; dropped when it has ended."""

    sequence: int
    plans: dict[Lane, Planned] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)


class Diary:
    """What is to come, over all cases: the heap holds (due, case, lane), the plans of the case say whether that still counts."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._known: dict[str, _Known] = {}
        self._heap: list[tuple[datetime, str, Lane]] = []

    def hear(self, fact: Fact) -> None:
        """Plan anew for the case as it is after the fact; one not newer than the last is passed over."""
        case = fact.case
        known = self._known.get(case.case_id)
        if known is not None and case.sequence <= known.sequence:
            return
        if case.ended_at is not None:
            self._known.pop(case.case_id, None)
            return
        known = self._known.setdefault(case.case_id, _Known(0))
        known.sequence = case.sequence
        self._replan(known, case)

    def _replan(self, known: _Known, case: Case) -> None:
        before, known.plans = known.plans, {}
        for planned in self._units.plan(case):
            if planned.command.id in known.given:
                continue
            known.plans[planned.lane] = planned
            if before.get(planned.lane) != planned:
                heapq.heappush(self._heap, (planned.due, case.case_id, planned.lane))

    def due(self, now: datetime) -> list[Planned]:
        """What is due and not yet given, in order; call `done` with it once it is published."""
        found: dict[str, Planned] = {}
        while self._heap and self._heap[0][0] <= now:
            at, case_id, lane = heapq.heappop(self._heap)
            known = self._known.get(case_id)
            planned = known.plans.get(lane) if known else None
            if planned is not None and planned.due == at:
                found[planned.command.id] = planned
        return list(found.values())

    def done(self, given: list[Planned]) -> None:
        """These are published."""
        for planned in given:
            known = self._known.get(planned.command.case_id)
            if known is not None:
                known.plans.pop(planned.lane, None)
                known.given.add(planned.command.id)

    def again(self, given: list[Planned]) -> None:
        """These could not be published: they are due again."""
        for planned in given:
            heapq.heappush(self._heap, (planned.due, planned.command.case_id, planned.lane))


class UnitsAtWork:
    """The process: `run` until cancelled. `given` counts commands by type. With an album, what they show is drawn and kept."""

    def __init__(self, settings: Settings, units: Units, album: Album | None = None) -> None:
        self._settings = settings
        self._units = units
        self._album = album
        self._patrols = Patrols(units.city)
        self._clock = LearnedClock(parse_clock(settings.clock))
        self._publisher = Publisher(settings.kafka_bootstrap, "cityloop-units")
        self.given: dict[CommandType, int] = {}

    async def run(self) -> None:
        """Work for ever; begin anew, from the facts, when Kafka was away."""
        try:
            while True:
                follower = Follower(self._settings.kafka_bootstrap, self._settings.named(CASE_EVENTS.name))
                try:
                    await follower.start()
                    await self._work(follower)
                except TryAgain as error:
                    log.warning("the units wait for Kafka", error=str(error))
                    await asyncio.sleep(BACKOFF_S)
                finally:
                    await follower.stop()
        finally:
            await self._publisher.close()

    async def _work(self, follower: Follower) -> None:
        diary = Diary(self._units)
        caught_up = False
        while True:
            for record in await follower.read(wait_ms=READ_MS):
                fact = decode_fact(record.value)
                self._clock.learn(fact.at, record.timestamp)
                diary.hear(fact)
                self._patrols.hear(fact)
            caught_up = caught_up or await follower.caught_up()
            if caught_up:
                await self._give(diary)
                await self._report()

    async def _give(self, diary: Diary) -> None:
        now = self._clock.now()
        due, left = self._at_once(diary.due(now))
        diary.again(left)
        if not due:
            return
        city, topic = self._units.city, self._settings.named(CASE_COMMANDS.name)
        try:
            commands = [(await asyncio.to_thread(self._shown, each, now), each.due) for each in due]
            outs = [Out(topic, command.case_id.encode(), encode_command(command, at, city.code, city.key)) for command, at in commands]
            await self._publisher.publish(outs)
        except TryAgain:
            diary.again(due)
            raise
        diary.done(due)
        for each in due:
            self.given[each.command.type] = self.given.get(each.command.type, 0) + 1

    def _at_once(self, due: list[Planned]) -> tuple[list[Planned], list[Planned]]:
        """Those to be given now, and those whose pictures are drawn the next time: nobody waits long for others' pictures."""
        pictured = [each for each in due if self._album is not None and each.command.evidence]
        left = pictured[DRAWN_AT_ONCE:]
        return [each for each in due if each not in left], left

    def _shown(self, planned: Planned, now: datetime) -> Command:
        return self._album.shown(planned, now) if self._album is not None and planned.command.evidence else planned.command

    async def _report(self) -> None:
        """The patrols say where they are, once the city's time is known."""
        now = self._clock.now()
        if now > EPOCH and (told := self._patrols.due(now)):
            topic = self._settings.named(UNIT_POSITIONS.name)
            await self._publisher.publish([Out(topic, each.unit.encode(), encode_position(each, self._units.city)) for each in told])
