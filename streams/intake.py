"""The stage that takes the flood: validate, recognise, sift in one atomic call, publish, and only then let the offsets be committed.

Per partition a lane (streams/lanes.py) and a pump (streams/pump.py), one call in flight, so that a source stays in order while partitions
overlap and the next batch is validated during the calls of the last.
"""

import asyncio
import time
from collections.abc import Mapping

import structlog

from adapters import metrics
from adapters.bus import TopicState
from adapters.clock import ClockKind, parse_clock
from adapters.consumer import Records
from adapters.fault import Fault
from adapters.sift import RedisSift
from config.settings import Settings
from config.topics import REPORTED
from incidents.catalogue import City
from incidents.events import epoch_ms
from incidents.places import Locate
from streams.agents import Rebuild
from streams.app import ServiceApp, service_app
from streams.batches import Batches, Source
from streams.deps import Deps
from streams.lanes import Gate, Lane
from streams.pace import SETTLE_EVERY_S, wait_s
from streams.pump import Ports, Pump
from streams.sorting import Sorter
from streams.telling import Teller

log = structlog.get_logger(__name__)

SETTLING = 6
"""Lanes settle in turn, a sixth of the time. All together, every four seconds, it is a storm that new reports and closure wait behind."""
MOST_WAITING = 20_000
MOST_HELD = 150_000
"""Groups, and reports, that may wait in this process before reading stops: the bound of its memory under lag."""
YIELD_EVERY = 500
"""Records between two looks at the loop: about two milliseconds."""
LOST_AT_ONCE = 100_000
FAR_MS = 1 << 45
"""The year 3084."""


class IntakeStage:
    """A `streams.batches.Stage`."""

    def __init__(self, settings: Settings, city: City, locate: Locate, ports: Ports) -> None:
        self._teller = Teller(settings.namespace, city.code, city.key, locate)
        self._city = city
        self._sorter = Sorter(city)
        self._ports = ports
        self._topic_id = ""
        self._lanes: dict[int, Lane] = {}
        self._pumps: dict[int, Pump] = {}
        self._mapped = -1, 0  # the last append time and the city's
        self._check_at = 0.0
        self._quiet = True  # nothing was read since the last turn: there is nothing, or no room for it
        self._settled_at = 0.0  # when the last lane in turn began to settle
        self._settling_s = 0.0  # and how long it took
        self._behind_s = 0.0  # how old the reports are that are being read
        past = city.accept_past if ports.clock.speed else None
        self._gate = Gate(
            appended=self._appended,
            ahead=round(city.accept_ahead.total_seconds() * 1000),
            past=None if past is None else round(past.total_seconds() * 1000),
        )

    # -- the shell's calls

    async def assigned(self, starts: Mapping[int, int], topic: TopicState) -> None:
        """Publish what a dead worker left in the outboxes, then begin anew at `starts`."""
        await self._stop_pumps()
        for partition in starts.keys() - self._pumps.keys():
            self._pumps[partition] = Pump(partition, self._ports, self._teller, self._city.rules)
        await asyncio.gather(*(self._pumps[partition].publish_outbox() for partition in starts))
        known = self._lanes if topic.topic_id == self._topic_id else {}
        kept = {partition: known.get(partition) or Lane(self._sorter, self._gate, partition) for partition in starts}
        for partition, lane in self._lanes.items():
            if kept.get(partition) is not lane:
                lane.restart()  # or what waits in it would hold what is known, and that what waits, for ever
        for partition, lane in kept.items():
            lane.restart(starts[partition])
        self._lanes, self._topic_id = kept, topic.topic_id

    async def take(self, batch: Mapping[int, Records]) -> None:
        """Validate and recognise; nothing here touches the outside."""
        taken, self._quiet = 0, False
        self._behind_s = time.time() - min(records[-1].timestamp for records in batch.values()) / 1000
        for partition, records in batch.items():
            lane = self._lanes[partition]
            recognised, unusual = lane.recognised, lane.unusual
            for start in range(0, len(records), YIELD_EVERY):
                lane.take(records[start : start + YIELD_EVERY])
                self._start_pumps()
                await asyncio.sleep(0)
            taken += len(records)
            metrics.RECOGNISED.inc(lane.recognised - recognised)
            metrics.UNUSUAL_KEYS.inc(lane.unusual - unusual)
        metrics.BATCH_RECORDS.labels("intake").observe(taken)

    async def turn(self) -> None:
        """Send pending totals once a second, keep the pumps going, surface what failed in them."""
        now = time.monotonic()
        if now >= self._check_at:
            self._check_at = now + SETTLE_EVERY_S
            await self._ports.sift.check()
            metrics.REMEMBERED.set(sum(lane.known() for lane in self._lanes.values()))
        self._settle(now)
        self._quiet = True
        for pump in self._pumps.values():
            pump.check()
        self._start_pumps()
        running = self._running()
        if running and self.full():
            await asyncio.wait(running, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(0)

    def _settle(self, now: float) -> None:
        """Lane after lane: each has its turn once a second, or more seldom the longer it takes; all at once when nothing can be read."""
        many = len(self._lanes)
        idle = [partition for partition, lane in self._lanes.items() if not lane.settling()]
        since = now - self._settled_at
        if len(idle) < many:
            self._settling_s = since
        if self._quiet:
            for partition in idle:
                self._lanes[partition].settle()
        elif idle and self._due(self._lanes[idle[0]], since, many, len(idle) == many):
            self._settled_at, self._settling_s = now, 0.0
            lane = self._lanes[idle[0]] = self._lanes.pop(idle[0])  # to the end: the first is the one whose turn is longest ago
            lane.settle()

    def _due(self, lane: Lane, since: float, many: int, idle: bool) -> bool:
        soonest_s = max(SETTLE_EVERY_S / many, SETTLING * self._settling_s)
        return since >= wait_s(lane.together(), self._behind_s) / many or (idle and since >= soonest_s)

    def done(self) -> Mapping[int, int]:
        """See the protocol."""
        return {partition: lane.done() for partition, lane in self._lanes.items()}

    def full(self) -> bool:
        """See the protocol."""
        return self._holding() > MOST_HELD or sum(lane.waiting() for lane in self._lanes.values()) > MOST_WAITING

    def gather_ms(self) -> int:
        """Never: what is far behind comes together by itself."""
        return 0

    def _holding(self) -> int:
        return sum(lane.held() for lane in self._lanes.values())

    async def gap(self, partition: int, begin: int, end: int) -> None:
        """Records that retention took before anybody read them: an alarm and a fate, never a silent skip."""
        log.error("reports were lost before they were read", partition=partition, begin=begin, end=end, lost=end - begin)
        metrics.LOST.labels(REPORTED.name).inc(end - begin)
        reason = f"lost {begin}..{end - 1}"
        for first in range(begin, end, LOST_AT_ONCE):
            offsets = range(first, min(end, first + LOST_AT_ONCE))
            rows = [(None, "lost", reason, self._city.rules, offsets)]
            await self._ports.publisher.publish([self._teller.fates(self._topic_id, partition, rows)])

    async def finish(self) -> None:
        """Tell everything that is pending, within two seconds."""
        for lane in self._lanes.values():
            lane.settle()
        self._start_pumps()
        if running := self._running():
            await asyncio.wait(running, timeout=2)
        await self._stop_pumps()
        for pump in self._pumps.values():
            await pump.forget_published()

    def _appended(self, append_ms: int) -> int:
        """A record's append time on the city's clock; with the `events` clock, later than any event, for it bounds nothing."""
        clock = self._ports.clock
        if clock.speed == 1.0:
            return append_ms
        if append_ms != self._mapped[0]:
            self._mapped = append_ms, (epoch_ms(clock.at(append_ms)) if clock.speed else FAR_MS)
        return self._mapped[1]

    def _running(self) -> list[asyncio.Task[None]]:
        return [pump.task for pump in self._pumps.values() if pump.task is not None and not pump.task.done()]

    def _start_pumps(self) -> None:
        for partition, lane in self._lanes.items():
            self._pumps[partition].start(lane, self._topic_id)

    async def _stop_pumps(self) -> None:
        await asyncio.gather(*(pump.stop() for pump in self._pumps.values()))


def build_intake(deps: Deps, rebuild: Rebuild) -> ServiceApp:
    """Intake as an app of this process."""
    settings = deps.settings
    sift = RedisSift(deps.hot, deps.city.rules, events_clock=parse_clock(settings.clock).kind is ClockKind.EVENTS)
    ports = Ports(sift, deps.publisher, deps.clock, Fault(settings.fault))
    stage = IntakeStage(settings, deps.city, deps.locate, ports)
    source = Source(settings.kafka_bootstrap, settings.named(REPORTED.name), settings.named("intake"), settings.batch_max)
    return service_app(settings, "intake", REPORTED.name, Batches(source, stage, rebuild))
