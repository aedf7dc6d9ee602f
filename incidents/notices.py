"""What is told to whom, as values: an alert (a case seen from outside), a notice (one message to one receiver), and a digest of several.

Made by the `hooks` role from the facts of cases, kept in the queue of deliveries (adapters/deliveries.py), written out by a channel
(handlers/channels/). Nothing here is personal: what a notice carries may be read by everybody whom it reaches.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from incidents.catalogue import Frozen

NoticeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,128}$")]
"""Stable over every attempt; the `webhook-id` of Standard Webhooks, which allows no dot in it."""

Status = Literal["firing", "resolved"]


class Alert(Frozen):
    """A case seen from outside. Labels never change; annotations are as of the case's `sequence`; no `ends_at` while it fires."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    sequence: int = 0

    def status(self, at: datetime) -> Status:
        """Whether it fires at this moment."""
        return "resolved" if self.ends_at is not None and self.ends_at <= at else "firing"


class Notice(Frozen):
    """One message to one receiver.

    `group_key` is the line it stands in: notices of one line reach a target in the order of `sequence`; of a subscription to facts it is
    the case's id and `fact` the type of the fact. `reason` is Alertmanager's, or the fact's type. `until` ends the trying of an urgent
    one. `digested` are the ids of the notices that a digest stands for, oldest first.
    """

    id: NoticeId
    group_key: str
    group_labels: dict[str, str] = {}
    receiver: str
    reason: str
    alerts: tuple[Alert, ...]
    status: Status
    at: AwareDatetime
    sequence: int = Field(ge=0)
    drill: bool = False
    fact: str | None = None
    truncated: int = 0
    until: AwareDatetime | None = None
    digested: tuple[NoticeId, ...] = ()


def digest_of(notices: Sequence[Notice]) -> Notice:
    """One notice for several to the same target: the latest word on every alert, in the order of their first mention.

    The same notices give the same id. It fires while any alert in it does, and is a drill only when all of them are.
    """
    latest: dict[str, Alert] = {}
    for notice in notices:
        for alert in notice.alerts:
            known = latest.get(alert.fingerprint)
            if known is None or alert.sequence >= known.sequence:
                latest[alert.fingerprint] = alert
    ids = tuple(one for notice in notices for one in (notice.digested or (notice.id,)))
    last = max(notices, key=lambda notice: notice.at)
    return Notice(
        id=f"digest_{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:32]}",
        group_key="digest",
        receiver=last.receiver,
        reason="digest",
        alerts=tuple(latest.values()),
        status="firing" if any(alert.status(last.at) == "firing" for alert in latest.values()) else "resolved",
        at=last.at,
        sequence=last.sequence,
        drill=all(notice.drill for notice in notices),
        truncated=sum(notice.truncated for notice in notices),
        digested=ids,
    )
