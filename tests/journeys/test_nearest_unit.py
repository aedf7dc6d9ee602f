"""Positions decide a dispatch: told on `units.positions`, kept hot, and known to the next worker after a kill; so are precedents."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from config.settings import Settings
from config.topics import REJECTED, UNIT_POSITIONS
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import Json, command, facts, of_case, records_of, send_raw
from tests.waiting import until

ROLES = ("--only", "closure,routing,positions")
CASES = tuple(f"QD-20261121-NN{number:08}" for number in range(4))
LON, LAT = 120.388, 36.300  # Chengyang
NOW = "2026-11-23T10:00:00+08:00"  # by day, when Chengyang's vehicles are sent; the city's clock begins here
CARS = ("patrol-370214-1", "patrol-370214-2")


@pytest.fixture
def settings(new_settings: Callable[..., Settings]) -> Settings:
    """A city in whose clock it is Monday morning."""
    return new_settings(clock=f"x1@{NOW}")


def position(unit: str, lat: float, **data: object) -> bytes:
    """A unit's word of now."""
    said: Json = {"unit": unit, "state": "available", "location": {"lon": LON, "lat": lat}} | data
    event: Json = {"specversion": "1.0", "id": f"p-{unit}", "source": f"/units/{unit}", "type": "city.unit.position.v1"}
    return json.dumps(event | {"time": NOW, "city": "QD", "data": said}).encode()


def tell(settings: Settings, *told: tuple[str, bytes]) -> None:
    """Put positions on the topic, key = unit."""
    send_raw(settings, [(unit.encode(), value) for unit, value in told], topic=UNIT_POSITIONS.name)


def opened(settings: Settings, case_id: str) -> None:
    """A stall in Chengyang, as intake would open it."""
    place = {"lon": LON, "lat": LAT, "accuracy_m": 10, "district": "370214"}
    opening: Json = {"state": "reported", "category": "street_stall", "channel": "low_video", "severity": "normal", "source": "/cameras/1"}
    opening |= {"report_id": case_id, "time": NOW, "place": place, "reason": "opened", "rules": "r"}
    total = {"count": 1, "first": NOW, "last": NOW, "topic_id": "t", "partition": 0, "offset": 0}
    command(settings, case_id, "sight", opening=opening, totals={"/cameras/1": total})


def dispatched(settings: Settings, case_id: str, times: int = 1) -> Json:
    """The case's newest dispatch, once it was dispatched so often."""
    found = facts(settings, lambda seen: of_case(seen, case_id).count("dispatched") >= times)
    told: list[Json] = [each["data"] for each in found if each["type"] == "city.case.dispatched.v1"]
    return [data for data in told if data["case_id"] == case_id][-1]


def test_the_nearest_unit_that_spoke_is_dispatched_also_after_a_restart(settings: Settings, worker: NewWorker) -> None:
    first = worker(settings, *ROLES)
    tell(settings, (CARS[0], position(CARS[0], 36.310)), (CARS[1], position(CARS[1], 36.302)), ("x", b"{"))
    until(lambda: first.metric("cityloop_positions_total") >= 2, "two positions kept")
    assert _reasons(records_of(settings, REJECTED.name, 1)) == [("not_json", "positions")]
    opened(settings, CASES[0])
    told = dispatched(settings, CASES[0])
    assert (told["unit"], told["assisting"][0]) == (CARS[1], "law_enforcement-370214")
    assert told["rule"] == f"route:chengyang_patrol+nearest:{CARS[1]}"
    assert told["grounds"]["distance_m"] == 222
    assert 0 <= told["grounds"]["age_s"] < 300
    first.kill()
    opened(settings, CASES[1])
    second = worker(settings, *ROLES)
    assert dispatched(settings, CASES[1])["unit"] == told["unit"]
    tell(settings, *((car, position(car, 36.302, state="busy")) for car in CARS))
    until(lambda: second.metric("cityloop_positions_total") >= 2, "two positions more")
    opened(settings, CASES[2])
    assert dispatched(settings, CASES[2])["unit"] == "law_enforcement-370214"


def test_what_an_arbiter_decided_routes_the_next_case_also_after_a_restart(settings: Settings, worker: NewWorker) -> None:
    first = worker(settings, *ROLES)
    opened(settings, CASES[0])
    dispatched(settings, CASES[0])
    for unit in ("law_enforcement-370214", "market_regulation-370214"):
        if unit.startswith("market"):
            command(settings, CASES[0], "dispatch", "dispatcher", unit=unit)
            dispatched(settings, CASES[0], 2)
        actor = {"id": f"{unit}:x", "role": "unit", "unit": unit}
        command(settings, CASES[0], "return", actor=actor, reason="not ours")
    command(settings, CASES[0], "arbitrate", "arbiter", unit="urban_management-370214")
    facts(settings, lambda seen: "arbitrated" in of_case(seen, CASES[0]))
    opened(settings, CASES[1])
    first.kill()
    opened(settings, CASES[2])
    worker(settings, *ROLES)
    told = dispatched(settings, CASES[2])
    assert (told["unit"], told["rule"]) == ("urban_management-370214", f"precedent:{CASES[0]}")
    assert "仲裁" in told["grounds"]["zh"]


def _reasons(letters: Sequence[Any]) -> list[tuple[str, str]]:
    headers = [dict(letter.headers) for letter in letters]
    return [(each["error-reason"].decode(), each["error-stage"].decode()) for each in headers]
