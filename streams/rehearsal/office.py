"""Closure, routing and the clock of a rehearsal: the same decisions as the stages', on cases in memory, in the order of the city's time.

Due deadlines and the closings of the file stand in one queue by time. A command is decided as soon as it is given, and what it leads to at
once after it: there is nobody to wait for.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

from adapters.case_store import deadline_of
from adapters.sift_memory import MemorySift
from incidents.case import Case, Position
from incidents.catalogue import City
from incidents.commands import Command
from incidents.events import CaseId, epoch_ms
from incidents.sightings import sift_state
from incidents.steps import closure, escalation, routing
from incidents.vocabulary import DeadlineKind, State
from streams.rehearsal import desk
from streams.rehearsal.account import Account

TOPIC = "rehearsal"
SPEAKS = frozenset({DeadlineKind.STAGE, DeadlineKind.REMIND, DeadlineKind.OVERDUE, DeadlineKind.ESCALATE})
"""Deadlines that leave the case in its state."""
CLOSING = ""
"""Stands where a deadline's id stands, and before all of them: what was done at its deadline was done in time."""

Due = tuple[int, CaseId, str]
"""Moment in ms, case, and the deadline's id."""


class Office:
    """The cases of one rehearsal, all told to `books`. `has_people`: the file says when matters were closed (streams/rehearsal/desk.py)."""

    def __init__(self, city: City, sift: MemorySift, books: Account, has_people: bool) -> None:
        self.cases: dict[CaseId, Case] = {}
        self.commands = 0
        self.refused: Counter[str] = Counter()  # "<command> <actor>": a rule's command that its own city refuses is a finding
        self._city = city
        self._sift = sift
        self._books = books
        self._has_people = has_people
        self._speaking: list[Due] = []
        self._moving: list[Due] = []
        self._given: deque[tuple[Command, datetime]] = deque()

    def next_ms(self) -> int | None:
        """When the next deadline or closing is due, if any is."""
        heaps = [heap for heap in (self._speaking, self._moving) if heap]
        return min(heaps)[0][0] if heaps else None

    def moves_by(self, end_ms: int) -> bool:
        """Whether something that falls due up to a moment may change what sifting knows of a case."""
        return bool(self._moving) and self._moving[0][0] <= end_ms

    def give(self, command: Command, at: datetime) -> None:
        """Decide a command, and all that follows from it."""
        self._given.append((command, at))
        touched: dict[CaseId, datetime] = {}
        while self._given or touched:
            if self._given:
                command, at = self._given.popleft()
                if self._decide(command, at):
                    touched[command.case_id] = at
            else:
                self._prompt(*touched.popitem())

    def closes(self, case_id: CaseId, at_ms: int) -> None:
        """The file says that this was closed then; the first closing of a case counts."""
        heapq.heappush(self._moving, (at_ms, case_id, CLOSING))

    def run_to(self, end_ms: int) -> None:
        """Everything that is due up to a moment, in order of time."""
        while (next_ms := self.next_ms()) is not None and next_ms <= end_ms:
            at_ms, case_id, deadline_id = heapq.heappop(min(heap for heap in (self._speaking, self._moving) if heap))
            at = datetime.fromtimestamp(at_ms / 1000, UTC)
            if deadline_id == CLOSING:
                self._close(case_id, at)
            elif (case := self.cases.get(case_id)) is not None and (deadline := deadline_of(case, deadline_id)) is not None:
                for command in escalation.decide(self._city, case, deadline):
                    self.give(command, deadline.at)

    def _close(self, case_id: CaseId, at: datetime) -> None:
        for command in self._steps(case_id):
            self.give(command, at)

    def _prompt(self, case_id: CaseId, at: datetime) -> None:
        """Who stands before the unit's work in a case does his part at once."""
        case = self.cases.get(case_id)
        if self._has_people and case is not None and case.state in desk.BEFORE_THE_WORK:
            command = desk.step(self._city, case)
            if command is not None:
                self._given.append((command, at))

    def _steps(self, case_id: CaseId) -> Iterator[Command]:
        """One step after another, as long as the case moves."""
        sequence = -1
        while (case := self.cases.get(case_id)) is not None and case.sequence > sequence:
            sequence = case.sequence
            command = desk.step(self._city, case)
            if command is None:
                return
            yield command

    def _decide(self, command: Command, at: datetime) -> bool:
        """Whether the case moved."""
        before = self.cases.get(command.case_id)
        self.commands += 1
        decision = closure.decide(self._city, before, command, at, Position(topic_id=TOPIC, partition=0, offset=self.commands))
        if decision.outcome is not None and not decision.outcome.accepted:
            self.refused[f"{command.type} {command.actor.id}"] += 1
        after = decision.case
        if after is None or not (decision.facts or decision.forgotten):
            return False
        if decision.forgotten:
            self._books.ended(after, epoch_ms(at))
            del self.cases[after.case_id]
            return False
        self._move(before, after)
        for fact in decision.facts:
            self._books.fact(fact)
            self._given.extend((each, fact.at) for each in routing.decide(self._city, fact.case, fact.type))
        self._given.extend((each, at) for each in decision.commands)
        return True

    def _move(self, before: Case | None, after: Case) -> None:
        self.cases[after.case_id] = after
        handled, ended = (None if at is None else epoch_ms(at) for at in (after.handled_at, after.ended_at))
        self._sift.move(after.case_id, cast(State, sift_state(after)), handled, ended, after.merged_into or "")
        if before is not None and before.deadlines == after.deadlines:
            return
        was = {deadline.id for deadline in before.deadlines} if before else ()
        for deadline in after.deadlines:
            if deadline.id not in was:
                heap = self._speaking if deadline.kind in SPEAKS else self._moving
                heapq.heappush(heap, (epoch_ms(deadline.at), after.case_id, deadline.id))
