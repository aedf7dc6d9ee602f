"""Reads `cases.events` on and on from positions that the reader keeps itself, with what it made of the facts: no group decides."""

import contextlib
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, OffsetAndMetadata, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from incidents.errors import TryAgain

__all__ = ["ConsumerRecord", "FactLog"]

PARTITION_BYTES = 4_500_000


class FactLog:
    """All partitions of `cases.events` from given offsets on. One loop only; after TryAgain make a new one.

    With a `group`, what is done can be committed for others to see how far behind its reader is, and facts that are gone from the log are
    trouble; without one, reading goes on with the oldest that are there.
    """

    def __init__(self, bootstrap: str, topic: str, group: str | None = None) -> None:
        self.topic = topic
        self._seen = False  # the broker has told us of the topic
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            client_id=f"cityloop-{group or 'evaluation'}",
            enable_auto_commit=False,
            auto_offset_reset="none" if group else "earliest",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=PARTITION_BYTES,
        )

    async def start(self, offsets: Mapping[int, int]) -> None:
        """Connect and read from these offsets, by partition. Raises TryAgain when the broker is away, or has no such topic."""
        try:
            await self._consumer.start()
            topics = await self._consumer.topics()
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        if self.topic not in topics:
            raise self._gone()
        self._consumer.assign([TopicPartition(self.topic, partition) for partition in offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(TopicPartition(self.topic, partition), offset)

    async def stop(self) -> None:
        """Let go of the connections."""
        with contextlib.suppress(KafkaError):
            await self._consumer.stop()

    async def read(self, most: int, wait_ms: int = 200) -> list[ConsumerRecord]:
        """The next records, in order within each partition. Raises TryAgain on broker trouble."""
        try:
            found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=most)
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        here = self._consumer.partitions_for_topic(self.topic) is not None
        if self._seen and not here:  # aiokafka would ask for the partitions' leaders without a pause, a third of a core
            raise self._gone()
        self._seen = self._seen or here
        return [record for records in found.values() for record in records]

    def _gone(self) -> TryAgain:
        return TryAgain(f"Kafka has no topic {self.topic}; `cityloop topics apply` makes it")

    async def commit(self, offsets: Mapping[int, int], topic_id: str) -> None:
        """Say how far everything is done. Raises TryAgain on broker trouble."""
        wanted = {TopicPartition(self.topic, partition): OffsetAndMetadata(offset, topic_id) for partition, offset in offsets.items()}
        try:
            await self._consumer.commit(wanted)
        except (KafkaError, IllegalStateError) as error:
            raise TryAgain(f"Kafka: {error!r}") from error

    def ends(self) -> dict[int, int]:
        """The end of the log of each partition, as of the last fetch."""
        ends = ((tp.partition, self._consumer.highwater(tp)) for tp in self._consumer.assignment())
        return {partition: end for partition, end in ends if end is not None}
