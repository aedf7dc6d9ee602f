"""The board of notices: which alerts stand in which groups, what was told of them to whom, and what is to be told now.

The dispatcher of the role `hooks` (streams/hooks.py) has one, and is its only writer: it lets it learn the alerts of facts, asks what is
due, queues the notices and keeps what changed, so that the board is the same again after a restart. Pure and deterministic: the same
alerts, silences and moments give the same words. Group by group it decides as Alertmanager does (dispatch/dispatch.go, inhibit,
timeinterval, silence, notify/dedup_stage.go); docs/hooks.md says what is better here.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta

from incidents.notice_decide import Fingerprint, Silence
from incidents.notice_group import Group, Hit, Known, Record, Value
from incidents.notice_rules import BoardRules, Cause, Quiet, Sources, group_key
from incidents.notice_telling import Told, by_start, decide, newly_quiet, said
from incidents.notice_tree import Node
from incidents.notices import Alert

__all__ = ["KEPT", "Board", "BoardRules", "Hit", "Quiet", "Record", "Told"]

KEPT = timedelta(days=5)
"""How long a resolved alert is remembered, so that an old fact told again does not fire it (Alertmanager's default retention)."""

NEVER = Hit()
AT_ONCE = datetime.fromtimestamp(0, UTC)


class Board:
    """The state of all groups. `state` are the records of an earlier board, in any order; with other rules than that one's, the alerts
    are led anew to their groups, and what its receivers heard in groups that are no more is told again."""

    def __init__(self, rules: BoardRules, state: Iterable[Record] = ()) -> None:
        self._rules = rules
        self._nodes = rules.keys()
        self._keys = {node.path: key for key, node in self._nodes.items()}
        self._known: dict[Fingerprint, Known] = {}
        self._groups: dict[str, Group] = {}
        self._of: dict[Fingerprint, set[str]] = {}  # fingerprint -> keys of its groups
        self._hits: dict[str, Hit] = {}
        self._sources = Sources(rules.inhibitions)
        self._silences: tuple[Silence, ...] = ()
        self._moments: list[tuple[datetime, str]] = []  # of groups; one that is not the group's `next` is stale
        self._over: list[tuple[datetime, Fingerprint]] = []  # when a resolved alert may be forgotten; likewise
        self._changed: dict[str, None] = {}
        self._latest: datetime | None = None
        self._load(state)
        self._astray = [name for name in sorted(self._known) if self._is_astray(name)]

    def learn(self, alert: Alert, now: datetime) -> None:
        """Take in what a fact says of an alert. What is older than what is known changes nothing; the order within a batch is free."""
        self._settle(now)
        known = self._known.get(alert.fingerprint)
        fresh = Known.of(alert) if known is None else known.after(alert)
        if fresh == known:
            return
        if fresh.alert.ends_at is not None and fresh.alert.ends_at > now:  # said by a clock that is ahead of this one
            fresh = fresh.ended(now)
        if known is not None:
            self._sources.drop(known.alert)
        self._know(fresh)
        self._touch(f"alert/{alert.fingerprint}")
        self._lead(fresh.alert, now)

    def silence(self, silences: Iterable[Silence]) -> None:
        """The silences that hold from here on, instead of those before. They are kept elsewhere and are no part of the state."""
        self._silences = tuple(sorted(silences, key=lambda silence: (silence.id, silence.starts)))

    def due(self, now: datetime) -> list[Told]:
        """What is decided at this moment, group by group; empty when it is no group's moment."""
        self._settle(now)
        told: list[Told] = []
        while (moment := self.next_at()) is not None and moment <= now:
            group = self._groups[heapq.heappop(self._moments)[1]]
            told += list(self._flush(group, now))
        self._forget(now)
        return told

    def next_at(self) -> datetime | None:
        """When the next group has its moment, None when there is none."""
        if self._astray:
            return AT_ONCE
        while self._moments:
            at, key = self._moments[0]
            if key in self._groups and self._groups[key].next == at:
                return at
            heapq.heappop(self._moments)
        return None

    def changed(self) -> list[Record]:
        """What changed since the last call: kept together with the notices of `due`, the board survives a restart at any moment."""
        records = [Record(key, self._value(key)) for key in self._changed]
        self._changed = {}
        return records

    def firing(self) -> list[Alert]:
        """Every alert that is known and not over, by its start."""
        alerts = (known.alert for known in self._known.values() if known.alert.ends_at is None)
        return sorted(alerts, key=by_start)

    def hits(self) -> dict[str, Hit]:
        """How often each node and inhibition decided, and when last; all of them, those that never did too.

        Keys: `node <the node's key>`, `inhibition <name>`.
        """
        names = [*(f"node {key}" for key in self._nodes), *(f"inhibition {each.name}" for each in self._rules.inhibitions)]
        return {name: self._hits.get(name, NEVER) for name in names}

    # --- state -----------------------------------------------------------------------------------------------------------------

    def _load(self, state: Iterable[Record]) -> None:
        groups: list[Record] = []
        for key, value in state:
            kind, name = key.split("/", 1)
            if value is None:
                continue
            if kind == "alert":
                self._know(Known.read(value))
            elif kind == "hit":
                self._hits[name] = Hit.read(value)
            else:
                groups.append(Record(name, value))
        for name, value in groups:
            self._load_group(name, value or {})

    def _load_group(self, key: str, value: Value) -> None:
        """A group of a node that is no more, or tells another receiver, is none; nor is a member whose alert was lost."""
        node = self._nodes.get(value["node"])
        if node is None or node.options.receiver != value["receiver"]:
            self._touch(f"group/{key}")
            return
        group = Group.read(key, node, value)
        group.members = {name: left for name, left in group.members.items() if name in self._known}
        self._put(group)

    def _put(self, group: Group) -> None:
        self._groups[group.key] = group
        heapq.heappush(self._moments, (group.next, group.key))
        for name in group.members:
            self._of.setdefault(name, set()).add(group.key)

    def _value(self, key: str) -> Value | None:
        kind, name = key.split("/", 1)
        kept: dict[str, Mapping[str, Hit | Known | Group]] = {"alert": self._known, "group": self._groups, "hit": self._hits}
        found = kept[kind].get(name)
        return None if found is None else found.record()

    def _touch(self, key: str) -> None:
        self._changed[key] = None

    def _know(self, known: Known) -> None:
        alert = known.alert
        self._known[alert.fingerprint] = known
        self._sources.put(alert)
        if alert.ends_at is not None:
            heapq.heappush(self._over, (alert.ends_at + KEPT, alert.fingerprint))

    def _hit(self, rule: str, now: datetime) -> None:
        self._hits[rule] = Hit(self._hits.get(rule, NEVER).times + 1, now)
        self._touch(f"hit/{rule}")

    def _forget(self, now: datetime) -> None:
        while self._over and self._over[0][0] <= now:
            at, name = heapq.heappop(self._over)
            known = self._known.get(name)
            if known is None or known.alert.ends_at is None or known.alert.ends_at + KEPT != at:
                continue
            if self._of.get(name):  # somebody is still to hear that it is over
                heapq.heappush(self._over, (now + KEPT, name))
                continue
            self._sources.drop(known.alert)
            del self._known[name]
            self._touch(f"alert/{name}")

    # --- into groups -----------------------------------------------------------------------------------------------------------

    def _wanted(self, alert: Alert) -> dict[str, Node]:
        """The groups that an alert belongs to, by key."""
        nodes = self._rules.tree.routes(alert.labels, alert.annotations)
        return {group_key(self._keys[node.path], node.options.group_of(alert.labels)): node for node in nodes}

    def _is_astray(self, name: Fingerprint) -> bool:
        """Whether an alert that was loaded does not stand where these rules want it."""
        alert = self._known[name].alert
        standing = {key for key in self._of.get(name, ()) if self._groups[key].members[name] is None}
        return alert.ends_at is None and standing != set(self._wanted(alert))

    def _settle(self, now: datetime) -> None:
        """What can only be done when the moment is known: leading astray alerts, and a clock that went back."""
        if self._latest is None or now < self._latest:
            self._turn_back(now)
        self._latest = now
        astray, self._astray = self._astray, []
        for name in astray:
            self._lead(self._known[name].alert, now)

    def _turn_back(self, now: datetime) -> None:
        """Nothing was told and nothing ended later than now, and nobody waits for a moment further away than the rules say."""
        for group in self._groups.values():
            latest = now + max(group.node.options.group_wait, group.node.options.group_interval)
            self._set(group, min(group.next, latest))
            if group.turn_back(now):
                self._touch(f"group/{group.key}")
        for known in [each for each in self._known.values() if each.alert.ends_at is not None and each.alert.ends_at > now]:
            self._sources.drop(known.alert)
            self._know(known.ended(now))
            self._touch(f"alert/{known.alert.fingerprint}")

    def _set(self, group: Group, at: datetime) -> None:
        if group.next != at:
            group.next = at
            heapq.heappush(self._moments, (at, group.key))
            self._touch(f"group/{group.key}")

    def _lead(self, alert: Alert, now: datetime) -> None:
        """Into the groups where it belongs, and out of those where it does no more; a resolved one stays where it is."""
        if alert.status(now) == "resolved":
            return
        wanted = self._wanted(alert)
        for key in sorted(self._of.get(alert.fingerprint, set()) - wanted.keys()):
            group = self._groups[key]
            if group.members[alert.fingerprint] is None:
                group.members[alert.fingerprint] = now
                self._touch(f"group/{key}")
        for key, node in wanted.items():
            self._join(key, node, alert, now)

    def _join(self, key: str, node: Node, alert: Alert, now: datetime) -> None:
        """A first alert waits for others; one that has been waiting elsewhere for as long does not (dispatch.go, `insert`)."""
        wait = node.options.group_wait
        group = self._groups.get(key)
        if group is None:
            group = Group(key, self._keys[node.path], node, node.options.group_of(alert.labels), now + wait)
            self._put(group)
        if not group.flushed and alert.starts_at + wait < now:
            self._set(group, now)
        if alert.fingerprint not in group.members:
            self._hit(f"node {self._keys[node.path]}", now)
        group.members[alert.fingerprint] = None
        self._of.setdefault(alert.fingerprint, set()).add(key)
        self._touch(f"group/{key}")

    # --- out of groups ---------------------------------------------------------------------------------------------------------

    def _flush(self, group: Group, now: datetime) -> Iterator[Told]:
        """One moment of a group: what is quiet, what is told, and who is done with."""
        alerts = sorted((group.shown(self._known[name].alert) for name in group.members), key=by_start)
        quiet = {alert.fingerprint: cause for alert in alerts if (cause := self._cause(group.node, alert, now))}
        for cause, those in newly_quiet(group, alerts, quiet).items():
            if cause.rule is not None:
                self._hit(cause.rule, now)
            yield said(group, cause.quiet, cause.why, those, now)
        loud = [alert for alert in alerts if alert.fingerprint not in quiet]
        for wants in sorted(self._rules.hears_resolved[group.node.options.receiver], reverse=True) if loud else ():
            yield from decide(group, loud, wants, self._rules.most_alerts, now)
        self._dismiss(group, [alert for alert in alerts if alert.status(now) == "resolved"], quiet.keys())
        group.flushed = True
        self._set(group, now + group.node.options.group_interval)

    def _cause(self, node: Node, alert: Alert, now: datetime) -> Cause | None:
        """Why an alert is not told at this moment, in Alertmanager's order; None: it is."""
        if off := self._rules.off_duty(node, now):
            return off
        if found := self._sources.against(alert.labels, now):
            by, source = found
            why = f"inhibited by {by.name!r}: {source.labels.get('case_id', source.fingerprint)} fires"
            return Cause(Quiet.INHIBITED, why, f"inhibition {by.name}")
        found_silence = next((silence for silence in self._silences if silence.silences(alert.labels, now)), None)
        if found_silence is None:
            return None
        return Cause(Quiet.SILENCED, f"silence {found_silence.id} until {found_silence.ends.isoformat()}")

    def _dismiss(self, group: Group, resolved: list[Alert], quiet: Set[Fingerprint]) -> None:
        """Let go of what is over; who heard that it fires and may not hear now that it does no more, hears it later."""
        for alert in resolved:
            name = alert.fingerprint
            if name in quiet and group.believed(name):
                continue
            del group.members[name]
            self._of[name].discard(group.key)
        if not group.members:
            del self._groups[group.key]
        self._touch(f"group/{group.key}")
