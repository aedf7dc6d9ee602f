"""The dispatcher: what it tells and keeps, that it may die anywhere and misses nothing, and the proof of escalations."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.deliveries import Attempt, End, Settled
from adapters.hook_state import Escalation, LeaseLost
from incidents.case import Fact
from incidents.errors import TryAgain
from incidents.notice_decide import Silence
from incidents.notices import Notice
from incidents.vocabulary import FactType, State
from streams.hooks_dispatch import Dispatcher
from streams.hooks_proof import Proofs
from tests.streams.fact_agents import AT, a_fact
from tests.streams.hook_desk import Office, filed

SECOND = timedelta(seconds=1)


def case(number: int) -> str:
    """Its id."""
    return a_fact(number).case_id


def test_a_group_is_told_after_its_wait_to_every_target_of_its_receiver_and_a_fact_to_its_subscriber_at_once() -> None:
    async def scene() -> None:
        office = Office()
        dispatcher = await office.dispatcher()
        await dispatcher.turn([a_fact(1, 1), filed(1), filed(2)], {0: 3})
        assert [order.target for order in office.orders] == ["log/plain/1"] * 2
        assert dispatcher.wait_s(60) == pytest.approx(10)
        office.now += 10 * SECOND
        await dispatcher.turn((), {})
        for name in ("duty/plain/1", "duty/plain/2"):
            assert office.told(name) == [("first notification", (case(1), case(2)))]
        assert [order.notice.id for order in office.orders[:2]] == [f"QD_20261121_{number:010d}_2_log" for number in (1, 2)]
        assert (await office.state.load()).offsets == {0: 3}

    asyncio.run(scene())


def test_what_happens_before_the_filing_is_told_to_nobody() -> None:
    async def scene() -> None:
        office = Office()
        await (await office.dispatcher()).turn([a_fact(1, 1)], {0: 1})
        assert office.orders == []

    asyncio.run(scene())


def test_the_next_dispatcher_goes_on_where_the_last_one_was() -> None:
    async def scene() -> None:
        office = Office()
        await (await office.dispatcher()).turn([filed(1)], {0: 1})
        office.now += 10 * SECOND
        await (await office.dispatcher()).turn((), {})
        assert office.told("duty/plain/1") == [("first notification", (case(1),))]
        office.now += 90 * SECOND
        await (await office.dispatcher()).turn([filed(1)], {0: 1})  # the same fact again
        assert len(office.told("duty/plain/1")) == 1
        await (await office.dispatcher()).turn([filed(1, 9, FactType.CLOSED, State.CLOSED)], {0: 2})
        office.now += 90 * SECOND
        await (await office.dispatcher()).turn((), {})
        assert office.told("duty/plain/1")[1:] == [("all resolved", (case(1),))]

    asyncio.run(scene())


def test_who_lost_the_lease_keeps_nothing() -> None:
    async def scene() -> None:
        office = Office()
        dispatcher = await office.dispatcher()
        office.state.expire()
        assert await office.state.take("b")
        with pytest.raises(LeaseLost):
            await dispatcher.turn([filed(1)], {0: 1})
        assert (await office.state.load()).offsets == {}

    asyncio.run(scene())


def test_every_decision_is_explained_to_whoever_asks_for_a_case() -> None:
    async def scene() -> None:
        office = Office()
        dispatcher = await office.dispatcher()
        everything = Silence("s1", (), AT - 60 * SECOND, AT + 3600 * SECOND)
        dispatcher.silence([everything])
        await dispatcher.turn([filed(1)], {0: 1})
        office.now += 10 * SECOND
        await dispatcher.turn((), {})
        assert office.told("duty/plain/1") == []
        dispatcher.silence([])
        office.now += 60 * SECOND
        await dispatcher.turn((), {})
        newest, *_, oldest = await office.state.explained(case(1))
        assert (oldest.reason, oldest.notice, oldest.receiver) == ("silenced", None, "duty")
        assert (newest.reason, newest.notice) == ("first notification", office.orders[-1].notice.id)

    asyncio.run(scene())


@given(st.data())
def test_wherever_it_dies_nothing_is_missed_and_what_comes_twice_has_one_id(data: st.DataObject) -> None:
    """Stores fail before or after they did what they were asked; then a new dispatcher reads on from the kept offsets."""
    log = [filed(number, sequence) for sequence in (2, 3) for number in range(4)]
    fates = st.sampled_from([None, None, None, TryAgain("away")])

    async def scene() -> None:
        office = Office(fails=data.draw(st.lists(fates, max_size=40)))
        for _ in range(60):
            office.now += data.draw(st.sampled_from([SECOND, 15 * SECOND, 70 * SECOND]))
            await _live(office, log, data.draw(st.integers(1, 4)))
        told = {case_id for _, cases in office.told("duty/plain/1") for case_id in cases}
        assert told == {case(number) for number in range(4)}
        assert {order.notice.id for order in office.orders if order.target == "log/plain/1"} == {
            f"QD_20261121_{number:010d}_2_log" for number in range(4)
        } | {f"QD_20261121_{number:010d}_3_log" for number in range(4)}
        contents: dict[str, set[str]] = defaultdict(set)
        for order in office.orders:
            contents[order.notice.id].add(_content(order.notice))
        assert all(len(each) == 1 for each in contents.values())

    asyncio.run(scene())


async def _live(office: Office, log: Sequence[Fact], most: int) -> None:
    """A dispatcher's life: some turns, until a store fails."""
    dispatcher: Dispatcher = await office.dispatcher()
    at = (await office.state.load()).offsets.get(0, 0)
    try:
        for _ in range(3):
            batch = log[at : at + most]
            at += len(batch)
            await dispatcher.turn(batch, {0: at} if batch else {})
            office.now += SECOND
    except TryAgain:
        return


def _content(notice: Notice) -> str:
    return repr(sorted((alert.fingerprint, alert.status(notice.at)) for alert in notice.alerts))


# --- on duty ----------------------------------------------------------------------------------------------------------------------


@dataclass
class Nights:
    """Somebody whose duty begins at a moment."""

    begins: datetime
    asked: list[datetime] = field(default_factory=list)

    def targets_for(self, notice: Notice, receiver: str, at: datetime, *, send_resolved: bool | None = None) -> Sequence["Called"]:
        """Now, or when the duty begins."""
        self.asked.append(at)
        if at >= self.begins:
            return [Called(notice, ("person/plain",), at, "on duty")]
        return [Called(notice.model_copy(update={"id": f"later_{notice.id}"[:64]}), (), self.begins, "duty begins later")]


@dataclass(frozen=True)
class Called:
    """A summons."""

    notice: Notice
    targets: tuple[str, ...]
    at: datetime
    why: str


def test_what_waits_for_somebodys_duty_is_told_when_it_begins_also_by_the_next_dispatcher() -> None:
    async def scene() -> None:
        office = Office(duty=Nights(AT + 3600 * SECOND))
        dispatcher = await office.dispatcher()
        await dispatcher.turn([filed(1), filed(2)], {0: 2})
        office.now += 10 * SECOND
        await dispatcher.turn((), {})
        assert office.told("person/plain") == []
        await (await office.dispatcher()).turn([filed(2, 9, FactType.CLOSED, State.CLOSED)], {0: 3})
        office.now = AT + 3600 * SECOND
        await (await office.dispatcher()).turn((), {})
        assert (case(1),) in [cases for _, cases in office.told("person/plain")]  # the other one is over by now
        assert not any(key.startswith("later/") for key in (await office.state.load()).records)
        before = len(office.orders)
        await (await office.dispatcher()).turn((), {})
        assert len(office.orders) == before

    asyncio.run(scene())


# --- proof of escalations ---------------------------------------------------------------------------------------------------------


def escalated() -> Fact:
    """To the city."""
    return filed(1, 5, FactType.ESCALATED, escalated_to="city")


def test_an_escalation_is_proven_by_a_delivery_and_missed_when_there_is_none_in_a_minute() -> None:
    async def scene() -> None:
        office, proofs = Office(), Proofs()
        dispatcher = await office.dispatcher()
        await dispatcher.turn([escalated()], {0: 1})
        kept = (await office.state.load()).escalations
        assert [(each.case_id, each.level, each.deliveries) for each in kept.values()] == [(case(1), "city", (office.orders[0].id,))]
        proofs, [said] = Proofs(kept), [each.said_ms for each in kept.values()]
        assert await proofs.audit(office.queue, said + 59_000) == 0
        assert await proofs.audit(office.queue, said + 61_000) == 1
        [claimed] = await office.queue.claim(1, 1, 1000)
        attempt = Attempt(at=AT, outcome="ok")
        await office.queue.settle([Settled(claimed.id, claimed.turn, End.DELIVERED, attempt)], 2)
        assert await proofs.audit(office.queue, said + 62_000) == 0
        assert proofs.changed() == {next(iter(kept)): None}

    asyncio.run(scene())


def test_one_that_nobody_is_told_of_counts_for_a_day() -> None:
    async def scene() -> None:
        proofs = Proofs()
        proofs.learn(escalated(), 0)
        proofs.learn(escalated(), 5)  # read again
        [(id_, kept)] = proofs.changed().items()
        assert kept == Escalation(case_id=case(1), sequence=5, level="city", said_ms=0) and kept.id == id_
        assert await proofs.audit(Office().queue, 3_600_000) == 1
        assert await proofs.audit(Office().queue, 90_000_000) == 0

    asyncio.run(scene())
