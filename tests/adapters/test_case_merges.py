"""Which merges the hot store grants: one contract for Redis and its twin."""

from adapters.case_store import Cases, Move
from incidents.commands import Command, Target
from incidents.vocabulary import State
from tests.adapters.case_stores import Run, lives, numbered
from tests.incidents.closing import CASE, OTHER, desk_in


def merge(child: int, parent: int, command: str = "c") -> Command:
    """The merge of one numbered case into another."""
    head = {"id": command, "type": "merge", "actor": {"id": "a", "role": "acceptor"}}
    case_id, into = numbered(lives()[0], child).case_id, numbered(lives()[0], parent).case_id
    return Command.model_validate(head | {"case_id": case_id, "into": into})


async def granted(store: Cases, *merges: Command) -> list[bool]:
    """Which of these merges may be decided."""
    return [target.granted for target in await store.alias(merges)]


def test_of_crossed_merges_one_is_granted_and_of_any_circle_all_but_one(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        await store.apply([Move(None, numbered(lives()[1], number)) for number in range(6)])
        assert await granted(store, merge(0, 1), merge(1, 0)) == [True, False]
        assert await granted(store, merge(2, 3), merge(3, 4), merge(4, 2)) == [True, True, False]
        assert await granted(store, merge(5, 5)) == [False]

    on_cases(scenario)


def test_a_merge_is_granted_again_to_the_same_command_and_to_another_one_when_it_did_not_come_about(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        await store.apply([Move(None, numbered(lives()[1], number)) for number in range(3)])
        assert await granted(store, merge(0, 1), merge(0, 1), merge(0, 2, "d"), merge(0, 1, "d")) == [True, True, False, False]
        await store.release([merge(0, 1, "d")])
        assert await granted(store, merge(0, 2, "d")) == [False]
        await store.release([merge(0, 1)])
        assert await granted(store, merge(0, 2, "d"), merge(1, 0)) == [True, False]

    on_cases(scenario)


def test_only_a_known_open_case_takes_another_one_in(on_cases: Run) -> None:
    async def scenario(store: Cases) -> None:
        await store.apply([Move(None, numbered(lives()[1], 0)), Move(None, numbered(lives()[-1], 1))])
        found = await store.alias([merge(0, 1), merge(0, 7)])
        assert [(target.state, target.granted) for target in found] == [(State.CLOSED, False), (None, False)]

    on_cases(scenario)


def test_a_merged_case_is_an_alias_until_it_is_taken_apart(on_cases: Run) -> None:
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

    on_cases(scenario)
