"""The stores under contract, each in turn."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator

import pytest

from adapters.sift_memory import MemorySift
from tests.adapters.sifting import Shelf, redis_sift


@pytest.fixture(params=["memory", "redis"])
def on_shelf(request: pytest.FixtureRequest) -> Iterator[Callable[[Callable[[Shelf], Awaitable[None]]], None]]:
    """Runs a scenario on one of the two stores."""

    url = request.getfixturevalue("redis_server") if request.param == "redis" else ""

    async def run(scenario: Callable[[Shelf], Awaitable[None]]) -> None:
        if request.param == "memory":
            await scenario(Shelf(MemorySift("r1"), None))
            return
        store, hot = await redis_sift(url, f"t{uuid.uuid4().hex[:8]}.")
        try:
            await scenario(Shelf(store, hot))
        finally:
            await hot.close()

    yield lambda scenario: asyncio.run(run(scenario))
