"""The batch shell over the real broker: what a stage asks to be gathered is, until nothing comes any more."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.bus import TopicState
from adapters.consumer import AT_ONCE_MS, GATHERED, Records
from config.settings import Settings
from config.topics import CASE_EVENTS
from streams.batches import Batches, Source
from tests.streams.fact_agents import a_fact, held_back, tell, until

pytestmark = pytest.mark.stack


class Gathers:
    """A stage that notes how many records it was given, and wants the next ones gathered for 150 ms."""

    def __init__(self) -> None:
        self.seen = 0
        self._done: dict[int, int] = {}

    async def assigned(self, starts: Mapping[int, int], topic: TopicState) -> None:
        self._done = dict(starts)

    async def take(self, batch: Mapping[int, Records]) -> None:
        self.seen += sum(map(len, batch.values()))
        self._done |= {partition: records[-1].offset + 1 for partition, records in batch.items()}

    async def turn(self) -> None:
        pass

    def done(self) -> Mapping[int, int]:
        return self._done

    def full(self) -> bool:
        return False

    def gather_ms(self) -> int:
        return 150

    async def gap(self, partition: int, begin: int, end: int) -> None:
        raise AssertionError("there is no gap")

    async def finish(self) -> None:
        pass


async def _never() -> None:
    raise AssertionError("nothing is to be rebuilt")


def test_what_follows_a_batch_is_gathered_and_what_follows_silence_comes_at_once(settings: Settings) -> None:
    stage = Gathers()
    batches = Batches(Source(settings.kafka_bootstrap, settings.named(CASE_EVENTS.name), settings.named("gathers"), 100), stage, _never)
    reader: Any = batches._reader

    async def journey() -> None:
        await batches.start()
        try:
            await until(lambda: batches.working, "its partitions")
            for number in (1, 2):
                await until(lambda: held_back(reader._consumer) == (1, AT_ONCE_MS), "silence")
                await tell(settings, [a_fact(number)])
                await until(lambda: held_back(reader._consumer) == (GATHERED, 150), "a record")
            await until(lambda: stage.seen == 2, "both records")
        finally:
            await batches.stop()

    asyncio.run(journey())
