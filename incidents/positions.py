"""Positions of patrol vehicles, drones and crews: the CloudEvent on `units.positions`, and when one may still be believed.

Pure. The `positions` role keeps the latest of each unit (adapters/positions.py), routing asks for the fresh ones and sends the nearest.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from incidents.catalogue import City, Frozen
from incidents.errors import BadReport, RejectReason
from incidents.events import CaseId, Degrees, Moment
from incidents.geography import Datum
from incidents.places import inside, to_wgs84

POSITION_TYPE = "city.unit.position.v1"
STALE_AFTER = timedelta(minutes=5)
KEPT_FOR = timedelta(hours=24)
MOST_BYTES = 100_000


class UnitState(StrEnum):
    """What a unit on the road says of itself."""

    AVAILABLE = "available"
    BUSY = "busy"
    OFF = "off"


class UnitPosition(Frozen):
    """Where a unit was, WGS-84 degrees, and what it did; `case_id` is the case it is busy with."""

    unit: str
    state: UnitState
    at: AwareDatetime
    lon: float
    lat: float
    case_id: CaseId | None = None


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Location(_Given):
    lon: Degrees
    lat: Degrees
    datum: Datum = Datum.WGS84


class _Data(_Given):
    unit: Annotated[str, Field(min_length=1, max_length=128)]
    state: UnitState
    location: _Location
    case_id: Annotated[str, Field(max_length=64)] | None = None


class PositionEvent(_Given):
    """The value of a record on `units.positions`; its key is the unit."""

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    source: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["city.unit.position.v1"]
    time: Moment
    city: str | None = None
    data: _Data


def decode_position(value: bytes | None, city: City) -> UnitPosition:
    """The position in a record's value. Raises BadReport with what is wrong of it."""
    if value is None:
        raise BadReport(RejectReason.NULL_VALUE, "a position is a CloudEvent in JSON, this record has no value")
    if len(value) > MOST_BYTES:
        raise BadReport(RejectReason.OVERSIZED, f"{len(value)} bytes, at most {MOST_BYTES}")
    try:
        from_json(value)
    except ValueError as error:
        raise BadReport(RejectReason.NOT_JSON, str(error)[:300]) from None
    try:
        event = PositionEvent.model_validate_json(value)
    except ValidationError as error:
        raise _bad(error) from None
    return _placed(event, city)


def _placed(event: PositionEvent, city: City) -> UnitPosition:
    data = event.data
    if event.city is not None and event.city != city.code:
        raise BadReport(RejectReason.OTHER_CITY, f"city {event.city!r}, this is {city.code!r}")
    if data.unit not in city.unit_by_key:
        raise BadReport(RejectReason.INVALID_VALUE, f"data.unit: {data.unit!r} is no unit of units.toml")
    lon, lat = data.location.lon, data.location.lat
    if abs(lon) <= 180 and abs(lat) <= 90:
        lon, lat = to_wgs84(lon, lat, data.location.datum)
    if not inside(city.bounds, lon, lat):
        raise BadReport(RejectReason.OUT_OF_BOUNDS, f"data.location: {lon:.5f}, {lat:.5f} lies outside {city.key}")
    return UnitPosition(
        unit=data.unit, state=data.state, at=event.time, lon=lon, lat=lat, case_id=CaseId(data.case_id) if data.case_id else None
    )


def _bad(error: ValidationError) -> BadReport:
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "value"
    if first["type"] == "missing":
        return BadReport(RejectReason.MISSING_FIELD, f"{field} is missing")
    reason = RejectReason.BAD_TIME if field == "time" else RejectReason.INVALID_VALUE if first["loc"] else RejectReason.INVALID_SHAPE
    return BadReport(reason, f"{field}: {first['msg']}, it is {str(first['input'])[:200]!r}")


def encode_position(position: UnitPosition, city: City) -> bytes:
    """The record's value; its key is the unit."""
    data: dict[str, Any] = {
        "unit": position.unit,
        "state": position.state,
        "location": {"lon": round(position.lon, 7), "lat": round(position.lat, 7)},
        "case_id": position.case_id,
    }
    event = {
        "specversion": "1.0",
        "id": f"{position.unit}:{position.at.isoformat()}",
        "source": f"/units/{position.unit}",
        "type": POSITION_TYPE,
        "time": position.at,
        "datacontenttype": "application/json",
        "city": city.code,
        "origin": city.key,
        "data": data,
    }
    return to_json(event)


def is_fresh(position: UnitPosition, at: datetime, ahead: timedelta) -> bool:
    """Whether a position may be believed at a moment: at most five minutes old, and no further ahead than a clock may be fast."""
    return -ahead <= at - position.at <= STALE_AFTER
