"""The API before the real worker: reports in, facts on the feed, commands with the real outcome, positions; and a worker that is away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import orjson
import pytest

from adapters.clock import RealClock
from config.settings import Settings
from incidents.vocabulary import Role
from tests.console.served import Served, served
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import Json, report
from tests.waiting import until

pytestmark = pytest.mark.stack

WITHIN_S = 15.0
CAR = "patrol-370214-1"


@pytest.fixture
def console(settings: Settings) -> Iterator[Served]:
    """A console by the real clock."""
    with served(settings, clock=RealClock()) as console:
        yield console


@contextmanager
def following(console: Served, client: httpx.Client) -> Iterator[list[Json]]:
    """What the feed tells this client, as it comes."""
    told: list[Json] = []
    begun = threading.Event()

    def follow() -> None:
        try:
            with client.stream("GET", "/api/v1/feed") as answer:
                for line in answer.iter_lines():
                    begun.set()
                    if line.startswith("data: {") and "sequence" in line:
                        told.append(orjson.loads(line[6:]))
        except httpx.HTTPError:
            pass  # the console ended

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert begun.wait(WITHIN_S)
    yield told
    console.world.hub.close()
    thread.join(WITHIN_S)


def give(client: httpx.Client, case_id: str, key: str, **said: object) -> httpx.Response:
    """Give a command."""
    return client.post(f"/api/v1/cases/{case_id}/commands", json=said, headers={"Idempotency-Key": key})


def test_reports_become_a_case_that_people_act_on_over_the_api(console: Served, settings: Settings, worker: NewWorker) -> None:
    running = worker(settings)
    with (
        console.as_(Role.LEADER) as leader,
        console.as_(Role.LEADER, level="district", district="370203") as other,
        following(console, leader) as told,
        following(console, other) as elsewhere,
        console.as_(Role.SYSTEM) as gateway,
        console.as_(Role.UNIT, unit="sanitation-370202") as unit,
    ):
        answer = gateway.post("/api/v1/events", json=[report(number) for number in range(100)])
        assert (answer.status_code, answer.json()["accepted"]) == (202, 100)
        until(lambda: any(frame["fact"] == "dispatched" for frame in told), "the dispatch on the feed", WITHIN_S)
        [frame] = [frame for frame in told if frame["fact"] == "dispatched"]
        assert frame["unit"] == "sanitation-370202"
        case_id = frame["case_id"]

        accepted = give(unit, case_id, "k1", type="accept").json()
        assert (accepted["state"], accepted["command_id"]) == ("handling", "k1")
        assert give(unit, case_id, "k1", type="accept").json() == accepted
        stale = unit.post(
            f"/api/v1/cases/{case_id}/commands",
            json={"type": "request_extension"},
            headers={"Idempotency-Key": "k2", "If-Match": f'"{accepted["revision"] - 1}"'},
        )
        assert (stale.status_code, stale.json()["changed"]["fact"]) == (409, "accepted")
        until(lambda: any(frame["fact"] == "accepted" for frame in told), "the acceptance on the feed", WITHIN_S)
        assert elsewhere == []

        assert gateway.post(f"/api/v1/units/{CAR}/position", json={"lon": 120.388, "lat": 36.31}).status_code == 202
        until(lambda: _units(leader) == [CAR], "the vehicle's position", WITHIN_S)
        assert _units(other) == []

        running.stop()
        console.world.commands.wait_s = 0.5
        assert give(unit, case_id, "k3", type="note", note="on our way").status_code == 202
        worker(settings, "--only", "closure")
        until(lambda: unit.get("/api/v1/commands/k3").status_code == 200, "the answer of the next worker", WITHIN_S)


def _units(client: httpx.Client) -> list[str]:
    return [each["unit"] for each in client.get("/api/v1/units/positions").json()["positions"]]
