"""`/api/v1/evidence`: what is taken, what is given back to whom and how, and what a command may prove by it."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI, Request
from PIL import Image

from adapters.blobs import Folder
from adapters.clock import RealClock
from adapters.database import open_database
from adapters.evidence import EvidenceStore
from config.settings import Settings
from console.edge import Edge
from console.evidence import Evidences
from console.problems import Problem, add_problems
from console.routes import evidence
from console.world import World
from incidents.commands import Command, Evidence
from incidents.evidence_rules import MOST_BYTES
from incidents.rights import Person, Scope, actor_of
from incidents.vocabulary import CommandType, Role
from tests.adapters.pictures import encoded, exif, phone_jpeg, recording, scene

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CASE, OTHER, FOREIGN = "QD-20261121-AAAAAAAAAA", "QD-20261121-BBBBBBBBBB", "QD-20261121-CCCCCCCCCC"
CASES = {CASE: ("370202", "clean-1"), OTHER: ("370202", "clean-2"), FOREIGN: ("370203", "clean-3")}
PEOPLE = {
    "unit": Person(id="wang", name="王", role=Role.UNIT, level="district", unit="clean-1"),
    "other_unit": Person(id="sun", name="孙", role=Role.UNIT, level="district", unit="clean-2"),
    "checker": Person(id="li", name="李", role=Role.CHECKER, level="district", district="370202"),
    "stranger": Person(id="zhao", name="赵", role=Role.CHECKER, level="district", district="370203"),
    "city": Person(id="chen", name="陈", role=Role.SHIFT_LEAD, level="city"),
    "leader": Person(id="xu", name="徐", role=Role.LEADER, level="city"),
    "camera": Person(id="token:1", name="gateway", role=Role.SYSTEM, level="city", kind="token", scopes=frozenset({"evidence"})),
}


def sees(scope: Scope, case_ids: Iterable[str]) -> bool:
    return any(scope.covers(CASES[each][0], [CASES[each][1]]) for each in case_ids if each in CASES)


def admit(request: Request) -> Person:
    person = PEOPLE.get(request.headers.get("Authorization", ""))
    if person is None:
        raise Problem(401, "signed_out", "Nobody is signed in", "sign in")
    return person


@dataclass
class Desk:
    """An application with nothing but evidence, and the people who use it."""

    app: FastAPI
    evidences: Evidences
    wall: list[datetime]

    def bring(self, who: str, data: bytes, **form: Any) -> httpx.Response:
        files = {"file": ("x.html", data, "text/html")}
        return self._ask("POST", "", files=files, data=form, headers={"Authorization": who})

    def look(self, who: str, sha256: str, more: str = "", **headers: str) -> httpx.Response:
        return self._ask("GET", f"/{sha256}{more}", headers={"Authorization": who, **headers})

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://console") as client:
                return await client.request(method, f"/api/v1/evidence{path}", **request)

        return asyncio.run(ask())

    def must_bring(self, who: str, data: bytes, **form: Any) -> dict[str, Any]:
        answer = self.bring(who, data, **form)
        assert answer.status_code == 201, answer.text
        return cast(dict[str, Any], answer.json())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = open_database(Settings(local_dir=tmp_path))
    database.upgrade()
    wall = [NOW]
    clock = RealClock(lambda: wall[0].timestamp())
    store = EvidenceStore(database, Folder(tmp_path / "blobs"), days=100, unused_days=10)
    evidences = Evidences(store, clock, "Asia/Shanghai", sees)
    world = SimpleNamespace(evidence=evidences, access=SimpleNamespace(admit=admit))
    app = FastAPI()
    app.state.world = world
    app.add_middleware(Edge)
    add_problems(app)
    app.include_router(evidence.router(cast(World, world)))
    yield Desk(app, evidences, wall)
    database.close()


# --- bringing


def test_a_picture_is_stored_by_the_hash_of_what_is_left_of_it(desk: Desk) -> None:
    data = phone_jpeg(at="2026:11:21 09:30:00")
    told = desk.must_bring("unit", data, case_id=CASE)
    assert told == {
        "sha256": told["sha256"], "media_type": "image/jpeg", "size": told["size"], "width": 400, "height": 300,
        "captured_at": "2026-11-21T01:30:00Z", "lon": 120.3826, "lat": 36.0671,
        "url": f"/api/v1/evidence/{told['sha256']}", "thumbnail_url": f"/api/v1/evidence/{told['sha256']}/thumbnail",
    }  # fmt: skip
    content = desk.look("unit", told["sha256"])
    assert hashlib.sha256(content.content).hexdigest() == told["sha256"]
    assert desk.look("unit", hashlib.sha256(data).hexdigest()).content == content.content
    assert desk.must_bring("unit", data, case_id=CASE) == told


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, (None, None, None)),
        ({"lon": "120.1", "lat": "36.1", "captured_at": "2026-11-21T09:00:00+08:00"}, ("2026-11-21T01:00:00Z", 120.1, 36.1)),
        ({"lon": "120.1"}, (None, None, None)),
        ({"captured_at": "2026-11-22T09:00:00+08:00"}, (None, None, None)),
        ({"captured_at": "0001-01-01T00:00:00+14:00"}, (None, None, None)),
        ({"captured_at": "9999-12-31T23:59:59-14:00"}, (None, None, None)),
    ],
)
def test_what_a_picture_does_not_say_may_be_told_beside_it(desk: Desk, form: dict[str, str], expected: tuple[object, ...]) -> None:
    told = desk.must_bring("unit", encoded(scene(), "PNG"), **form)
    assert (told["captured_at"], told["lon"], told["lat"]) == expected


def test_what_a_picture_says_wins(desk: Desk) -> None:
    told = desk.must_bring("unit", phone_jpeg(), lon="121.0", lat="35.0", captured_at="2026-11-21T09:59:00+08:00")
    assert (told["captured_at"], told["lon"], told["lat"]) == ("2026-11-21T01:30:00Z", 120.3826, 36.0671)


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"%PDF-1.7", 415, "JPEG, PNG, WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "JPEG, PNG, WebP"),
        (phone_jpeg()[:3000], 415, "damaged"),
        (b"", 415, "JPEG, PNG, WebP"),
        (encoded(Image.new("L", (8000, 7000)), "PNG"), 413, "8000 x 7000 pixels"),
        (recording() + bytes(MOST_BYTES), 413, "10,000,000"),
        (bytes(11_000_000), 413, "10600000"),
    ],
    ids=["pdf", "svg", "cut", "empty", "bomb", "large", "larger"],
)
def test_anything_else_is_refused_with_what_is_right(desk: Desk, data: bytes, status: int, said: str) -> None:
    answer = desk.bring("unit", data)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(("who", "status"), [("", 401), ("leader", 403), ("unit", 201), ("camera", 201)])
def test_who_may_bring_something(desk: Desk, who: str, status: int) -> None:
    assert desk.bring(who, phone_jpeg()).status_code == status


def test_a_case_that_the_person_does_not_see_is_unknown(desk: Desk) -> None:
    assert desk.bring("unit", phone_jpeg(), case_id=FOREIGN).status_code == 404
    assert desk.bring("unit", phone_jpeg(), case_id="QD-20261121-NONE").status_code == 404
    assert desk.bring("unit", phone_jpeg(), case_id="\0").status_code == 422


# --- looking


def test_a_browser_gets_it_locked_in(desk: Desk) -> None:
    told = desk.must_bring("unit", phone_jpeg())
    headers = desk.look("unit", told["sha256"]).headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == f'inline; filename="{told["sha256"][:16]}.jpg"'
    assert headers["cache-control"].startswith("private")


def test_what_a_browser_has_is_not_sent_again(desk: Desk) -> None:
    told = desk.must_bring("unit", phone_jpeg())
    for more in ("", "/thumbnail"):
        tag = desk.look("unit", told["sha256"], more).headers["etag"]
        again = desk.look("unit", told["sha256"], more, **{"If-None-Match": f'W/{tag}, "other"'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert desk.look("stranger", told["sha256"], more, **{"If-None-Match": tag}).status_code == 404


def test_a_thumbnail_is_a_small_jpeg_and_a_recording_has_none(desk: Desk) -> None:
    picture = desk.must_bring("unit", encoded(scene((1200, 900)), "WEBP"))
    small = desk.look("unit", picture["sha256"], "/thumbnail")
    assert (small.headers["content-type"], Image.open(BytesIO(small.content)).size) == ("image/jpeg", (320, 240))
    film = desk.must_bring("unit", recording())
    assert (film["media_type"], film["thumbnail_url"]) == ("video/mp4", None)
    assert desk.look("unit", film["sha256"], "/thumbnail").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=0-999999999", 206, slice(0, None)),
        ("bytes=9-3", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_a_player_may_ask_for_a_part(desk: Desk, wanted: str, status: int, part: slice) -> None:
    told = desk.must_bring("unit", recording())
    whole = desk.look("unit", told["sha256"]).content
    answer = desk.look("unit", told["sha256"], Range=wanted)
    assert (answer.status_code, answer.content) == (status, whole[part])


@pytest.mark.parametrize(
    ("by", "case_id", "may"),
    [
        ("unit", None, {"unit"}),  # a unit's own, and nobody's case yet
        ("unit", CASE, {"unit", "checker", "city", "leader"}),
        ("checker", None, {"checker", "city", "leader"}),
        ("city", FOREIGN, {"city", "leader", "stranger"}),
        ("camera", None, {"city", "leader"}),
    ],
)
def test_who_may_see_it(desk: Desk, by: str, case_id: str | None, may: set[str]) -> None:
    form = {} if case_id is None else {"case_id": case_id}
    sha256 = desk.must_bring(by, phone_jpeg(), **form)["sha256"]
    for more in ("", "/thumbnail"):
        seen = {who for who in PEOPLE if desk.look(who, sha256, more).status_code == 200}
        assert seen - {"city", "leader"} == may - {"city", "leader"}
        assert seen >= may & {"city", "leader"}
    for unknown in ("f" * 64, "nonsense", "%00", "f" * 4000):
        assert desk.look("checker", unknown).status_code == 404


# --- proving


def report(who: str, case_id: str, *given: Evidence, key: str = "1", type_: CommandType = CommandType.REPORT_HANDLED) -> Command:
    return Command(id=f"api:{who}:{case_id}:{key}", case_id=cast(Any, case_id), type=type_, actor=actor_of(PEOPLE[who]), evidence=given)


def resolver(desk: Desk, who: str) -> Callable[[Command], tuple[Evidence, ...] | str]:
    return lambda command: desk.evidences.resolve(command, PEOPLE[who])


def test_a_command_carries_what_the_store_knows_and_nothing_of_what_the_client_says(desk: Desk) -> None:
    data = phone_jpeg(at="2026:11:21 09:30:00")
    told = desk.must_bring("unit", data)
    lie = Evidence(sha256=hashlib.sha256(data).hexdigest(), url="https://elsewhere/x.jpg", captured_at=NOW, lon=1.0, lat=2.0, stored_at=NOW)
    assert desk.evidences.resolve(report("unit", CASE, lie), PEOPLE["unit"]) == (
        Evidence(
            url=told["url"], sha256=told["sha256"], media_type="image/jpeg", stored_at=NOW,
            captured_at=datetime(2026, 11, 21, 1, 30, tzinfo=UTC), lon=120.3826, lat=36.0671,
        ),
    )  # fmt: skip


def test_a_picture_that_the_person_may_not_see_is_unknown_to_them(desk: Desk) -> None:
    sha256 = desk.must_bring("stranger", phone_jpeg())["sha256"]
    for each in (sha256, "f" * 64):
        said = desk.evidences.resolve(report("unit", CASE, Evidence(sha256=each)), PEOPLE["unit"])
        assert isinstance(said, str) and "upload it first" in said


def test_a_picture_proves_one_case_until_the_command_is_refused(desk: Desk) -> None:
    picture = Evidence(sha256=desk.must_bring("unit", phone_jpeg())["sha256"])
    first = report("unit", CASE, picture)
    resolve = resolver(desk, "unit")
    assert isinstance(resolve(first), tuple) and isinstance(resolve(first), tuple)
    elsewhere = report("unit", OTHER, picture)
    assert "proof of another case" in cast(str, resolve(elsewhere))
    desk.evidences.settle(elsewhere, accepted=False)
    assert "proof of another case" in cast(str, resolve(elsewhere))
    desk.evidences.settle(first, accepted=False)
    assert isinstance(resolve(elsewhere), tuple)
    desk.evidences.settle(elsewhere, accepted=True)
    assert "proof of another case" in cast(str, resolve(report("unit", CASE, picture, key="2")))


def test_what_proves_a_case_is_seen_by_whoever_sees_the_case(desk: Desk) -> None:
    sha256 = desk.must_bring("unit", phone_jpeg())["sha256"]
    assert desk.look("checker", sha256).status_code == 404
    assert isinstance(desk.evidences.resolve(report("unit", CASE, Evidence(sha256=sha256)), PEOPLE["unit"]), tuple)
    assert desk.look("checker", sha256).status_code == 200
    said = desk.evidences.resolve(report("checker", CASE, Evidence(sha256=sha256), type_=CommandType.PASS_CHECK), PEOPLE["checker"])
    assert isinstance(said, tuple)


def test_a_picture_that_only_tells_something_binds_nothing(desk: Desk) -> None:
    picture = Evidence(sha256=desk.must_bring("unit", phone_jpeg())["sha256"])
    resolve = resolver(desk, "unit")
    assert isinstance(resolve(report("unit", CASE, picture, type_=CommandType.NOTE)), tuple)
    assert isinstance(resolve(report("unit", OTHER, picture)), tuple)


def test_a_camera_s_time_is_the_city_s_even_where_the_city_runs_faster(desk: Desk) -> None:
    told = desk.must_bring("unit", encoded(scene(), "JPEG", exif=exif(at="2026:11:21 10:04:00", place=None)))
    assert told["captured_at"] == "2026-11-21T02:00:00Z"  # four minutes ahead: now
    desk.wall[0] = NOW + timedelta(hours=1)
    told = desk.must_bring("unit", encoded(scene(seed=2), "JPEG", exif=exif(at="2026:11:21 10:04:00", place=None)))
    assert told["captured_at"] == "2026-11-21T02:04:00Z"
