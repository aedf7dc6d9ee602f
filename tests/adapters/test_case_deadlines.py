"""The deadlines in the hot store: one contract for Redis and its twin."""

from adapters.case_store import LEASE_MS, Cases, Move
from incidents.events import epoch_ms
from incidents.vocabulary import State
from tests.adapters.case_stores import FAR_MS, Run, due, lives
from tests.incidents.closing import CASE, desk_in


def test_deadlines_follow_the_case(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        states = lives()
        before = None
        for case in states:
            await store.apply([Move(before, case)])
            before = case
        assert await due(store) == [deadline.id for deadline in states[-1].deadlines]

    on_cases(scenario)


def test_a_deadline_is_claimed_when_it_is_due_once_until_its_lease_ends(on_cases: Run) -> None:
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

    on_cases(scenario)


def test_a_claimed_deadline_ends_with_the_move_that_drops_it_and_only_then(on_cases: Run) -> None:
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

    on_cases(scenario)


def test_what_no_list_holds_is_armed_again_and_nothing_else(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        case = desk_in(State.DISPATCHED).open
        await store.apply([Move(case, case)])  # a move that says that nothing is new
        assert [await store.rearm([case]), await store.rearm([case])] == [3, 0]
        assert len(await due(store)) == 3
        assert await store.rearm([case]) == 0

    on_cases(scenario)
