"""The batch shell that intake and closure share: one consumer, a stage that takes whole batches, commits behind what the stage has done.

Faust's own path costs 54 µs a message and acknowledges on exceptions (STREAMS.md §1-3); here an offset is committed only when the stage
says it is done, that is, applied and published. A stage that cannot go on raises TryAgain (the same batch comes again) or NotReady (the
hot store is rebuilt, everything read but not committed is read again).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from mode import Service

from adapters.bus import TopicState, topic_state
from adapters.consumer import GroupReader, Records
from incidents.errors import NotReady, TryAgain

log = structlog.get_logger(__name__)

COMMIT_EVERY_S = 0.5
IDLE_MS = 100
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)


class Stage(Protocol):
    """What the shell drives. All calls come from one task, never two at once."""

    async def assigned(self, starts: Mapping[int, int], topic: TopicState) -> None:
        """These partitions are ours, to be read from these offsets: forget all that was read and not finished, and prepare.

        May raise TryAgain or NotReady; it is then called again. A repeated call must be harmless.
        """

    async def take(self, batch: Mapping[int, Records]) -> None:
        """Take the records (partition -> in order). May raise TryAgain or NotReady only when taking the same batch again is harmless."""

    async def turn(self) -> None:
        """Called after every batch, and at least every 100 ms without one: timers. May raise like `take`."""

    def done(self) -> Mapping[int, int]:
        """Partition -> the offset behind everything that is applied and published, as far as it moved."""

    def full(self) -> bool:
        """Whether no more may be read until `turn` has made room."""

    async def gap(self, partition: int, begin: int, end: int) -> None:
        """The records [begin, end) are gone from the log unread (retention): say so."""

    async def finish(self) -> None:
        """Bring to an end what can be brought to an end within two seconds; the last `done` follows."""


@dataclass(frozen=True)
class Source:
    """Where a batch stage reads: broker, topic, group, most records at once."""

    bootstrap: str
    topic: str
    group: str
    most: int


class Batches(Service):
    """Runs one stage. `rebuild` is awaited when the hot store is not ready; it returns when it is."""

    wait_for_shutdown = True  # else mode cancels `_run` at once: nothing finished, no last commit, partitions idle until the session ends
    shutdown_timeout = 3.0

    def __init__(self, source: Source, stage: Stage, rebuild: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.source = source
        self.stage = stage
        self.rebuild = rebuild
        self.working = False  # what readiness shows: assigned, prepared and not waiting for an engine
        self._reader = GroupReader(source.bootstrap, source.topic, source.group)
        self._topic: TopicState | None = None
        self._kept: dict[int, Records] = {}  # a batch that the stage could not take yet
        self._next: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._commit_at = 0.0
        self._failures = 0

    @Service.task
    async def _run(self) -> None:
        try:
            await self._until_stopped()
        finally:
            self.set_shutdown()

    async def _until_stopped(self) -> None:
        started = False
        while not self.should_stop:
            try:
                if not started:
                    await self._reader.start()
                    self._reader.changed = started = True
                await self._step()
                self._failures = 0
            except TryAgain as error:
                await self._wait_after(error)
            except NotReady as error:
                self.working = False
                log.warning("hot store not ready, work stops", group=self.source.group, reason=str(error))
                self._reader.changed = True
                await self._rebuilt()
        await self._leave(started)

    async def _step(self) -> None:
        if self._reader.changed:
            self.working = False
            await self._assign()
        if not self._kept and not self.stage.full():
            self._kept = await self._contiguous(await self._reader.read(self.source.most, IDLE_MS))
        elif self.stage.full():
            await asyncio.sleep(0)
        if self._reader.changed:
            self._kept = {}
            return
        if self._kept:
            await self.stage.take(self._kept)
            self._kept = {}
        await self.stage.turn()
        if time.monotonic() >= self._commit_at:
            await self._commit()

    async def _assign(self) -> None:
        self._reader.changed = False
        self._reader.pause()
        partitions = self._reader.assigned()
        self._kept, self._next, self._committed = {}, {}, {}
        if not partitions:
            return
        try:
            topic = await topic_state(self.source.bootstrap, self.source.topic, self.source.group)
            starts = {partition: await self._start(partition, topic) for partition in partitions if partition in topic.ends}
            await self.stage.assigned(starts, topic)
        except BaseException:
            self._reader.changed = True
            raise
        self._topic, self._next, self._committed = topic, dict(starts), dict(starts)
        self._reader.resume_at(starts)
        self.working = True
        log.info("partitions assigned", group=self.source.group, partitions=sorted(starts))

    async def _start(self, partition: int, topic: TopicState) -> int:
        """The offset to read from: the committed one, or the log's start for a new group, a new topic or after a gap."""
        begin = topic.starts[partition]
        offset, topic_id = topic.committed.get(partition, (begin, topic.topic_id))
        if topic_id and topic_id != topic.topic_id:
            log.warning("topic was made anew, reading from its start", topic=self.source.topic, partition=partition)
            return begin
        if offset < begin:
            await self.stage.gap(partition, offset, begin)
            return begin
        if offset > topic.ends[partition]:
            log.error("the log ends before the committed offset: records were lost on the broker", partition=partition, committed=offset)
            return topic.ends[partition]
        return offset

    async def _contiguous(self, batch: dict[int, Records]) -> dict[int, Records]:
        for partition, records in batch.items():
            expected = self._next.get(partition, records[0].offset)
            if records[0].offset > expected:
                await self.stage.gap(partition, expected, records[0].offset)
            self._next[partition] = records[-1].offset + 1
        return batch

    async def _commit(self) -> None:
        self._commit_at = time.monotonic() + COMMIT_EVERY_S
        moved = {p: offset for p, offset in self.stage.done().items() if offset > self._committed.get(p, -1)}
        if moved and self._topic and await self._reader.commit(moved, self._topic.topic_id):
            self._committed.update(moved)

    async def _wait_after(self, error: TryAgain) -> None:
        self.working = False
        pause = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        if self._failures in (1, 10) or self._failures % 60 == 0:
            log.warning("an engine is away, trying again", group=self.source.group, error=str(error), failures=self._failures)
        await self.sleep(pause)
        self.working = not self._reader.changed

    async def _rebuilt(self) -> None:
        try:
            await self.rebuild()
        except TryAgain as error:
            await self._wait_after(error)

    async def _leave(self, started: bool) -> None:
        if not started:
            return
        try:
            if not self._reader.changed:
                await self.stage.finish()
                await self._commit()
        except (TryAgain, NotReady) as error:
            log.warning("stopped before everything was finished; it will be read again", group=self.source.group, error=str(error))
        await self._reader.stop()

    def lag(self) -> dict[int, int]:
        """Records between what is committed and the end of the log, by partition, as of the last fetch."""
        return {p: max(0, end - self._committed.get(p, end)) for p, end in self._reader.ends().items()}
