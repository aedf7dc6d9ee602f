"""The evaluation sheet of a case: what its facts come to, kept small. Figures are counted from sheets and from nothing else.

`Sheet.take` is the one fold: the running projection (streams/evaluation.py) and the recomputation from `cases.events`
(adapters/recount.py) both go through it, so that they cannot differ. It reads a fact as parsed JSON: a month has four millions of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from incidents.catalogue import StageLimits
from incidents.clocks import RUNNING
from incidents.transitions import RETURNS_TO_ARBITER
from incidents.vocabulary import FactType, Role, State

Event = Mapping[str, Any]

SAID = {fact.value: 1 << at for at, fact in enumerate(FactType)}
"""One bit per kind of fact; sheets are kept for long, so a new kind of fact is appended to the enumeration or the sheets are made anew."""

NO_FACT = (ValueError, KeyError, TypeError, IndexError, AttributeError)
"""What `Sheet.take` raises for something that has not the shape of a fact."""
REFUSALS = frozenset({FactType.NOT_FOUND, FactType.NOT_FILED, FactType.NOT_ACCEPTED})
DISPUTE = "dispute"
"""The stage of a filed case that waits for the arbiter and not for the dispatcher."""
STAGES = (State.REPORTED, State.VERIFYING, State.FILED, DISPUTE, State.DISPATCHED, State.CHECKING, State.CHECKED)
"""Where a post holds the case for a limited time."""
STAGE_BIT: dict[str, int] = {stage: 1 << at for at, stage in enumerate(STAGES)}


def stage_limits(stages: StageLimits) -> dict[str, int]:
    """Milliseconds that a post may hold a case, by state; a stage that is switched off is missing (DOMAIN.md, stage limits)."""
    limits = {
        State.REPORTED: stages.accept,
        State.VERIFYING: stages.verify,
        State.FILED: stages.dispatch,
        DISPUTE: stages.arbitrate,
        State.DISPATCHED: stages.accept,
        State.CHECKING: stages.check,
        State.CHECKED: stages.close,
    }
    return {str(stage): limit // timedelta(milliseconds=1) for stage, limit in limits.items() if limit is not None}


@lru_cache(maxsize=10_000)
def moment_ms(text: str) -> int:
    """Milliseconds since 1970 UTC of an RFC 3339 moment. The facts of a case repeat its moments.

    >>> moment_ms("2026-11-21T08:00:00.250+08:00")
    1795219200250
    """
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _ms(text: str | None) -> int | None:
    return None if text is None else moment_ms(text)


@dataclass(slots=True)
class Sheet:
    """One case as the evaluation sees it, after the fact `sequence`; moments are milliseconds since 1970 UTC.

    What belongs to a clock (`came_due_ms`, `due_unit`, `first_unit`, `round_said`) begins anew when a closed case is reopened.
    """

    case_id: str
    sequence: int = 0
    state: str = ""
    said: int = 0
    round_said: int = 0
    lifted: bool = False  # it has been in somebody's queue; before, it is a machine's sighting that is held
    refusal: str | None = None
    opened_ms: int = 0
    entered_ms: int = 0
    filed_ms: int | None = None
    due_ms: int | None = None
    handled_ms: int | None = None
    ended_ms: int | None = None
    suspended_ms: int | None = None
    came_due_ms: int | None = None  # the limit was over before the handling: sticky, whatever moves the deadline afterwards
    due_unit: str | None = None  # who held it at that moment
    unit: str | None = None
    first_unit: str | None = None
    changed: bool = False  # it left the unit that it was dispatched to first
    returns: int = 0
    disputed: bool = False
    reworks: int = 0
    stages: int = 0
    late: int = 0
    by_rule: bool = False  # closed by rule
    recurs: bool = False
    rating: int | None = None
    upheld: bool = False
    leader_noted: bool = False
    unanswered: bool = False  # a leader's note waits for an answer
    category: str = ""
    condition: str | None = None
    channel: str = ""
    severity: str = ""
    level: str = ""
    district: str | None = None
    subdistrict: str | None = None
    community: str | None = None
    grid: str | None = None
    lon: float = 0.0
    lat: float = 0.0

    def has(self, fact: FactType, *, now: bool = False) -> bool:
        """Whether this was ever said of the case; `now`: since its present clock began."""
        return bool((self.round_said if now else self.said) & SAID[fact])

    @property
    def stage(self) -> str:
        """Its state, but `DISPUTE` while the arbiter has it: a key of the stage limits where these know it."""
        return DISPUTE if self.state == State.FILED and self.disputed else self.state

    @property
    def answerable(self) -> str | None:
        """The unit whose figure it is: who held it when the limit ended, else who holds it or handled it.

        Returning an overdue case does not move it to somebody else's figures; what came due while no unit had it counts to the next one.
        """
        return self.due_unit or self.unit

    def take(self, event: Event, limits: Mapping[str, int]) -> bool:
        """Fold in one fact; False when it was known. `limits` are those of the stages.

        Raises one of `NO_FACT`, before anything has changed, when it has not the shape of a fact.
        """
        data = event["data"]
        sequence = int(data["sequence"])
        if sequence <= self.sequence:
            return False
        kind, at, role = event["type"].split(".")[2], moment_ms(data["at"]), data["actor"]["role"]
        after = _read(data["case"])
        self._until(at)
        self._leave_stage(kind, after[0], at, limits)
        self._say(kind, role)
        self._copy(after)
        self._dispatched(kind)
        self.sequence = sequence
        return True

    def _until(self, at: int) -> None:
        """The limit may have ended since the fact before."""
        if self.due_ms is not None and self.due_ms < at and self.came_due_ms is None and self.state in RUNNING:
            self.came_due_ms, self.due_unit = self.due_ms, self.unit

    def _leave_stage(self, kind: str, state: str, at: int, limits: Mapping[str, int]) -> None:
        if state == self.state and kind != FactType.TRANSFERRED:
            return
        limit = limits.get(self.stage)
        if limit is not None:
            self.stages |= STAGE_BIT[self.stage]
            if at - self.entered_ms > limit:
                self.late |= STAGE_BIT[self.stage]
        self.entered_ms = at

    def _say(self, kind: str, role: str) -> None:
        bit = SAID.get(kind, 0)
        if kind == FactType.REOPENED:
            self.round_said = 0
            self.came_due_ms = self.due_unit = self.first_unit = None
        self.said |= bit
        self.round_said |= bit
        if kind in REFUSALS:
            self.refusal = kind
        elif kind == FactType.RETURNED:
            self.returns += 1
        elif kind == FactType.CHECK_FAILED:
            self.reworks += 1
        elif kind == FactType.NOTED:
            self.leader_noted |= role == Role.LEADER
        elif kind == FactType.CLOSED:
            self.by_rule = role == Role.SYSTEM

    def _copy(self, after: tuple[Any, ...]) -> None:
        (
            self.state,
            self.opened_ms,
            self.filed_ms,
            self.due_ms,
            self.handled_ms,
            self.ended_ms,
            self.suspended_ms,
            self.unit,
            self.level,
            self.recurs,
            self.rating,
            self.upheld,
            self.unanswered,
            self.disputed,
            self.category,
            self.condition,
            self.channel,
            self.severity,
            self.district,
            self.subdistrict,
            self.community,
            self.grid,
            self.lon,
            self.lat,
        ) = after
        refused = self.state == State.NOT_FILED
        self.lifted = self.lifted or not (refused or self.state in (State.HELD, State.MERGED))

    def _dispatched(self, kind: str) -> None:
        """A later change of unit makes the first dispatch an inaccurate one; so does a return, whoever gets it next."""
        if kind in (FactType.RETURNED, FactType.TRANSFERRED):
            self.changed |= self.first_unit is not None
        elif self.unit is not None:
            self.first_unit = self.first_unit or self.unit
            self.changed |= self.unit != self.first_unit


def _read(case: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the case itself says after a fact, in the order of `Sheet._copy`."""
    place, state = case["place"], case["state"]
    return (
        state,
        moment_ms(case["opened_at"]),
        _ms(case["filed_at"]),
        _ms(case["due_at"]),
        _ms(case["handled_at"]) if state not in RUNNING else None,  # else an assisting unit's part is still owed
        _ms(case["ended_at"]),
        _ms(case["suspended_at"]) if state == State.SUSPENDED else None,
        case["unit"],
        case["level"],
        case["recurs"] is not None,
        case["rating"],
        case["appeal_upheld"] is True,
        bool(case["unanswered"]),
        len(case["returned_by"]) >= RETURNS_TO_ARBITER and case["arbitrated"] is None,
        case["category"],
        case["condition"],
        case["channel"],
        case["severity"],
        place["district"],
        place["subdistrict"],
        place["community"],
        place["grid"],
        place["lon"],
        place["lat"],
    )
