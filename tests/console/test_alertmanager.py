"""`/api/v2` before what speaks it in earnest: Debian's amtool posts, lists and silences; refusals are what it can read."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from incidents.vocabulary import Role
from tests.console.kept import Kept
from tests.console.served import Served

pytestmark = pytest.mark.stack

AMTOOL = shutil.which("amtool") or ""


@pytest.fixture(scope="module")
def login(lead: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What amtool signs in with."""
    token = lead.headers["Authorization"].removeprefix("Bearer ")
    path = tmp_path_factory.mktemp("amtool") / "http.yml"
    path.write_text(f"authorization:\n  credentials: {token}\n")
    return path


@pytest.fixture
def amtool(console: Served, login: Path) -> Any:
    """Runs amtool against the console."""
    assert AMTOOL, "install the package prometheus-alertmanager (make tools)"

    def run(*words: str, ok: bool = True) -> str:
        command = [AMTOOL, f"--alertmanager.url={console.address}", f"--http.config.file={login}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout if ok else done.stderr

    return run


def test_amtool_posts_an_alert_and_finds_it(amtool: Any, bus: Kept) -> None:
    bus.outs = []
    amtool("alert", "add", "DiskFull", "instance=db-1", "severity=critical", "--annotation=summary=little space")
    [found] = json.loads(amtool("--output=json", "alert", "query", "instance=db-1"))
    assert (found["labels"], found["status"]["state"]) == ({"alertname": "DiskFull", "instance": "db-1", "severity": "critical"}, "active")
    assert found["annotations"] == {"summary": "little space"}
    assert "DiskFull" in amtool("alert", "query", "alertname=~Disk.*") and "DiskFull" not in amtool("alert", "query", "instance=db-2")
    [report] = bus.events()
    assert (report["data"]["category"], report["data"]["severity"], report["data"]["channel"]) == ("system", "emergency", "business_data")
    assert "location" not in report["data"] and report["data"]["attributes"]["labels"] == found["labels"]


def test_amtool_makes_lists_and_ends_a_silence(amtool: Any) -> None:
    amtool("alert", "add", "Down", "job=api")
    name = amtool("silence", "add", "alertname=Down", "job=~a.*", "--author=wang", "--comment=works", "--duration=1h").strip()
    [silence] = json.loads(amtool("--output=json", "silence", "query", "alertname=Down"))
    assert (silence["id"], silence["createdBy"], silence["status"]["state"]) == (name, "wang", "active")
    [found] = json.loads(amtool("--output=json", "alert", "query", "--silenced", "job=api"))
    assert found["status"] == {"state": "suppressed", "silencedBy": [name], "inhibitedBy": []}
    amtool("silence", "update", name, "--comment=longer works", "--duration=2h")
    [silence] = json.loads(amtool("--output=json", "silence", "query", "alertname=Down"))
    assert (silence["id"], silence["comment"]) == (name, "longer works")
    amtool("silence", "expire", name)
    assert json.loads(amtool("--output=json", "silence", "query", "alertname=Down")) == []
    assert name in amtool("silence", "query", "--expired", "alertname=Down")


def test_amtool_reads_the_tree_and_says_why_it_was_refused(amtool: Any) -> None:
    assert "receiver" in amtool("config", "show")
    assert amtool("config", "routes", "test", "severity=emergency").strip()
    assert "disabled" in amtool("cluster", "show")
    assert "silence everything" in amtool("silence", "add", "a=~.*", "--author=w", "--comment=c", "--duration=1h", ok=False)
    assert "status 404" in amtool("silence", "expire", "7b6f2f9e-63a4-4f0e-9f0c-1c52f4a1c2de", ok=False)


def an_alert(**labels: str) -> dict[str, Any]:
    """One that fires."""
    return {"labels": {"alertname": "Test", **labels}}


def iso(**ago: float) -> str:
    """A moment before now."""
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def test_a_repeat_is_the_same_alert_and_an_end_takes_it_away(lead: httpx.Client, bus: Kept) -> None:
    bus.outs = []
    mine = {"filter": 'job="repeat"'}
    for number in range(3):
        assert lead.post("/api/v2/alerts", json=[an_alert(job="repeat") | {"annotations": {"n": str(number)}}]).status_code == 200
    [found] = lead.get("/api/v2/alerts", params=mine).json()
    assert found["annotations"] == {"n": "2"} and len(bus.events()) == 1
    assert lead.post("/api/v2/alerts", json=[an_alert(job="repeat") | {"endsAt": iso(seconds=1)}]).text == ""
    assert lead.get("/api/v2/alerts", params=mine).json() == [] and bus.events() == []


def test_what_is_right_is_taken_and_what_is_not_is_named(lead: httpx.Client) -> None:
    backwards = {"labels": {"a": "b"}, "startsAt": iso(), "endsAt": iso(hours=1)}
    bad = [an_alert(job="mixed"), {"labels": {"0bad": "x"}}, {"labels": {}}, backwards]
    answer = lead.post("/api/v2/alerts", json=bad)
    assert answer.status_code == 400 and isinstance(answer.json(), str)
    assert all(f"alert {number}" in answer.json() for number in (1, 2, 3)) and "alert 0" not in answer.json()
    assert len(lead.get("/api/v2/alerts", params={"filter": 'job="mixed"'}).json()) == 1


@pytest.mark.parametrize("body", [b"", b"{", b'{"labels":{}}', b"[1]", b'[{"labels":{"a":1}}]', b"[" * 10_000])
def test_a_body_that_holds_no_alerts_is_refused(lead: httpx.Client, body: bytes) -> None:
    answer = lead.post("/api/v2/alerts", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and isinstance(answer.json(), str)


def test_posted_alerts_stand_in_groups_for_their_receivers(lead: httpx.Client) -> None:
    lead.post("/api/v2/alerts", json=[an_alert(job="grouped", n="1"), an_alert(job="grouped", n="2")])
    receivers = {each["name"] for each in lead.get("/api/v2/receivers").json()}
    groups = lead.get("/api/v2/alerts/groups", params={"filter": 'job="grouped"'}).json()
    assert groups and {group["receiver"]["name"] for group in groups} <= receivers
    assert {alert["labels"]["n"] for group in groups for alert in group["alerts"]} == {"1", "2"}


def test_silences_of_one_district_are_for_who_acts_for_it(console: Served, lead: httpx.Client) -> None:
    def silence(**matchers: str) -> dict[str, Any]:
        rows = [{"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in matchers.items()]
        return {"matchers": rows, "startsAt": iso(), "endsAt": iso(hours=-1), "createdBy": "w", "comment": "c"}

    everywhere = lead.post("/api/v2/silences", json=silence(category="road_spillage")).json()["silenceID"]
    with console.as_(Role.SHIFT_LEAD, level="district", district="370202") as own, console.as_(Role.UNIT, unit="sanitation-370202") as unit:
        assert own.post("/api/v2/silences", json=silence(category="road_spillage")).status_code == 400
        mine = own.post("/api/v2/silences", json=silence(district="370202")).json()["silenceID"]
        assert [each["id"] for each in own.get("/api/v2/silences").json()] == [mine]
        assert {each["id"] for each in lead.get("/api/v2/silences").json()} >= {mine, everywhere}
        assert own.get(f"/api/v2/silence/{everywhere}").status_code == own.delete(f"/api/v2/silence/{everywhere}").status_code == 404
        assert own.delete(f"/api/v2/silence/{mine}").status_code == 200
        assert unit.post("/api/v2/silences", json=silence(district="370202")).status_code == 403
        assert unit.get("/api/v2/silences").json() == []
        assert unit.get("/api/v2/alerts").json() == own.get("/api/v2/alerts").json() == []


def test_who_may_only_send_sees_nothing(console: Served) -> None:
    with console.as_(Role.SYSTEM) as machine, console.client as nobody:
        assert machine.post("/api/v2/alerts", json=[an_alert(job="machine")]).status_code == 200
        assert [machine.get(f"/api/v2/{path}").status_code for path in ("alerts", "silences", "status")] == [403] * 3
        assert nobody.post("/api/v2/alerts", json=[]).status_code == 401
        assert orjson.loads(nobody.get("/api/v2/status").content).startswith("sign in")
