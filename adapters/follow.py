"""Reads a whole topic from its beginning and goes on with what comes, without a group and without commits.

For readers that keep what they learn in memory only and rebuild it at every start: the console's counters and the units of the demo.
"""

import contextlib
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from incidents.errors import TryAgain

__all__ = ["ConsumerRecord", "Follower"]


@dataclass(frozen=True, slots=True)
class _Goal:
    ends: dict[int, int]


class Follower:
    """Follows one topic; records of a partition come in order. One loop only."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.topic = topic
        self._goal: _Goal | None = None
        self._consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            client_id=f"cityloop-follow-{topic}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4_500_000,
            metadata_max_age_ms=5_000,
        )

    async def start(self) -> None:
        """Connect. Raises TryAgain when the broker is away; then make a new follower."""
        try:
            await self._consumer.start()
            ends = await self._consumer.end_offsets(self._consumer.assignment())
        except KafkaError as error:
            await self.stop()
            raise TryAgain(f"Kafka: {error!r}") from error
        self._goal = _Goal({tp.partition: end for tp, end in ends.items()})

    async def stop(self) -> None:
        """Let go of the connections."""
        with contextlib.suppress(KafkaError):
            await self._consumer.stop()

    async def read(self, most: int = 2_000, wait_ms: int = 200) -> list[ConsumerRecord]:
        """The next records, in order within each partition. Raises TryAgain on broker trouble."""
        try:
            found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=most)
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        return [record for records in found.values() for record in records]

    async def caught_up(self) -> bool:
        """Whether everything was read that stood in the topic when `start` returned."""
        if self._goal is None:
            return False
        for tp in self._consumer.assignment():
            if await self._consumer.position(tp) < self._goal.ends.get(tp.partition, 0):
                return False
        return True

    async def length(self, topic: str, partitions: int) -> int:
        """Records that a topic ever had: the sum of its ends. Raises TryAgain on broker trouble."""
        try:
            ends = await self._consumer.end_offsets([TopicPartition(topic, partition) for partition in range(partitions)])
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        return sum(ends.values())
