"""The one table of the state machine: which command moves a case from where to where, what it says, who may give it, what it needs.

Read it top to bottom: it is the way of a case (ARCHITECTURE.md §2; roles and guards: DOMAIN.md). `incidents.guards` checks the needs,
`incidents.effects` does what a command does beside moving the state, `incidents.steps.closure` runs both. The documentation is made of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from incidents.vocabulary import OPEN, CommandType, FactType, Role, State


class Goes(StrEnum):
    """Where a command leads when that is no state of its own."""

    STAY = "unchanged"
    BACK = "the state it had"


class Need(StrEnum):
    """What a command needs beyond state and role; the value is its line in the documentation."""

    REASON = "a reason"
    WORDS = "a note"
    EVIDENCE_OR_NOTE = "evidence or a note"
    EVIDENCE_OR_HANDED_ON = "evidence; for instant things a note instead: warned, or handed to whom"
    AFTER_EVIDENCE = "pictures, as far as they say, taken after the dispatch and within the city's distance of the case"
    STORED_EVIDENCE = "pictures of the city's store taken after the dispatch and near; a note for one that says no place"
    OWN_UNIT = "by the unit that the case was dispatched to"
    ALL_PARTS = "by that unit once every part owed is done; an assisting unit's own part is noted and moves nothing"
    OTHER_PARTY = "by another party than who handled it (person and unit, assisting ones too)"
    REPORTER = "a resident only as one who reported it, as far as the case knows them"
    LEVEL_ABOVE = "by an office of a level above the case's (without an office: for the city)"
    ANSWERED = "every leader's note answered"
    CLOSES_BY_RULE = "by rule only where the category closes by itself and nothing was seen after the handling, or when its source says so"
    SOURCE_ENDS_IT = "a category that ends when its source says so (`close = source`)"
    KNOWN_CONDITION = "a filing condition of its category (or none: the first)"
    KNOWN_CATEGORY = "a category of the catalogue"
    KNOWN_UNITS = "units of the city"
    NEVER_RETURNED = "a unit that did not return it"
    NO_DISPUTE = "fewer than two returns, or the unit that the arbiter decided on"
    DISPUTE = "two returns"
    EXTENSIONS_LEFT = "fewer than two granted extensions, a running limit, not overdue"
    ASKED_EXTENSION = "an extension asked for"
    FIRST_SUSPENSION = "no suspension before"
    ASKED_SUSPENSION = "a suspension asked for"
    WITHIN_A_YEAR = "an end within a year (one year where none is named)"
    REOPEN_WINDOW = "within the city's window for reopening"
    RATING = "a rating from 1 to 5"
    FIRST_APPEAL = "no appeal before, by the unit that handled it"
    OPEN_APPEAL = "an appeal without this role's word; says `upheld`"
    ESCALATED = "an escalation, by an office of the level that has it or one above (without an office: for the city)"
    RUNG_LEFT = "a level above"
    OTHER_LEVEL = "another level of the city; after a return only one above"
    PERSON_REPORTED = "a person's report in it"
    TARGET = "into another case that is open and itself no alias"
    OTHER = "another case, for people one of the suggested ones"
    RUNNING_DEADLINE = "the deadline that fired, still running"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: in one of `starts` this command leads `to`, says `fact` (None: nothing), for these roles, if all needs are met."""

    command: CommandType
    starts: frozenset[State]
    to: State | Goes
    fact: FactType | None
    roles: frozenset[Role]
    needs: tuple[Need, ...] = ()


RETURNS_TO_ARBITER = 2

C, F, S, R, N = CommandType, FactType, State, Role, Need
RULE = Role.SYSTEM
ANY = frozenset(State)
BEFORE_CHECKED = OPEN - {S.CHECKED}
PEOPLE = frozenset(Role) - {R.SYSTEM, R.AUDITOR, R.OPS}
DESK = (R.ACCEPTOR, R.SHIFT_LEAD, R.DISPATCHER)
CHECKS = (R.CHECKER, R.COLLECTOR)


Starts = State | Iterable[State]


def _row(command: CommandType, starts: Starts, to: State | Goes, fact: FactType | None, roles: Iterable[Role], *needs: Need) -> Row:
    return Row(command, frozenset([starts] if isinstance(starts, State) else starts), to, fact, frozenset(roles), needs)


# fmt: off
TABLE: tuple[Row, ...] = (
    # seen, held, confirmed
    _row(C.SIGHT, ANY, Goes.STAY, F.SIGHTED, [RULE]),
    _row(C.CONFIRM, S.HELD, S.REPORTED, F.UPDATED, [R.COLLECTOR, R.ACCEPTOR, R.SHIFT_LEAD, RULE]),
    _row(C.EXPIRE, S.HELD, S.NOT_FILED, F.NOT_FILED, [RULE], N.RUNNING_DEADLINE),
    # file 立案
    _row(C.VERIFY, S.REPORTED, S.VERIFYING, F.UPDATED, [R.ACCEPTOR, R.SHIFT_LEAD, RULE]),
    _row(C.FOUND, S.VERIFYING, S.REPORTED, F.VERIFIED, [R.COLLECTOR], N.EVIDENCE_OR_NOTE),
    _row(C.NOT_FOUND, S.VERIFYING, S.NOT_FILED, F.NOT_FOUND, [R.COLLECTOR]),
    _row(C.FILE, S.REPORTED, S.FILED, F.FILED, [R.SHIFT_LEAD, RULE], N.KNOWN_CONDITION),
    _row(C.NOT_FILE, S.REPORTED, S.NOT_FILED, F.NOT_FILED, [R.SHIFT_LEAD], N.REASON),
    _row(C.NOT_ACCEPT, S.REPORTED, S.NOT_FILED, F.NOT_ACCEPTED, [R.ACCEPTOR], N.REASON),
    _row(C.VOID, (S.REPORTED, S.FILED), S.VOID, F.VOIDED, [R.SHIFT_LEAD], N.REASON),
    # dispatch 派遣
    _row(C.DISPATCH, S.FILED, S.DISPATCHED, F.DISPATCHED, [R.DISPATCHER, RULE], N.NO_DISPUTE, N.KNOWN_UNITS, N.NEVER_RETURNED),
    _row(C.ARBITRATE, S.FILED, S.DISPATCHED, F.ARBITRATED, [R.ARBITER], N.DISPUTE, N.KNOWN_UNITS),
    _row(C.ACCEPT, S.DISPATCHED, S.HANDLING, F.ACCEPTED, [R.UNIT], N.OWN_UNIT),
    _row(C.RETURN, (S.DISPATCHED, S.HANDLING), S.FILED, F.RETURNED, [R.UNIT], N.OWN_UNIT, N.REASON),
    # handle 处置
    _row(C.REPORT_HANDLED, S.HANDLING, S.CHECKING, F.HANDLED, [R.UNIT], N.ALL_PARTS, N.EVIDENCE_OR_HANDED_ON, N.STORED_EVIDENCE),
    _row(C.REQUEST_EXTENSION, S.HANDLING, Goes.STAY, F.EXTENSION_REQUESTED, [R.UNIT], N.OWN_UNIT, N.EXTENSIONS_LEFT),
    _row(C.GRANT_EXTENSION, S.HANDLING, Goes.STAY, F.EXTENDED, [R.DISPATCHER], N.ASKED_EXTENSION, N.EXTENSIONS_LEFT),
    _row(C.DENY_EXTENSION, S.HANDLING, Goes.STAY, F.EXTENSION_DENIED, [R.DISPATCHER], N.ASKED_EXTENSION),
    _row(C.REQUEST_SUSPENSION, S.HANDLING, Goes.STAY, F.SUSPENSION_REQUESTED, [R.UNIT], N.OWN_UNIT, N.FIRST_SUSPENSION, N.WITHIN_A_YEAR),
    _row(C.GRANT_SUSPENSION, S.HANDLING, S.SUSPENDED, F.SUSPENDED, [R.DISPATCHER], N.ASKED_SUSPENSION, N.FIRST_SUSPENSION, N.WITHIN_A_YEAR),
    _row(C.DENY_SUSPENSION, S.HANDLING, Goes.STAY, F.SUSPENSION_DENIED, [R.DISPATCHER], N.ASKED_SUSPENSION),
    _row(C.RESUME, S.SUSPENDED, S.HANDLING, F.RESUMED, [R.DISPATCHER, RULE], N.RUNNING_DEADLINE),
    # check 核查 and close 结案
    _row(C.PASS_CHECK, S.CHECKING, S.CHECKED, F.CHECK_PASSED, CHECKS, N.OTHER_PARTY, N.EVIDENCE_OR_HANDED_ON, N.AFTER_EVIDENCE),
    _row(C.FAIL_CHECK, (S.CHECKING, S.CHECKED), S.HANDLING, F.CHECK_FAILED, [*CHECKS, R.SHIFT_LEAD], N.OTHER_PARTY, N.REASON),
    _row(C.CLOSE, S.CHECKED, S.CLOSED, F.CLOSED, [R.SHIFT_LEAD, RULE], N.OTHER_PARTY, N.CLOSES_BY_RULE, N.ANSWERED),
    _row(C.CLOSE, BEFORE_CHECKED, S.CLOSED, F.CLOSED, [RULE], N.SOURCE_ENDS_IT),
    # afterwards
    _row(C.REOPEN, S.CLOSED, S.FILED, F.REOPENED, [R.RESIDENT, R.SHIFT_LEAD], N.REPORTER, N.REASON, N.REOPEN_WINDOW),
    _row(C.REOPEN, (S.NOT_FILED, S.VOID), S.REPORTED, F.REOPENED, [R.RESIDENT, R.SHIFT_LEAD], N.REPORTER, N.REASON),
    _row(C.RATE, S.CLOSED, Goes.STAY, F.RATED, [R.RESIDENT, R.ACCEPTOR], N.REPORTER, N.RATING),
    _row(C.APPEAL, S.CLOSED, Goes.STAY, F.APPEALED, [R.UNIT], N.FIRST_APPEAL),
    _row(C.DECIDE_APPEAL, S.CLOSED, Goes.STAY, F.APPEAL_DECIDED, [R.DISPATCHER, R.ACCEPTOR], N.OPEN_APPEAL),
    _row(C.UNMERGE, S.MERGED, Goes.BACK, F.UNMERGED, DESK),
    _row(C.FORGET, ANY - OPEN, Goes.STAY, None, [RULE], N.RUNNING_DEADLINE),
    # in every open state
    _row(C.SUPERVISE, OPEN, Goes.STAY, F.SUPERVISED, [R.LEADER], N.LEVEL_ABOVE),
    _row(C.NOTE, OPEN, Goes.STAY, F.NOTED, PEOPLE | {RULE}, N.WORDS),
    _row(C.RECATEGORISE, OPEN, Goes.STAY, F.RECATEGORISED, DESK, N.KNOWN_CATEGORY, N.KNOWN_CONDITION),
    _row(C.REMIND, OPEN, Goes.STAY, F.REMINDED, [R.SHIFT_LEAD, R.DISPATCHER, R.LEADER, RULE], N.RUNNING_DEADLINE),
    _row(C.OVERDUE, OPEN, Goes.STAY, F.OVERDUE, [RULE], N.RUNNING_DEADLINE),
    _row(C.ESCALATE, OPEN, Goes.STAY, F.ESCALATED, [R.SHIFT_LEAD, R.DISPATCHER, R.LEADER, RULE], N.RUNNING_DEADLINE, N.RUNG_LEFT),
    _row(C.ACKNOWLEDGE, OPEN, Goes.STAY, F.ACKNOWLEDGED, [R.SHIFT_LEAD, R.DISPATCHER, R.LEADER], N.ESCALATED),
    _row(C.TRANSFER, OPEN, S.FILED, F.TRANSFERRED, [R.SHIFT_LEAD, R.DISPATCHER], N.OTHER_LEVEL),
    _row(C.MERGE, BEFORE_CHECKED, S.MERGED, F.MERGED, DESK, N.TARGET),
    _row(C.WITHDRAW, OPEN, Goes.STAY, F.WITHDRAWN, [R.RESIDENT, R.ACCEPTOR], N.PERSON_REPORTED, N.REPORTER),
    # in every state, on suggestions
    _row(C.CONFIRM_DUPLICATE, ANY, Goes.STAY, F.DUPLICATE_CONFIRMED, [*DESK, RULE], N.OTHER),
    _row(C.REFUSE_DUPLICATE, ANY, Goes.STAY, F.DUPLICATE_REFUSED, [*DESK, RULE], N.OTHER),
)
# fmt: on

BY_COMMAND: dict[CommandType, tuple[Row, ...]] = {command: tuple(row for row in TABLE if row.command is command) for command in CommandType}


def find(command: CommandType, state: State) -> Row | None:
    """The row of this command out of this state, if there is one; there is never more than one."""
    return next((row for row in BY_COMMAND[command] if state in row.starts), None)


def possible(state: State, role: Role) -> tuple[CommandType, ...]:
    """What this role may do in this state, in the table's order: what a console offers and a refusal names."""
    return tuple(row.command for row in TABLE if state in row.starts and role in row.roles)


def as_markdown() -> str:
    """The table as documentation."""
    lines = ["| command | from | to | fact | who | needs |", "|---|---|---|---|---|---|"]
    for row in TABLE:
        needs = "; ".join(need.value for need in row.needs)
        lines.append(
            f"| `{row.command}` | {_states(row.starts)} | {_to(row.to)} | {row.fact or '–'} | {_listed(row.roles, Role)} | {needs} |"
        )
    return "\n".join(lines) + "\n"


def _states(states: frozenset[State]) -> str:
    named = {
        ANY: "every state",
        OPEN: "every open state",
        BEFORE_CHECKED: "every open state before `checked`",
        ANY - OPEN: "every ended state",
    }
    return named.get(states) or _listed(states, State)


def _to(to: State | Goes) -> str:
    return f"`{to}`" if isinstance(to, State) else to.value


def _listed(found: Iterable[StrEnum], kind: type[StrEnum]) -> str:
    wanted = set(found)
    return ", ".join(f"`{each}`" for each in kind if each in wanted)
