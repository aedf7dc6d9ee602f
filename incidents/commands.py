"""What is asked of a case: the command, who gives it and what it says, what sifting opens a case with, and what came of it."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from incidents.catalogue import Frozen
from incidents.events import CaseId
from incidents.vocabulary import Channel, CommandType, HeldBecause, Match, Role, Severity, State


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


class Outcome(Frozen):
    """What a command came to: the sequence and revision it reached, or the reason why it changed nothing that a person can act on."""

    command_id: str
    accepted: bool
    state: State | None = None
    sequence: int = 0
    revision: int = 0
    reason: str | None = None
