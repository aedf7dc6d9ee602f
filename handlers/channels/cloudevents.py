"""CloudEvents 1.0 over HTTP, structured or binary, by the official SDK: the webhook's thin data in another coat.

`source` and `id` name the event over all repeats; extensions are the documented ones (sequence, partitionkey, severitytext,
severitynumber, correlationid, expirytime) and our own `drill`. With a secret it is signed like a webhook (Standard Webhooks).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel, ConfigDict, Field

from handlers.channel import Limit, Outgoing, Target, Verdict, judge_http
from handlers.thin import MOST_BYTES, VERSION, data_of, signatures, small, type_of
from incidents.notices import Alert, Notice, digest_of
from incidents.severity_scales import scale_of

SEQUENCE_DIGITS = 12
"""The extension `sequence` is compared as a text."""


class CloudEventsSettings(BaseModel):
    """Where to, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://")
    mode: Literal["structured", "binary"] = "structured"
    source: str = Field("urn:cityloop", min_length=1, max_length=200, pattern=r"^[!-~]+$", description="a URI; who sends")


class CloudEvents:
    """See handlers.channel.Channel."""

    kind = "cloudevents"
    settings: type[BaseModel] = CloudEventsSettings
    limit: Limit | None = None
    most_bytes = MOST_BYTES

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        settings = target.settings
        assert isinstance(settings, CloudEventsSettings)
        data, attributes = data_of(notice, target), _attributes(notice, settings.source)

        def message(alerts: Sequence[Alert]) -> HTTPMessage:
            event = CloudEvent(dict(attributes), data(alerts))
            return to_binary_event(event) if settings.mode == "binary" else to_structured_event(event)

        body = small(notice, lambda alerts: message(alerts).body)
        headers = {name.lower(): value for name, value in message(notice.alerts[:1]).headers.items()} | {"user-agent": "cityloop"}
        if target.secrets:
            headers |= signatures(notice.id, target.secrets, body, at)
        return Outgoing("POST", settings.url, headers, body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_http(status, headers)

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


def _attributes(notice: Notice, source: str) -> dict[str, Any]:
    cases = [alert.labels.get("case_id", "") for alert in notice.alerts]
    single = cases[0] if len(cases) == 1 else ""
    severities = [scale_of(alert.labels.get("severity", "")) for alert in notice.alerts]
    worst = max(severities, key=lambda scale: scale.otel_number) if severities else None
    named = {
        "subject": single,
        "correlationid": single,
        "partitionkey": single or notice.group_key[:200],
        "sequence": f"{notice.sequence:0{SEQUENCE_DIGITS}d}",
        "severitytext": worst.otel_text if worst else "",
        "severitynumber": str(worst.otel_number) if worst else "",
        "drill": "true" if notice.drill else "",
        "expirytime": notice.until.isoformat() if notice.until else "",
    }
    return {
        "id": notice.id,
        "source": source,
        "type": f"cityloop.{type_of(notice)}.v{VERSION}",
        "specversion": "1.0",
        "time": notice.at,
        "datacontenttype": "application/json",
    } | {name: value for name, value in named.items() if value}


CHANNEL = CloudEvents()
