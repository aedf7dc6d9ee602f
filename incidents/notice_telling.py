"""What a group says at one of its moments: the notice, or why there is none, as the board of notices hands it out."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.events import epoch_ms
from incidents.notice_decide import Fingerprint, Reason, Rhythm, Sent, needs_notice
from incidents.notice_group import Group, Heard
from incidents.notice_rules import Cause, Quiet
from incidents.notices import Alert, Notice


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided on a group or on some of its alerts, and why: to be acted on where there is a notice, and to be explained.

    The notice is for the receiver's targets whose `send_resolved` is this one's. `path` is the node's. A reason to tell nothing is said
    when it begins, not at every moment of the group.
    """

    at: datetime
    group_key: str
    receiver: str
    path: str
    reason: Reason | Quiet
    why: str
    alerts: tuple[Alert, ...]
    send_resolved: bool = True
    notice: Notice | None = None


def by_start(alert: Alert) -> tuple[datetime, Fingerprint]:
    """The order in which alerts are named."""
    return alert.starts_at, alert.fingerprint


def newly_quiet(group: Group, alerts: Sequence[Alert], quiet: Mapping[Fingerprint, Cause]) -> dict[Cause, list[Alert]]:
    """The alerts that are quiet for a cause that was not said of them yet; the group remembers what is said now."""
    fresh: dict[Cause, list[Alert]] = {}
    for alert in alerts:
        cause = quiet.get(alert.fingerprint)
        if cause is not None and group.said.get(alert.fingerprint) != cause.why:
            fresh.setdefault(cause, []).append(alert)
    group.said = {name: cause.why for name, cause in quiet.items()}
    return fresh


def said(group: Group, reason: Reason | Quiet, why: str, alerts: Sequence[Alert], at: datetime) -> Told:
    """A word without a notice."""
    return Told(at, group.key, group.node.options.receiver, group.node.path, reason, why, tuple(alerts))


def decide(group: Group, alerts: Sequence[Alert], wants_resolved: bool, most: int, now: datetime) -> Iterator[Told]:
    """What the targets that want resolved ones, or those that do not, are told of these alerts; the group remembers it.

    Nothing is said where nothing changed. All resolved is decided for those too that do not want to hear it: it clears what they heard.
    """
    firing = [alert for alert in alerts if alert.status(now) == "firing"]
    over = [alert for alert in alerts if alert.status(now) == "resolved"]
    reason, sent = _reason(group, firing, over, wants_resolved, now)
    shown = (*firing, *over) if wants_resolved else tuple(firing)
    options, notice = group.node.options, None
    if reason.sends:
        heard = _heard(group.heard.get(wants_resolved), sent, wants_resolved)
        group.heard[wants_resolved] = heard
        why = f"{reason}: {len(firing)} firing, {len(over)} resolved"
        notice = _notice(group, reason, shown, heard, most) if shown else None
    elif over:
        shown = tuple(over)
        why = "over before it was told" if reason is Reason.NOTHING_FIRES else "over, and these targets do not want to hear it"
    else:
        return
    yield Told(now, group.key, options.receiver, group.node.path, reason, why, shown or tuple(over), wants_resolved, notice)


def _reason(group: Group, firing: Sequence[Alert], over: Sequence[Alert], wants_resolved: bool, now: datetime) -> tuple[Reason, Sent]:
    """Alertmanager's decision; and where it would leave somebody in the belief that something fires, one to tell them."""
    heard = group.heard.get(wants_resolved)
    sent = Sent(now, frozenset(alert.fingerprint for alert in firing), frozenset(alert.fingerprint for alert in over))
    rhythm = Rhythm(group.node.options.repeat_interval, wants_resolved)
    reason = needs_notice(heard.sent if heard else None, sent.firing, sent.resolved, rhythm, now)
    if not reason.sends and heard is not None and not heard.believed.isdisjoint(sent.resolved):
        reason = Reason.RESOLVED if firing else Reason.ALL_RESOLVED
    return reason, sent


def _heard(last: Heard | None, sent: Sent, wants_resolved: bool) -> Heard:
    believed = (last.believed if last else frozenset()) | sent.firing
    return Heard(
        sent,
        last.number + 1 if last else 1,
        max(epoch_ms(sent.at), last.sequence + 1) if last else epoch_ms(sent.at),
        believed - sent.resolved if wants_resolved else frozenset(),
    )


def _notice(group: Group, reason: Reason, alerts: tuple[Alert, ...], heard: Heard, most: int) -> Notice:
    return Notice(
        id=_id(group, alerts, heard),
        group_key=group.key,
        group_labels=dict(group.labels),
        receiver=group.node.options.receiver,
        reason=reason.value,
        alerts=alerts[:most],
        status="firing" if heard.sent.firing else "resolved",
        at=heard.sent.at,
        sequence=heard.sequence,
        truncated=max(0, len(alerts) - most),
    )


def _id(group: Group, alerts: tuple[Alert, ...], heard: Heard) -> str:
    """Stable over a restart that decides the same again: from the group, how much it told before, and what is told now."""
    words = (f"{alert.fingerprint} {alert.sequence} {alert.fingerprint in heard.sent.firing}" for alert in alerts)
    text = "\n".join([group.key, group.node.options.receiver, str(heard.number), *words])
    return f"notice_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
