"""Places are arithmetic: datums, distances, grid cells and schematic seeds, as laws."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.catalogue import Bounds
from incidents.geography import Datum
from incidents.places import (
    cell_bounds,
    communities,
    distance_m,
    from_plane,
    grid_cell,
    inside,
    nearest,
    spread,
    to_bd09,
    to_gcj02,
    to_plane,
    to_wgs84,
)

QINGDAO = Bounds(west=119.45, south=35.5, east=121.1, north=37.2)
lons = st.floats(QINGDAO.west, QINGDAO.east)
lats = st.floats(QINGDAO.south, QINGDAO.north)
SEEDS = [(120.3, 36.1, "370202001"), (120.35, 36.1, "370202002"), (120.3, 36.2, "370202004")]


@pytest.mark.parametrize(("datum", "forward"), [(Datum.GCJ02, to_gcj02), (Datum.BD09, to_bd09)])
@given(lon=st.floats(73.5, 134.5), lat=st.floats(18.5, 53.5))
def test_a_point_of_china_comes_back_from_another_datum_within_a_metre(
    datum: Datum, forward: Callable[[float, float], tuple[float, float]], lon: float, lat: float
) -> None:
    there_lon, there_lat = forward(lon, lat)
    back_lon, back_lat = to_wgs84(there_lon, there_lat, datum)
    assert distance_m(lon, lat, back_lon, back_lat) < 1


def test_gcj02_moves_qingdao_462_metres_east_and_31_north() -> None:
    lon, lat = to_gcj02(120.38, 36.07)
    assert distance_m(120.38, 36.07, lon, 36.07) == pytest.approx(462, abs=2)
    assert distance_m(120.38, 36.07, 120.38, lat) == pytest.approx(31, abs=2)
    assert lon > 120.38 and lat > 36.07


def test_known_pairs_of_the_public_formula() -> None:
    assert to_gcj02(116.404, 39.915) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)
    lon, lat = to_bd09(116.404, 39.915)
    assert (lon, lat) == pytest.approx((116.41662724378733, 39.922699552216216), abs=1e-9)


@pytest.mark.parametrize("datum", list(Datum))
def test_outside_china_every_datum_is_wgs84(datum: Datum) -> None:
    assert to_wgs84(-71.0587, 42.3594, datum) == (-71.0587, 42.3594)


def test_wgs84_is_not_touched() -> None:
    assert to_wgs84(120.3826, 36.0671, Datum.WGS84) == (120.3826, 36.0671)


@given(lons, lats, lons, lats)
def test_distance_is_symmetric_and_zero_only_in_place(lon1: float, lat1: float, lon2: float, lat2: float) -> None:
    assert distance_m(lon1, lat1, lon2, lat2) == pytest.approx(distance_m(lon2, lat2, lon1, lat1))
    assert distance_m(lon1, lat1, lon1, lat1) == 0


@given(lons, lats, st.floats(-0.04, 0.04), st.floats(-0.04, 0.04))
def test_distance_is_the_great_circle_within_a_thousandth_up_to_five_kilometres(lon: float, lat: float, east: float, north: float) -> None:
    lon2, lat2 = lon + east, lat + north
    p1, p2, half = math.radians(lat), math.radians(lat2), math.radians(east) / 2
    root = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(half) ** 2
    assert distance_m(lon, lat, lon2, lat2) == pytest.approx(2 * 6_371_008.8 * math.asin(math.sqrt(root)), rel=1e-3, abs=0.001)


@given(lons, lats)
def test_a_point_lies_in_its_cell_and_a_cell_is_a_hundred_metres(lon: float, lat: float) -> None:
    box = cell_bounds(QINGDAO, grid_cell(QINGDAO, lon, lat))
    slack = 1e-9
    assert box.west - slack <= lon <= box.east + slack
    assert box.south - slack <= lat <= box.north + slack
    assert distance_m(box.west, box.south, box.west, box.north) == pytest.approx(100, rel=1e-3)
    assert distance_m(box.west, box.south, box.east, box.south) == pytest.approx(100, rel=0.02)


@given(lons, lats)
def test_the_plane_and_back_is_the_same_point(lon: float, lat: float) -> None:
    assert from_plane(QINGDAO, *to_plane(QINGDAO, lon, lat)) == pytest.approx((lon, lat), abs=1e-9)


def test_a_cell_code_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="abc"):
        cell_bounds(QINGDAO, "abc")


def test_nan_and_infinity_lie_nowhere() -> None:
    assert not inside(QINGDAO, math.nan, 36.0)
    assert not inside(QINGDAO, 120.0, math.inf)


def _in_disc(lon: float, lat: float) -> bool:
    return math.hypot(lon - 120.3, lat - 36.3) < 0.2


def test_seeds_lie_in_their_shape_apart_and_the_same_again() -> None:
    points = spread("370202", QINGDAO, _in_disc, 20)
    assert points == spread("370202", QINGDAO, _in_disc, 20)
    assert points != spread("370203", QINGDAO, _in_disc, 20)
    assert all(_in_disc(*point) for point in points)
    assert min(distance_m(*one, *other) for one in points for other in points if one != other) > 2000


def test_a_shape_without_room_is_told() -> None:
    with pytest.raises(ValueError, match="nowhere: no room"):
        spread("nowhere", QINGDAO, lambda lon, lat: False, 1)


def test_every_subdistrict_has_six_schematic_communities_nearest_to_its_own_seed() -> None:
    found = communities(SEEDS)
    assert found.keys() == {"370202001", "370202002", "370202004"}
    for code, places in found.items():
        assert [place[2] for place in places] == [f"{code}-{number:02d}" for number in range(1, 7)]
        assert {nearest(lon, lat, SEEDS) for lon, lat, _ in places} == {code}


@given(lons, lats)
def test_the_nearest_seed_is_the_nearest_by_distance(lon: float, lat: float) -> None:
    chosen = next(seed for seed in SEEDS if seed[2] == nearest(lon, lat, SEEDS))
    best = min(distance_m(lon, lat, seed[0], seed[1]) for seed in SEEDS)
    assert distance_m(lon, lat, chosen[0], chosen[1]) == pytest.approx(best, rel=0.02)
