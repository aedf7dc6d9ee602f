"""Redis emptied, or killed and started again, under a running worker: it stops taking work, rebuilds, goes on, and nothing changed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from config.settings import Settings
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import command, facts, of_case, report, send
from tests.journeys.process import Worker, ask
from tests.journeys.test_main_job import opened
from tests.servers import Server
from tests.waiting import until

NewSettings = Callable[..., Settings]


@pytest.fixture
def lonely(new_settings: NewSettings, redis_own: Server) -> Iterator[Settings]:
    """A stack with a Redis of its own, on a clock where minutes pass in seconds, so that a deadline fires within the test."""
    yield new_settings(redis_url=redis_own.address, clock="x60@2026-11-21T08:00+08:00")


def flush(redis_own: Server) -> None:
    """FLUSHALL."""
    with redis.Redis(port=redis_own.port) as client:
        client.flushall()


def kill_and_start(redis_own: Server) -> None:
    """kill -9, then the same data again: another run id."""
    redis_own.kill()
    redis_own.start()


def city_report(number: int, source: str, minute: int, east_m: float = 0) -> dict[str, object]:
    """A report whose time lies on this stack's clock."""
    return report(number, source, east_m=east_m) | {"time": f"2026-11-21T08:{minute:02d}:00+08:00"}


@pytest.mark.parametrize("lose", [flush, kill_and_start])
def test_after_a_loss_of_redis_everything_is_as_before(
    lose: Callable[[Server], None], lonely: Settings, redis_own: Server, worker: NewWorker, tmp_path: Path
) -> None:
    running = worker(lonely)
    send(lonely, city_report(1, "/cameras/1", 0), city_report(2, "/cameras/2", 0, east_m=5000))
    found = facts(lonely, lambda seen: sum(each["type"] == "city.case.dispatched.v1" for each in seen) == 2)
    [case_id], [other] = opened(found, "/cameras/1"), opened(found, "/cameras/2")
    accept = command(lonely, case_id, "accept", actor={"id": "王芳", "role": "unit", "unit": "sanitation-370202"})
    facts(lonely, lambda seen: of_case(seen, case_id)[-1:] == ["accepted"])
    before = listed(lonely)

    rebuilds = running.metric("cityloop_rebuilds_total")
    lose(redis_own)
    until(lambda: running.metric("cityloop_rebuilds_total") > rebuilds, "a rebuild")
    running.until_ready()
    assert listed(lonely) == before

    command(lonely, case_id, "accept", id=accept, actor={"id": "王芳", "role": "unit", "unit": "sanitation-370202"})
    send(lonely, city_report(3, "/cameras/3", 1, east_m=15))
    found = facts(lonely, lambda seen: "sighted" in of_case(seen, case_id) and "reminded" in of_case(seen, other), timeout=60)
    assert opened(found, "/cameras/3") == [], "a further sighting joins its case"
    assert of_case(found, case_id).count("accepted") == 1, "a repeated command says nothing twice"
    assert outcome(lonely, accept) == (True, 4), "and returns its first outcome"
    settled(running, lonely)


def listed(settings: Settings) -> list[object]:
    """`cityloop case list --json`."""
    answer = ask(settings, "case", "list", "--json")
    assert answer.returncode == 0, answer.stderr
    cases: list[object] = json.loads(answer.stdout)
    return cases


def outcome(settings: Settings, command_id: str) -> tuple[bool, int]:
    """What the command came to, as it stands for whoever waits."""
    with redis.Redis.from_url(settings.redis_url) as client:
        key = f"{settings.namespace}{{qingdao}}:reply:{command_id}"
        told = json.loads(until(lambda: client.get(key), "the answer to a command"))
        return told["accepted"], told["sequence"]


def settled(running: Worker, settings: Settings) -> None:
    """The audit agrees."""
    audit = ask(settings, "audit", "--json")
    assert audit.returncode == 0, f"{audit.stdout}\n{running.tail()}"
