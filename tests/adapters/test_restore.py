"""The vault: whoever rebuilds writes only while the lock is his, for who slept in it may wake when another's store is open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from adapters.hot import LAYOUT, HotStore
from adapters.restore import Vault
from incidents.errors import TryAgain
from streams.deps import Deps
from streams.rebuild import rebuild
from tests.adapters.case_stores import hot_store


@asynccontextmanager
async def sleeper(hot: HotStore) -> AsyncIterator[Vault]:
    """One who holds the lock, sleeps past its lease, and wakes when another has it."""
    vault = Vault(hot)
    async with vault.lock() as ours:
        assert ours
        await hot.redis.delete(hot.keys.rebuild_lock)
        async with Vault(hot).lock() as others:
            assert others
            yield vault


def test_who_lost_the_lock_writes_nothing(redis_server: str) -> None:
    async def scenario() -> None:
        hot = await hot_store(redis_server)
        await hot.redis.set(hot.keys.prefix + "x", "theirs")
        async with sleeper(hot) as vault:
            for write in (vault.shut(), vault.empty(), vault.set_events_clock({0: 1}), vault.open(await vault.run_id())):
                with pytest.raises(TryAgain, match="another one rebuilds"):
                    await write
        assert await hot.redis.get(hot.keys.prefix + "x") == b"theirs"
        assert await hot.is_ready()
        await hot.close()

    asyncio.run(scenario())


def test_nobody_fills_a_store_anew_that_a_newer_version_keeps(redis_server: str) -> None:
    async def scenario() -> None:
        hot = await hot_store(redis_server)
        newer = hot.ready_on(await Vault(hot).run_id()).removesuffix(str(LAYOUT)) + str(LAYOUT + 1)
        await hot.redis.set(hot.keys.ready, newer)
        with pytest.raises(TryAgain, match=rf"^a newer version .*layout {LAYOUT + 1}, .* knows {LAYOUT}\): end this one"):
            await hot.run("return 1")
        with pytest.raises(TryAgain, match="a newer version"):
            await rebuild(cast(Deps, SimpleNamespace(hot=hot)))
        assert await hot.redis.get(hot.keys.ready) == newer.encode()
        await hot.close()

    asyncio.run(scenario())


def test_nor_what_was_on_its_way_when_it_was_lost(redis_server: str) -> None:
    async def scenario() -> None:
        hot = await hot_store(redis_server)
        vault = Vault(hot)
        async with vault.lock():
            with pytest.raises(TryAgain):
                async with vault.writing() as pipe:
                    pipe.set(hot.keys.prefix + "x", "old")
                    await hot.redis.set(hot.keys.rebuild_lock, "another's")
        assert await hot.redis.get(hot.keys.prefix + "x") is None
        await hot.close()

    asyncio.run(scenario())


def test_what_is_on_its_way_to_receivers_outlives_a_rebuild(redis_server: str) -> None:
    async def scenario() -> None:
        hot = await hot_store(redis_server)
        for key in (hot.keys.case + "x", hot.keys.hooks + "waiting"):
            await hot.redis.set(key, "there")
        vault = Vault(hot)
        async with vault.lock():
            await vault.empty()
        assert await hot.redis.get(hot.keys.hooks + "waiting") == b"there"
        assert await hot.redis.get(hot.keys.case + "x") is None
        await hot.close()

    asyncio.run(scenario())
