"""Random lives of a case against laws that no sequence of commands may break, and against replays from any earlier point."""

from typing import Any

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from incidents.case import ENDED, OPEN, Actor, Case, Command, CommandType, Fact, Position, Role, State, system
from incidents.clocks import RUNNING
from incidents.facts import decode_fact, encode_fact
from incidents.steps import closure
from incidents.steps.escalation import decide as escalate
from incidents.steps.routing import decide as route
from incidents.transitions import find, possible
from tests.incidents.closing import CASE, CITY, OTHER, PHOTO, START, Desk, opening, sight, total

ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "reason": st.sampled_from(["because", None]),
    "note": st.sampled_from(["seen", None]),
    "evidence": st.sampled_from([PHOTO, PHOTO, ()]),
    "unit": st.sampled_from(["clean-1", "clean-2", "clean-city", "nobody"]),
    "level": st.sampled_from(CITY.levels),
    "category": st.sampled_from([category.key for category in CITY.categories]),
    "into": st.just(OTHER),
    "target": st.sampled_from([{"state": "filed"}, {"state": "closed"}]),
    "rating": st.integers(0, 6),
    "upheld": st.booleans(),
    "other": st.just(OTHER),
}
ACTORS = {role: Actor(id=f"{role}-1", role=role) for role in Role} | {Role.SYSTEM: system("rule")}


class Life(RuleBasedStateMachine):
    """One case; `log` is what stands on cases.commands, `told` what stands on cases.events."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.log: list[tuple[Command, Any, Position]] = []
        self.states: list[Case | None] = []
        self.told: list[Fact] = []

    def _take(self, command: Command) -> None:
        before = self.desk.case
        self.states.append(before)
        decision = self.desk.take(command)
        self.log.append((command, self.desk.now, Position(topic_id="c", partition=0, offset=self.desk.offset)))
        self.told += decision.facts
        self._lawful(before, command, decision.facts)

    def _lawful(self, before: Case | None, command: Command, facts: tuple[Fact, ...]) -> None:
        if before is None or not facts:
            return
        row = find(command.type, before.state)
        assert row is not None
        assert command.actor.role in row.roles
        after = facts[0].case
        if isinstance(row.to, State):
            assert after.state is row.to
        assert facts[-1].case.revision == before.revision + (command.type is not CommandType.SIGHT)

    @initialize(held=st.booleans(), category=st.sampled_from(["spillage", "littering", "building"]))
    def opened(self, held: bool, category: str) -> None:
        extra: dict[str, Any] = {"state": State.HELD, "held_because": "waiting", "confirm": 3} if held else {}
        self._take(sight(opening=opening(category=category, **extra)))

    @rule(offset=st.integers(0, 8), source=st.sampled_from(["/cameras/1", "/cameras/2"]))
    def seen(self, offset: int, source: str) -> None:
        self._take(sight({source: total(offset + 1, offset, (self.desk.now - START).total_seconds())}, id=f"s{self.desk.offset}"))

    @rule(data=st.data(), sensible=st.booleans())
    def acted(self, data: st.DataObject, sensible: bool) -> None:
        role = data.draw(st.sampled_from(sorted(Role)))
        offered = [each for each in possible(self.desk.open.state, role) if each not in (CommandType.SIGHT, CommandType.FORGET)]
        commands = offered if sensible else [each for each in CommandType if each is not CommandType.SIGHT]
        assume(commands)
        arguments = {name: data.draw(strategy) for name, strategy in ARGUMENTS.items()}
        unit = data.draw(st.sampled_from([self.desk.open.unit, self.desk.open.unit, None, "clean-2"]))
        actor = ACTORS[role].model_copy(update={"unit": unit}) if role is Role.UNIT else ACTORS[role]
        head = {"id": f"c{self.desk.offset}", "case_id": CASE, "type": data.draw(st.sampled_from(commands)), "actor": actor}
        self._take(Command.model_validate(head | arguments))

    @rule()
    def routed(self) -> None:
        for fact in self.told[-2:]:
            for command in route(CITY, fact.case, fact.type):
                self._take(command)

    @rule(hours=st.integers(1, 200))
    def time_passes(self, hours: int) -> None:
        self.desk.wait(hours=hours)
        for deadline in self.desk.open.deadlines:
            if deadline.at <= self.desk.now:
                for command in escalate(CITY, self.desk.open, deadline):
                    self._take(command)

    @rule(data=st.data())
    def repeated(self, data: st.DataObject) -> None:
        command, _, _ = data.draw(st.sampled_from(self.log))
        before = len(self.told)
        self._take(command)
        outcomes = {outcome.command_id for outcome in (self.states[-1] or self.desk.open).outcomes}
        if command.id in outcomes:
            assert len(self.told) == before

    @rule(data=st.data())
    def replayed(self, data: st.DataObject) -> None:
        """A worker dies: from some committed offset on all is read again, by cases that Redis holds from some later moment."""
        committed = data.draw(st.integers(0, len(self.log) - 1))
        moved = data.draw(st.integers(committed, len(self.log) - 1))
        case = self.states[moved]
        known = case.sequence if case else 0
        case = None if case is None else Case.model_validate_json(case.model_dump_json())
        again: list[Fact] = []
        for command, at, position in self.log[committed if case else moved :]:
            decision = closure.decide(CITY, case, command, at, position)
            case = decision.case
            again += decision.facts
        assert [encode_fact(fact) for fact in again] == [encode_fact(fact) for fact in self.told[known:]]
        assert case == self.desk.case

    @rule(data=st.data())
    def replayed_after_a_rebuild(self, data: st.DataObject) -> None:
        """Only some of the facts reached Kafka, and Redis is gone: the newest fact's case is all there is."""
        kept = data.draw(st.integers(1, len(self.told)))
        case: Case | None = decode_fact(encode_fact(self.told[kept - 1])).case
        again: list[Fact] = []
        for command, at, position in self.log:
            decision = closure.decide(CITY, case, command, at, position)
            case = decision.case
            again += decision.facts
        assert [encode_fact(fact) for fact in again] == [encode_fact(fact) for fact in self.told[kept:]]

    @invariant()
    def sequence_has_no_gap_and_revision_never_falls(self) -> None:
        assert [fact.sequence for fact in self.told] == list(range(1, len(self.told) + 1))
        revisions = [fact.case.revision for fact in self.told]
        assert revisions == sorted(revisions)
        assert [fact.at for fact in self.told] == sorted(fact.at for fact in self.told)

    @invariant()
    def a_closed_case_was_checked_by_another_party_with_evidence(self) -> None:
        case = self.desk.case
        if case is None or case.state is not State.CLOSED:
            return
        assert case.handler is not None
        assert case.checker is not None
        assert case.handler.id != case.checker.id
        assert case.category == "littering" or case.reopened or (case.handled_evidence and case.check_evidence) or self._was_littering()

    def _was_littering(self) -> bool:
        return any(fact.case.category == "littering" for fact in self.told)

    @invariant()
    def state_and_fields_agree(self) -> None:
        case = self.desk.case
        if case is None:
            return
        assert (case.ended_at is not None) == (case.state in ENDED)
        assert (case.merged_into is not None) == (case.state is State.MERGED)
        assert (case.suspended_at is not None) >= (case.state is State.SUSPENDED)
        assert case.unfinished is None
        if case.state in (State.DISPATCHED, State.HANDLING, State.CHECKING, State.CHECKED, State.CLOSED):
            assert case.unit is not None
        if case.state in RUNNING:
            assert case.due_at is not None
        if case.state in OPEN - {State.HELD}:
            assert case.held_because is None
        assert case.extensions <= 2
        assert case.suspensions <= 1

    @invariant()
    def deadlines_fit_the_state(self) -> None:
        case = self.desk.case
        if case is None:
            return
        kinds = {deadline.kind for deadline in case.deadlines}
        if case.state in ENDED:
            assert kinds == (set() if case.forgotten else {"forget"})
        assert ("resume" in kinds) == (case.state is State.SUSPENDED)
        assert ("expire" in kinds) == (case.state is State.HELD)


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
