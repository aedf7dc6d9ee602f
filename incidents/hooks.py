"""Who is told, as a city's hooks.toml says: the board's rules, the receivers with their targets, subscriptions, and what goes beside.

Read by `config.load_hooks`; `handlers.receivers` makes targets of the rows, the role `hooks` works by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from pydantic import BaseModel

from incidents.duty import DutyCall
from incidents.notice_rules import BoardRules
from incidents.notice_tree import Matcher, Where, all_match
from incidents.notices import Alert


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One address of a receiver. `name` is `<receiver>/<kind>/<n>`; `settings` is of the channel's own model.

    `secret_files` and `setting_files` name files that hold secrets and single settings (an address with a token in it); with the latter
    there are no `settings` until they are read: they are made of them and of `raw`. `fallback` are names of targets.
    """

    name: str
    kind: str
    settings: BaseModel | None
    raw: Mapping[str, object] = field(default_factory=dict)
    urgent: bool = False
    send_resolved: bool = True
    secret_files: tuple[str, ...] = ()
    setting_files: Mapping[str, str] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Targets that want to hear of facts, each on its own (`case.filed`); no facts named are all."""

    name: str
    targets: tuple[str, ...]
    facts: frozenset[str] = frozenset()
    matchers: tuple[Matcher, ...] = ()
    where: tuple[Where, ...] = ()

    def notice_id(self, case_id: str, sequence: int) -> str:
        """`<case>_<sequence>_<subscription>`: a subscriber may know every id beforehand."""
        unique = f"{case_id}_{sequence}_{self.name}"
        return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in unique)[:128]

    def wants(self, fact: str, alert: Alert) -> bool:
        """Whether this fact of this alert is to be told."""
        if (self.facts and fact not in self.facts) or not all_match(self.matchers, alert.labels):
            return False
        return all(each.holds({**alert.labels, **alert.annotations}) for each in self.where)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The sign of life to an address outside: while it comes, somebody dispatches."""

    url: str
    every: timedelta


@dataclass(frozen=True, slots=True)
class Hooks:
    """All of a city's hooks.toml. `rows` and `calls` are by receiver; `operations` is the receiver of what concerns hooks themselves."""

    rules: BoardRules
    rows: Mapping[str, tuple[TargetRow, ...]]
    calls: Mapping[str, tuple[DutyCall, ...]] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    heartbeat: Heartbeat | None = None
    operations: str | None = None
