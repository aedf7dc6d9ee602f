"""The facts as the dispatcher of notices reads them: every partition of `cases.events` from offsets that it keeps itself.

It is alone by its lease, so nothing is shared and no group decides. What is done is committed to a group all the same: by it one sees how
far the dispatcher is behind, and it knows where to go on should Redis have lost everything.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, OffsetAndMetadata, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, OffsetOutOfRangeError

from incidents.errors import TryAgain

__all__ = ["ConsumerRecord", "HookLog"]

MOST = 500
PARTITION_BYTES = 4_500_000


class HookLog:
    """See the module. One loop only; after TryAgain make a new one."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self._topic = topic
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            client_id=f"cityloop-{group}",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=PARTITION_BYTES,
        )

    async def start(self, offsets: Mapping[int, int]) -> None:
        """Read from these offsets, by partition. Raises TryAgain when the broker is away."""
        try:
            await self._consumer.start()
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        self._consumer.assign([TopicPartition(self._topic, partition) for partition in offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(TopicPartition(self._topic, partition), offset)

    async def stop(self) -> None:
        """Let go of the connections."""
        with contextlib.suppress(KafkaError):
            await self._consumer.stop()

    async def read(self, wait_s: float) -> list[ConsumerRecord]:
        """The next records, in order within each partition. Raises TryAgain on broker trouble, also when they are gone from the log."""
        try:
            found: dict[Any, list[ConsumerRecord]] = await self._consumer.getmany(timeout_ms=round(wait_s * 1000), max_records=MOST)
        except OffsetOutOfRangeError as error:
            raise TryAgain(f"Kafka: the log of {self._topic} no longer has what comes next ({error})") from error
        except KafkaError as error:
            raise TryAgain(f"Kafka: {error!r}") from error
        return [record for records in found.values() for record in records]

    async def commit(self, offsets: Mapping[int, int], topic_id: str) -> None:
        """Say how far everything is done. Raises TryAgain on broker trouble."""
        wanted = {TopicPartition(self._topic, partition): OffsetAndMetadata(offset, topic_id) for partition, offset in offsets.items()}
        try:
            await self._consumer.commit(wanted)
        except (KafkaError, IllegalStateError) as error:
            raise TryAgain(f"Kafka: {error!r}") from error

    def ends(self) -> dict[int, int]:
        """The end of the log of each partition, as of the last fetch."""
        ends = ((tp.partition, self._consumer.highwater(tp)) for tp in self._consumer.assignment())
        return {partition: end for partition, end in ends if end is not None}
