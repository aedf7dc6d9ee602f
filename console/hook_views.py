"""The shapes of /api/v1/hooks: what the page of notices shows, and how it is made of queue, configuration and silences."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from adapters.deliveries import Attempt, Delivery, State, TargetStanding
from adapters.deliveries import Standing as QueueStanding
from adapters.hook_state import Explained
from incidents.hooks import Hooks, TargetRow
from incidents.notice_group import Hit
from incidents.silences import KeptSilence

MOST_CASES = 5
TargetState = Literal["well", "failing", "open", "disabled", "unused"]


class QueueView(BaseModel):
    """The queue in numbers."""

    waiting: int = Field(description="not delivered yet, under way too")
    dead: int = Field(description="given up, and can be sent again for 30 days")
    open: int = Field(description="targets whose breaker is open")
    oldest_at: AwareDatetime | None
    next_at: AwareDatetime | None


class TargetView(BaseModel):
    """One address of a receiver; where it is stays with the configuration."""

    target: str
    receiver: str
    kind: str | None = Field(description="null: hooks.toml has no such target any more, or it is a person's on duty")
    urgent: bool
    fallback: list[str]
    state: TargetState = Field(description="open: five failures in a row, asked once a minute; unused: never told anything")
    waiting: int
    failures: int
    failing_since: AwareDatetime | None
    quiet_until: AwareDatetime | None
    disabled: str | None


class RuleView(BaseModel):
    """A node of the routing tree or an inhibition, and how often it decided."""

    rule: str
    kind: Literal["node", "inhibition"]
    receiver: str | None
    matchers: list[str]
    times: int
    last_at: AwareDatetime | None


class SilenceShown(BaseModel):
    """A silence that holds or is to come."""

    id: str
    state: str
    matchers: list[str]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    repeats: str
    until: AwareDatetime | None
    owner: str
    comment: str


class DeliveryView(BaseModel):
    """A message to a target."""

    id: str
    target: str
    state: State
    what: str | None = Field(description="the fact, or the reason; null once it is delivered")
    firing: bool | None
    drill: bool
    cases: list[str] = Field(description=f"the first {MOST_CASES}")
    count: int
    queued_at: AwareDatetime
    ended_at: AwareDatetime | None
    attempts: int
    last: Attempt | None


class HooksView(BaseModel):
    """All of it."""

    configured: bool
    ready: bool = Field(description="false: the hot store is being filled again")
    dispatching: bool = Field(description="false: no `cityloop hooks run` decides; nobody is told anything new")
    queue: QueueView
    targets: list[TargetView]
    rules: list[RuleView]
    silences: list[SilenceShown]
    dead: list[DeliveryView]
    waiting: list[DeliveryView]


class NoticeView(BaseModel):
    """Why a case was told to a receiver, or was not."""

    at: AwareDatetime
    receiver: str
    node: str
    reason: str
    why: str
    deliveries: list[DeliveryView]


class NoticesView(BaseModel):
    """The newest first."""

    notices: list[NoticeView]


def queue_view(standing: QueueStanding) -> QueueView:
    """The numbers."""
    return QueueView(
        waiting=standing.waiting,
        dead=standing.dead,
        open=standing.open,
        oldest_at=_at(standing.oldest_ms),
        next_at=_at(standing.next_ms),
    )


def target_views(hooks: Hooks | None, known: Iterable[TargetStanding]) -> list[TargetView]:
    """Every target of the configuration and every other that was told something; those in trouble first."""
    rows = {row.name: row for rows in (hooks.rows.values() if hooks else ()) for row in rows}
    standing = {each.name: each for each in known}
    views = [_target(name, rows.get(name), standing.get(name)) for name in rows | standing]
    trouble = ("disabled", "open", "failing")
    return sorted(views, key=lambda view: (trouble.index(view.state) if view.state in trouble else len(trouble), view.target))


def _target(name: str, row: TargetRow | None, known: TargetStanding | None) -> TargetView:
    said = known or TargetStanding(name)
    return TargetView(
        target=name,
        receiver=name.split("/")[0],
        kind=row.kind if row else None,
        urgent=row.urgent if row else False,
        fallback=list(row.fallback) if row else [],
        state="unused" if known is None else _state(known),
        waiting=said.waiting,
        failures=said.failures,
        failing_since=_at(said.since_ms),
        quiet_until=_at(said.hold_ms),
        disabled=said.disabled,
    )


def _state(known: TargetStanding) -> TargetState:
    return "disabled" if known.disabled is not None else "open" if known.open else "failing" if known.failures else "well"


def rule_names(hooks: Hooks | None) -> list[str]:
    """What `HookView.hits` is asked for."""
    return [name for name, _ in _rules(hooks)]


def rule_views(hooks: Hooks | None, hits: Mapping[str, Hit]) -> list[RuleView]:
    """In the order of the configuration."""
    found = ((name, hits.get(name, Hit()), said) for name, said in _rules(hooks))
    return [RuleView(rule=name.partition(" ")[2], times=hit.times, last_at=hit.last, **said) for name, hit, said in found]


def _rules(hooks: Hooks | None) -> Iterator[tuple[str, dict[str, Any]]]:
    if hooks is None:
        return
    for key, node in hooks.rules.keys().items():
        matchers = [*map(str, node.matchers), *(where.text for where in node.where)]
        yield f"node {key}", {"kind": "node", "receiver": node.options.receiver, "matchers": matchers}
    for each in hooks.rules.inhibitions:
        sides = [" ".join(map(str, each.source)), "⊣", " ".join(map(str, each.target))]
        yield f"inhibition {each.name}", {"kind": "inhibition", "receiver": None, "matchers": sides}


def silence_view(kept: KeptSilence, now: datetime) -> SilenceShown:
    """One."""
    fields = kept.model_dump(include={"id", "starts_at", "ends_at", "repeats", "until", "owner", "comment"})
    return SilenceShown(state=kept.standing(now), matchers=list(kept.matchers), **fields)


def delivery_view(delivery: Delivery) -> DeliveryView:
    """One."""
    notice = delivery.notice
    numbers = [alert.labels.get("case_id", alert.fingerprint) for alert in notice.alerts] if notice else []
    return DeliveryView(
        id=delivery.id,
        target=delivery.target,
        state=delivery.state,
        what=(notice.fact or notice.reason) if notice else None,
        firing=None if notice is None else notice.status == "firing",
        drill=notice is not None and notice.drill,
        cases=numbers[:MOST_CASES],
        count=len(numbers) + (notice.truncated if notice else 0),
        queued_at=_known(delivery.queued_ms),
        ended_at=_at(delivery.ended_ms),
        attempts=len(delivery.attempts),
        last=delivery.attempts[-1] if delivery.attempts else None,
    )


def notice_view(said: Explained, deliveries: Iterable[Delivery]) -> NoticeView:
    """One decision, and what came of it."""
    fields = said.model_dump(include={"at", "receiver", "node", "reason", "why"})
    return NoticeView(deliveries=[delivery_view(each) for each in deliveries], **fields)


def _known(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else _known(ms)
