"""The delivery engine against receivers as they are: real local servers, the queue's twin, real time in miniature."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.deliveries import Order, State
from handlers import outbound
from handlers.channel import Limit, Profile, Target
from handlers.engine import Receivers, Rules, steady
from handlers.schedule import SCHEDULES, Schedule
from tests.handlers.office import office, play
from tests.handlers.receiver import HANG, Got, PlainChannel, Receiver, answer, fact, receiving, target


def ids(receiver: Receiver) -> list[object]:
    """What it got, in order."""
    return [got.json["id"] for got in receiver.got]


FLAKY: dict[str, Callable[[], bytes]] = {
    "500": lambda: answer(500),
    "redirect": lambda: answer(307, location="http://127.0.0.1/"),
    "429": lambda: answer(429),
    "garbage": lambda: b"\xff\xff\r\n\r\n",
    "half": lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "nothing": lambda: b"",
    "404": lambda: answer(404),
    "403": lambda: answer(403),
}


@pytest.mark.parametrize("trouble", FLAKY)
def test_after_any_trouble_it_comes_again_under_the_same_id(trouble: str) -> None:
    async def scene() -> None:
        async with receiving() as [receiver], office([target("t", receiver.url)]) as here:
            receiver.reply = lambda _: FLAKY[trouble]() if len(receiver.got) < 3 else answer()
            await here.tell(fact("c1", 1), "t")
            await here.tell(fact("c1", 2), "t")
            await here.until(lambda: len(receiver.got) == 4)
            assert ids(receiver) == ["c1_1", "c1_1", "c1_1", "c1_2"]
            assert len({got.headers["webhook-id"] for got in receiver.got}) == 2

    play(scene)


def test_one_that_answers_late_counts_as_failed_and_gets_the_same_id_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "WHOLE_S", 0.2)

    async def scene() -> None:
        async with receiving() as [receiver], office([target("t", receiver.url)]) as here:
            receiver.reply = lambda _: HANG if len(receiver.got) == 1 else answer()
            await here.tell(fact(), "t")
            await here.until(lambda: len(receiver.got) == 2)
            assert ids(receiver) == ["c1_1", "c1_1"]

    play(scene)


def test_every_attempt_is_on_the_record_and_the_last_one_ends_on_the_dead_letters() -> None:
    async def scene() -> None:
        async with receiving(lambda _: answer(500)) as [receiver], office([target("t", receiver.url)]) as here:
            await here.tell(fact(), "t")
            await here.until(lambda: bool(here.buried))
            [dead] = here.buried
            assert len(receiver.got) == 10 and [each.status for each in dead.attempts] == [500] * 10
            assert dead.notice is not None and {each.reason for each in dead.attempts} == {"serverError"}
            receiver.reply = lambda _: answer()
            assert await here.queue.replay([dead.id], 0) == 1
            await here.until(lambda: len(receiver.got) == 11)

    play(scene)


def test_an_urgent_one_is_tried_until_its_time_is_over() -> None:
    async def scene() -> None:
        clock, over = steady(), [0]
        schedules = {Profile.URGENT: Schedule((0.01,) * 3, 0.05, timedelta(hours=1))}
        rules = Rules(schedules=schedules, probe=timedelta(seconds=0.1), lease=timedelta(hours=2), now=lambda: clock() + over[0])
        async with receiving(lambda _: answer(500)) as [receiver], office([target("t", receiver.url, Profile.URGENT)], rules=rules) as here:
            await here.tell(fact(), "t")
            await here.until(lambda: len(receiver.got) > 5)
            assert not here.buried
            over[0] = 3_600_000
            await here.until(lambda: bool(here.buried))

    play(scene)


def test_410_ends_a_target_and_the_operations_hear_of_it() -> None:
    async def scene() -> None:
        async with receiving(count=2) as [gone, desk]:
            gone.reply = lambda _: answer(410)
            async with office([target("t", gone.url), target("desk", desk.url)], operations=("desk",)) as here:
                await here.tell(fact("c1", 1), "t")
                await here.until(lambda: len(desk.got) == 1)
                await here.tell(fact("c1", 2), "t")
                await here.until(lambda: len(here.buried) == 2)
                assert len(gone.got) == 1 and desk.got[0].json["reason"] == "endpoint.disabled"

    play(scene)


def test_a_receiver_that_asks_for_quiet_gets_it() -> None:
    async def scene() -> None:
        async with receiving() as [receiver], office([target("t", receiver.url)]) as here:
            receiver.reply = lambda _: answer(429, retry_after="1") if len(receiver.got) == 1 else answer()
            await here.tell(fact("c1"), "t")
            await here.asked_for_quiet()
            await here.tell(fact("c2"), "t")  # another case waits as well
            await here.until(lambda: len(receiver.got) == 3)
            first, *others = (got.at for got in receiver.got)
            assert min(others) - first >= 0.95

    play(scene)


def test_a_dead_target_is_asked_now_and_then_and_all_goes_when_it_is_back() -> None:
    async def scene() -> None:
        rules = Rules(schedules={Profile.STANDARD: Schedule((0.01,) * 4 + (3600.0,) * 5)}, probe=timedelta(seconds=0.3))
        async with receiving(count=2) as [receiver, desk]:
            receiver.reply = lambda _: answer(503)
            targets = [target("t", receiver.url), target("desk", desk.url)]
            async with office(targets, rules=rules, operations=("desk",)) as here:
                await here.tell(fact("c0"), "t")
                await here.until(lambda: len(receiver.got) == 5)
                receiver.reply = lambda _: answer()
                began = time.monotonic()
                for n in range(1, 20):
                    await here.tell(fact(f"c{n}"), "t")
                await here.until(lambda: len(set(ids(receiver))) == 20 and len(desk.got) == 2)  # also c0, that had an hour to wait
                assert time.monotonic() - began > 0.2
                assert [got.json["reason"] for got in desk.got] == ["endpoint.failing", "endpoint.recovered"]

    play(scene)


def test_the_fallback_is_told_after_three_failures() -> None:
    async def scene() -> None:
        async with receiving(count=2) as [dead, other]:
            dead.reply = lambda _: answer(500)
            targets = [target("t", dead.url, fallback=("other",)), target("other", other.url)]
            async with office(targets) as here:
                await here.tell(fact(), "t")
                await here.until(lambda: len(other.got) == 1)
                assert ids(other) == ["c1_1"]
                told = await here.queue.show("c1_1@t")
                assert told is not None and told.fallback_ms is not None
                assert sum(each.outcome == "retry" for each in told.attempts) >= 3

    play(scene)


def test_the_fallback_is_told_when_the_time_is_over_also_to_those_who_wait_behind() -> None:
    async def scene() -> None:
        now = [0]
        async with receiving(count=2) as [slow, other]:
            slow.reply = lambda _: HANG
            targets = [target("t", slow.url, fallback=("other",)), target("other", other.url)]
            async with office(targets, rules=Rules(now=lambda: now[0])) as here:
                await here.tell(fact("c1", 1), "t")
                await here.tell(fact("c1", 2), "t")
                await here.until(lambda: len(slow.got) == 1)
                now[0] = 60_001
                await here.until(lambda: len(other.got) == 2)
                for task in slow.connections:
                    task.cancel()

    play(scene)


def said(got: Got) -> list[str]:
    """Ids of all that a message told."""
    digested = got.json["digested"]
    assert isinstance(digested, list)
    return digested or [str(got.json["id"])]


def test_too_much_for_a_limit_comes_as_a_digest_and_nothing_is_dropped() -> None:
    async def scene() -> None:
        async with receiving() as [robot], office([target("t", robot.url)], PlainChannel(limit=Limit(3))) as here:
            orders = here.engine.receivers.orders
            facts = [fact(f"c{n}", s) for s in (1, 2) for n in range(10)]
            await here.queue.enqueue([order for each in facts for order in orders(each, ["t"])], int(time.time() * 1000))
            told: list[object] = []

            def all_told() -> bool:
                told[:] = [one for got in robot.got for one in said(got)]
                return len(told) >= 20

            await here.until(all_told)
            assert len(robot.got) <= 3 and sorted(map(str, told)) == sorted(each.id for each in facts)
            assert all(told.index(f"c{n}_1") < told.index(f"c{n}_2") for n in range(10))

    play(scene)


def test_what_cannot_be_written_or_is_too_long_dies_alone() -> None:
    async def scene() -> None:
        async with receiving() as [receiver], office([target("t", receiver.url)], PlainChannel(broken="bad")) as here:
            await here.tell(fact("bad", 1), "t")
            await here.tell(fact("good", 1), "t")
            await here.until(lambda: len(receiver.got) == 1 and bool(here.buried))
            assert ids(receiver) == ["good_1"] and "template" in here.buried[0].attempts[0].detail

    play(scene)


def test_a_target_that_is_gone_from_the_configuration_ends_on_the_dead_letters() -> None:
    async def scene() -> None:
        async with receiving() as [receiver], office([target("t", receiver.url)]) as here:
            [order] = here.engine.receivers.orders(fact(), ["t"])
            await here.queue.enqueue([type(order)(order.notice, "old")], 0)
            await here.until(lambda: bool(here.buried))
            assert receiver.got == []

    play(scene)


def test_a_target_that_another_process_read_of_first_is_waited_for() -> None:
    async def scene() -> None:
        async with receiving() as [receiver], office([], rules=Rules(unknown=timedelta(milliseconds=10))) as here:
            new = target("new", receiver.url)
            await here.engine.put([Order(fact(), "new")])
            [id_] = await here.queue.listed(State.WAITING, 1)
            async with asyncio.timeout(60):
                while (shown := await here.queue.show(id_)) is None or len(shown.attempts) < 2:  # noqa: ASYNC110  # the queue tells nobody
                    await asyncio.sleep(0.005)
            await here.engine.change(replace(here.engine.receivers, targets={"new": new}))
            await here.until(lambda: len(receiver.got) == 1)
            assert not here.buried

    play(scene)


def test_one_dead_receiver_among_a_hundred_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 99 have all of theirs while the first attempt at the hundredth is still open, however long it may be."""
    monkeypatch.setattr(outbound, "WHOLE_S", 600.0)

    async def scene() -> None:
        async with receiving(count=100) as receivers:
            dead, *others = receivers
            dead.reply = lambda _: HANG
            targets = [target(f"t{n}", each.url) for n, each in enumerate(receivers)]
            async with office(targets) as here:
                for n in range(3):
                    await here.tell(fact(f"c{n}"), *(each.name for each in targets))
                await here.until(lambda: all(len(each.got) == 3 for each in others) and len(dead.got) == 3, 60)
                for n in range(3):
                    [order] = here.engine.receivers.orders(fact(f"c{n}"), ["t0"])
                    delivery = await here.queue.show(order.id)
                    assert delivery is not None and delivery.state is State.CLAIMED and not delivery.attempts
                for task in dead.connections:
                    task.cancel()

    play(scene)


def test_what_wants_no_resolved_ones_gets_none() -> None:
    receivers = Receivers({"t": Target("t", "plain", target("t", "http://x").settings, send_resolved=False)}, {"plain": PlainChannel()}, {})
    resolved = fact().model_copy(update={"status": "resolved", "fact": None})
    assert receivers.orders(resolved, ["t", "nobody"]) == [] and len(receivers.orders(fact(), ["t"])) == 1


@pytest.mark.parametrize(
    "profile, seconds",
    [
        (Profile.STANDARD, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, None]),
        (Profile.URGENT, [5, 15, 30, 60, 120, 300, 600, 600]),
    ],
)
def test_the_schedules_are_those_of_the_profiles(profile: Profile, seconds: list[float | None]) -> None:
    for failures, expected in enumerate(seconds, 1):
        for chance in (lambda low, high: low, lambda low, high: high):
            wait = SCHEDULES[profile].wait(failures, chance)
            assert (wait is None) == (expected is None)
            if wait is not None and expected is not None:
                assert abs(wait.total_seconds() / expected - 1) == pytest.approx(0.2)


def test_a_delivered_one_is_shown_with_its_proof() -> None:
    async def scene() -> None:
        async with receiving() as [receiver], office([target("t", receiver.url)]) as here:
            await here.tell(fact(), "t")
            await here.until(lambda: bool(receiver.got))
        told = await here.queue.show("c1_1@t")  # what is under way is finished
        assert told is not None and told.state is State.DELIVERED
        assert told.attempts[0].status == 200 and told.ended_ms is not None

    play(scene)
