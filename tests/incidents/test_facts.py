"""Facts and commands on the wire: what the contract says stands in them, both ways, and what cannot be read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from incidents.errors import BadCommand, RejectReason
from incidents.facts import decode_command, decode_fact, encode_command, encode_fact
from incidents.vocabulary import State
from tests.incidents.closing import CASE, START, desk_in, sight

GOOD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "k1",
    "type": "city.case.command.v1",
    "time": "2026-11-21T09:00:00+08:00",
    "city": "QD",
    "data": {"case_id": CASE, "type": "accept", "actor": {"id": "u", "role": "unit", "unit": "clean-1"}},
}


def wire(**changes: Any) -> bytes:
    """The good command with changes in its envelope."""
    return json.dumps(GOOD | changes).encode()


def with_data(**changes: Any) -> bytes:
    """The good command with changes in its data."""
    return wire(data=GOOD["data"] | changes)


def test_a_fact_is_a_cloudevent_that_carries_the_change_and_the_whole_case() -> None:
    fact = desk_in(State.DISPATCHED).facts[-1]
    event = json.loads(encode_fact(fact))
    assert {name: event[name] for name in ("specversion", "id", "source", "type", "city", "origin", "sequence")} == {
        "specversion": "1.0",
        "id": f"{CASE}:3",
        "source": f"/cases/{CASE}",
        "type": "city.case.dispatched.v1",
        "city": "QD",
        "origin": "qingdao",
        "sequence": 3,
    }
    data = event["data"]
    assert (data["case_id"], data["sequence"], data["unit"], data["case"]["unit"], data["actor"]["role"]) == (
        CASE,
        3,
        *["clean-1"] * 2,
        "system",
    )
    assert event["time"] == data["at"]


@pytest.mark.parametrize("state", sorted(State))
def test_every_fact_comes_back_as_it_was(state: State) -> None:
    for fact in desk_in(state).facts:
        assert decode_fact(encode_fact(fact)) == fact
        assert encode_fact(decode_fact(encode_fact(fact))) == encode_fact(fact)


def test_a_command_comes_back_with_the_time_it_states() -> None:
    command = sight()
    assert decode_command(encode_command(command, START, "QD", "qingdao"), "QD") == (command, START)


def test_a_command_without_an_id_of_its_own_takes_the_envelopes() -> None:
    command, stated = decode_command(wire(), "QD")
    assert (command.id, stated) == ("k1", datetime(2026, 11, 21, 1, tzinfo=UTC))
    assert decode_command(with_data(id="own"), "QD")[0].id == "own"


@pytest.mark.parametrize(
    ("value", "reason", "named"),
    [
        (None, RejectReason.NULL_VALUE, "CloudEvent"),
        (b"{", RejectReason.NOT_JSON, ""),
        (b"\xff\xfe", RejectReason.NOT_JSON, ""),
        (b"[" * 100_000, RejectReason.NOT_JSON, ""),
        (b"7", RejectReason.INVALID_SHAPE, ""),
        (b'{"a":1}{"b":2}', RejectReason.NOT_JSON, ""),
        (b" " * 3_000_001, RejectReason.OVERSIZED, "3000001 bytes"),
        (wire(type="city.case.opened.v1"), RejectReason.INVALID_VALUE, "type"),
        (wire(time="2026-11-21T09:00:00"), RejectReason.INVALID_VALUE, "time"),
        (wire(city="BOS"), RejectReason.OTHER_CITY, "BOS"),
        (wire(data=None), RejectReason.INVALID_VALUE, "data"),
        (wire(data={}), RejectReason.MISSING_FIELD, "case_id"),
        (with_data(type="explode"), RejectReason.INVALID_VALUE, "type"),
        (with_data(case_id="a b"), RejectReason.INVALID_VALUE, "case_id"),
        (with_data(case_id="x" * 65), RejectReason.INVALID_VALUE, "case_id"),
        (with_data(into="../x"), RejectReason.INVALID_VALUE, "into"),
        (with_data(actor={"id": "u", "role": "king"}), RejectReason.INVALID_VALUE, "actor.role"),
    ],
)
def test_what_is_no_command_is_refused_with_its_reason(value: bytes | None, reason: RejectReason, named: str) -> None:
    with pytest.raises(BadCommand) as refused:
        decode_command(value, "QD")
    assert refused.value.reason is reason
    assert named in refused.value.detail


@pytest.mark.parametrize("value", [None, b"{", b"7", b"{}", b'{"type":"city.case.opened.v1","data":{"case":{}}}'])
def test_what_is_no_fact_is_refused(value: bytes | None) -> None:
    with pytest.raises(BadCommand):
        decode_fact(value)
