"""What intake makes of single fields: time, category, plate, datum, sealed values, evidence, and CloudEvents in binary mode."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from incidents.commands import Identity
from incidents.errors import BadReport, RejectReason
from incidents.places import Point, distance_m, to_bd09, to_gcj02
from incidents.steps import intake
from incidents.vocabulary import Match, Severity
from tests.incidents.reporting import APPENDED, GONE, GOOD, changed, compact, good, qingdao, refused, taken

SEALED = {"sealed": "c2VhbGVk", "key": "k1", "match": "h1"}
PLAIN_JSON = "application/json"

NO_TIME = {
    "no offset": ("2026-11-21T08:15:02", "no offset"),
    "no offset, with a fraction": ("2026-11-21T08:15:02.123456", "no offset"),
    "a day": ("2026-11-21", "no offset"),
    "no seconds": ("2026-11-21T08:15Z", "RFC 3339"),
    "empty": ("", "RFC 3339"),
    "words": ("this morning", "RFC 3339"),
    "local habit": ("21.11.2026 08:15:02+08:00", "RFC 3339"),
    "epoch seconds": (1795219200, "1795219200"),
    "epoch milliseconds": (1795219200000, "1795219200000"),
    "epoch with a fraction": (1795219200.5, "1795219200.5"),
    "epoch seconds as text": ("1795219200", "'1795219200'"),
    "epoch milliseconds as text": ("1795219200000", "'1795219200000'"),
    "null": (None, "None"),
    "truth": (True, "True"),
    "a leap second": ("2026-12-31T23:59:60Z", "send 59"),
    "hour 24": ("2026-11-21T24:00:00Z", "RFC 3339"),
    "30 February": ("2026-02-30T08:15:02+08:00", "RFC 3339"),
    "another script's digits": ("２０２６-11-21T08:15:02+08:00", "RFC 3339"),
    "offset of a day": ("2026-11-21T08:15:02+24:00", "RFC 3339"),
    "the year 1": ("0001-01-01T00:00:00+23:59", "1970"),
    "the last hour of all": ("9999-12-31T23:59:59-23:59", "1970"),
}


@pytest.mark.parametrize(("time", "words"), NO_TIME.values(), ids=NO_TIME)
def test_a_time_that_is_none_is_refused(time: object, words: str) -> None:
    error = refused(good(time=time))
    assert error.reason == RejectReason.BAD_TIME and error.detail.startswith("time ") and words in error.detail


@pytest.mark.parametrize(
    "time", ["2026-11-21T00:15:02Z", "2026-11-21t00:15:02z", "2026-11-21 08:15:02.123456789+08:00", "2026-11-20T16:15:02-08:00"]
)
def test_a_time_with_any_offset_and_precision_is_the_same_second(time: str) -> None:
    assert intake.moment(taken(good(time=time))).replace(microsecond=0) == datetime(2026, 11, 21, 0, 15, 2, tzinfo=UTC)


BOUNDS = {
    "five minutes ahead": (timedelta(minutes=5), None),
    "a second more ahead": (timedelta(minutes=5, seconds=1), RejectReason.IN_FUTURE),
    "a year ahead": (timedelta(days=365), RejectReason.IN_FUTURE),
    "a day behind": (-timedelta(hours=24), None),
    "a second more behind": (-timedelta(hours=24, seconds=1), RejectReason.TOO_OLD),
    "a clock that was never set": (datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC) - APPENDED, RejectReason.TOO_OLD),
}


@pytest.mark.parametrize(("apart", "reason"), BOUNDS.values(), ids=BOUNDS)
def test_a_time_is_judged_against_the_records_append_time(apart: timedelta, reason: RejectReason | None) -> None:
    value = good(time=(APPENDED + apart).isoformat())
    if reason is None:
        taken(value)
    else:
        error = refused(value)
        assert error.reason == reason and str(abs(apart)) in error.detail and "at most" in error.detail


CATEGORIES = {
    "misspelt": ({"data__category": "road_spilage"}, "unknown_category", "'road_spilage'; see config/cities/qingdao/catalogue"),
    "of Boston": ({"data__category": "animal_lost"}, "unknown_category", "'animal_lost'"),
    "in capitals": ({"data__category": "ROAD_SPILLAGE"}, "unknown_category", "'ROAD_SPILLAGE'"),
    "another city": ({"city": "BOS"}, "other_city", "city 'BOS'; this stack is 'QD'"),
    "another city and category": ({"city": "BOS", "data__category": "animal_lost"}, "other_city", "'BOS'"),
    "the city by its folder": ({"city": "qingdao"}, "other_city", "'qingdao'"),
    "unknown condition": ({"data__category": "manhole_cover", "data__condition": "gone"}, "invalid_value", "missing, broken, wobbling"),
    "unknown channel": ({"data__channel": "telepathy"}, "invalid_value", "data.channel is 'telepathy'"),
    "unknown severity": ({"data__severity": "high"}, "invalid_value", "'emergency', 'major', 'normal' or 'minor'"),
    "another type of event": ({"type": "city.case.opened.v1"}, "invalid_value", "'city.incident.reported.v1'"),
    "another version of CloudEvents": ({"specversion": "0.3"}, "invalid_value", "'1.0'"),
}


@pytest.mark.parametrize(("changes", "reason", "words"), CATEGORIES.values(), ids=CATEGORIES)
def test_what_the_city_does_not_know_is_refused(changes: dict[str, object], reason: str, words: str) -> None:
    error = refused(good(**changes))
    assert error.reason == reason and words in error.detail


def test_a_report_without_a_city_is_this_citys() -> None:
    taken(good(city=GONE))


POSSIBLE = (
    "鲁B12345 鲁BA1234 鲁B1234A 京A0B12C 鲁BD12345 鲁BFA1234 鲁BJK1234 鲁B12345D "
    "鲁B12345F 鲁B1234学 鲁B1234警 鲁B1234挂 粤Z1234港 粤Z1234澳 沪A0012领 使014578 鲁X0001应急"
)
IMPOSSIBLE = (
    "12345 鲁12345 B12345 鲁B1234 鲁B123456 鲁BI2345 鲁BO2345 鲁I12345 鲁BD1234I "
    "鲁BL12345 鲁b12345 鲁B·12345 鲁B-12345 鲁B1234挂挂 鲁学1234B 台A12345 鲁B１２３４５ ABC1234 无牌"
)


@pytest.mark.parametrize("plate", POSSIBLE.split())
def test_a_plate_that_an_authority_issues_is_taken(plate: str) -> None:
    taken(good(data__category="muck_truck_mud", data__plate=plate))


@pytest.mark.parametrize("plate", [*IMPOSSIBLE.split(), "", " 鲁B12345", "鲁B12345\n"])
def test_a_plate_that_nobody_issues_is_refused_whatever_the_category(plate: str) -> None:
    for category in ("muck_truck_mud", "road_spillage"):
        error = refused(good(data__category=category, data__plate=plate))
        assert error.reason == RejectReason.BAD_PLATE and f"{len(plate)} characters" in error.detail
        assert not plate or plate not in error.detail


def test_a_sealed_plate_is_never_judged_and_matches_by_its_match() -> None:
    data = taken(good(data__category="muck_truck_mud", data__plate=SEALED))["data"]
    assert intake.identity(data, qingdao().catalogue["muck_truck_mud"]) == Identity(kind=Match.PLATE, value="h1")


FORMS = {
    "plate": {"data__plate": SEALED},
    "unit and floor": {"data__building": {"id": "b1", "unit": SEALED, "floor": SEALED}},
    "plain unit and floor": {"data__building": {"id": "b1", "unit": 2, "floor": "-1"}},
    "reporter": {"data__reporter": SEALED},
    "name and phone": {"data__reporter": {"name": SEALED, "phone": SEALED}},
    "plain name and phone": {"data__reporter": {"name": "张三", "phone": "13800000000"}},
}


@pytest.mark.parametrize("changes", FORMS.values(), ids=FORMS)
def test_personal_values_may_be_sealed_or_plain(changes: dict[str, object]) -> None:
    taken(good(**changes))


SEALABLE = ("data__plate", "data__reporter", "data__reporter__phone", "data__building__unit", "data__building__floor")
BAD_SEALS = {
    "no match": ({"sealed": "x", "key": "k"}, "missing_field", ".match is required"),
    "no key": ({"sealed": "x", "match": "m"}, "missing_field", ".key is required"),
    "empty match": (SEALED | {"match": ""}, "invalid_value", ".match"),
    "more than a seal": (SEALED | {"more": "鲁B12345"}, "invalid_value", ".more"),
    "a number": (SEALED | {"match": 7}, "invalid_value", ".match"),
    "too long": (SEALED | {"sealed": "x" * 5000}, "invalid_value", ".sealed"),
}


@pytest.mark.parametrize(("seal", "reason", "words"), BAD_SEALS.values(), ids=BAD_SEALS)
@pytest.mark.parametrize(
    "path", ["data__plate", "data__reporter", "data__reporter__phone", "data__building__unit", "data__building__floor"]
)
def test_a_broken_seal_is_refused_and_says_what_is_wrong_with_it(path: str, seal: object, reason: str, words: str) -> None:
    error = refused(good(data__building={"id": "b1"}, **{path: seal}))
    assert error.reason == reason and path.replace("__", ".") + words in error.detail


HIDDEN = (
    *("data__reporter__phone", "data__reporter__name", "data__building__unit", "data__building__floor"),
    *("data__reporter", "data__building", "data__plate", "data__description", "data"),
)


@pytest.mark.parametrize("path", HIDDEN)
@pytest.mark.parametrize("wrong", [["13800000000"], 13800000000, {"id": ["13800000000"], "sealed": "13800000000"}])
def test_a_wrong_value_that_may_be_personal_is_not_told(path: str, wrong: object) -> None:
    before: dict[str, object] = {} if path == "data" else {"data__building": {"id": "b1"}, "data__reporter": {"name": "a"}}
    error = refused(good(**(before | {path: wrong})))
    assert path.replace("__", ".") in error.detail and "138" not in error.detail


NO_JSON = ('"13800000000', '{"data":{"reporter":{"phone":"13800000000"}', "王芳,13800000000", '{"phone":"13800000000\x80"}')


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_no_json_is_not_told_but_for_its_first_letters(text: str) -> None:
    error = refused(text.encode("latin-1" if "\x80" in text else "utf-8"))
    assert error.reason == RejectReason.NOT_JSON and "13800" not in error.detail and "王芳" not in error.detail


WRONG: dict[str, list[object]] = {
    "evidence": ["s3://a", {"url": "s3://a"}, ["s3://a"], [None], [[]], [{"url": 7}], [{"captured_at": 1795219200}]],
    "confidence": [1.01, -0.01, "0.9", True, [0.9], "high"],
    "building": [
        "b1",
        [],
        7,
        {},
        {"id": ""},
        {"id": 7},
        {"id": "b1", "floor": True},
        {"id": "b1", "floor": 1.5},
        {"id": "b1", "floor": 10**30},
    ],
    "part_id": [7, "", [], {}, True, "x" * 300],
    "address": [7, [], {}, "x" * 600],
    "algorithm": [7, "", {}],
    "description": [7, [], {}, "x" * 9000],
    "reporter": ["张三", [], 7, {"phone": 13800000000}],
    "external": ["12345", {"system": "12345"}, {"system": "12345", "number": 7}, {"system": "a", "number": "b", "reply_by": 1795219200}],
    "attributes": ["a", [], 7, True, {"n": 2**63}],
    "condition": [7, "", []],
    "severity": [1, "", []],
    "plate": [7, [], True, "x" * 40],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_wrong_optional_value_is_refused_by_its_name(field: str, value: object) -> None:
    error = refused(good(**{f"data__{field}": value}))
    assert error.reason in (RejectReason.INVALID_VALUE, RejectReason.INVALID_SHAPE, RejectReason.MISSING_FIELD, RejectReason.BAD_PLATE)
    assert f"data.{field}" in error.detail or error.detail.startswith(f"the {field} ")


@pytest.mark.parametrize(("datum", "forward"), [("gcj02", to_gcj02), ("bd09", to_bd09)])
def test_another_datum_is_converted_to_wgs84(datum: str, forward: Callable[[float, float], Point]) -> None:
    lon, lat = forward(120.3826, 36.0671)
    assert distance_m(lon, lat, 120.3826, 36.0671) > 100
    found = intake.point(taken(good(data__location={"lon": lon, "lat": lat, "datum": datum}))["data"], qingdao())
    assert found is not None and distance_m(*found, 120.3826, 36.0671) < 0.01


@pytest.mark.parametrize("datum", ["wgs84", None])
def test_wgs84_is_what_is_meant_when_nothing_is_said(datum: str | None) -> None:
    assert intake.point(taken(good(data__location__datum=datum))["data"], qingdao()) == (120.3826, 36.0671)


WHERE_ELSE = ({"building": {"id": "b1"}}, {"part_id": "M-17"}, {"address": "山东路 1 号"}, {"location": {"address": "山东路 1 号"}})


@pytest.mark.parametrize("where", WHERE_ELSE)
def test_a_building_a_part_or_an_address_may_stand_for_a_location(where: dict[str, object]) -> None:
    event = taken(good(data={"category": "road_spillage", "channel": "hotline", "location": None} | where))
    assert intake.point(event["data"], qingdao()) is None


def test_the_more_urgent_of_report_condition_and_category_counts() -> None:
    leak = qingdao().catalogue["gas_leak"]
    assert intake.severity(taken(good(data__category="gas_leak", data__severity="minor"))["data"], leak) is Severity.EMERGENCY


# --- binary mode --------------------------------------------------------------------------------------------------------------------

HEADERS = [(f"ce_{key}", str(GOOD[key]).encode()) for key in ("specversion", "id", "source", "type", "time", "city", "origin")]
DATA = compact(GOOD["data"])


def test_an_event_in_binary_mode_is_the_same_report() -> None:
    for headers in (HEADERS, [("content-type", PLAIN_JSON.encode()), *HEADERS], [(key.upper(), held) for key, held in HEADERS]):
        event = taken(intake.from_headers(headers, DATA))
        assert event["id"] == "6f0c" and event["data"] == taken(good())["data"]


def test_headers_that_make_no_event_leave_the_value_as_it_is() -> None:
    value = good()
    assert intake.from_headers([("traceparent", b"00-4bf9"), ("ce_id", b"other"), ("x", None)], value) is value
    assert intake.from_headers(HEADERS, None) is None


def without(name: str) -> list[tuple[str, bytes]]:
    return [(key, held) for key, held in HEADERS if key != name]


BINARY = {
    "no id": (without("ce_id"), DATA, "missing_field", "id is required"),
    "no time": (without("ce_time"), DATA, "missing_field", "time is required"),
    "no version": (without("ce_specversion"), DATA, "missing_field", "specversion is required"),
    "no value": (HEADERS, None, "null_value", "no value"),
    "nothing in it": (HEADERS, b"", "not_json", "0 bytes"),
    "no JSON": (HEADERS, b"<xml/>", "not_json", "'<xml'"),
    "2 MB": (HEADERS, b" " * 2_000_000, "oversized", "2000000"),
    "a list": (HEADERS, b"[" + DATA + b"]", "invalid_shape", "data is"),
    "a whole event": (HEADERS, good(), "missing_field", "data.category"),
    "data that goes on with attributes": (HEADERS, DATA + b',"subject":"x"', "not_json", "Extra data"),
    "data that says the id again": (HEADERS, DATA + b',"id":"x"', "not_json", "Extra data"),
    "a header twice": ([*HEADERS, ("CE_id", b"7")], DATA, "duplicate_keys", "id"),
    "data as a header": ([*HEADERS, ("ce_data", b"{}")], DATA, "duplicate_keys", "data"),
    "a header in no text": ([*without("ce_id"), ("ce_id", b"\xff")], DATA, "invalid_value", "ce_id"),
    "a header without a value": ([*without("ce_id"), ("ce_id", None)], DATA, "invalid_value", "id is ''"),
    "a header without a name": ([*HEADERS, ("ce_", b"x")], DATA, "empty_key", 'key ""'),
    "an epoch number": ([*without("ce_time"), ("ce_time", b"1795219200")], DATA, "bad_time", "1795219200"),
}


@pytest.mark.parametrize(("headers", "value", "reason", "words"), BINARY.values(), ids=BINARY)
def test_a_broken_event_in_binary_mode_is_refused(headers: list[tuple[str, bytes]], value: bytes | None, reason: str, words: str) -> None:
    with pytest.raises(BadReport) as caught:
        taken(intake.from_headers(headers, value))
    assert caught.value.reason == reason and words in caught.value.detail


def test_a_report_that_names_a_building_in_a_category_of_places_keeps_its_place() -> None:
    event = taken(compact(changed(data__building={"id": "b1"})))
    assert intake.identity(event["data"], qingdao().catalogue["road_spillage"]) is None
