"""A consumer of one topic in one group that hands its assignment over in the caller's own loop.

aiokafka only logs what fails in a rebalance callback (STREAMS.md), so the callback pauses the partitions and notes that the assignment
changed; the caller then prepares, seeks and resumes with `resume_at`. `auto_offset_reset` is `none`: a gap is an alarm, never a skip.
A consumer whose background tasks failed never recovers, so it is closed on any error and made anew by the next `start`.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, OffsetAndMetadata, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from adapters.lenient import read_leniently
from incidents.errors import TryAgain

__all__ = ["ConsumerRecord", "GroupReader", "Records", "hold_back"]

log = structlog.get_logger(__name__)

Records = Sequence[ConsumerRecord]

FETCH_BYTES = 1 << 20
"""Of a partition at once; it is held in memory for each. A larger record comes too, by itself: the broker sends what stands first whole."""
SESSION_MS = 3_000  # a killed worker is taken over after this; the broker allows it by group.min.session.timeout.ms (ARCHITECTURE.md §3)
HEARTBEAT_MS = 500  # how soon the others notice that partitions are shared anew, and so how long all of them stand still for it
GATHERED = 1 << 16
"""Bytes for which the broker may hold a fetch back, when it may."""
AT_ONCE_MS = 100
"""How long it holds one back for the first record."""
STUCK_S = 1.0
"""How much longer than it was asked to a read may take: during a rebalance aiokafka waits for its end, however long that is."""
ANSWER_S = 5.0
"""How long a commit and a goodbye may take: aiokafka tries for ever while the broker is away."""


class GroupReader:
    """Reads whole batches; see the module's paragraph for the hand-over. Not thread-safe, one loop only.

    `rebalancing`: the partitions are being shared anew, nothing is read until that is over. `changed`: they are ours to prepare, call
    `assigned` and `resume_at`; the caller sets it back.
    """

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self.topic = topic
        self.group = group
        self.changed = False
        self.rebalancing = False
        self._bootstrap = bootstrap
        self._assignor = _sticky()
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Join the group; nothing to do when that was done. Raises TryAgain when the broker is away."""
        if self._consumer is not None:
            return
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self.group,
            client_id=f"cityloop-{self.group}",
            enable_auto_commit=False,
            auto_offset_reset="none",
            partition_assignment_strategy=(self._assignor,),
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=SESSION_MS,
            fetch_max_wait_ms=AT_ONCE_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            metadata_max_age_ms=5_000,  # new partitions and a topic made anew are seen within this
        )
        try:
            await consumer.start()
        except KafkaError as error:
            await _closed(consumer)
            raise TryAgain(f"Kafka: {error!r}") from error
        except BaseException:
            await _closed(consumer)
            raise
        self._consumer = consumer
        consumer.subscribe([self.topic], listener=_Listener(self))

    async def stop(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        self.rebalancing = False
        if consumer is not None:
            await _closed(consumer)

    def assigned(self) -> frozenset[int]:
        """The partitions that are ours now."""
        return frozenset(tp.partition for tp in self._assignment() if tp.topic == self.topic)

    def _assignment(self) -> frozenset[TopicPartition]:
        return frozenset() if self._consumer is None else self._consumer.assignment()

    def pause(self) -> None:
        """Hold every partition until `resume_at`."""
        if self._consumer is not None:
            self._consumer.pause(*self._consumer.assignment())

    def resume_at(self, offsets: Mapping[int, int]) -> None:
        """Read on from these offsets; partitions that were taken away meanwhile are passed over."""
        for partition, offset in offsets.items():
            tp = TopicPartition(self.topic, partition)
            with contextlib.suppress(IllegalStateError):
                self._open().seek(tp, offset)
                self._open().resume(tp)

    def _open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise TryAgain(f"the consumer of {self.topic} is closed")
        return self._consumer

    async def read(self, most: int, wait_ms: int) -> dict[int, Records]:
        """The next records by partition, in order. Raises TryAgain on broker trouble.

        Sets `changed` when a position is out of range, and when a record can only be read leniently: then it is all read again.
        """
        try:
            async with asyncio.timeout(wait_ms / 1000 + (0 if self.rebalancing else STUCK_S)):
                found = await self._open().getmany(timeout_ms=wait_ms, max_records=most)
        except (TimeoutError, NoOffsetForPartitionError):  # the latter before `resume_at` gave an offset that nobody committed
            return {}
        except OffsetOutOfRangeError:
            self.changed = True
            return {}
        except UnicodeDecodeError as error:
            log.warning("a header's name is not UTF-8, reading more slowly from now on", topic=self.topic, error=str(error))
            read_leniently()
            self.changed = True
            return {}
        except KafkaError as error:
            await self.stop()
            raise TryAgain(f"Kafka: {error!r}") from error
        return {tp.partition: records for tp, records in found.items() if records}

    def gather(self, wait_ms: int) -> None:
        """Let the broker hold the next fetches back for so long, that more may come together; 0: until there is a record."""
        hold_back(self._open(), *((GATHERED, wait_ms) if wait_ms else (1, AT_ONCE_MS)))

    async def commit(self, offsets: Mapping[int, int], metadata: str) -> bool:
        """Commit these next offsets; False when a rebalance makes them another's. Raises TryAgain on broker trouble.

        Not tried during a rebalance: refused with the old generation, aiokafka joins as a new member, and all wait for the old one.
        """
        if self.rebalancing:
            return False
        ours = self.assigned()
        wanted = {TopicPartition(self.topic, p): OffsetAndMetadata(offset, metadata) for p, offset in offsets.items() if p in ours}
        if not wanted:
            return True
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._open().commit(wanted)
        except (CommitFailedError, IllegalStateError):
            return False
        except (KafkaError, TimeoutError) as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        return True

    def ends(self) -> dict[int, int]:
        """The end of the log of each partition that is ours, as of the last fetch."""
        ends = ((tp.partition, self._open().highwater(tp)) for tp in self._assignment())
        return {partition: end for partition, end in ends if end is not None}


def hold_back(consumer: AIOKafkaConsumer, least_bytes: int, at_most_ms: int) -> None:
    """Let the broker hold this consumer's next fetches back until there is so much, or for so long."""
    fetcher = consumer._fetcher  # aiokafka has a setting for it, which cannot be changed
    fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = least_bytes, at_most_ms


async def _closed(consumer: AIOKafkaConsumer) -> None:
    with contextlib.suppress(KafkaError, TimeoutError):
        await asyncio.wait_for(consumer.stop(), ANSWER_S)


def _sticky() -> type[StickyPartitionAssignor]:
    """An assignor of one consumer: aiokafka's keeps what it was assigned in the class, for all consumers of a process alike.

    Nor does aiokafka tell it the generation, by which a zombie's word is told from its successor's; the time of the assignment will do.
    """

    class Sticky(StickyPartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
        @classmethod
        def on_assignment(cls, assignment: Any) -> None:
            super().on_assignment(assignment)
            cls.on_generation_assignment(int(time.time()) & 0x7FFFFFFF)

    return Sticky


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, reader: GroupReader) -> None:
        self._reader = reader

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._reader.rebalancing = True

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._reader.rebalancing = False
        self._reader.changed = True
        self._reader.pause()
