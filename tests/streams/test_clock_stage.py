"""The clock stage: due deadlines become commands once, an engine that is away delays them, a wall clock that jumps holds them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from adapters import metrics
from adapters.case_memory import MemoryCases
from adapters.case_store import Cases, Move
from adapters.clock import JumpGuard, RealClock
from incidents.case import Case, Deadline
from incidents.commands import Command
from incidents.errors import NotReady, TryAgain
from incidents.events import CaseId, epoch_ms
from incidents.vocabulary import CommandType, DeadlineKind, State
from streams.clock import AT_ONCE, GRACE_S, ClockStage
from tests.streams.fact_agents import AT, a_fact, until


class Told:
    """Commands that were published; `fails` are raised first."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.commands: list[Command] = []

    async def publish(self, commands: Sequence[tuple[Command, datetime]]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.commands += [command for command, _ in commands]


class Hands:
    """A clock that the test moves."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Bench:
    """A clock stage over the in-memory store, its clocks in the test's hands. `run` starts it, looks, and stops it."""

    def __init__(self, told: Told, cases: Cases | None = None) -> None:
        self.cases = cases or MemoryCases()
        self.told = told
        self.rebuilt = 0
        self.wall, self.steady = Hands(AT.timestamp()), Hands(0.0)
        self.stage = ClockStage(RealClock(self.wall), self.cases, told, self._rebuild)
        self.stage.guard = JumpGuard(self.wall, self.steady)

    async def _rebuild(self) -> None:
        self.rebuilt += 1

    def pass_by(self, seconds: float) -> None:
        """Time goes by, on both clocks."""
        self.wall.at += seconds
        self.steady.at += seconds

    async def with_case(self, *deadlines: Deadline) -> Case:
        """A handled case with these deadlines is in the store."""
        case = a_fact(state=State.HANDLING).case.model_copy(update={"deadlines": deadlines})
        await self.cases.apply([Move(None, case)])
        return case


def gauge(name: str) -> float | None:
    """A metric's value."""
    return metrics.REGISTRY.get_sample_value(f"cityloop_{name}")


def due_in(seconds: float, kind: DeadlineKind = DeadlineKind.OVERDUE) -> Deadline:
    return Deadline(id=f"{kind}:{epoch_ms(AT) + round(seconds * 1000)}", kind=kind, at=AT + timedelta(seconds=seconds))


def test_a_deadline_fires_when_the_city_s_clock_reaches_it_and_not_before() -> None:
    bench = Bench(Told())

    async def journey() -> None:
        await bench.with_case(due_in(60))
        await bench.stage.turn()
        assert bench.told.commands == []
        bench.pass_by(60)
        await bench.stage.turn()

    asyncio.run(journey())
    [command] = bench.told.commands
    assert (command.type, command.deadline) == (CommandType.OVERDUE, due_in(60).id)


def test_a_deadline_that_is_on_its_way_is_not_fired_again_within_its_lease() -> None:
    bench = Bench(Told())

    async def journey() -> None:
        await bench.with_case(due_in(0))
        for _ in range(5):
            await bench.stage.turn()

    asyncio.run(journey())
    assert len(bench.told.commands) == 1


def test_a_bus_that_is_away_delays_a_deadline_and_loses_none() -> None:
    bench = Bench(Told(TryAgain("Kafka"), TryAgain("Kafka")))

    async def journey() -> None:
        await bench.with_case(due_in(0))
        for _ in range(2):
            with pytest.raises(TryAgain):
                await bench.stage.turn()
        await bench.stage.turn()
        await bench.stage.turn()

    asyncio.run(journey())
    assert [command.type for command in bench.told.commands] == [CommandType.OVERDUE]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_of_the_wall_clock_holds_every_deadline_until_it_is_put_right(jump: float) -> None:
    bench = Bench(Told())

    async def journey() -> None:
        await bench.with_case(due_in(60))
        bench.wall.at += jump
        await bench.stage.turn()
        assert (bench.told.commands, bench.stage.held(), gauge("clock_held")) == ([], True, 1)
        bench.wall.at -= jump
        bench.pass_by(60)
        await bench.stage.turn()

    asyncio.run(journey())
    assert len(bench.told.commands) == 1
    assert gauge("clock_held") == 0


class NotYet(MemoryCases):
    """A store that must be rebuilt first."""

    asked = 0

    async def claim_due(self, now_ms: int, real_ms: int, limit: int) -> tuple[Sequence[tuple[CaseId, Deadline]], bool]:
        self.asked += 1
        if self.asked == 1:
            raise NotReady("empty")
        return await super().claim_due(now_ms, real_ms, limit)


def test_a_store_that_is_not_ready_is_rebuilt_and_then_the_deadlines_fire() -> None:
    bench = Bench(Told(), NotYet())

    async def journey() -> None:
        await bench.with_case(due_in(0))
        await bench.stage.start()
        await until(lambda: bool(bench.told.commands), "the deadline")
        await until(lambda: bench.stage.working, "readiness")
        await bench.stage.stop()

    asyncio.run(journey())
    assert (bench.rebuilt, len(bench.told.commands)) == (1, 1)


def test_the_audit_counts_what_is_due_and_unfired_for_longer_than_firing_takes() -> None:
    bench = Bench(Told())

    async def journey() -> None:
        await bench.with_case(due_in(0))
        await bench.stage.turn()
        bench.pass_by(GRACE_S - 1)
        await bench.stage.audit()
        assert gauge("deadlines_due_unfired") == 0
        bench.pass_by(1)
        await bench.stage.audit()

    asyncio.run(journey())
    assert gauge("deadlines_due_unfired") == 1


def test_what_a_case_carries_and_no_list_holds_is_armed_again() -> None:
    bench = Bench(Told())

    async def journey() -> None:
        case = await bench.with_case(due_in(0))
        await bench.cases.apply([Move(case, case.model_copy(update={"sequence": case.sequence + 1, "deadlines": ()}))])
        lost = case.model_copy(update={"sequence": case.sequence + 2})
        await bench.cases.apply([Move(lost, lost)])  # a move that does not say that the deadline is new
        await bench.stage.turn()
        assert bench.told.commands == []
        await bench.stage.audit()
        await bench.stage.turn()

    asyncio.run(journey())
    assert [command.deadline for command in bench.told.commands] == [due_in(0).id]


def test_ten_thousand_deadlines_of_one_second_leave_in_a_few_turns_each_once() -> None:
    bench = Bench(Told())
    many = 10_000

    async def journey() -> int:
        case, deadline = a_fact(state=State.HANDLING).case, due_in(0)
        cases = [case.model_copy(update={"case_id": CaseId(f"QD-1-{n:05}"), "deadlines": (deadline,)}) for n in range(many)]
        await bench.cases.apply([Move(None, each) for each in cases])
        turns = 1
        while await bench.stage.turn():
            turns += 1
        return turns

    assert asyncio.run(journey()) <= many // AT_ONCE + 1
    assert len({command.id for command in bench.told.commands}) == len(bench.told.commands) == many
