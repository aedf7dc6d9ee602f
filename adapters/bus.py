"""The bus: publishing with acknowledgement, and what the broker knows of a topic and a group. The only home of aiokafka.

Publishing is idempotent in the producer and `acks=all`; a batch is sent in order and awaited whole. aiokafka's sender stops for good on
some errors (STREAMS.md §7.9), so after any failure the producer is closed and made anew, and the caller repeats the batch: everything
that is published is idempotent by content.
"""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from kafka import KafkaAdminClient
from kafka import TopicPartition as AdminPartition
from kafka.errors import KafkaError as AdminError

from incidents.errors import TryAgain

__all__ = [
    "AIOKafkaConsumer",
    "Bus",
    "ConsumerRecord",
    "KafkaError",
    "Out",
    "Publisher",
    "TopicId",
    "TopicPartition",
    "TopicState",
    "partition_of",
    "topic_state",
]


BOOTSTRAP_MS = 5_000
"""How long a question to a broker that is away takes; the client's own patience is half a minute, in silence."""


@dataclass(frozen=True, slots=True)
class Out:
    """A record to publish; `partition` None lets the key decide (murmur2, as every Kafka client does)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


Hash = Callable[[bytes], int]


def hashed(most: int) -> Hash:
    """A key's hash, which decides its partition; of `most` keys it is remembered: in pure Python it costs as much as a small record."""
    return lru_cache(most)(lambda key: int(murmur2(key)) & 0x7FFFFFFF)


_hash = hashed(1 << 15)


def _noticed(sent: "asyncio.Task[None]") -> None:
    """Whoever waited for it may be gone: its failure is no news then."""
    if not sent.cancelled():
        sent.exception()


def partition_of(key: bytes, partitions: int) -> int:
    """Where every Kafka client puts a record of this key."""
    return _hash(key) % partitions


class Bus(Protocol):
    """What those who publish need; `Publisher` is the real one."""

    async def publish(self, outs: Iterable[Out]) -> None:
        """Return when every record is durable. Raises TryAgain, and is then asked for the whole again."""

    async def close(self) -> None:
        """Let go of the connections."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records of one partition that go together; full, on its way or failed, it takes no more. `sent` is done when they are durable."""

    builder: BatchBuilder
    sent: asyncio.Task[None]

    def takes(self, out: Out) -> bool:
        """Append the record if there is room."""
        if self.sent.done():
            return False
        return self.builder.append(timestamp=None, key=out.key, value=out.value, headers=list(out.headers)) is not None


class Publisher:
    """Publishes batches. One per process; not for use from two tasks on the same key, or their order is open.

    Batches are filled here and not in the client: a future per record and what the client does around it cost 15 µs a record, this 3.
    Whoever publishes to a partition meanwhile adds to the batch that waits for the one before it to be taken.
    """

    def __init__(self, bootstrap: str, client_id: str = "cityloop", hash_of: Hash = _hash) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._hash_of = hash_of
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._batches: dict[TopicPartition, _Batch] = {}  # the last of each partition
        self._turns: dict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def publish(self, outs: Iterable[Out]) -> None:
        """Return when every record is durable. Raises TryAgain when the broker is away: then the whole batch is to be repeated."""
        wanted = list(outs)
        try:
            producer = await self._open()
            partitions = {topic: sorted(await producer.partitions_for(topic)) for topic in {out.topic for out in wanted}}
            sent = {self._put(producer, out, partitions[out.topic]) for out in wanted}
            if sent:
                await asyncio.wait(sent)
            for each in sent:
                each.result()
        except KafkaError as error:
            await self.close()
            raise TryAgain(f"Kafka: {error!r}") from error

    def _put(self, producer: AIOKafkaProducer, out: Out, partitions: list[int]) -> asyncio.Task[None]:
        at = TopicPartition(out.topic, self._partition(out.key, partitions) if out.partition is None else out.partition)
        batch = self._batches.get(at)
        if batch is None or not batch.takes(out):
            builder = producer.create_batch()
            batch = self._batches[at] = _Batch(builder, asyncio.create_task(self._send(producer, builder, at)))
            batch.sent.add_done_callback(_noticed)
            batch.takes(out)  # the first one always
        return batch.sent

    def _partition(self, key: bytes | None, partitions: Sequence[int]) -> int:
        return random.choice(partitions) if key is None else partitions[self._hash_of(key) % len(partitions)]

    async def _send(self, producer: AIOKafkaProducer, builder: BatchBuilder, at: TopicPartition) -> None:
        async with self._turns[at]:
            durable = await producer.send_batch(builder, at.topic, partition=at.partition)
            builder.close()  # from here on the client counts what is in it
        await durable

    async def _open(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=self._client_id,
                    enable_idempotence=True,
                    acks="all",
                    max_batch_size=262_144,
                    max_request_size=4_500_000,
                    request_timeout_ms=10_000,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def close(self) -> None:
        """Close the producer; the next `publish` opens a new one."""
        producer, self._producer = self._producer, None
        self._batches.clear()
        if producer is not None:
            with contextlib.suppress(KafkaError, asyncio.TimeoutError):
                await asyncio.wait_for(producer.stop(), timeout=5)


@dataclass(frozen=True, slots=True)
class TopicState:
    """What the broker knows: the topic's id (another one after it was deleted and made anew), log ends, a group's commits."""

    topic_id: str
    cluster_id: str
    starts: dict[int, int]
    ends: dict[int, int]
    committed: dict[int, tuple[int, str]]  # partition -> offset, metadata


def _topic_state(bootstrap: str, topic: str, group: str | None) -> TopicState:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="cityloop-admin", bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        cluster = str(admin.describe_cluster()["cluster_id"])
        [described] = admin.describe_topics([topic])
        if described.get("error_code"):
            raise TryAgain(f"topic {topic!r} does not exist on {bootstrap}: create it with `cityloop topics apply`")
        partitions = [partition["partition_index"] for partition in described["partitions"]]
        committed = dict(admin.list_group_offsets(group)[group]) if group else {}
        found = admin.list_partition_offsets(_specs(topic, partitions, -2)), admin.list_partition_offsets(_specs(topic, partitions, -1))
        starts, ends = ({tp.partition: at.offset for tp, at in answer.items()} for answer in found)
        return TopicState(
            topic_id=str(described["topic_id"]),
            cluster_id=cluster,
            starts=starts,
            ends=ends,
            committed={
                tp.partition: (at.offset, at.metadata or "") for tp, at in committed.items() if tp.topic == topic and at.offset >= 0
            },
        )
    finally:
        admin.close()


def _specs(topic: str, partitions: Sequence[int], at: int) -> dict[AdminPartition, int]:
    return {AdminPartition(topic, partition): at for partition in partitions}


async def topic_state(bootstrap: str, topic: str, group: str | None = None) -> TopicState:
    """Ask the broker, in a thread (kafka-python's admin client is synchronous). Raises TryAgain when it does not answer."""
    try:
        return await asyncio.to_thread(_topic_state, bootstrap, topic, group)
    except AdminError as error:
        raise TryAgain(f"Kafka: {error!r}") from error


class TopicId:
    """Which incarnation of a topic there is, asked over one kept connection (a millisecond); not for two tasks at once.

    A consumer does not notice a topic that was deleted and made anew while it held an offset that the new log has too.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._admin: KafkaAdminClient | None = None

    async def now(self) -> str | None:
        """The topic's id, None when there is no such topic. Raises TryAgain when the broker does not answer."""
        try:
            return await asyncio.to_thread(self._ask)
        except AdminError as error:
            await self.close()
            raise TryAgain(f"Kafka: {error!r}") from error

    def _ask(self) -> str | None:
        if self._admin is None:
            self._admin = KafkaAdminClient(
                bootstrap_servers=self._bootstrap,
                client_id="cityloop-topic",
                bootstrap_timeout_ms=BOOTSTRAP_MS,
                request_timeout_ms=BOOTSTRAP_MS,
            )
        [described] = self._admin.describe_topics([self._topic])
        return None if described.get("error_code") else str(described["topic_id"])

    async def close(self) -> None:
        """Close the connection; `now` opens another one."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await asyncio.to_thread(admin.close)
