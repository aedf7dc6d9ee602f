"""What counts as evidence: when and where a file says it was taken, what the store's word is worth, and what closure asks of it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.commands import Evidence
from incidents.evidence_rules import (
    Picture,
    Taken,
    as_evidence,
    believable,
    exif_degrees,
    exif_moment,
    iso_6709,
    position,
    resolved,
    taken_by_device,
)
from incidents.places import distance_m, to_gcj02
from incidents.vocabulary import State
from tests.incidents.closing import START, desk_in

SHANGHAI = ZoneInfo("Asia/Shanghai")
HERE = {"lon": 120.3801, "lat": 36.0601}
AFTERWARDS = START + timedelta(days=1)
CASE = "QD-20261121-AAAAAAAAAA"


def picture(**changes: Any) -> Picture:
    """A picture of the store, taken on site after the dispatch."""
    known = {
        "sha256": "a" * 64,
        "media_type": "image/jpeg",
        "size": 9,
        "stored_at": AFTERWARDS,
        "captured_at": AFTERWARDS,
    }
    return Picture.model_validate(known | HERE | changes)


# --- what a file says


@pytest.mark.parametrize(
    ("text", "offset", "fraction", "expected"),
    [
        ("2026:11:21 08:15:02", "+08:00", None, datetime(2026, 11, 21, 0, 15, 2, tzinfo=UTC)),
        ("2026:11:21 08:15:02", None, None, datetime(2026, 11, 21, 0, 15, 2, tzinfo=UTC)),
        ("2026:11:21 08:15:02", "-05:00", "25", datetime(2026, 11, 21, 13, 15, 2, 250_000, tzinfo=UTC)),
        ("2026:11:21 08:15:02", "+99:00", "x", datetime(2026, 11, 21, 0, 15, 2, tzinfo=UTC)),
        ("0000:00:00 00:00:00", None, None, None),
        ("2026:13:45 08:15:02", None, None, None),
        ("yesterday", None, None, None),
        (None, None, None, None),
        (b"2026:11:21 08:15:02", None, None, None),
    ],
)
def test_a_time_without_an_offset_is_the_city_s(text: object, offset: object, fraction: object, expected: datetime | None) -> None:
    assert exif_moment(text, offset, fraction, SHANGHAI) == expected


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_every_time_that_a_camera_can_write_is_read_as_it_was(local: datetime, minutes: int) -> None:
    shift = timezone(timedelta(minutes=minutes))
    sign, size = ("-" if minutes < 0 else "+"), abs(minutes)
    offset = f"{sign}{size // 60:02}:{size % 60:02}"
    text = local.isoformat(" ", "seconds").replace("-", ":")
    read = exif_moment(text, offset, f"{local.microsecond:06}", SHANGHAI)
    assert read == local.replace(tzinfo=shift)


@pytest.mark.parametrize(
    ("values", "ref", "expected"),
    [
        ((36.0, 4.0, 1.56), "N", 36.0671),
        ((36, 4, 1.56), "S", -36.0671),
        ((71.0, 3.0, 32.4), "W", -71.059),
        ((36.0, 4.0), "N", None),
        ((36.0, 4.0, "x"), "N", None),
        ((36.0, 4.0, 1.56), None, None),
        (None, "N", None),
    ],
)
def test_degrees_are_read_from_rationals(values: object, ref: object, expected: float | None) -> None:
    assert exif_degrees(values, ref) == expected


@pytest.mark.parametrize(("lon", "lat"), [(0, 0), (181, 36), (120, 91), (float("nan"), 36), (None, 36), (120, None)])
def test_what_is_no_place_on_earth_is_no_place(lon: float | None, lat: float | None) -> None:
    assert position(lon, lat) is None


def test_a_position_is_wgs_84_unless_it_says_the_datum_of_chinese_web_maps() -> None:
    shifted = to_gcj02(120.3826, 36.0671)
    assert position(120.3826, 36.0671, "WGS-84") == (120.3826, 36.0671)
    converted = position(*shifted, "GCJ-02")
    assert converted is not None and distance_m(*converted, 120.3826, 36.0671) < 0.01


def test_a_recording_tells_its_place_in_iso_6709() -> None:
    assert iso_6709(b"\x00\x12\x15\xc7+36.0671+120.3826/") == (120.3826, 36.0671)
    assert iso_6709(b"nothing") is None


def test_a_file_s_own_word_wins_and_positions_are_never_mixed() -> None:
    told = Taken(captured_at=AFTERWARDS, lon=1.0, lat=2.0)
    assert taken_by_device(Taken(captured_at=START, lon=3.0, lat=4.0), told) == Taken(captured_at=START, lon=3.0, lat=4.0)
    assert taken_by_device(Taken(), told) == told


def test_a_camera_s_clock_that_runs_ahead_says_nothing() -> None:
    assert believable(START - timedelta(days=1), START) == START - timedelta(days=1)
    assert believable(START + timedelta(minutes=4), START) == START
    assert believable(START + timedelta(minutes=6), START) is None
    assert believable(None, START) is None


# --- what the store knows against what a client says


def test_what_the_client_says_beside_the_hash_is_replaced_by_what_the_store_knows() -> None:
    lie = Evidence(sha256="b" * 64, captured_at=AFTERWARDS, url="s3://elsewhere/x", **HERE)
    true = picture(captured_at=START, lon=121.0, lat=36.5)
    assert resolved([lie], {"b" * 64: true}, CASE) == (as_evidence(true),)


@pytest.mark.parametrize(
    ("given_", "known", "reason"),
    [
        (Evidence(url="s3://x/y.jpg"), {}, "upload the picture first"),
        (Evidence(sha256="b" * 64), {}, "no picture bbbbbbbbbbbb"),
        (Evidence(sha256="a" * 64), {"a" * 64: picture(proof_of="QD-20261121-BBBBBBBBBB")}, "proof of another case"),
    ],
)
def test_a_hash_that_the_store_does_not_stand_behind_is_refused_with_what_to_do(
    given_: Evidence, known: dict[str, Picture], reason: str
) -> None:
    refused = resolved([given_], known, CASE)
    assert isinstance(refused, str) and reason in refused


def test_the_same_picture_by_two_hashes_is_one_and_may_prove_its_own_case_twice() -> None:
    known = {"a" * 64: picture(proof_of=CASE), "b" * 64: picture(proof_of=CASE)}
    found = resolved([Evidence(sha256="A" * 64), Evidence(sha256="b" * 64)], known, CASE)
    assert found == (as_evidence(picture()),)


# --- what closure asks of it

STEPS = [(State.HANDLING, "report_handled", "unit"), (State.CHECKING, "pass_check", "checker")]


@pytest.mark.parametrize(("state", "command", "role"), STEPS)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"captured_at": START - timedelta(hours=1)}, "before the dispatch"),
        ({"captured_at": None, "stored_at": START - timedelta(hours=1)}, "before the dispatch"),
        ({"lon": 120.39}, "m from the case"),
        ({"lon": None, "lat": None}, "say in `note` where"),
    ],
)
def test_handling_and_check_want_stored_pictures_of_afterwards_and_of_here(
    state: State, command: str, role: str, changes: dict[str, Any], reason: str
) -> None:
    assert reason in desk_in(state).refused(command, role, evidence=[as_evidence(picture(**changes))])


@pytest.mark.parametrize(("state", "command", "role"), STEPS)
def test_a_person_vouches_for_a_picture_without_a_place_in_words_that_stay_on_the_fact(state: State, command: str, role: str) -> None:
    nowhere = as_evidence(picture(lon=None, lat=None))
    fact = desk_in(state).must(command, role, evidence=[nowhere], note="地下车库无定位信号").facts[0]
    assert fact.note == "地下车库无定位信号"


@pytest.mark.parametrize(("state", "command", "role"), STEPS)
def test_a_stored_picture_of_afterwards_and_of_here_is_proof(state: State, command: str, role: str) -> None:
    desk_in(state).must(command, role, evidence=[as_evidence(picture())])


def test_other_systems_answer_for_what_they_report_as_handled() -> None:
    desk_in(State.HANDLING).must("report_handled", "unit", evidence=[{"url": "s3://x", "captured_at": START - timedelta(hours=1)}])
