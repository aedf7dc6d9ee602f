"""Random lives of a case against laws that no sequence of commands may break, and against replays from any earlier point."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from incidents.case import Case, Fact, Position
from incidents.clocks import RUNNING
from incidents.commands import Actor, Command, system
from incidents.facts import decode_fact, encode_fact
from incidents.steps import closure
from incidents.steps.escalation import decide as escalate
from incidents.steps.routing import decide as route
from incidents.transitions import find, possible
from incidents.vocabulary import ENDED, OPEN, CommandType, Role, State
from tests.incidents.closing import CASE, CITY, OTHER, PHOTO, START, Desk, opening, sight, total

WORDS: dict[str, Any] = {
    "reason": "because",
    "note": "seen",
    "evidence": PHOTO,
    "into": OTHER,
    "other": OTHER,
    "target": {"state": "filed"},
    "rating": 4,
    "upheld": True,
}
FLAWS: tuple[dict[str, Any], ...] = (
    {"reason": None},
    {"evidence": ()},
    {"note": None, "reason": None, "evidence": ()},
    {"target": {"state": "closed"}},
    {"rating": 0},
    {"upheld": False},
    {"unit": "nobody"},
)
NEXT: dict[State, tuple[tuple[str, Role], ...]] = {
    State.HELD: (("confirm", Role.ACCEPTOR),),
    State.REPORTED: (("file", Role.SHIFT_LEAD), ("verify", Role.ACCEPTOR), ("void", Role.SHIFT_LEAD)),
    State.VERIFYING: (("found", Role.COLLECTOR),),
    State.FILED: (("dispatch", Role.DISPATCHER), ("arbitrate", Role.ARBITER)),
    State.DISPATCHED: (("accept", Role.UNIT), ("return", Role.UNIT)),
    State.HANDLING: (("report_handled", Role.UNIT), ("request_suspension", Role.UNIT), ("grant_suspension", Role.DISPATCHER)),
    State.SUSPENDED: (("resume", Role.DISPATCHER),),
    State.CHECKING: (("pass_check", Role.CHECKER), ("fail_check", Role.CHECKER)),
    State.CHECKED: (("close", Role.SHIFT_LEAD),),
    State.CLOSED: (("reopen", Role.RESIDENT),),
    State.NOT_FILED: (("reopen", Role.SHIFT_LEAD),),
    State.VOID: (("reopen", Role.SHIFT_LEAD),),
    State.MERGED: (("unmerge", Role.ACCEPTOR),),
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

    @rule(choice=st.integers(0, 2), unit=st.sampled_from(["clean-1", "clean-2", "clean-city"]))
    def goes_on(self, choice: int, unit: str) -> None:
        """A usual next step, with all it needs."""
        steps = NEXT[self.desk.open.state]
        command, role = steps[min(choice, len(steps) - 1)]
        self._give(command, role, {"unit": unit})

    @rule(data=st.data(), offered=st.booleans(), flaw=st.sampled_from(({}, {}, *FLAWS)), unit=st.sampled_from(["clean-1", "clean-2"]))
    def acted(self, data: st.DataObject, offered: bool, flaw: dict[str, Any], unit: str) -> None:
        """Anything at all, mostly something that the table offers this role."""
        role = data.draw(st.sampled_from(sorted(Role)))
        known = possible(self.desk.open.state, role) if offered else tuple(CommandType)
        commands = [each for each in known if each not in (CommandType.SIGHT, CommandType.FORGET)] or [CommandType.NOTE]
        level, category = data.draw(st.sampled_from(CITY.levels)), data.draw(st.sampled_from(sorted(CITY.catalogue)))
        self._give(data.draw(st.sampled_from(commands)), role, {"unit": unit, "level": level, "category": category} | flaw)

    def _give(self, command: str, role: Role, arguments: dict[str, Any]) -> None:
        actor = ACTORS[role].model_copy(update={"unit": self.desk.open.unit}) if role is Role.UNIT else ACTORS[role]
        head = {"id": f"c{self.desk.offset}", "case_id": CASE, "type": command, "actor": actor}
        self._take(Command.model_validate(head | WORDS | arguments))

    @rule()
    def routed(self) -> None:
        for fact in self.told[-2:]:
            for command in route(CITY, fact.case, fact.type):
                self._take(command)

    @rule()
    def out_of_order(self) -> None:
        """On a clock of events a command may state an earlier time than the one before it."""
        self.desk.wait(minutes=-15)

    @rule(minutes=st.sampled_from([10, 10, 20, 60, 240, 12_000]))
    def time_passes(self, minutes: int) -> None:
        self.desk.wait(minutes=minutes)
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

    def teardown(self) -> None:
        """Whatever dies whenever: read again from any committed offset, with any state that Redis or Kafka may hold, it says the same."""
        for moved in range(1, len(self.log)):
            for committed in {0, moved // 2, moved}:
                self._replayed(self.states[moved], self.log[committed:])
        for kept in range(1, len(self.told)):
            self._replayed(decode_fact(encode_fact(self.told[kept - 1])).case, self.log)

    def _replayed(self, case: Case | None, log: list[tuple[Command, Any, Position]]) -> None:
        assert case is not None
        known, case = case.sequence, Case.model_validate_json(case.model_dump_json())
        again: list[Fact] = []
        for command, at, position in log:
            decision = closure.decide(CITY, case, command, at, position)
            case = decision.case
            again += decision.facts
        assert [(fact.sequence, fact.type) for fact in again] == [(fact.sequence, fact.type) for fact in self.told[known:]]
        assert [encode_fact(fact) for fact in again] == [encode_fact(fact) for fact in self.told[known:]]

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


Life.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
