"""Lanes: what they recognise, and that recognising and sifting together come to the verdicts of sifting one by one."""

import asyncio

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.sift_memory import MemorySift
from incidents.steps.sifting import CM
from incidents.vocabulary import State
from streams.lanes import Lane
from streams.memory import Memory
from streams.repeats import Known
from tests.adapters.sifting import Shelf
from tests.streams.histories import T0, Kafka, Record, Worker, report, sorter


def logged(values: list[tuple[str, int, int, dict[str, object]]]) -> list[Record]:
    """Reports of (source, metres, second, more data) as records that came when they were made."""
    made = [(source, second, report(at, source, metres, second, **more)) for at, (source, metres, second, more) in enumerate(values)]
    return [Record(at, source.encode(), value, T0 + 1000 * second) for at, (source, second, value) in enumerate(made)]


def reading(log: list[Record]) -> Worker:
    """A worker at the start of a log of one partition."""
    worker = Worker(Shelf(MemorySift(), None), Kafka([log]))
    worker.assigned({0})
    return worker


def one_by_one(log: list[Record]) -> dict[int, str | None]:
    """The verdicts of sifting each report by itself, recognising nothing."""

    async def run() -> Kafka:
        store, kafka = MemorySift(), Kafka([log])
        for record in log:
            await store.call(0, "T", [sorter().group_of(record.value, record.offset, record.timestamp)])
        for _, outcome in await store.outbox(0):
            kafka.publish(0, outcome)
        return kafka

    return {offset: case for (_, offset), (case, _) in asyncio.run(run()).fates.items()}


@settings(max_examples=1000, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from([0, 20, 45, 60, 200, 1000]),
            st.sampled_from([1, 5, 300, 3000]),
            st.sampled_from([None, None, None, "鲁B12345", "鲁B54321"]),
        ),
        min_size=1,
        max_size=40,
    ),
    batch=st.integers(1, 9),
)
@example(steps=[(0, 60, 1, None), (1, 20, 1, None), (1, 0, 1, None)], batch=3)
@example(steps=[(0, 60, 1, None), (1, 20, 1, None), (0, 0, 1, None), (1, 0, 1, None)], batch=4)
def test_in_time_order_recognise_and_sift_give_the_verdicts_of_one_by_one(
    steps: list[tuple[int, int, int, str | None]], batch: int
) -> None:
    second, made = 60, []
    for source, metres, gap, plate in steps:
        second += gap
        if second < 15 * 3600:
            truck: dict[str, object] = {"category": "muck_truck_uncovered", "plate": plate} if plate else {}
            made.append((f"/cameras/{source}", metres, second, truck))
    log = logged(made)

    async def run() -> Kafka:
        worker = reading(log)
        lane = worker.lanes[0]
        while lane.position < len(log) or not lane.idle():
            worker.read(0, batch)
            lane.settle()  # at every batch: what is pending must not outlast the window of another source's look
            await worker.pump(0)
        return worker.kafka

    if log:
        assert {offset: case for (_, offset), (case, _) in asyncio.run(run()).fates.items()} == one_by_one(log)


@pytest.mark.parametrize(("metres", "joins"), [(49, True), (52, False)])
def test_a_recognised_repeat_is_one_inside_the_radius_of_the_case(metres: int, joins: bool) -> None:
    async def run() -> Lane:
        worker = reading(logged([("/c", 0, 60, {}), ("/c", metres, 65, {})]))
        worker.read(0, 1)
        await worker.pump(0)
        worker.read(0, 1)
        return worker.lanes[0]

    assert asyncio.run(run()).recognised == int(joins)


def test_repeats_of_what_has_no_answer_yet_wait_for_it_and_ask_nothing() -> None:
    async def run() -> None:
        worker = reading(logged([("/c", 0, 60 + at, {}) for at in range(50)]))
        lane = worker.lanes[0]
        worker.read(0, 50)
        assert lane.recognised == 49 and lane.waiting() == 1 and lane.held() == 50 and lane.done() == 0
        await worker.pump(0)
        assert lane.waiting() == 0 and lane.done() == 1
        lane.settle()
        await worker.pump(0)
        assert lane.idle() and lane.held() == 0 and lane.done() == 50
        assert [verdict for _, verdict in worker.kafka.fates.values()] == ["opened"] + ["merged"] * 49

    asyncio.run(run())


def test_what_is_answered_is_not_done_before_it_is_told_and_meanwhile_more_is_asked() -> None:
    async def run() -> list[int]:
        worker = reading(logged([(f"/c{at}", 1_000 * at, 60 + at, {}) for at in range(4)]))
        lane, done = worker.lanes[0], []
        worker.read(0, 2)
        await worker.call(0)
        done.append(lane.done())
        worker.read(0, 2)
        await worker.call(0)  # it tells the first call, once it is answered itself
        done.append(lane.done())
        worker.tell(0)
        return [*done, lane.done()]

    assert asyncio.run(run()) == [0, 2, 4]


def test_a_new_report_does_not_wait_behind_repeats_that_are_only_to_be_counted() -> None:
    async def run() -> list[list[str]]:
        worker = reading(logged([("/c", 0, 60, {}), ("/c", 0, 65, {}), ("/far", 5_000, 70, {}), ("/c", 0, 75, {}), ("/near", 20, 80, {})]))
        lane, called = worker.lanes[0], []
        for records in (1, 2, 2):
            worker.read(0, records)
            if records == 2:
                lane.settle()
            called.append([group.source for group in lane.calls()])
            lane.put_back()
            await worker.pump(0)
        assert lane.idle()
        return called

    first, far, near = asyncio.run(run())
    assert first == ["/c"]
    assert far == ["/far", "/c"]
    assert near == ["/c", "/near"]  # may be the same incident: what was before it is counted before it


def test_a_call_asks_half_of_what_was_too_much_less_than_the_last_and_a_little_more_when_that_had_time() -> None:
    async def run() -> list[int]:
        log = logged([(f"/c{at}", 100 * at, 60 + at, {}) for at in range(400)])
        had_time_for = iter([50, 50, 1000, 1000, 1000])
        store = MemorySift("", lambda: next(had_time_for))
        lane = reading(log).lanes[0]
        lane.take(log)
        asked = []
        while lane.waiting():
            groups = lane.calls()
            asked.append(len(groups))
            lane.answered((await store.call(0, "T", groups)).learned)
        return asked

    assert asyncio.run(run()) == [400, 225, 137, 155, 8]


def test_repeats_that_wait_together_stand_in_their_middle_so_that_the_radius_holds_more_of_them() -> None:
    async def run() -> tuple[int, int]:
        worker = reading(logged([("/c", 0, 60, {}), ("/c", -20, 65, {}), ("/c", 20, 70, {}), ("/other", 0, 75, {})]))
        lane = worker.lanes[0]
        worker.read(0, 4)  # the last one may be the same incident, so they travel before there is an answer
        opener, repeats, other = lane.calls()
        answers = (await worker.shelf.store.call(0, "T", [opener, repeats, other])).learned
        assert [answer.verdict for answer in answers] == ["opened", "merged", "merged"]
        return round((repeats.x - opener.x) * CM * opener.cos / 1e8), round(repeats.spread / 100)

    assert asyncio.run(run()) == (0, 20)


def test_a_repeat_that_comes_late_is_counted_like_one_in_time_and_its_resend_is_none() -> None:
    def resent(at: int, record: Record) -> Record:
        return record._replace(offset=at)

    opener, newest, late = logged([("/c", 0, 60, {}), ("/c", 0, 100, {}), ("/c", 0, 80, {})])
    log = [opener, newest, late, resent(3, late), resent(4, opener), resent(5, newest)]

    async def run() -> tuple[int, list[str]]:
        worker = reading(log)
        lane = worker.lanes[0]
        worker.read(0, 1)
        await worker.pump(0)
        worker.read(0, 5)
        recognised = lane.recognised
        lane.settle()
        await worker.pump(0)
        assert lane.idle() and lane.done() == 6
        return recognised, [verdict for _, (_, verdict) in sorted(worker.kafka.fates.items())]

    recognised, verdicts = asyncio.run(run())
    assert recognised == 2  # in time and late; each resend asks
    assert verdicts == ["opened", "merged", "merged", "resent", "resent", "resent"]


def test_reports_from_before_and_after_the_handling_that_wait_together_are_judged_one_by_one() -> None:
    async def run() -> list[str]:
        worker = reading(logged([("/c", 0, 60, {}), ("/c", 0, 100, {}), ("/c", 0, 80, {})]))
        lane, store = worker.lanes[0], worker.shelf.store
        worker.read(0, 1)
        await worker.pump(0)
        case = worker.kafka.fates[0, 0][0]
        assert case is not None
        await worker.shelf.move(case, State.CHECKING, handled=T0 + 90_000)
        worker.read(0, 2)
        assert lane.recognised == 2
        lane.settle()
        rules: list[str] = []
        while lane.waiting():
            groups = lane.calls()
            answer = await store.call(0, "T", groups)
            rules += [row[2] for row in orjson.loads(answer.outcome)["fates"]] if answer.entry else []
            lane.answered(answer.learned)
        return rules

    assert asyncio.run(run()) == ["same_source", "late"]


def test_how_many_repeats_go_together_is_counted_from_one_settling_to_the_next() -> None:
    async def run() -> list[float]:
        near, far = ("/near", 0), ("/far", 2000)
        places = [near, far, near, near, far, near, far]
        worker = reading(logged([(*place, 60 + 5 * at, {}) for at, place in enumerate(places)]))
        lane, found = worker.lanes[0], [worker.lanes[0].together()]
        worker.read(0, 2)
        await worker.pump(0)
        for reports in (4, 1):
            worker.read(0, reports)
            found.append(lane.together())
            lane.settle()
            await worker.pump(0)
        return [*found, lane.together()]

    assert asyncio.run(run()) == [1, 2, 1, 1]  # three of one camera and one of the other; one; none


def test_memory_is_bounded_over_all_categories_and_remembers_what_was_asked_for() -> None:
    memory, row = Memory(most=4), sorter().rows["road_spillage"]
    known = {at: Known(str(at), row, "", 0, 0, 0, 0, 0, 0, 0) for at in range(12)}
    for at, each in known.items():
        memory.keep(f"/c{at}", f"category {at % 3}", each)
        assert memory.get("/c0", "category 0") is known[0]
        assert len(memory) <= 8
    assert memory.get("/c1", "category 1") is None and memory.get("/c0", "no such category") is None
    memory.drop("/c0", "category 0")
    assert memory.get("/c0", "category 0") is None
