"""How old a report is when the case it opened becomes a fact: from its append to Kafka, carried through the outbox in its opening."""

import asyncio
import time

import orjson

from adapters import metrics
from adapters.sift_memory import MemorySift
from incidents.commands import Command
from incidents.places import Located
from streams.lanes import Lane
from streams.telling import sight_data
from tests.incidents.closing import opening, sight
from tests.streams.closure_bench import Bench
from tests.streams.histories import ANY_TIME, Record, report, sorter

NAME = "cityloop_report_age_seconds"


def observed(stage: str) -> tuple[float, float]:
    """How many ages were observed, and their sum in seconds."""
    return tuple(metrics.REGISTRY.get_sample_value(f"{NAME}_{what}", {"stage": stage}) or 0.0 for what in ("count", "sum"))  # type: ignore[return-value]  # two of them


def test_the_fact_of_a_new_case_tells_the_age_of_the_report_that_opened_it_once() -> None:
    bench, (count, seconds) = Bench(), observed("closure")
    appended_ms = int(time.time() * 1000) - 3000
    bench.give(sight(opening=opening().model_copy(update={"appended_ms": appended_ms})))
    bench.give(sight(id="again", opening=opening().model_copy(update={"appended_ms": appended_ms})))
    bench.work()
    assert observed("closure")[0] == count + 1
    assert 3.0 <= observed("closure")[1] - seconds < 60.0


def test_an_opening_that_does_not_say_when_it_was_appended_tells_no_age() -> None:
    bench, (count, _) = Bench(), observed("closure")
    bench.give(sight())
    bench.work()
    assert observed("closure")[0] == count


def test_the_append_time_of_the_opener_comes_through_the_outbox_to_closure() -> None:
    lane, store = Lane(sorter(), ANY_TIME, 0), MemorySift()
    lane.take([Record(0, b"/cameras/1", report(0, "/cameras/1", 0, 0), timestamp=1_795_219_207_123)])
    asyncio.run(store.call(0, "T", lane.calls()))
    [(entry, outcome)] = asyncio.run(store.outbox(0))
    [sight_told] = orjson.loads(outcome)["sights"]
    command = Command.model_validate(sight_data(entry, sight_told, lambda lon, lat: Located()))
    assert command.opening is not None and command.opening.appended_ms == 1_795_219_207_123


def test_a_call_is_as_old_as_the_slice_of_reading_that_its_oldest_report_came_in() -> None:
    lane = Lane(sorter(), ANY_TIME, 0, 10)
    for start, stamp in ((10, 1000), (12, 2000)):
        lane.take([Record(at, b"/cameras/1", report(at, "/cameras/1", 0, at), timestamp=stamp + at) for at in (start, start + 1)])
    assert [lane.stamp(offset) for offset in (9, 10, 11, 12, 13, 99)] == [None, 1010, 1010, 2012, 2012, 2012]
