"""The real closure, over the store's twin, against the plain second one of `reference.py`: random histories, judged alike at every step.

What holds besides: a closed case has evidence and another party's check, a deadline is filing plus time that counts, counts never fall.
"""

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from adapters.case_memory import MemoryCases
from adapters.case_store import Move
from incidents.case import Case, Position
from incidents.catalogue import City, Condition
from incidents.commands import Actor, Command, Statement
from incidents.steps import closure
from incidents.steps.escalation import fired
from incidents.vocabulary import Role, State
from incidents.workcalendar import WorkCalendar
from tests.incidents.closing import CASE, NAME, OTHER, PHOTO, START, category, city, opening, sight
from tests.incidents.reference import EVERYBODY, LEVELS, UNITS, WAYS, Reference

T = TypeVar("T")
HOURS = ({"begins": "08:00", "ends": "12:00"}, {"begins": "14:00", "ends": "18:00"})
CALENDAR = WorkCalendar.model_validate({"hours": HOURS, "years": [{"year": year} for year in range(2025, 2037)]})
KINDS = {"spillage": (False, 4, True), "roadwork": (True, 6, False), "littering": (False, 4, False)}
MORE_TIME = ("request_extension", "grant_extension", "request_suspension", "grant_suspension")
NEXT: dict[str, tuple[str, ...]] = {  # what usually comes next, the way to the end first
    "held": ("confirm",),
    "reported": ("file", "file", "verify"),
    "verifying": ("found",),
    "filed": ("dispatch", "arbitrate"),
    "dispatched": ("accept", "accept", "accept", "return"),
    "handling": (
        "report_handled",
        "report_handled",
        "request_extension",
        "grant_extension",
        "request_suspension",
        "grant_suspension",
        "return",
    ),
    "suspended": ("resume",),
    "checking": ("pass_check", "pass_check", "fail_check"),
    "checked": ("close", "close", "fail_check"),
    "closed": ("appeal", "decide_appeal", "rate", "reopen"),
    "not_filed": ("reopen",),
    "void": ("reopen",),
    "merged": ("unmerge",),
}
SAID: dict[str, Any] = {
    "reason": "r",
    "note": "n",
    "evidence": PHOTO,
    "rating": 5,
    "upheld": True,
    "target": {"state": "filed"},
    "into": OTHER,
}
HELPERS: tuple[tuple[str, ...], ...] = ((), (), ("police",), ("police", "clean-2"))
COUNTS = ("returns", "reworks", "reopened", "suspensions", "supervised")
NOT_SAID: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {}, {"reason": None}, {"evidence": ()}, {"note": None}, {"evidence": (), "note": None, "reason": None},
    {"rating": 6}, {"upheld": False}, {"target": {"state": "closed"}}, {"target": {"state": "filed", "granted": False}}, {"level": "moon"},
)  # fmt: skip


def town() -> City:
    """A city with an urgent, a working-hours and an instant category."""
    work = (Condition(key="only", name=NAME, clock="work_hour", limit=6),)
    rows = (category(), category("roadwork", close="person", conditions=work), category("littering", nature="instant", close="person"))
    return city(categories=rows, calendar=CALENDAR)


TOWN = town()


def at_once(call: Coroutine[Any, Any, T]) -> T:
    """The twin never waits: its coroutines need no loop."""
    try:
        call.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("the twin waited")


class History(RuleBasedStateMachine):
    """One case in both."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryCases()
        self.now = START
        self.offset = 0
        self.stored: Case | None = None
        self.seen: dict[str, int] = {}

    @initialize(kind=st.sampled_from(sorted(KINDS)), by_person=st.booleans(), held=st.booleans(), steps=st.integers(0, 6))
    def opened(self, kind: str, by_person: bool, held: bool, steps: int) -> None:
        works, limit, auto = KINDS[kind]
        words = Statement(source="/app", id="1", time=START, channel="app", reporter={"id": "resident-1"})
        self.model = Reference(works, timedelta(hours=limit), instant=kind == "littering", auto=auto)
        self.model.reporter = "resident-1" if by_person else None
        because = {"state": State.HELD, "held_because": "shadow"} if held else {}
        self.model.state = "held" if held else "reported"
        self._decide(sight(opening=opening(category=kind, **because), statements=(words,) if by_person else ()))
        for _ in range(steps):
            self.goes_on(0, 0)

    def _decide(self, command: Command) -> bool:
        self.offset += 1
        self.now += timedelta(seconds=1)
        before = self.stored
        decision = closure.decide(TOWN, before, command, self.now, Position(topic_id="t", partition=0, offset=self.offset))
        assert decision.outcome is not None
        if decision.facts or decision.forgotten:
            assert decision.case is not None
            at_once(self.store.apply([Move(before, decision.case, (decision.outcome,))]))
            self.stored = at_once(self.store.load([CASE]))[CASE]
        return decision.outcome.accepted

    @property
    def case(self) -> Case:
        """The case as the store holds it."""
        assert self.stored is not None
        return self.stored

    @rule(
        pick=st.integers(0, 999),
        astray=st.sampled_from((0, 0, 0, 0, 0, 1, 2)),
        unsaid=st.sampled_from(NOT_SAID),
        unit=st.sampled_from((None, None, *sorted(UNITS))),
        who=st.tuples(st.sampled_from(sorted(UNITS)), st.sampled_from(HELPERS), st.sampled_from(LEVELS), st.sampled_from((1, 1, 2))),
    )
    def somebody_acts(self, pick: int, astray: int, unsaid: dict[str, Any], unit: str | None, who: tuple[Any, ...]) -> None:
        if self.case.forgotten:
            return
        to, helpers, level, person = who
        possible = sorted(command for command, (starts, _, _) in WAYS.items() if self.model.state in starts)
        commands = sorted(WAYS) if astray == 1 else possible
        command = commands[pick % len(commands)]
        roles = sorted(EVERYBODY if astray == 2 else WAYS[command][2])
        role = roles[pick % len(roles)]
        mine = unit or (self.model.unit if role == "unit" else None)
        actor = Actor(id=f"{'unit' if astray else role}-{person}", role=Role(role), unit=mine)
        self._give(command, actor, SAID | {"unit": to, "assisting": helpers, "level": level} | unsaid)

    @rule(choice=st.integers(0, 9), helpers=st.integers(0, 9))
    def goes_on(self, choice: int, helpers: int) -> None:
        """A usual step, with all it needs; assisting units do their part first."""
        if self.case.forgotten:
            return
        ways = NEXT[self.model.state]
        command = ways[choice % len(ways)]
        role = "shift_lead" if command == "reopen" else sorted(WAYS[command][2] - {"system"})[choice % len(WAYS[command][2] - {"system"})]
        to = self.model.decided or next((unit for unit in sorted(UNITS) if unit not in self.model.returned), "police")
        waiting = sorted(self.model.owed - set(self.model.helped.values()))
        mine = waiting[0] if command == "report_handled" and waiting else self.model.unit
        actor = Actor(id=f"{role}-{mine if role == 'unit' else 1}", role=Role(role), unit=mine if role == "unit" else None)
        self._give(command, actor, SAID | {"unit": to, "assisting": HELPERS[helpers % len(HELPERS)]})

    def _give(self, command: str, actor: Actor, said: dict[str, Any]) -> None:
        known = said | {"as": actor.unit}
        expected = self.model.may(command, actor.role, actor.id, known, self.now + timedelta(seconds=1))
        head = {"id": f"c{self.offset}", "case_id": CASE, "type": command, "actor": actor}
        accepted = self._decide(Command.model_validate(head | said))
        assert accepted is expected, (command, actor, said, self.model)
        if accepted:
            self.model.take(command, actor.role, actor.id, known, self.now)

    @rule(minutes=st.sampled_from((7, 30, 90, 90, 300, 300, 1500, 9000)))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        for _ in range(12):
            claimed, _ = at_once(self.store.claim_due(int(self.now.timestamp() * 1000), 0, 100))
            if not claimed:
                return
            for case_id, deadline in claimed:
                was = self.case
                accepted = self._decide(fired(case_id, deadline))
                assert accepted, "what is on the list is on the case"
                if deadline.kind == "overdue":
                    assert self.now > (was.due_at or self.now)
                if deadline.kind == "expire":
                    self.model.state, self.model.ended = "not_filed", self.now
                if deadline.kind == "resume":
                    self.model.take("resume", "system", "clock", {"as": None}, self.now)

    @invariant()
    def both_say_the_same(self) -> None:
        if not self.offset:
            return
        case, model = self.case, self.model
        assert (case.state, case.level, case.unit) == (model.state, model.level, model.unit)
        assert {name: getattr(case, name) for name in COUNTS} == model.counts
        assert case.extensions == model.extensions
        assert case.due_at == model.due()

    @invariant()
    def a_closed_case_has_evidence_and_another_party_s_word(self) -> None:
        if not self.offset or self.case.state is not State.CLOSED:
            return
        case = self.case
        assert case.handler is not None
        assert case.checker is not None
        assert case.checker.id != case.handler.id
        assert case.checker.unit is None or case.checker.unit != case.unit
        assert case.category == "littering" or (case.handled_evidence and case.check_evidence)

    @invariant()
    def it_lies_where_it_was_opened(self) -> None:
        """Who sees a case by its district or subdistrict sees it for good: the live feed tells `gone` to units only."""
        assert not self.offset or self.case.place == opening().place

    @invariant()
    def counts_never_fall(self) -> None:
        if not self.offset:
            return
        counts = {name: getattr(self.case, name) for name in (*COUNTS, "sequence", "revision")}
        assert all(counts[name] >= self.seen.get(name, 0) for name in counts)
        self.seen = counts


def histories(many: int, steps: int) -> settings:
    """So many, of so many steps each."""
    return settings(max_examples=many, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck))


def test_hundreds_of_histories_are_judged_alike() -> None:
    run_state_machine_as_test(History, settings=histories(300, 30))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_five_thousand_histories_are_judged_alike() -> None:
    run_state_machine_as_test(History, settings=histories(5000, 40))
