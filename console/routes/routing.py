"""`POST /api/v1/routing:test`: who would get a case, by which rule and why, with which limit, and how it escalates if nobody acts."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from console.access import CanRead
from console.views import View
from console.wire import NUMBER, Moment
from console.world import World
from incidents.commands import Grounds
from incidents.errors import UserError
from incidents.positions import UnitState
from incidents.route_trial import Answer, Expected, Trial, tried
from incidents.vocabulary import Channel, DeadlineKind, Severity

MOST_POSITIONS = 100
WEEK_S = 7 * 86_400
EXAMPLE: dict[str, Any] = {
    "category": "road_spillage",
    "channel": "low_video",
    "lon": 120.3826,
    "lat": 36.0671,
    "at": "2026-11-21T08:15:00+08:00",
}

Key = Annotated[str, Field(min_length=1, max_length=64)]


class Asked(BaseModel):
    """A part of the question: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")


class PositionAsked(Asked):
    """Where a vehicle, drone or crew would be, `age_s` seconds before the case."""

    unit: Key
    lon: float = Field(strict=True, ge=-180, le=180)
    lat: float = Field(strict=True, ge=-90, le=90)
    age_s: Annotated[int, Field(ge=0, le=WEEK_S), NUMBER] = 0
    state: UnitState = UnitState.AVAILABLE


class PrecedentAsked(Asked):
    """What an arbiter would have decided for this category in this district."""

    unit: Key
    assisting: list[Key] = Field(default_factory=list, max_length=MOST_POSITIONS)


class TrialAsked(Asked):
    """A case to try; `at` is now when it is not said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    category: Key
    condition: Key | None = None
    channel: Channel = Channel.LOW_VIDEO
    severity: Severity | None = None
    lon: float = Field(strict=True, ge=-180, le=180)
    lat: float = Field(strict=True, ge=-90, le=90)
    at: Moment | None = None
    part: Key | None = Field(None, description="code of the part, where it is known: its owner may lead")
    positions: list[PositionAsked] = Field(default_factory=list, max_length=MOST_POSITIONS)
    precedent: PrecedentAsked | None = None


class StepView(View):
    """A deadline that fires: when, what, and for an escalation to which level."""

    at: datetime
    what: DeadlineKind
    level: str | None


class RoutingView(View):
    """What the rules do; `unit` is None where a person dispatches, `grounds` says why in both languages."""

    unit: str | None
    assisting: list[str]
    rule: str | None
    grounds: Grounds | None
    condition: str | None
    severity: Severity
    limit: str | None = Field(description="number and clock, as in `4 work_hour`")
    deadline: datetime | None
    escalation: list[StepView]
    rules: str = Field(description="hash of the city's rules that decided")


def router(world: World) -> APIRouter:
    """`/api/v1/routing:test`."""
    area = APIRouter(prefix="/api/v1", tags=["city"])

    @area.post("/routing:test", summary="Try a case against the rules")
    def routing_test(person: CanRead, trial: Annotated[TrialAsked, Body(openapi_examples={"spillage": {"value": EXAMPLE}})]) -> RoutingView:
        """Nothing is written: intake, routing and escalation are computed for one case at one moment, as if nobody acted.

        422 names what the city does not have: a category, condition or unit, or a place outside it.
        """
        return _told(_try(world, trial), world.city.rules)

    return area


def _try(world: World, asked: TrialAsked) -> Answer:
    said = asked.model_dump(exclude_none=True) | {"at": asked.at or world.clock.now()}
    try:
        return tried(world.city, Trial(name="api", expect=Expected(), **said), world.locate)
    except OverflowError:
        raise UserError(f"at: {said['at']:%Y-%m-%d} is too far away to count a limit from it; choose a day of these years") from None


def _told(answer: Answer, rules: str) -> RoutingView:
    return RoutingView.model_validate(answer.model_dump() | {"rules": rules})
