"""From what is to be told to deliveries: a receiver's targets, the subscribers of a fact, and whoever is on duty, now or later."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from adapters.deliveries import Order
from handlers.engine import Receivers
from incidents.case import Fact
from incidents.catalogue import Frozen
from incidents.hooks import Subscription
from incidents.notice_board import Told
from incidents.notices import Alert, Notice

LATER = "later/"
"""The key of a record of what waits for somebody's duty begins with it; all others are the board's."""


class Summons(Protocol):
    """Whom a notice calls now, or (no targets yet) when to ask again; `handlers.duty.Summons` is the real one."""

    @property
    def notice(self) -> Notice: ...
    @property
    def targets(self) -> tuple[str, ...]: ...
    @property
    def at(self) -> datetime: ...
    @property
    def why(self) -> str: ...


class OnDuty(Protocol):
    """Who is on duty; `handlers.duty.Duty` is the real one."""

    def targets_for(self, notice: Notice, receiver: str, at: datetime, *, send_resolved: bool) -> Sequence[Summons]:
        """Whom a notice calls at this moment of the city's clock, and whom later."""


class Waiting(Frozen):
    """A notice that waits until somebody is on duty."""

    receiver: str
    send_resolved: bool
    until: datetime
    notice: Notice


@dataclass(frozen=True)
class Reached:
    """Deliveries, what waits, and why, for `explain`."""

    orders: list[Order] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    why: list[tuple[Notice, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Telling:
    """Whom there is to tell; `targets` are those of each receiver."""

    receivers: Receivers
    targets: Mapping[str, Sequence[str]]
    subscriptions: Sequence[Subscription] = ()
    duty: OnDuty | None = None

    def of(self, told: Told, at: datetime) -> Reached:
        """What is told of a group."""
        if told.notice is None:
            return Reached()
        known = self.receivers.targets
        names = [name for name in self.targets.get(told.receiver, ()) if known[name].send_resolved is told.send_resolved]
        reached = Reached(self.receivers.orders(told.notice, names))
        self._call(told.notice, told, at, reached)
        return reached

    def again(self, waiting: Waiting, firing: Mapping[str, Alert], at: datetime) -> Reached:
        """Its moment has come: what of it still fires is told, as it is now."""
        alerts = tuple(firing[alert.fingerprint] for alert in waiting.notice.alerts if alert.fingerprint in firing)
        reached = Reached()
        if alerts:
            self._call(waiting.notice.model_copy(update={"alerts": alerts, "at": at}), waiting, at, reached)
        return reached

    def _call(self, notice: Notice, of: Told | Waiting, at: datetime, reached: Reached) -> None:
        if self.duty is None:
            return
        for summons in self.duty.targets_for(notice, of.receiver, at, send_resolved=of.send_resolved):
            if summons.at > at:
                later = Waiting(receiver=of.receiver, send_resolved=of.send_resolved, until=summons.at, notice=summons.notice)
                reached.waiting.append(later)
            else:
                reached.orders.extend(self.receivers.orders(summons.notice, summons.targets))
            reached.why.append((summons.notice, summons.why))

    def subscribed(self, fact: Fact, alert: Alert) -> Iterator[Order]:
        """One delivery for each who wants to hear of this fact; the same fact again is the same delivery."""
        name = f"case.{fact.type.value}"
        for subscription in self.subscriptions:
            if subscription.wants(name, alert):
                yield from self.receivers.orders(_notice(fact, name, alert, subscription), subscription.targets)


def _notice(fact: Fact, name: str, alert: Alert, subscription: Subscription) -> Notice:
    return Notice(
        id=subscription.notice_id(fact.case_id, fact.sequence),
        group_key=fact.case_id,
        receiver=subscription.name,
        reason=name,
        alerts=(alert,),
        status=alert.status(fact.at),
        at=fact.at,
        sequence=fact.sequence,
        fact=name,
    )


def waiting_of(records: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Waiting]:
    """Those among the records, by the id of their notice."""
    found = (Waiting.model_validate(value) for key, value in records if key.startswith(LATER))
    return {each.notice.id: each for each in found}
