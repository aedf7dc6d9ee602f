"""Alerts before the real worker: what Debian's Prometheus and Alertmanager send becomes a case, and the case ends when the alert does."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.clock import RealClock
from config.settings import Settings
from incidents.posted import fingerprint
from incidents.vocabulary import Role
from tests.console.served import Served, served
from tests.console.test_alert_sources import about, cap, send
from tests.journeys.conftest import NewWorker
from tests.servers import die_with_us
from tests.waiting import until

pytestmark = pytest.mark.stack

WITHIN_S = 60.0
ALERTMANAGER, PROMETHEUS = shutil.which("prometheus-alertmanager") or "", shutil.which("prometheus") or ""


@pytest.fixture
def console(settings: Settings) -> Iterator[Served]:
    """A console by the real clock."""
    with served(settings, clock=RealClock()) as console:
        yield console


def cases(lead: httpx.Client, category: str = "system") -> list[dict[str, Any]]:
    """Those of a category, as the tables have them."""
    found: list[dict[str, Any]] = lead.get("/api/v1/cases", params={"category": category}).json()["cases"]
    return found


def states(lead: httpx.Client, category: str = "system") -> list[str]:
    """Of those cases."""
    return sorted(each["state"] for each in cases(lead, category))


def iso(seconds: float) -> str:
    """So many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_an_alert_is_a_case_as_long_as_it_fires_and_another_one_afterwards(console: Served, settings: Settings, worker: NewWorker) -> None:
    worker(settings)
    told = {"labels": {"alertname": "DiskFull", "severity": "critical"}, "annotations": {"summary": "3 % left"}}
    with console.as_(Role.SHIFT_LEAD) as lead, console.as_(Role.SYSTEM) as machine:
        for _ in range(3):
            assert machine.post("/api/v2/alerts", json=[told]).status_code == 200
        until(lambda: states(lead) == ["dispatched"], "the case of the alert", WITHIN_S)
        [first] = cases(lead)
        assert (first["severity"], first["district"], first["unit"], first["count"]) == ("emergency", None, "command_center-city", 1)
        assert lead.get("/api/v2/alerts").json()[0]["case_id"] == first["case_id"]

        machine.post("/api/v2/alerts", json=[{**told, "endsAt": iso(-1)}])
        until(lambda: states(lead) == ["closed"], "the end of the case", WITHIN_S)
        facts = lead.get(f"/api/v1/cases/{first['case_id']}/events").json()["events"]
        assert "closed" in facts[-1]["type"] and facts[-1]["actor"]["id"] == "system:alerts"

        machine.post("/api/v2/alerts", json=[told])
        until(lambda: states(lead) == ["closed", "dispatched"], "a new case for a new occurrence", WITHIN_S)
        machine.post("/api/v2/alerts", json=[{**told, "startsAt": iso(0), "endsAt": iso(2)}])
        until(lambda: states(lead) == ["closed", "closed"], "the end of what nobody repeats", WITHIN_S)


@pytest.mark.slow
def test_a_warning_is_raised_by_its_update_and_ends_with_its_cancel(console: Served, settings: Settings, worker: NewWorker) -> None:
    worker(settings)
    with console.as_(Role.SHIFT_LEAD) as lead:
        assert send(lead, cap("j1")).status_code == 200
        until(lambda: states(lead, "warning") == ["dispatched"], "the case of the warning", WITHIN_S)
        [case] = cases(lead, "warning")
        assert (case["district"], case["severity"]) == ("370202", "major")
        send(lead, about("Update", "j2", "j1", severity="Extreme", headline="暴雨红色预警"))
        until(lambda: cases(lead, "warning")[0]["severity"] == "emergency", "the severity of the update", WITHIN_S)
        assert "暴雨红色预警" in lead.get(f"/api/v1/cases/{case['case_id']}").text
        send(lead, about("Cancel", "j3", "j2"))
        until(lambda: states(lead, "warning") == ["closed"], "the end of the warning", WITHIN_S)
        assert len(cases(lead, "warning")) == 1


@pytest.mark.slow
def test_what_nobody_could_be_told_of_is_told_when_they_are_back(console: Served, settings: Settings, worker: NewWorker) -> None:
    """No worker runs while the alert begins and ends: the case is opened and closed when one does."""
    told = {"labels": {"alertname": "Brief"}}
    with console.as_(Role.SHIFT_LEAD) as lead:
        lead.post("/api/v2/alerts", json=[told])
        lead.post("/api/v2/alerts", json=[{**told, "endsAt": iso(-1)}])
        assert lead.get("/api/v2/alerts").json() == []
        worker(settings)
        until(lambda: states(lead) == ["closed"], "the case and its end", WITHIN_S)


@contextmanager
def running(command: list[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """A program of Debian's, until the block ends."""
    assert command[0], "install the packages prometheus and prometheus-alertmanager (make tools)"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*die_with_us(), *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, env=os.environ)
    try:
        until(ready, f"{Path(command[0]).name} (log: {folder / 'log'})", WITHIN_S)
        yield
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def answers(address: str) -> Callable[[], bool]:
    """Whether something is ready there."""

    def ask() -> bool:
        try:
            return httpx.get(f"{address}/-/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    return ask


@contextmanager
def alertmanager(console: Served, token: str, folder: Path) -> Iterator[str]:
    """Debian's, which tells everything to the console's webhook; its address."""
    address = f"127.0.0.1:{free_port()}"
    target = f"url: {console.address}/api/v1/sources/alertmanager, http_config: {{authorization: {{credentials: {token}}}}}"
    route = "route: {receiver: city, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}"
    (folder / "am.yml").write_text(f"{route}\nreceivers:\n- name: city\n  webhook_configs:\n  - {{{target}}}\n")
    command = [ALERTMANAGER, "--config.file=am.yml", f"--web.listen-address={address}", "--cluster.listen-address=", "--storage.path=am"]
    with running(command, folder, answers(f"http://{address}")):
        yield f"http://{address}"


def test_alertmanagers_own_sender_is_taken(console: Served, settings: Settings, worker: NewWorker, tmp_path: Path) -> None:
    worker(settings)
    labels = {"alertname": "Twin", "job": "api", "zz": "ü 崂山"}
    with console.as_(Role.SHIFT_LEAD) as lead, console.as_(Role.SYSTEM) as machine:
        token = machine.headers["Authorization"].removeprefix("Bearer ")
        with alertmanager(console, token, tmp_path) as theirs:
            httpx.post(f"{theirs}/api/v2/alerts", json=[{"labels": labels}]).raise_for_status()
            until(lambda: states(lead) == ["dispatched"], "the case of Alertmanager's alert", WITHIN_S)
            [their], [our] = httpx.get(f"{theirs}/api/v2/alerts").json(), lead.get("/api/v2/alerts").json()
            assert their["fingerprint"] == our["fingerprint"] == fingerprint(labels)
            assert their.keys() - our.keys() == set()
            httpx.post(f"{theirs}/api/v2/alerts", json=[{"labels": labels, "endsAt": iso(0)}]).raise_for_status()
            until(lambda: states(lead) == ["closed"], "the end of it", WITHIN_S)


RULES = """groups:
- name: test
  interval: 1s
  rules:
  - alert: Always
    expr: vector(1) == {value}
    labels: {{severity: warning}}
    annotations: {{summary: it always fires}}
"""


@pytest.mark.slow
def test_prometheus_takes_us_for_an_alertmanager(console: Served, settings: Settings, worker: NewWorker, tmp_path: Path) -> None:
    worker(settings)
    address = f"127.0.0.1:{free_port()}"
    with console.as_(Role.SHIFT_LEAD) as lead, console.as_(Role.SYSTEM) as machine:
        token = machine.headers["Authorization"].removeprefix("Bearer ")
        us = f"authorization: {{credentials: {token}}}, static_configs: [{{targets: ['{console.address.removeprefix('http://')}']}}]"
        (tmp_path / "p.yml").write_text(
            f"global: {{evaluation_interval: 1s}}\nrule_files: [rules.yml]\nalerting:\n  alertmanagers:\n  - {{{us}}}\n"
        )
        (tmp_path / "rules.yml").write_text(RULES.format(value=1))
        command = [PROMETHEUS, "--config.file=p.yml", f"--web.listen-address={address}", "--storage.tsdb.path=data"]
        # What it has to say before it has found us is lost until it says it again, which is after a minute unless told otherwise.
        command += ["--web.enable-lifecycle", "--rules.alert.resend-delay=1s"]
        with running(command, tmp_path, answers(f"http://{address}")):
            until(lambda: states(lead) == ["dispatched"], "the case of Prometheus's alert", WITHIN_S)
            (tmp_path / "rules.yml").write_text(RULES.format(value=2))
            httpx.post(f"http://{address}/-/reload", timeout=30).raise_for_status()
            until(lambda: states(lead) == ["closed"], "its end", WITHIN_S)
            [case] = cases(lead)
            assert case["severity"] == "normal"
