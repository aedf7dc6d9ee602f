"""The publisher on a real broker: whatever is published at the same time, nothing is lost, and a key's records stay in their order."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import pytest

from adapters.bus import Out, Publisher, partition_of
from adapters.reader import read, spans
from config.settings import Settings
from config.topics import CASE_COMMANDS, REJECTED
from incidents.errors import TryAgain
from tests.servers import Server

pytestmark = pytest.mark.stack


def test_records_of_a_key_stay_in_order_whoever_publishes_beside_and_each_is_durable_when_told(settings: Settings) -> None:
    topic, lanes, rounds, many = settings.named(CASE_COMMANDS.name), 6, 20, 30

    async def lane(publisher: Publisher, number: int) -> None:
        for turn in range(rounds):
            await publisher.publish(Out(topic, b"%d-%d" % (number, at % 7), b"%d %d" % (turn, at)) for at in range(many))

    async def run() -> None:
        publisher = Publisher(settings.kafka_bootstrap)
        await publisher.publish([])
        await asyncio.gather(*(lane(publisher, number) for number in range(lanes)))
        await publisher.close()

    asyncio.run(run())
    said: dict[bytes, list[tuple[int, ...]]] = defaultdict(list)
    for record in read(settings.kafka_bootstrap, topic, spans(settings.kafka_bootstrap, topic)):
        assert record.key is not None and record.value is not None
        assert record.partition == partition_of(record.key, CASE_COMMANDS.partitions)
        said[record.key].append(tuple(map(int, record.value.split())))
    assert sum(map(len, said.values())) == lanes * rounds * many
    assert all(before < after for each in said.values() for before, after in pairwise(each))


def test_a_record_of_megabytes_a_tombstone_headers_and_a_chosen_partition_arrive_as_they_are(settings: Settings) -> None:
    topic = settings.named(REJECTED.name)
    outs = [
        Out(topic, b"a", b"x" * 3_000_000, partition=3),
        Out(topic, b"a", None, (("why", b"gone"), ("why", b"\xff")), partition=3),
        Out(topic, None, b"anywhere"),
    ]

    async def run() -> None:
        publisher = Publisher(settings.kafka_bootstrap)
        await publisher.publish(outs)
        await publisher.close()

    asyncio.run(run())
    found = read(settings.kafka_bootstrap, topic, spans(settings.kafka_bootstrap, topic))
    large, gone, keyless = sorted(found, key=lambda record: (record.key is None, record.offset))
    assert (large.partition, len(large.value or b"")) == (3, 3_000_000)
    assert (gone.partition, gone.value, list(gone.headers)) == (3, None, [("why", b"gone"), ("why", b"\xff")])
    assert (keyless.key, keyless.value) == (None, b"anywhere")


def test_what_is_published_while_the_broker_is_away_is_durable_and_in_order_when_it_is_back(
    kafka_own: Server, new_settings: Callable[..., Settings]
) -> None:
    settings = new_settings(kafka_bootstrap=kafka_own.address)
    topic = settings.named(CASE_COMMANDS.name)

    async def lane(publisher: Publisher, number: int) -> None:
        for turn in range(3):
            with contextlib.suppress(TryAgain):  # or it waits: either is well
                await publisher.publish(Out(topic, b"%d" % number, b"%d" % at) for at in range(50))
                if turn:
                    return

    async def run() -> None:
        publisher = Publisher(settings.kafka_bootstrap)
        await publisher.publish([Out(topic, b"before", b"0")])
        kafka_own.kill()
        trying = asyncio.gather(*(lane(publisher, number) for number in range(4)))
        await asyncio.sleep(0)  # everybody begins
        kafka_own.start()  # here: a server dies with the thread that started it
        await trying
        await publisher.close()

    asyncio.run(run())
    said: dict[bytes, list[int]] = defaultdict(list)
    for record in read(settings.kafka_bootstrap, topic, spans(settings.kafka_bootstrap, topic)):
        said[record.key or b""].append(int(record.value or b"0"))
    assert len(said) == 5
    assert all(said[b"%d" % number][-50:] == list(range(50)) for number in range(4))
