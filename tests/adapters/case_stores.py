"""The hot store's cases and its twin under one contract: a guarded store in a namespace of its own, and one case's life to put there."""

import uuid
from collections.abc import Awaitable, Callable

from adapters.case_store import Cases
from adapters.hot import HotStore, Keys, connect
from incidents.case import Case
from incidents.events import CaseId
from incidents.vocabulary import State
from tests.hot import let_in
from tests.incidents.closing import Desk, desk_in

Scenario = Callable[[Cases], Awaitable[None]]
Run = Callable[[Scenario], None]
FAR_MS = 1 << 45


async def hot_store(url: str) -> HotStore:
    """A guarded store in a fresh namespace."""
    hot = HotStore(connect(url), Keys(f"t{uuid.uuid4().hex[:8]}.", "qingdao"), "cluster")
    await let_in(hot)
    return hot


def numbered(case: Case, number: int) -> Case:
    """Another case like this one."""
    return case.model_copy(update={"case_id": CaseId(f"QD-20261121-{number:010}")})


def lives() -> tuple[Case, ...]:
    """One case after each of its facts, from opening to closing."""
    return tuple(fact.case for fact in desk_in(State.CLOSED).facts)


def forgotten(desk: Desk) -> Case:
    """The desk's case after it was forgotten."""
    desk.must("forget", "system", deadline=desk.open.deadlines[0].id)
    return desk.open


async def due(store: Cases) -> list[str]:
    """Ids of all deadlines that could be claimed."""
    return [deadline.id for _, deadline in (await store.claim_due(FAR_MS, 0, 1000))[0]]
