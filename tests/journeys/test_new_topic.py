"""The topic of the reports grows, or is deleted and made anew, while workers run, sleep or are away: nothing lost, nothing old believed."""

import time
from collections.abc import Callable
from itertools import islice

import pytest
from kafka import KafkaAdminClient

from adapters import topics
from config.settings import Settings
from config.topics import REPORTED
from tests.journeys.conftest import NewWorker
from tests.journeys.flood import Flood, exact, flooded, repeats, shared
from tests.journeys.process import Worker, ask
from tests.waiting import until

CAMERAS = 160
RATE = 400.0
FEW, MANY = 1_600, 4_800
FAST = 20_000.0
ROLES = ("--only", "intake")


def test_partitions_are_raised_while_reports_flow_and_the_new_ones_are_read_from_their_start(settings: Settings, worker: NewWorker) -> None:
    worker(settings, "--only", "closure")
    one, two = worker(settings, *ROLES, ready=False), worker(settings, *ROLES)
    with flooded(settings, repeats(CAMERAS), RATE) as (before, fates):
        until(lambda: shared([one, two]) and len({said["partition"] for said in fates.of()}) == 8, "two workers that share the flood")
        raised = ask(settings, "topics", "apply", "--partitions", "incidents.reported=16")
        assert raised.returncode == 0, raised.stderr
        began = time.time()
        after = Flood(settings, repeats(CAMERAS), RATE)  # the first producer goes on with the partitions that it knows
        until(lambda: len({said["partition"] for said in fates.of()}) == 16, "fates of the new partitions")
        print(f"new partitions were read {time.time() - began:.1f} s after the first report on them")
        until(lambda: shared([one, two], 16), "sixteen partitions, shared evenly")
        after.stop()
    figures = exact(settings, before.sent + after.sent)
    assert figures["opened"] == CAMERAS, "a source that goes on in another partition joins its own case"


def leave_running(workers: list[Worker]) -> Callable[[], object]:
    """They go on."""
    return lambda: None


def put_to_sleep(workers: list[Worker]) -> Callable[[], object]:
    """SIGSTOP; they wake as zombies that hold offsets of the old topic."""
    for each in workers:
        each.freeze()
    return lambda: list(map(Worker.wake, workers))


def send_away(workers: list[Worker]) -> Callable[[], object]:
    """SIGTERM; others come later, and find the commits of the old topic."""
    for each in workers:
        each.stop()
    return lambda: [each.start(ready=False) for each in workers]


@pytest.mark.parametrize("meanwhile", [put_to_sleep, *(pytest.param(each, marks=pytest.mark.slow) for each in (leave_running, send_away))])
def test_a_topic_made_anew_is_read_from_its_start(
    settings: Settings, worker: NewWorker, meanwhile: Callable[[list[Worker]], Callable[[], object]]
) -> None:
    worker(settings, "--only", "closure")
    workers = [worker(settings, *ROLES, ready=False), worker(settings, *ROLES)]
    flow(settings, FEW)
    assert exact(settings, FEW)["opened"] == CAMERAS

    back = meanwhile(workers)
    delete_reports(settings)
    topics.apply(settings)
    flow(settings, MANY)  # at once, and more than there was: the old offsets are within the new log
    back()
    figures = exact(settings, MANY)
    assert figures["merged"] == MANY, "the cases that the old topic's reports opened are still there, and its marks hide nothing"


def flow(settings: Settings, many: int) -> None:
    """So many reports, as fast as it goes."""
    flood = Flood(settings, islice(repeats(CAMERAS), many), FAST)
    until(lambda: flood.sent == many, "all to be sent")
    flood.stop()


def delete_reports(settings: Settings) -> None:
    """Returns when the topic is gone."""
    name = REPORTED.named(settings.namespace)
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    try:
        admin.delete_topics([name])
        until(lambda: name not in admin.list_topics(), "the topic to go")
    finally:
        admin.close()
