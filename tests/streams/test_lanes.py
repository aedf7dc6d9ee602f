"""Lanes: what they recognise, and that recognising and sifting together come to the verdicts of sifting one by one."""

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.sift_memory import MemorySift
from streams.lanes import Lane
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
            while lane.waiting():
                await worker.call(0)
        return worker.kafka

    if log:
        assert {offset: case for (_, offset), (case, _) in asyncio.run(run()).fates.items()} == one_by_one(log)


@pytest.mark.parametrize(("metres", "joins"), [(49, True), (52, False)])
def test_a_recognised_repeat_is_one_inside_the_radius_of_the_case(metres: int, joins: bool) -> None:
    async def run() -> Lane:
        worker = reading(logged([("/c", 0, 60, {}), ("/c", metres, 65, {})]))
        worker.read(0, 1)
        await worker.call(0)
        worker.read(0, 1)
        return worker.lanes[0]

    assert asyncio.run(run()).recognised == int(joins)


def test_repeats_of_what_has_no_answer_yet_wait_for_it_and_ask_nothing() -> None:
    async def run() -> None:
        worker = reading(logged([("/c", 0, 60 + at, {}) for at in range(50)]))
        lane = worker.lanes[0]
        worker.read(0, 50)
        assert lane.recognised == 49 and lane.waiting() == 1 and lane.held() == 50 and lane.done() == 0
        await worker.call(0)
        assert lane.waiting() == 0 and lane.done() == 1
        lane.settle()
        await worker.call(0)
        assert lane.idle() and lane.held() == 0 and lane.done() == 50
        assert [verdict for _, verdict in worker.kafka.fates.values()] == ["opened"] + ["merged"] * 49

    asyncio.run(run())


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
            await worker.call(0)
        assert lane.idle()
        return called

    first, far, near = asyncio.run(run())
    assert first == ["/c"]
    assert far == ["/far", "/c"]
    assert near == ["/c", "/near"]  # may be the same incident: what was before it is counted before it
