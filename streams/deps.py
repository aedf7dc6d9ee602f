"""What every stage of a process shares, opened and closed in one place: city, hot store, publisher, clock.

Opening waits for Kafka and Redis (a stack may come up in any order) but not for a person: a wrong setting or city stops the process at
once with one message.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog

from adapters.boundaries import locator
from adapters.bus import Publisher, topic_state
from adapters.clock import CityClock, open_clock, parse_clock
from adapters.hot import HotStore, Keys, connect
from config.load import load_city
from config.settings import Settings
from config.topics import CASE_COMMANDS
from incidents.catalogue import City
from incidents.errors import TryAgain
from incidents.places import Locate

log = structlog.get_logger(__name__)

T = TypeVar("T")
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Deps:
    """What a stage is built from."""

    settings: Settings
    city: City
    locate: Locate
    hot: HotStore
    publisher: Publisher
    clock: CityClock


@asynccontextmanager
async def open_deps(settings: Settings) -> AsyncIterator[Deps]:
    """The shared things of this process. Raises UserError and ConfigError; waits as long as Kafka or Redis is away."""
    parse_clock(settings.clock)
    city = load_city(settings)
    locate = locator(city, settings)
    keys = Keys(settings.namespace, city.key)
    redis = connect(settings.redis_url)
    publisher = Publisher(settings.kafka_bootstrap)
    try:
        topic = await answered(lambda: topic_state(settings.kafka_bootstrap, CASE_COMMANDS.named(settings.namespace)))
        clock = await answered(lambda: open_clock(settings, redis, keys))
        yield Deps(settings, city, locate, HotStore(redis, keys, topic.cluster_id), publisher, clock)
    finally:
        await publisher.close()
        await redis.aclose()


async def answered(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, asked for again after a pause for as long as it is TryAgain."""
    failures = 0
    while True:
        try:
            return await ask()
        except TryAgain as error:
            if failures in (0, 3, 20) or failures % 60 == 59:
                log.warning("waiting for an engine; `cityloop up` starts a local stack", error=str(error))
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1
