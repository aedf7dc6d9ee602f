"""Bad input over the real Kafka and Redis: every bad record is on the dead letters as it came, and every good one beside it counts."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaProducer

from config.settings import Settings
from config.topics import REJECTED, REPORTED
from tests.incidents.test_intake import NOT_ONE_EVENT
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import Json, Sent, facts, records_of, report, send, send_raw
from tests.journeys.process import ask
from tests.waiting import until

pytestmark = pytest.mark.stack

ROLES = ("--only", "intake,closure")
CAMERAS = 4
KEY = b"/cameras/bad"


def from_now(**apart: float) -> str:
    return (datetime.now(UTC) + timedelta(**apart)).isoformat()


def with_head(**head: object) -> Json:
    return report("bad", "/cameras/bad") | head


def with_place(**place: object) -> Json:
    return report("bad", "/cameras/bad", location=place)


def wrong_events() -> dict[str, tuple[Json, str]]:
    """Events of the right shape that cannot be used, and why."""
    return {
        "no id": ({key: value for key, value in with_head().items() if key != "id"}, "missing_field"),
        "no place": (report("bad", location=None), "no_location"),
        "swapped": (with_place(lon=36.0671, lat=120.3826), "out_of_bounds"),
        "zero": (with_place(lon=0, lat=0), "out_of_bounds"),
        "NaN": (with_place(lon=float("nan"), lat=36.0671), "invalid_value"),
        "infinite": (with_place(lon=120.3826, lat=float("inf")), "invalid_value"),
        "no offset": (with_head(time="2026-11-21T08:15:02"), "bad_time"),
        "epoch number": (with_head(time=1795219200), "bad_time"),
        "epoch text": (with_head(time="1795219200"), "bad_time"),
        "ahead": (with_head(time=from_now(minutes=6)), "in_future"),
        "behind": (with_head(time=from_now(hours=-25)), "too_old"),
        "unknown category": (report("bad", category="road_spilage"), "unknown_category"),
        "category of Boston": (report("bad", category="animal_lost"), "unknown_category"),
        "another city": (with_head(city="BOS"), "other_city"),
        "impossible plate": (report("bad", plate="鲁I12345"), "bad_plate"),
        "empty key": (report("bad", attributes={"": 1}), "empty_key"),
        "deep": (report("bad", attributes=json.loads('{"a":' * 50 + "1" + "}" * 50)), "too_deep"),
    }


def bad_records() -> list[tuple[bytes | None, str]]:
    """Values for `incidents.reported`, and the reason each is refused for."""
    right = json.dumps(with_head()).encode()
    written = [(json.dumps(event).encode(), reason) for event, reason in wrong_events().values()]
    twice = (right.replace(b'"city"', b'"id": "other", "city"'), "duplicate_keys")
    return [*written, twice, *((value, reason) for value, reason, _ in NOT_ONE_EVENT.values())]


def letters(settings: Settings, many: int) -> dict[tuple[int, int], Any]:
    """The dead letters by where they came from, with their headers as a dict of text; no more than `many` may come."""
    found = records_of(settings, REJECTED.name, many)
    headed = [(dict((name, held.decode()) for name, held in record.headers), record) for record in found]
    return {(int(head["origin-partition"]), int(head["origin-offset"])): (head, record) for head, record in headed}


def audited(settings: Settings, reported: int) -> Json:
    """The audit as soon as nothing is pending; it must be exact."""

    def answer() -> Json | None:
        done = ask(settings, "audit", "--json")
        found: Json = json.loads(done.stdout)
        return found | {"exit": done.returncode} if found["reported"] == reported and not found["pending"] else None

    return until(answer, f"an audit of {reported} reports", 60) or {}


def test_among_good_reports_every_bad_one_becomes_a_dead_letter(settings: Settings, worker: NewWorker) -> None:
    bad = bad_records()
    running = worker(settings, *ROLES)
    reports = [report(n, f"/cameras/{n % CAMERAS}", east_m=1000 * (n % CAMERAS), ago_s=600 - n) for n in range(len(bad))]
    good = [(str(each["source"]).encode(), json.dumps(each).encode()) for each in reports]
    mixed = [record for pair in zip(good, [(KEY, value) for value, _ in bad], strict=True) for record in pair]
    sent = send_raw(settings, mixed)[1::2]

    check_letters(settings, sent, [reason for _, reason in bad])
    opened = facts(settings, lambda found: len({each["data"]["case_id"] for each in found}) == CAMERAS)
    assert {each["data"]["case"]["source"] for each in opened} == {f"/cameras/{n}" for n in range(CAMERAS)}

    account = audited(settings, 2 * len(bad))
    assert account["exit"] == 0, account["checks"]
    assert (account["opened"], account["merged"], account["rejected"], account["lost"]) == (CAMERAS, len(bad) - CAMERAS, len(bad), 0)
    assert running.metric("cityloop_rejected_total") == len(bad) and running.stop() == 0
    check_commands(settings, Counter(reason for _, reason in bad))


def check_letters(settings: Settings, sent: list[Sent], reasons: list[str]) -> None:
    found = letters(settings, len(sent))
    for record, reason in zip(sent, reasons, strict=True):
        head, letter = found[record.partition, record.offset]
        assert (letter.key, letter.value) == (record.key, record.value)
        assert (head["error-reason"], head["error-stage"]) == (reason, "intake"), head["error-detail"]
        assert head["origin-topic"] == settings.named(REPORTED.name) and head["error-detail"]


def check_commands(settings: Settings, reasons: Counter[str]) -> None:
    """`cityloop deadletters list` counts them and `show` prints each, whatever its bytes."""
    listed = json.loads(ask(settings, "deadletters", "list", "--json").stdout)
    assert Counter(letter["error-reason"] for letter in listed) == reasons
    odd = [next(letter for letter in listed if letter["error-reason"] == reason) for reason in ("null_value", "oversized", "not_json")]
    for letter in odd:
        done = ask(settings, "deadletters", "show", letter["at"], "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["error-reason"] == letter["error-reason"], done.stderr


def test_keys_and_headers_of_any_kind(settings: Settings, worker: NewWorker) -> None:
    running = worker(settings, *ROLES)
    value = json.dumps(report(1)).encode()
    send_raw(settings, [(None, value)])
    send_raw(settings, [(b"something else", json.dumps(report(2, "/cameras/2", east_m=1000)).encode())])
    [empty] = send_raw(settings, [(b"", json.dumps(report(3)).encode())])
    head = [(f"ce_{name}", str(held).encode()) for name, held in report(4, "/cameras/4", east_m=2000).items() if name != "data"]
    send_raw(settings, [(b"/cameras/4", json.dumps(report(4, east_m=2000)["data"]).encode())], head)
    [binary] = send_raw(settings, [(b"/cameras/4", b'{"category":"fire"}')], head)

    found = letters(settings, 2)
    assert found[empty.partition, empty.offset][0]["error-reason"] == "empty_key"
    assert found[empty.partition, empty.offset][1].key == b""
    broken, letter = found[binary.partition, binary.offset]
    assert broken["error-reason"] == "missing_field" and broken["ce_id"] == "r4" and letter.value == b'{"category":"fire"}'

    opened = facts(settings, lambda found: len({each["data"]["case_id"] for each in found}) == 3)
    assert {each["data"]["case"]["source"] for each in opened} == {"/cameras/1", "/cameras/2", "/cameras/4"}
    assert running.metric("cityloop_unusual_keys_total") == 2
    assert audited(settings, 5)["exit"] == 0


def test_a_dead_letter_sent_again_after_its_cause_was_put_right_counts(settings: Settings, worker: NewWorker) -> None:
    worker(settings, *ROLES)
    send(settings, report(1, time_was="fine") | {"time": from_now(hours=-25)}, report(2))
    facts(settings, lambda found: found)
    [letter] = json.loads(ask(settings, "deadletters", "list", "--json").stdout)
    assert ask(settings, "deadletters", "resubmit", letter["at"], "--yes").returncode == 0
    account = audited(settings, 3)
    assert account["exit"] == 0 and (account["opened"], account["rejected"]) == (1, 2)


def test_a_header_whose_name_is_no_text_stops_nothing(settings: Settings, worker: NewWorker) -> None:
    class Raw(str):
        def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
            return b"\xff\xfe"

    worker(settings, *ROLES)
    send(settings, report(1))
    send_raw(settings, [(b"/cameras/1", json.dumps(report(2)).encode())], [(Raw("x"), b"1")])
    send(settings, report(3), report(4, east_m=5000))
    account = audited(settings, 4)
    assert account["exit"] == 0 and (account["opened"], account["merged"]) == (2, 2)


BLANKS = b" " * 5000


def as_zstd(data: bytes) -> bytes:
    """One frame of that format: all as it is but the blanks, which are said once."""
    before, _, after = data.partition(BLANKS)
    blocks = ((0, len(before), before), (1, len(BLANKS), b" "), (0, len(after), after))
    heads = [(kind << 1 | size << 3 | (at == 2)).to_bytes(3, "little") for at, (kind, size, _) in enumerate(blocks)]
    body = b"".join(head + content for head, (_, _, content) in zip(heads, blocks, strict=True))
    return b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little") + body


def test_a_client_may_pack_its_batches_as_it_likes(settings: Settings, worker: NewWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither we nor other readers in Python can be relied on to unpack: the broker stores batches unpacked."""
    monkeypatch.setattr("kafka.record.default_records.zstd_encode", as_zstd)
    monkeypatch.setattr("kafka.record.default_records.codecs.has_zstd", lambda: True)
    monkeypatch.setitem(KafkaProducer._COMPRESSORS, "zstd", (lambda: True, 4))
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, compression_type="zstd", linger_ms=50)
    producer.send(settings.named(REPORTED.name), json.dumps(report(1)).encode() + BLANKS, b"/cameras/1").get(timeout=60)
    producer.close()
    worker(settings, *ROLES)
    facts(settings, lambda found: found)
    assert audited(settings, 1)["exit"] == 0
