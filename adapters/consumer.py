"""A consumer of one topic in one group that hands its assignment over in the caller's own loop.

aiokafka only logs what fails in a rebalance callback (STREAMS.md), so the callback pauses the partitions and notes that the assignment
changed; the caller then prepares, seeks and resumes with `resume_at`. `auto_offset_reset` is `none`: a gap is an alarm, never a skip.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, OffsetAndMetadata, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from adapters.lenient import read_leniently
from incidents.errors import TryAgain

__all__ = ["ConsumerRecord", "GroupReader", "Records"]

log = structlog.get_logger(__name__)

Records = Sequence[ConsumerRecord]

SESSION_MS = 3_000  # a killed worker is taken over after this; the broker allows it by group.min.session.timeout.ms (ARCHITECTURE.md §3)
HEARTBEAT_MS = 1_000


class GroupReader:
    """Reads whole batches; see the module's paragraph for the hand-over. Not thread-safe, one loop only."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self.topic = topic
        self.group = group
        self.changed = False
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            client_id=f"cityloop-{group}",
            enable_auto_commit=False,
            auto_offset_reset="none",
            partition_assignment_strategy=(StickyPartitionAssignor,),
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=5_000,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4_500_000,
            metadata_max_age_ms=5_000,  # new partitions and a topic made anew are seen within this
        )

    async def start(self) -> None:
        """Join the group. Raises TryAgain when the broker is away."""
        try:
            await self._consumer.start()
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        self._consumer.subscribe([self.topic], listener=_Listener(self))

    async def stop(self) -> None:
        """Leave the group."""
        with contextlib.suppress(KafkaError):
            await self._consumer.stop()

    def assigned(self) -> frozenset[int]:
        """The partitions that are ours now."""
        return frozenset(tp.partition for tp in self._consumer.assignment() if tp.topic == self.topic)

    def pause(self) -> None:
        """Hold every partition until `resume_at`."""
        self._consumer.pause(*self._consumer.assignment())

    def resume_at(self, offsets: Mapping[int, int]) -> None:
        """Read on from these offsets; partitions that were taken away meanwhile are passed over."""
        for partition, offset in offsets.items():
            tp = TopicPartition(self.topic, partition)
            with contextlib.suppress(IllegalStateError):
                self._consumer.seek(tp, offset)
                self._consumer.resume(tp)

    async def read(self, most: int, wait_ms: int) -> dict[int, Records]:
        """The next records by partition, in order. Raises TryAgain on broker trouble.

        Sets `changed` when a position is out of range, and when a record can only be read leniently: then it is all read again.
        """
        try:
            found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=most)
        except (NoOffsetForPartitionError, OffsetOutOfRangeError):
            self.changed = True
            return {}
        except UnicodeDecodeError as error:
            log.warning("a header's name is not UTF-8, reading more slowly from now on", topic=self.topic, error=str(error))
            read_leniently()
            self.changed = True
            return {}
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        return {tp.partition: records for tp, records in found.items() if records}

    async def commit(self, offsets: Mapping[int, int], metadata: str) -> bool:
        """Commit these next offsets; False when a rebalance made them another's. Raises TryAgain on broker trouble."""
        ours = self.assigned()
        wanted = {TopicPartition(self.topic, p): OffsetAndMetadata(offset, metadata) for p, offset in offsets.items() if p in ours}
        if not wanted:
            return True
        try:
            await self._consumer.commit(wanted)
        except (CommitFailedError, IllegalStateError):
            return False
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        return True

    def ends(self) -> dict[int, int]:
        """The end of the log of each partition that is ours, as of the last fetch."""
        ends = ((tp.partition, self._consumer.highwater(tp)) for tp in self._consumer.assignment())
        return {partition: end for partition, end in ends if end is not None}


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, reader: GroupReader) -> None:
        self._reader = reader

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._reader.changed = True

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._reader.changed = True
        self._reader.pause()
