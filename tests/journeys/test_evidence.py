"""A case is handled and checked by pictures of the city's store: whatever a client says of them, what the store knows decides."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.database import open_database
from config.load import load_city
from config.settings import Settings
from incidents.vocabulary import Role
from tests.adapters.pictures import SECRET, phone_jpeg, scene
from tests.console.door import a_door, bearer
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import LAT, LON, METRE, facts, report, send
from tests.journeys.test_no_personal_data import Console
from tests.waiting import until

pytestmark = pytest.mark.stack

Json = dict[str, Any]
LIES = {"captured_at": "2030-01-01T00:00:00Z", "lon": LON, "lat": LAT}
NOTE = "地下车库没有定位信号，已与物业现场核对"


@dataclass
class Person:
    """Somebody with a token."""

    client: httpx.Client

    def bring(self, seed: int, ago_s: float = 0, east_m: float | None = 5, **form: Any) -> str:
        """Upload a picture as a phone makes it, so many metres from the case; None: without a position. Its hash as the phone knows it."""
        taken = datetime.now(UTC) - timedelta(seconds=ago_s)
        place = None if east_m is None else (LON + east_m * METRE, LAT)
        data = phone_jpeg(scene(seed=seed), at=f"{taken:%Y:%m:%d %H:%M:%S}", offset="+00:00", place=place)
        answer = self.client.post("/api/v1/evidence", files={"file": ("photo.jpg", data)}, data=form)
        assert answer.status_code == 201, answer.text
        return hashlib.sha256(data).hexdigest()

    def give(self, case_id: str, type_: str, key: str, *hashes: str, **said: Any) -> httpx.Response:
        """A command that lies about where and when its pictures were taken."""
        body = {"type": type_, "evidence": [{"sha256": each, **LIES} for each in hashes], **said}
        return self.client.post(f"/api/v1/cases/{case_id}/commands", json=body, headers={"Idempotency-Key": key})

    def sees(self, sha256: str) -> bool:
        codes = {self.client.get(f"/api/v1/evidence/{sha256}{more}").status_code for more in ("", "/thumbnail")}
        assert codes in ({200}, {404})
        return codes == {200}


@dataclass
class Office:
    """The running console, and a token for everybody."""

    settings: Settings
    address: str
    stack: ExitStack

    def person(self, role: Role, **place: Any) -> Person:
        with closing(open_database(self.settings)) as database:
            head = bearer(a_door(self.settings, load_city(self.settings), database), role, **place)
        return Person(self.stack.enter_context(httpx.Client(base_url=self.address, headers=head, timeout=30)))


@pytest.fixture
def office(settings: Settings, tmp_path: Path, worker: NewWorker) -> Iterator[Office]:
    worker(settings)
    console = Console(settings, tmp_path / "console.log")
    with ExitStack() as stack:
        yield Office(settings, str(console.client.base_url), stack)
    console.stop()


def dispatched(settings: Settings, *sources: str) -> list[Json]:
    """The cases that these cameras opened, once they are dispatched."""

    def all_are(found: list[Json]) -> bool:
        return len([each for each in found if each["type"].endswith(".dispatched.v1")]) == len(sources)

    found = [each["data"]["case"] for each in facts(settings, all_are) if each["type"].endswith(".dispatched.v1")]
    return [next(case for case in found if case["source"] == source) for source in sources]


def test_only_pictures_of_afterwards_and_of_here_that_the_store_has_prove_a_case(settings: Settings, office: Office) -> None:
    before = datetime.now(UTC)
    send(settings, report(1, "/cameras/1"), report(2, "/cameras/2", east_m=2000))
    case, other = dispatched(settings, "/cameras/1", "/cameras/2")
    case_id, district = case["case_id"], case["place"]["district"]
    unit = office.person(Role.UNIT, unit=case["unit"], level="district")
    checker = office.person(Role.CHECKER, district=district, level="district")
    stranger = office.person(Role.CHECKER, district="370211" if district != "370211" else "370202", level="district")
    for each, who in ((case, unit), (other, office.person(Role.UNIT, unit=other["unit"], level="district"))):
        assert who.give(each["case_id"], "accept", f"accept-{each['case_id']}").status_code == 200

    ago_s = (datetime.now(UTC) - before).total_seconds() + 60
    good, early, far, nowhere = unit.bring(1), unit.bring(2, ago_s=ago_s), unit.bring(3, east_m=900), unit.bring(4, east_m=None)
    for number, (sha256, reason) in enumerate(
        (
            ("f" * 64, "upload it first"),
            (early, "before the dispatch"),
            (far, "take it on site"),
            (nowhere, "say in `note` where"),
            (stranger.bring(5), "upload it first"),
        )
    ):
        answer = unit.give(case_id, "report_handled", f"refused-{number}", sha256)
        assert (answer.status_code, answer.json()["state"]) == (409, "handling"), answer.text
        assert reason in answer.json()["reason"]
    assert unit.give(case_id, "report_handled", "handled", good).status_code == 200
    assert unit.give(case_id, "report_handled", "handled", good).status_code == 200

    elsewhere = office.person(Role.UNIT, unit=other["unit"], level="district")
    again = elsewhere.give(other["case_id"], "report_handled", "reused", good)
    assert again.status_code == 409 and ("proof of another case" in again.json()["reason"] or "upload it first" in again.json()["reason"])
    until(lambda: checker.sees(good), "the case's picture for whoever sees the case")
    assert unit.sees(good) and not stranger.sees(good)

    seen = checker.bring(6, east_m=None)
    assert "say in `note`" in checker.give(case_id, "pass_check", "checked-1", seen).json()["reason"]
    assert checker.give(case_id, "pass_check", "checked-2", seen, note=NOTE).status_code == 200
    heard = facts(settings, lambda found: any(".check_passed." in each["type"] for each in found))
    told = {each["type"].split(".")[2]: each["data"] for each in heard if each["data"]["case_id"] == case_id}
    [handled] = told["handled"]["case"]["handled_evidence"]
    assert handled["url"] == f"/api/v1/evidence/{handled['sha256']}" and handled["sha256"] != good and handled["stored_at"]
    assert round((handled["lon"] - LON) / METRE) == 5
    assert told["check_passed"]["note"] == NOTE and told["check_passed"]["case"]["check_evidence"][0]["lon"] is None
    kept = [path.read_bytes() for path in settings.local_dir.rglob("*.jpg")]
    assert len(kept) == 12 and not any(SECRET in each or b"Exif" in each for each in kept)
