"""The cases in the hot store: one contract for Redis and its twin."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.case_memory import MemoryCases
from adapters.case_store import AT_ONCE, Cases, Move, RedisCases
from adapters.hot import HotStore
from adapters.sift_layout import case_value
from incidents.case import Case
from incidents.commands import Outcome
from incidents.errors import NotReady
from incidents.events import CaseId
from incidents.vocabulary import State
from tests.adapters.case_stores import FAR_MS, Run, due, forgotten, hot_store, lives, numbered
from tests.hot import let_in
from tests.incidents.closing import CASE, CITY, PHOTO, desk_in


def test_what_was_stored_is_loaded_and_the_unknown_is_not(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        case = lives()[0]
        assert await store.apply([Move(None, case)]) == set()
        assert await store.load([CASE, CaseId("QD-other")]) == {CASE: case}
        assert await store.load([]) == {}

    on_cases(scenario)


def test_cases_move_forwards_only(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        states = lives()
        assert await store.apply([Move(None, states[3])]) == set()
        assert await store.apply([Move(states[3], states[4])]) == set()
        assert await store.apply([Move(states[3], states[4])]) == set()  # again, after a failed call
        assert await store.apply([Move(states[0], states[2])]) == {CASE}  # a zombie
        assert await store.load([CASE]) == {CASE: states[4]}

    on_cases(scenario)


@pytest.mark.parametrize("store", ["memory", "redis"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=12))
def test_in_any_order_of_moves_the_furthest_wins_with_its_deadlines(
    store: str, moves: list[tuple[int, int]], request: pytest.FixtureRequest
) -> None:
    states = (None, *lives())

    async def scenario(cases: Cases) -> None:
        furthest = 0
        for begin, length in moves:
            end = min(begin + length, len(states) - 1)
            after = states[end]
            assert after is not None
            await cases.apply([Move(states[begin], after)])
            furthest = max(furthest, end)
            assert (await cases.load([CASE])).get(CASE) == states[furthest]
        last = states[furthest]
        claimed = {deadline for _, deadline in (await cases.claim_due(FAR_MS, 0, 1000))[0]}
        assert claimed <= set(last.deadlines if last else ())

    async def on() -> None:
        if store == "memory":
            await scenario(MemoryCases())
            return
        hot = await hot_store(request.getfixturevalue("redis_server"))
        try:
            await scenario(RedisCases(hot))
        finally:
            await hot.close()

    asyncio.run(on())


def test_many_cases_travel_in_several_calls(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        cases = [numbered(lives()[0], number) for number in range(AT_ONCE * 2 + 1)]
        assert await store.apply([Move(None, case) for case in cases]) == set()
        assert len(await store.load([case.case_id for case in cases])) == len(cases)

    on_cases(scenario)


def test_answers_are_there_with_the_move_and_without_one(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        accepted = Outcome(command_id="a", accepted=True, state=State.REPORTED, sequence=1)
        refused = Outcome(command_id="r", accepted=False, reason="no")
        await store.apply([Move(None, lives()[0], (accepted,))], [refused])
        assert [await store.reply(each) for each in ("a", "r", "unknown")] == [accepted, refused, None]

    on_cases(scenario)


def test_a_forgotten_case_leaves_the_lists_and_can_still_be_loaded(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        desk = desk_in(State.CLOSED)
        closed = desk.open
        await store.apply([Move(None, closed)])
        gone = forgotten(desk)
        assert await store.apply([Move(closed, gone)]) == set()
        assert (await store.page(None, 10), await due(store)) == (([], None), [])
        assert await store.load([CASE]) == {CASE: gone}

    on_cases(scenario)


def test_cases_are_listed_newest_first_page_by_page(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        first = lives()[0]
        times = [first.opened_at.replace(second=number // 3) for number in range(8)]
        cases = [numbered(first, number).model_copy(update={"opened_at": at}) for number, at in enumerate(times)]
        await store.apply([Move(None, case) for case in cases])
        seen: list[Case] = []
        cursor: str | None = None
        for _ in range(5):
            page, cursor = await store.page(cursor, 3)
            seen += page
            if cursor is None:
                break
        assert seen == cases[::-1]

    on_cases(scenario)


def test_sifting_learns_state_handling_end_and_alias_of_what_it_knows(redis_server: str) -> None:
    async def scenario() -> None:
        hot = await hot_store(redis_server)
        store, key = RedisCases(hot), f"{hot.keys.sift}case:{CASE}"
        states = lives()
        closed = states[-1]
        await store.apply([Move(None, states[0])])
        assert not await hot.redis.exists(key)
        category = CITY.catalogue[states[0].category]
        await hot.redis.set(key, case_value(states[0], category, hot.keys.sift))
        await store.apply([Move(states[0], closed)])
        assert await hot.redis.get(key) == case_value(closed, category, hot.keys.sift)
        desk = desk_in(State.CLOSED)
        await store.apply([Move(closed, forgotten(desk))])
        assert not await hot.redis.exists(key)
        assert 0 < await hot.redis.ttl(hot.keys.case + CASE) <= 3600
        await hot.close()

    asyncio.run(scenario())


async def restore(hot: HotStore, store: RedisCases, *cases: Case) -> None:
    """As the rebuild does."""
    pipe = hot.redis.pipeline()
    store.restore(pipe, cases)
    await pipe.execute()


def test_restoring_brings_back_cases_lists_and_deadlines_and_needs_no_guard(redis_server: str) -> None:
    async def scenario() -> None:
        hot = await hot_store(redis_server)
        store, case = RedisCases(hot), desk_in(State.HANDLING).open
        await hot.redis.delete(hot.keys.ready)
        with pytest.raises(NotReady):
            await store.load([])
        await restore(hot, store, case)
        await let_in(hot)
        assert await store.load([CASE]) == {CASE: case}
        assert (await store.page(None, 5))[0] == [case]
        assert await due(store) == [deadline.id for deadline in case.deadlines]
        await hot.close()

    asyncio.run(scenario())


def test_a_late_deadline_of_a_case_that_moved_on_is_let_go(redis_server: str) -> None:
    async def scenario() -> None:
        hot = await hot_store(redis_server)
        store, desk = RedisCases(hot), desk_in(State.HANDLING)
        case = desk.open
        desk.must("report_handled", "unit", evidence=PHOTO)
        await restore(hot, store, case)
        await restore(hot, store, desk.open)  # a restore knows nothing of what was there: stale members stay behind
        assert [deadline.kind for _, deadline in (await store.claim_due(FAR_MS, 0, 10))[0]] == ["stage"]
        assert await store.due(FAR_MS) == 1
        await hot.close()

    asyncio.run(scenario())
