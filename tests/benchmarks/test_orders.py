"""The orders of the benchmark are what their names say, with their truth."""

from collections import Counter

import orjson
import pytest

from adapters.boundaries import locator
from benchmarks.orders import Order, orders, records
from config.load import load_city
from config.settings import Settings
from incidents.places import distance_m
from producers.base import Item

CITY = load_city(Settings())
LOCATE = locator(CITY, Settings())


def some(order: Order) -> list[Item]:
    """All records of an order."""
    return list(records(order, CITY, LOCATE))


def order(name: str, reports: int = 2_000) -> Order:
    """An order of a small city."""
    return next(each for each in orders(reports, cameras=2_300) if each.name == name)


@pytest.mark.parametrize("name", ["live", "backlog", "unique"])
def test_an_order_has_its_warm_up_and_its_measured_reports_each_at_a_point(name: str) -> None:
    wanted = order(name)
    items = some(wanted)
    assert len(items) == wanted.warm + wanted.reports
    assert all("lon" in orjson.loads(item.value or b"")["data"]["location"] for item in items)
    assert len({item.truth.id for item in items if item.truth}) == len(items)


def test_a_backlog_is_of_few_cameras_that_repeat_heavily() -> None:
    views = Counter((item.key, item.truth.incident) for item in some(order("backlog", 12_000)) if item.truth)
    assert sum(views.values()) / len(views) > 10


def test_in_unique_no_two_reports_of_a_family_are_near_each_other() -> None:
    radius = {category.key: (category.family or category.key, category.radius_m) for category in CITY.categories}
    seen: dict[str, list[tuple[float, float]]] = {}
    for item in some(order("unique", 3_000)):
        data = orjson.loads(item.value or b"")["data"]
        family, metres = radius[data["category"]]
        at = data["location"]["lon"], data["location"]["lat"]
        assert all(distance_m(*at, *other) > metres for other in seen.get(family, ()))
        seen.setdefault(family, []).append(at)
