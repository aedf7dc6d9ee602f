"""The live feed on a real Redis: nothing twice, nothing missing, and an honest `resync` where that cannot be."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from config.settings import Settings
from console.feed import Mailbox
from incidents.rights import EVERYTHING
from tests.console.feed_of import Browser, Desk, come_true, read
from tests.servers import Server

pytestmark = pytest.mark.stack


def _reached(browser: Browser, number: int) -> bool:
    return browser.numbers[-1:] == [number]


@pytest.fixture
def desk(redis_server: str) -> Desk:
    """A feed of this test's own."""
    return Desk(Settings(redis_url=redis_server, namespace=f"t{uuid.uuid4().hex[:8]}.", city="qingdao"))


def on(desk: Desk, story: Callable[[Desk], Awaitable[None]]) -> None:
    """Run a test's story with the hub at work."""

    async def told() -> None:
        async with desk.running():
            await story(desk)

    asyncio.run(told())


def test_a_browser_gets_what_stands_behind_its_cursor_and_then_what_comes(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        cursor = await desk.newest()
        await desk.write(1, 5)
        browser, _ = await asyncio.gather(read(desk, Browser(cursor=cursor), until=9), desk.write(6, 9))
        assert browser.numbers == list(range(1, 10))

    on(desk, story)


def test_browsers_that_come_back_again_and_again_while_facts_flow_miss_nothing_and_see_nothing_twice(desk: Desk) -> None:
    last = 400

    async def restless(desk: Desk, cursor: str, step: int) -> Browser:
        browser = Browser(cursor=cursor)
        while not browser.numbers or browser.numbers[-1] < last:
            upto = min(last, (browser.numbers[-1] if browser.numbers else 0) + step)
            await read(desk, browser, until=upto)
            assert not browser.resynced
        return browser

    async def story(desk: Desk) -> None:
        cursor = await desk.newest()
        browsers = [restless(desk, cursor, step) for step in (1, 7, 50, 133, last)]
        *found, _ = await asyncio.gather(*browsers, desk.write(1, last))
        for browser in found:
            assert browser is not None
            assert browser.numbers == list(range(1, last + 1))

    on(desk, story)


def test_a_browser_without_a_cursor_gets_what_comes_from_now_on(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        await desk.write(1, 3)
        told = Browser()
        browser = asyncio.create_task(read(desk, told, until=4))
        await come_true(lambda: desk.hub.clients)
        await come_true(lambda: told.pings)
        await desk.write(4, 4)
        assert (await browser).numbers == [4]

    on(desk, story)


def test_a_cursor_that_was_trimmed_away_is_told_to_resync(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        cursor = await desk.newest()
        await desk.write(1, 20)
        await desk.trim(5)
        browser = await read(desk, Browser(cursor=cursor), until=20)
        assert browser.resynced
        assert browser.numbers == []

    on(desk, story)


def test_a_cursor_within_a_trimmed_feed_goes_on(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        await desk.write(1, 20)
        reached = await read(desk, Browser(cursor="0-0"), until=17)
        await desk.trim(5)
        assert reached.cursor
        later = await read(desk, Browser(cursor=(await desk.view.reach()).oldest), until=20)
        assert later.numbers == [17, 18, 19, 20]

    on(desk, story)


def test_browsers_resync_when_the_feed_was_flushed(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        await desk.write(1, 2)
        gone = await read(desk, Browser(cursor="0-0"), until=2)
        await desk.redis.delete(desk.keys.feed)
        assert (await read(desk, gone, until=3)).resynced

    on(desk, story)


def test_a_slow_browser_is_told_to_resync_and_holds_up_nobody(redis_server: str) -> None:
    desk = Desk(Settings(redis_url=redis_server, namespace=f"t{uuid.uuid4().hex[:8]}."), mailbox=10)

    async def story(desk: Desk) -> None:
        async with desk.hub.subscribed(EVERYTHING) as slow:
            told = Browser(cursor=await desk.newest())
            quick = asyncio.create_task(read(desk, told, until=40))
            await come_true(lambda: desk.hub.clients == 2)
            for last in range(8, 41, 8):
                await desk.write(last - 7, last)
                await come_true(partial(_reached, told, last))
            assert (await quick).numbers == list(range(1, 41))
            assert slow.overflowed

    on(desk, story)


def test_a_mailbox_that_overflowed_says_so_and_keeps_what_it_had() -> None:
    mailbox = Mailbox(2)
    mailbox.refuse()
    assert mailbox.overflowed


def test_a_silent_feed_pings(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        browser = Browser(cursor=await desk.newest())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await read(desk, browser, until=1, ping_s=0.1)
        assert browser.pings >= 3

    on(desk, story)


def test_the_hub_goes_on_when_redis_comes_back(redis_own: Server) -> None:
    desk = Desk(Settings(redis_url=redis_own.address, namespace="t."))

    async def story(desk: Desk) -> None:
        await desk.write(1, 1)
        reached = await read(desk, Browser(cursor="0-0"), until=1)
        await asyncio.to_thread(redis_own.restart)
        await desk.redis.aclose()
        await desk.write(2, 2)
        for _ in range(5):  # a connection that the restart broke makes a page ask again
            if reached.numbers != [1, 2]:
                reached.resynced = False
                await read(desk, reached, until=2)
        assert reached.numbers == [1, 2]
        await come_true(lambda: desk.hub.working)

    on(desk, story)


def test_ending_the_process_ends_every_feed(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        browser = asyncio.create_task(read(desk, Browser(cursor=await desk.newest()), until=1))
        await come_true(lambda: desk.hub.clients)
        desk.hub.close()
        assert not (await asyncio.wait_for(browser, 5)).resynced

    on(desk, story)
