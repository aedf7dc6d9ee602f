"""What a journey puts on Kafka and reads from it, by kafka-python as any foreign client would."""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, REPORTED

LON, LAT = 120.3826, 36.0671
METRE = 1 / 90_000
"""A metre in degrees of longitude at Qingdao, near enough."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A record that is durable: where it stands, and what it was."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


def report(number: int | str, source: str = "/cameras/1", *, east_m: float = 0, ago_s: float = 60, **data: object) -> Json:
    """A good report of road spillage by a street camera, `east_m` east of a point in Shinan; `data` is laid over its data."""
    said = {"category": "road_spillage", "channel": "low_video", "location": {"lon": LON + east_m * METRE, "lat": LAT, "accuracy_m": 10}}
    return {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": source,
        "type": "city.incident.reported.v1",
        "time": (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(),
        "city": "QD",
        "data": said | data,
    }


def send(settings: Settings, *reports: Json) -> list[Sent]:
    """Put reports on `incidents.reported`, key = source, in this order; returns when they are durable."""
    return send_raw(settings, [(str(each["source"]).encode(), _json(each)) for each in reports])


def send_raw(
    settings: Settings,
    records: Sequence[tuple[bytes | None, bytes | None]],
    headers: Sequence[tuple[str, bytes]] = (),
    topic: str = REPORTED.name,
) -> list[Sent]:
    """Put keys and values of any kind on a topic."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, max_request_size=4 << 20, linger_ms=5)
    try:
        name = settings.named(topic)
        waiting = [producer.send(name, key=key, value=value, headers=list(headers)) for key, value in records]
        done = [each.get(timeout=60) for each in waiting]
    finally:
        producer.close()
    return [Sent(at.partition, at.offset, key, value) for at, (key, value) in zip(done, records, strict=True)]


def command(settings: Settings, case_id: str, type: str, role: str = "system", **more: object) -> str:  # noqa: A002  # the contract's word
    """Put a command on `cases.commands`, as a person's client does; returns its id. `id=` repeats one that was given before."""
    said = {"id": f"test:{uuid.uuid4().hex}", "case_id": case_id, "type": type, "actor": {"id": f"test:{role}", "role": role}} | more
    event = {
        "specversion": "1.0",
        "id": said["id"],
        "source": "/test",
        "type": "city.case.command.v1",
        "time": datetime.now(UTC).isoformat(),
        "city": "QD",
        "origin": "qingdao",
        "data": said,
    }
    send_raw(settings, [(case_id.encode(), _json(event))], topic=CASE_COMMANDS.name)
    return str(said["id"])


def facts(settings: Settings, until: Callable[[list[Json]], object], timeout: float = 20.0) -> list[Json]:
    """The CloudEvents of `cases.events` from the beginning, as soon as `until(facts)` is true; fails the test after `timeout` seconds."""
    found: list[Json] = []
    with following(settings, CASE_EVENTS.name) as records:
        for record in records(timeout):
            if record is not None:
                found.append(json.loads(record.value))
            if until(found):
                return found
    told = [f"{each['data']['case_id']} {each['sequence']} {each['type']}" for each in found[-30:]]
    raise AssertionError(f"waited {timeout:g} s; {len(found)} facts came, the last:\n" + "\n".join(told))


def records_of(settings: Settings, topic: str, many: int, timeout: float = 20.0) -> list[Any]:
    """The first `many` records of a topic (kafka-python's); fails the test when they are fewer after `timeout` seconds."""
    found = []
    with following(settings, topic) as records:
        for record in records(timeout):
            if record is not None:
                found.append(record)
            if len(found) >= many:
                return found
    raise AssertionError(f"waited {timeout:g} s for {many} records of {topic}; {len(found)} came")


@contextmanager
def following(settings: Settings, topic: str) -> Iterator[Callable[[float], Iterator[Any]]]:
    """A function that yields the topic's records from the beginning, and None whenever none came for a moment, for so many seconds."""
    name = settings.named(topic)
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, group_id=None, auto_offset_reset="earliest")
    try:
        consumer.assign([TopicPartition(name, partition) for partition in sorted(consumer.partitions_for_topic(name))])
        consumer.seek_to_beginning()
        yield lambda timeout: _records(consumer, timeout)
    finally:
        consumer.close()


def _records(consumer: Any, timeout: float) -> Iterator[Any]:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = consumer.poll(timeout_ms=200)
        for records in found.values():
            yield from records
        if not found:
            yield None


def of_case(found: list[Json], case_id: str) -> list[str]:
    """The facts of one case, by name, in order: `["opened", "filed", …]`."""
    return [each["type"].split(".")[2] for each in found if each["data"]["case_id"] == case_id]


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
