"""Reads stretches of topics for a person's question (audit, explain, dead letters): from known offsets to the ends as of now, no group.

For one thread; what goes on listening is `adapters.follow`. Here a broker that is away is a person's matter, so errors are UserErrors.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, KafkaError, NotCoordinatorError

from adapters.bus import TopicState, topic_state
from incidents.audit import Span
from incidents.errors import TryAgain, UserError

POLL_MS = 500
SILENT_POLLS = 60  # so many polls without a record: the broker is there and does not answer
CONNECT_S = 2.0
COORDINATOR_S = 20.0
YOUNG = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
JUMP = 2_000
MOST = 10_000
PARTITION_BYTES = 4_500_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands on the log; `timestamp_ms` is its append time on the machine's clock."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str | None:
        """A header as text, None when it is not there."""
        return next((value.decode("utf-8", "replace") for key, value in self.headers if key == name), None)


Progress = Callable[[int], None]


def state(bootstrap: str, topic: str, group: str | None = None) -> TopicState:
    """What the broker knows of a topic and a group's commits. Raises UserError when it does not answer or has no such topic.

    A broker that has just started has no coordinator for groups yet; that is waited for.
    """
    _require(bootstrap)
    give_up_at = time.monotonic() + COORDINATOR_S
    while True:
        try:
            return asyncio.run(topic_state(bootstrap, topic, group))
        except TryAgain as error:
            if not isinstance(error.__cause__, YOUNG) or time.monotonic() > give_up_at:
                raise _away(bootstrap, error) from None
        time.sleep(0.2)


def spans(bootstrap: str, topic: str) -> dict[int, Span]:
    """Everything that stands in the topic now, by partition. Raises UserError as `state` does."""
    found = state(bootstrap, topic)
    return {partition: Span(found.starts[partition], end) for partition, end in found.ends.items()}


def read(bootstrap: str, topic: str, wanted: Mapping[int, Span], progress: Progress = lambda _: None) -> Iterator[Record]:
    """The records of these spans, in order within each partition; offsets that are gone are passed over.

    `progress` is told how many records came since it was called last. Raises UserError when the broker does not answer.
    """
    open_spans = {partition: span for partition, span in wanted.items() if span.begin < span.end}
    if not open_spans:
        return
    with _consumer(bootstrap) as consumer:
        partitions = {partition: TopicPartition(topic, partition) for partition in open_spans}
        consumer.assign(list(partitions.values()))
        for partition, span in open_spans.items():
            consumer.seek(partitions[partition], span.begin)
        yield from _until(consumer, topic, open_spans, progress)


def _until(consumer: Any, topic: str, wanted: Mapping[int, Span], progress: Progress) -> Iterator[Record]:
    left, silent = dict(wanted), 0
    while left:
        found = consumer.poll(timeout_ms=POLL_MS, max_records=MOST)
        silent = 0 if found else silent + 1
        if silent > SILENT_POLLS:
            raise UserError(f"Kafka gives no more records of {topic} {min(left)}:{left[min(left)].begin}…; look at the broker's log")
        for tp, records in found.items():
            if tp.partition in left:
                yield from (_record(each) for each in records if each.offset < left[tp.partition].end)
            progress(len(records))
        done = [partition for partition, span in left.items() if consumer.position(TopicPartition(topic, partition)) >= span.end]
        for partition in done:
            consumer.pause(TopicPartition(topic, partition))
            del left[partition]


def one(bootstrap: str, topic: str, partition: int, offset: int) -> Record:
    """One record. Raises UserError when it is not on the log, saying what is."""
    found = spans(bootstrap, topic)
    if partition not in found:
        raise UserError(f"{topic} has no partition {partition}; it has 0 to {max(found)}")
    span = found[partition]
    if span.begin <= offset < span.end:
        for record in read(bootstrap, topic, {partition: Span(offset, offset + 1)}):
            return record
    raise UserError(f"{topic} has no record {partition}:{offset}; partition {partition} holds the offsets {span.begin} to {span.end - 1}")


def pick(bootstrap: str, topic: str, offsets: Mapping[int, Sequence[int]]) -> Iterator[Record]:
    """The records at these ascending offsets by partition; those that are gone are passed over. Raises UserError as `read` does."""
    there = spans(bootstrap, topic)
    with _consumer(bootstrap) as consumer:
        for partition, wanted in offsets.items():
            consumer.assign([TopicPartition(topic, partition)])
            for stretch in _stretches(wanted, there.get(partition, Span(0, 0))):
                consumer.resume(TopicPartition(topic, partition))
                consumer.seek(TopicPartition(topic, partition), stretch[0])
                found = _until(consumer, topic, {partition: Span(stretch[0], stretch[-1] + 1)}, lambda _: None)
                asked = frozenset(stretch)
                yield from (record for record in found if record.offset in asked)


def _stretches(wanted: Sequence[int], there: Span) -> Iterator[list[int]]:
    """Offsets that are read in one go, because jumping would cost more than reading what lies between."""
    stretch: list[int] = []
    for offset in wanted:
        if not there.begin <= offset < there.end:
            continue
        if stretch and offset - stretch[-1] > JUMP:
            yield stretch
            stretch = []
        stretch.append(offset)
    if stretch:
        yield stretch


def between(bootstrap: str, topic: str, from_ms: int, to_ms: int) -> dict[int, Span]:
    """The spans whose records were appended from `from_ms` to `to_ms` (machine's clock). Raises UserError when the broker is away."""
    everything = spans(bootstrap, topic)
    with _consumer(bootstrap) as consumer:
        begin, end = (
            {tp.partition: at.offset for tp, at in consumer.offsets_for_times(_times(topic, everything, ms)).items() if at}
            for ms in (from_ms, to_ms + 1)
        )
    return {p: Span(begin.get(p, span.end), end.get(p, span.end)) for p, span in everything.items()}


def _times(topic: str, partitions: Mapping[int, Span], ms: int) -> dict[Any, int]:
    return {TopicPartition(topic, partition): ms for partition in partitions}


def _require(bootstrap: str) -> None:
    """Kafka's clients try for half a minute where nobody listens; a person is answered at once."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        with contextlib.suppress(OSError, ValueError), socket.create_connection((host, int(port)), timeout=CONNECT_S):
            return
    raise _away(bootstrap, "nobody listens there")


@contextmanager
def _consumer(bootstrap: str) -> Iterator[Any]:
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            client_id="cityloop-reader",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=PARTITION_BYTES,
            fetch_max_bytes=8 * PARTITION_BYTES,
            metrics_enabled=False,
        )
    except (KafkaError, OSError, ValueError) as error:
        raise _away(bootstrap, error) from None
    try:
        yield consumer
    except KafkaError as error:
        raise _away(bootstrap, error) from None
    finally:
        consumer.close()


def _away(bootstrap: str, error: Exception | str) -> UserError:
    said = str(error) if "does not exist" in str(error) else f"no Kafka answers at {bootstrap} ({error})"
    return UserError(f"{said}; start one with `cityloop up`, or set CITYLOOP_KAFKA_BOOTSTRAP and CITYLOOP_NAMESPACE")


def _record(record: Any) -> Record:
    headers = tuple((key, value or b"") for key, value in record.headers)
    return Record(record.partition, record.offset, record.timestamp, record.key, record.value, headers)
