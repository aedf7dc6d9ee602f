"""The live feed tells every fact once: the real one and its twin are held to the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from adapters.console_view import ConsoleView
from adapters.feed import Feed, Frame, MemoryFeed, RedisFeed
from adapters.hot import HotStore, Keys, connect
from config.settings import Settings
from incidents.errors import NotReady
from tests.hot import let_in
from tests.streams.fact_agents import a_fact, frame_of

CLUSTER = "test"


@asynccontextmanager
async def hot_store(settings: Settings) -> AsyncIterator[HotStore]:
    """A hot store that is ready, in a namespace of its own."""
    redis = connect(settings.redis_url)
    hot = HotStore(redis, Keys(settings.namespace, settings.city), CLUSTER)
    await let_in(hot)
    try:
        yield hot
    finally:
        await hot.close()


def on(settings: Settings, kind: str, journey: Callable[[Feed], Awaitable[None]]) -> None:
    """Run a journey on the real feed or on its twin."""

    async def run() -> None:
        if kind == "memory":
            await journey(MemoryFeed())
        else:
            async with hot_store(settings) as hot:
                await journey(RedisFeed(hot))

    asyncio.run(run())


both = pytest.mark.parametrize("kind", ["memory", pytest.param("redis", marks=pytest.mark.stack)])


def frames(*told: tuple[int, int]) -> list[Frame]:
    """Frames of (case number, sequence)."""
    return [frame_of(a_fact(number, sequence)) for number, sequence in told]


@both
def test_a_fact_read_again_is_told_once(settings: Settings, kind: str) -> None:
    async def journey(feed: Feed) -> None:
        assert await feed.tell(frames((1, 1), (2, 1))) == frames((1, 1), (2, 1))
        assert await feed.tell(frames((1, 1), (1, 2))) == frames((1, 2))
        assert await feed.tell(frames((1, 1), (1, 2), (2, 1))) == []
        assert await feed.tell([]) == []

    on(settings, kind, journey)


@pytest.mark.stack
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=8), max_size=6))
def test_the_twin_tells_what_the_real_feed_tells(settings: Settings, batches: list[list[tuple[int, int]]]) -> None:
    async def journey() -> None:
        twin = MemoryFeed()
        async with hot_store(settings) as hot:
            await hot.redis.delete(hot.keys.feed, hot.keys.told)
            for batch in batches:
                assert await RedisFeed(hot).tell(frames(*batch)) == await twin.tell(frames(*batch))
            kept = await ConsoleView(hot.redis, hot.keys).after("0-0")
        assert [Frame.model_validate_json(entry.frame) for entry in kept] == twin.frames

    asyncio.run(journey())


@pytest.mark.stack
def test_the_feed_says_which_units_had_the_case_before(settings: Settings) -> None:
    def by(sequence: int, unit: str | None, *assisting: str) -> Frame:
        return frame_of(a_fact(1, sequence)).model_copy(update={"unit": unit, "assisting": assisting})

    async def journey() -> None:
        async with hot_store(settings) as hot:
            feed = RedisFeed(hot)
            await feed.tell([by(1, None), by(2, "office", "crew")])
            await feed.tell([by(3, None)])
            await feed.tell([by(3, None), by(4, "other")])
            kept = await ConsoleView(hot.redis, hot.keys).after("0-0")
        assert [entry.was for entry in kept] == [(), (), ("office", "crew"), ()]

    asyncio.run(journey())


@pytest.mark.stack
def test_a_store_that_is_not_ready_is_told_nothing(settings: Settings) -> None:
    async def journey() -> None:
        async with hot_store(settings) as hot:
            await hot.redis.delete(hot.keys.ready)
            with pytest.raises(NotReady):
                await RedisFeed(hot).tell(frames((1, 1)))
            assert not await hot.redis.exists(hot.keys.feed)

    asyncio.run(journey())


def test_a_frame_is_what_the_page_needs_and_nothing_about_people() -> None:
    assert orjson.loads(frame_of(a_fact()).model_dump_json()) == {
        "case_id": "QD-20261121-0000000001",
        "sequence": 1,
        "fact": "opened",
        "at": "2026-11-21T00:15:01Z",
        "state": "reported",
        "category": "road_spillage",
        "severity": "normal",
        "district": "370202",
        "lon": 120.38,
        "lat": 36.07,
        "unit": None,
        "assisting": [],
        "count": 0,
        "reason": None,
        "revision": 0,
        "held_because": None,
        "due_at": None,
        "overdue": False,
        "subdistrict": None,
    }
