"""The stores under contract, each in turn, and what several files ask: cases in both databases, an office of people and tokens."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator

import pytest

from adapters.case_memory import MemoryCases
from adapters.case_query import CaseQuery
from adapters.case_store import RedisCases
from adapters.database import Database
from adapters.sift_memory import MemorySift
from tests.adapters.case_stores import Run, Scenario, hot_store
from tests.adapters.cases_asked import CASES, CITY, NOW, a_case
from tests.adapters.office import Office
from tests.adapters.sifting import Shelf, redis_sift
from tests.adapters.test_case_tables import tables_of


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


@pytest.fixture(params=["memory", "redis"])
def on_cases(request: pytest.FixtureRequest) -> Run:
    """Runs a scenario on one of the two stores."""
    url = request.getfixturevalue("redis_server") if request.param == "redis" else ""

    async def on(scenario: Scenario) -> None:
        if not url:
            await scenario(MemoryCases())
            return
        hot = await hot_store(url)
        try:
            await scenario(RedisCases(hot))
        finally:
            await hot.close()

    return lambda scenario: asyncio.run(on(scenario))


@pytest.fixture(scope="module")
def query(shared_databases: Database) -> CaseQuery:
    """Over cases that no test changes."""
    tables_of(shared_databases).take([a_case(number, **changes) for number, changes in CASES.items()])
    return CaseQuery(shared_databases, CITY, lambda: NOW)


@pytest.fixture
def office(databases: Database) -> Office:
    """An office on each engine in turn."""
    return Office(databases)
