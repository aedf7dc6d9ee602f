"""Two workers and more share the flood: a dead one is taken over within seconds, and what stays where it was is not disturbed."""

import time

from config.settings import Settings
from tests.journeys.conftest import NewWorker
from tests.journeys.flood import exact, flooded, repeats, shared
from tests.waiting import until

CAMERAS = 160
RATE = 800.0
ROLES = ("--only", "intake")


def test_a_killed_worker_is_taken_over_within_seconds_and_loses_nothing(settings: Settings, worker: NewWorker) -> None:
    worker(settings, "--only", "closure")
    one, two = worker(settings, *ROLES, ready=False), worker(settings, *ROLES)
    until(lambda: shared([one, two]), "two workers with four partitions each")
    with flooded(settings, repeats(CAMERAS), RATE) as (flood, fates):
        until(lambda: len({said["partition"] for said in fates.of()}) == 8, "fates of all partitions")
        orphans, killed_at = two.partitions(), time.time()
        two.kill()
        taken_over = fates.first_after(killed_at + 0.1, orphans, 60)
    print(f"taken over {min(taken_over.values()):.2f} to {max(taken_over.values()):.2f} s after the kill")
    exact(settings, flood.sent)


def test_a_second_worker_takes_half_and_the_first_goes_on_knowing_the_rest(settings: Settings, worker: NewWorker) -> None:
    worker(settings, "--only", "closure")
    one = worker(settings, *ROLES)
    with flooded(settings, repeats(CAMERAS), RATE) as (flood, fates):
        until(lambda: one.metric("cityloop_remembered_sources") >= CAMERAS, "a worker that knows all cameras")
        began = time.time()
        two = worker(settings, *ROLES)
        until(lambda: shared([one, two]), "two workers with four partitions each")
        kept = one.partitions()
        sifted = one.metric("cityloop_reports_total", verdict="opened")
        until(lambda: 0 < one.metric("cityloop_remembered_sources") < CAMERAS, "a worker that remembers only its own cameras")
        recognised = one.metric("cityloop_recognised_total")
        until(lambda: one.metric("cityloop_recognised_total") > recognised + 2 * CAMERAS, "repeats that the first worker knows")
        silent = fates.longest_silence(began, kept)
    print(f"kept partitions were silent for {silent:.2f} s at most")
    assert silent < 30, "about a second on an idle machine: repeats are counted once a second; a lost session would be found out later"
    assert one.metric("cityloop_reports_total", verdict="opened") == sifted
    exact(settings, flood.sent)
