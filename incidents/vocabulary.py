"""The closed sets of words: states, roles, commands and facts of a case, and what a catalogue chooses from; one word per thing."""

from enum import StrEnum


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


class DeadlineKind(StrEnum):
    """What happens when a deadline comes due."""

    STAGE = "stage"  # a post holds the case too long: remind
    REMIND = "remind"  # 80 % of the limit
    OVERDUE = "overdue"  # 100 %
    ESCALATE = "escalate"  # one level further up
    RESUME = "resume"  # a suspension ends
    EXPIRE = "expire"  # a held case was never confirmed
    FORGET = "forget"  # an ended case's reopening and recurrence windows are over


class Severity(StrEnum):
    """The one scale, on report and case, most urgent first."""

    EMERGENCY = "emergency"
    MAJOR = "major"
    NORMAL = "normal"
    MINOR = "minor"


class Channel(StrEnum):
    """Where a report comes from: machines first, then people and systems (ARCHITECTURE.md §2)."""

    SATELLITE = "satellite"
    DRONE = "drone"
    HIGH_VIDEO = "high_video"
    LOW_VIDEO = "low_video"
    ALGORITHM = "algorithm"
    IOT = "iot"
    GRID_WORKER = "grid_worker"
    HOTLINE = "hotline"
    APP = "app"
    BUSINESS_DATA = "business_data"

    @property
    def is_machine(self) -> bool:
        """Whether its repeats may be merged without asking a person."""
        return self in MACHINES


MACHINES = frozenset({Channel.SATELLITE, Channel.DRONE, Channel.HIGH_VIDEO, Channel.LOW_VIDEO, Channel.ALGORITHM, Channel.IOT})


class Nature(StrEnum):
    """`lasting` things stay until somebody acts; `instant` ones are over when they are seen."""

    LASTING = "lasting"
    INSTANT = "instant"


class Match(StrEnum):
    """What makes two reports the same incident, tried in the order of the row."""

    PLATE = "plate"
    BUILDING = "building"
    PART = "part"
    PLACE = "place"


class Filing(StrEnum):
    """How a reported case becomes a filed one: by rule, by a person's look, or after verification on site."""

    AUTO = "auto"
    REVIEW = "review"
    VERIFY = "verify"


class By(StrEnum):
    """Whether a step is taken by rule (`auto`) or by a person."""

    AUTO = "auto"
    PERSON = "person"


class Closes(StrEnum):
    """Who ends a case: a rule once the check has passed, a person, or whoever reported it by saying that it is over."""

    AUTO = "auto"
    PERSON = "person"
    SOURCE = "source"


class Grade(StrEnum):
    """The grade of a filing condition."""

    A = "A"
    B = "B"
    C = "C"


class NearestAs(StrEnum):
    """What the nearest fitting unit of a route does."""

    LEAD = "lead"
    ASSISTING = "assisting"


class Days(StrEnum):
    """Days by the city's calendar: make-up workdays are workdays."""

    WORKDAY = "workday"
    RESTDAY = "restday"
