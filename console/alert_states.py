"""What Alertmanager's API says beside an alert: who is told of it, by which silence or other alert it is kept quiet, in which group it is.

The dispatcher of notices (streams/hooks.py) decides for itself from the same rules; here they are only shown.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import re2

from adapters.posted import KeptAlert
from console.alertmanager_views import AlertView, GroupView, Receiver, Status
from console.problems import Problem
from incidents.alerts import posted_labels
from incidents.catalogue import City
from incidents.notice_decide import Silence
from incidents.notice_rules import BoardRules
from incidents.notice_tree import Labels, Matcher, Node, all_match
from incidents.posted import Posted


@dataclass(frozen=True, slots=True)
class AlertAsk:
    """Which alerts are wanted, as Alertmanager's query says it."""

    matchers: tuple[Matcher, ...] = ()
    receiver: str | None = None
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True

    def wants(self, view: AlertView) -> bool:
        """Whether it is one of them. Labels are those that were posted."""
        status = view.status
        hidden = (not self.active and status.state == "active") or (not self.unprocessed and status.state == "unprocessed")
        hidden = hidden or (not self.silenced and bool(status.silencedBy)) or (not self.inhibited and bool(status.inhibitedBy))
        return not hidden and all_match(self.matchers, view.labels) and self.hears([each.name for each in view.receivers])

    def hears(self, receivers: Iterable[str]) -> bool:
        """Whether one of these receivers is asked for; the expression is RE2's and matches the whole name. Raises Problem 400."""
        if self.receiver is None:
            return True
        try:
            expression = re2.compile(self.receiver)
        except re2.error as error:
            raise Problem(400, "bad_request", "No expression", f"receiver={self.receiver!r}: RE2 does not know it ({error})") from None
        return any(expression.fullmatch(name) for name in receivers)


@dataclass(frozen=True)
class Alerts:
    """The alerts that fire, with everything that is said of them. `rules` None: the city has no hooks.toml, and nobody is told."""

    city: City
    rules: BoardRules | None
    kept: Sequence[KeptAlert]
    silences: Sequence[Silence]
    now: datetime

    def views(self, asked: AlertAsk) -> list[AlertView]:
        """Those that are wanted, by fingerprint."""
        found = (self._view(each) for each in sorted(self.kept, key=lambda each: each.alert.fingerprint))
        return [view for view in found if asked.wants(view)]

    def groups(self, asked: AlertAsk) -> list[GroupView]:
        """The same by receiver and group."""
        groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[AlertView]] = {}
        labels = {each.alert.fingerprint: self._labels(each) for each in self.kept}
        for view in self.views(asked):
            for node in self._nodes(labels[view.fingerprint]):
                if asked.hears([node.options.receiver]):
                    key = node.options.receiver, node.options.group_of(labels[view.fingerprint])
                    groups.setdefault(key, []).append(view)
        return [
            GroupView(labels=dict(group), receiver=Receiver(name=receiver), alerts=alerts)
            for (receiver, group), alerts in sorted(groups.items())
        ]

    def _labels(self, kept: KeptAlert) -> Labels:
        """The posted labels with those of the case, which win: what the tree and silences see (incidents.alerts)."""
        alert: Posted = kept.alert
        category = self.city.catalogue.get(alert.category)
        own = {"city": self.city.key, "category": alert.category, "domain": category.domain if category else ""}
        return {**posted_labels(alert.labels), **own, "channel": "business_data", "severity": alert.severity.value, "case_id": kept.case_id}

    def _nodes(self, labels: Labels) -> list[Node]:
        return [] if self.rules is None else self.rules.tree.routes(labels)

    def _view(self, kept: KeptAlert) -> AlertView:
        alert, labels = kept.alert, self._labels(kept)
        silenced = sorted({each.id for each in self.silences if each.silences(labels, self.now)})
        inhibited = list(self._inhibited(labels))
        quiet = silenced or inhibited
        return AlertView(
            labels=alert.labels,
            annotations=alert.annotations,
            receivers=[Receiver(name=name) for name in dict.fromkeys(node.options.receiver for node in self._nodes(labels))],
            fingerprint=alert.fingerprint,
            startsAt=alert.starts_at,
            endsAt=alert.ends_at,
            updatedAt=alert.updated_at,
            status=Status(state="suppressed" if quiet else "active", silencedBy=silenced, inhibitedBy=inhibited),
            generatorURL=alert.generator,
            case_id=kept.case_id,
        )

    def _inhibited(self, labels: Labels) -> Iterable[str]:
        """Fingerprints of the alerts that keep it quiet, of those that were posted."""
        firing = {str(self._labels(each)["case_id"]): (each, self._labels(each)) for each in self.kept}
        for rule in self.rules.inhibitions if self.rules else ():
            source = rule.inhibits(labels, (each for _, each in firing.values()))
            if source is not None:
                yield firing[source["case_id"]][0].alert.fingerprint


def as_configuration(rules: BoardRules | None) -> str:
    """The routing tree as Alertmanager's YAML, so that `amtool config routes` can test it. Receivers are names alone."""
    if rules is None:
        return "route:\n  receiver: nobody\nreceivers:\n- name: nobody\n"
    names = sorted({node.options.receiver for node in rules.tree.nodes()})
    head = ["route:", *("  " + line for line in _lines(rules.tree))]
    return "\n".join([*head, "receivers:", *(f"- name: {_quoted(name)}" for name in names)]) + "\n"


def _lines(node: Node) -> Iterable[str]:
    yield f"receiver: {_quoted(node.options.receiver)}"
    group_by = ["..."] if node.options.group_by is None else sorted(node.options.group_by)
    yield f"group_by: [{', '.join(map(_quoted, group_by))}]"
    for name in ("group_wait", "group_interval", "repeat_interval"):
        yield f"{name}: {int(getattr(node.options, name).total_seconds() * 1000)}ms"
    if node.matchers:
        yield f"matchers: [{', '.join(_quoted(str(each)) for each in node.matchers)}]"
    if node.goes_on:
        yield "continue: true"
    if node.children:
        yield "routes:"
    for child in node.children:
        first, *rest = _lines(child)
        yield f"- {first}"
        yield from (f"  {line}" for line in rest)


def _quoted(text: str) -> str:
    """A YAML string in single quotes, which know no escape but their own."""
    return "'" + re.sub(r"[\r\n]", " ", text).replace("'", "''") + "'"
