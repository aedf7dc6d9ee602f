"""The rule that the Python peers share; skipped where their JSON parser is not installed (it is no dependency of the product)."""

import orjson
import pytest

pytest.importorskip("msgspec")

from benchmarks.orders import orders, records  # noqa: E402
from benchmarks.peers.job import cells, nearest, parsed  # noqa: E402
from config.load import load_city  # noqa: E402
from config.settings import Settings  # noqa: E402
from incidents.places import Located  # noqa: E402
from producers.simulation.bad import KINDS  # noqa: E402

CITY = load_city(Settings())


@pytest.mark.parametrize("kind", KINDS)
def test_no_bad_input_stops_a_peer(kind: str) -> None:
    item = next(records(orders(10, cameras=10)[0], CITY, lambda lon, lat: Located(district="370202")))
    assert parsed(item.value) is not None
    sight = parsed(KINDS[kind](orjson.loads(item.value or b""), CITY))
    assert sight is None or len(sight) == 5


def test_a_report_joins_the_nearest_case_within_radius_and_window() -> None:
    sight = ("r", "road_spillage", 120.0, 36.0, 10_000.0)
    far, near, old = ["far", 120.0, 36.0004, 9_000.0], ["near", 120.0, 36.0001, 9_000.0], ["old", 120.0, 36.0, 2_000.0]
    assert nearest([far, near, old], sight, 50, 7200) is near
    assert nearest([["away", 120.0, 36.0005, 9_000.0], old], sight, 50, 7200) is None


def test_a_circle_touches_its_own_cell_first_and_at_most_four() -> None:
    assert cells(120.0025, 36.0025, 50) == ["24000:7200"]
    assert sorted(cells(120.005, 36.005, 50)) == sorted(["24000:7200", "24000:7201", "24001:7200", "24001:7201"])
    assert cells(120.0051, 36.0051, 50)[0] == "24001:7201"
