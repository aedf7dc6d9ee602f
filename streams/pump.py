"""The way out of a lane: its groups into the atomic call, what they came to onto the topics, each strictly in order.

While a call is under way the outcome of the one before it is being published: where all lanes wait for the same Redis a call takes longer
than a publishing, and one after the other would leave each idle in turn. ARCHITECTURE.md §3 is the protocol, `intake_model` its model.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from adapters import metrics
from adapters.bus import Publisher
from adapters.clock import CityClock
from adapters.fault import Fault
from adapters.sift import Answer, Sift
from incidents.steps.sifting import Group
from streams.lanes import Lane
from streams.pace import rest_s
from streams.telling import Teller


@dataclass(frozen=True)
class Ports:
    """What intake acts through."""

    sift: Sift
    publisher: Publisher
    clock: CityClock
    fault: Fault


class Pump:
    """Of one partition. It runs while its lane has something to ask or to tell; an error that ended it stays until `check` raises it."""

    def __init__(self, partition: int, ports: Ports, teller: Teller, rules: str) -> None:
        self.task: asyncio.Task[None] | None = None
        self._partition = partition
        self._ports = ports
        self._teller = teller
        self._rules = rules
        self._unsure = False  # the outbox may hold what was not published
        self._published: list[str] = []  # entries of the outbox that are published; the first one leaves with the next call
        self._telling: asyncio.Task[None] | None = None  # the publishing of the last outcome
        self._entry = ""  # its entry in the outbox
        self._took_s = 0.0  # the last call after which nothing more waited

    def start(self, lane: Lane, topic_id: str) -> None:
        """See that it runs, if there is anything to do."""
        busy = self.task is not None and (not self.task.done() or self.task.exception() is not None)
        if not busy and (lane.waiting() or lane.rejected or self._unsure):
            self.task = asyncio.create_task(self._run(lane, topic_id), name=f"intake-{self._partition}")

    def check(self) -> None:
        """Raise what ended it, once."""
        if self.task is not None and self.task.done():
            task, self.task = self.task, None
            task.result()

    async def stop(self) -> None:
        """End it where it is."""
        await _ended(self.task)
        self.task = None

    async def publish_outbox(self) -> None:
        """Publish what this worker or a dead one left in the outbox. Raises TryAgain and NotReady."""
        await self.forget_published()
        while entries := await self._ports.sift.outbox(self._partition):
            await self._publish(entries)
            await self._ports.sift.remove(self._partition, [entry for entry, _ in entries])
        self._unsure = False

    async def forget_published(self) -> None:
        """Take out of the outbox what is published, with a call of its own. Raises TryAgain and NotReady."""
        if self._published:
            await self._ports.sift.remove(self._partition, self._published)
            self._published = []

    async def _run(self, lane: Lane, topic_id: str) -> None:
        try:
            await self._until_dry(lane, topic_id)
        except BaseException as error:
            self._unsure = True
            lane.put_back()
            if self._telling is not None and isinstance(error, Exception):
                await asyncio.wait({self._telling})  # it may still arrive, and is then said once
            raise
        finally:
            await _ended(self._telling)
            self._telling, self._entry = None, ""

    async def _until_dry(self, lane: Lane, topic_id: str) -> None:
        if self._unsure:
            await self.publish_outbox()
            lane.outbox_published()
        while True:
            await self._tell_rejected(lane, topic_id)
            groups = lane.calls()
            if not groups:
                await self._told()
                await self.forget_published()
                return
            began = time.monotonic()
            oldest_ms = lane.stamp(min(group.offsets[0] for group in groups))
            answer = await self._call(topic_id, groups, lane.high())
            lane.answered(answer.learned)
            await self._told()
            if answer.others:  # who called before he died or slept: what he found fresh, we find told
                await self.publish_outbox()
                lane.outbox_published()
            else:
                self._telling, self._entry = asyncio.create_task(self._tell(lane, answer, oldest_ms)), answer.entry
            if not lane.waiting():
                await self._told()
                await self.forget_published()
                before_s, self._took_s = self._took_s, time.monotonic() - began
                await asyncio.sleep(rest_s(len(groups), min(before_s, self._took_s)))  # after one slow call people need not wait longer

    async def _call(self, topic_id: str, groups: Sequence[Group], high: int | None) -> Answer:
        metrics.SIFT_GROUPS.observe(len(groups))
        published = self._published[:1]
        with metrics.REDIS_CALL_SECONDS.labels("sift").time():
            answer = await self._ports.sift.call(self._partition, topic_id, groups, high, "".join(published), self._entry)
        del self._published[: len(published)]
        self._ports.fault.reached("intake:called")
        return answer

    # -- telling

    async def _told(self) -> None:
        """Return when the last outcome is published."""
        if self._telling is not None:
            await self._telling
            self._telling, self._entry = None, ""

    async def _tell(self, lane: Lane, answer: Answer, oldest_ms: int | None) -> None:
        if answer.entry:
            await self._publish([(answer.entry, answer.outcome)])
            self._published.append(answer.entry)
            if oldest_ms is not None:
                metrics.REPORT_AGE_SECONDS.labels("intake").observe(max(0.0, time.time() - oldest_ms / 1000))
        lane.published()

    async def _publish(self, entries: Sequence[tuple[str, bytes]]) -> None:
        outcomes = [(entry, orjson.loads(outcome)) for entry, outcome in entries]
        await self._ports.publisher.publish([out for entry, outcome in outcomes for out in self._teller.outcome(entry, outcome)])
        self._ports.fault.reached("intake:published")
        told: Counter[str] = Counter()
        for _, outcome in outcomes:
            for row in outcome["fates"]:
                told[row[1]] += len(row[5])
        for verdict, reports in told.items():
            metrics.REPORTS.labels(verdict).inc(reports)

    async def _tell_rejected(self, lane: Lane, topic_id: str) -> None:
        rejecting = lane.rejecting()
        if not rejecting:
            return
        await self._ports.publisher.publish(self._teller.rejected(topic_id, self._partition, rejecting, self._rules))
        metrics.REPORTS.labels("rejected").inc(len(rejecting))
        for each in rejecting:
            metrics.REJECTED.labels(each.error.reason).inc()
        lane.told()


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
