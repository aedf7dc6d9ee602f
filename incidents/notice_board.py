"""The board of notices: which alerts stand in which groups, what was told of them to whom, and what is to be told now.

The dispatcher of the role `hooks` (streams/hooks.py) has one, and is its only writer: it lets it learn the alerts of facts, asks what is
due, queues the notices and keeps what changed, so that the board is the same again after a restart. Pure and deterministic: the same
alerts, silences and moments give the same words. Group by group it decides as Alertmanager does (dispatch, inhibit, timeinterval, silence
and notify/dedup_stage.go); docs/hooks.md says what is better here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from incidents.notice_decide import Inhibition, Reason, Silence
from incidents.notice_times import TimeInterval
from incidents.notice_tree import Node
from incidents.notices import Alert, Notice
from incidents.workcalendar import WorkCalendar

MOST_ALERTS = 200
"""A notice names so many alerts; of the others it says only how many they are."""

KEPT = timedelta(days=5)
"""How long a resolved alert is remembered, so that an old fact told again does not fire it (Alertmanager's default retention)."""


class Quiet(StrEnum):
    """Why nothing was told of an alert although it stands in a group."""

    MUTED = "muted"
    INACTIVE = "inactive"
    INHIBITED = "inhibited"
    SILENCED = "silenced"


class Record(NamedTuple):
    """One piece of the board's state, for a store of keys and JSON values; None takes it away.

    Keys: `alert/<fingerprint>`, `group/<id>`, `hit/<rule>`.
    """

    key: str
    value: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class BoardRules:
    """What a city's hooks.toml says, as far as the board needs it (config/load_hooks.py).

    `hears_resolved` names for each receiver whether its targets want to hear of resolved alerts: one flag, or both when they differ, each
    of which then has its own memory of what it was told, as each of Alertmanager's integrations has.
    """

    tree: Node
    hears_resolved: Mapping[str, frozenset[bool]]
    inhibitions: tuple[Inhibition, ...] = ()
    intervals: Mapping[str, TimeInterval] = field(default_factory=dict)
    calendar: WorkCalendar | None = None
    most_alerts: int = MOST_ALERTS


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided on a group or on some of its alerts, and why: to be acted on where there is a notice, and to be explained.

    The notice is for the receiver's targets whose `send_resolved` is this one's. `path` is the node's. What is as it was at the group's
    last moment is not said again.
    """

    at: datetime
    group_key: str
    receiver: str
    path: str
    send_resolved: bool
    reason: Reason | Quiet
    why: str
    alerts: tuple[Alert, ...]
    notice: Notice | None = None


class Board:
    """The state of all groups. `state` are the records of an earlier board, in any order; with other rules than that one's, the alerts
    are led anew to their groups, and what its receivers heard in groups that are no more is told again."""

    def __init__(self, rules: BoardRules, state: Iterable[Record] = ()) -> None: ...

    def learn(self, alert: Alert, now: datetime) -> None:
        """Take in what a fact says of an alert. What is older than what is known changes nothing; the order within a batch is free."""

    def silence(self, silences: Iterable[Silence]) -> None:
        """The silences that hold from here on, instead of those before. They are kept elsewhere and are no part of the state."""

    def due(self, now: datetime) -> list[Told]:
        """What is decided at this moment, group by group; empty when it is no group's moment."""
        return []

    def next_at(self) -> datetime | None:
        """When the next group has its moment, None when there is none."""
        return None

    def changed(self) -> list[Record]:
        """What changed since the last call: kept together with the notices of `due`, the board survives a restart at any moment."""
        return []

    def firing(self) -> list[Alert]:
        """Every alert that is known and not resolved, by its start."""
        return []

    def hits(self) -> dict[str, "Hit"]:
        """How often each node and inhibition decided, and when last; all of them, those that never did too.

        Keys: `node <path>`, `inhibition <name>`.
        """
        return {}


class Hit(NamedTuple):
    """How often a rule decided."""

    count: int = 0
    last: datetime | None = None
