"""What may be asked of lists of cases, as conditions on the case tables: filters, tabs and orders."""

import re
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true

from adapters.case_rows import PER_MS
from adapters.case_tables import CASES, INVOLVED
from incidents.catalogue import Frozen
from incidents.clocks import RUNNING
from incidents.events import epoch_ms
from incidents.rights import Scope
from incidents.vocabulary import ENDED, Channel, HeldBecause, Severity, State

Condition = ColumnElement[bool]
Bbox = tuple[float, float, float, float]
"""West, south, east, north, in WGS-84 degrees."""

_CASE_ID = re.compile(r"[A-Z0-9]+-\d{8}-[0-9A-Z]+")


class Tab(StrEnum):
    """The queues of the operations page: who must act next."""

    TO_FILE = "to_file"
    TO_VERIFY = "to_verify"
    TO_DISPATCH = "to_dispatch"
    TO_ACCEPT = "to_accept"
    HANDLING = "handling"
    TO_CHECK = "to_check"
    TO_CLOSE = "to_close"
    OVERDUE = "overdue"


TAB_STATES: dict[Tab, tuple[State, ...]] = {
    Tab.TO_FILE: (State.REPORTED,),
    Tab.TO_VERIFY: (State.VERIFYING,),
    Tab.TO_DISPATCH: (State.FILED,),
    Tab.TO_ACCEPT: (State.DISPATCHED,),
    Tab.HANDLING: (State.HANDLING, State.SUSPENDED),
    Tab.TO_CHECK: (State.CHECKING,),
    Tab.TO_CLOSE: (State.CHECKED,),
}
CONFIRMABLE = frozenset({HeldBecause.WAITING, HeldBecause.STORM, HeldBecause.REFUSED_BEFORE})
"""Held cases that a person may lift stand in `to_file`; what an algorithm on trial saw, and what nobody confirmed in time, does not."""


class Filter(Frozen):
    """All that is given must hold; of several values of one filter any. `since` and `until` (exclusive) are of the moment of opening.

    `q` is described in `case_words`.
    """

    status: tuple[State, ...] = ()
    tab: Tab | None = None
    district: str | tuple[str, ...] | None = None
    category: str | tuple[str, ...] | None = None
    unit: str | tuple[str, ...] | None = None
    grid: str | tuple[str, ...] | None = None
    severity: Severity | tuple[Severity, ...] | None = None
    channel: Channel | tuple[Channel, ...] | None = None
    id: tuple[str, ...] = ()
    overdue: bool | None = None
    bbox: Bbox | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None

    @property
    def case_id(self) -> str | None:
        """The case that `q` names by its whole number."""
        q = (self.q or "").strip().upper()
        return q if _CASE_ID.fullmatch(q) else None

    @property
    def words(self) -> str | None:
        """What `q` searches otherwise."""
        return None if self.case_id else (self.q or "").strip() or None

    @property
    def numbers(self) -> tuple[int, int]:
        """`since` and `until` as numbers of cases; 0 for none."""
        begin, end = (0 if each is None else epoch_ms(each) * PER_MS for each in (self.since, self.until))
        return begin, end

    @property
    def open_only(self) -> bool:
        """Whether no ended case can match."""
        return self.tab is not None or self.overdue is True or bool(self.status and ENDED.isdisjoint(self.status))


EVERY_CASE = Filter()
C = CASES.c


def seen_by(scope: Scope) -> list[Condition]:
    """The cases that exist for a person: THE place where rights become SQL."""
    seen: list[Condition] = []
    if scope.districts is not None:
        seen.append(C.district.in_(scope.districts))
    if scope.subdistricts is not None:
        seen.append(C.subdistrict.in_(scope.subdistricts))
    if scope.unit is not None:
        involved = select(INVOLVED.c.number).where(INVOLVED.c.unit.in_(scope.units), INVOLVED.c.number == C.number)
        seen.append(exists(involved.correlate(CASES).offset(0)))  # a fence: never a join with all of a unit's
    return seen


def conditions(wanted: Filter, now: datetime, only_open: bool) -> list[Condition]:
    """The filter as conditions on `cases`, but `q`, and the time, which `in_time` says of any column."""
    equal = ("district", "category", "unit", "grid", "severity", "channel")
    found: list[Condition] = [_any_of(C[name], value) for name in equal if (value := getattr(wanted, name))]
    if wanted.id:
        found.append(C.case_id.in_(wanted.id))
    if only_open:
        found.append(C.is_open)
    if wanted.status:
        found.append(C.state.in_(wanted.status))
    if wanted.tab is not None:
        found.append(_tab(wanted.tab, now))
    if wanted.overdue is not None:
        found.append(overdue(now) if wanted.overdue else ~overdue(now))
    if wanted.bbox is not None:
        found += in_box(wanted.bbox)
    if wanted.case_id is not None:
        found.append(C.case_id == wanted.case_id)
    return found


def _any_of(found: ColumnElement[str], value: str | tuple[str, ...]) -> Condition:
    return found == value if isinstance(value, str) else found.in_(value)


def overdue(now: datetime) -> Condition:
    """Overdue by the last fact, or by the clock since: the fact comes a moment later, and none comes where escalation is switched off."""
    late = and_(C.state.in_(sorted(RUNNING)), C.due_ms <= epoch_ms(now))
    return and_(C.is_open, or_(C.overdue.is_(true()), func.coalesce(late, false())))


def in_time(wanted: Filter, number: ColumnElement[int]) -> list[Condition]:
    """`since` and `until` as conditions on the column that a number is read from."""
    begin, end = wanted.numbers
    return ([number >= begin] if begin else []) + ([number < end] if end else [])


def in_box(bbox: Bbox) -> list[Condition]:
    """The points of a box."""
    west, south, east, north = bbox
    return [C.lon.between(west, east), C.lat.between(south, north)]


def _tab(tab: Tab, now: datetime) -> Condition:
    if tab is Tab.OVERDUE:
        return overdue(now)
    states: Condition = C.state.in_(TAB_STATES[tab])
    if tab is Tab.TO_FILE:
        states = or_(states, and_(C.state == State.HELD, C.held_because.in_(sorted(CONFIRMABLE))))
    return states
