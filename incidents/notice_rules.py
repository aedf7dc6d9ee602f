"""What the board of notices works by (`BoardRules`), how its groups are named, and what keeps an alert quiet at a moment.

`config.load_hooks` makes the rules from a city's hooks.toml; `incidents.notice_board` asks them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from incidents.notice_decide import Fingerprint, Inhibition
from incidents.notice_times import TimeInterval
from incidents.notice_tree import Labels, Matcher, Node, Op, all_match
from incidents.notices import Alert
from incidents.workcalendar import WorkCalendar

MOST_ALERTS = 200
"""A notice names so many alerts; of the others it says only how many they are."""


class Quiet(StrEnum):
    """Why nothing was told of an alert although it stands in a group."""

    MUTED = "muted"
    INACTIVE = "inactive"
    INHIBITED = "inhibited"
    SILENCED = "silenced"


class Cause(NamedTuple):
    """Why an alert is quiet; `rule` is the one whose hits are counted."""

    quiet: Quiet
    why: str
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class BoardRules:
    """What a city's hooks.toml says, as far as the board needs it.

    `hears_resolved` names for each receiver whether its targets want to hear of resolved alerts: one flag, or both when they differ, each
    of which then has its own memory of what it was told, as each of Alertmanager's integrations has. An interval holds where one of its
    rows does.
    """

    tree: Node
    hears_resolved: Mapping[str, frozenset[bool]]
    inhibitions: tuple[Inhibition, ...] = ()
    intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)
    calendar: WorkCalendar | None = None
    most_alerts: int = MOST_ALERTS

    def keys(self) -> dict[str, Node]:
        """Every node under its key: the matchers from the root down, as Alertmanager's `groupKey` has them.

        A key outlives a change of the tree elsewhere, which a path would not. What stands there a second time gets a number.
        """
        found: dict[str, Node] = {}
        for key, node in _keyed(self.tree, ""):
            unique, number = key, 1
            while unique in found:
                number += 1
                unique = f"{key}#{number}"
            found[unique] = node
        return found

    def off_duty(self, node: Node, at: datetime) -> Cause | None:
        """Whether a node tells nothing at this moment, and why.

        A work-day interval says nothing in a year that the calendar does not know: rather a needless notice than a missed one.
        """
        for name in node.muted:
            if any(self._knows(each, at) and each.contains(at, self.calendar) for each in self.intervals[name]):
                return Cause(Quiet.MUTED, f"muted in {name!r}")
        active = [each for name in node.active for each in self.intervals[name]]
        if active and not any(not self._knows(each, at) or each.contains(at, self.calendar) for each in active):
            return Cause(Quiet.INACTIVE, f"active only in {', '.join(map(repr, node.active))}")
        return None

    def _knows(self, interval: TimeInterval, at: datetime) -> bool:
        if interval.workdays is None:
            return True
        return self.calendar is not None and at.astimezone(interval.zone).year in self.calendar.known


def _keyed(node: Node, above: str) -> Iterator[tuple[str, Node]]:
    said = [*sorted(map(str, node.matchers)), *(each.text for each in node.where)]
    key = f"{above}/{{{','.join(said)}}}" if above else "{}"
    yield key, node
    for child in node.children:
        yield from _keyed(child, key)


def group_key(key: str, labels: Iterable[tuple[str, str]]) -> str:
    """The name of a group, as Alertmanager's: `{}/{severity="emergency"}:{district="370202"}`."""
    return f"{key}:{{{', '.join(str(Matcher(name, Op.IS, value)) for name, value in labels)}}}"


class Sources:
    """The alerts that inhibit others while they fire, found by the labels that must be equal: each answer without a walk over all alerts.

    Says what `Inhibition.inhibits` says of the same alerts.
    """

    def __init__(self, inhibitions: tuple[Inhibition, ...]) -> None:
        self._inhibitions = inhibitions
        self._found: list[dict[tuple[str, ...], dict[Fingerprint, Alert]]] = [{} for _ in inhibitions]

    def put(self, alert: Alert) -> None:
        """Know this alert's state from here on; its labels are those it had before."""
        for inhibition, found in zip(self._inhibitions, self._found, strict=True):
            if all_match(inhibition.source, alert.labels):
                found.setdefault(_equal(inhibition, alert.labels), {})[alert.fingerprint] = alert

    def drop(self, alert: Alert) -> None:
        """Forget it."""
        for inhibition, found in zip(self._inhibitions, self._found, strict=True):
            same = found.get(_equal(inhibition, alert.labels), {})
            same.pop(alert.fingerprint, None)
            if not same:
                found.pop(_equal(inhibition, alert.labels), None)

    def against(self, labels: Labels, at: datetime) -> tuple[Inhibition, Alert] | None:
        """The first inhibition that keeps these labels quiet, and of the alerts that do the one of the lowest fingerprint."""
        for inhibition, found in zip(self._inhibitions, self._found, strict=True):
            if not all_match(inhibition.target, labels):
                continue
            both = all_match(inhibition.source, labels)
            same = found.get(_equal(inhibition, labels), {}).values()
            firing = [one for one in same if one.status(at) == "firing" and not (both and all_match(inhibition.target, one.labels))]
            if firing:
                return inhibition, min(firing, key=lambda one: one.fingerprint)
        return None


def _equal(inhibition: Inhibition, labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in sorted(inhibition.equal))
