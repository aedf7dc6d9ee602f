"""The live feed on a real Redis: nothing twice, nothing missing, and an honest `resync` where that cannot be."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

import orjson
import pytest

from adapters.console_view import Entry
from adapters.presence import Doing, Presences
from config.settings import Settings
from console.feed import Mailbox
from console.feed import frames as framed
from console.news import News, newest_of_each, of_fact
from incidents.rights import EVERYTHING, Scope
from tests.console.feed_of import Browser, Desk, a_frame, come_true, read
from tests.servers import Server
from tests.streams.fact_agents import a_fact

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
        reading = asyncio.create_task(read(desk, browser, until=1, ping_s=0.01))
        await come_true(lambda: browser.pings >= 3)
        reading.cancel()
        assert browser.numbers == []

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
        assert not (await asyncio.wait_for(browser, 60)).resynced

    on(desk, story)


WEST, EAST = Scope(districts=("370202",)), Scope(districts=("370203",))
OFFICE = Scope(unit="office", below=("crew",))
STREET = Scope(districts=("370202",), subdistricts=("370202001",))


async def followed(desk: Desk, scope: Scope, cursor: str) -> list[tuple[str, str]]:
    """What a scope is told: event and case, in order, until case 99."""
    found: list[tuple[str, str]] = []
    feed = framed(desk.hub, scope, cursor)
    async with asyncio.timeout(60):
        async for body in feed:
            for event in body.decode().split("\n\n"):
                lines = dict(line.split(": ", 1) for line in event.splitlines())
                if lines.get("event") in ("fact", "gone"):
                    found.append((lines["event"], orjson.loads(lines["data"])["case_id"][-2:]))
            if found and found[-1][1] == "99":
                await feed.aclose()  # type: ignore[attr-defined]  # an async generator
                return found[:-1]
    raise AssertionError("the feed ended")


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (EVERYTHING, [("fact", "01"), ("fact", "02"), ("fact", "03"), ("fact", "04"), ("fact", "05")]),
        (WEST, [("fact", "01"), ("fact", "03"), ("fact", "04"), ("fact", "05")]),
        (EAST, [("fact", "02")]),
        (OFFICE, [("fact", "03"), ("fact", "04"), ("gone", "05")]),
        (STREET, [("fact", "04")]),
    ],
    ids=["city", "district", "other district", "unit", "subdistrict"],
)
@pytest.mark.parametrize("behind", [True, False], ids=["resumed", "live"])
def test_a_scope_is_told_of_its_own_cases_and_of_those_that_leave_it(
    desk: Desk, scope: Scope, expected: list[tuple[str, str]], behind: bool
) -> None:
    district, subdistrict = (each[0] if each else None for each in (scope.districts, scope.subdistricts))
    last = a_frame(99, district=district, subdistrict=subdistrict, unit=scope.unit)
    frames = [
        (a_frame(1), ""),
        (a_frame(2, district="370203", unit="other"), ""),
        (a_frame(3, unit="office", subdistrict="370202002"), ""),
        (a_frame(4, unit="other", assisting=["crew"], subdistrict="370202001"), ""),
        (a_frame(5, unit=None), "other,office"),
        (last, ""),
    ]

    async def write(desk: Desk) -> None:
        for frame, was in frames:
            await desk.redis.xadd(desk.keys.feed, {"frame": orjson.dumps(frame), "was": was})

    async def story(desk: Desk) -> None:
        cursor = await desk.newest()
        if behind:
            await write(desk)
            assert await followed(desk, scope, cursor) == expected
            return
        following = asyncio.create_task(followed(desk, scope, cursor))
        await come_true(lambda: desk.hub.clients)
        await write(desk)
        assert await following == expected

    on(desk, story)


def test_in_a_storm_only_the_newest_of_each_case_is_told_and_a_unit_in_between_is_told_that_it_is_gone() -> None:
    def news(number: int, unit: str | None, was: tuple[str, ...] = ()) -> News:
        return of_fact(Entry(f"{number}-0", orjson.dumps(a_frame(1, sequence=number, unit=unit)), was))

    [newest] = newest_of_each([news(1, None), news(2, "office"), news(3, None, ("office",)), news(4, "other")])
    assert newest.cursor == "4-0"
    assert newest.for_scope(EVERYTHING) == newest.seen
    gone = newest.for_scope(OFFICE)
    assert gone is not None and b"event: gone" in gone.body
    assert newest.for_scope(Scope(unit="nobody")) is None


def test_who_is_at_a_case_is_told_to_its_scope_without_the_fields_that_decide_it(desk: Desk) -> None:
    async def story(desk: Desk) -> None:
        people = Presences(desk.redis, desk.keys)
        async with desk.hub.subscribed(WEST) as west, desk.hub.subscribed(EAST) as east:
            await people.say(a_fact(1).case, "wang.fang", "王芳", Doing.HANDLING)
            [event] = await west.take(5)
            assert event.cursor is None
            data = orjson.loads(event.body.decode().split("data: ")[1])
            assert (data["name"], data["doing"]) == ("王芳", "handling")
            assert not {"district", "subdistrict", "unit", "assisting"} & data.keys()
            assert await east.take(0.2) == []
        case_id = a_fact(1).case_id
        assert [each.person for each in (await people.of([case_id]))[case_id]] == ["wang.fang"]
        await people.say(a_fact(1).case, "wang.fang", "王芳", Doing.LEFT)
        assert await people.of([case_id]) == {}

    on(desk, story)


def test_a_feed_ends_with_the_first_ping_after_its_person_was_signed_out(desk: Desk) -> None:
    async def signed_out() -> bool:
        return False

    async def story(desk: Desk) -> None:
        async with asyncio.timeout(60):
            bodies = [body async for body in framed(desk.hub, WEST, await desk.newest(), ping_s=0.05, goes_on=signed_out)]
        assert len(bodies) == 2  # how often to come back, and where the feed stood at the start

    on(desk, story)
