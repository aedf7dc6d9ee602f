"""A small city and a desk at which a test gives one command after another to one case."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incidents.case import Case, Fact, Position
from incidents.catalogue import Bounds, Category, City, Condition, DistrictName, Named, Unit
from incidents.commands import Actor, Command, Evidence, Opening, Outcome, Place, SourceTotal, system
from incidents.decision import Decision
from incidents.events import CaseId
from incidents.steps import closure
from incidents.vocabulary import Channel, CommandType, Filing, Role, State

START = datetime(2026, 11, 21, 1, tzinfo=UTC)
CASE = CaseId("QD-20261121-AAAAAAAAAA")
OTHER = CaseId("QD-20261121-BBBBBBBBBB")
PHOTO = (Evidence(sha256="a" * 64),)
NAME = Named(zh="名", en="name")


def category(key: str = "spillage", **changes: Any) -> Category:
    """A lasting thing filed, dispatched and closed by rule, with a limit of four hours."""
    row: dict[str, Any] = {
        "key": key,
        "code": "0114",
        "domain": "roads",
        "name": NAME,
        "nature": "lasting",
        "match": ("place",),
        "radius_m": 50,
        "window": timedelta(hours=2),
        "filing": {channel: Filing.AUTO if channel.is_machine else Filing.VERIFY for channel in Channel},
        "lead": "cleaning",
        "assisting": ("police",),
        "conditions": (
            Condition(key="small", name=NAME, clock="urgent_hour", limit=4),
            Condition(key="large", name=NAME, clock="urgent_hour", limit=1, severity="emergency"),
        ),
        "closing_condition": NAME,
    }
    return Category.model_validate(row | changes)


def city(**changes: Any) -> City:
    """Two districts with cleaning units of their own, police for the whole city."""
    row: dict[str, Any] = {
        "key": "qingdao",
        "code": "QD",
        "name": NAME,
        "time_zone": "Asia/Shanghai",
        "bounds": Bounds(west=119, south=35, east=121, north=37),
        "levels": ("city", "district", "subdistrict"),
        "accept_past": timedelta(hours=1),
        "accept_ahead": timedelta(minutes=5),
        "accuracy_m": {channel: 15 for channel in Channel},
        "districts": (DistrictName(code="1", name=NAME), DistrictName(code="2", name=NAME)),
        "categories": (
            category(),
            category("littering", nature="instant", filing=dict.fromkeys(Channel, Filing.REVIEW)),
            category("building", close="person", dispatch="person"),
        ),
        "units": (
            Unit(key="clean-1", kind="cleaning", name=NAME, level="district", district="1"),
            Unit(key="clean-2", kind="cleaning", name=NAME, level="district", district="2"),
            Unit(key="clean-city", kind="cleaning", name=NAME, level="city"),
            Unit(key="police", kind="police", name=NAME, level="city"),
        ),
        "catalogue_version": "1",
        "rules": "r1",
    }
    return City.model_validate(row | changes)


CITY = city()


def opening(**changes: Any) -> Opening:
    """What a camera in district 1 saw."""
    row: dict[str, Any] = {
        "state": State.REPORTED,
        "category": "spillage",
        "channel": Channel.LOW_VIDEO,
        "severity": "normal",
        "source": "/cameras/1",
        "report_id": "a",
        "time": START,
        "place": Place(lon=120.38, lat=36.06, accuracy_m=15, district="1"),
        "reason": "opened",
        "rules": "r1",
    }
    return Opening.model_validate(row | changes)


def total(count: int = 1, offset: int = 0, after_s: float = 0, **changes: Any) -> SourceTotal:
    """What one source said so far, last seen `after_s` seconds after the start."""
    row: dict[str, Any] = {"topic_id": "t1", "partition": 0, "first": START, "last": START + timedelta(seconds=after_s)}
    return SourceTotal.model_validate(row | {"count": count, "offset": offset} | changes)


def sight(totals: dict[str, SourceTotal] | None = None, **changes: Any) -> Command:
    """Intake's command; by default the camera's first sighting."""
    row: dict[str, Any] = {
        "id": "sight",
        "case_id": CASE,
        "type": CommandType.SIGHT,
        "actor": system("intake"),
        "opening": opening(),
        "totals": totals or {"/cameras/1": total()},
    }
    return Command.model_validate(row | changes)


PEOPLE: dict[Role, Actor] = {role: Actor(id=f"{role}-1", role=role) for role in Role} | {Role.SYSTEM: system("rule")}


class Desk:
    """One case, and a clock that moves one second with every command."""

    def __init__(self, town: City = CITY) -> None:
        self.city = town
        self.case: Case | None = None
        self.facts: list[Fact] = []
        self.offset = 0
        self.now = START

    def take(self, command: Command) -> Decision:
        """Decide this command as the next record."""
        self.offset += 1
        self.now += timedelta(seconds=1)
        decision = closure.decide(self.city, self.case, command, self.now, Position(topic_id="c", partition=0, offset=self.offset))
        self.case = decision.case
        self.facts += decision.facts
        return decision

    def give(self, command: str, role: str | Actor, **arguments: Any) -> Decision:
        """Give a command in a role (units act for the case's unit unless an actor is given)."""
        if isinstance(role, Actor):
            actor = role
        else:
            actor = PEOPLE[Role(role)]
            if actor.role is Role.UNIT:
                actor = actor.model_copy(update={"unit": self.case.unit if self.case else None})
        head = {"id": f"{command}-{self.offset}", "case_id": CASE, "type": command, "actor": actor}
        return self.take(Command.model_validate(head | arguments))

    def wait(self, **duration: float) -> None:
        """Let the city's clock run."""
        self.now += timedelta(**duration)

    @property
    def open(self) -> Case:
        """The case, which there is."""
        assert self.case is not None
        return self.case

    def must(self, command: str, role: str | Actor, **arguments: Any) -> Decision:
        """`give`, and it is accepted."""
        decision = self.give(command, role, **arguments)
        assert outcome(decision).accepted, outcome(decision).reason
        return decision

    def refused(self, command: str, role: str | Actor, **arguments: Any) -> str:
        """`give`, and it is refused without a trace; the reason."""
        before = self.case
        decision = self.give(command, role, **arguments)
        assert not outcome(decision).accepted
        assert not decision.facts
        assert self.case == before
        return str(outcome(decision).reason)


def outcome(decision: Decision) -> Outcome:
    """The outcome, which there is."""
    assert decision.outcome is not None
    return decision.outcome


STEPS: tuple[tuple[State, str, str, dict[str, Any]], ...] = (
    (State.REPORTED, "file", "system", {}),
    (State.FILED, "dispatch", "system", {"unit": "clean-1"}),
    (State.DISPATCHED, "accept", "unit", {}),
    (State.HANDLING, "report_handled", "unit", {"evidence": PHOTO}),
    (State.CHECKING, "pass_check", "checker", {"evidence": PHOTO}),
)


def desk_in(state: State, kind: str = "building", town: City = CITY) -> Desk:
    """A desk whose case has come to this state the usual way ("building" is closed by a person)."""
    desk = Desk(town)
    held = {"state": State.HELD, "held_because": "waiting", "confirm": 3} if state is State.HELD else {}
    desk.take(sight(opening=opening(category=kind, **held)))
    for before, command, role, arguments in STEPS:
        if state in (State.HELD, before, State.VERIFYING, State.NOT_FILED, State.VOID, State.MERGED):
            break
        if before is State.CHECKING and state is State.SUSPENDED:
            break
        if before is State.HANDLING and state is State.SUSPENDED:
            desk.must("request_suspension", "unit")
            desk.must("grant_suspension", "dispatcher")
            break
        desk.must(command, role, **arguments)
    ways: dict[State, tuple[str, str, dict[str, Any]]] = {
        State.VERIFYING: ("verify", "system", {}),
        State.NOT_FILED: ("not_file", "shift_lead", {"reason": "no"}),
        State.VOID: ("void", "shift_lead", {"reason": "no"}),
        State.MERGED: ("merge", "acceptor", {"into": OTHER, "target": {"state": State.REPORTED}}),
        State.CLOSED: ("close", "shift_lead", {}),
    }
    last = ways.get(state)
    if last is not None and desk.open.state is not state:
        desk.must(last[0], last[1], **last[2])
    assert desk.open.state is state
    return desk
