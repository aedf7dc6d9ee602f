"""What a receiver makes of a notice: whether its signature is right, and what it says to a person, by the protocol it came in.

For `console.receiver`, the page that shows a city's notices as they arrive. Pure, and written from the published formats, not from our
channels (handlers/channels/): a witness of what a receiver in the city understands. The first part of the path names the protocol.
"""

import base64
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from lxml import etree
from standardwebhooks import Webhook, WebhookVerificationError

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
CASE = re.compile(r"\b[A-Z]{2,4}-\d{8}-[0-9A-Z]{10}\b")
SECRET = "whsec_"
FRESH_S = 3600
"""How old a robot's time stamp may be (ALERTS.md §5)."""
MOST_TITLE, MOST_TEXT = 160, 1200
TEXTS = frozenset({"title", "text", "content", "message", "msg", "body"})
"""What robots and gateways call what a person reads."""
MOST_CASES = 60
SHOWN = ("case_id", "category", "district", "subdistrict", "severity", "state", "unit", "address", "overdue", "level", "due_at")
GOES_ON = "0001-01-01T00:00:00Z"
"""Alertmanager's end of what has none."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """A message as it came; header names are lower case."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def protocol(self) -> str:
        """The first part of the path, if it is one we know."""
        first = self.path.strip("/").split("/")[0]
        return first if first in READERS else "other"


@dataclass(frozen=True)
class Read:
    """What it says. `id` stays over repeats, "" where the protocol has none; `kind` is its type or reason, `at` when it was written,
    `receiver` whom it is for; `signed` is None where nothing is signed; `cases` have the fields of `SHOWN` that it tells, the last may be
    `{"more": n}`."""

    id: str
    title: str
    text: str = ""
    kind: str = ""
    firing: bool | None = None
    drill: bool = False
    at: str | None = None
    receiver: str = ""
    signed: bool | None = None
    cases: tuple[Json, ...] = ()


def read(message: Message, secrets: Sequence[str], now: datetime) -> Read:
    """What it says, as far as it can be understood; `secrets` are those of the city's targets here, any of which may have signed."""
    try:
        found = READERS.get(message.protocol, _other)(message)
    except (ValueError, LookupError, TypeError, AttributeError, etree.XMLSyntaxError):
        found = _other(message)
    numbers = dict.fromkeys(CASE.findall(message.body.decode("utf-8", "replace")))
    cases = found.cases or tuple({"case_id": number} for number in numbers)[:MOST_CASES]
    receiver = found.receiver or (message.path.strip("/").split("/") + [""])[1]
    return replace(found, text=found.text[:MOST_TEXT], receiver=receiver, signed=signed(message, secrets, now), cases=cases)


def answer(protocol: str) -> Json:
    """How this protocol says that all is well."""
    return {
        "dingtalk": {"errcode": 0, "errmsg": "ok"},
        "wecom": {"errcode": 0, "errmsg": "ok"},
        "feishu": {"code": 0, "msg": "success"},
    }.get(protocol, {"ok": True})


def signed(message: Message, secrets: Sequence[str], now: datetime) -> bool | None:
    """Whether one of the secrets signed it; None where there is no signature or nothing to check it with."""
    try:
        checks = [check for name, check in SIGNATURES if name(message)]
        return any(check(message, secret, now) for check in checks for secret in secrets) if checks and secrets else None
    except (ValueError, LookupError, TypeError):
        return False


def _webhook_signed(message: Message, secret: str, _: datetime) -> bool:
    if not secret.startswith(SECRET):
        return False
    try:
        Webhook(secret).verify(message.body, dict(message.headers), json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def _dingtalk_signed(message: Message, secret: str, now: datetime) -> bool:
    asked = dict(parse_qsl(message.query))
    wanted = hmac.digest(secret.encode(), f"{asked['timestamp']}\n{secret}".encode(), "sha256")
    fresh = abs(now.timestamp() - int(asked["timestamp"]) / 1000) <= FRESH_S
    return fresh and hmac.compare_digest(asked["sign"].encode(), base64.b64encode(wanted))


def _feishu_signed(message: Message, secret: str, now: datetime) -> bool:
    body = orjson.loads(message.body)
    wanted = hmac.digest(f"{body['timestamp']}\n{secret}".encode(), b"", "sha256")
    return abs(now.timestamp() - int(body["timestamp"])) <= FRESH_S and hmac.compare_digest(body["sign"].encode(), base64.b64encode(wanted))


SIGNATURES: tuple[tuple[Callable[[Message], bool], Callable[[Message, str, datetime], bool]], ...] = (
    (lambda message: "webhook-signature" in message.headers, _webhook_signed),
    (lambda message: message.protocol == "dingtalk" and "sign=" in message.query, _dingtalk_signed),
    (lambda message: message.protocol == "feishu" and b'"sign"' in message.body, _feishu_signed),
)


def _webhook(message: Message) -> Read:
    """Standard Webhooks 1.0: `{"type", "timestamp", "data"}`; the id stands in a header."""
    body = orjson.loads(message.body)
    data = body["data"]
    return _of_event(message.headers.get("webhook-id") or "", body["type"], body.get("timestamp"), data)


def _cloudevent(message: Message) -> Read:
    """CloudEvents 1.0 over HTTP: structured, or binary with the attributes in `ce-` headers."""
    if "ce-id" in message.headers:
        said = {name: message.headers.get(f"ce-{name}") for name in ("id", "type", "time")}
        return _of_event(str(said["id"]), str(said["type"]), said["time"], orjson.loads(message.body))
    body = orjson.loads(message.body)
    return _of_event(body["id"], body["type"], body.get("time"), body["data"])


def _of_event(id_: str, type_: str, at: str | None, data: Json) -> Read:
    alerts = data.get("alerts") or ([data] if "case_id" in data else [])
    status = data.get("status")
    about = data.get("about") or data.get("group_labels") or {}
    text = "\n".join(f"{name}: {value}" for name, value in about.items()) if not alerts else ""
    firing = None if status is None else status == "firing"
    kind = str(data.get("reason") or type_)
    cases = _cases(alerts, ("ends_at",), data.get("truncated"))
    return Read(id_, "", text, kind, firing, bool(data.get("drill")), at, str(data.get("receiver") or ""), cases=cases)


def _alertmanager(message: Message) -> Read:
    """Alertmanager's webhook, version 4."""
    body = orjson.loads(message.body)
    alerts = body["alerts"]
    drill = any((each["labels"] | each["annotations"]).get("drill") == "true" for each in alerts)
    kind = body.get("notification_reason") or body["status"]
    id_ = message.headers.get("webhook-id") or ""
    cases = _cases(alerts, ("endsAt",), body.get("truncatedAlerts"))
    return Read(id_, "" if cases else body["groupKey"], "", kind, body["status"] == "firing", drill, None, body["receiver"], cases=cases)


def _cases(alerts: Sequence[Json], ends: Sequence[str], truncated: int | None) -> tuple[Json, ...]:
    """The cases of a body, as far as a person reads them; annotations win, for they are of now."""
    found = []
    for each in alerts[:MOST_CASES]:
        said = {**each["labels"], **each["annotations"]}
        ended = any(each.get(name) not in (None, GOES_ON) for name in ends)
        found.append({name: str(said[name]) for name in SHOWN if said.get(name)} | {"ended": ended})
    more = len(alerts) - len(found) + (truncated or 0)
    return (*found, *([{"more": more}] if more else []))


def _cap(message: Message) -> Read:
    """CAP 1.2; nothing outside the message is read."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    alert = etree.fromstring(message.body, parser)
    identifier = alert.findtext(f"{CAP}identifier")
    if not identifier:
        raise ValueError("no CAP alert")
    info = alert.find(f"{CAP}info")
    told = {name: "" if info is None else info.findtext(f"{CAP}{name}") or "" for name in ("headline", "event", "description", "severity")}
    kind = f"{alert.findtext(f'{CAP}status')} {alert.findtext(f'{CAP}msgType')} {told['severity']}".strip()
    ended = alert.findtext(f"{CAP}msgType") == "Cancel"
    drill = alert.findtext(f"{CAP}status") in ("Exercise", "Test")
    title = told["headline"] or told["event"]
    return Read(identifier, title, told["description"], kind, not ended, drill, alert.findtext(f"{CAP}sent"))


def _robot(message: Message) -> Read:
    """DingTalk, WeCom, Feishu: a text, a markdown text, or a card, whose texts are told in order."""
    body = orjson.loads(message.body)
    texts = [text for text in _texts(body) if text.strip()]
    lines = [_plain(line) for line in "\n".join(texts).strip().splitlines()] or [""]
    rest = lines[2:] if lines[1:2] == lines[:1] else lines[1:]  # a title and the same as a heading
    return Read("", lines[0], "\n".join(rest), drill="演练" in lines[0])


def _texts(found: Any, name: str = "") -> Iterable[str]:
    if isinstance(found, str) and name in TEXTS:
        yield found
    elif isinstance(found, Mapping):
        for key, value in found.items():
            yield from _texts(value, key)
    elif isinstance(found, list):
        for value in found:
            yield from _texts(value, name)


def _plain(line: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"^#+\s*|\*\*|<[^>]*>", "", line)).strip()


def _other(message: Message) -> Read:
    """A gateway's own format (SMS, voice), or nothing known: its texts if it is JSON, otherwise what it is."""
    said = message.body.decode("utf-8", "replace").strip()
    with suppress(orjson.JSONDecodeError):
        said = "\n".join(_texts(orjson.loads(message.body))) or said
    id_ = message.headers.get("webhook-id") or message.headers.get("idempotency-key") or ""
    first, *rest = said.splitlines() or [""]
    return Read(id_, first[:MOST_TITLE], "\n".join(rest), drill="演练" in said or "DRILL" in said)


READERS: dict[str, Callable[[Message], Read]] = {
    "webhook": _webhook,
    "cloudevents": _cloudevent,
    "alertmanager": _alertmanager,
    "cap": _cap,
    "dingtalk": _robot,
    "wecom": _robot,
    "feishu": _robot,
    "sms": _other,
    "voice": _other,
}
"""Protocol → how it is read; also the first parts of paths that are known."""
