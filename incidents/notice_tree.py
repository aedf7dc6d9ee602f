"""Who is told of a case: the routing tree of notices, with the semantics of Prometheus Alertmanager, exactly.

A node matches when all its matchers do; then its children are asked in order, and the first that finds anyone ends the asking, unless it
says `continue`; where no child matched, the node itself is the answer (dispatch/route.go; docs "Routing-related settings"). Options are
inherited, matchers, `continue` and time intervals are not. A label that is missing equals an empty one. Held to Debian's `amtool` by
tests/handlers/test_amtool.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

Labels = Mapping[str, str]
NO_LABELS: Labels = {}

GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL = timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=4)
"""Alertmanager's defaults."""


class Op(StrEnum):
    """How a matcher compares; expressions are RE2 and match the whole value."""

    IS = "="
    IS_NOT = "!="
    LIKE = "=~"
    UNLIKE = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. `like` says whether a whole value fits the expression; it is given for LIKE and UNLIKE."""

    label: str
    op: Op
    value: str
    like: Callable[[str], bool] | None = field(default=None, compare=False)

    def matches(self, labels: Labels) -> bool:
        """Whether the labels fit."""
        found = labels.get(self.label, "")
        fits = found == self.value if self.like is None else self.like(found)
        return fits is (self.op in (Op.IS, Op.LIKE))

    def __str__(self) -> str:
        """As Alertmanager writes it."""
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.op}"{value}"'


@dataclass(frozen=True, slots=True)
class Where:
    """One condition on what may change while an alert fires, or on its place: ours, Alertmanager has none. `text` is as it was written."""

    text: str
    holds: Callable[[Labels], bool] = field(compare=False)


def all_match(matchers: tuple[Matcher, ...], labels: Labels) -> bool:
    """Whether every one of them matches; none at all match everything."""
    return all(each.matches(labels) for each in matchers)


@dataclass(frozen=True, slots=True)
class Options:
    """What a node does with what ends at it. `group_by` None groups by every label (`...`)."""

    receiver: str
    group_by: frozenset[str] | None = frozenset()
    group_wait: timedelta = GROUP_WAIT
    group_interval: timedelta = GROUP_INTERVAL
    repeat_interval: timedelta = REPEAT_INTERVAL

    def group_of(self, labels: Labels) -> tuple[tuple[str, str], ...]:
        """The labels that make the group, by name: those of `group_by` that are there."""
        return tuple(sorted((name, value) for name, value in labels.items() if self.group_by is None or name in self.group_by))


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the tree. `path` names it: the indices from the root, "0/2/1"; `muted` and `active` name time intervals, its own only.

    `where` are asked of the labels with the annotations over them, and matched like the matchers.
    """

    path: str
    options: Options
    matchers: tuple[Matcher, ...] = ()
    goes_on: bool = False
    muted: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    children: tuple["Node", ...] = ()
    where: tuple[Where, ...] = ()

    def routes(self, labels: Labels, annotations: Labels = NO_LABELS) -> list["Node"]:
        """The nodes at which these labels end, in order; empty when this node does not match."""
        if not all_match(self.matchers, labels) or not self._holds(labels, annotations):
            return []
        found: list[Node] = []
        for child in self.children:
            reached = child.routes(labels, annotations)
            found += reached
            if reached and not child.goes_on:
                break
        return found or [self]

    def _holds(self, labels: Labels, annotations: Labels) -> bool:
        return not self.where or all(each.holds({**labels, **annotations}) for each in self.where)

    def nodes(self) -> Iterator["Node"]:
        """This node and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.nodes()
