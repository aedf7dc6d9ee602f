"""The cases in the hot store: one contract for Redis and its twin."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.case_memory import MemoryCases
from adapters.case_store import AT_ONCE, LEASE_MS, Cases, Move, RedisCases
from adapters.hot import HotStore, Keys, connect
from adapters.sift_layout import case_value
from incidents.case import Case
from incidents.commands import Command, Outcome, Target
from incidents.errors import NotReady
from incidents.events import CaseId, epoch_ms
from incidents.vocabulary import State
from tests.incidents.closing import CASE, CITY, OTHER, PHOTO, Desk, desk_in

Scenario = Callable[[Cases], Awaitable[None]]
Run = Callable[[Scenario], None]
READY = "local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') redis.call('SET', KEYS[1], run .. ':cluster')"
FAR_MS = 1 << 45


async def hot_store(url: str) -> HotStore:
    """A guarded store in a fresh namespace."""
    redis = connect(url)
    keys = Keys(f"t{uuid.uuid4().hex[:8]}.", "qingdao")
    await cast(Awaitable[object], redis.eval(READY, 1, keys.ready))
    return HotStore(redis, keys, "cluster")


@pytest.fixture(params=["memory", "redis"])
def run(request: pytest.FixtureRequest) -> Run:
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


def numbered(case: Case, number: int) -> Case:
    """Another case like this one."""
    return case.model_copy(update={"case_id": CaseId(f"QD-20261121-{number:010}")})


def lives() -> tuple[Case, ...]:
    """One case after each of its facts, from opening to closing."""
    return tuple(fact.case for fact in desk_in(State.CLOSED).facts)


def forgotten(desk: Desk) -> Case:
    """The desk's case after it was forgotten."""
    desk.must("forget", "system", deadline=desk.open.deadlines[0].id)
    return desk.open


async def due(store: Cases) -> list[str]:
    """Ids of all deadlines that could be claimed."""
    return [deadline.id for _, deadline in (await store.claim_due(FAR_MS, 0, 1000))[0]]


def test_what_was_stored_is_loaded_and_the_unknown_is_not(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        case = lives()[0]
        assert await store.apply([Move(None, case)]) == set()
        assert await store.load([CASE, CaseId("QD-other")]) == {CASE: case}
        assert await store.load([]) == {}

    run(scenario)


def test_cases_move_forwards_only(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        states = lives()
        assert await store.apply([Move(None, states[3])]) == set()
        assert await store.apply([Move(states[3], states[4])]) == set()
        assert await store.apply([Move(states[3], states[4])]) == set()  # again, after a failed call
        assert await store.apply([Move(states[0], states[2])]) == {CASE}  # a zombie
        assert await store.load([CASE]) == {CASE: states[4]}

    run(scenario)


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


def test_many_cases_travel_in_several_calls(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        cases = [numbered(lives()[0], number) for number in range(AT_ONCE * 2 + 1)]
        assert await store.apply([Move(None, case) for case in cases]) == set()
        assert len(await store.load([case.case_id for case in cases])) == len(cases)

    run(scenario)


def test_deadlines_follow_the_case(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        states = lives()
        before = None
        for case in states:
            await store.apply([Move(before, case)])
            before = case
        assert await due(store) == [deadline.id for deadline in states[-1].deadlines]

    run(scenario)


def test_a_deadline_is_claimed_when_it_is_due_once_until_its_lease_ends(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        case = desk_in(State.HANDLING).open
        remind, overdue = case.deadlines
        await store.apply([Move(None, case)])
        assert await store.claim_due(epoch_ms(remind.at) - 1, 1000, 10) == ([], False)
        assert await store.due(epoch_ms(remind.at)) == 1
        assert await store.claim_due(epoch_ms(remind.at), 1000, 10) == ([(CASE, remind)], False)
        assert await store.claim_due(epoch_ms(remind.at), 1000 + LEASE_MS - 1, 10) == ([], False)
        assert await store.claim_due(epoch_ms(overdue.at), 1000 + LEASE_MS, 1) == ([(CASE, remind)], True)
        assert await store.claim_due(epoch_ms(overdue.at), 1000 + LEASE_MS, 5) == ([(CASE, overdue)], False)
        assert await store.due(epoch_ms(overdue.at)) == 2

    run(scenario)


def test_a_claimed_deadline_ends_with_the_move_that_drops_it_and_only_then(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        desk = desk_in(State.DISPATCHED)
        case = desk.open
        await store.apply([Move(None, case)])
        assert len((await store.claim_due(FAR_MS, 0, 10))[0]) == 3
        desk.must("note", "leader", note="hurry")
        await store.apply([Move(case, desk.open)])
        noted = desk.open
        assert await store.claim_due(FAR_MS, 1, 10) == ([], False)
        desk.must("accept", "unit")
        await store.apply([Move(noted, desk.open)])
        kinds = {deadline.kind for _, deadline in (await store.claim_due(FAR_MS, LEASE_MS, 10))[0]}
        assert kinds == {"remind", "overdue"}

    run(scenario)


def test_answers_are_there_with_the_move_and_without_one(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        accepted = Outcome(command_id="a", accepted=True, state=State.REPORTED, sequence=1)
        refused = Outcome(command_id="r", accepted=False, reason="no")
        await store.apply([Move(None, lives()[0], (accepted,))], [refused])
        assert [await store.reply(each) for each in ("a", "r", "unknown")] == [accepted, refused, None]

    run(scenario)


def test_a_forgotten_case_leaves_the_lists_and_can_still_be_loaded(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        desk = desk_in(State.CLOSED)
        closed = desk.open
        await store.apply([Move(None, closed)])
        gone = forgotten(desk)
        assert await store.apply([Move(closed, gone)]) == set()
        assert (await store.page(None, 10), await due(store)) == (([], None), [])
        assert await store.load([CASE]) == {CASE: gone}

    run(scenario)


def merge(child: int, parent: int, command: str = "c") -> Command:
    """The merge of one numbered case into another."""
    head = {"id": command, "type": "merge", "actor": {"id": "a", "role": "acceptor"}}
    case_id, into = numbered(lives()[0], child).case_id, numbered(lives()[0], parent).case_id
    return Command.model_validate(head | {"case_id": case_id, "into": into})


async def granted(store: Cases, *merges: Command) -> list[bool]:
    """Which of these merges may be decided."""
    return [target.granted for target in await store.alias(merges)]


def test_of_crossed_merges_one_is_granted_and_of_any_circle_all_but_one(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        await store.apply([Move(None, numbered(lives()[1], number)) for number in range(6)])
        assert await granted(store, merge(0, 1), merge(1, 0)) == [True, False]
        assert await granted(store, merge(2, 3), merge(3, 4), merge(4, 2)) == [True, True, False]
        assert await granted(store, merge(5, 5)) == [False]

    run(scenario)


def test_a_merge_is_granted_again_to_the_same_command_and_to_another_one_when_it_did_not_come_about(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        await store.apply([Move(None, numbered(lives()[1], number)) for number in range(3)])
        assert await granted(store, merge(0, 1), merge(0, 1), merge(0, 2, "d"), merge(0, 1, "d")) == [True, True, False, False]
        await store.release([merge(0, 1, "d")])
        assert await granted(store, merge(0, 2, "d")) == [False]
        await store.release([merge(0, 1)])
        assert await granted(store, merge(0, 2, "d"), merge(1, 0)) == [True, False]

    run(scenario)


def test_only_a_known_open_case_takes_another_one_in(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        await store.apply([Move(None, numbered(lives()[1], 0)), Move(None, numbered(lives()[-1], 1))])
        found = await store.alias([merge(0, 1), merge(0, 7)])
        assert [(target.state, target.granted) for target in found] == [(State.CLOSED, False), (None, False)]

    run(scenario)


def test_a_merged_case_is_an_alias_until_it_is_taken_apart(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        desk = desk_in(State.MERGED)
        other = lives()[1].model_copy(update={"case_id": OTHER})
        await store.apply([Move(None, desk.open), Move(None, other)])
        back = Command.model_validate(
            {"id": "x", "case_id": OTHER, "type": "merge", "into": CASE, "actor": {"id": "a", "role": "acceptor"}}
        )
        assert await store.alias([back]) == [Target(state=State.MERGED, granted=False)]
        merged = desk.open
        desk.must("unmerge", "acceptor")
        await store.apply([Move(merged, desk.open)])
        assert await store.alias([back]) == [Target(state=State.REPORTED, granted=True)]

    run(scenario)


def test_what_no_list_holds_is_armed_again_and_nothing_else(run: Run) -> None:
    async def scenario(store: Cases) -> None:
        case = desk_in(State.DISPATCHED).open
        await store.apply([Move(case, case)])  # a move that says that nothing is new
        assert [await store.rearm([case]), await store.rearm([case])] == [3, 0]
        assert len(await due(store)) == 3
        assert await store.rearm([case]) == 0

    run(scenario)


def test_cases_are_listed_newest_first_page_by_page(run: Run) -> None:
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

    run(scenario)


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
        await cast(Awaitable[object], hot.redis.eval(READY, 1, hot.keys.ready))
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
