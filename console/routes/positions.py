"""Where vehicles, drones and crews are: told by themselves, seen by whoever sees the unit."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from adapters.bus import Out
from config.topics import UNIT_POSITIONS
from console.access import CanPosition, CanRead
from console.problems import Problem, invalid, not_found
from console.wire import Moment
from console.world import World
from incidents.case import Case
from incidents.catalogue import Unit
from incidents.errors import BadReport
from incidents.events import CaseId
from incidents.geography import Datum
from incidents.places import to_wgs84
from incidents.positions import UnitPosition, UnitState, decode_position, encode_position
from incidents.rights import Person, Scope, scope_of
from incidents.vocabulary import Role

Name = Annotated[str, Path(min_length=1, max_length=128)]


class Told(BaseModel):
    """Where a unit is, and what it does."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"lon": 120.38, "lat": 36.07, "state": "available", "at": "2026-11-21T00:15:02Z"}]}
    )

    lon: float = Field(strict=True, ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(strict=True, ge=-90, le=90, allow_inf_nan=False)
    datum: Datum = Datum.WGS84
    state: UnitState = UnitState.AVAILABLE
    at: Moment | None = Field(None, description="now, where it is not said")
    case_id: str | None = Field(None, max_length=64, description="the case it is busy with")


class Positions(BaseModel):
    """The latest of each unit of the last day."""

    positions: list[UnitPosition]


def router(world: World) -> APIRouter:
    """`/api/v1/units/{unit}/position`, `/api/v1/units/positions`."""
    area = APIRouter(prefix="/api/v1", tags=["units"])

    @area.post("/units/{unit}/position", status_code=202, summary="Say where a unit is")
    async def tell_position(unit: Name, told: Told, person: CanPosition) -> UnitPosition:
        """Where this unit is now; 202: durable. A person speaks for their own unit and those below it, a machine's token for any."""
        if unit not in world.city.unit_by_key or not _speaks_for(person, unit):
            raise not_found("unit", unit)
        position = _position(world, unit, told)
        value = encode_position(position, world.city)
        await world.publisher.publish([Out(world.settings.named(UNIT_POSITIONS.name), unit.encode(), value)])
        return position

    @area.get("/units/positions", summary="Where the units are")
    async def positions(person: CanRead) -> Positions:
        """Where the units of the person's scope are; a case that is none of theirs is not named."""
        scope = scope_of(person)
        there = [each for each in await world.hub.view.positions() if _is_seen(scope, world.city.unit_by_key.get(each.unit))]
        cases = await world.hub.view.cases_of({each.case_id for each in there if each.case_id})
        return Positions(positions=[_shown(scope, each, cases) for each in sorted(there, key=lambda each: each.unit)])

    return area


def _position(world: World, unit: str, told: Told) -> UnitPosition:
    """Checked as the `positions` role checks it. Raises Problem 422."""
    now: datetime = world.clock.now()
    at = told.at or now
    if world.clock.speed and at > now + world.city.accept_ahead:
        raise invalid(f"at: {at.isoformat()} lies ahead of the city's clock, {now.isoformat()}")
    lon, lat = to_wgs84(told.lon, told.lat, told.datum)
    position = UnitPosition(unit=unit, state=told.state, at=at, lon=lon, lat=lat, case_id=CaseId(told.case_id) if told.case_id else None)
    try:
        return decode_position(encode_position(position, world.city), world.city)
    except BadReport as error:
        raise Problem(422, "invalid", "That is no position of this city", error.detail, reason=error.reason) from None


def _speaks_for(person: Person, unit: str) -> bool:
    return person.role is Role.SYSTEM or unit in (person.unit, *person.below)


def _is_seen(scope: Scope, unit: Unit | None) -> bool:
    return unit is not None and scope.covers(unit.district, (unit.key,), unit.subdistrict)


def _shown(scope: Scope, position: UnitPosition, cases: dict[str, Case]) -> UnitPosition:
    case = cases.get(position.case_id or "")
    if case is not None and scope.covers_case(case):
        return position
    return position.model_copy(update={"case_id": None})
