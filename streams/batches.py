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

from adapters.bus import TopicId, TopicState, topic_state
from adapters.consumer import GroupReader, Records
from incidents.errors import NotReady, TryAgain

log = structlog.get_logger(__name__)

COMMIT_EVERY_S = 0.5
LOOKING = 20
"""Far behind, finding out what is done means looking at all that waits: 15 % of intake's time in a whole city. It is let be 5 %."""
ASK_EVERY_S = 0.5
"""How long the reports of a topic made anew may be taken for those of the old one, when it has grown beyond the old offsets by then."""
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

    def gather_ms(self) -> int:
        """How long the broker may hold back what comes next, that more may come together; 0: not at all."""

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
        self._id = TopicId(source.bootstrap, source.topic)
        self._topic: TopicState | None = None  # as of the last assignment
        self._kept: dict[int, Records] = {}  # a batch that the stage could not take yet
        self._next: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._commit_at = 0.0
        self._ask_at = 0.0
        self._finished = False  # what was read before the rebalance that is under way is brought to an end
        self._doubtful = True  # the hot store was lost: of what was not committed nothing is certain
        self._failures = 0

    @Service.task
    async def _run(self) -> None:
        try:
            await self._until_stopped()
        finally:
            self.set_shutdown()

    async def _until_stopped(self) -> None:
        while not self.should_stop:
            try:
                await self._reader.start()
                await self._step()
                self._failures = 0
                self.working = bool(self._next) and not self._reader.changed and not self._reader.rebalancing
            except TryAgain as error:
                await self._wait_after(error)
            except NotReady as error:
                self.working = False
                log.warning("hot store not ready, work stops", group=self.source.group, reason=str(error))
                self._reader.changed = self._doubtful = True
                await self._rebuilt()
        await self._leave()

    async def _step(self) -> None:
        if self._reader.changed:
            self.working = False
            await self._assign()
        if self._reader.rebalancing and not self._finished:
            await self._finish()
        if not self._kept and not self.stage.full():
            self._kept = await self._read()
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
        try:
            topic = await topic_state(self.source.bootstrap, self.source.topic, self.source.group)
            if not partitions <= topic.ends.keys():
                raise TryAgain(
                    f"{self.source.topic} has no partitions {sorted(partitions - topic.ends.keys())} on the broker that was asked"
                )
            offsets = await self._offsets(topic)
            starts = {partition: await self._start(partition, topic, offsets.get(partition)) for partition in partitions}
            await self.stage.assigned(starts, topic)
        except BaseException:
            self._reader.changed = True
            raise
        self._topic, self._next = topic, dict(starts)
        committed = {p: offset for p, (offset, topic_id) in topic.committed.items() if topic_id in ("", topic.topic_id)}
        self._committed = {p: committed.get(p, -1) for p in starts}
        self._finished = self._doubtful = False
        self._commit_at = 0.0
        self._reader.resume_at(starts)
        log.info("partitions assigned", group=self.source.group, partitions=sorted(starts))

    async def _offsets(self, topic: TopicState) -> dict[int, tuple[int, str]]:
        """Where each partition goes on, and of which incarnation of the topic that offset is.

        Behind the commit, or, of a partition that stayed with us, behind what is finished: then nothing of it is done twice.
        """
        offsets = dict(topic.committed)
        if self._doubtful or self._topic is None or self._topic.topic_id != topic.topic_id:
            return offsets
        await self._finish()
        for partition, done in self.stage.done().items():
            committed, topic_id = offsets.get(partition, (-1, ""))
            if partition in self._next and (done > committed or topic_id != topic.topic_id):
                offsets[partition] = done, topic.topic_id
        return offsets

    async def _finish(self) -> None:
        """Bring to an end what was read, so that whoever has the partitions next finds little to do again."""
        if self._finished:
            return
        self._finished, self._kept = True, {}
        await self.stage.finish()

    async def _start(self, partition: int, topic: TopicState, known: tuple[int, str] | None) -> int:
        """The offset to read from: the known one, or the log's start for a new group, a new partition, a new topic or after a gap."""
        begin = topic.starts[partition]
        offset, topic_id = known or (begin, topic.topic_id)
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

    async def _read(self) -> dict[int, Records]:
        """The next batch. Now and then it is asked, after the reading, whether the topic is still the one that the offsets are of."""
        batch = await self._reader.read(self.source.most, IDLE_MS)
        self._reader.gather(self.stage.gather_ms() if batch else 0)
        try:
            if batch and time.monotonic() >= self._ask_at and self._topic is not None:
                if await self._id.now() != self._topic.topic_id:
                    self._reader.changed = True
                self._ask_at = time.monotonic() + ASK_EVERY_S
            return {} if self._reader.changed else await self._contiguous(batch)
        except BaseException:
            self._reader.changed = True  # this batch is gone: it is read again
            raise

    async def _contiguous(self, batch: dict[int, Records]) -> dict[int, Records]:
        for partition, records in batch.items():
            expected = self._next.get(partition, records[0].offset)
            if records[0].offset > expected:
                await self.stage.gap(partition, expected, records[0].offset)
            self._next[partition] = records[-1].offset + 1
        return batch

    async def _commit(self) -> None:
        began = time.monotonic()
        moved = {p: offset for p, offset in self.stage.done().items() if offset != self._committed.get(p, offset)}
        now = time.monotonic()
        self._commit_at = now + max(COMMIT_EVERY_S, LOOKING * (now - began))
        if not moved or self._topic is None:
            return
        if await self._reader.commit(moved, self._topic.topic_id):
            self._committed.update(moved)

    async def _wait_after(self, error: TryAgain) -> None:
        self.working = False
        pause = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        if self._failures in (1, 10) or self._failures % 60 == 0:
            log.warning("an engine is away, trying again", group=self.source.group, error=str(error), failures=self._failures)
        await self.sleep(pause)

    async def _rebuilt(self) -> None:
        try:
            await self.rebuild()
        except TryAgain as error:
            await self._wait_after(error)

    async def _leave(self) -> None:
        try:
            if not self._reader.changed:
                await self.stage.finish()
                await self._commit()
        except (TryAgain, NotReady) as error:
            log.warning("stopped before everything was finished; it will be read again", group=self.source.group, error=str(error))
        await self._reader.stop()
        await self._id.close()

    def lag(self) -> dict[int, int]:
        """Records between what is committed and the end of the log, by partition, as of the last fetch."""
        begins = self._topic.starts if self._topic else {}
        return {
            p: max(0, end - max(self._committed[p], begins.get(p, 0))) for p, end in self._reader.ends().items() if p in self._committed
        }
