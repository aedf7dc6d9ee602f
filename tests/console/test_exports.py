"""Cases as files for other programs: nothing runs in a spreadsheet, names stand beside keys, a map program can read them."""

import csv
import io
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import load_city
from config.settings import Settings
from console.case_export import FORMULA, as_csv, as_geojson, columns
from console.example_values import ROW

CITY = load_city(Settings(city="qingdao"))
UNIT = CITY.units[0]


def a_row(**changes: Any) -> dict[str, Any]:
    """A row as the query layer gives it."""
    return {**ROW, "unit": UNIT.key, **changes}


def read(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The CSV as a spreadsheet reads it."""
    body = b"".join(as_csv(CITY, rows))
    assert body.startswith(b"\xef\xbb\xbf")
    assert body.replace(b"\r\n", b"").count(b"\r") == body.replace(b"\r\n", b"").count(b"\n") == 0
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_a_line_has_the_fields_of_a_row_and_the_names_behind_the_keys() -> None:
    [line] = read([a_row()])
    assert list(line) == columns()
    assert (line["case_id"], line["category_zh"], line["category_en"]) == (
        ROW["case_id"],
        "道路遗撒",
        CITY.catalogue["road_spillage"].name.en,
    )
    assert (line["district_zh"], line["unit_zh"], line["overdue"], line["lon"]) == ("市南区", UNIT.name.zh, "false", "120.3826")


def test_times_are_the_citys_with_their_offset() -> None:
    [line] = read([a_row()])
    assert line["opened_at"] == "2026-11-21T08:15:03+08:00"
    assert all(datetime.fromisoformat(line[name]).tzinfo for name in ("due_at", "first_seen", "entered_at"))


@pytest.mark.parametrize("text", ["=1+1", "+86 532", "-2", "@SUM(A1)", "\t=1", " =cmd|' /C calc'!A0", "＝1+1", "\u3000=1"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    [line] = read([a_row(address=text)])
    assert line["address"] == f"'{text}"


def test_numbers_stay_numbers() -> None:
    [line] = read([a_row(lon=-71.06, confidence=-0.0)])
    assert (line["lon"], line["confidence"]) == ("-71.06", "-0.0")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_whatever_people_wrote_comes_back_and_none_of_it_runs(told: list[tuple[str, str]]) -> None:
    lines = read([a_row(address=address, algorithm=algorithm) for address, algorithm in told])
    assert len(lines) == len(told)
    for line, (address, algorithm) in zip(lines, told, strict=True):
        for cell, text in ((line["address"], address), (line["algorithm"], algorithm)):
            assert cell in (text, f"'{text}")
            assert cell.lstrip(" \u3000")[:1] not in FORMULA


def test_the_geojson_is_a_collection_of_points_with_their_rows() -> None:
    rows = [a_row(), a_row(case_id="QD-20261121-0000000000", lon=120.5)]
    found = orjson.loads(b"".join(as_geojson(rows)))
    assert [each["id"] for each in found["features"]] == [row["case_id"] for row in rows]
    assert found["features"][1]["geometry"] == {"type": "Point", "coordinates": [120.5, ROW["lat"]]}
    assert found["features"][0]["properties"] == rows[0]
    assert orjson.loads(b"".join(as_geojson([])))["features"] == []


def test_a_long_export_comes_in_pieces() -> None:
    assert len(list(as_csv(CITY, (a_row() for _ in range(1000))))) > 4
