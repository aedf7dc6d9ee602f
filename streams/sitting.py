"""One batch of commands before closure: decided in order, several of one case on top of each other, and everything to be published.

Computes only; `streams.closure` carries it out. Decided again from the same cases it gives the same records, byte for byte.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters.bus import Out
from adapters.case_store import Move
from config.topics import CASE_COMMANDS, CASE_EVENTS, CASES_LATEST
from incidents.case import Case, Fact, Position
from incidents.catalogue import City
from incidents.commands import Command, Outcome, Target
from incidents.decision import Decision
from incidents.events import CaseId
from incidents.facts import encode_case, encode_command, encode_fact
from incidents.steps.closure import decide, needs_target
from incidents.vocabulary import CommandType


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as its record brings it: `at` on the city's clock, `stated` its own time if it has one."""

    command: Command
    at: datetime
    stated: datetime | None
    position: Position


@dataclass
class _Docket:
    """A case in this batch: as it was loaded, as it is now, and the answers to the commands that moved it."""

    before: Case | None
    after: Case
    outcomes: list[Outcome] = field(default_factory=list)


class Sitting:
    """Decides a batch. `loaded` are its cases; `merges` are left over, for the store must say first what their targets are."""

    def __init__(self, city: City, namespace: str, loaded: Mapping[CaseId, Case]) -> None:
        self.facts: list[Fact] = []
        self.answers: list[Outcome] = []
        self.decided: list[tuple[Command, Decision]] = []
        self.merges: list[Asked] = []
        self._city = city
        self._commands, self._events, self._latest = (topic.named(namespace) for topic in (CASE_COMMANDS, CASE_EVENTS, CASES_LATEST))
        self._cases = dict(loaded)
        self._moved: dict[CaseId, _Docket] = {}
        self._sent: list[Out] = []
        self._json: dict[tuple[CaseId, int, bool], bytes] = {}

    def decide(self, asked: Asked) -> None:
        """Take the next command."""
        command = asked.command
        if needs_target(command):
            self.merges.append(asked)
            return
        before = self._cases.get(command.case_id)
        decision = decide(self._city, before, command, asked.at, asked.position)
        self.decided.append((command, decision))
        self.facts.extend(decision.facts)
        for follow_up in decision.commands:
            self._send(follow_up, asked.at)
        if decision.case is not None and (decision.facts or decision.forgotten):
            self._move(command, before, decision.case, decision.outcome)
        elif decision.outcome is not None and command.type is not CommandType.SIGHT:
            self.answers.append(decision.outcome)

    def _move(self, command: Command, before: Case | None, after: Case, outcome: Outcome | None) -> None:
        docket = self._moved.setdefault(after.case_id, _Docket(before, after))
        docket.after = self._cases[after.case_id] = after
        if outcome is not None and command.type is not CommandType.SIGHT:
            docket.outcomes.append(outcome)

    def ahead_of(self, loaded: Mapping[CaseId, Case]) -> dict[CaseId, Case]:
        """Cases as the store knows them, or as they are after this sitting where it went further and the store does not know yet."""
        ahead = dict(loaded)
        for case_id, docket in self._moved.items():
            known = ahead.get(case_id)
            if known is None or known.sequence <= docket.after.sequence:
                ahead[case_id] = docket.after
        return ahead

    def aimed(self, targets: Sequence[Target]) -> Iterator[Out]:
        """The merges again, each with what its target is: what is decided next time, from one record and one case."""
        for asked, target in zip(self.merges, targets, strict=True):
            yield self._out(asked.command.model_copy(update={"target": target}), asked.stated or asked.at)

    def unmade(self) -> list[Command]:
        """Merges that were decided and did not come about: their aliases go."""
        merges = [command for command, _ in self.decided if command.type is CommandType.MERGE and command.target is not None]
        return [each for each in merges if (case := self._cases.get(each.case_id)) is None or case.merged_into != each.into]

    def _send(self, command: Command, at: datetime) -> None:
        self._sent.append(self._out(command, at))

    def _out(self, command: Command, at: datetime) -> Out:
        return Out(self._commands, command.case_id.encode(), encode_command(command, at, self._city.code, self._city.key))

    def outs(self) -> Iterator[Out]:
        """What is to be durable before anything is moved: the facts in order, the last state of each case, commands to other cases."""
        for fact in self.facts:
            yield Out(self._events, fact.case_id.encode(), encode_fact(fact, self._json_of(fact.case)))
        for docket in self._moved.values():
            case = docket.after
            yield Out(self._latest, case.case_id.encode(), None if case.forgotten else self._json_of(case))
        yield from self._sent

    def moves(self) -> list[Move]:
        """What the hot store is to be told then."""
        return [Move(each.before, each.after, tuple(each.outcomes), self._json_of(each.after)) for each in self._moved.values()]

    def _json_of(self, case: Case) -> bytes:
        """A case is written three times, and made JSON once: half the work of a command."""
        key = case.case_id, case.sequence, case.forgotten
        if key not in self._json:
            self._json[key] = encode_case(case)
        return self._json[key]
