"""What our own channels send, our own endpoints take: one city's notices are another one's reports."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from incidents.notices import Alert, Notice
from tests.console.kept import Kept
from tests.handlers.channels.notices import alert, notice, sent, target

pytestmark = pytest.mark.stack

MEDIA = {"alertmanager": "application/json", "cap": "application/cap+xml"}
SETTINGS: dict[str, dict[str, Any]] = {
    "alertmanager": {"url": "https://there.example/"},
    "cap": {"url": "https://there.example/", "sender": "ops.here.example"},
}


@pytest.fixture(autouse=True)
def _fresh(bus: Kept) -> None:
    bus.events()


def mine(number: int, ended: bool = False, **annotations: str) -> Alert:
    """A burst main that began a minute ago, by the clock of this machine."""
    now = datetime.now(UTC)
    times = {"starts_at": now - timedelta(minutes=1), "ends_at": now - timedelta(seconds=1) if ended else None}
    return alert(number, ended, None, **annotations).model_copy(update=times)


def forwarded(lead: httpx.Client, kind: str, told: Notice) -> dict[str, Any]:
    """What the endpoint answers to the body of that channel."""
    now = datetime.now(UTC)
    body = sent(kind, told.model_copy(update={"at": now}), target(kind, **SETTINGS[kind]), now).body
    answer = lead.post(f"/api/v1/sources/{kind}", content=body, headers={"Content-Type": MEDIA[kind]})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def firing(lead: httpx.Client, name: str) -> list[dict[str, Any]]:
    """Alerts whose labels say so."""
    found: list[dict[str, Any]] = lead.get("/api/v2/alerts", params={"filter": name}).json()
    return found


def test_our_alertmanager_body_is_an_alert_here_and_its_end_the_end(lead: httpx.Client, bus: Kept) -> None:
    name = f'case_id="{mine(1).labels["case_id"]}"'
    assert forwarded(lead, "alertmanager", notice(mine(1), mine(2)))["accepted"] == 2
    reports = [each["data"] for each in bus.events()]
    assert [(each["category"], each["severity"]) for each in reports] == [("system", "emergency")] * 2
    [found] = firing(lead, name)
    assert found["labels"]["alertname"] == "water_main_burst" and found["labels"]["district"] == "370202"
    assert "张女士" not in str(reports) + str(found)
    assert forwarded(lead, "alertmanager", notice(mine(1, ended=True)))["accepted"] == 1
    assert firing(lead, name) == [] and len(firing(lead, name.replace("01", "02"))) == 1


def test_who_hears_that_an_alert_left_its_receiver_hears_why(lead: httpx.Client) -> None:
    """The case goes on; only this receiver's conditions hold no more."""
    forwarded(lead, "alertmanager", notice(mine(3)))
    assert forwarded(lead, "alertmanager", notice(mine(3, ended=True, left="true")))["accepted"] == 1
    body = sent("alertmanager", notice(mine(3, ended=True, left="true")), target("alertmanager", **SETTINGS["alertmanager"])).body
    assert b'"left":"true"' in body


def test_our_cap_message_is_a_case_of_its_category_where_it_is_and_cancels_only_itself(lead: httpx.Client, bus: Kept) -> None:
    first, other = mine(4), mine(5)
    begun = [forwarded(lead, "cap", notice(each)) for each in (first, other)]
    assert [each["accepted"] for each in begun] == [1, 1]
    data = bus.events()[0]["data"]
    assert (data["category"], data["severity"]) == ("water_main_burst", "emergency")
    assert (data["location"]["lon"], data["location"]["lat"]) == (120.38, 36.06)
    assert "before" in forwarded(lead, "cap", notice(first))["why"]
    again = notice(
        first.model_copy(update={"annotations": {**first.annotations, "level": "city"}}), id="n_2", reason="repeat interval has passed"
    )
    assert forwarded(lead, "cap", again)["accepted"] == 1
    ended = first.model_copy(update={"ends_at": datetime.now(UTC)})
    assert forwarded(lead, "cap", notice(ended, id="n_3", reason="all alerts resolved", status="resolved"))["accepted"] == 1
    assert firing(lead, f'identifier="{first.labels["case_id"]}"') == []
    assert len(firing(lead, f'identifier="{other.labels["case_id"]}"')) == 1


def test_an_exercise_of_ours_sends_nobody_anywhere(lead: httpx.Client, bus: Kept) -> None:
    assert forwarded(lead, "cap", notice(mine(6), drill=True))["skipped"] == 1
    assert bus.events() == []
