"""What the dispatcher keeps, in Redis and in memory: one holder, a zombie's word refused whole, what was written there again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from adapters.hook_state import KEPT, Escalation, Explained, HookState, Kept, LeaseLost, Turn
from adapters.hook_state_memory import MemoryHookState
from adapters.hook_state_redis import RedisHookState
from config.settings import Settings
from tests.adapters.test_feed import hot_store

AT = datetime(2026, 11, 21, 4, tzinfo=UTC)
Journey = Callable[[HookState], Awaitable[None]]
Play = Callable[[Journey], None]


@pytest.fixture(params=["memory", "redis"])
def play(request: pytest.FixtureRequest) -> Play:
    """Runs a journey on each of the two."""
    if request.param == "memory":
        return lambda journey: asyncio.run(_run(journey(MemoryHookState())))
    settings: Settings = request.getfixturevalue("settings")

    async def on_redis(journey: Journey) -> None:
        async with hot_store(settings) as hot:
            await journey(RedisHookState(hot))

    return lambda journey: asyncio.run(on_redis(journey))


async def _run(done: Awaitable[None]) -> None:
    await done


def said(reason: str = "first notification", receiver: str = "duty", minutes: int = 0) -> Explained:
    """One explanation."""
    at = AT + timedelta(minutes=minutes)
    return Explained(at=at, receiver=receiver, node="0", group="{}", reason=reason, why="because", notice="n1")


def test_there_is_one_dispatcher_until_it_lets_go(play: Play) -> None:
    async def journey(state: HookState) -> None:
        assert await state.take("a")
        assert not await state.take("b") and not await state.renew("b")
        assert await state.renew("a") and await state.take("a")
        await state.release("b")
        assert await state.renew("a")
        await state.release("a")
        assert not await state.renew("a")  # another may have written since: it must load again
        assert await state.take("b")

    play(journey)


def test_what_was_written_is_there_and_what_is_gone_is_gone(play: Play) -> None:
    async def journey(state: HookState) -> None:
        assert await state.load() == Kept({}, {}, None, {})
        await state.take("a")
        waits = Escalation(case_id="QD-1", sequence=3, level="city", said_ms=5)
        await state.write("a", Turn({"group x": "{}", "group y": "{}"}, {0: 7, 1: 9}, "T1", {waits.id: waits}))
        await state.write("a", Turn({"group x": None, "group y": '{"n": 2}'}, {1: 10}))
        assert await state.load() == Kept({"group y": '{"n": 2}'}, {0: 7, 1: 10}, "T1", {waits.id: waits})
        await state.write("a", Turn(escalations={waits.id: None}))
        assert (await state.load()).escalations == {}
        await state.forget("a")
        assert await state.load() == Kept({}, {}, None, {})

    play(journey)


def test_a_zombie_writes_nothing(play: Play) -> None:
    async def journey(state: HookState) -> None:
        await state.take("b")
        for attempt in (state.write("a", Turn({"k": "{}"}, {0: 1}, "T1", {}, [("QD-1", said())])), state.forget("a")):
            with pytest.raises(LeaseLost):
                await attempt
        assert await state.load() == Kept({}, {}, None, {})
        assert await state.explained("QD-1") == []

    play(journey)


def test_explanations_stand_newest_first_and_say_nothing_twice_in_a_row(play: Play) -> None:
    async def journey(state: HookState) -> None:
        await state.take("a")
        told = [("QD-1", said()), ("QD-1", said("muted")), ("QD-2", said()), ("QD-1", said("muted", minutes=5))]
        await state.write("a", Turn(told=told))
        assert await state.explained("QD-1") == [said("muted"), said()]
        await state.write("a", Turn(told=[("QD-1", said(receiver=f"r{n}")) for n in range(70)]))
        assert [each.receiver for each in await state.explained("QD-1")] == [f"r{n}" for n in range(69, 69 - KEPT, -1)]

    play(journey)


def test_a_large_board_is_loaded_whole(play: Play) -> None:
    async def journey(state: HookState) -> None:
        await state.take("a")
        records = {f"alert QD-{n}": f'{{"n": {n}}}' for n in range(5000)}
        await state.write("a", Turn(records))
        assert (await state.load()).records == records

    play(journey)
