"""The simulated city: the same bytes for the same seed, and statistics that are what was asked for."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from statistics import median, pstdev
from typing import Any

import pytest

from incidents.catalogue import City
from incidents.places import Locate, distance_m
from incidents.plates import CN_PLATE
from incidents.steps import intake
from incidents.vocabulary import Match
from producers.base import Item
from producers.simulation.plan import SimulationOptions, Stamps
from producers.sources.simulate import Simulation

START = datetime(2026, 11, 21, 1, tzinfo=UTC)
Simulate = Callable[..., list[Item]]


@pytest.fixture
def simulate(city: City, locate: Locate) -> Simulate:
    def run(count: int | None = 5000, **options: Any) -> list[Item]:
        chosen = SimulationOptions.model_validate({"start": START, "cameras": 500, "count": count, "flat": True} | options)
        return list(Simulation(city, locate, chosen).reports())

    return run


def good(items: list[Item], kind: str = "camera") -> list[tuple[Item, dict[str, Any]]]:
    return [(item, json.loads(item.value or b"")) for item in items if item.truth and item.truth.kind == kind]


def by_incident(items: list[Item]) -> dict[str, list[dict[str, Any]]]:
    grouped = defaultdict(list)
    for item, report in good(items):
        assert item.truth is not None and item.truth.incident is not None
        grouped[item.truth.incident].append(report)
    return grouped


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(simulate: Simulate) -> None:
    assert simulate(seed=7, bad=0.05) == simulate(seed=7, bad=0.05)
    assert simulate(seed=7) != simulate(seed=8)


def test_every_report_that_is_not_bad_is_accepted_by_intake(simulate: Simulate, city: City) -> None:
    for item in simulate(20_000, resent=0.01):
        assert item.due_ms is not None
        event = intake.read(item.value)
        arrived = datetime.fromtimestamp(item.due_ms / 1000, UTC)
        intake.judge_time(intake.moment(event), city, arrived)
        intake.identity(event["data"], intake.category_of(event, city))
        intake.point(event["data"], city)
        assert item.key == event["source"].encode()


def test_the_truth_names_each_report_as_it_stands_in_its_value(simulate: Simulate) -> None:
    for item in simulate(2000):
        report = json.loads(item.value or b"")
        assert item.truth is not None
        assert (item.truth.source, item.truth.id, item.truth.time) == (report["source"], report["id"], report["time"])


@pytest.mark.parametrize(("false_alarms", "bad"), [(0.0, 0.0), (0.1, 0.0), (0.05, 0.2)])
def test_false_alarms_and_bad_input_come_by_their_shares(simulate: Simulate, false_alarms: float, bad: float) -> None:
    kinds = Counter(item.truth.kind.split(":")[0] for item in simulate(20_000, false_alarms=false_alarms, bad=bad) if item.truth)
    assert kinds["false_alarm"] / 20_000 == pytest.approx(false_alarms, abs=0.01)
    assert kinds["bad"] / 20_000 == pytest.approx(bad, abs=0.01)


def test_a_false_alarm_belongs_to_no_incident(simulate: Simulate) -> None:
    assert all(item.truth and item.truth.incident is None for item, _ in good(simulate(), "false_alarm"))


@pytest.mark.parametrize("rate", [0.2, 5.0, 200.0])
def test_reports_come_at_the_rate_that_was_asked_for(simulate: Simulate, rate: float) -> None:
    items = simulate(20_000, rate=rate, bad=0.02, resent=0.02)
    first, last = items[0].due_ms, items[-1].due_ms
    assert first is not None and last is not None
    assert 20_000 / (last - first) * 1000 == pytest.approx(rate, rel=0.15)


def test_cameras_that_are_connected_one_by_one_see_what_is_open_one_by_one(simulate: Simulate) -> None:
    seen = Counter((item.due_ms or 0) // 60_000 for item in simulate(None, rate=50, minutes=12, connect_minutes=8))
    minutes = [seen[minute] for minute in sorted(seen)]
    assert minutes[0] < 0.25 * 3000
    assert minutes[3] == pytest.approx(0.44 * 3000, rel=0.25)
    assert sum(minutes[8:12]) / 4 == pytest.approx(3000, rel=0.2)


def test_the_day_has_its_curve(simulate: Simulate) -> None:
    items = simulate(None, minutes=24 * 60, rate=0.5, flat=False, start=datetime(2026, 11, 20, 16, tzinfo=UTC))
    hours = Counter(datetime.fromtimestamp((item.due_ms or 0) / 1000, UTC).hour for item in items)
    assert hours[1] > 3 * hours[20]  # 9 in the morning and 4 at night, local


def test_a_lasting_incident_is_seen_repeatedly_by_one_to_three_cameras(simulate: Simulate) -> None:
    lasting = {name: seen for name, seen in by_incident(simulate(30_000, rate=5)).items() if seen[0]["data"]["category"] == "road_spillage"}
    cameras = Counter(len({report["source"] for report in seen}) for seen in lasting.values())
    assert set(cameras) == {1, 2, 3}
    assert median(len(seen) for seen in lasting.values()) >= 4


def test_cameras_have_twenty_digits_and_begin_with_their_district(simulate: Simulate) -> None:
    sources = {report["source"] for _, report in good(simulate())}
    assert all(re.fullmatch(r"/cameras/37020[23]\d{14}", source) for source in sources)
    assert len(sources) > 100


def test_cameras_stand_only_where_there_is_a_district(simulate: Simulate) -> None:
    for _, report in good(simulate()):
        location = report["data"]["location"]
        assert location["lon"] > 120.199
        assert report["source"][9:15] == ("370202" if location["lon"] < 120.4 else "370203") or abs(location["lon"] - 120.4) < 0.01


@pytest.mark.parametrize("noise", [0.0, 5.0, 20.0])
def test_positions_have_the_noise_that_was_asked_for(simulate: Simulate, noise: float) -> None:
    seen = max(by_incident(simulate(30_000, rate=50, cameras=50, noise_m=noise)).values(), key=len)
    north = [report["data"]["location"]["lat"] * 111_195 for report in seen]
    assert len(seen) > 50
    assert pstdev(north) == pytest.approx(noise, rel=0.35, abs=0.1)


def test_arrival_never_runs_back_and_lateness_is_bounded(simulate: Simulate) -> None:
    items = simulate(30_000, late=0.1, late_up_to_s=300)
    dues = [item.due_ms or 0 for item in items]
    assert dues == sorted(dues)
    stated = [datetime.fromisoformat(item.truth.time).timestamp() * 1000 for item in items if item.truth]
    lateness = [due - time for due, time in zip(dues, stated, strict=True)]
    assert sum(each > 2000 for each in lateness) / len(items) == pytest.approx(0.095, abs=0.02)
    assert -1 <= min(lateness) <= max(lateness) <= 302_000


def test_event_times_arrive_out_of_order_even_of_one_camera(simulate: Simulate) -> None:
    times: dict[str, list[str]] = defaultdict(list)
    for item, report in good(simulate(20_000, late=0.05, rate=100)):
        assert item.key
        times[report["source"]].append(report["time"])
    assert any(later < earlier for seen in times.values() for earlier, later in pairwise(seen))


def test_a_resent_report_is_the_same_bytes_later(simulate: Simulate) -> None:
    items = simulate(20_000, resent=0.05)
    times = Counter(item.value for item in items)
    assert max(times.values()) == 2
    assert sum(count == 2 for count in times.values()) / len(items) == pytest.approx(0.045, abs=0.01)


def test_a_truck_keeps_its_plate_and_moves_along_its_way(simulate: Simulate) -> None:
    trips = [seen for seen in by_incident(simulate(40_000, rate=2)).values() if "plate" in seen[0]["data"]]
    assert len(trips) > 50
    assert all(len({report["data"]["plate"] for report in seen}) == 1 for seen in trips)
    assert all(CN_PLATE.fullmatch(seen[0]["data"]["plate"]) for seen in trips)
    long_ones = [seen for seen in trips if len(seen) >= 3]
    assert median(extent_m(seen) for seen in long_ones) > 300
    spans = [span_of(seen) for seen in trips]
    assert max(spans) < timedelta(minutes=30) + timedelta(minutes=11)  # the trip, and the latest arrival is no later event


def extent_m(seen: list[dict[str, Any]]) -> float:
    places = [report["data"]["location"] for report in seen]
    return max(distance_m(a["lon"], a["lat"], b["lon"], b["lat"]) for a in places for b in places)


def span_of(seen: list[dict[str, Any]]) -> timedelta:
    times = sorted(datetime.fromisoformat(report["time"]) for report in seen)
    return times[-1] - times[0]


def test_littering_is_of_one_building_and_over_within_two_minutes(simulate: Simulate) -> None:
    acts = [seen for seen in by_incident(simulate(40_000, rate=2)).values() if "building" in seen[0]["data"]]
    assert len(acts) > 20
    assert all(len({report["data"]["building"]["id"] for report in seen}) == 1 for seen in acts)
    assert max(span_of(seen) for seen in acts) < timedelta(minutes=2)


def test_a_part_is_named_by_its_number_and_stays_where_it_is(simulate: Simulate) -> None:
    parts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, report in good(simulate(20_000, noise_m=0.0)):
        if report["data"]["category"] == "manhole_cover":
            parts[report["data"]["part_id"]].append(report)
    assert max(map(extent_m, parts.values())) < 1


def test_residents_call_in_with_words_and_an_address_and_sometimes_no_point(simulate: Simulate) -> None:
    calls = [report for _, report in good(simulate(60_000, rate=2), "resident")]
    assert {report["data"]["channel"] for report in calls} == {"hotline", "app"}
    assert all(report["data"]["description"] and report["data"]["reporter"]["phone"] for report in calls)
    without = [report for report in calls if "location" not in report["data"]]
    assert len(without) / len(calls) == pytest.approx(0.2, abs=0.1)
    assert all(report["data"]["address"] for report in without)


def test_incidents_end(simulate: Simulate) -> None:
    last: dict[str, int] = {}
    items = simulate(60_000, rate=10, late=0)
    for item in items:
        if item.truth and item.truth.incident:
            last[item.truth.incident] = item.due_ms or 0
    end = items[-1].due_ms or 0
    assert sum(end - at > 30 * 60_000 for at in last.values()) > len(last) / 4


def test_memory_is_bounded_by_what_is_open(city: City, locate: Locate) -> None:
    simulation = Simulation(city, locate, SimulationOptions(start=START, cameras=500, rate=20, flat=True))
    sizes = []
    reports = simulation.reports()
    for _ in range(5):
        assert len(list(islice(reports, 20_000))) == 20_000
        sizes.append(simulation.open_views)
    assert max(sizes) < 2 * min(sizes) < 2000


def test_a_city_without_geography_is_spread_over_its_bounds(city: City) -> None:
    [item] = Simulation(city, None, SimulationOptions(start=START, cameras=50, count=1)).reports()
    assert item.key and item.key.startswith(b"/cameras/000000")


def test_a_catalogue_of_nothing_that_lasts_or_only_of_what_lasts_works(simulate: Simulate, city: City, locate: Locate) -> None:
    for wanted in ({Match.PLATE}, {Match.PLACE}):
        some = city.model_copy(update={"categories": tuple(row for row in city.categories if set(row.match) == wanted)})
        some.__dict__.pop("catalogue", None)
        options = SimulationOptions(start=START, cameras=50, count=500, rate=1, flat=True)
        assert len(list(Simulation(some, locate, options).reports())) == 500


def test_stamps_are_the_citys_time_to_the_millisecond() -> None:
    stamps = Stamps("America/New_York")
    for ms in (1425797999999, 1425798000000, 1446354000001, 1446357600000):
        assert datetime.fromisoformat(stamps.of(ms).decode()).timestamp() * 1000 == pytest.approx(ms, abs=0.5)
