"""Whether a group of notices is sent now, and why: Alertmanager's decisions, each with its named reason.

`needs_notice` restates notify/dedup_stage.go, `Inhibition` inhibit/inhibit.go. Pure: what was sent before and what is known to fire are
arguments.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.notice_tree import Labels, Matcher, all_match

Fingerprint = str
"""Names an alert by its labels."""


class Reason(StrEnum):
    """Why a group is sent, or is not; the first five are Alertmanager's `notification_reason`."""

    FIRST = "first notification"
    NEW = "new alerts in group"
    ALL_RESOLVED = "all resolved"
    RESOLVED = "some resolved"
    REPEAT = "repeat interval elapsed"
    NOTHING_NEW = "nothing new"
    NOTHING_FIRES = "nothing fires"

    @property
    def sends(self) -> bool:
        """Whether it is a reason to send."""
        return self not in (Reason.NOTHING_NEW, Reason.NOTHING_FIRES)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a receiver was last told of a group."""

    at: datetime
    firing: frozenset[Fingerprint]
    resolved: frozenset[Fingerprint]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often one receiver wants to hear."""

    repeat: timedelta
    send_resolved: bool


def needs_notice(last: Sent | None, firing: Set[Fingerprint], resolved: Set[Fingerprint], rhythm: Rhythm, now: datetime) -> Reason:
    """What to do with a group at one of its moments.

    All resolved is told even to a receiver that wants no resolved ones: it clears what was sent (the channel drops it afterwards).
    """
    if last is None:
        return Reason.FIRST if firing else Reason.NOTHING_FIRES
    if not firing <= last.firing:
        return Reason.NEW if last.firing else Reason.FIRST
    if not firing:
        return Reason.ALL_RESOLVED if last.firing else Reason.NOTHING_FIRES
    if rhythm.send_resolved and not resolved <= last.resolved:
        return Reason.RESOLVED
    return Reason.REPEAT if last.at < now - rhythm.repeat else Reason.NOTHING_NEW


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While something that `source` matches fires, what `target` matches is not told, where the labels in `equal` are the same.

    A label that both lack is the same. An alert that both sides match is not inhibited by another such one, or all would silence all.
    """

    name: str
    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: frozenset[str] = frozenset()

    def inhibits(self, labels: Labels, firing: Iterable[Labels]) -> Labels | None:
        """The first of the firing alerts that keeps this one quiet."""
        if not all_match(self.target, labels):
            return None
        both = all_match(self.source, labels)
        for other in firing:
            if not all_match(self.source, other) or (both and all_match(self.target, other)):
                continue
            if all(other.get(name, "") == labels.get(name, "") for name in self.equal):
                return other
        return None


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody's wish not to be told for a while: from `starts` (included) to `ends` (not)."""

    id: str
    matchers: tuple[Matcher, ...]
    starts: datetime
    ends: datetime

    def silences(self, labels: Labels, at: datetime) -> bool:
        """Whether these labels are not told at this moment."""
        return self.starts <= at < self.ends and all_match(self.matchers, labels)
