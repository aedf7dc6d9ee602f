"""The intake protocol through random histories: what `intake_model` shows of the model, shown of the real code over twin and script."""

import asyncio
import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.sift_memory import MemorySift
from tests.adapters.sifting import Shelf, redis_sift
from tests.streams.histories import check

serial = itertools.count()


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 1 << 32))
@example(seed=1)
def test_over_the_twin_every_report_has_one_fate_and_is_counted_once(seed: int) -> None:
    asyncio.run(check(seed, Shelf(MemorySift(), None)))


def _over_redis(url: str, seed: int) -> None:
    async def run() -> None:
        store, hot = await redis_sift(url, f"h{next(serial)}.")
        try:
            await check(seed, Shelf(store, hot))
        finally:
            await hot.close()

    asyncio.run(run())


@pytest.mark.stack
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_over_the_script_it_is_the_same(redis_server: str, seed: int) -> None:
    _over_redis(redis_server, seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.stack
@settings(max_examples=2000, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_over_the_script_it_is_the_same_thousands_of_times(redis_server: str, seed: int) -> None:
    _over_redis(redis_server, seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=20_000, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_over_the_twin_thousands_of_times(seed: int) -> None:
    asyncio.run(check(seed, Shelf(MemorySift(), None)))
