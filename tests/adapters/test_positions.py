"""The latest position of each unit: the real store and its twin are held to the same."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from adapters.positions import MemoryPositions, Positions, RedisPositions
from config.settings import Settings
from incidents.positions import UnitPosition, UnitState
from tests.adapters.test_feed import hot_store

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
EVER = (AT - timedelta(days=9), AT + timedelta(days=9))


def said(unit: str = "a", minutes: float = 0, lon: float = 120.0) -> UnitPosition:
    """A unit's word, so many minutes after the start."""
    return UnitPosition(unit=unit, state=UnitState.AVAILABLE, at=AT + timedelta(minutes=minutes), lon=lon, lat=36.0)


async def _told(positions: Positions) -> list[list[UnitPosition]]:
    answers = []
    for batch in ([said("a", 1), said("b", 2)], [said("a", 0, 121.0)], [said("a", 1, 122.0)], []):
        await positions.put(batch)
        answers.append(list(await positions.between(*EVER)))
    answers.append(list(await positions.between(AT + timedelta(minutes=2), AT + timedelta(minutes=3))))
    await positions.put([said("c", 24 * 60 + 1.5)])
    answers.append(list(await positions.between(*EVER)))
    return answers


EXPECTED = [
    [said("a", 1), said("b", 2)],
    [said("a", 1), said("b", 2)],  # an older word changes nothing
    [said("a", 1, 122.0), said("b", 2)],
    [said("a", 1, 122.0), said("b", 2)],
    [said("b", 2)],
    [said("b", 2), said("c", 24 * 60 + 1.5)],  # a day old: deleted
]


def test_the_twin_keeps_the_latest_word_of_each_unit_for_a_day() -> None:
    assert asyncio.run(_told(MemoryPositions())) == EXPECTED


@pytest.mark.stack
def test_the_store_keeps_the_latest_word_of_each_unit_for_a_day(settings: Settings) -> None:
    async def journey() -> list[list[UnitPosition]]:
        async with hot_store(settings) as hot:
            return await _told(RedisPositions(hot))

    assert asyncio.run(journey()) == EXPECTED


WORDS = st.builds(said, st.sampled_from("abc"), st.integers(0, 3000).map(float), st.sampled_from([120.0, 121.0]))


@pytest.mark.stack
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(WORDS, max_size=4), max_size=4))
def test_the_twin_answers_what_the_store_answers(settings: Settings, batches: list[list[UnitPosition]]) -> None:
    async def journey() -> None:
        twin = MemoryPositions()
        async with hot_store(settings) as hot:
            await hot.redis.delete(hot.keys.positions, hot.keys.positioned)
            real = RedisPositions(hot)
            for batch in batches:
                await real.put(batch)
                await twin.put(batch)
                assert await real.between(*EVER) == await twin.between(*EVER)

    asyncio.run(journey())
