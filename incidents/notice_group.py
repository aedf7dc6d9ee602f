"""The board's pieces: an alert as it is known, a group with what it told, and both as records of JSON values.

`incidents.notice_board` moves them; a store keeps the records (adapters/hook_state.py).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from incidents.notice_decide import Fingerprint, Sent
from incidents.notice_tree import Node
from incidents.notices import Alert

Value = dict[str, Any]
LEFT = "left"
"""The annotation of an alert that is resolved for a group only because the conditions of its node hold no more."""


class Record(NamedTuple):
    """One piece of the board's state, for a store of keys and JSON values; None takes it away.

    Keys: `alert/<fingerprint>`, `group/<group key>`, `hit/<rule>`.
    """

    key: str
    value: Value | None


class Hit(NamedTuple):
    """How often a rule decided, and when last."""

    times: int = 0
    last: datetime | None = None

    def record(self) -> Value:
        """As a JSON value."""
        return {"times": self.times, "last": self.last and self.last.isoformat()}

    @classmethod
    def read(cls, value: Value) -> "Hit":
        """Back from one."""
        return cls(value["times"], value["last"] and datetime.fromisoformat(value["last"]))


@dataclass(frozen=True, slots=True)
class Known:
    """An alert as all that was said of it makes it; its labels are those of sequence `labelled`."""

    alert: Alert
    labelled: int

    @classmethod
    def of(cls, alert: Alert) -> "Known":
        """After the first word."""
        return cls(alert, alert.sequence)

    def after(self, told: Alert) -> "Known":
        """After one more word, whichever came first: the same words in any order make the same.

        The highest sequence counts. The labels are fixed at the filing, so of one occurrence (the same start) those of the lowest count;
        another start is a new occurrence, and what belongs to an older one changes nothing.
        """
        if told.starts_at != self.alert.starts_at:
            return Known.of(told) if told.sequence > self.alert.sequence else self
        newer = told if told.sequence > self.alert.sequence else self.alert
        labels, labelled = (told.labels, told.sequence) if told.sequence < self.labelled else (self.alert.labels, self.labelled)
        return Known(newer.model_copy(update={"labels": labels}), labelled)

    def ended(self, at: datetime) -> "Known":
        """As it ended then."""
        return Known(self.alert.model_copy(update={"ends_at": at}), self.labelled)

    def record(self) -> Value:
        """As a JSON value."""
        return {"alert": self.alert.model_dump(mode="json"), "labelled": self.labelled}

    @classmethod
    def read(cls, value: Value) -> "Known":
        """Back from one."""
        return cls(Alert.model_validate(value["alert"]), value["labelled"])


@dataclass(frozen=True, slots=True)
class Heard:
    """What one kind of a receiver's targets was last told of a group; `number` counts what they were told, `sequence` orders it.

    `believed` fire: whatever they heard of as firing and not as resolved since, where they want to hear that.
    """

    sent: Sent
    number: int
    sequence: int
    believed: frozenset[Fingerprint] = frozenset()

    def record(self) -> Value:
        """As a JSON value."""
        sent = self.sent
        return {
            "at": sent.at.isoformat(),
            "firing": sorted(sent.firing),
            "resolved": sorted(sent.resolved),
            "number": self.number,
            "sequence": self.sequence,
            "believed": sorted(self.believed),
        }

    @classmethod
    def read(cls, value: Value) -> "Heard":
        """Back from one."""
        sent = Sent(datetime.fromisoformat(value["at"]), frozenset(value["firing"]), frozenset(value["resolved"]))
        return cls(sent, value["number"], value["sequence"], frozenset(value["believed"]))


@dataclass(slots=True)
class Group:
    """The alerts of one node with the same group labels.

    `node_key` names the node (`BoardRules.keys`); `next` is its next moment. Of `members`, one that is there no longer by the node's
    conditions has the moment of its leaving. `heard` is by whether resolved ones are wanted. `said` is why nothing is told of an alert,
    by fingerprint, while that is so.
    """

    key: str
    node_key: str
    node: Node
    labels: tuple[tuple[str, str], ...]
    next: datetime
    flushed: bool = False
    members: dict[Fingerprint, datetime | None] = field(default_factory=dict)
    heard: dict[bool, Heard] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def shown(self, alert: Alert) -> Alert:
        """A member as this group sees it."""
        left = self.members[alert.fingerprint]
        if left is None or alert.ends_at is not None:
            return alert
        return alert.model_copy(update={"ends_at": left, "annotations": {**alert.annotations, LEFT: "true"}})

    def turn_back(self, now: datetime) -> bool:
        """Whether something of it happened later than now; it happened now."""
        left = [name for name, at in self.members.items() if at is not None and at > now]
        told = [wants for wants, heard in self.heard.items() if heard.sent.at > now]
        self.members.update(dict.fromkeys(left, now))
        for wants in told:
            heard = self.heard[wants]
            self.heard[wants] = replace(heard, sent=replace(heard.sent, at=now))
        return bool(left or told)

    def believed(self, fingerprint: Fingerprint) -> bool:
        """Whether somebody believes that it fires, and wants to hear when it does no more."""
        return any(fingerprint in heard.believed for heard in self.heard.values())

    def record(self) -> Value:
        """As a JSON value."""
        return {
            "node": self.node_key,
            "receiver": self.node.options.receiver,
            "labels": dict(self.labels),
            "next": self.next.isoformat(),
            "flushed": self.flushed,
            "members": {name: left and left.isoformat() for name, left in sorted(self.members.items())},
            "heard": {str(wants).lower(): heard.record() for wants, heard in sorted(self.heard.items())},
            "said": dict(sorted(self.said.items())),
        }

    @classmethod
    def read(cls, key: str, node: Node, value: Value) -> "Group":
        """Back from one."""
        return cls(
            key,
            value["node"],
            node,
            tuple(value["labels"].items()),
            datetime.fromisoformat(value["next"]),
            value["flushed"],
            {name: left and datetime.fromisoformat(left) for name, left in value["members"].items()},
            {wants == "true": Heard.read(heard) for wants, heard in value["heard"].items()},
            dict(value["said"]),
        )
