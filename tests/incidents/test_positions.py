"""Positions of units: read and written as CloudEvents, refused with a reason, believed while they are fresh."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic_core import to_json

from incidents.errors import BadReport, RejectReason
from incidents.positions import MOST_BYTES, UnitPosition, UnitState, decode_position, encode_position, is_fresh
from tests.incidents.closing import CITY

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
CAR = UnitPosition(unit="clean-1", state=UnitState.AVAILABLE, at=AT, lon=120.38, lat=36.06)


def event(**changes: Any) -> dict[str, Any]:
    """A good position; `data` is laid over its data."""
    data = {"unit": "clean-1", "state": "available", "location": {"lon": 120.38, "lat": 36.06}} | changes.pop("data", {})
    head = {"specversion": "1.0", "id": "p1", "source": "/units/clean-1", "type": "city.unit.position.v1", "time": AT.isoformat()}
    return head | {"city": "QD", "data": data} | changes


@pytest.mark.parametrize("position", [CAR, CAR.model_copy(update={"state": UnitState.BUSY, "case_id": "QD-20261121-AAAAAAAAAA"})])
def test_a_position_is_read_as_it_was_written(position: UnitPosition) -> None:
    assert decode_position(encode_position(position, CITY), CITY) == position


def test_other_datums_are_converted_and_unknown_fields_ignored() -> None:
    said = event(data={"location": {"lon": 120.38, "lat": 36.06, "datum": "gcj02"}, "battery": 80})
    assert 400 < (CAR.lon - decode_position(to_json(said), CITY).lon) * 90_000 < 520  # about 460 m, DOMAIN.md


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, RejectReason.NULL_VALUE),
        (b"x" * (MOST_BYTES + 1), RejectReason.OVERSIZED),
        (b"{", RejectReason.NOT_JSON),
        (b"[]", RejectReason.INVALID_SHAPE),
        (event(type="city.incident.reported.v1"), RejectReason.INVALID_VALUE),
        ({"specversion": "1.0"}, RejectReason.MISSING_FIELD),
        (event(time="yesterday"), RejectReason.BAD_TIME),
        (event(time="2026-11-23T04:00:00"), RejectReason.BAD_TIME),
        (event(city="BO"), RejectReason.OTHER_CITY),
        (event(data={"state": "asleep"}), RejectReason.INVALID_VALUE),
        (event(data={"unit": "nobody"}), RejectReason.INVALID_VALUE),
        (event(data={"location": {"lon": 36.06, "lat": 120.38}}), RejectReason.OUT_OF_BOUNDS),
        (event(data={"location": {"lon": 120.38}}), RejectReason.MISSING_FIELD),
        (event(data={"location": {"lon": 0, "lat": 0}}), RejectReason.OUT_OF_BOUNDS),
    ],
)
def test_what_is_no_position_is_refused_with_its_reason(value: Any, reason: RejectReason) -> None:
    with pytest.raises(BadReport) as refused:
        decode_position(value if value is None or isinstance(value, bytes) else to_json(value), CITY)
    assert refused.value.reason is reason


@pytest.mark.parametrize(("age_s", "fresh"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_a_position_is_believed_for_five_minutes_and_not_from_the_future(age_s: float, fresh: bool) -> None:
    assert is_fresh(CAR, AT + timedelta(seconds=age_s), CITY.accept_ahead) is fresh
