"""A mapping turns a foreign record into a report, and never loses one that has an id."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.mappings import load_mapping, parse_mapping
from config.settings import ROOT
from incidents.errors import ConfigError, UserError
from incidents.mapping import Mapping, Record, Skip, TimeRule, Translator, slug

NEW_YORK = "America/New_York"


def a_mapping(**changes: object) -> Mapping:
    return Mapping.model_validate(
        {
            "about": "a test",
            "id": "number",
            "source": "/desk/{desk}",
            "time": {"column": "opened", "format": "%m/%d/%Y %I:%M:%S %p", "zone": NEW_YORK},
            "fields": {"category": "type", "channel": "by", "location.lon": "x", "location.lat": "y", "address": "street"},
            "constants": {"location.datum": "wgs84"},
            "values": {"channel": {"Phone": "hotline"}},
            "slugs": ["category"],
            **changes,
        }
    )


FOREIGN = st.one_of(st.none(), st.text(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.lists(st.booleans()))

ROW = {
    "number": "7",
    "desk": "North End",
    "opened": "01/01/2015 12:20:09 AM",
    "type": "Pothole (New)",
    "by": "Phone",
    "x": "-71.06",
    "y": "42.36",
    "street": " 1 Main  St ",
}


def translated(row: Record, mapping: Mapping | None = None) -> Any:
    return Translator(mapping or a_mapping(), "BOS", "boston").translate(row)


def test_a_row_becomes_a_report_with_every_required_member() -> None:
    done = translated(ROW)
    assert done.problems == ()
    assert done.event == {
        "specversion": "1.0",
        "id": "7",
        "source": "/desk/north_end",
        "type": "city.incident.reported.v1",
        "time": "2015-01-01T00:20:09-05:00",
        "datacontenttype": "application/json",
        "city": "BOS",
        "origin": "boston",
        "data": {
            "category": "pothole_new",
            "channel": "hotline",
            "address": "1 Main  St",
            "location": {"lon": -71.06, "lat": 42.36, "datum": "wgs84"},
        },
    }


@pytest.mark.parametrize(
    ("column", "value", "path", "kept"),
    [
        ("opened", "soon", ("time",), "soon"),
        ("opened", "2015-01-01", ("time",), "2015-01-01"),
        ("x", "west", ("data", "location", "lon"), "west"),
        ("by", "Pigeon", ("data", "channel"), "Pigeon"),
    ],
)
def test_what_cannot_be_translated_travels_as_it_is_with_a_problem(column: str, value: str, path: tuple[str, ...], kept: str) -> None:
    done = translated(ROW | {column: value})
    inner = done.event
    for name in path:
        inner = inner[name]
    assert inner == kept
    assert [name for name, _ in done.problems] == [column]


def test_without_an_id_there_is_no_report_but_a_problem() -> None:
    done = translated(ROW | {"number": " "})
    assert done.event is None
    assert done.problems[0][0] == "number"


def test_an_empty_column_leaves_its_field_out_and_a_place_without_coordinates_has_no_location() -> None:
    done = translated(ROW | {"x": "", "y": ""})
    assert done.event["data"] == {"category": "pothole_new", "channel": "hotline", "address": "1 Main  St"}


def test_a_skip_rule_leaves_a_record_out_without_a_problem() -> None:
    mapping = a_mapping(skip=(Skip(column="desk", values=("North End",)),))
    done = translated(ROW, mapping)
    assert done.event is None
    assert done.problems == ()


def test_a_nested_object_is_read_by_its_path() -> None:
    mapping = a_mapping(fields={"category": "what.kind", "channel": "what.by"}, constants={})
    done = translated(ROW | {"what": {"kind": "A b", "by": "Phone"}}, mapping)
    assert done.event["data"] == {"category": "a_b", "channel": "hotline"}


@pytest.mark.parametrize(
    ("local", "fold", "instant"),
    [
        ("03/08/2015 01:59:59 AM", "first", "2015-03-08T01:59:59-05:00"),
        ("03/08/2015 02:30:00 AM", "first", "2015-03-08T03:30:00-04:00"),  # a gap: no clock in Boston showed it
        ("03/08/2015 02:30:00 AM", "second", "2015-03-08T03:30:00-04:00"),
        ("03/08/2015 03:00:00 AM", "first", "2015-03-08T03:00:00-04:00"),
        ("11/01/2015 01:30:00 AM", "first", "2015-11-01T01:30:00-04:00"),  # a fold: it came twice
        ("11/01/2015 01:30:00 AM", "second", "2015-11-01T01:30:00-05:00"),
        ("11/01/2015 02:00:00 AM", "second", "2015-11-01T02:00:00-05:00"),
    ],
)
def test_a_change_of_clocks_is_read_by_the_rule(local: str, fold: str, instant: str) -> None:
    rule = TimeRule.model_validate({"column": "t", "format": "%m/%d/%Y %I:%M:%S %p", "zone": NEW_YORK, "fold": fold})
    assert rule.read(local).isoformat() == instant


@given(st.integers(40_000_000, 2_100_000_000), st.sampled_from([NEW_YORK, "Asia/Shanghai", "UTC"]))
def test_every_moment_written_in_local_time_is_read_back(second: int, zone: str) -> None:
    moment = datetime.fromtimestamp(second, UTC)
    local = moment.astimezone(ZoneInfo(zone))
    rule = TimeRule.model_validate(
        {"column": "t", "format": "%Y-%m-%d %H:%M:%S", "zone": zone, "fold": "second" if local.fold else "first"}
    )
    assert rule.read(local.strftime("%Y-%m-%d %H:%M:%S")) == moment


@given(st.integers(0, 4_000_000_000_000))
def test_epoch_numbers_are_read_in_seconds_and_milliseconds(ms: int) -> None:
    assert TimeRule(column="t", format="epoch_ms").read(str(ms)).timestamp() == pytest.approx(ms / 1000, abs=1e-3)
    assert TimeRule(column="t", format="epoch_s").read(ms // 1000).timestamp() == ms // 1000


@given(st.dictionaries(st.sampled_from(list(ROW)), FOREIGN))
def test_no_record_whatever_stands_in_it_breaks_a_mapping(changes: dict[str, object]) -> None:
    done = translated(ROW | changes)
    number = changes.get("number", "7")
    assert (done.event is None) == (number is None or not str(number).strip())
    assert orjson.dumps(done.event)


@given(st.text())
def test_a_slug_holds_only_letters_digits_and_single_underscores(text: str) -> None:
    made = slug(text)
    assert not made or (made.strip("_") == made and "__" not in made and made.isascii())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("about = 'x'\nid = \n", 2, "Invalid value"),
        ("about = 'x'\nid = 'a'\nsource = '/x'\n[time]\ncolumn = 't'\nzone = 'Mars/Base'\n[fields]\n", 6, "unknown time zone"),
        ("about = 'x'\nid = 'a'\nsource = '/x'\n[time]\ncolumn = 't'\n[fields]\ncategory = 'c'\n", None, "channel"),
        ("about = 'x'\nid = 'a'\nsource = '/x'\ncolour = 1\n[time]\ncolumn = 't'\n[fields]\ncategory='c'\nchannel='d'\n", 4, "colour"),
    ],
)
def test_a_wrong_mapping_is_told_with_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        parse_mapping(text, "m.toml")
    assert caught.value.line == line


def test_an_unknown_mapping_is_told_with_those_there_are() -> None:
    with pytest.raises(UserError, match="boston"):
        load_mapping("bostn", ROOT / "config", "boston")


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "cities").glob("*/mappings/*.toml")), ids=lambda path: path.stem)
def test_every_mapping_of_the_project_is_right(path: Path) -> None:
    assert load_mapping(str(path), ROOT / "config", "qingdao").columns
