"""What is personal in a report and how it looks sealed; what of a case leaves in answers. The cipher is tests/adapters/test_seals.py's."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import sealing
from incidents.errors import BadReport, RejectReason
from incidents.masking import masked
from incidents.steps import intake

Json = dict[str, Any]
MATCH = "0123456789abcdef" * 2
SEAL = {"sealed": "c2VhbGVk", "key": "k1", "match": MATCH}
MASK = {"masked": True, "match": MATCH[:8]}
PLAIN = {"masked": True, "match": None}


def report(**data: Any) -> Json:
    said = {"category": "road_spillage", "channel": "app", "location": {"lon": 120.38, "lat": 36.06}}
    return {
        "specversion": "1.0",
        "id": "r1",
        "source": "/app",
        "type": "city.incident.reported.v1",
        "time": "2026-11-21T08:15:02+08:00",
        "data": said | data,
    }


def told(field: str, value: Any, within: str) -> Json:
    """A seal that shows what went into it."""
    return {"sealed": json.dumps([field, value, within]), "key": "k", "match": MATCH}


def sealed_values(data: Json) -> set[tuple[Any, ...]]:
    whole = sealing.sealed(report(**data), told)
    seals = [each for part in ("reporter", "building") for each in (whole["data"].get(part) or {}).values()] + [whole["data"].get("plate")]
    return {tuple(json.loads(each["sealed"])) for each in seals if isinstance(each, dict)}


PERSONAL: dict[str, tuple[Json, set[tuple[Any, ...]]]] = {
    "nothing": ({}, set()),
    "nulls": ({"reporter": None, "plate": None, "building": None}, set()),
    "a building by id alone": ({"building": {"id": "B-1"}}, set()),
    "a plate": ({"plate": "鲁B12345"}, {("plate", "鲁B12345", "")}),
    "all of a reporter": (
        {"reporter": {"name": "王芳", "phone": "13800138000", "wechat": "wf88", "email": None}},
        {("reporter.name", "王芳", ""), ("reporter.phone", "13800138000", ""), ("reporter.wechat", "wf88", "")},
    ),
    "a household, within its building": (
        {"building": {"id": "B-1", "unit": "2", "floor": 11, "room": "1102"}},
        {("building.unit", "2", "B-1"), ("building.floor", 11, "B-1"), ("building.room", "1102", "B-1")},
    ),
}


@pytest.mark.parametrize(("data", "expected"), PERSONAL.values(), ids=PERSONAL)
def test_these_values_of_a_report_are_personal(data: Json, expected: set[tuple[Any, ...]]) -> None:
    assert sealed_values(data) == expected


def test_a_report_with_nothing_personal_or_with_everything_sealed_is_the_same_object() -> None:
    for data in ({}, {"building": {"id": "B-1"}}, {"plate": SEAL, "reporter": SEAL}):
        given_report = report(**data)
        assert sealing.sealed(given_report, told) is given_report


def test_what_is_sealed_is_a_report_that_intake_takes() -> None:
    whole = sealing.sealed(
        report(reporter={"name": "王芳", "phone": "13800138000"}, plate="鲁B12345", building={"id": "B", "unit": 2, "floor": "-1"}),
        lambda *_: SEAL,
    )
    assert intake.read(json.dumps(whole).encode())["data"]["plate"] == SEAL


@pytest.mark.parametrize("plate", ["鲁I12345", "", "13800138000", "鲁B12345 "])
def test_an_impossible_plate_is_refused_at_the_edge_and_not_told(plate: str) -> None:
    with pytest.raises(BadReport) as error:
        sealing.sealed(report(plate=plate), told)
    assert error.value.reason is RejectReason.BAD_PLATE and (not plate or plate not in error.value.detail)


SAME = [
    ("reporter.phone", "13800138000", "+86 138-0013-8000"),
    ("reporter.phone", "0532 8591 1234", "053285911234"),
    ("reporter.name", "Wang Fang", " wang  fang"),
    ("building.floor", 11, "11"),
    ("building.unit", "２", 2),
]


@pytest.mark.parametrize(("field", "one", "other"), SAME)
def test_spellings_of_one_value_are_equal(field: str, one: Any, other: Any) -> None:
    assert sealing.normal(field, one) == sealing.normal(field, other)


@given(st.text(max_size=10))
def test_plates_are_compared_as_intake_compares_them(plate: str) -> None:
    assert sealing.normal("plate", plate) == plate


def test_a_seal_is_bound_to_its_report_its_field_and_its_key() -> None:
    bounds = [sealing.Bound(*words) for words in (("a", "b", "c"), ("a", 'b","c', ""), ("a,b", "", "c"), ("", "a", "b"))]
    assert len({bound.aad(key) for bound in bounds for key in ("k1", "k2")}) == 2 * len(bounds)


NAMELESS = (b"", b"hello", b"[1]", b'"13800138000"', b'{"a":1', b'{"data":{"\\u0070late":"x"}}', b'{"reporter":1}')


@pytest.mark.parametrize("value", NAMELESS)
def test_what_no_object_is_or_names_something_personal_gets_a_close_look(value: bytes) -> None:
    assert sealing.may_be_personal(value)


def test_an_ordinary_sighting_gets_none() -> None:
    assert not sealing.may_be_personal(json.dumps(report()).encode())


# --- whole


def test_intake_rejects_what_was_sealed_as_a_whole_for_the_reason_that_the_edge_had() -> None:
    error = BadReport(RejectReason.BAD_PLATE, "the plate cannot exist")
    value = sealing.whole(error, SEAL, 400)
    with pytest.raises(BadReport) as found:
        intake.read(json.dumps(value).encode())
    assert found.value.reason is RejectReason.BAD_PLATE and "the plate cannot exist" in found.value.detail
    assert [each.seal for each in sealing.seals_of_report(value)] == [SEAL]


@pytest.mark.parametrize("reason", ["fire", None, [], 7])
def test_a_reason_that_nobody_knows_is_not_believed(reason: object) -> None:
    with pytest.raises(BadReport) as found:
        intake.read(json.dumps(SEAL | {"refused": reason, "detail": "d"}).encode())
    assert found.value.reason is RejectReason.MISSING_FIELD


# --- masking

CASE: Json = {
    "case_id": "QD-1",
    "identity": {"kind": "plate", "value": MATCH},
    "place": {"lon": 120.38, "address": "山东路 1 号"},
    "statements": [{"source": "/hotline", "id": "h1", "reporter": {"name": SEAL, "phone": "13800138000"}}],
    "personal": [{"source": "/cameras/1", "id": "r1", "values": {"plate": SEAL}}],
}


def test_sealed_values_are_masked_and_plain_ones_never_leave() -> None:
    shown = masked(CASE)
    assert shown["statements"][0]["reporter"] == {"name": MASK, "phone": PLAIN}
    assert shown["personal"][0]["values"] == {"plate": MASK} and shown["identity"] == {"kind": "plate", "value": MASK}
    assert shown["place"] == CASE["place"]
    assert "138" not in json.dumps(shown["statements"]) and "c2VhbGVk" not in json.dumps(shown)


PARTS: list[tuple[Json, Json]] = [
    ({"identity": {"kind": "plate", "value": "鲁B12345"}}, {"identity": {"kind": "plate", "value": PLAIN}}),
    ({"identity": {"kind": "building", "value": "B-1"}}, {"identity": {"kind": "building", "value": "B-1"}}),
    ({"identity": None, "plate": "鲁B12345"}, {"identity": None, "plate": PLAIN}),
    ({"building": {"id": "B-1", "floor": 11, "unit": SEAL}}, {"building": {"id": "B-1", "floor": PLAIN, "unit": MASK}}),
    ({"reporter": SEAL}, {"reporter": MASK}),
    ({"reporter": "王芳 13800138000"}, {"reporter": PLAIN}),
    ({"reporter": {"name": {"deep": ["王芳"]}, "phone": None}}, {"reporter": {"name": PLAIN, "phone": None}}),
    ({"changes": {"statements": [{"reporter": {"name": "王芳"}}]}}, {"changes": {"statements": [{"reporter": {"name": PLAIN}}]}}),
]


@pytest.mark.parametrize(("part", "expected"), PARTS)
def test_any_part_of_an_answer_is_masked_alike(part: Json, expected: Json) -> None:
    assert masked(part) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["reporter", "plate", "a", "sealed", "key"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(value=JSON, secret=st.sampled_from(["reporter", "plate"]))
def test_whatever_stands_under_a_personal_name_never_leaves(value: Any, secret: str) -> None:
    assert "13800138000" not in json.dumps(masked({"a": [value, {secret: [value, "13800138000"]}]}))


def test_every_seal_of_a_case_is_found_with_the_report_it_belongs_to() -> None:
    assert list(sealing.seals_of_case(CASE)) == [
        (("/cameras/1", "r1", "plate"), SEAL, "personal.0.values.plate"),
        (("/hotline", "h1", "reporter.name"), SEAL, "statements.0.reporter.name"),
    ]
