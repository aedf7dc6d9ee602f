"""The log of facts, followed in no group: what its reader is told when the topic is not there."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from adapters.fact_log import FactLog
from config.settings import Settings
from config.topics import CASE_EVENTS
from incidents.errors import TryAgain

pytestmark = pytest.mark.stack


def test_a_topic_that_was_never_made_is_named_with_the_next_act(settings: Settings) -> None:
    async def read() -> None:
        log = FactLog(settings.kafka_bootstrap, "no-such-topic")
        try:
            await log.start({0: 0})
        finally:
            await log.stop()

    with pytest.raises(TryAgain, match="no-such-topic; `cityloop topics apply`"):
        asyncio.run(read())


def test_a_topic_that_goes_while_it_is_read_ends_the_reading(settings: Settings) -> None:
    name = CASE_EVENTS.named(settings.namespace)

    async def read_on() -> None:
        log = FactLog(settings.kafka_bootstrap, name)
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
        await admin.start()
        try:
            await log.start(dict.fromkeys(range(CASE_EVENTS.partitions), 0))
            assert await log.read(10) == [], "it is there, and empty"
            await admin.delete_topics([name])
            async with asyncio.timeout(60):
                while True:
                    assert await log.read(10) == []
        finally:
            await admin.close()
            await log.stop()

    with pytest.raises(TryAgain, match=f"Kafka has no topic {name}"):
        asyncio.run(read_on())
