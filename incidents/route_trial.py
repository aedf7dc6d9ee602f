"""A case tried against the rules without a server: who gets it, by which rule, with which limit, and how it escalates if nobody acts.

Pure: the real intake of a case (closure), the real routing and the real escalation, one after another at one moment. The command line
holds it against what a file expects (`cityloop routes test`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from incidents.case import Case, Deadline, Position, Precedent
from incidents.catalogue import City, Frozen
from incidents.commands import Command, Grounds, Identity, Opening, Place, SourceTotal, system
from incidents.errors import UserError
from incidents.events import CaseId
from incidents.places import Locate, inside
from incidents.positions import UnitPosition, UnitState
from incidents.route_choice import Known, precedent_key
from incidents.steps import closure, escalation, routing
from incidents.vocabulary import Channel, CommandType, DeadlineKind, FactType, Match, Severity, State

CASE_ID = CaseId("TRIAL")
PRESSING = (DeadlineKind.REMIND, DeadlineKind.OVERDUE, DeadlineKind.ESCALATE)
MOST_STEPS = 100
FROM_REPORT = ("category", "condition", "channel", "severity")


class TriedPosition(Frozen):
    """Where a unit was, `age_s` seconds before the case."""

    unit: str
    lon: float
    lat: float
    age_s: int = 0
    state: UnitState = UnitState.AVAILABLE


class TriedPrecedent(Frozen):
    """What an arbiter decided for this category in this district."""

    unit: str
    assisting: tuple[str, ...] = ()


class Step(Frozen):
    """A deadline that fires: when, what, and for an escalation to which level."""

    at: datetime
    what: DeadlineKind
    level: str | None = None


class Expected(Frozen):
    """What a file says of the answer; what it does not name is not compared."""

    unit: str | None = None
    assisting: tuple[str, ...] | None = None
    rule: str | None = None
    condition: str | None = None
    severity: Severity | None = None
    limit: Annotated[str, Field(pattern=r"^\d+(\.\d+)? [a-z_]+$")] | None = None
    deadline: datetime | None = None
    escalation: tuple[Step, ...] | None = None


class Trial(Frozen):
    """One case of a file. Times without an offset are the city's; a `report` (CloudEvent) stands for the fields that it has."""

    name: str
    at: datetime
    category: str
    condition: str | None = None
    channel: Channel = Channel.LOW_VIDEO
    severity: Severity | None = None
    lon: float
    lat: float
    part: str | None = None
    positions: tuple[TriedPosition, ...] = ()
    precedent: TriedPrecedent | None = None
    expect: Expected

    @model_validator(mode="before")
    @classmethod
    def _of_a_report(cls, row: Any) -> Any:
        if not isinstance(row, dict) or "report" not in row:
            return row
        report = row["report"]
        data = report.get("data", {}) if isinstance(report, dict) else {}
        place = data.get("location") or {}
        said = {name: data[name] for name in FROM_REPORT if data.get(name) is not None}
        said |= {name: place[name] for name in ("lon", "lat") if name in place}
        said |= {"at": report["time"]} if isinstance(report, dict) and "time" in report else {}
        said |= {"part": data["part_id"]} if data.get("part_id") else {}
        return said | {name: value for name, value in row.items() if name != "report"}


class Answer(Frozen):
    """What the rules do with a trial; `unit` is None where a person dispatches."""

    unit: str | None
    assisting: tuple[str, ...]
    rule: str | None
    grounds: Grounds | None
    condition: str | None
    severity: Severity
    limit: str | None
    deadline: datetime | None
    escalation: tuple[Step, ...]


def tried(city: City, trial: Trial, locate: Locate) -> Answer:
    """The answer of the rules. Raises UserError when it names what is not there, or lies outside the city."""
    *_, case = _begun(city, trial, locate)
    clock = case.clock
    return Answer(
        unit=case.unit,
        assisting=case.assisting,
        rule=case.route,
        grounds=case.grounds,
        condition=case.condition,
        severity=case.severity,
        limit=f"{clock.limit:g} {clock.kind}" if clock else None,
        deadline=case.due_at,
        escalation=tuple(
            Step(at=deadline.at, what=deadline.kind, level=deadline.level)
            for deadline, _ in _left_alone(city, case)
            if deadline.kind in PRESSING
        ),
    )


def lived(city: City, trial: Trial, locate: Locate) -> Iterator[tuple[datetime, Case]]:
    """The case at its filing, after its dispatch, and after every deadline when nobody does anything. Raises UserError as `tried`."""
    begun = list(_begun(city, trial, locate))
    yield from ((moment(city, trial.at), case) for case in begun)
    yield from ((deadline.at, case) for deadline, case in _left_alone(city, begun[-1]))


def _begun(city: City, trial: Trial, locate: Locate) -> Iterator[Case]:
    """Filed, and dispatched where a rule does that."""
    _check(city, trial)
    at = moment(city, trial.at)
    case = _run(city, None, _sight(city, trial, locate, at), at)
    file = {"type": CommandType.FILE, "condition": trial.condition, "severity": trial.severity}
    case = _run(city, case, _command(file), at)
    yield case
    for command in routing.decide(city, case, FactType.FILED, _known(city, trial, case, at)):
        case = _run(city, case, command, at)
        yield case


def differences(city: City, expected: Expected, answer: Answer) -> Iterator[tuple[str, Any, Any]]:
    """What is otherwise than expected: field, expected, found."""
    for name in expected.model_fields_set:
        wanted, found = getattr(expected, name), getattr(answer, name)
        if name == "deadline" and wanted is not None:
            wanted = moment(city, wanted)
        if name == "escalation" and wanted is not None:
            wanted = tuple(step.model_copy(update={"at": moment(city, step.at)}) for step in wanted)
        if wanted != found:
            yield name, wanted, found


def moment(city: City, at: datetime) -> datetime:
    """A time as a file says it: without an offset it is the city's."""
    return at if at.tzinfo else at.replace(tzinfo=city.worktime.zone)


def _check(city: City, trial: Trial) -> None:
    category = city.catalogue.get(trial.category)
    if category is None:
        raise UserError(f"unknown category {trial.category!r}")
    if trial.condition is not None and trial.condition not in [condition.key for condition in category.conditions]:
        raise UserError(f"{trial.category} has no condition {trial.condition!r}")
    if not inside(city.bounds, trial.lon, trial.lat):
        raise UserError(f"{trial.lon}, {trial.lat} lies outside {city.key}")
    for unit in [position.unit for position in trial.positions] + ([trial.precedent.unit] if trial.precedent else []):
        if unit not in city.unit_by_key:
            raise UserError(f"unknown unit {unit!r}")


def _sight(city: City, trial: Trial, locate: Locate, at: datetime) -> Command:
    cells = locate(trial.lon, trial.lat)._asdict()
    opening = Opening(
        state=State.REPORTED,
        category=trial.category,
        condition=trial.condition,
        channel=trial.channel,
        severity=trial.severity or city.catalogue[trial.category].severity,
        source="/trial",
        report_id=trial.name,
        time=at,
        place=Place(lon=trial.lon, lat=trial.lat, accuracy_m=city.accuracy_m[trial.channel], **cells),
        identity=Identity(kind=Match.PART, value=trial.part) if trial.part else None,
        reason="opened",
        rules=city.rules,
    )
    totals = {"/trial": SourceTotal(count=1, first=at, last=at, topic_id="trial", partition=0, offset=0)}
    return _command({"type": CommandType.SIGHT, "opening": opening, "totals": totals})


def _known(city: City, trial: Trial, case: Case, at: datetime) -> Known:
    positions = tuple(
        UnitPosition(unit=each.unit, state=each.state, at=at - timedelta(seconds=each.age_s), lon=each.lon, lat=each.lat)
        for each in trial.positions
    )
    if trial.precedent is None:
        return Known(positions=positions)
    row = {"category": case.category, "district": case.place.district, **trial.precedent.model_dump()}
    precedent = Precedent(case_id=CASE_ID, by="arbiter", at=at, **row)
    return Known({precedent_key(precedent.category, precedent.district): precedent}, positions)


def _left_alone(city: City, case: Case) -> Iterator[tuple[Deadline, Case]]:
    """What fires, in order, when nobody does anything, and the case after it."""
    for _ in range(MOST_STEPS):
        if not case.deadlines:
            return
        deadline = case.deadlines[0]
        case = _run(city, case, escalation.fired(case.case_id, deadline), deadline.at)
        yield deadline, case


def _command(arguments: Mapping[str, Any]) -> Command:
    head = {"id": f"trial:{arguments['type']}", "case_id": CASE_ID, "actor": system("trial")}
    return Command.model_validate({**head, **arguments})


def _run(city: City, case: Case | None, command: Command, at: datetime) -> Case:
    offset = case.applied.offset + 1 if case and case.applied else 0
    decision = closure.decide(city, case, command, at, Position(topic_id="trial", partition=0, offset=offset))
    if decision.case is None or (decision.outcome is not None and not decision.outcome.accepted):
        raise UserError(decision.outcome.reason if decision.outcome and decision.outcome.reason else f"{command.type} was refused")
    return decision.case
