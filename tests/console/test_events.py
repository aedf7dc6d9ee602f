"""Reports over HTTP: what is durable is answered 202, what intake would reject is refused with its place, field and what is right."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from console.problems import Problem
from console.reports import MOST_REPORTS, MOST_UNDER_WAY
from incidents.rights import Permission
from incidents.vocabulary import Role
from tests.console.kept import Kept
from tests.console.served import Served

pytestmark = pytest.mark.stack

PHONE, PLATE = "13800138000", "鲁B12345"
NOW = "2026-11-21T08:59:00+08:00"
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
ANSWERED = {"accepted": 1, "ids": ["r1"], "refused": [], "skipped": 0}


@pytest.fixture(scope="module")
def client(console: Served) -> Iterator[httpx.Client]:
    """A gateway of cameras."""
    with console.as_(Role.SYSTEM) as client:
        yield client


@pytest.fixture(autouse=True)
def _fresh(bus: Kept) -> None:
    bus.outs, bus.away = [], False


def a_report(number: int = 1, **data: object) -> dict[str, Any]:
    """A camera's report, without city and origin."""
    where = {"lon": 120.3826, "lat": 36.0671, "accuracy_m": 10}
    return {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": "/cameras/1",
        "type": "city.incident.reported.v1",
        "time": NOW,
        "data": {"category": "road_spillage", "channel": "low_video", "location": where} | data,
    }


def test_one_report_is_taken_and_gets_city_and_origin(client: httpx.Client, bus: Kept) -> None:
    answer = client.post("/api/v1/events", json=a_report())
    assert (answer.status_code, answer.json()) == (202, ANSWERED)
    assert bus.outs[0].key == b"/cameras/1"
    [event] = bus.events()
    assert (event["city"], event["origin"]) == ("QD", "qingdao")


@pytest.mark.parametrize("headers", [BATCH, {"Content-Type": "application/json"}], ids=["batch", "plain"])
def test_an_array_is_taken_whole_and_in_order(client: httpx.Client, bus: Kept, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/events", content=orjson.dumps([a_report(number) for number in range(300)]), headers=headers)
    assert answer.json()["ids"] == [f"r{number}" for number in range(300)]
    assert [event["id"] for event in bus.events()] == answer.json()["ids"]


def test_binary_mode_puts_the_attributes_into_headers(client: httpx.Client, bus: Kept) -> None:
    event = a_report()
    headers = {f"ce-{name}": value for name, value in event.items() if name != "data"} | {"ce-source": "/cameras/%E6%B5%B7"}
    answer = client.post("/api/v1/events", json=event["data"], headers=headers)
    assert answer.json() == ANSWERED
    [taken] = bus.events()
    assert (taken["source"], taken["data"]) == ("/cameras/海", event["data"])


def test_a_report_without_personal_data_travels_byte_for_byte_behind_its_city(client: httpx.Client, bus: Kept) -> None:
    value = orjson.dumps(a_report() | {"city": "QD", "origin": "elsewhere"})
    client.post("/api/v1/events", content=value)
    assert [out.value for out in bus.outs] == [value]


TIME = "来电时间"


def a_call(**changes: object) -> dict[str, object]:
    """An order of the hotline, as its system exports it."""
    call = {"工单编号": "12345-1", "受理坐席": "8", TIME: "2026-11-21 08:30:00", "问题类型": "井盖", "经度": "120.3877", "纬度": "36.0675"}
    return call | {"来电人": "王芳", "来电号码": PHONE} | changes


BAD: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"time": "yesterday"}, "bad_time", "time", "RFC 3339"),
    ({"time": "2026-11-21T09:30:00+08:00"}, "in_future", "time", "ahead of"),
    ({"time": "2001-11-21T09:30:00+08:00"}, "too_old", "time", "behind"),
    ({"city": "BOS"}, "other_city", "city", "'QD'"),
    ({"source": ""}, "invalid_value", "source", "at least 1 character"),
    ({"id": None}, "invalid_value", "id", "valid string"),
    ({"type": "city.case.command.v1"}, "invalid_value", "type", "city.incident.reported.v1"),
    ({"data": {"category": "pothole"}}, "missing_field", "data.channel", "required"),
    ({"data": {"category": "no_such", "channel": "iot", "address": "x"}}, "unknown_category", "data.category", "catalogue"),
    ({"data": {"category": "road_spillage", "channel": "iot"}}, "no_location", "data.location", "lon and lat"),
]


@pytest.mark.parametrize(("changes", "reason", "path", "words"), BAD, ids=[reason for _, reason, _, _ in BAD])
def test_a_mistake_is_named_by_place_field_and_what_is_right_and_nothing_is_taken(
    client: httpx.Client, bus: Kept, changes: dict[str, Any], reason: str, path: str | None, words: str
) -> None:
    answer = client.post("/api/v1/events", json=[a_report(1), a_report(2) | changes, a_report(3)])
    found = answer.json()
    assert (answer.status_code, found["refused"]) == (422, 1)
    [error] = found["errors"]
    assert (error["index"], error["reason"], error["path"]) == (1, reason, path)
    assert words in error["detail"]
    assert bus.outs == []


def test_partial_takes_the_good_ones_and_says_what_was_wrong_with_each_other(client: httpx.Client, bus: Kept) -> None:
    bad = a_report(2, location={"lon": 0.0, "lat": 0.0})
    answer = client.post("/api/v1/events?partial=true", json=[a_report(1), bad, a_report(3)])
    found = answer.json()
    assert (answer.status_code, found["accepted"], found["ids"]) == (202, 2, ["r1", "r3"])
    assert [(each["index"], each["reason"], each["path"]) for each in found["refused"]] == [(1, "out_of_bounds", "data.location")]
    assert [event["id"] for event in bus.events()] == ["r1", "r3"]


def test_partial_with_nothing_good_is_a_refusal(client: httpx.Client) -> None:
    assert client.post("/api/v1/events?partial=true", json=[a_report(1, channel="smoke")]).status_code == 422


def test_personal_values_are_sealed_before_they_are_published(client: httpx.Client, bus: Kept) -> None:
    said = {"plate": PLATE, "reporter": {"name": "王芳", "phone": PHONE}, "building": {"id": "b1", "floor": 11}}
    assert client.post("/api/v1/events", json=a_report(1, channel="hotline", **said)).status_code == 202
    written = bus.outs[0].value or b""
    assert not any(word.encode() in written for word in (PLATE, PHONE, "王芳"))
    data = bus.events()[0]["data"]
    assert all({"sealed", "key", "match"} == each.keys() for each in (data["plate"], *data["reporter"].values(), data["building"]["floor"]))


@pytest.mark.parametrize(
    "data",
    [
        {"plate": f"{PLATE}{PHONE}"},
        {"reporter": {"phone": [PHONE]}},
        {"reporter": {"phone": PHONE * 20}},
        {"building": {"id": "b", "floor": [PHONE]}},
        {"plate": {"sealed": PHONE}},
    ],
)
def test_a_refusal_never_repeats_what_may_be_personal(client: httpx.Client, data: dict[str, object]) -> None:
    answer = client.post("/api/v1/events", json=a_report(1, **data))
    assert answer.status_code == 422
    assert PHONE not in answer.text
    assert answer.json()["errors"][0]["path"].startswith("data.")


@pytest.mark.parametrize(
    ("content", "media", "status", "name"),
    [
        (b"{", "application/json", 422, "bad_report"),
        (b"[{", "application/json", 422, "not_json"),
        (b"", "application/json", 422, "bad_report"),
        (b"<report/>", "text/xml", 415, "media_type"),
        (b'"text"', "application/cloudevents-batch+json", 422, "not_json"),
        (b"[" + b"{}," * MOST_REPORTS + b"{}]", "application/json", 413, "too_large"),
        (b" " * 3_000_001, "application/json", 413, "too_large"),
    ],
)
def test_what_is_no_report_is_refused(client: httpx.Client, content: bytes, media: str, status: int, name: str) -> None:
    answer = client.post("/api/v1/events", content=content, headers={"Content-Type": media})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:cityloop:problem:{name}")


def test_an_empty_array_is_taken(client: httpx.Client) -> None:
    assert client.post("/api/v1/events", json=[]).json()["accepted"] == 0


def test_a_bus_that_is_away_is_503_with_a_time_to_come_back(client: httpx.Client, bus: Kept) -> None:
    bus.away = True
    answer = client.post("/api/v1/events", json=a_report())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_more_than_kafka_keeps_up_with_is_429_with_a_time_to_come_back(console: Served) -> None:
    with pytest.raises(Problem) as refused:
        asyncio.run(console.world.reports.take([b"{}"] * (MOST_UNDER_WAY + 1)))
    assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "1"})


@pytest.mark.parametrize("address", ["/api/v1/events", "/api/v1/sources/hotline12345"])
def test_only_who_may_report_does(console: Served, address: str) -> None:
    with console.client as nobody, console.as_(Role.LEADER) as leader, console.as_(Role.SYSTEM, frozenset({Permission.POSITION})) as unit:
        assert [each.post(address, json=[]).status_code for each in (nobody, leader, unit)] == [401, 403, 403]


def test_foreign_records_are_made_reports_by_a_mapping_of_the_city(client: httpx.Client, bus: Kept) -> None:
    [told] = [each for each in client.get("/api/v1/sources").json()["mappings"] if each["name"] == "hotline12345"]
    assert told["about"] and told["columns"]
    answer = client.post("/api/v1/sources/hotline12345", json=[a_call(), a_call()])
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2), answer.text
    assert bus.events()[0]["source"]


def test_a_foreign_value_that_cannot_be_translated_is_named_by_its_column(client: httpx.Client) -> None:
    answer = client.post("/api/v1/sources/hotline12345", json=[a_call(), a_call(**{TIME: "gestern"})])
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["index"], error["path"]) == (422, 1, TIME)
    assert "gestern" in error["detail"]


def test_an_unknown_mapping_is_404_and_says_which_there_are(client: httpx.Client) -> None:
    answer = client.post("/api/v1/sources/none", json={})
    assert answer.status_code == 404
    assert "hotline12345" in answer.json()["detail"]
