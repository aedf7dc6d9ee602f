"""The case: its states, the commands that move it, the facts that tell it, and all that sifting and closure need to go on.

A case is a frozen value; `incidents.steps.closure` returns the next one. Its JSON is the value of `cases.latest` and rides on every fact.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, Field

from incidents.catalogue import Frozen
from incidents.commands import Actor, Evidence, Grounds, Identity, Outcome, Personal, Place, SourceTotal, Statement
from incidents.events import CaseId
from incidents.limits import Clock, Pause
from incidents.vocabulary import Channel, DeadlineKind, FactType, HeldBecause, Role, Severity, State

STOCK_AFTER = timedelta(days=60)


class Deadline(Frozen):
    """One due time of a case; `id` is deterministic, so firing it twice is one command."""

    id: str
    kind: DeadlineKind
    at: AwareDatetime
    level: str | None = None


class Position(Frozen):
    """A record's position, comparable within one topic id and partition."""

    topic_id: str
    partition: int
    offset: int


class Precedent(Frozen):
    """What an arbiter decided when units sent a case back and forth: the rule for the next such case in this place."""

    case_id: CaseId
    category: str
    condition: str | None = None
    district: str | None = None
    unit: str
    assisting: tuple[str, ...] = ()
    by: str
    at: AwareDatetime


class Changed(Frozen):
    """Who moved a case last, and to what: what a person in conflict is told. Sightings are not changes in this sense."""

    fact: FactType
    actor: Actor
    at: AwareDatetime


class Case(Frozen):
    """The whole case after a fact. Forgotten in Redis (and tombstoned in `cases.latest`) when its deadline `forget` fires."""

    case_id: CaseId
    city: str
    origin: str
    sequence: int = 0
    revision: int = Field(default=0, description="moves with every accepted command but `sight`: what people's conflicts compare")
    state: State
    held_because: HeldBecause | None = None
    confirm: int = 1
    verified: bool = False

    category: str
    condition: str | None = None
    channel: Channel
    severity: Severity
    source: str
    report_id: str
    place: Place
    identity: Identity | None = None
    algorithm: str | None = None
    confidence: float | None = None
    description: str | None = None
    attributes: dict[str, Any] | None = None
    evidence: tuple[Evidence, ...] = ()
    statements: tuple[Statement, ...] = ()
    personal: tuple[Personal, ...] = ()
    totals: dict[str, SourceTotal] = Field(default_factory=dict)
    recurs: CaseId | None = None
    series: CaseId | None = None
    suggested: tuple[CaseId, ...] = ()
    refused_duplicates: tuple[CaseId, ...] = ()
    reason: str
    rules: str

    opened_at: AwareDatetime
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    filed_at: AwareDatetime | None = None
    dispatched_at: AwareDatetime | None = None
    accepted_at: AwareDatetime | None = None
    handled_at: AwareDatetime | None = None
    checked_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    ended_as: FactType | None = None  # the fact that ended it: not_filed, not_accepted, not_found and voided are counted apart
    entered_at: AwareDatetime  # when the present state began
    told_at: AwareDatetime | None = None  # the time of its newest fact: no later fact is dated before it

    level: str
    unit: str | None = None
    assisting: tuple[str, ...] = ()
    route: str | None = None
    grounds: Grounds | None = None
    handler: Actor | None = None
    checker: Actor | None = None
    handled_evidence: tuple[Evidence, ...] = ()
    check_evidence: tuple[Evidence, ...] = ()
    owed: tuple[str, ...] = ()  # assisting units that a person gave a part to: all must have done it before the lead has handled
    helped: tuple[Actor, ...] = ()  # who reported an assisting unit's part
    returned_by: tuple[str, ...] = ()
    returns: int = 0
    precedent: Precedent | None = None
    held_ms: dict[str, int] = Field(default_factory=dict)  # time by who held it (incidents.holders), without the present state
    arbitrated: str | None = None  # the unit that the arbiter decided on: the only one it may be dispatched to
    reworks: int = 0
    reopened: int = 0
    extensions: int = 0
    extension_asked: bool = False
    suspensions: int = 0
    suspension_asked: bool = False
    suspended_at: AwareDatetime | None = None
    suspended_until: AwareDatetime | None = None  # while a suspension is asked for: until when
    seen_after_handling: bool = False
    supervised: int = 0
    unanswered: tuple[Actor, ...] = ()  # leaders whose notes nobody has answered yet
    rating: int | None = None
    appealed: bool = False
    appeal_agreed: tuple[Role, ...] = ()
    appeal_upheld: bool | None = None

    clock: Clock | None = None  # the snapshot taken at filing
    pauses: tuple[Pause, ...] = ()  # suspensions of this clock that are over
    limit_ms: int | None = None  # the clock's limit in its own time, a working day being as long as its hours
    due_at: AwareDatetime | None = None
    overdue: bool = False
    overdue_at: AwareDatetime | None = None
    escalated_to: str | None = None
    acknowledged: bool = False
    deadlines: tuple[Deadline, ...] = ()

    merged_into: CaseId | None = None
    merged_from: tuple[CaseId, ...] = ()
    state_before: State | None = None  # of a merged case

    outcomes: tuple[Outcome, ...] = ()  # the last accepted commands: a repeated one returns its first outcome, after a rebuild too
    applied: Position | None = None  # the last record of cases.commands that moved this case
    unfinished: str | None = None  # id of the command whose later facts follow this one: it ends what it began, after a rebuild too
    forgotten: bool = False  # over: kept for an hour in Redis for what is still on its way, tombstoned in cases.latest
    changed: Changed | None = None

    def is_stock(self, at: datetime) -> bool:
        """Whether it has been suspended for more than 60 days: the stock list (DOMAIN.md, 挂账)."""
        return self.state is State.SUSPENDED and self.suspended_at is not None and at - self.suspended_at > STOCK_AFTER

    @property
    def overdue_adjusted(self) -> bool:
        """Overdue after appeals: the raw fact stays in `overdue`."""
        return self.overdue and self.appeal_upheld is not True

    @property
    def count(self) -> int:
        """Sightings told so far, over all sources."""
        return sum(total.count for total in self.totals.values())


class Fact(Frozen):
    """One thing that happened to a case; `case` is the whole case after it."""

    type: FactType
    case_id: CaseId
    sequence: int
    at: AwareDatetime
    actor: Actor
    command_id: str
    note: str | None = None
    reason: str | None = None
    changes: dict[str, Any] = Field(default_factory=dict)
    case: Case


def later(one: datetime, other: datetime | None) -> datetime:
    """The later of two moments, the second of which may be missing."""
    return one if other is None or one > other else other
