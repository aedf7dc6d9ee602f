"""A dispatcher at its desk: facts of filed cases, a plain tree, and stores that fail and lose their dispatcher when the test says so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from adapters.deliveries import Order
from adapters.deliveries_memory import MemoryDeliveries
from adapters.hook_state import Turn
from adapters.hook_state_memory import MemoryHookState
from config.load import load_city
from config.notice_tree import matcher_of, tree_of
from config.settings import Settings
from handlers.engine import Receivers
from incidents.case import Fact
from incidents.catalogue import City
from incidents.hooks import Subscription
from incidents.notice_board import BoardRules
from incidents.vocabulary import FactType, State
from streams.hooks_dispatch import Desk, Dispatcher
from streams.hooks_telling import OnDuty, Telling
from tests.handlers.receiver import PlainChannel, target
from tests.streams.fact_agents import AT, a_fact


@cache
def qingdao() -> City:
    """The city."""
    return load_city(Settings())


TREE = {"receiver": "duty", "group_by": ["district"], "group_wait": "10s", "group_interval": "1m", "repeat_interval": "1h"}


def filed(
    number: int = 1, sequence: int = 2, fact: FactType = FactType.FILED, state: State = State.FILED, at: datetime = AT, **more: Any
) -> Fact:
    """A fact of a case that was filed with its second one."""
    told = a_fact(number, sequence, fact, state)
    changes = {"filed_at": AT + timedelta(seconds=2), **more} | ({"ended_at": told.at} if state is State.CLOSED else {})
    return told.model_copy(update={"case": told.case.model_copy(update=changes)})


@dataclass
class Office:
    """What survives a dispatcher, and the dispatcher of now. `fails` are raised by the stores, in order, None letting one call pass."""

    city: City = field(default_factory=lambda: qingdao())
    now: datetime = AT + timedelta(seconds=5)
    tree: dict[str, Any] = field(default_factory=lambda: dict(TREE))
    duty: OnDuty | None = None
    state: MemoryHookState = field(default_factory=MemoryHookState)
    queue: MemoryDeliveries = field(default_factory=MemoryDeliveries)
    orders: list[Order] = field(default_factory=list)
    fails: list[Exception | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = ("duty/plain/1", "duty/plain/2", "log/plain/1", "person/plain")
        targets = {name: target(name, "http://127.0.0.1:1/") for name in names}
        self.receivers = Receivers(targets, {"plain": PlainChannel()}, {})

    async def put(self, orders: Sequence[Order]) -> None:
        """Queue them."""
        self._perhaps_fail()
        self.orders += orders
        await self.queue.enqueue(orders, 0)
        self._perhaps_fail()

    async def write(self, turn: Turn) -> None:
        """Keep it."""
        self._perhaps_fail()
        await self.state.write("a", turn)
        self._perhaps_fail()

    def _perhaps_fail(self) -> None:
        if self.fails and (error := self.fails.pop(0)) is not None:
            raise error

    async def dispatcher(self) -> Dispatcher:
        """One that begins with what is kept."""
        await self.state.take("a")
        rules = BoardRules(tree_of(self.tree), {"duty": frozenset({True})})
        log = Subscription(
            "log", ("log/plain/1",), frozenset({"case.filed", "case.closed", "case.escalated"}), (matcher_of("city=qingdao"),)
        )
        telling = Telling(self.receivers, {"duty": ("duty/plain/1", "duty/plain/2")}, (log,), self.duty)
        desk = Desk(self.city, rules, telling, self.put, self.write, lambda: self.now)
        return Dispatcher(desk, await self.state.load())

    def told(self, name: str) -> list[tuple[str, tuple[str, ...]]]:
        """(reason, cases) of each notice to a target, in order."""
        cases = [(order.notice.reason, order.notice.alerts) for order in self.orders if order.target == name]
        return [(reason, tuple(sorted(alert.labels["case_id"] for alert in alerts))) for reason, alerts in cases]
