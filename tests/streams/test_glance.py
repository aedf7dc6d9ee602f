"""The quick look never says more than the exact one: what it takes, intake takes too, and reads the same in it."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incidents.errors import BadReport
from incidents.events import epoch_ms
from incidents.steps import intake
from incidents.vocabulary import Match
from streams.glance import Glancer, whole
from tests.incidents.reporting import GONE, GOOD, changed, compact, good, qingdao, sorter

LOOK = Glancer(qingdao()).look
GOOD_JSON = good()


def agrees(value: bytes) -> bool:
    """Whether the quick look took the value; then the exact look must have read the same, and found it in the city."""
    seen = LOOK(value)
    if seen is None:
        return False
    event, time = seen
    exact = intake.read(value)
    assert whole(event) == exact and time == epoch_ms(intake.moment(exact))
    assert intake.point(exact["data"], qingdao()) == (event.data.location.lon, event.data.location.lat)
    assert exact["data"]["channel"].is_machine
    return True


ORDINARY = {
    "as it is": {},
    "without what is optional": {
        name: GONE
        for name in ("datacontenttype", "city", "origin", "data__severity", "data__confidence", "data__algorithm", "data__evidence")
    },
    "without a datum": {"data__location__datum": GONE, "data__location__accuracy_m": GONE, "data__location__address": GONE},
    "in UTC": {"time": "2026-11-21T00:15:02Z"},
    "to the millisecond": {"time": "2026-11-21T08:15:02.997+08:00"},
    "to the millisecond, before 1970 in the city": {"time": "1970-01-01T07:59:59.000+07:00"},
    "to the microsecond": {"time": "2026-11-21T08:15:02.123456+08:00"},
    "words in Chinese": {"data__description": "路面遗撒渣土", "subject": "x"},
    "two pictures": {"data__evidence": [{"url": "s3://a"}, {"sha256": "00", "media_type": "image/png"}]},
    "a plate": {"data__plate": "鲁B12345"},
    "a building": {"data__building": {"id": "b"}},
    "a part": {"data__part_id": "P-1"},
    "a condition": {"data__condition": "x"},
    "whole degrees": {"data__location__lon": 120, "data__location__lat": 36},
}


@pytest.mark.parametrize("changes", ORDINARY.values(), ids=ORDINARY.keys())
def test_an_ordinary_sighting_is_understood(changes: dict[str, object]) -> None:
    assert agrees(good(**changes))
    assert agrees(json.dumps(changed(**changes), indent=1, ensure_ascii=False).encode())


UNUSUAL = {
    "a key twice": GOOD_JSON.replace(b'"id":', b'"id":"x","id":'),
    "a key twice behind a space": GOOD_JSON.replace(b'"id":', b'"id" :"x","id":'),
    "a key twice, once escaped": GOOD_JSON.replace(b'"id":', b'"\\u0069d":"x","id":'),
    "an unknown key": good(traceparent="00"),
    "a null": good(city=None),
    "another city": good(city="BOS"),
    "a sealed plate": good(data__plate={"sealed": "a", "key": "b", "match": "c"}),
    "a household": good(data__building={"id": "b", "unit": "1"}),
    "Chinese coordinates": good(data__location__datum="gcj02"),
    "a person": good(data__channel="hotline"),
    "out of the city": good(data__location__lon=121.9),
    "attributes": good(data__attributes={"a": 1}),
    "no offset": good(time="2026-11-21T08:15:02"),
    "a quote in a text": good(data__description='say "hi"'),
    "longer than a sighting": good(data__description="x" * 5000),
    "not JSON": GOOD_JSON[:-1],
    "something behind it": GOOD_JSON + b"}",
    "not UTF-8": GOOD_JSON.replace(b"6f0c", b"\xff\xfe"),
    "half a surrogate": GOOD_JSON.replace(b"6f0c", rb"\ud800"),
    "not finite": GOOD_JSON.replace(b"0.93", b"NaN"),
}


@pytest.mark.parametrize("value", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_anything_else_is_left_to_the_exact_look(value: bytes) -> None:
    assert not agrees(value)


PIECES = [b'"', b'\\"', b"{", b"}", b"[", b"]", b":", b",", b" ", b"\n", b"\x00", b"null", b"NaN", b"-0", b"1e400", b"\\u0022", b"\xe5"]


@settings(max_examples=2000, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GOOD_JSON)), st.integers(0, 6), st.one_of(st.sampled_from(PIECES), st.binary(max_size=3))),
        min_size=1,
        max_size=3,
    )
)
@example(edits=[(0, 0, b"\xef\xbb\xbf")])
def test_no_change_of_bytes_makes_it_say_more_than_the_exact_look(edits: list[tuple[int, int, bytes]]) -> None:
    value = GOOD_JSON
    for at, cut, piece in edits:
        value = value[:at] + piece + value[at + cut :]
    _never_more(value)


TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["", "\x00", "a" * 257, "2026-11-21T08:15:02+08:00", "wgs84", "low_video"]))
TIMES = st.builds(
    "{}-{:02d}-{:02d}{}{:02d}:{:02d}:{:02d}{}{}".format,
    st.sampled_from(["2026", "1969", "9999", "0001"]),
    *[st.integers(0, most) for most in (13, 32)],
    st.sampled_from(["T", "t", " ", ""]),
    *[st.integers(0, most) for most in (24, 60, 60)],
    st.sampled_from(["", ".5", ".123456789", ","]),
    st.sampled_from(["Z", "z", "+08:00", "-00:00", "+0800", "+24:00", "", "+08:00:30"]),
)
NUMBERS = st.one_of(st.floats(), st.integers(), st.sampled_from([120, 36.0671, -0.0, 10**400, True]))
FIELDS = ["id", "source", "time", "city", "origin", "subject", "data__category", "data__channel", "data__severity", "data__algorithm"]
FIELDS += [
    "data__condition",
    "data__plate",
    "data__part_id",
    "data__building",
    "data__confidence",
    "data__description",
    "data__location__lon",
    "data__location__lat",
    "data__location__accuracy_m",
]


@settings(max_examples=1000, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(FIELDS), st.one_of(TEXTS, TIMES, NUMBERS, st.none()), max_size=2), captured=TIMES, time=TIMES
)
def test_no_value_of_a_field_makes_it_say_more_than_the_exact_look(changes: dict[str, object], captured: str, time: str) -> None:
    pictures = GOOD["data"]["evidence"]
    _never_more(compact(changed(**changes)))
    _never_more(good(time=time))
    _never_more(good(data__evidence=[pictures[0] | {"captured_at": captured}]))


def _never_more(value: bytes) -> None:
    try:
        agrees(value)
    except BadReport as error:
        raise AssertionError(f"taken by the quick look, refused by the exact one: {error.detail}") from error


CATEGORIES = [category.key for category in qingdao().categories if Match.PLATE in category.match][:1]
CATEGORIES += [category.key for category in qingdao().categories if Match.PART in category.match][:1]
CATEGORIES += [category.key for category in qingdao().categories if Match.BUILDING in category.match][:1]


@pytest.mark.parametrize("category", [*CATEGORIES, "road_spillage"])
@pytest.mark.parametrize("plate", [GONE, "鲁B12345"])
@pytest.mark.parametrize("building", [GONE, {"id": "b"}])
@pytest.mark.parametrize("part", [GONE, "P-1"])
def test_what_names_the_thing_is_the_same_in_both(category: str, plate: object, building: object, part: object) -> None:
    named = {"plate": plate, "building": building, "part_id": part}
    value = good(data__category=category, **{f"data__{key}": value for key, value in named.items() if value is not GONE})
    seen = LOOK(value)
    assert seen is not None
    name = sorter().rows[category].names(seen[0].data)
    assert name is None or name == sorter().sighting(value).identity
    assert name is not None or plate is not GONE
