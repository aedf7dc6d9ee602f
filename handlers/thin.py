"""Bodies for systems: thin events in JSON (ids, public fields, what to fetch the rest by), under a size, and how they are signed.

One body in two coats: Standard Webhooks (handlers/channels/webhook.py) and CloudEvents (cloudevents.py). Facts of cases are `case.<fact>`,
messages of the routing tree `notice.firing`, `notice.resolved` and `notice.digest`, the rest is about what runs the notices
(`endpoint.*`, `silence.*`, `drill.*`). docs/events/ has a JSON Schema for each.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from handlers.channel import Target
from handlers.shown import about, public
from incidents.notices import Alert, Notice

VERSION = 1
"""Of the bodies; grows by optional fields only."""
MOST_BYTES = 20_000
"""Standard Webhooks' advice for a payload."""


def type_of(notice: Notice) -> str:
    """The event's type."""
    if notice.fact is not None:
        return notice.fact if "." in notice.fact else f"case.{notice.fact}"
    return "notice.digest" if notice.digested else f"notice.{notice.status}"


def data_of(notice: Notice, target: Target) -> Callable[[Sequence[Alert]], dict[str, Any]]:
    """What the event says, as a function of the alerts there is room for."""
    head = {"notice": notice.id, "version": VERSION, "receiver": notice.receiver, "drill": notice.drill}
    if not notice.alerts:
        return lambda _: head | {"sequence": notice.sequence, "status": notice.status, "about": about(notice)}
    if notice.fact is not None and len(notice.alerts) == 1:
        return lambda alerts: head | one(alerts[0], target) | {"sequence": notice.sequence}
    whole = head | {
        "sequence": notice.sequence,
        "status": notice.status,
        "reason": notice.reason,
        "group": notice.group_key,
        "group_labels": about(notice),
        "digested": list(notice.digested),
    }
    total = len(notice.alerts) + notice.truncated
    return lambda alerts: whole | {"alerts": [one(alert, target) for alert in alerts], "truncated": total - len(alerts)}


def one(alert: Alert, target: Target) -> dict[str, Any]:
    """A case as it leaves; `sequence` grows with the case's facts, so that a receiver can drop what is older than what it knows."""
    seen = public(alert)
    return {
        "case_id": seen.labels.get("case_id", ""),
        "sequence": seen.sequence,
        "fingerprint": seen.fingerprint,
        "labels": seen.labels,
        "annotations": seen.annotations,
        "starts_at": instant(seen.starts_at),
        "ends_at": None if seen.ends_at is None else instant(seen.ends_at),
        "link": target.words.link(seen.labels.get("case_id", "")),
    }


def instant(at: datetime) -> str:
    """UTC with a Z, as both specifications show it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def small(notice: Notice, body: Callable[[Sequence[Alert]], bytes], most: int = MOST_BYTES) -> bytes:
    """The body with as many alerts as fit. Raises ValueError when even one does not."""
    shown = len(notice.alerts)
    while len(written := body(notice.alerts[:shown])) > most:
        if shown <= 1:
            raise ValueError(f"{len(written)} bytes with one case alone, at most {most}")
        shown = min(shown - 1, shown * most // len(written)) or 1
    return written


def event(notice: Notice, target: Target) -> bytes:
    """`{"type", "timestamp", "data"}` (Standard Webhooks, "Payload structure")."""
    data, head = data_of(notice, target), {"type": type_of(notice), "timestamp": instant(notice.at)}
    return small(notice, lambda alerts: orjson.dumps(head | {"data": data(alerts)}))


def signatures(notice_id: str, secrets: Sequence[str], body: bytes, at: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks, signed with every secret there is: the newest first, the old one while it is replaced.

    Raises ValueError for a secret that is none.
    """
    try:
        signed = [Webhook(secret).sign(notice_id, at.astimezone(UTC), body.decode()) for secret in secrets]
    except (ValueError, EmptyWebhookSecretError):
        raise ValueError("a signing secret is not whsec_ and base64 of 24 to 64 bytes") from None
    stamp = str(int(at.timestamp()))
    return {"webhook-id": notice_id, "webhook-timestamp": stamp} | ({"webhook-signature": " ".join(signed)} if signed else {})
