"""The closure stage: publish, then move the store, then commit; whatever dies in between, the facts stay one line without gap or fork."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.bus import Out, partition_of
from incidents.commands import Command, system
from incidents.errors import TryAgain
from incidents.events import CaseId
from incidents.facts import decode_fact, encode_command
from incidents.vocabulary import State
from tests.incidents.closing import CASE, OTHER, PHOTO, START, opening, sight
from tests.streams.closure_bench import PARTITIONS, Bench, Died, DiesAt


class DiesAfter(DiesAt):
    """Dies when so many parts of a batch have been applied to the store."""

    def __init__(self, parts: int) -> None:
        super().__init__("closure:applied")
        self._left = parts

    def reached(self, point: str) -> None:
        """See Fault."""
        self._left -= point == self.point
        if self._left < 0:
            super().reached(point)


UNIT = {"id": "unit-1", "role": "unit", "unit": "clean-1"}


def act(number: int, kind: str, actor: Any = None, case_id: CaseId = CASE, **arguments: Any) -> Command:
    """A person's or rule's command."""
    head = {"id": f"c{number}", "case_id": case_id, "type": kind, "actor": actor or system("rule")}
    return Command.model_validate(head | arguments)


LIFE = (
    sight(),
    act(1, "file"),
    act(2, "accept", UNIT),  # too early: refused
    act(3, "dispatch", unit="clean-1"),
    act(4, "accept", UNIT),
    act(5, "report_handled", UNIT, evidence=PHOTO),
    act(6, "pass_check", {"id": "c", "role": "checker"}, evidence=PHOTO),
)
FACTS = ["opened", "filed", "dispatched", "accepted", "handled", "check_passed", "closed"]


def told(bench: Bench, case_id: CaseId = CASE) -> list[str]:
    """The kinds of a case's facts."""
    return [fact.type for fact in bench.facts(case_id)]


def reply(bench: Bench, command_id: str) -> Any:
    """What a command came to."""
    return asyncio.run(bench.cases.reply(command_id))


def test_a_batch_takes_a_case_from_its_first_sight_to_its_end() -> None:
    bench = Bench()
    bench.give(*LIFE)
    bench.work()
    assert told(bench) == FACTS
    assert [fact.sequence for fact in bench.facts(CASE)] == list(range(1, 8))
    assert bench.latest(CASE) == bench.stored(CASE) == bench.facts(CASE)[-1].case
    assert len(bench.on("cases.latest")) == 1
    assert (reply(bench, "c6").state, reply(bench, "c2").accepted) == (State.CLOSED, False)
    assert reply(bench, "sight") is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 7), st.sampled_from(["closure:published", "closure:applied", ""]), st.integers(0, 2)), max_size=6),
    st.booleans(),
)
def test_whatever_dies_between_publishing_and_committing_the_facts_are_the_same(deaths: list[tuple[int, str, int]], lose: bool) -> None:
    quiet, bench = Bench(), Bench()
    for each in (quiet, bench):
        each.give(*LIFE)
    quiet.work()
    for batch, point, failing in deaths:
        bench.fault.point, bench.fail_publishing = point, failing
        try:
            bench.work(batch)
        except Died:
            if lose:
                bench.committed = {partition: max(0, offset - 2) for partition, offset in bench.committed.items()}
    bench.fault.point = ""
    bench.work()
    assert bench.bytes_of(CASE) == quiet.bytes_of(CASE)
    assert bench.stored(CASE) == quiet.stored(CASE)


def test_a_batch_read_again_after_the_store_moved_says_nothing_more() -> None:
    bench = Bench()
    bench.give(*LIFE)
    bench.work()
    bench.committed = dict.fromkeys(range(PARTITIONS), 0)
    bench.work()
    assert told(bench) == FACTS


def test_a_command_in_a_strange_partition_is_sent_on_with_its_id() -> None:
    bench = Bench()
    bench.give(LIFE[0])
    strange = (partition_of(CASE.encode(), PARTITIONS) + 1) % PARTITIONS
    bench.append(None, encode_command(LIFE[1], START, "QD", "qingdao"), strange)
    bench.work()
    [sent] = bench.on("cases.commands")
    assert (sent.key, told(bench), reply(bench, "c1").accepted) == (CASE.encode(), ["opened", "filed"], True)


def test_what_is_no_command_goes_to_the_dead_letters_and_costs_nobody_else_anything() -> None:
    bench = Bench()
    where = partition_of(CASE.encode(), PARTITIONS)
    bench.append(b"k", b"{", where)
    bench.give(LIFE[0])
    bench.append(b"k", None, where)
    bench.work()
    letters = [dict(out.headers) for out in bench.on("incidents.rejected")]
    assert [(each["error-reason"], each["error-stage"], each["origin-offset"]) for each in letters] == [
        (b"not_json", b"closure", b"0"),
        (b"null_value", b"closure", b"2"),
    ]
    assert [(out.key, out.value) for out in bench.on("incidents.rejected")] == [(b"k", b"{"), (b"k", None)]
    assert told(bench) == ["opened"]


def merging(bench: Bench) -> None:
    """Two cases, and a person who says the first is the second."""
    bench.give(sight(), sight(id="other", case_id=OTHER, opening=opening(source="/cameras/2")))
    bench.give(act(1, "merge", {"id": "a", "role": "acceptor"}, into=OTHER))


def test_a_merge_is_decided_by_what_the_other_case_was_and_told_to_it() -> None:
    bench = Bench()
    merging(bench)
    bench.work()
    assert (told(bench), told(bench, OTHER)) == (["opened", "merged"], ["opened", "duplicate_confirmed"])
    one, other = bench.stored(CASE), bench.stored(OTHER)
    assert one is not None
    assert other is not None
    assert (one.merged_into, other.merged_from, reply(bench, "c1").state) == (OTHER, (CASE,), State.MERGED)


def test_a_merge_read_again_when_the_other_case_has_ended_says_the_same() -> None:
    bench = Bench()
    merging(bench)
    bench.work(1)
    bench.give(act(2, "void", {"id": "s", "role": "shift_lead"}, OTHER, reason="no"))
    bench.work()
    before = bench.bytes_of(CASE)
    bench.committed, bench.cases = dict.fromkeys(range(PARTITIONS), 0), Bench().cases
    bench.work(1)
    assert bench.bytes_of(CASE) == before


def test_merging_into_what_is_not_there_is_refused() -> None:
    bench = Bench()
    bench.give(sight(), act(1, "merge", {"id": "a", "role": "acceptor"}, into=OTHER))
    bench.work()
    assert told(bench) == ["opened"]
    assert f"unknown case {OTHER}" in str(reply(bench, "c1").reason)


def crossed() -> Bench:
    """Two open cases; two people merge each into the other one at the same moment."""
    bench = Bench()
    bench.give(sight(), sight(id="s2", case_id=OTHER))
    bench.work()
    head = {"type": "merge", "actor": {"id": "a", "role": "acceptor"}}
    there = Command.model_validate(head | {"id": "there", "case_id": CASE, "into": OTHER})
    back = Command.model_validate(head | {"id": "back", "case_id": OTHER, "into": CASE})
    bench.give(there, back)
    return bench


def one_stands(bench: Bench) -> None:
    """Exactly one of the two cases is merged, into the other one, which is open."""
    one, other = bench.stored(CASE), bench.stored(OTHER)
    assert one is not None
    assert other is not None
    assert {one.merged_into, other.merged_into} in ({None, OTHER}, {None, CASE})
    assert {one.state, other.state} == {State.REPORTED, State.MERGED}


def test_crossed_merges_leave_one_case_open_and_say_why_to_the_other() -> None:
    bench = crossed()
    bench.work()
    one_stands(bench)
    assert sorted(reply(bench, each).accepted for each in ("there", "back")) == [False, True]
    refused = next(reply(bench, each) for each in ("there", "back") if not reply(bench, each).accepted)
    assert "being merged at this moment" in str(refused.reason)


@pytest.mark.parametrize("point", ["closure:aliased", "closure:published", "closure:applied"])
def test_a_worker_that_dies_over_crossed_merges_changes_nothing_of_that(point: str) -> None:
    bench = crossed()
    bench.fault.point = point
    with pytest.raises(Died):
        bench.work()
    bench.work()
    bench.work()
    one_stands(bench)


def test_a_merge_that_is_refused_after_all_leaves_no_alias_behind() -> None:
    bench = crossed()
    bench.log[partition_of(OTHER.encode(), PARTITIONS)].pop()  # nobody merges back
    bench.give(act(7, "void", {"id": "l", "role": "shift_lead"}, reason="nothing there"))  # read before the merge is decided
    bench.work()
    assert not reply(bench, "there").accepted
    bench.give(act(8, "reopen", {"id": "l", "role": "shift_lead"}, reason="after all"))
    bench.give(
        Command.model_validate({"id": "b2", "type": "merge", "case_id": OTHER, "into": CASE, "actor": {"id": "a", "role": "acceptor"}})
    )
    bench.work()
    assert reply(bench, "b2").accepted


def test_what_is_no_command_is_a_dead_letter_and_whoever_waits_is_answered() -> None:
    bench = Bench()
    value = encode_command(act(1, "note", {"id": "a", "role": "leader"}), START, "QD", "qingdao").replace(b'"note"', b'"explode"')
    bench.append(CASE.encode(), value)
    bench.work()
    assert len(bench.on("incidents.rejected")) == 1
    assert "explode" in str(reply(bench, "c1").reason)


def test_a_forgotten_case_is_tombstoned_and_a_late_sight_does_not_open_it_anew() -> None:
    bench = Bench()
    bench.give(*LIFE)
    bench.work()
    closed = bench.stored(CASE)
    assert closed is not None
    bench.give(act(9, "forget", system("clock"), deadline=closed.deadlines[0].id))
    bench.give(sight({"/cameras/2": next(iter(sight().totals.values()))}, id="late"))
    bench.work()
    assert bench.latest(CASE) is None
    assert told(bench) == [*FACTS, "sighted"]
    assert bench.facts(CASE)[-1].sequence == 8


def test_a_zombie_that_is_far_behind_changes_nothing() -> None:
    bench = Bench()
    bench.give(*LIFE)
    zombie = Bench()
    zombie.log = bench.log
    zombie.give()
    bench.work()
    done, zombie.cases = bench.stored(CASE), bench.cases
    zombie.work(1)
    assert (zombie.facts(CASE), bench.stored(CASE)) == ([], done)


@pytest.mark.parametrize("kind", ["file", "remind"])
def test_commands_to_unknown_cases_are_answered(kind: str) -> None:
    bench = Bench()
    bench.give(act(1, kind))
    bench.work()
    assert "unknown case" in reply(bench, "c1").reason


@pytest.mark.parametrize("parts", range(4))
def test_a_long_batch_decided_by_parts_says_what_one_command_at_a_time_says(parts: int) -> None:
    """Parts overlap: what the part before decided, and the store does not know yet, is what the next one goes on from."""
    commands = (sight(), *(act(number, "note", {"id": "d", "role": "dispatcher"}, note=f"{number}") for number in range(250)))
    slow, fast = Bench(), Bench()
    slow.give(*commands)
    slow.work(batch=1)
    fast.give(*commands)
    fast.fault = DiesAfter(parts)
    with contextlib.suppress(Died):
        fast.work(batch=1000)
    fast.work(batch=1000)
    assert fast.bytes_of(CASE) == slow.bytes_of(CASE)
    assert [fact.sequence for fact in fast.facts(CASE)][-1] == len(commands)
    assert fast.stored(CASE) == slow.stored(CASE)


class Gate(Bench):
    """A bench whose publisher waits until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        self.read = 0
        self.worker = self.stage()

    async def publish(self, outs: Iterable[Out]) -> None:
        """See Bench."""
        await self.opened.wait()
        await super().publish(outs)

    async def next(self) -> None:
        """It takes the case's next record, decides it, and has begun to carry it out."""
        where = partition_of(CASE.encode(), PARTITIONS)
        await self.worker.take({where: self.log[where][self.read : self.read + 1]})
        self.read += 1
        await self.worker.turn()
        await asyncio.sleep(0)

    def done(self) -> int:
        """Commands that may be committed."""
        return sum(self.worker.done().values())


def test_what_is_decided_is_committed_only_when_it_is_carried_out_and_holds_up_one_batch_more() -> None:
    bench = Gate()
    bench.give(*LIFE[:2])

    async def played() -> None:
        await bench.assign(bench.worker)
        await bench.next()
        assert (bench.done(), bench.worker.full(), bench.published) == (0, False, []), "the next may be read; nothing is said or done yet"
        second = asyncio.create_task(bench.next())
        await asyncio.sleep(0.01)
        assert (second.done(), bench.done(), bench.published) == (False, 0, []), "it is decided, and waits for the first to be carried out"
        bench.opened.set()
        await second
        await bench.worker.finish()
        assert bench.done() == 2

    asyncio.run(played())
    assert told(bench) == ["opened", "filed"]
    assert [fact.sequence for fact in bench.facts(CASE)] == [1, 2]


async def cannot_publish_the_first_of_two(bench: Gate) -> None:
    """It takes two batches, and hears of it with the second."""
    bench.give(*LIFE[:2])
    bench.opened.set()
    bench.fail_publishing = 1
    await bench.assign(bench.worker)
    await bench.next()
    with pytest.raises(TryAgain):
        await bench.next()


def test_a_batch_that_cannot_be_published_is_decided_again_before_the_next_one() -> None:
    bench = Gate()

    async def played() -> None:
        await cannot_publish_the_first_of_two(bench)
        assert (bench.worker.full(), bench.done()) == (True, 0), "nothing more is read until both are decided"
        await bench.worker.turn()
        await bench.worker.finish()
        assert (bench.worker.full(), bench.done()) == (False, 2)

    asyncio.run(played())
    assert [decode_fact(value).type for value in bench.bytes_of(CASE)] == ["opened", "filed"]


def test_partitions_shared_anew_leave_nothing_behind_of_what_was_read() -> None:
    bench = Gate()

    async def played() -> None:
        await cannot_publish_the_first_of_two(bench)
        await bench.assign(bench.worker)
        assert (bench.worker.full(), bench.done()) == (False, 0)
        await bench.worker.turn()
        assert bench.done() == 0

    asyncio.run(played())
    assert bench.stored(CASE) is None
