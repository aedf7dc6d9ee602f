"""The receiver of demos: what it understands of each protocol, whose signature it believes, how it answers, and what it shows."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from console.receiver import MOST_BYTES, Mood
from console.receiver_read import READERS, Message, read
from tests.console.receiving import receiver

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROBOT = "SEC0123456789"
NUMBER = "QD-20261121-14YNDD4W6Y"
ONE = {
    "case_id": NUMBER,
    "labels": {"case_id": NUMBER, "category": "gas_leak", "district": "370202", "severity": "emergency"},
    "annotations": {"state": "dispatched", "unit": "gas-370202", "reporter": "王小明"},
    "ends_at": None,
}
CAP = f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>n_7</identifier><sent>2026-11-21T12:00:00+08:00</sent>
<status>Exercise</status><msgType>Update</msgType><info><event>gas_leak</event><headline>燃气泄漏 市南区</headline>
<severity>Extreme</severity><description>{NUMBER}</description></info></alert>""".encode()
XXE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">&x;</alert>'
NAMES = st.sampled_from(["data", "alerts", "labels", "annotations", "type", "content", "text", "id"])
BODIES = st.binary(max_size=200) | st.recursive(st.none() | st.text(), lambda each: st.lists(each) | st.dictionaries(NAMES, each)).map(
    lambda found: json.dumps(found).encode()
)


def message(path: str, body: Any, headers: dict[str, str] | None = None, query: str = "") -> Message:
    """A message with this body."""
    return Message(path, query, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def said(*args: Any) -> dict[str, Any]:
    """What was read of it, without what is empty."""
    found = read(message(*args), (), NOW)
    return {
        name: value for name in ("id", "title", "kind", "firing", "drill", "receiver") if (value := getattr(found, name)) not in (None, "")
    }


EVENT = {"type": "case.filed", "timestamp": "2026-11-21T04:00:00Z", "data": {"receiver": "gas", "drill": False, **ONE}}
GROUP: dict[str, Any] = {
    "type": "notice.firing",
    "data": {"status": "firing", "reason": "first notification", "drill": True, "receiver": "r", "alerts": [ONE, ONE], "truncated": 3},
}
V4 = {
    "version": "4",
    "receiver": "gas",
    "status": "resolved",
    "notification_reason": "all resolved",
    "truncatedAlerts": 0,
    "alerts": [{"labels": ONE["labels"], "annotations": {"drill": "true"}, "endsAt": "2026-11-21T04:00:00Z"}],
}
TOLD: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("/webhook/x", EVENT, {"webhook-id": "n_1"}), {"id": "n_1", "kind": "case.filed", "drill": False, "receiver": "gas"}),
    (
        ("/webhook", GROUP, {"webhook-id": "n_2"}),
        {"id": "n_2", "kind": "first notification", "firing": True, "drill": True, "receiver": "r"},
    ),
    (
        ("/cloudevents", {"specversion": "1.0", "id": "n_3", "source": "/s", "type": "case.filed", "data": ONE}),
        {"id": "n_3", "kind": "case.filed", "drill": False},
    ),
    (
        ("/cloudevents/y", ONE, {"ce-id": "n_4", "ce-type": "case.filed"}),
        {"id": "n_4", "kind": "case.filed", "drill": False, "receiver": "y"},
    ),
    (
        ("/alertmanager", V4, {"webhook-id": "n_5"}),
        {"id": "n_5", "kind": "all resolved", "firing": False, "drill": True, "receiver": "gas"},
    ),
    (("/cap", CAP), {"id": "n_7", "title": "燃气泄漏 市南区", "kind": "Exercise Update Extreme", "firing": True, "drill": True}),
]


@pytest.mark.parametrize(("given_", "expected"), TOLD, ids=lambda each: each[0] if isinstance(each, tuple) else "")
def test_each_protocol_is_understood(given_: tuple[Any, ...], expected: dict[str, Any]) -> None:
    assert said(*given_) == expected
    [case, *_] = read(message(*given_), (), NOW).cases
    assert case["case_id"] == NUMBER and "reporter" not in case


def test_how_many_cases_are_not_shown_is_said_and_which_are_over() -> None:
    assert read(message("/webhook", GROUP), (), NOW).cases[-1] == {"more": 3}
    assert [each["ended"] for each in read(message("/alertmanager", V4), (), NOW).cases] == [True]


@pytest.mark.parametrize(
    ("path", "body", "title", "text"),
    [
        (
            "/dingtalk",
            {"msgtype": "markdown", "markdown": {"title": "燃气泄漏", "text": "### 燃气泄漏\n**状态** 处置中"}},
            "燃气泄漏",
            "状态 处置中",
        ),
        ("/wecom", {"msgtype": "markdown", "markdown": {"content": f"# 燃气泄漏\n[{NUMBER}](https://x)"}}, "燃气泄漏", NUMBER),
        ("/feishu", {"msg_type": "text", "content": {"text": "燃气泄漏\n请接单"}}, "燃气泄漏", "请接单"),
        (
            "/feishu",
            {"card": {"header": {"title": {"content": "燃气泄漏"}}, "elements": [{"text": {"content": "请接单"}}]}},
            "燃气泄漏",
            "请接单",
        ),
        ("/sms", {"to": "x", "text": "燃气泄漏"}, "燃气泄漏", ""),
        ("/voice", b"plain words", "plain words", ""),
        ("/cap", XXE, XXE.decode()[:160], ""),
        ("/webhook", b"{", "{", ""),
        ("/nobody/knows", b"\xff\xfe", "\ufffd\ufffd", ""),
    ],
)
def test_what_is_for_people_is_shown_as_text_and_what_is_not_understood_as_it_is(path: str, body: Any, title: str, text: str) -> None:
    found = read(message(path, body), (), NOW)
    assert (found.title, found.text) == (title, text)


def signatures() -> Iterator[tuple[str, Message]]:
    """One signed message per way of signing, by whose secret."""
    body = json.dumps(EVENT).encode()
    now = datetime.now(UTC)
    stamp = {"webhook-id": "n_1", "webhook-timestamp": str(int(now.timestamp()))}
    yield SECRET, Message("/webhook", "", stamp | {"webhook-signature": Webhook(SECRET).sign("n_1", now, body.decode())}, body)
    ms, s = str(int(NOW.timestamp() * 1000)), str(int(NOW.timestamp()))
    sign = base64.b64encode(hmac.digest(ROBOT.encode(), f"{ms}\n{ROBOT}".encode(), "sha256")).decode()
    yield ROBOT, message("/dingtalk", {"text": "x"}, query=urlencode({"timestamp": ms, "sign": sign}))
    sign = base64.b64encode(hmac.new(f"{s}\n{ROBOT}".encode(), b"", hashlib.sha256).digest()).decode()
    yield ROBOT, message("/feishu", {"timestamp": s, "sign": sign, "content": {"text": "x"}})


@pytest.mark.parametrize("number", range(3), ids=["webhook", "dingtalk", "feishu"])
def test_a_signature_is_believed_only_with_the_right_secret(number: int) -> None:
    secret, signed = list(signatures())[number]
    assert read(signed, ("whsec_" + base64.b64encode(b"another secret, 24 bytes").decode(), secret), NOW).signed is True
    assert read(signed, ("SECanother", "whsec_" + base64.b64encode(b"another secret, 24 bytes").decode()), NOW).signed is False
    assert read(signed, (), NOW).signed is None


@given(path=st.sampled_from([*READERS, "x"]), body=BODIES, query=st.text(max_size=20))
def test_nothing_that_comes_breaks_it(path: str, body: bytes, query: str) -> None:
    found = read(Message(f"/{path}", query, {"webhook-signature": query}, body), (SECRET, ROBOT), NOW)
    json.dumps([found.title, found.text, found.cases])


def test_it_answers_as_each_protocol_wants_and_refuses_a_wrong_signature() -> None:
    with receiver(SECRET) as (_, address), httpx.Client(base_url=address) as client:
        assert client.post("/webhook", json=EVENT).json() == {"ok": True}
        assert client.post("/dingtalk", json={"text": "x"}).json()["errcode"] == 0
        assert client.post("/feishu/a/b", json={"text": "x"}).json()["code"] == 0
        wrong = {"webhook-id": "n_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
        assert client.post("/webhook", json=EVENT, headers=wrong).status_code == 401
        assert client.post("/webhook", content=b"x" * (MOST_BYTES + 1)).status_code == 413


def test_it_fails_when_told_to_and_only_a_page_of_its_own_can_tell_it() -> None:
    with receiver() as (inbox, address), httpx.Client(base_url=address) as client:
        assert client.post("/-/mood", json={"mood": "failing"}).status_code == 204
        assert (inbox.mood, client.post("/webhook", json=EVENT).status_code) == (Mood.FAILING, 503)
        assert client.post("/-/mood", data={"mood": "well"}).status_code == 415
        assert client.post("/-/mood", json={"mood": "merry"}).status_code == 422
        assert client.post("/-/mood", json={"mood": "well"}).status_code == 204
        assert client.post("/webhook", json=EVENT).status_code == 200


def test_its_page_allows_nothing_from_elsewhere() -> None:
    with receiver() as (_, address), httpx.Client(base_url=address) as client:
        answer = client.get("/")
        assert "default-src 'none'" in answer.headers["content-security-policy"] and "receiver/main.js" in answer.text
        assert client.get("/-/names").json()["categories"]["gas_leak"]["zh"]
