"""Commands that people give over the API: whose they are, whether their role may, once and only once, and what came of them.

The actor is always the signed-in person. A command's id on the log is `api:<person>:<key>`, so that nobody's key can stand in the way of
another's. What the state machine says is closure's to decide: here is only what a stranger must not learn (404), what no state would allow
the role (403), and what was asked before under the same key.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import orjson
from pydantic import BaseModel, ConfigDict, Field

from adapters.asked import Asked, AskedCommands
from adapters.bus import Bus, Out
from adapters.clock import CityClock
from adapters.console_view import ConsoleView
from config.settings import Settings
from config.topics import CASE_COMMANDS
from console.answers import Answers
from console.problems import Problem, not_found
from console.wire import NUMBER, Moment
from incidents.case import Case
from incidents.catalogue import City
from incidents.commands import Command, Evidence, Outcome
from incidents.events import CaseId
from incidents.facts import encode_command
from incidents.rights import Person, actor_of, may_command, scope_of
from incidents.transitions import possible
from incidents.vocabulary import CommandType, Severity, State

WAIT_S = 5.0
MOST_AT_ONCE = 200
KEY = r"^[A-Za-z0-9._:-]{1,100}$"

CaseName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$", examples=["QD-20261121-14YNDD4W6Y"])]
Key = Annotated[str, Field(pattern=KEY, examples=["3f1c0d9e-2a41"], description="idempotency key: the same one again is the same command")]


class ShownEvidence(Evidence):
    """A picture or a recording that proves something: by its `sha256` once it is stored (`POST /evidence`), else by its address."""

    captured_at: Moment | None = None
    stored_at: None = None
    lon: float | None = Field(None, strict=True, ge=-180, le=180)
    lat: float | None = Field(None, strict=True, ge=-90, le=90)


class Ask(BaseModel):
    """What a person wants of a case: the type, and the arguments it needs (docs/states.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: CommandType
    reason: str | None = Field(None, max_length=2000)
    note: str | None = Field(None, max_length=2000)
    condition: str | None = Field(None, max_length=200)
    severity: Severity | None = None
    category: str | None = Field(None, max_length=200)
    unit: str | None = Field(None, max_length=200)
    assisting: tuple[Annotated[str, Field(max_length=200)], ...] | None = Field(None, max_length=20)
    level: str | None = Field(None, max_length=64)
    into: CaseName | None = None
    other: CaseName | None = None
    until: Moment | None = None
    rating: Annotated[int, Field(ge=-9, le=9), NUMBER] | None = None
    upheld: bool | None = Field(None, strict=True)
    evidence: tuple[ShownEvidence, ...] = Field((), max_length=50)

    @property
    def cases(self) -> tuple[str, ...]:
        """Other cases that it names."""
        return tuple(each for each in (self.into, self.other) if each is not None)


@dataclass(frozen=True, slots=True)
class Wish:
    """One command of one person; `revision` None: whatever the case is at."""

    case_id: str
    key: str
    ask: Ask
    revision: int | None = None


class Given(BaseModel):
    """What a command came to. `state` None: nobody has answered yet; ask `GET /commands/{command_id}`."""

    command_id: str
    case_id: str
    state: State | None = None
    sequence: int | None = None
    revision: int | None = None


class Journals(Protocol):
    """What is needed of `adapters.journal`."""

    async def write(self, kind: str, person: str, what: dict[str, Any]) -> int:
        """Durable on return; raises TryAgain."""


class Shows(Protocol):
    """What is needed of `console.evidence`; both may wait for SQL."""

    def resolve(self, command: Command, person: Person) -> tuple[Evidence, ...] | str:
        """The command's evidence as the store knows it, or why it is none."""

    def settle(self, command: Command, accepted: bool) -> None:
        """What came of a command whose evidence was resolved."""


@dataclass(frozen=True)
class Ports:
    """What commands go through."""

    view: ConsoleView
    asked: AskedCommands
    answers: Answers
    publisher: Bus
    journal: Journals
    clock: CityClock
    evidence: Shows


@dataclass
class _Row:
    """One wish on its way: refused, or with an outcome, or neither yet; `evidence` as the city's own store knows it."""

    wish: Wish
    asked: Asked
    evidence: tuple[Evidence, ...] = ()
    problem: Problem | None = None
    outcome: Outcome | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be decided."""
        return self.problem is None and self.outcome is None


class Commands:
    """Gives commands for people; one per process."""

    def __init__(self, settings: Settings, city: City, ports: Ports, wait_s: float = WAIT_S) -> None:
        self._topic = settings.named(CASE_COMMANDS.name)
        self._origin = settings.city
        self._city = city
        self._ports = ports
        self.wait_s = wait_s

    async def give(self, person: Person, wishes: Sequence[Wish]) -> list[Given | Problem]:
        """Give them all and wait for what each comes to; answers in the same order. They may be of one case.

        Raises TryAgain and NotReady when nothing was given, or when it is not known: then ask again with the same keys.
        """
        rows = [_row(person, wish) for wish in wishes]
        cases = await self._ports.view.cases_of({name for wish in wishes for name in (wish.case_id, *wish.ask.cases)})
        for row in rows:
            row.problem = _forbidden(person, row.wish, cases)
        await self._remember([row for row in rows if row.is_open])
        await self._show(person, [row for row in rows if row.is_open])
        asked = [row for row in rows if row.is_open]
        if asked:
            await self._publish(person, asked, cases)
            answers = await asyncio.gather(*(self._ports.answers.wait(row.asked.command_id, self.wait_s) for row in asked))
            for row, row.outcome in zip(asked, answers, strict=True):
                row.asked = row.asked.model_copy(update={"outcome": row.outcome})
            await self._ports.asked.keep([row.asked for row in asked if row.outcome is not None])
            await self._settle(person, asked)
        refused = {row.wish.case_id for row in rows if row.outcome is not None and not row.outcome.accepted}
        cases |= await self._ports.view.cases_of(refused)
        return [row.problem or _answer(person, row, cases.get(row.wish.case_id)) for row in rows]

    async def look(self, person: Person, key: str) -> Given | Problem:
        """What came of an earlier command of this person. Raises Problem 404."""
        asked = await self._ports.asked.one(log_id(person, key))
        if asked is None:
            raise not_found("command", key)
        cases = await self._ports.view.cases_of([asked.case_id])
        row = _Row(Wish(asked.case_id, key, Ask(type=CommandType.NOTE)), asked, outcome=asked.outcome)
        return _answer(person, row, cases.get(asked.case_id))

    async def _remember(self, rows: Sequence[_Row]) -> None:
        """Keep what is asked; what was asked before under the same key has its answer, or is refused when it was something else."""
        if not rows:
            return
        for row, before in zip(rows, await self._ports.asked.begin([row.asked for row in rows]), strict=True):
            if before is not None and before.print != row.asked.print:
                detail = f"the key {row.wish.key!r} was used for another command within the last day: give every command a key of its own"
                row.problem = Problem(422, "key_used", "This key was used before", detail)
            elif before is not None:
                row.outcome = before.outcome
        unanswered = [row for row in rows if row.is_open]
        answered = await self._ports.asked.answered([row.asked.command_id for row in unanswered])
        for row in unanswered:
            row.outcome = answered.get(row.asked.command_id)

    async def _show(self, person: Person, rows: Sequence[_Row]) -> None:
        """What the store knows of pictures takes the place of what the client says; a wish whose pictures prove nothing is refused."""
        for row in rows:
            if row.wish.ask.evidence:
                found = await asyncio.to_thread(self._ports.evidence.resolve, _command(person, row), person)
                if isinstance(found, str):
                    reason = f"{row.wish.ask.type}: {found}"
                    row.outcome = Outcome(command_id=row.asked.command_id, accepted=False, reason=reason)
                else:
                    row.evidence = found

    async def _settle(self, person: Person, rows: Sequence[_Row]) -> None:
        for row in rows:
            if row.evidence and row.outcome is not None:
                await asyncio.to_thread(self._ports.evidence.settle, _command(person, row), row.outcome.accepted)

    async def _publish(self, person: Person, rows: Sequence[_Row], cases: dict[str, Case]) -> None:
        told = [
            {"command_id": row.asked.command_id, "case_id": row.wish.case_id, "district": cases[row.wish.case_id].place.district}
            | {"type": row.wish.ask.type}
            for row in rows
        ]
        await asyncio.gather(*(self._ports.journal.write("command", person.id, what) for what in told))
        at = self._ports.clock.now()
        outs = [(row.wish.case_id, encode_command(_command(person, row), at, self._city.code, self._origin)) for row in rows]
        await self._ports.publisher.publish([Out(self._topic, case_id.encode(), value) for case_id, value in outs])


def log_id(person: Person, key: str) -> str:
    """The command's id on the log, at most 200 characters."""
    whole = f"api:{person.id}:{key}"
    return whole if len(whole) <= 200 else f"api:{hashlib.sha256(whole.encode()).hexdigest()}"


def _row(person: Person, wish: Wish) -> _Row:
    said = {**wish.ask.model_dump(mode="json"), "case_id": wish.case_id, "revision": wish.revision}
    digest = hashlib.blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
    return _Row(wish, Asked(command_id=log_id(person, wish.key), case_id=CaseId(wish.case_id), print=digest))


def _command(person: Person, row: _Row) -> Command:
    said = row.wish.ask.model_dump(exclude_unset=True) | ({"evidence": row.evidence} if row.evidence else {})
    head = {"id": row.asked.command_id, "case_id": row.wish.case_id, "actor": actor_of(person), "expected_revision": row.wish.revision}
    return Command.model_validate(said | head)


def _forbidden(person: Person, wish: Wish, cases: dict[str, Case]) -> Problem | None:
    """What needs no closure to say: a case that does not exist for this person, a command that their role never gives."""
    scope = scope_of(person)
    for name in (wish.case_id, *wish.ask.cases):
        case = cases.get(name)
        if case is None or not scope.covers_case(case):
            return not_found("case", name)
    if may_command(person, wish.ask.type):
        return None
    case = cases[wish.case_id]
    allowed = possible(case.state, person.role)
    detail = f"role {person.role} may not {wish.ask.type}; of this case, which is {case.state}, it may: {', '.join(allowed) or 'nothing'}"
    return Problem(403, "not_your_role", "Not for your role", detail, state=case.state, allowed=allowed)


def _answer(person: Person, row: _Row, case: Case | None) -> Given | Problem:
    """What to say of a wish that closure was asked."""
    wish, outcome = row.wish, row.outcome
    if outcome is None:
        return Given(command_id=wish.key, case_id=wish.case_id)
    if outcome.accepted:
        told = {"state": outcome.state, "sequence": outcome.sequence, "revision": outcome.revision}
        return Given.model_validate({"command_id": wish.key, "case_id": wish.case_id, **told})
    reason = outcome.reason or "refused"
    extras: dict[str, object] = {"command_id": wish.key, "case_id": wish.case_id, "reason": reason}
    if case is not None:
        changed = case.changed.model_dump(mode="json") if case.changed else None
        extras |= {"state": case.state, "revision": case.revision, "changed": changed, "allowed": possible(case.state, person.role)}
    return Problem(409, "refused", "The case does not allow this now", reason, **extras)
