"""The pictures of a simulated city: what its cameras and people show is in the store of evidence, and good enough for closure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from adapters.database import open_database
from adapters.drawings import Shot, drawn
from adapters.evidence import EvidenceStore, open_evidence
from adapters.pictures import read
from config.load import load_city
from config.settings import Settings
from incidents.commands import Command, Evidence
from incidents.steps.intake import read as read_report
from incidents.vocabulary import State
from producers.album import Album
from producers.pictured import Pictured
from producers.simulation.plan import SimulationOptions
from producers.sources.simulate import Simulation
from producers.units import Lane, Planned, Units
from tests.incidents.closing import CITY, START, desk_in

NOW = START + timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder of its own; no server."""
    return Settings(local_dir=tmp_path)


@pytest.fixture
def store(settings: Settings) -> Iterator[EvidenceStore]:
    database = open_database(settings)
    database.upgrade()
    yield open_evidence(settings, database)
    database.close()


@pytest.fixture
def album(settings: Settings, store: EvidenceStore) -> Album:
    return Album(store, load_city(settings))


@pytest.mark.parametrize("category", ["road_spillage", "standing_water", "muck_truck_mud", "manhole_cover", "gas_leak", "street_stall"])
def test_a_drawing_says_when_and_where_and_shows_whether_the_thing_is_still_there(category: str) -> None:
    shots = [Shot(category, there, 3, datetime(2026, 11, 21, 9, 30, 1, 250_000, UTC), -71.06, 42.36, "x") for there in (True, False)]
    before, after = map(drawn, shots)
    assert before != after == drawn(shots[1])
    told = read(before, UTC).taken
    assert (told.captured_at, told.lon, told.lat) == (datetime(2026, 11, 21, 9, 30, 1, 250_000, UTC), -71.06, 42.36)


def test_machines_send_pictures_that_the_store_has_and_intake_takes(settings: Settings, store: EvidenceStore, album: Album) -> None:
    options = SimulationOptions.model_validate({"cameras": 50, "rate": 5, "seed": 1, "start": NOW, "count": 300, "bad": 0.05})
    plain = list(Simulation(load_city(settings), None, options).items())
    pictured = list(Pictured(Simulation(load_city(settings), None, options), album, 0.6).items())
    assert [each._replace(value=None) for each in pictured] == [each._replace(value=None) for each in plain]
    changed = [new.value for new, old in zip(pictured, plain, strict=True) if new.value != old.value and new.value is not None]
    assert 0.3 * len(plain) < len(changed) < 0.8 * len(plain)
    named: dict[str, set[str]] = {}
    for value in changed:
        report = read_report(value)
        [evidence] = report["data"].get("evidence") or []
        named.setdefault(f"{report['source']} {report['data']['category']}", set()).add(evidence.get("sha256") or "")
    assert all(len(hashes) == 1 for hashes in named.values())
    hashes = {each for found in named.values() for each in found}
    assert set(store.known(hashes)) == hashes


@pytest.mark.parametrize(
    ("state", "type_", "role"), [(State.HANDLING, "report_handled", "unit"), (State.CHECKING, "pass_check", "checker")]
)
def test_what_people_show_of_their_work_proves_it(store: EvidenceStore, album: Album, state: State, type_: str, role: str) -> None:
    desk = desk_in(state)
    place, taken = desk.open.place, NOW - timedelta(minutes=1)
    shown = Evidence(url="s3://x", sha256="a" * 64, captured_at=taken, lon=place.lon, lat=place.lat)
    head = {"id": "1", "case_id": desk.open.case_id, "type": type_, "actor": {"id": "x", "role": role, "unit": "clean-1"}}
    planned = Planned(Lane.WORK, NOW, Command.model_validate(head | {"evidence": (shown,)}), "road_spillage")
    [evidence] = album.shown(planned, NOW).evidence
    assert (evidence.captured_at, evidence.lon, evidence.lat, evidence.stored_at) == (taken, place.lon, place.lat, NOW)
    desk.must(type_, role, evidence=[evidence])
    picture = store.known([evidence.sha256 or ""])[evidence.sha256 or ""]
    assert Image.open(BytesIO(store.content(picture) or b"")).size == (480, 360)


def test_of_a_share_of_cases_the_desk_s_work_waits_for_a_person() -> None:
    case = desk_in(State.CHECKING).open
    [usual], [waiting] = Units(CITY, left=0.0).plan(case), Units(CITY, left=1.0).plan(case)
    assert (waiting.due - usual.due, waiting.command.id) == (timedelta(hours=20), usual.command.id)
    unit = desk_in(State.HANDLING).open
    assert [each.due for each in Units(CITY, left=1.0).plan(unit)] == [each.due for each in Units(CITY, left=0.0).plan(unit)] != []
