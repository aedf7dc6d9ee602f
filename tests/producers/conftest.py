"""A small city of two square districts for the tests of producers."""

from datetime import timedelta

import pytest

from incidents.catalogue import Bounds, Category, City, ClockKind, Condition, DistrictName, Named
from incidents.places import Locate, Located
from incidents.vocabulary import Channel, Filing, Match, Nature, Severity


def a_category(key: str, *match: Match, nature: Nature = Nature.LASTING, severity: Severity = Severity.NORMAL) -> Category:
    return Category(
        key=key,
        code="0001",
        domain="events",
        name=Named(zh=key, en=key),
        nature=nature,
        match=match,
        radius_m=50,
        window=timedelta(hours=2),
        severity=severity,
        filing=dict.fromkeys(Channel, Filing.AUTO),
        lead="sanitation",
        conditions=(Condition(key="plain", name=Named(zh="一般", en="plain"), clock=ClockKind.WORK_HOUR, limit=4),),
        closing_condition=Named(zh="清理", en="cleaned"),
    )


@pytest.fixture
def city() -> City:
    return City(
        key="testville",
        code="TV",
        name=Named(zh="试城", en="Testville"),
        time_zone="Asia/Shanghai",
        bounds=Bounds(west=120.0, south=36.0, east=120.6, north=36.3),
        levels=("city", "district"),
        accept_past=timedelta(days=1),
        accept_ahead=timedelta(minutes=5),
        accuracy_m=dict.fromkeys(Channel, 15),
        districts=tuple(DistrictName(code=code, name=Named(zh=zh, en=zh)) for code, zh in (("370202", "市南区"), ("370203", "市北区"))),
        categories=(
            a_category("road_spillage", Match.PLACE),
            a_category("manhole_cover", Match.PART, Match.PLACE),
            a_category("muck_truck_uncovered", Match.PLATE, nature=Nature.INSTANT),
            a_category("littering_from_height", Match.BUILDING, Match.PLACE, nature=Nature.INSTANT),
            a_category("gas_leak", Match.PLACE, severity=Severity.EMERGENCY),
        ),
        units=(),
        catalogue_version="test",
        rules="0",
    )


@pytest.fixture
def locate() -> Locate:
    """The west third is the sea, the middle one district, the east another."""

    def located(lon: float, lat: float) -> Located:
        if lon < 120.2 or not 36.0 <= lat <= 36.3 or lon > 120.6:
            return Located()
        return Located(district="370202" if lon < 120.4 else "370203")

    return located
