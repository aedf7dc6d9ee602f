"""The cities that come with the project: what the contract says of them is there, number by number."""

import csv
import gzip
import re
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from config.load import city_folder, load_city
from config.settings import Settings
from incidents.catalogue import Category, City, ClockKind
from incidents.errors import UserError
from incidents.places import inside
from incidents.vocabulary import MACHINES, Channel, Filing, Match, Nature, Severity

SHARED = Path(__file__).parents[3] / "shared" / "data"

SCENARIOS = {
    "gas": "gas_leak",
    "heating": "heating_leak",
    "environment": "exposed_waste",
    "construction_waste": "construction_waste",
    "waste_sorting": "unsorted_waste",
    "outdoor_advertising": "illegal_advertising",
    "lighting": "streetlight_out",
    "muck_trucks": "muck_truck_uncovered",
    "road_spillage": "road_spillage",
    "illegal_building": "illegal_building",
    "street_order": "street_stall",
    "falling_objects": "littering_from_height",
    "forest": "forest_fire_risk",
    "land": "farmland_occupied",
}

PLACE = (Match.PLACE,)
EVERYDAY = (
    *("construction_dust", "construction_waste", "unsorted_waste", "illegal_advertising", "illegal_building", "street_stall"),
    *("streetlight_out", "fire_lane_blocked", "forest_fire_risk"),
)

# ARCHITECTURE.md §2: key → nature, radius (None: any), window in minutes, span, filing of machines, code
CONTRACT: dict[str, tuple[str, int | None, int, int | None, str, str | None]] = {
    "road_spillage": ("lasting", 50, 120, None, "auto", "0114"),
    "exposed_waste": ("lasting", 50, 1440, None, "auto", "0110"),
    "manhole_cover": ("lasting", 10, 1440, None, "auto", None),
    "standing_water": ("lasting", 100, 360, None, "auto", "0506"),
    "muck_truck_uncovered": ("instant", None, 30, 30, "review", "0311"),
    "muck_truck_mud": ("instant", None, 30, 30, "review", "0312"),
    "littering_from_height": ("instant", 30, 2, 2, "review", None),
    "gas_leak": ("lasting", 100, 360, None, "auto", "0502"),
    "heating_leak": ("lasting", 100, 360, None, "auto", "0504"),
    "water_main_burst": ("lasting", 100, 360, None, "auto", "0501"),
    **{key: ("lasting", 50, 1440, None, "auto", None) for key in EVERYDAY},
}


@pytest.fixture(scope="module")
def qingdao() -> City:
    return load_city(Settings(city="qingdao"))


@pytest.fixture(scope="module")
def boston() -> City:
    return load_city(Settings(city="boston"))


@pytest.mark.parametrize("key", CONTRACT)
def test_a_category_of_the_contract_has_its_numbers(qingdao: City, key: str) -> None:
    nature, radius, window, span, filing, code = CONTRACT[key]
    category = qingdao.catalogue[key]
    assert category.nature == nature
    assert radius in (None, category.radius_m)
    assert category.window == timedelta(minutes=window)
    assert category.max_span == (timedelta(minutes=span) if span else None)
    assert {category.filing[channel] for channel in MACHINES} == {filing}
    assert code in (None, category.code)


def test_categories_of_the_contract_match_as_it_says(qingdao: City) -> None:
    by_place = [
        key for key in CONTRACT if qingdao.catalogue[key].nature is Nature.LASTING and key not in ("manhole_cover", "streetlight_out")
    ]
    assert {qingdao.catalogue[key].match for key in by_place} == {PLACE}
    assert qingdao.catalogue["manhole_cover"].match == (Match.PART, Match.PLACE)
    assert qingdao.catalogue["littering_from_height"].match == (Match.BUILDING, Match.PLACE)
    assert qingdao.catalogue["muck_truck_mud"].match == (Match.PLATE,)


@pytest.mark.parametrize("key", ["gas_leak", "heating_leak", "water_main_burst"])
def test_bursts_and_leaks_are_emergencies_due_in_an_urgent_hour(qingdao: City, key: str) -> None:
    category = qingdao.catalogue[key]
    assert category.severity is Severity.EMERGENCY
    assert (category.condition(None).clock, category.condition(None).limit) == (ClockKind.URGENT_HOUR, 1)


@pytest.mark.parametrize(
    ("condition", "clock", "limit"),
    [("missing", ClockKind.URGENT_HOUR, 2), ("broken", ClockKind.WORK_HOUR, 4), ("wobbling", ClockKind.WORK_DAY, 2)],
)
def test_a_cover_is_due_by_its_condition(qingdao: City, condition: str, clock: ClockKind, limit: float) -> None:
    found = qingdao.catalogue["manhole_cover"].condition(condition)
    assert (found.clock, found.limit) == (clock, limit)


def test_every_scenario_of_the_domain_has_its_categories(qingdao: City) -> None:
    assert len(qingdao.categories) >= 60
    for domain, key in SCENARIOS.items():
        assert qingdao.catalogue[key].domain == domain
        assert sum(category.domain == domain for category in qingdao.categories) >= 3


# DOMAIN.md, catalogue seed: code → limit of its mildest named condition
@pytest.mark.parametrize(
    ("key", "code", "limits"),
    [
        ("heaped_waste", "0111", {"5 work_day"}),
        ("dirty_road", "0112", {"2 work_hour"}),
        ("damaged_road", "0113", {"5 work_day"}),
        ("burning_refuse", "0120", {"2 urgent_hour"}),
        ("river_pollution", "0126", {"2 work_day"}),
        ("dead_animal", "0137", {"4 work_hour"}),
        ("unsorted_waste", "0193", {"2 work_day"}),
        ("illegal_advertising", "0203", {"1 work_day", "5 work_day"}),
        ("illegal_signboard", "0206", {"2 work_day"}),
        ("construction_noise", "0301", {"2 urgent_hour"}),
        ("construction_dust", "0304", {"2 work_hour"}),
        ("construction_waste", "0305", {"2 work_day"}),
        ("muck_truck_uncovered", "0311", {"2 work_day"}),
        ("muck_truck_mud", "0312", {"1 work_day"}),
        ("street_stall", "0401", {"2 urgent_hour"}),
        ("shop_trading_outside", "0405", {"2 urgent_hour"}),
        ("road_occupied_by_trade", "0406", {"2 urgent_hour"}),
        ("fire_lane_blocked", "0496", {"2 work_hour"}),
        ("subsidence", "0505", {"2 urgent_hour"}),
        ("standing_water", "0506", {"2 urgent_hour"}),
        ("hanging_cable", "0508", {"2 work_hour"}),
        ("falling_object", "0596", {"2 urgent_hour"}),
    ],
)
def test_codes_and_limits_are_those_of_the_domain(qingdao: City, key: str, code: str, limits: set[str]) -> None:
    category = qingdao.catalogue[key]
    assert category.code == code
    assert {f"{condition.limit:g} {condition.clock}" for condition in category.conditions} == limits


def test_people_are_verified_on_site_unless_it_is_an_emergency(qingdao: City) -> None:
    def of_people(category: Category) -> set[Filing]:
        return {category.filing[Channel.HOTLINE], category.filing[Channel.APP]}

    for category in qingdao.categories:
        assert of_people(category) == {Filing.REVIEW if category.severity is Severity.EMERGENCY else Filing.VERIFY}, category.key


def test_names_are_chinese_and_english(qingdao: City, boston: City) -> None:
    for city in (qingdao, boston):
        names = [category.name for category in city.categories] + [unit.name for unit in city.units]
        for name in names + [domain.name for domain in city.domains] + [district.name for district in city.districts]:
            assert re.search("[一-鿿]", name.zh), name
            assert name.en.isascii() and name.en.strip(), name


def test_two_cameras_of_usual_accuracy_can_agree_on_a_place_of_50_metres(qingdao: City) -> None:
    assert max(qingdao.accuracy_m[channel] for channel in MACHINES) <= 25


def test_qingdao_has_ten_districts_with_their_subdistricts_and_offices(qingdao: City) -> None:
    assert [district.code[-3:] for district in qingdao.districts] == ["202", "203", "211", "212", "213", "214", "215", "281", "283", "285"]
    assert sum(len(district.subdistricts) for district in qingdao.districts) == 141
    for district in qingdao.districts:
        kinds = {unit.kind for unit in qingdao.units if unit.district == district.code}
        assert {"law_enforcement", "sanitation", "municipal", "lighting", "traffic_police", "forestry"} <= kinds
    assert qingdao.unit_by_key["sanitation-370202"].parent == "sanitation-city"


def test_the_calendar_of_2026_moves_the_days_of_the_official_notice(qingdao: City) -> None:
    assert qingdao.calendar is not None
    assert sum(day.year == 2026 for day in qingdao.calendar.holiday) == 33
    assert qingdao.calendar.makes_up[date(2026, 10, 10)].zh == "国庆节"


def test_a_report_may_be_a_day_late_and_five_minutes_ahead(qingdao: City) -> None:
    now = datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert qingdao.may_have_happened(now - timedelta(hours=24), now)
    assert not qingdao.may_have_happened(now - timedelta(hours=24, seconds=1), now)
    assert not qingdao.may_have_happened(now + timedelta(minutes=5, seconds=1), now)


def test_boston_hands_nothing_to_anybody_by_itself(boston: City) -> None:
    assert {filing for category in boston.categories for filing in category.filing.values()} == {Filing.REVIEW}
    assert not boston.escalation.enabled
    assert set(boston.stages.model_dump().values()) == {None}
    assert boston.accept_past is None


def test_every_request_of_the_real_year_has_its_category_and_lies_in_boston(boston: City) -> None:
    path = SHARED / "boston_311_2015_jan_aug.csv.gz"
    if not path.exists():
        pytest.skip("the Boston requests are not at ../shared/data")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    slugs = {re.sub("[^a-z0-9]+", "_", row["type"].lower()).strip("_") for row in rows}
    assert slugs <= boston.catalogue.keys()
    assert all(inside(boston.bounds, float(row["longitude"]), float(row["latitude"])) for row in rows)
    points = [(float(row["longitude"]), float(row["latitude"])) for row in rows]
    assert {point for point, count in Counter(points).items() if count > 0.005 * len(points)} == set(boston.default_geocodes)


@pytest.mark.parametrize("key", ["qingdao", "boston"])
def test_a_city_loads_quickly_and_the_same_bytes_are_the_same_rules(key: str) -> None:
    began = time.process_time()
    first = load_city(Settings(city=key))
    assert time.process_time() - began < 10, "0.2 s on a quiet machine"
    assert re.fullmatch("[0-9a-f]{12}", first.rules)
    assert load_city(Settings(city=key)).rules == first.rules


def test_an_unknown_city_names_those_there_are() -> None:
    with pytest.raises(UserError, match="there are: boston, qingdao"):
        city_folder(Settings(city="atlantis"))
