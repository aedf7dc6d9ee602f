"""What intake says on Kafka, record by record: a function of what was decided, the same whoever says it."""

import json
from typing import Any

import orjson
import pytest

from adapters.bus import Out
from adapters.fates import decode_fates
from incidents.errors import BadReport, RejectReason
from incidents.facts import decode_command
from incidents.fates import Fate, Flush
from incidents.places import Located
from streams.telling import Rejected, Teller, reason_of
from tests.incidents.reporting import GONE, good, sorter

TELLER = Teller("t1.", "QD", "qingdao", lambda lon, lat: Located(district="370202", grid="0001-0002"))
T0 = 1_795_219_200_000


def opening(**changes: object) -> Any:
    return orjson.loads(sorter().group_of(good(**changes), 0, T0).opening)


def sight(**more: object) -> dict[str, Any]:
    totals = ["/cameras/1", f"3|{T0}|{T0 + 60_000}|topic|2|17", "/cameras/2", f"1|{T0}|{T0}|topic|3|4"]
    return {"case": "QD-20261121-A", "urgent": 1, "totals": totals, "opens": {"opening": opening()}} | more


def outcome(*sights: dict[str, Any]) -> dict[str, Any]:
    fates = [["QD-20261121-A", "opened", "opened", 0, 0, [10]], ["QD-20261121-A", "merged", "same_source", 90, 5000, [11, 15, 17]]]
    return {"rules": "r1", "partition": 2, "topic": "topic", "fates": fates, "sights": sights}


def fates_in(out: Out) -> list[Fate]:
    said = decode_fates(out.value)
    assert isinstance(said, Flush)
    return list(said.fates)


def by_topic(outs: list[Out], topic: str) -> list[Out]:
    return [out for out in outs if out.topic == f"t1.{topic}"]


def test_an_outcome_is_its_fates_first_and_then_a_sight_per_case_that_a_person_would_notice() -> None:
    outs = TELLER.outcome("1-0", outcome(sight(), sight(case="QD-20261121-B")))
    assert [(out.topic, out.key, out.partition) for out in outs] == [
        ("t1.incidents.fates", b"2", 2),
        ("t1.cases.commands", b"QD-20261121-A", None),
        ("t1.cases.commands", b"QD-20261121-B", None),
    ]
    [fates] = by_topic(outs, "incidents.fates")
    assert [(fate.case_id, fate.verdict, fate.reason, list(fate.offsets)) for fate in fates_in(fates)] == [
        ("QD-20261121-A", "opened", "opened", [10]),
        ("QD-20261121-A", "merged", "same_source 1 m 5 s", [11, 15, 17]),
    ]


def test_saying_an_outcome_again_says_the_same_bytes() -> None:
    assert TELLER.outcome("1-0", outcome(sight())) == TELLER.outcome("1-0", outcome(sight()))


def test_a_sight_is_a_command_with_absolute_totals_and_all_that_opens_the_case() -> None:
    [out] = by_topic(TELLER.outcome("1-0", outcome(sight())), "cases.commands")
    command, time = decode_command(out.value, "QD")
    assert command.id == "sight:topic:2:1-0:QD-20261121-A" and command.actor.id == "system:intake"
    assert {source: (total.count, total.partition, total.offset) for source, total in command.totals.items()} == {
        "/cameras/1": (3, 2, 17),
        "/cameras/2": (1, 3, 4),
    }
    assert command.severity == "major" and time == max(total.last for total in command.totals.values())
    assert command.opening is not None and command.opening.source == "/cameras/37020200012" and command.opening.reason == "opened"
    assert (command.opening.place.district, command.opening.place.grid) == ("370202", "0001-0002")


def test_a_report_without_coordinates_is_located_nowhere() -> None:
    told = sight(opens={"opening": opening(data__location=GONE, data__address="山东路 1 号")})
    [out] = by_topic(TELLER.outcome("1-0", outcome(told)), "cases.commands")
    command, _ = decode_command(out.value, "QD")
    assert command.opening is not None
    assert (command.opening.place.known, command.opening.place.district, command.opening.place.grid) == (False, None, None)


LINKS = {
    "held": ({"held": "waiting"}, {"state": "held", "held_because": "waiting", "reason": "waiting"}),
    "recurred": ({"link": ["recurred", "QD-1"]}, {"recurs": "QD-1", "reason": "recurred"}),
    "another offence": ({"link": ["series", "QD-1"]}, {"series": "QD-1", "reason": "series"}),
    "a suggestion": ({"suggested": "QD-2"}, {"suggested": ["QD-2"], "reason": "opened"}),
}


@pytest.mark.parametrize(("opens", "told"), LINKS.values(), ids=LINKS)
def test_what_sifting_found_out_is_part_of_the_opening(opens: dict[str, Any], told: dict[str, Any]) -> None:
    said = sight(opens={"opening": opening()} | opens)
    [out] = by_topic(TELLER.outcome("1-0", outcome(said)), "cases.commands")
    assert told.items() <= json.loads(out.value or b"")["data"]["opening"].items()


def test_what_others_showed_and_said_of_the_case_is_told_with_it() -> None:
    person = opening(data__channel="hotline", data__description="漏油")
    [out] = by_topic(TELLER.outcome("1-0", outcome(sight(opens=None, more=[opening(), person]))), "cases.commands")
    command, _ = decode_command(out.value, "QD")
    assert command.opening is None
    assert [each.url for each in command.seen_evidence] == ["s3://a/b.jpg", "s3://a/b.jpg"]
    assert [each.description for each in command.statements] == ["漏油"]


REASONS = {
    "opened": (["QD-1", "opened", "opened", 0, 0, [7]], "opened"),
    "resent": (["QD-1", "resent", "resent", 0, 0, [7]], "resent"),
    "near": (["QD-1", "merged", "same_place", 1240, 340_000, [7]], "same_place 12 m 340 s"),
    "waiting": (["QD-1", "held", "same_source", 90, 5_000, [7], 2, 3], "held 2/3 same_source 1 m 5 s"),
    "refused": (["QD-1", "held", "refused", 0, 0, [7]], "refused_before 0 m 0 s"),
}


@pytest.mark.parametrize(("row", "reason"), REASONS.values(), ids=REASONS)
def test_a_verdicts_reason_has_its_numbers(row: list[Any], reason: str) -> None:
    assert reason_of(row) == reason


def refusal(offset: int, **more: Any) -> Rejected:
    fields: dict[str, Any] = {"error": BadReport(RejectReason.BAD_TIME, "time '8 o’clock' …"), "key": b"/cameras/1", "value": b"\xff\x00"}
    return Rejected(offset, **(fields | more))


def test_a_refused_record_is_a_dead_letter_with_its_key_and_bytes_and_where_it_came_from() -> None:
    [letter, fates] = TELLER.rejected("topic", 2, [refusal(17)], "r1")
    assert (letter.topic, letter.key, letter.value) == ("t1.incidents.rejected", b"/cameras/1", b"\xff\x00")
    assert {name: held.decode() for name, held in letter.headers} == {
        "error-reason": "bad_time",
        "error-detail": "time '8 o’clock' …",
        "error-stage": "intake",
        "origin-topic": "t1.incidents.reported",
        "origin-topic-id": "topic",
        "origin-partition": "2",
        "origin-offset": "17",
    }
    [fate] = fates_in(fates)
    assert (fate.case_id, fate.verdict, fate.reason, list(fate.offsets)) == (None, "rejected", "bad_time", [17])


def test_the_fates_of_refused_records_stand_by_reason_in_the_order_of_offsets() -> None:
    other = BadReport(RejectReason.NOT_JSON, "no JSON")
    *letters, fates = TELLER.rejected("topic", 2, [refusal(9), refusal(5, error=other), refusal(4), refusal(7, error=other)], "r1")
    assert len(letters) == 4
    assert [(fate.reason, list(fate.offsets)) for fate in fates_in(fates)] == [
        ("bad_time", [4, 9]),
        ("not_json", [5, 7]),
    ]


def test_a_dead_letter_keeps_the_headers_it_came_with_but_not_the_reasons_of_an_earlier_one() -> None:
    came = (("ce_id", b"7"), ("traceparent", b"00"), ("error-reason", b"older"), ("origin-offset", b"1"))
    [letter, _] = TELLER.rejected("topic", 2, [refusal(17, headers=came)], "r1")
    assert [held for name, held in letter.headers if name in ("ce_id", "traceparent", "error-reason", "origin-offset")] == [
        b"7",
        b"00",
        b"bad_time",
        b"17",
    ]


@pytest.mark.parametrize("nothing", [None, b""])
def test_a_record_without_key_or_value_is_a_dead_letter_without_them(nothing: bytes | None) -> None:
    [letter, _] = TELLER.rejected("topic", 2, [refusal(17, key=nothing, value=nothing)], "r1")
    assert (letter.key, letter.value) == (nothing, nothing)


def test_a_detail_of_any_length_and_characters_fits_into_a_header() -> None:
    error = BadReport(RejectReason.INVALID_VALUE, "\ud800" + "长" * 100_000)
    [letter, _] = TELLER.rejected("topic", 2, [refusal(17, error=error)], "r1")
    assert len(dict(letter.headers)["error-detail"]) <= 6000
