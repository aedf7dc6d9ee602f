"""The case: its states, the commands that move it, the facts that tell it, and all that sifting and closure need to go on.

A case is a frozen value; `incidents.steps.closure` returns the next one. Its JSON is the value of `cases.latest` and rides on every fact.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from incidents.catalogue import Channel, Frozen, Match, Severity
from incidents.events import CaseId
from incidents.limits import Clock, Pause


class State(StrEnum):
    """The states of ARCHITECTURE.md §2."""

    HELD = "held"
    REPORTED = "reported"
    VERIFYING = "verifying"
    FILED = "filed"
    DISPATCHED = "dispatched"
    HANDLING = "handling"
    CHECKING = "checking"
    CHECKED = "checked"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    NOT_FILED = "not_filed"
    VOID = "void"
    MERGED = "merged"


ENDED = frozenset({State.CLOSED, State.NOT_FILED, State.VOID, State.MERGED})
OPEN = frozenset(State) - ENDED
STOCK_AFTER = timedelta(days=60)


class Role(StrEnum):
    """Who acts (DOMAIN.md)."""

    COLLECTOR = "collector"
    ACCEPTOR = "acceptor"
    SHIFT_LEAD = "shift_lead"
    DISPATCHER = "dispatcher"
    UNIT = "unit"
    CHECKER = "checker"
    ARBITER = "arbiter"
    LEADER = "leader"
    AUDITOR = "auditor"
    OPS = "ops"
    RESIDENT = "resident"
    SYSTEM = "system"


class CommandType(StrEnum):
    """Imperatives. `sight` is intake's, `remind overdue resume expire forget` are the clock's; the others are people's and rules'."""

    SIGHT = "sight"
    CONFIRM = "confirm"
    EXPIRE = "expire"
    VERIFY = "verify"
    FOUND = "found"
    NOT_FOUND = "not_found"
    FILE = "file"
    NOT_FILE = "not_file"
    NOT_ACCEPT = "not_accept"
    VOID = "void"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    RETURN = "return"
    REPORT_HANDLED = "report_handled"
    REQUEST_EXTENSION = "request_extension"
    GRANT_EXTENSION = "grant_extension"
    DENY_EXTENSION = "deny_extension"
    REQUEST_SUSPENSION = "request_suspension"
    GRANT_SUSPENSION = "grant_suspension"
    DENY_SUSPENSION = "deny_suspension"
    RESUME = "resume"
    PASS_CHECK = "pass_check"
    FAIL_CHECK = "fail_check"
    CLOSE = "close"
    REOPEN = "reopen"
    RATE = "rate"
    APPEAL = "appeal"
    DECIDE_APPEAL = "decide_appeal"
    SUPERVISE = "supervise"
    NOTE = "note"
    RECATEGORISE = "recategorise"
    REMIND = "remind"
    OVERDUE = "overdue"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    TRANSFER = "transfer"
    ARBITRATE = "arbitrate"
    MERGE = "merge"
    UNMERGE = "unmerge"
    WITHDRAW = "withdraw"
    CONFIRM_DUPLICATE = "confirm_duplicate"
    REFUSE_DUPLICATE = "refuse_duplicate"
    FORGET = "forget"


class FactType(StrEnum):
    """Past tense: what `cases.events` says (ARCHITECTURE.md §2)."""

    OPENED = "opened"
    SIGHTED = "sighted"
    UPDATED = "updated"
    VERIFIED = "verified"
    NOT_FOUND = "not_found"
    FILED = "filed"
    NOT_FILED = "not_filed"
    NOT_ACCEPTED = "not_accepted"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    TRANSFERRED = "transferred"
    ARBITRATED = "arbitrated"
    HANDLED = "handled"
    CHECK_PASSED = "check_passed"
    CHECK_FAILED = "check_failed"
    CLOSED = "closed"
    EXTENSION_REQUESTED = "extension_requested"
    EXTENDED = "extended"
    EXTENSION_DENIED = "extension_denied"
    SUSPENSION_REQUESTED = "suspension_requested"
    SUSPENDED = "suspended"
    SUSPENSION_DENIED = "suspension_denied"
    RESUMED = "resumed"
    SUPERVISED = "supervised"
    REMINDED = "reminded"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    MERGED = "merged"
    UNMERGED = "unmerged"
    DUPLICATE_CONFIRMED = "duplicate_confirmed"
    DUPLICATE_REFUSED = "duplicate_refused"
    VOIDED = "voided"
    REOPENED = "reopened"
    RECATEGORISED = "recategorised"
    RECURRED = "recurred"
    NOTED = "noted"
    RATED = "rated"
    WITHDRAWN = "withdrawn"
    APPEALED = "appealed"
    APPEAL_DECIDED = "appeal_decided"


class HeldBecause(StrEnum):
    """Why a case is shown to nobody's queue (ARCHITECTURE.md §4)."""

    WAITING = "waiting"
    EXPIRED = "expired"
    SHADOW = "shadow"
    STORM = "storm"
    REFUSED_BEFORE = "refused_before"


class Actor(BaseModel):
    """Who gave a command: a person of a unit in a role, or `system`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1, max_length=128)
    role: Role
    unit: str | None = None


def system(stage: str) -> Actor:
    """The rule or machine that acts in a stage's name."""
    return Actor(id=f"system:{stage}", role=Role.SYSTEM)


class Evidence(BaseModel):
    """A picture or recording by address and hash; when and where it was taken (WGS-84 degrees) as far as known.

    With `stored_at` the rest is what the city's store knows, and no word of whoever gave the command.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str | None = None
    sha256: str | None = None
    media_type: str | None = None
    captured_at: AwareDatetime | None = None
    lon: float | None = None
    lat: float | None = None
    stored_at: AwareDatetime | None = Field(None, description="when the city's own store took it; set by the console, never by a client")


class Place(Frozen):
    """Where a case is: WGS-84 degrees and the cells down to the 100 m grid; None where the city's geography does not say."""

    lon: float
    lat: float
    accuracy_m: int
    known: bool = True  # False: a default geocode, never matched by place
    address: str | None = None
    district: str | None = None
    subdistrict: str | None = None
    community: str | None = None
    grid: str | None = None


class Identity(Frozen):
    """What names the thing itself: a plate, a building or a part, plain or the `match` of a sealed value."""

    kind: Match
    value: str


class SourceTotal(Frozen):
    """All that one source said of a case so far, absolute, so that saying it twice is harmless; `offset` orders it."""

    count: int = Field(ge=1)
    first: AwareDatetime
    last: AwareDatetime
    topic_id: str
    partition: int
    offset: int


class Statement(Frozen):
    """A person's own words, kept beside the case with their own right to an answer."""

    source: str
    id: str
    time: AwareDatetime
    channel: Channel
    description: str | None = None
    reporter: dict[str, Any] | None = None
    external: dict[str, Any] | None = None


class Personal(Frozen):
    """The sealed values of one report that are no reporter's: `plate`, `building.unit`, `building.floor` (ARCHITECTURE.md §2)."""

    source: str
    id: str
    values: dict[str, dict[str, str]]


class Opening(Frozen):
    """What is needed to open a case: told by intake with every `sight`, so that a lost first one costs nothing."""

    state: State
    held_because: HeldBecause | None = None
    confirm: int = 1
    category: str
    condition: str | None = None
    channel: Channel
    severity: Severity
    source: str
    report_id: str
    time: AwareDatetime
    place: Place
    identity: Identity | None = None
    algorithm: str | None = None
    confidence: float | None = None
    description: str | None = None
    evidence: tuple[Evidence, ...] = ()
    statement: Statement | None = None
    personal: Personal | None = None
    attributes: dict[str, Any] | None = None
    recurs: CaseId | None = None
    series: CaseId | None = None
    suggested: tuple[CaseId, ...] = ()
    reason: str
    rules: str
    appended_ms: int | None = Field(None, description="when Kafka took the report, real ms since 1970: latency is measured from it")


class Target(Frozen):
    """What the case that shall take in another one was when closure first read the merge (None: unknown), and whether the store
    set the alias: only for an open target that is no alias itself, and not while the case is being merged elsewhere.

    Closure writes it into the command and sends itself the command again, so that a merge is decided from one record and one case,
    and a replay decides the same although the other case has moved on meanwhile.
    """

    state: State | None
    granted: bool = True


class Grounds(Frozen):
    """Why a rule dispatched as it did: its id (parts joined by `+`), the reason in both languages, and of the nearest unit what it said."""

    rule: str
    zh: str
    en: str
    nearest: str | None = Field(default=None, description="key of the vehicle, drone or crew that was chosen by its position")
    distance_m: int | None = None
    age_s: int | None = Field(default=None, description="how old its position was")


class Command(BaseModel):
    """What somebody or a rule wants of a case; the `data` of a record on `cases.commands`. Arguments are flat beside the head."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1, max_length=200, description="idempotency key")
    case_id: CaseId
    type: CommandType
    actor: Actor
    expected_sequence: int | None = None
    expected_revision: int | None = None
    reason: str | None = None
    note: str | None = None
    condition: str | None = None
    severity: Severity | None = None
    category: str | None = None
    unit: str | None = None
    assisting: tuple[str, ...] | None = None
    level: str | None = None
    into: CaseId | None = None
    until: AwareDatetime | None = None
    rating: int | None = None
    other: CaseId | None = None
    upheld: bool | None = Field(default=None, description="decide_appeal: whether this role agrees")
    target: Target | None = Field(default=None, description="merge: what `into` was when closure first read the command")
    evidence: tuple[Evidence, ...] = ()
    deadline: str | None = Field(default=None, description="id of the deadline that fired (clock's commands)")
    rule: str | None = Field(default=None, description="which rule decided, where one did")
    grounds: Grounds | None = Field(default=None, description="dispatch by rule: why")
    opening: Opening | None = Field(default=None, description="sight only")
    totals: dict[str, SourceTotal] = Field(default_factory=dict, description="sight only: absolute, per source")
    seen_evidence: tuple[Evidence, ...] = ()
    statements: tuple[Statement, ...] = ()
    personal: tuple[Personal, ...] = Field(default=(), description="sight only")


class DeadlineKind(StrEnum):
    """What happens when a deadline comes due."""

    STAGE = "stage"  # a post holds the case too long: remind
    REMIND = "remind"  # 80 % of the limit
    OVERDUE = "overdue"  # 100 %
    ESCALATE = "escalate"  # one level further up
    RESUME = "resume"  # a suspension ends
    EXPIRE = "expire"  # a held case was never confirmed
    FORGET = "forget"  # an ended case's reopening and recurrence windows are over


class Deadline(Frozen):
    """One due time of a case; `id` is deterministic, so firing it twice is one command."""

    id: str
    kind: DeadlineKind
    at: AwareDatetime
    level: str | None = None


class Outcome(Frozen):
    """What a command came to: the sequence and revision it reached, or the reason why it changed nothing that a person can act on."""

    command_id: str
    accepted: bool
    state: State | None = None
    sequence: int = 0
    revision: int = 0
    reason: str | None = None


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
