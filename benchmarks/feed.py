"""Reports as ready batches, appended to a topic at once: an engine sees a backlog appear while it runs, and nobody's simulation costs it.

A batch is encoded once and sent to the topic of every engine, so that all of them get the same bytes in the same order. Appending a million
takes the broker about a second, which falls into everybody's measured time alike.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from adapters.bus import partition_of
from producers.base import Item

BATCH_BYTES = 128 << 10
LARGEST = 3 << 20
ROOM = 1 << 10
"""Bytes of a batch beside the largest value."""


@dataclass
class Load:
    """So many reports, encoded: per partition its batches in order, and, when asked, the ids in the order of their offsets."""

    partitions: int
    count: int = 0
    ids: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    batches: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))


def loaded(items: Iterable[Item], partitions: int, with_ids: bool = False) -> Load:
    """Encode the records, each to the partition of its key."""
    load, places = Load(partitions), dict[bytes, int]()
    for item in items:
        key = item.key or b""
        partition = places.get(key)
        if partition is None:
            partition = places[key] = partition_of(key, partitions)
        batches = load.batches[partition]
        if not batches or batches[-1].append(timestamp=None, key=item.key, value=item.value) is None:
            batches.append(BatchBuilder(max(BATCH_BYTES, len(item.value or b"") + ROOM), 0))
            batches[-1].append(timestamp=None, key=item.key, value=item.value)
        load.count += 1
        if with_ids and item.truth:
            load.ids[partition].append(item.truth.id)
    return load


class Feeder:
    """Appends loads to a topic. One loop only."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=LARGEST, acks=1)

    async def start(self) -> None:
        """Connect, and learn about the topic."""
        await self._producer.start()
        await self._producer.partitions_for(self._topic)

    async def stop(self) -> None:
        """Let go."""
        await self._producer.stop()

    async def append(self, load: Load) -> None:
        """Append all of it; returns when it is on the log."""
        await asyncio.gather(*(self._append(partition, batches) for partition, batches in load.batches.items()))

    async def _append(self, partition: int, batches: Sequence[Any]) -> None:
        for batch in batches:
            await self._producer.send_batch(batch, self._topic, partition=partition)
        await self._producer.flush()
