"""Alertmanager's webhook, version 4: for whatever already takes Alertmanager's notices.

Labels are the case's and `alertname` (its category), `severity` in Alertmanager's words (ours stands in the annotation of that name). What
goes on ends at Go's zero time, as there.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from handlers.channel import Limit, Outgoing, Target, Verdict, judge_http
from handlers.shown import about, public
from handlers.thin import small
from incidents.notices import Alert, Notice, digest_of
from incidents.severity_scales import scale_of

NEVER = "0001-01-01T00:00:00Z"


class AlertmanagerSettings(BaseModel):
    """Where to; a secret, if there is one, goes as a bearer token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://")


class Alertmanager:
    """See handlers.channel.Channel."""

    kind = "alertmanager"
    settings: type[BaseModel] = AlertmanagerSettings
    limit: Limit | None = None
    most_bytes = 200_000

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        assert isinstance(target.settings, AlertmanagerSettings)
        body = small(notice, lambda alerts: orjson.dumps(payload(notice, target, alerts)), self.most_bytes)
        headers = {"content-type": "application/json", "user-agent": "cityloop", "webhook-id": notice.id}
        if target.secrets:
            headers["authorization"] = f"Bearer {target.secrets[0]}"
        return Outgoing("POST", target.settings.url, headers, body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_http(status, headers)

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


def payload(notice: Notice, target: Target, alerts: Sequence[Alert]) -> dict[str, Any]:
    """The body (Alertmanager, notify/webhook; `notification_reason` since 0.32)."""
    written = [_alert(alert, notice, target) for alert in alerts]
    return {
        "version": "4",
        "groupKey": notice.group_key,
        "truncatedAlerts": len(notice.alerts) + notice.truncated - len(written),
        "status": notice.status,
        "receiver": notice.receiver,
        "groupLabels": _labels(about(notice)),
        "commonLabels": _common([each["labels"] for each in written]),
        "commonAnnotations": _common([each["annotations"] for each in written]),
        "externalURL": target.words.console,
        "notification_reason": notice.reason,
        "alerts": written,
    }


def _alert(alert: Alert, notice: Notice, target: Target) -> dict[str, Any]:
    seen = public(alert)
    notes = ({"severity": seen.labels["severity"]} if "severity" in seen.labels else {}) | seen.annotations
    return {
        "status": alert.status(notice.at),
        "labels": _labels({"alertname": seen.labels.get("category", "case")} | seen.labels),
        "annotations": notes | ({"drill": "true"} if notice.drill else {}),
        "startsAt": _instant(alert.starts_at),
        "endsAt": NEVER if alert.ends_at is None else _instant(alert.ends_at),
        "generatorURL": target.words.link(seen.labels.get("case_id", "")),
        "fingerprint": alert.fingerprint,
    }


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: scale_of(value).alertmanager if name == "severity" else value for name, value in sorted(labels.items())}


def _common(each: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first = each[0] if each else {}
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in each)}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


CHANNEL = Alertmanager()
