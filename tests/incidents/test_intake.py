"""Bad input, kind by kind: each has its reason of the bounded set, and a detail that names the field, the value and what is right."""

import time

import pytest

from incidents.errors import RejectReason
from incidents.steps.intake import MAX_BYTES
from incidents.strict_json import MAX_ATTRIBUTES, MAX_DEPTH
from tests.incidents.reporting import GONE, GOOD, changed, compact, good, refused, taken, with_text

GOOD_JSON = compact(GOOD)
SEALED = {"sealed": "c2VhbGVk", "key": "k1", "match": "h1"}


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def test_the_good_report_is_taken() -> None:
    assert taken(GOOD_JSON)["data"]["category"] == "road_spillage"


NOT_ONE_EVENT = {
    "null": (None, "null_value", "no value"),
    "empty": (b"", "not_json", "0 bytes"),
    "words": (b"hello", "not_json", "'hell'"),
    "cut off": (GOOD_JSON[:-1], "not_json", "EOF"),
    "invalid UTF-8": (GOOD_JSON.replace(b"6f0c", b"\xff\xfe"), "not_json", "unicode"),
    "UTF-16": (GOOD_JSON.decode().encode("utf-16"), "not_json", "begin"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD_JSON, "not_json", "line 1 column 1"),
    "half a surrogate": (GOOD_JSON.replace(b"6f0c", rb"\ud800"), "not_json", "escape"),
    "a raw control character": (GOOD_JSON.replace(b"6f0c", b"6\x00c"), "not_json", "control character"),
    "a comment": (GOOD_JSON + b" // it burns", "not_json", "trailing"),
    "two with a comma": (GOOD_JSON + b"," + GOOD_JSON, "not_json", "trailing"),
    "two in lines": (GOOD_JSON + b"\n" + GOOD_JSON, "not_json", "trailing"),
    "two in a list": (b"[" + GOOD_JSON + b"," + GOOD_JSON + b"]", "invalid_shape", "object"),
    "list": (b"[]", "invalid_shape", "a list"),
    "text": (b'"fire"', "invalid_shape", "text"),
    "number": (b"17", "invalid_shape", "a number"),
    "JSON's null": (b"null", "invalid_shape", "object"),
    "truth": (b"true", "invalid_shape", "object"),
    "nothing in it": (b"{}", "missing_field", "specversion"),
    "data alone": (compact(GOOD["data"]), "missing_field", "specversion"),
    "2 MB": (good(data__description="x" * 2_000_000), "oversized", f"at most {MAX_BYTES}"),
    "2 MB of blanks": (b" " * 2_000_000, "oversized", "2000000 bytes"),
    "10,000 levels": (b"[" * 10_000 + b"]" * 10_000, "too_deep", str(MAX_DEPTH)),
    "10,000 levels without an end": (b'{"a":' * 10_000, "too_deep", str(MAX_DEPTH)),
    "10,000 levels in attributes": (with_text(deep(10_000), data__attributes="@"), "too_deep", str(MAX_DEPTH)),
    "a level too many in attributes": (with_text(deep(MAX_DEPTH - 1), data__attributes="@"), "too_deep", str(MAX_DEPTH)),
    "a level too many in an unknown key": (with_text(deep(MAX_DEPTH), more="@"), "too_deep", str(MAX_DEPTH)),
    "lists too deep in an unknown key": (with_text("[" * 100 + "]" * 100, more="@"), "too_deep", str(MAX_DEPTH)),
}


@pytest.mark.parametrize(("value", "reason", "words"), NOT_ONE_EVENT.values(), ids=NOT_ONE_EVENT)
def test_a_value_that_is_not_one_event_is_refused(value: bytes | None, reason: str, words: str) -> None:
    error = refused(value)
    assert error.reason == reason and words in error.detail


def test_what_is_as_deep_as_allowed_is_taken() -> None:
    taken(with_text(deep(MAX_DEPTH - 2), data__attributes="@"))


REQUIRED = ("specversion", "id", "source", "type", "time", "data", "data__category", "data__channel")


@pytest.mark.parametrize("path", REQUIRED)
def test_a_required_field_that_is_missing_is_named(path: str) -> None:
    error = refused(good(**{path: GONE}))
    assert error.reason == RejectReason.MISSING_FIELD and f"{path.replace('__', '.')} is required" in error.detail


@pytest.mark.parametrize("wrong", [None, 17, True, [], {}, "", "x" * 100_000])
@pytest.mark.parametrize("path", [path for path in REQUIRED if path != "data"])
def test_a_required_field_that_is_no_short_text_is_named(path: str, wrong: object) -> None:
    error = refused(good(**{path: wrong}))
    assert error.reason == (RejectReason.BAD_TIME if path == "time" else RejectReason.INVALID_VALUE)
    assert error.detail.startswith(path.replace("__", "."))


PLACELESS = {
    "no location": ({"data__location": GONE}, "no_location", "lon and lat"),
    "null": ({"data__location": None}, "no_location", "building, part_id or address"),
    "empty": ({"data__location": {}}, "missing_field", "data.location.lon"),
    "no longitude": ({"data__location__lon": GONE}, "missing_field", "data.location.lon is required"),
    "no latitude": ({"data__location__lat": GONE}, "missing_field", "data.location.lat is required"),
    "an empty address": ({"data__location": None, "data__address": ""}, "no_location", "address"),
    "a pair": ({"data__location": [120.3826, 36.0671]}, "invalid_shape", "data.location is [120.3826, 36.0671]"),
    "text": ({"data__location": "120.3826,36.0671"}, "invalid_shape", "data.location is '120.3826,36.0671'"),
    "text in it": ({"data__location__lon": "120.3826"}, "invalid_value", "data.location.lon is '120.3826'"),
    "truth in it": ({"data__location__lat": True}, "invalid_value", "data.location.lat is True"),
    "null in it": ({"data__location__lat": None}, "invalid_value", "data.location.lat is None"),
    "swapped": ({"data__location": {"lon": 36.0671, "lat": 120.3826}}, "out_of_bounds", "(swapped?)"),
    "zero": ({"data__location": {"lon": 0, "lat": 0}}, "out_of_bounds", "lon 0.0, lat 0.0 is out of qingdao"),
    "Beijing": ({"data__location": {"lon": 116.39, "lat": 39.91}}, "out_of_bounds", "lon 116.39"),
    "out of the world, in another datum": ({"data__location": {"lon": 1e300, "lat": -1e300, "datum": "bd09"}}, "out_of_bounds", "1e+300"),
    "unknown datum": ({"data__location__datum": "cgcs2000"}, "invalid_value", "'wgs84', 'gcj02' or 'bd09'"),
    "less than no accuracy": ({"data__location__accuracy_m": -1}, "invalid_value", "data.location.accuracy_m is -1"),
    "accuracy as text": ({"data__location__accuracy_m": "15"}, "invalid_value", "data.location.accuracy_m is '15'"),
    "accuracy as truth": ({"data__location__accuracy_m": True}, "invalid_value", "data.location.accuracy_m is True"),
}


@pytest.mark.parametrize(("changes", "reason", "words"), PLACELESS.values(), ids=PLACELESS)
def test_a_report_without_a_place_in_the_city_is_refused(changes: dict[str, object], reason: str, words: str) -> None:
    error = refused(good(**changes))
    assert error.reason == reason and words in error.detail


NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "9" * 4300, "9" * 5000)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: f"{number[:9]} of {len(number)}")
@pytest.mark.parametrize("path", ["data__location__lon", "data__location__accuracy_m", "data__confidence", "data__attributes__x"])
def test_a_number_that_no_computer_agrees_on_is_refused(path: str, number: str) -> None:
    error = refused(with_text(number, **{path: "@"}))
    assert error.reason == RejectReason.INVALID_VALUE and len(error.detail) < 300


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_refused_in_unknown_keys_too(word: str) -> None:
    assert refused(with_text(word, data__speed_kmh="@")).reason == RejectReason.INVALID_VALUE
    taken(good(data__road="NaNjing Lu, Infinity Plaza"))


TWICE = {
    "at the top": (b'"id":"6f0c"', b'"id":"6f0c","id":"6f0d"'),
    "at the top, the same": (b'"id":"6f0c"', b'"id":"6f0c","id":"6f0c"'),
    "at the top, once wrong": (b'"id":"6f0c"', b'"id":17,"id":"6f0d"'),
    "the whole data": (b'"origin":"qingdao"', b'"data":{},"origin":"qingdao"'),
    "in data": (b'"severity":"major"', b'"severity":"major","severity":"minor"'),
    "in the location": (b'"lon":120.3826', b'"lon":120.3826,"lon":120.4'),
    "in the evidence": (b'"url":"s3://a/b.jpg"', b'"url":"a","url":"b"'),
    "in attributes": (b'"severity":"major"', b'"attributes":{"a":1,"a":2}'),
    "in an unknown key": (b'"severity":"major"', b'"more":{"a":[{"b":1,"b":1}]}'),
    "an unknown key": (b'"severity":"major"', b'"more":1,"more":1'),
    "written otherwise": (b'"id":"6f0c"', rb'"id":"6f0c","\u0069d":"6f0d"'),
    "hidden by a blank": (b'"id":"6f0c","source":', b'"id":"6f0c","id":"6f0d","source" :'),
    "hidden by a tab": (b'"id":"6f0c","source":', b'"id":"6f0c","id":"6f0d","source"\t:'),
    "hidden by a line's end": (b'"id":"6f0c","source":', b'"id":"6f0c","id":"6f0d","source"\r\n:'),
}


@pytest.mark.parametrize(("before", "after"), TWICE.values(), ids=TWICE)
def test_a_key_that_stands_twice_is_refused(before: bytes, after: bytes) -> None:
    value = GOOD_JSON.replace(before, after)
    assert value != GOOD_JSON
    error = refused(value)
    assert error.reason == RejectReason.DUPLICATE_KEYS and "stands twice" in error.detail


@pytest.mark.parametrize("path", ["", "data__", "data__location__", "data__attributes__", "data__more__", "data__attributes__a__"])
def test_an_empty_key_is_refused(path: str) -> None:
    error = refused(good(**{path: 1}))
    assert error.reason == RejectReason.EMPTY_KEY and 'key ""' in error.detail


def test_an_empty_key_is_refused_in_the_evidence() -> None:
    assert refused(good(data__evidence=[{"": "x"}])).reason == RejectReason.EMPTY_KEY


ODD_BUT_RIGHT = {
    "unknown keys": changed(traceparent="00-4bf9", data__speed_kmh=17, data__location__floor="B2", data__more={"a": [1, {"b": None}]}),
    "optional keys null": changed(
        city=None,
        data__condition=None,
        data__severity=None,
        data__confidence=None,
        data__algorithm=None,
        data__plate=None,
        data__building=None,
        data__part_id=None,
        data__description=None,
        data__evidence=None,
        data__reporter=None,
        data__external=None,
        data__attributes=None,
    ),
    "only what is required": changed(
        datacontenttype=GONE,
        city=GONE,
        origin=GONE,
        data={"category": "road_spillage", "channel": "iot", "location": {"lon": 120, "lat": 36}},
    ),
    "empty lists and objects": changed(data__evidence=[], data__attributes={}, data__reporter={}),
    "keys and colons in text": changed(data__description='he said "a":1 and [NaN] : "id": twice'),
    "attributes of any shape": changed(data__attributes={"a": [1, 2.5, None, True, {"b": "ü"}], "n": 2**63 - 1}),
}


@pytest.mark.parametrize("report", ODD_BUT_RIGHT.values(), ids=ODD_BUT_RIGHT)
def test_what_the_contract_allows_is_taken(report: dict[str, object]) -> None:
    taken(compact(report))


def test_what_is_taken_does_not_depend_on_how_the_json_is_laid_out() -> None:
    loose = GOOD_JSON.replace(b'":', b'"\n : ').replace(b",", b" ,\t")
    assert taken(loose)["data"] == taken(GOOD_JSON)["data"]


LARGE = {
    "a key twice among 60,000": b'{"a":{' + b",".join(b'"%d":1' % n for n in range(60_000)) + b',"7":1}}',
    "wrong among 60,000 keys": compact(changed(id=GONE, more={str(n): n for n in range(50_000)})),
    "100,000 pieces of evidence": good(data__evidence=["x"] * 100_000),
    "a key of half a megabyte": good(data__plate={**SEALED, "z" * 500_000: 1}),
    "a category of half a megabyte": good(data__category="x" * 500_000),
    "a time of half a megabyte": good(time="2" * 500_000),
    "a body of blanks": b" " * 1_000_000,
    "a thousand wrong pieces in a list": good(data__evidence=[{"captured_at": "x" * 1000}] * 50),
    "large attributes": good(data__attributes={"a": "x" * MAX_ATTRIBUTES}),
}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_a_large_wrong_value_costs_little_and_is_not_echoed(value: bytes) -> None:
    began = time.process_time()
    error = refused(value)
    assert len(error.detail) < 400
    assert time.process_time() - began < 20
