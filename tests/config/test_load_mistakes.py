"""Every mistake in a city's folder is told with its file, its line and what would be right."""

from pathlib import Path

import pytest

from config.load import check_city, load_folder
from incidents.errors import ConfigError
from tests.config import small_city

ROADS = "catalogue/roads.toml"
TRUCK = 'key = "truck"'
ZONE = '[[zone]]\nkey = "z"\nname = {zh = "区", en = "Zone"}\npolygon = [[120.0, 36.0], [120.1, 36.0]]'

# file, what is right, what is written instead, the line it must be told at (by its text), a part of the message
MISTAKES = {
    "broken syntax": ("city.toml", 'code = "SM"', 'code = "SM', 'code = "SM', "not TOML"),
    "an unknown key": ("city.toml", "time_zone =", "time_zon =", "time_zon =", "did you mean 'time_zone'?"),
    "another folder's key": ("city.toml", 'key = "small"', 'key = "big"', 'key = "big"', "the folder is 'small'"),
    "a small letter in the code": ("city.toml", '"SM"', '"sm"', 'code = "sm"', "capitals"),
    "a bad time zone": ("city.toml", "Asia/Shanghai", "Asia/Shangai", "time_zone", "no IANA time zone"),
    "west and east swapped": ("city.toml", "west = 120.0", "west = 122.0", "west = 122.0", "west is not below east"),
    "south and north swapped": ("city.toml", "south = 36.0", "south = 38.0", "south = 38.0", "south is not below north"),
    "longitude for latitude": ("city.toml", "south = 36.0", "south = 120.0", "south = 120.0", "longitude and latitude are swapped"),
    "a bound that is no number": ("city.toml", "north = 37.0", 'north = "x"', 'north = "x"', "bounds.north = 'x'"),
    "a bound missing": ("city.toml", "north = 37.0\n", "", "[bounds]", "bounds.north is missing"),
    "a name without English": ("city.toml", '{zh = "小城", en = "Small"}', '{zh = "小城"}', "name =", "name.en is missing"),
    "an unknown unit of time": ("city.toml", '"7d"', '"7w"', "reopen_within", "unknown unit 'w'"),
    "a duration without unit": ("city.toml", 'ahead = "5min"', 'ahead = "5"', 'ahead = "5"', "not a duration"),
    "a duration as a number": ("city.toml", 'past = "24h"', "past = 24", "past = 24", "not a duration"),
    "no accepted past": ("city.toml", 'past = "24h"\n', "", "[accept]", "accept.past is missing"),
    "an unknown stage": ("city.toml", 'check = "off"', 'chek = "off"', "chek", "unknown stage 'chek'"),
    "a channel without accuracy": ("city.toml", "drone = 10\n", "", "[accuracy_m]", "nothing of channel drone"),
    "an unknown channel": ("city.toml", "drone = 10", "dron = 10", "dron = 10", "accuracy_m.dron"),
    "a level twice": ("city.toml", '["city", "district"]', '["city", "district", "city"]', "levels", "twice"),
    "a geocode outside": ("city.toml", "[[120.5, 36.5]]", "[[36.5, 120.5]]", "default_geocodes", "[longitude, latitude]"),
    "no file of outlines": ("city.toml", "[stages]", '[boundaries]\nsource = "file"\n[stages]', "source =", 'needs file = "'),
    "a share beyond one": ("city.toml", "remind_at = 0.8", "remind_at = 80", "remind_at", "less than 1"),
    "hours backwards": ("calendar.toml", "ends = 12:00:00", "ends = 07:00:00", "[[hours]]", "before they begin"),
    "a holiday of another year": ("calendar.toml", "[2026-01-01]", "[2025-01-01]", "[[years]]", "does not lie in 2026"),
    "a day off and on": ("calendar.toml", "[2026-01-04]", "[2026-01-01]", "[[years]]", "2026-01-01 stands twice"),
    "a district twice": ("districts.toml", 'code = "200"', 'code = "100"', "[[district]]#2", "district 100 stands twice"),
    "a subdistrict twice": ("districts.toml", '"100002"', '"100001"', 'zh = "二街道"', "subdistrict 100001 stands twice"),
    "a subdistrict elsewhere": ("districts.toml", '"100002"', '"200002"', '"200002"', "does not lie in district 100"),
    "a subdistrict unnamed": ("districts.toml", ', en = "Second"', "", '"100002"', "{code, zh, en}"),
    "an unknown office": ("units.toml", 'per = "district"', 'per = "village"', 'per = "village"', "'city' or 'district'"),
    "a unit's unknown district": ("units.toml", 'district = "100"', 'district = "10"', 'district = "10"', "did you mean '100'?"),
    "a unit's unknown level": ("units.toml", 'level = "district"', 'level = "county"', 'level = "county"', "unknown level 'county'"),
    "a unit's unknown parent": ("units.toml", '"police-city"', '"polise-city"', "polise", "did you mean 'police-city'?"),
    "a unit above itself": ("units.toml", '"police-city"', '"east-fire"', 'parent = "east-fire"', "above itself"),
    "a unit twice": ("units.toml", 'key = "east-fire"', 'key = "police-city"', "[[unit_kind]]#2", "stands already"),
    "a route to nobody": ("routes.toml", 'lead = "police"', 'lead = "polise"', "polise", "did you mean 'police'?"),
    "a route's unknown helper": ("routes.toml", '["fire"]', '["fir"]', '["fir"]', "unknown unit kind 'fir'"),
    "a route's unknown district": ("routes.toml", 'district = "100"', 'district = "300"', 'district = "300"', "unknown district '300'"),
    "a route's unknown category": ("routes.toml", '"spillage"', '"spilage"', '"spilage"', "did you mean 'spillage'?"),
    "a route's unknown channel": ("routes.toml", 'domain = "roads"', 'channel = "radio"', "radio", "channel = 'radio'"),
    "a route's unknown condition": ("routes.toml", 'condition = "oil"', 'condition = "ol"', "[[route]]", "can never match"),
    "a route that does nothing": ("routes.toml", 'lead = "police"\n', "", "[[route]]", "changes nothing"),
    "a route where the lead is not": ("routes.toml", 'lead = "police"', 'lead = "fire"', 'lead = "fire"', "no 'fire' for 200"),
    "a route to no zone": ("routes.toml", 'district = "100"', 'zone = "park"', 'zone = "park"', "unknown zone 'park'"),
    "a route to no area": ("routes.toml", 'district = "100"', 'area = "300"', 'area = "300"', "unknown area '300'"),
    "a route's unknown owner": ("routes.toml", 'district = "100"', 'owner = "gas"', 'owner = "gas"', "unknown owner 'gas'"),
    "a route's unknown patrol": ("routes.toml", 'lead = "police"', 'nearest = ["car"]', 'nearest = ["car"]', "unknown unit kind 'car'"),
    "hours that are none": ("routes.toml", 'district = "100"', 'hours = "8-18"', 'hours = "8-18"', "hours = '8-18'"),
    "hours of nothing": ("routes.toml", 'district = "100"', 'hours = "08:00-08:00"', "hours =", "end when they begin"),
    "days that are none": ("routes.toml", 'district = "100"', 'days = "sunday"', "days =", "'workday' or 'restday'"),
    "a zone that is a line": ("routes.toml", "[[route]]", f"{ZONE}\n[[route]]", "polygon =", "at least 3"),
    "a fallback that is none": ("routes.toml", "[[route]]", 'fallback = "polise"\n[[route]]', "fallback =", "did you mean 'police'?"),
    "a unit fit for nothing": ("units.toml", 'district = "100"', 'handles = ["spilage"]', "handles =", "did you mean 'spillage'?"),
    "a unit for no area": ("units.toml", 'district = "100"', 'area = "x"', 'area = "x"', "no subdistrict, community or grid"),
    "no register of parts": (ROADS, 'nature = "instant"', 'nature = "instant"\nby_asset = true', "by_asset", "needs assets.csv"),
    "a domain without name": (ROADS, 'name = {zh = "道路", en = "Roads"}\n', "", "[domain]", "name is missing"),
    "a category twice": (ROADS, TRUCK, 'key = "spillage"', 'key = "spillage"#2', "stands already at"),
    "a code twice": (ROADS, '"0311"', '"0114"', 'code = "0114"#2', "code of domain roads '0114' stands already"),
    "a misspelt key of a category": (ROADS, 'lead = "police"', 'leed = "police"', "leed", "did you mean 'lead'?"),
    "an unknown nature": (ROADS, '"instant"', '"momentary"', '"momentary"', "'lasting' or 'instant'"),
    "an unknown match": (ROADS, '["plate"]', '["colour"]', '["colour"]', "match.0 = 'colour'"),
    "no match at all": (ROADS, '["plate"]', "[]", "match = []", "match is empty"),
    "a window in weeks": (ROADS, 'window = "2h"', 'window = "2w"', 'window = "2w"', "unknown unit 'w'"),
    "a default in weeks": (ROADS, 'window = "24h"', 'window = "24x"', 'window = "24x"', "unknown unit 'x'"),
    "an unknown clock": (ROADS, '"urgent_hour"', '"soon"', '"soon"', "conditions.1.clock = 'soon'"),
    "a limit in unknown words": (
        ROADS,
        'clock = "work_day", limit = 2',
        'limit = "2紧急工作时制止"',
        "制止",
        "'2紧急工作时制止' is no limit",
    ),
    "a limit in words and a clock": (ROADS, 'clock = "work_day", limit = 2', 'clock = "work_day", limit = "2天"', "2天", "names its clock"),
    "a limit as text": (ROADS, 'clock = "work_day", limit = 2', 'limit = "2"', 'limit = "2"', "'2' is no limit"),
    "half a working day": (ROADS, 'clock = "work_day", limit = 2', 'clock = "work_day", limit = 0.5', "limit = 0.5", "days of a calendar"),
    "a year twice": ("calendar.toml", "[[years]]", "[[years]]\nyear = 2026\n[[years]]", "ends =", "each year stands once"),
    "a limit of nothing": (ROADS, "limit = 4", "limit = 0", "limit = 0", "greater than 0"),
    "a condition twice": (ROADS, 'key = "oil"', 'key = "spilled"', '"Oil"', "condition 'spilled' stands twice"),
    "no conditions": (ROADS, 'conditions = [{key = "open"', 'condition = [{key = "open"', "condition = [", "did you mean 'conditions'?"),
    "no filing": (ROADS, 'filing = {machine = "auto", grid_worker = "auto", business_data = "auto"}\n', "", "[[category]]", "grid_worker"),
    "filing of an unknown channel": (ROADS, '{machine = "review"}', '{robot = "review"}', "robot", "unknown channel 'robot'"),
    "an unknown filing": (ROADS, '{machine = "review"}', '{machine = "maybe"}', "maybe", "none of auto, review, verify"),
    "filing that is no table": (ROADS, '{machine = "review"}', '"review"', 'filing = "review"', "filing is a table"),
    "a plate filed by rule": (ROADS, '{machine = "review"}', '{machine = "auto"}', '{machine = "auto"}', "reviewed by a person"),
    "an instant thing without span": (ROADS, 'max_span = "30min"\n', "", "[[category]]#2", "needs max_span"),
    "a span below the window": (ROADS, 'window = "2h"', 'window = "2h"\nmax_span = "1h"', "max_span", "can never be used up"),
    "trust without confirmation": (ROADS, 'window = "2h"', 'window = "2h"\ntrust = 0.5', "trust", "confirm ≥ 2"),
    "an unknown lead": (ROADS, 'lead = "police"', 'lead = "polise"', "polise", "did you mean 'police'?"),
    "an unknown helper": (ROADS, '["police"]', '["polis"]', '["polis"]', "did you mean 'police'?"),
    "a lead missing in a district": (ROADS, 'lead = "police"', 'lead = "fire"', 'lead = "fire"', "no 'fire' for 200"),
    "a radius of a country": (ROADS, "radius_m = 50", "radius_m = 50000", "radius_m", "less than or equal to 5000"),
    "a category with a domain": (ROADS, TRUCK, TRUCK + '\ndomain = "roads"', "domain =", "has the domain of its file"),
}


def line_of(path: Path, text: str) -> int:
    """Line of `text`, of its n-th appearance when it ends with `#n`."""
    wanted, _, number = text.partition("#")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [at for at, line in enumerate(lines, 1) if wanted in line][int(number or 1) - 1]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_at_its_line(tmp_path: Path, mistake: str) -> None:
    file, old, new, at, message = MISTAKES[mistake]
    city = small_city.write(tmp_path, file, old, new)
    problems = check_city(city)
    told = [problem for problem in problems if message in problem.message]
    assert told, f"not told: {problems}"
    assert told[0].path.endswith(file)
    assert told[0].line == line_of(city / file, at), str(told[0])


def test_the_small_city_is_right(tmp_path: Path) -> None:
    assert check_city(small_city.write(tmp_path)) == []


def test_a_route_that_an_earlier_one_takes_everything_from_is_told(tmp_path: Path) -> None:
    wide = '[[route]]\nkey = "all"\nlead = "police"\n\n'
    city = small_city.write(tmp_path, "routes.toml", "[[route]]", wide + "[[route]]")
    assert [(problem.line, "'all' above it takes all" in problem.message) for problem in check_city(city)] == [(5, True), (11, True)]


@pytest.mark.parametrize("file", ["city.toml", "units.toml", "routes.toml", "districts.toml", "calendar.toml"])
def test_a_missing_file_is_told_once(tmp_path: Path, file: str) -> None:
    city = small_city.write(tmp_path)
    (city / file).unlink()
    assert [problem.message for problem in check_city(city) if problem.path.endswith(file)] == ["the file is missing"]


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    city = small_city.write(tmp_path)
    (city / "units.toml").write_bytes('name = "青岛"'.encode("gbk"))
    assert "is not UTF-8" in check_city(city)[0].message


def test_a_city_without_a_category_is_told(tmp_path: Path) -> None:
    city = small_city.write(tmp_path)
    (city / "catalogue" / "roads.toml").unlink()
    assert any("no usable category" in problem.message for problem in check_city(city))


def test_all_mistakes_are_told_at_once_and_the_error_begins_with_the_first(tmp_path: Path) -> None:
    city = small_city.write(tmp_path, "city.toml", 'code = "SM"', 'code = "sm"')
    (city / "units.toml").write_text('[[unit]]\nkind = "fire"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_folder(city)
    assert raised.value.line == 2
    assert "city.toml:2: code = 'sm'" in str(raised.value)
    assert "units.toml:1: key is missing" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("code;owner\nP1;police-city\n", 1, "column code and owner is missing"),
        ("code,owner\nP1,police-city\nP2,polise-city\n", 3, "did you mean 'police-city'?"),
        ("code,owner\nP1,police-city\nP1,east-fire\n", 3, "part P1 stands twice"),
        ("code,owner\n,police-city\n", 2, "a part without code"),
        ("code,owner\nP1\n", 2, "unknown unit ''"),
    ],
)
def test_a_mistake_in_the_register_of_parts_is_told_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    folder = small_city.write(tmp_path)
    (folder / "assets.csv").write_text(text, "utf-8")
    [problem] = check_city(folder)
    assert problem.path.endswith("assets.csv")
    assert problem.line == line
    assert message in problem.message


def test_the_register_of_parts_is_read_and_counts_as_a_rule(tmp_path: Path) -> None:
    folder = small_city.write(tmp_path)
    before = load_folder(folder)
    (folder / "assets.csv").write_text("\ufeffcode,owner,note\nP1, police-city ,x\n", "utf-8")
    after = load_folder(folder)
    assert after.assets == {"P1": "police-city"}
    assert after.rules != before.rules
