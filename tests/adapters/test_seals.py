"""Sealing on both databases: what was sealed comes back exactly, opens nowhere else, is equal where the plain values were, and can be
erased for good."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from sqlalchemy import select

from adapters.database import Database, open_database
from adapters.seal_keys import AT_ONCE, TABLE, Gone, Key, KeyStore
from adapters.seals import Sealer
from config.settings import Settings
from incidents import sealing
from incidents.errors import BadReport, UserError
from incidents.steps import intake

Json = dict[str, Any]
CITY, WRAPPING = b"c" * 32, b"w" * 32
PLAIN: Json = {
    "plate": "鲁B12345",
    "building": {"id": "B-1", "unit": "2", "floor": 11, "room": "1102"},
    "reporter": {"name": "王芳", "phone": "13800138000"},
}


@dataclass
class Clock:
    at: datetime = datetime(2026, 11, 21, 15, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def go(self, days: int) -> None:
        self.at += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stored(databases: Database, clock: Clock) -> Sealer:
    """On each engine in turn: what the store of keys promises."""
    return Sealer(KeyStore(databases, WRAPPING, 30, clock), CITY)


@pytest.fixture
def sealer(tmp_path: Path, clock: Clock) -> Iterator[Sealer]:
    """On SQLite: what the cipher promises."""
    with closing(open_database(Settings(database_url=f"sqlite:///{tmp_path / 'keys.sqlite'}"))) as database:
        database.upgrade()
        yield Sealer(KeyStore(database, WRAPPING, 30, clock), CITY)


def report(number: int = 1, **data: Any) -> Json:
    said = {"category": "road_spillage", "channel": "app", "location": {"lon": 120.38, "lat": 36.06}}
    event = {"specversion": "1.0", "id": f"r{number}", "source": "/app", "type": "city.incident.reported.v1", "data": said | data}
    return event | {"time": "2026-11-21T08:15:02+08:00"}


def encoded(number: int = 1, **data: Any) -> bytes:
    return json.dumps(report(number, **data), ensure_ascii=False).encode()


def found(value: bytes | Json) -> list[sealing.Found]:
    return list(sealing.seals_of_report(value if isinstance(value, dict) else json.loads(value)))


def sealed(sealer: Sealer, value: bytes) -> Json:
    done = sealer.seal_value(value)
    assert done is not None
    whole: Json = json.loads(done)
    return whole


def test_what_was_sealed_is_nowhere_in_it_and_comes_back_exactly(stored: Sealer) -> None:
    value = stored.seal_value(encoded(**PLAIN))
    assert value is not None and not any(each.encode() in value for each in ("鲁B12345", "1102", "王芳", "13800138000"))
    assert intake.read(value)["data"]["category"] == "road_spillage"
    opened = {each.found.bound.field: each.value for each in stored.open(found(value))}
    assert opened == {
        "plate": "鲁B12345",
        "building.unit": "2",
        "building.floor": 11,
        "reporter.name": "王芳",
        "reporter.phone": "13800138000",
    }


def test_a_report_without_personal_data_keeps_its_bytes_and_costs_no_key(stored: Sealer, databases: Database) -> None:
    for value in (encoded(), encoded(building={"id": "B-1"}), encoded(category="illegal_building"), None):
        assert stored.seal_value(value) is value
    with databases.read() as connection:
        assert connection.execute(select(TABLE)).first() is None


def test_every_report_has_a_key_of_its_own_and_equal_values_one_match(sealer: Sealer) -> None:
    first, second = (sealed(sealer, encoded(number, **PLAIN))["data"] for number in (1, 2))
    assert first["plate"]["key"] == first["reporter"]["phone"]["key"] != second["plate"]["key"]
    assert first["plate"]["sealed"] != second["plate"]["sealed"] and first["plate"]["match"] == second["plate"]["match"]
    assert first["plate"]["match"] == sealer.match("plate", "鲁B12345") != sealer.match("plate", "鲁B12346")


def test_a_household_is_equal_only_within_its_building_and_a_value_only_in_its_field(sealer: Sealer) -> None:
    assert sealer.match("building.floor", 11, "B-1") != sealer.match("building.floor", 11, "B-2")
    assert sealer.match("building.floor", 2, "B-1") != sealer.match("building.unit", 2, "B-1")
    assert Sealer(sealer.keys, b"d" * 32).match("plate", "鲁B12345") != sealer.match("plate", "鲁B12345")


STOLEN: dict[str, Callable[[Json], Any]] = {
    "into another report": lambda event: event.update(id="r2"),
    "into a report of another source": lambda event: event.update(source="/hotline"),
    "into another field": lambda event: event["data"]["reporter"].update(name=event["data"]["reporter"]["phone"]),
    "with another key": lambda event: event["data"]["plate"].update(key=event["other"]),
    "cut": lambda event: event["data"]["plate"].update(sealed=event["data"]["plate"]["sealed"][:-4]),
    "not base64": lambda event: event["data"]["plate"].update(sealed="鲁B12345"),
    "empty": lambda event: event["data"]["plate"].update(sealed=""),
}


@pytest.mark.parametrize("steal", STOLEN.values(), ids=STOLEN)
def test_a_seal_that_was_moved_or_changed_opens_nothing(sealer: Sealer, steal: Callable[[Json], Any]) -> None:
    event = sealed(sealer, encoded(**PLAIN)) | {"other": sealer.keys.take().id}
    steal(event)
    assert any(each.why.startswith("the seal is broken") for each in sealer.open(found(event)))


def test_a_foreign_seal_stays_and_is_told_as_unknown(sealer: Sealer) -> None:
    seal = {"sealed": "c2VhbGVk", "key": "k1", "match": "m"}
    event = sealed(sealer, encoded(plate=seal, reporter=seal))
    assert event["data"]["plate"] == seal
    assert {each.why for each in sealer.open(found(event))} == {"its key is not in this database"}


# --- what cannot be read

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "cut off": (encoded(**PLAIN)[:-20], "not_json"),
    "no JSON at all": ("王芳,13800138000,鲁B12345".encode(), "not_json"),
    "a list": (b"[" + encoded(**PLAIN) + b"]", "invalid_shape"),
    "a key twice": (encoded(**PLAIN).replace(b'"name"', b'"phone"'), "duplicate_keys"),
    "an impossible plate": (encoded(**(PLAIN | {"plate": "鲁I12345"})), "bad_plate"),
    "a phone that is a number": (encoded(reporter={"phone": 13800138000}), "invalid_value"),
    "a reporter in words": (encoded(reporter="王芳 13800138000"), "invalid_shape"),
    "no category": (encoded(**PLAIN).replace(b"category", b"kategory"), "missing_field"),
    "names behind escapes": (b'{"data":{"repo\\u0072ter":"13800138000"}}', "missing_field"),
    "latin-1": (encoded(**PLAIN) + b"\xff", "not_json"),
    "two megabytes": (encoded(**PLAIN, description="x" * 2_000_000), "oversized"),
}


@pytest.mark.parametrize(("value", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_travels_sealed_as_a_whole_and_keeps_its_reason(sealer: Sealer, value: bytes, reason: str) -> None:
    done = sealer.seal_value(value)
    assert done is not None and len(done) < 200_000
    assert not any(each.encode() in done for each in ("鲁B12345", "鲁I12345", "王芳", "13800138000"))
    with pytest.raises(BadReport) as error:
        intake.read(done)
    assert error.value.reason == reason and "138" not in error.value.detail and "鲁" not in error.value.detail
    (opened,) = sealer.open(found(done))
    assert opened.value == value[:65_536].decode("utf-8", "replace")


@trials(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=30) | st.sampled_from([b"{", b'{"reporter":', b'"', b"}"]))
def test_no_bytes_break_a_producer(sealer: Sealer, data: bytes) -> None:
    assert sealer.seal_value(data) is not None


# --- keys


def test_keys_are_wrapped_and_of_no_use_without_the_wrapping_key(stored: Sealer, databases: Database, clock: Clock) -> None:
    event = sealed(stored, encoded(**PLAIN))
    key = stored.keys.take()
    with databases.read() as connection:
        rows = connection.execute(select(TABLE)).all()
    assert len(rows) == AT_ONCE and all(key.secret not in row.wrapped for row in rows)
    with pytest.raises(UserError, match=r"wrapping\.key"):
        Sealer(KeyStore(databases, b"x" * 32, 30, clock), CITY).open(found(event))
    assert Sealer(KeyStore(databases, WRAPPING, 30, clock), CITY).open(found(event))[0].value == "鲁B12345"


def test_a_key_lives_to_the_end_of_its_last_day_and_is_then_gone_with_its_date(stored: Sealer, clock: Clock) -> None:
    event = sealed(stored, encoded(**PLAIN))
    clock.go(30)
    assert stored.keys.expire() == 0 and stored.open(found(event))[0].value == "鲁B12345"
    clock.go(1)
    assert {(each.value, each.erased_on) for each in stored.open(found(event))} == {(None, "20261221")}
    assert stored.keys.expire() == AT_ONCE
    assert {(each.value, each.erased_on) for each in stored.open(found(event))} == {(None, "20261221")}
    assert stored.keys.expire() == 0


def test_erasing_takes_only_what_was_named_and_says_how_much(stored: Sealer, clock: Clock) -> None:
    one, other = sealed(stored, encoded(1, **PLAIN)), sealed(stored, encoded(2, **PLAIN))
    clock.go(3)
    key = one["data"]["plate"]["key"]
    assert (stored.keys.erase([key, "unknown"]), stored.keys.erase([key])) == (1, 0)
    assert {each.erased_on for each in stored.open(found(one))} == {"20261124"}
    assert stored.open(found(other))[0].value == "鲁B12345"


def test_an_erased_key_is_in_no_file_of_the_database(tmp_path: Path, clock: Clock) -> None:
    database = open_database(Settings(database_url=f"sqlite:///{tmp_path / 'k.sqlite'}"))
    database.upgrade()
    keys = KeyStore(database, WRAPPING, 30, clock)
    erased, expired = keys.take(), keys.take()
    with database.read() as connection:
        wrapped = {row.id: row.wrapped for row in connection.execute(select(TABLE))}

    def held(id_: str) -> list[str]:
        return [path.name for path in tmp_path.iterdir() if wrapped[id_] in path.read_bytes()]

    assert held(erased.id)
    keys.erase([erased.id])
    assert not held(erased.id) and held(expired.id)
    clock.go(31)
    keys.expire()
    assert not held(expired.id)
    database.close()


def test_threads_never_get_the_same_key(stored: Sealer) -> None:
    taken: list[Key] = []
    threads = [Thread(target=lambda: taken.extend(stored.keys.take() for _ in range(200))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = stored.keys.find(key.id for key in taken)
    assert len(known) == 800 and not any(isinstance(key, Gone) for key in known.values())
