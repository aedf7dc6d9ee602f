"""A board with a simulated clock, and what its receivers believe: for tests of who is told what, and when."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from config.notice_tree import matcher_of, tree_of
from incidents.notice_board import Board, BoardRules, Record, Told
from incidents.notice_decide import Inhibition, Silence
from incidents.notice_tree import Where
from incidents.notices import Alert

BEGIN = datetime(2026, 11, 21, 8, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """So long after the beginning."""
    return BEGIN + timedelta(seconds=seconds)


def alert(name: str, sequence: int = 1, start: float = 0, end: float | None = None, **said: str) -> Alert:
    """An alert; what begins with `is_` is an annotation, everything else a label."""
    labels = {key: value for key, value in said.items() if not key.startswith("is_")}
    return Alert(
        fingerprint=name,
        labels={"case_id": name, **labels},
        annotations={key.removeprefix("is_"): value for key, value in said.items() if key.startswith("is_")},
        starts_at=after(start),
        ends_at=None if end is None else after(end),
        sequence=sequence,
    )


def where(text: str) -> Where:
    """`unit="x"`: a matcher over labels and annotations."""
    return Where(text, matcher_of(text).matches)


def rules_of(table: dict[str, Any], deaf: Iterable[str] = (), both: Iterable[str] = (), **more: Any) -> BoardRules:
    """Rules of a tree; `deaf` receivers want no resolved alerts, of `both` one target does and one does not."""
    tree = tree_of(table, where)
    names = {node.options.receiver for node in tree.nodes()}
    flags = {name: {False} if name in deaf else {True, False} if name in both else {True} for name in names}
    return BoardRules(tree, {name: frozenset(each) for name, each in flags.items()}, **more)


def inhibition(source: str, target: str, *equal: str) -> Inhibition:
    """One with a matcher on each side."""
    return Inhibition(f"{source} > {target}", (matcher_of(source),), (matcher_of(target),), frozenset(equal))


def silence(matcher: str, start: float, end: float) -> Silence:
    """One with a matcher."""
    return Silence(f"{matcher}@{start}", (matcher_of(matcher),), after(start), after(end))


@dataclass
class Desk:
    """Drives a board through time, keeps its records as a store would, and notes what it says."""

    rules: BoardRules
    now: datetime = BEGIN
    store: dict[str, Any] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    silences: tuple[Silence, ...] = ()

    def __post_init__(self) -> None:
        self.board = Board(self.rules, [Record(*each) for each in self.store.items()])
        self.board.silence(self.silences)

    def learn(self, *alerts: Alert) -> None:
        """Alerts of facts, now."""
        for each in alerts:
            self.board.learn(each, self.now)

    def silence(self, *silences: Silence) -> None:
        """These hold from now on."""
        self.silences = silences
        self.board.silence(silences)

    def until(self, seconds: float) -> list[Told]:
        """Let time pass to this moment; what was said meanwhile."""
        before = len(self.told)
        end = after(seconds)
        while (at := self.board.next_at()) is not None and at <= end:
            self.now = max(self.now, at)
            self.told += self.board.due(self.now)
        self.now = end
        return self.told[before:]

    def restart(self, rules: BoardRules | None = None) -> None:
        """Keep what changed, and begin again with what is kept."""
        for key, value in self.board.changed():
            self.store[key] = value
        self.store = {key: value for key, value in self.store.items() if value is not None}
        self.rules = rules or self.rules
        self.__post_init__()

    def notices(self) -> list[tuple[float, str, str, list[str]]]:
        """What was sent: seconds after the beginning, receiver, reason, and the alerts, `-` before a resolved one."""
        return [
            (
                (each.at - BEGIN).total_seconds(),
                each.receiver,
                each.notice.reason,
                [("" if one.status(each.at) == "firing" else "-") + one.fingerprint for one in each.notice.alerts],
            )
            for each in self.told
            if each.notice is not None
        ]

    def believed(self) -> set[tuple[str, str, str]]:
        """Who believes that which alert fires: receiver, group, fingerprint; of those who want to hear of resolved ones."""
        found: set[tuple[str, str, str]] = set()
        for each in self.told:
            if each.notice is None or not each.send_resolved:
                continue
            for one in each.notice.alerts:
                belief = (each.receiver, each.group_key, one.fingerprint)
                (found.add if one.status(each.at) == "firing" else found.discard)(belief)
        return found
