"""How old a report is when the case it opened becomes a fact: from its append to Kafka, carried through the outbox in its opening."""

import time

from adapters import metrics
from tests.incidents.closing import opening, sight
from tests.streams.closure_bench import Bench

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
