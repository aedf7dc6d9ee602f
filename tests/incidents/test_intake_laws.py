"""Whatever anybody sends: intake gives a report or a BadReport, never anything else, and what it takes can be told."""

import copy
import json
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.commands import Command, Opening
from incidents.errors import BadReport, RejectReason
from incidents.places import Located
from incidents.steps import intake
from streams.telling import sight_data
from tests.incidents.reporting import APPENDED, GOOD, compact, qingdao, sorter

NUMBERS = st.one_of(
    st.integers(), st.floats(), st.integers(min_value=-(10**400), max_value=10**400), st.sampled_from([0, -0.0, 1e308, 2**63])
)
TEXTS = st.one_of(
    st.text(), st.sampled_from(["2026-11-21T08:15:02+08:00", "鲁B12345", "road_spillage", "wgs84", "", "a" * 5000, "NaN", "\x00"])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=20,
)
FIELDS = (
    *GOOD["data"],
    *["condition", "plate", "building", "part_id", "description", "reporter", "external", "attributes", "address", "more"],
)
LON_LAT = {"lon": st.floats(119, 122), "lat": st.floats(35, 38)}
SHAPED = {
    "location": st.fixed_dictionaries(LON_LAT, optional={"datum": st.sampled_from(["gcj02", "bd09"]), "accuracy_m": NUMBERS}),
    "building": st.fixed_dictionaries({"id": TEXTS}, optional={"unit": JSON, "floor": JSON}),
    "reporter": st.dictionaries(st.sampled_from(["name", "phone", "sealed", "key", "match", "more"]), JSON),
    "external": st.fixed_dictionaries({"system": TEXTS, "number": TEXTS}, optional={"reply_by": JSON}),
    "evidence": st.lists(st.dictionaries(st.sampled_from(["url", "sha256", "media_type", "captured_at", "more"]), JSON), max_size=3),
    "attributes": st.dictionaries(TEXTS, JSON, max_size=4),
    "plate": st.dictionaries(st.sampled_from(["sealed", "key", "match"]), TEXTS),
    "channel": st.sampled_from(["hotline", "app", "iot"]),
}


def way_through(value: bytes | None) -> Opening | None:
    """Send a value all the way; None when it was refused. Anything but a BadReport leaves."""
    try:
        sighting = sorter().sighting(value)
        intake.judge_time(sighting.at, qingdao(), APPENDED)
        group = sorter().group(sighting, value or b"", 0, sighting.time)
    except BadReport as error:
        assert error.reason in RejectReason and 0 < len(error.detail) < 1000
        return None
    totals = ["/a", f"1|{sighting.time}|{sighting.time}|t|0|0"]
    sight: dict[str, Any] = {
        "case": group.new_id,
        "urgent": group.urgent,
        "totals": totals,
        "opens": {"opening": orjson.loads(group.opening)},
    }
    command = Command.model_validate_json(orjson.dumps(sight_data("sight:t:0:1", sight, lambda lon, lat: Located())))
    assert command.opening is not None
    return command.opening


@given(st.binary(max_size=300))
def test_any_bytes_are_a_report_or_refused(value: bytes) -> None:
    way_through(value)


@given(JSON)
def test_any_json_is_a_report_or_refused(value: object) -> None:
    way_through(json.dumps(value).encode())


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    """The good report with up to three fields of any content."""
    report = copy.deepcopy(GOOD)
    for name in draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True)):
        report["data"][name] = draw(st.one_of(JSON, SHAPED.get(name, JSON)))
    for name in draw(st.lists(st.sampled_from(["id", "source", "time", "city", "origin", "data", "more"]), max_size=1)):
        report[name] = draw(JSON)
    return report


@settings(max_examples=600)
@given(spoiled())
def test_a_report_with_fields_of_any_content_is_taken_and_told_or_refused(report: dict[str, Any]) -> None:
    opening = way_through(json.dumps(report).encode())
    if opening is not None:
        assert opening.attributes == (report["data"].get("attributes") or None)
        assert opening.source == report["source"] and opening.report_id == report["id"]


@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_attributes_of_any_content_come_back_as_they_were_or_are_refused(attributes: dict[str, Any]) -> None:
    report = copy.deepcopy(GOOD)
    report["data"]["attributes"] = attributes
    opening = way_through(json.dumps(report).encode())
    assert opening is None or opening.attributes == (attributes or None)


@settings(max_examples=300)
@given(st.data())
def test_a_report_with_any_bytes_put_anywhere_is_taken_or_refused(data: st.DataObject) -> None:
    value = compact(GOOD)
    at, length = data.draw(st.integers(0, len(value))), data.draw(st.integers(0, 20))
    way_through(value[:at] + data.draw(st.binary(max_size=20)) + value[at + length :])


@given(st.text(max_size=40))
def test_any_text_as_time_is_a_moment_or_refused(text: str) -> None:
    way_through(compact(GOOD | {"time": text}))


@given(st.datetimes(), st.integers(-1439, 1439), st.integers(0, 9))
def test_any_moment_that_can_be_written_is_judged(at: Any, minutes: int, digits: int) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    fraction = f".{at.microsecond:06d}000"[: digits + 1] if digits else ""
    way_through(compact(GOOD | {"time": f"{at.replace(microsecond=0).isoformat()}{fraction}{offset}"}))


@given(spoiled())
def test_how_the_json_is_laid_out_changes_no_verdict(report: dict[str, Any]) -> None:
    laid_out = [compact(report), json.dumps(report).encode(), json.dumps(report, indent=1, separators=(" ,", " : ")).encode()]
    first, *others = map(way_through, laid_out)
    assert all(other == first for other in others)


@given(
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_specversion", "CE_time", "ce_", "ce_data", "x"]), st.none() | st.binary())),
    st.binary(),
)
def test_any_headers_are_an_event_or_refused(headers: list[tuple[str, bytes | None]], value: bytes) -> None:
    try:
        structured = intake.from_headers(headers, value)
    except BadReport as error:
        assert error.reason in RejectReason
        return
    way_through(structured)
