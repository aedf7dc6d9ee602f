"""A point of the city is located in its district, subdistrict, community and cell, whatever the shapes come from."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.boundaries import Locator, locator, outlines, read_shapes
from config.load import load_city
from config.settings import Settings
from incidents.catalogue import City
from incidents.errors import UserError
from incidents.places import Locate, Located, from_plane, inside, to_gcj02, to_plane

GEO = Path(__file__).parents[3] / "shared" / "data" / "geo"
CITY_HALL = (120.3826, 36.0671)
SEA = (120.7, 35.8)

# Well inside each district (government seats and town centres, WGS-84).
CENTRES = {
    "370202": (120.3826, 36.0671),
    "370203": (120.3747, 36.0877),
    "370211": (120.0400, 35.8720),
    "370212": (120.4690, 36.1075),
    "370213": (120.4328, 36.1450),
    "370214": (120.3960, 36.3070),
    "370215": (120.4470, 36.3890),
    "370281": (120.0330, 36.2640),
    "370283": (119.9880, 36.7760),
    "370285": (120.5170, 36.8890),
}


@pytest.fixture(scope="module")
def qingdao() -> City:
    return load_city(Settings(city="qingdao"))


@pytest.fixture(scope="module")
def locate(qingdao: City) -> Locate:
    return locator(qingdao, Settings(city="qingdao"))


@pytest.mark.parametrize("code", CENTRES)
def test_a_district_s_centre_lies_in_it(locate: Locate, code: str) -> None:
    assert locate(*CENTRES[code]).district == code


def test_the_middle_of_every_outline_lies_in_its_district(qingdao: City, locate: Locate) -> None:
    shapes = read_shapes(qingdao, Settings(city="qingdao"))
    assert len(shapes.districts) == 10
    for feature in outlines(qingdao, Settings(city="qingdao"))["features"]:
        ring = max(_rings(feature["geometry"]), key=len)
        assert locate(*_middle(ring)).district == feature["id"]


def _rings(geometry: dict[str, Any]) -> list[list[list[float]]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [polygon[0] for polygon in polygons]


def _middle(ring: list[list[float]]) -> tuple[float, float]:
    point = shapely.Polygon(ring).representative_point()
    return point.x, point.y


def test_a_point_has_all_four_cells_and_they_nest(locate: Locate) -> None:
    found = locate(*CITY_HALL)
    assert found.district == "370202"
    assert found.subdistrict and found.subdistrict.startswith("370202")
    assert found.community and found.community.startswith(found.subdistrict)
    assert found.grid == "0630-0835"


def test_locating_is_the_same_in_another_process_s_locator(qingdao: City, locate: Locate) -> None:
    again = locator(qingdao, Settings(city="qingdao"))
    points = [(120.0 + i * 0.013, 35.9 + i * 0.011) for i in range(60)]
    assert [again(*point) for point in points] == [locate(*point) for point in points]


def test_the_open_sea_is_no_district_but_still_a_cell(locate: Locate) -> None:
    assert locate(*SEA) == Located(grid="0333-1119")


def test_a_ship_near_the_pier_belongs_to_the_nearest_district(locate: Locate) -> None:
    assert locate(120.3100, 36.0520).district == "370202"


def test_a_point_outside_the_city_s_box_is_nowhere(locate: Locate) -> None:
    assert locate(116.4, 39.9) == Located()


def test_a_call_takes_microseconds(locate: Locate) -> None:
    points = [(120.2 + i % 100 * 0.003, 36.0 + i // 100 * 0.003) for i in range(5000)]
    best = min(_seconds(locate, points) for _ in range(3))
    assert best / len(points) < 1e-3, "30 µs on a quiet machine; a look at every outline takes milliseconds"


def _seconds(locate: Locate, points: list[tuple[float, float]]) -> float:
    began = time.process_time()
    for lon, lat in points:
        locate(lon, lat)
    return time.process_time() - began


def test_outlines_are_for_a_map_and_say_what_is_schematic(qingdao: City) -> None:
    drawn = outlines(qingdao, Settings(city="qingdao"))
    assert drawn["schematic_cells"] is True
    assert len(json.dumps(drawn)) < 200_000
    shinan = next(feature for feature in drawn["features"] if feature["id"] == "370202")
    assert shinan["properties"] == {"code": "370202", "zh": "市南区", "en": "Shinan", "schematic": False}


def test_boston_is_cells_around_its_neighbourhoods_and_says_so() -> None:
    settings = Settings(city="boston")
    city = load_city(settings)
    assert locator(city, settings)(-71.1572, 42.2818) == Located(district="west_roxbury", grid="0068-0035")
    assert all(feature["properties"]["schematic"] for feature in outlines(city, settings)["features"])


# --- a given file -------------------------------------------------------------------------------------------------------------------


def _square(lon: float, lat: float, **properties: object) -> dict[str, Any]:
    ring = [(lon, lat), (lon + 0.1, lat), (lon + 0.1, lat + 0.1), (lon, lat + 0.1), (lon, lat)]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def _given(path: Path, *features: dict[str, Any], datum: str = "wgs84") -> Settings:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return Settings(city="qingdao", boundaries=path, boundaries_datum=datum)


def test_a_given_file_of_subdistricts_replaces_the_city_s_shapes(qingdao: City, tmp_path: Path) -> None:
    settings = _given(
        tmp_path / "b.geojson", _square(120, 36, code=370202001, district=370202), _square(120.1, 36, code=370203005, district=370203)
    )
    found = locator(qingdao, settings)(120.15, 36.05)
    assert (found.district, found.subdistrict) == ("370203", "370203005")
    assert outlines(qingdao, settings)["schematic_cells"] is False


def test_a_given_file_of_districts_keeps_schematic_subdistricts(qingdao: City, tmp_path: Path) -> None:
    found = locator(qingdao, _given(tmp_path / "b.geojson", _square(120, 36, district=370202)))(120.05, 36.05)
    assert found.district == "370202"
    assert found.subdistrict and found.subdistrict.startswith("370202")


def test_a_file_in_gcj02_is_moved(qingdao: City, tmp_path: Path) -> None:
    corner = to_gcj02(120.0, 36.0)
    shapes = read_shapes(qingdao, _given(tmp_path / "b.geojson", _square(*corner, district=370202), datum="gcj02"))
    moved_back = shapely.Point(to_plane(qingdao.bounds, 120.0, 36.0))
    assert shapes.districts[0].shape.boundary.distance(moved_back) < 1


def test_a_crossed_outline_is_made_valid(qingdao: City, tmp_path: Path) -> None:
    feature = _square(120, 36, district=370202)
    ring = feature["geometry"]["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    assert locator(qingdao, _given(tmp_path / "b.geojson", feature))(120.09, 36.05).district == "370202"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be read as GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "holds no features"),
        ('{"features": [{"properties": {"district": 110101}, "geometry": null}]}', "feature 0 is of district '110101'"),
        ('{"features": [{"properties": {"district": 370202}, "geometry": {"type": "Polygon"}}]}', "feature 0 has no usable geometry"),
    ],
)
def test_a_wrong_file_is_explained(qingdao: City, tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=told):
        locator(qingdao, Settings(city="qingdao", boundaries=path))


def test_a_missing_file_is_explained(qingdao: City, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        locator(qingdao, Settings(city="qingdao", boundaries=tmp_path / "none.geojson"))


def test_an_unknown_datum_is_explained(qingdao: City, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of wgs84, gcj02, bd09"):
        locator(qingdao, _given(tmp_path / "b.geojson", _square(120, 36, district=370202), datum="utm"))


# --- the outlines of OpenStreetMap, where they are at hand --------------------------------------------------------------------------


def _labels() -> list[dict[str, Any]]:
    path = GEO / "qingdao_subdistricts_wgs84_osm.simplified.geojson"
    if not path.exists():
        pytest.skip("the OpenStreetMap outlines are not at ../shared/data/geo")
    return [feature["properties"] for feature in json.loads(path.read_text(encoding="utf-8"))["features"]]


def test_every_subdistrict_s_label_lies_in_its_district(locate: Locate) -> None:
    labels = _labels()
    assert [each["name"] for each in labels if locate(*each["label"]).district != str(each["district"])] == []


def test_with_the_osm_file_every_label_lies_in_its_subdistrict(qingdao: City) -> None:
    labels = _labels()
    precise = locator(qingdao, Settings(boundaries=GEO / "qingdao_subdistricts_wgs84_osm.simplified.geojson"))
    assert [each["name"] for each in labels if precise(*each["label"]).subdistrict != str(each["code"])] == []


@settings(max_examples=60, deadline=None)
@given(
    east=st.integers(-40_000, 40_000), north=st.integers(-40_000, 40_000), walk=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)))
)
def test_a_block_that_lies_in_one_area_says_of_every_point_what_looking_says(
    qingdao: City, locate: Locate, east: int, north: int, walk: list[tuple[float, float]]
) -> None:
    assert isinstance(locate, Locator)
    for dx, dy in [(50.0, 50.0), *walk]:
        x, y = to_plane(qingdao.bounds, *CITY_HALL)
        point = from_plane(qingdao.bounds, x // 100 * 100 + east // 100 * 100 + dx, y // 100 * 100 + north // 100 * 100 + dy)
        assert not inside(qingdao.bounds, *point) or locate(*point) == locate.exactly(*point)
