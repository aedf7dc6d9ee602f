"""Cases of a file tried against a city's rules: the shipped ones hold, and what is otherwise is told with its line."""

from pathlib import Path

import pytest

from adapters.boundaries import locator
from config.load import city_folder, load_city
from config.load_trials import FILE, try_file
from config.settings import Settings

SETTINGS = Settings()
CITY = load_city(SETTINGS)
LOCATE = locator(CITY, SETTINGS)
CASE = """[[case]]
name = "stall"
at = 2026-11-23T10:00:00
category = "street_stall"
lon = 120.3826
lat = 36.0671
positions = []
[case.expect]
unit = "law_enforcement-370202"
assisting = ["market_regulation-370202"]
limit = "2 urgent_hour"
deadline = 2026-11-23T04:00:00Z
escalation = [
  {at = 2026-11-23T11:36:00, what = "remind"},
  {at = 2026-11-23T12:00:00, what = "overdue"},
  {at = 2026-11-23T13:00:00, what = "escalate", level = "city"},
]
"""


def tried(folder: Path, text: str) -> list[str]:
    """What is otherwise than expected, as `line: message`."""
    path = folder / FILE
    path.write_text(text, "utf-8")
    return [f"{problem.line}: {problem.message}" for problem in try_file(path, CITY, LOCATE)[1]]


def test_the_city_s_own_cases_hold() -> None:
    done, problems = try_file(city_folder(SETTINGS) / FILE, CITY, LOCATE)
    assert problems == []
    assert len(done) >= 12


def test_a_case_that_is_as_expected_is_not_told(tmp_path: Path) -> None:
    assert tried(tmp_path, CASE) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('unit = "law_enforcement-370202"', 'unit = "x"', "9: stall: unit is law_enforcement-370202, expected x"),
        ('["market_regulation-370202"]', "[]", "10: stall: assisting is market_regulation-370202, expected none"),
        ('"2 urgent_hour"', '"4 work_hour"', "11: stall: limit is 2 urgent_hour, expected 4 work_hour"),
        ("04:00:00Z", "04:01:00Z", "12: stall: deadline is 2026-11-23T12:00:00, expected 2026-11-23T12:01:00"),
        ('level = "city"', 'level = "district"', "13: stall: escalation is 2026-11-23T11:36:00 remind; 2026-11-23T12:00:00 overdue; 2026"),
        ('unit = "law', 'unti = "law', "9: unknown key 'unti'; did you mean 'unit'?"),
        ('category = "street_stall"', 'category = "stall"', "1: stall: unknown category 'stall'"),
        ("lon = 120.3826", "lon = 12.3826", "1: stall: 12.3826, 36.0671 lies outside qingdao"),
        ("positions = []", 'positions = [{unit = "x", lon = 1, lat = 1}]', "1: stall: unknown unit 'x'"),
        ("positions = []", 'condition = "x"', "1: stall: street_stall has no condition 'x'"),
    ],
)
def test_a_difference_or_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in CASE
    [told] = tried(tmp_path, CASE.replace(old, new))
    assert told.startswith(said)


def test_a_file_without_cases_is_no_success(tmp_path: Path) -> None:
    assert tried(tmp_path, "") == ["1: no [[case]] in the file: nothing was tried"]
