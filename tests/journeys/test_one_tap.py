"""The way of an escalation through real servers: its fact, the text message, the link, the tap, and the proof that somebody was told."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.clock import RealClock
from config.settings import Settings
from incidents.vocabulary import Role
from tests.console.served import Served, served
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import report
from tests.journeys.process import ask
from tests.journeys.receiving import Street, receiving
from tests.waiting import until

pytestmark = pytest.mark.stack

HOOKS = """
[allow]
cidrs = ["127.0.0.0/8"]

[[receivers]]
name = "duty"
[[receivers.duty]]
unit = "command_center-city"
level = "city"

[[receivers]]
name = "nobody"

[tree]
receiver = "nobody"
group_by = ["case_id"]
group_wait = "0s"
group_interval = "1s"

[[tree.routes]]
receiver = "duty"
where = ['escalated_to=~".+"']
"""
DUTY = """
[channels.sms]
url = "http://127.0.0.1:{port}/sms"

[[shift]]
key = "round"
hours = "00:00-24:00"

[[person]]
key = "li"
name = "李强"
unit = "command_center-city"
role = "shift_lead"
sms = "+8653200000999"

[[turn]]
unit = "command_center-city"
level = "city"
shift = "round"
people = ["li"]
"""
LINK = re.compile(r"http://\S+(/ack/\S+)")


def on_duty(folder: Path, settings: Settings, port: int) -> Settings:
    """The settings with a city where one person is always on duty, who is told by SMS."""
    made = folder / "config"
    shutil.copytree(settings.config_dir, made, ignore=shutil.ignore_patterns("*.py", "__pycache__", "duty*"))
    city = made / "cities" / "qingdao"
    (city / "hooks.toml").write_text(HOOKS)
    (city / "duty.toml").write_text(DUTY.format(port=port))
    return settings.model_copy(update={"config_dir": made})


@pytest.fixture
def street() -> Iterator[Street]:
    """The gateway of text messages."""
    with receiving(Street()) as opened:
        yield opened


def texts(street: Street) -> list[str]:
    """What the phone shows."""
    return [got.body["text"] for got in street.got("/sms")]


def facts(leader: httpx.Client, case_id: str) -> list[str]:
    """What the log says of the case."""
    return [each["type"] for each in leader.get(f"/api/v1/cases/{case_id}/events").json()["events"]]


def filed(console: Served, leader: httpx.Client) -> str:
    """The number of a case of burst main that was reported just now and dispatched by rule."""
    with console.as_(Role.SYSTEM) as gateway:
        said = [report(number, f"/iot/{number}", category="water_main_burst", channel="iot") for number in range(2)]
        assert gateway.post("/api/v1/events", json=said).status_code == 202
    rows = until(lambda: leader.get("/api/v1/cases?status=dispatched").json()["cases"], "a dispatched case", 60)
    return str(rows[0]["case_id"])


def test_an_escalation_rings_whoever_is_on_duty_and_one_tap_acknowledges_it(
    settings: Settings, worker: NewWorker, street: Street, tmp_path: Path
) -> None:
    settings = on_duty(tmp_path, settings, street.port)
    with served(settings, clock=RealClock()) as console, console.as_(Role.LEADER) as leader, console.client as phone:
        console.world.commands.wait_s = leader.timeout = phone.timeout = 60.0
        told = settings.model_copy(update={"console_url": console.address})
        running = worker(told, "--only", "intake,closure,routing,projection,hooks")
        case_id = filed(console, leader)
        assert texts(street) == []
        given = leader.post(f"/api/v1/cases/{case_id}/commands", json={"type": "escalate"}, headers={"Idempotency-Key": "up"})
        assert given.status_code == 200, given.text
        until(lambda: running.metric("cityloop_escalations_proven_total", result="delivered") == 1, "the proof that it was told", 60)
        link = LINK.search(texts(street)[-1])
        assert link is not None and case_id in texts(street)[-1]

        page = phone.get(link[1])
        assert page.status_code == 200 and "<form" in page.text and case_id in page.text
        assert "acknowledged" not in facts(leader, case_id)
        assert phone.post(link[1]).status_code == 200
        until(lambda: "acknowledged" in facts(leader, case_id), "the fact", 60)
        assert "<form" not in phone.get(link[1]).text

        explained = json.loads(ask(told, "hooks", "explain", case_id, "--json").stdout)
        delivered = [one for each in explained for one in each["deliveries"] if one["state"] == "delivered"]
        assert {one["target"] for one in delivered} & {"duty/li/sms", "duty/li/sms/urgent"}
