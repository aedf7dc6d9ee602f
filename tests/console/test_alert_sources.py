"""Alerts in their senders' words: Alertmanager's webhook, CAP 1.2, and signatures in the place of a sign-in."""

import base64
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from console.example_values import CAP, HOOK
from tests.console.kept import Kept
from tests.console.served import Served

pytestmark = pytest.mark.stack

SECRETS = [f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2, 3)]
HOURS = timedelta(hours=1)
XEE = '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE alert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.fixture(scope="module", autouse=True)
def _secrets(console: Served) -> None:
    folder = console.world.settings.local_dir / "secrets" / "webhooks"
    folder.mkdir()
    for source in ("cap", "alertmanager", "hotline12345"):
        (folder / source).write_text("\n".join(SECRETS[:2]))
        (folder / source).chmod(0o600)


@pytest.fixture(autouse=True)
def _fresh(bus: Kept) -> None:
    bus.outs, bus.away = [], False


def cap(identifier: str, **changed: str) -> str:
    """A message; elements get other texts, `body` is put in the place of the root's end."""
    text = CAP.replace("37020041600000_20261121081500", identifier).replace("2026-11-21T20:00:00+08:00", _later(HOURS))
    for name, value in changed.items():
        begin, end = text.index(f"<{name}>") + len(name) + 2, text.index(f"</{name}>")
        text = text[:begin] + value + text[end:]
    return text


def about(kind: str, identifier: str, earlier: str, **changed: str) -> str:
    """An update or a cancel of an earlier message."""
    refers = f"<references>qingdao@cma.example,{earlier},2026-11-21T08:15:00+08:00</references>"
    return cap(identifier, msgType=kind, **changed).replace("<info>", f"{refers}<info>", 1)


def _later(by: timedelta) -> str:
    return (datetime.now(UTC) + by).isoformat(timespec="seconds")


def send(client: httpx.Client, text: str) -> httpx.Response:
    """A CAP message."""
    return client.post("/api/v1/sources/cap", content=text.encode(), headers={"Content-Type": "application/cap+xml"})


def firing(lead: httpx.Client, name: str) -> list[dict[str, Any]]:
    """Alerts of this identifier."""
    found: list[dict[str, Any]] = lead.get("/api/v2/alerts", params={"filter": f'identifier="{name}"'}).json()
    return found


def test_a_warning_opens_a_case_where_it_holds(lead: httpx.Client, bus: Kept) -> None:
    assert send(lead, cap("w1")).json() == {"accepted": 1, "skipped": 0, "why": None}
    [report] = bus.events()
    data = report["data"]
    assert (data["category"], data["severity"], data["description"]) == ("warning", "major", "青岛市发布暴雨橙色预警")
    assert data["location"] == {"lon": 120.3826, "lat": 36.0671, "accuracy_m": 5000}
    assert data["attributes"]["annotations"]["area"] == "青岛市市南区"


def test_the_same_message_again_changes_nothing(lead: httpx.Client, bus: Kept) -> None:
    send(lead, cap("w2"))
    bus.events()
    assert "before" in send(lead, cap("w2")).json()["why"]
    assert bus.events() == []


def test_an_update_is_about_the_same_alert_and_a_cancel_ends_it(lead: httpx.Client, bus: Kept) -> None:
    send(lead, cap("w3"))
    bus.events()
    assert send(lead, about("Update", "w3b", "w3", severity="Extreme", headline="暴雨红色预警")).json()["accepted"] == 1
    [found] = firing(lead, "w3")
    assert (found["annotations"]["headline"], found["annotations"]["severity"]) == ("暴雨红色预警", "Extreme")
    assert firing(lead, "w3b") == []
    assert send(lead, about("Cancel", "w3c", "w3b")).json()["accepted"] == 1
    assert firing(lead, "w3") == []


def test_what_is_cancelled_and_not_known_is_said_to_be_so(lead: httpx.Client, bus: Kept) -> None:
    assert "cancels nothing" in send(lead, about("Cancel", "w4", "never")).json()["why"]
    assert bus.events() == []


@pytest.mark.parametrize("status", ["Exercise", "Test", "System", "Draft"])
def test_nobody_is_sent_anywhere_by_what_is_not_actual(lead: httpx.Client, bus: Kept, status: str) -> None:
    answer = send(lead, cap(f"x-{status}", status=status)).json()
    assert (answer["accepted"], answer["skipped"]) == (0, 1) and status in answer["why"]
    assert bus.events() == [] and firing(lead, f"x-{status}") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no XML"),
        ("<alert/>", "CAP 1.2"),
        (CAP.replace("<alert ", XEE + "<alert ", 1).replace("<headline>", "<headline>&x;"), "document type"),
        (CAP.replace("<alert ", LAUGHS + "<alert ", 1).replace("<headline>", "<headline>&b;"), "document type"),
        (CAP.replace("cap:1.2", "cap:1.1"), "CAP 1.2"),
        (CAP.replace("08:15:00+08:00", "00:15:00Z"), "write it like"),
        (cap("b1", status="Real"), "none of CAP's"),
        (cap("b2", severity="Terrible"), "Extreme"),
        (cap("b3", scope="Everyone"), "Private"),
        (cap("b 4"), "no spaces"),
        (cap("b5", msgType="Cancel"), "references"),
        (cap("b6", circle="36.0671 120.3826 5"), "lat,lon"),
        (CAP.replace("<circle>36.0671,120.3826 5</circle>", "<polygon>36,120 36,121 37,121</polygon>"), "four points"),
        (CAP.replace("<info>", "<!--").replace("</info>", "-->"), "needs an `info`"),
        (CAP.replace("<identifier>", "<identifier>" + "x" * 300), "256"),
    ],
)
def test_what_is_no_cap_message_is_refused_with_its_element(lead: httpx.Client, bus: Kept, text: str, why: str) -> None:
    answer = send(lead, text.encode().decode())
    assert answer.status_code == 422 and why in answer.json()["detail"], answer.text
    assert bus.events() == []


def hook(*alerts: dict[str, Any]) -> dict[str, Any]:
    """What Alertmanager sends."""
    return {**HOOK, "alerts": list(alerts)}


def alert(name: str, status: str = "firing", ends: str = "0001-01-01T00:00:00Z") -> dict[str, Any]:
    """One alert of it."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "warning"},
        "annotations": {},
        "startsAt": _later(-HOURS),
        "endsAt": ends,
        "generatorURL": "",
    }


def test_what_alertmanager_tells_lasts_until_it_says_otherwise(lead: httpx.Client, bus: Kept) -> None:
    assert lead.post("/api/v1/sources/alertmanager", json=hook(alert("Hooked"), alert("Other"))).json()["accepted"] == 2
    assert sorted(report["data"]["severity"] for report in bus.events()) == ["normal", "normal"]
    [found] = lead.get("/api/v2/alerts", params={"filter": 'alertname="Hooked"'}).json()
    assert found["endsAt"] > _later(100 * HOURS)
    lead.post("/api/v1/sources/alertmanager", json=hook(alert("Hooked", "resolved", _later(timedelta(seconds=-1)))))
    assert lead.get("/api/v2/alerts", params={"filter": 'alertname="Hooked"'}).json() == []
    assert len(lead.get("/api/v2/alerts", params={"filter": 'alertname="Other"'}).json()) == 1


@pytest.mark.parametrize("body", [{}, {"version": "3", "alerts": []}, hook({"status": "firing"}), hook(alert("A") | {"labels": {}})])
def test_another_body_is_refused(lead: httpx.Client, body: dict[str, Any]) -> None:
    assert lead.post("/api/v1/sources/alertmanager", json=body).status_code == 422


def signed(body: str, secret: str = SECRETS[0], at: float | None = None, **changed: str) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    stamp = int(time.time() if at is None else at)
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(stamp, UTC), body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp), "webhook-signature": signature}
    return {**headers, **{name.replace("_", "-"): value for name, value in changed.items()}}


@pytest.mark.parametrize("secret", SECRETS[:2])
def test_a_signature_takes_the_place_of_a_sign_in(console: Served, bus: Kept, secret: str) -> None:
    body = cap(f"s-{secret[-6:-2]}")
    with console.client as nobody:
        answer = nobody.post("/api/v1/sources/cap", content=body.encode(), headers=signed(body, secret))
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert len(bus.events()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        signed("x", SECRETS[2]),
        signed("y"),
        signed("x", at=time.time() - 86_400),
        signed("x", at=time.time() + 86_400),
        signed("x", webhook_id="msg_2"),
        signed("x", webhook_timestamp="soon"),
        signed("x", webhook_signature="v1"),
        signed("x", webhook_signature="v1,a,b"),
        signed("x", webhook_signature="v2,AAAA"),
        signed("x", webhook_signature=""),
        {"webhook-signature": "v1,AAAA"},
    ],
)
@pytest.mark.parametrize("source", ["cap", "alertmanager", "hotline12345"])
def test_what_is_not_signed_rightly_is_nobody(console: Served, bus: Kept, source: str, headers: dict[str, str]) -> None:
    with console.client as nobody:
        answer = nobody.post(f"/api/v1/sources/{source}", content=b"x", headers=headers)
    assert answer.status_code == 401 and bus.events() == []


@pytest.mark.parametrize("address", ["/api/v1/sources/unknown", "/api/v1/sources/..%2Fcity.key", "/api/v1/events", "/api/v2/alerts"])
def test_a_signature_opens_nothing_but_its_own_source(console: Served, address: str) -> None:
    with console.client as nobody:
        assert nobody.post(address, content=b"[]", headers=signed("[]")).status_code in (401, 404, 405)


def test_bytes_that_are_no_text_are_not_signed(console: Served) -> None:
    with console.client as nobody:
        assert nobody.post("/api/v1/sources/cap", content=b"\xff\xfe", headers=signed("x")).status_code == 401


def test_secrets_that_others_may_read_are_not_used(console: Served) -> None:
    path = (console.world.settings.secrets_dir or console.world.settings.local_dir / "secrets") / "webhooks" / "hotline12345"
    path.chmod(0o644)
    with console.client as nobody:
        answer = nobody.post("/api/v1/sources/hotline12345", content=b"x", headers=signed("x"))
    path.chmod(0o600)
    assert answer.status_code == 422 and "chmod 600" in answer.text and SECRETS[0] not in answer.text
