"""Webhooks by Standard Webhooks 1.0: a thin JSON event, signed anew for each attempt over the very bytes that are sent.

The secret is `whsec_` and base64 of 24 to 64 bytes, one per target; while it is replaced, both sign (docs/hooks.md).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from handlers.channel import Limit, Outgoing, Target, Verdict, judge_http
from handlers.thin import MOST_BYTES, event, signatures
from incidents.notices import Notice, digest_of


class WebhookSettings(BaseModel):
    """Where to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://")


class Webhook:
    """See handlers.channel.Channel."""

    kind = "webhook"
    settings: type[BaseModel] = WebhookSettings
    limit: Limit | None = None
    most_bytes = MOST_BYTES

    def requests(self, notice: Notice, target: Target, at: datetime) -> Outgoing:
        """See Channel."""
        assert isinstance(target.settings, WebhookSettings)
        body = event(notice, target)
        headers = {"content-type": "application/json", "user-agent": "cityloop"} | signatures(notice.id, target.secrets, body, at)
        return Outgoing("POST", target.settings.url, headers, body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """See Channel."""
        return judge_http(status, headers)

    def digest(self, notices: Sequence[Notice]) -> Notice:
        """See Channel."""
        return digest_of(notices)


CHANNEL = Webhook()
