"""The agents' rule over the real broker: whatever fails or dies, no fact is skipped, and a stop takes less than five seconds."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adapters.bus import Out, Publisher
from adapters.follow import Follower
from config.settings import ROOT, Settings
from config.topics import CASE_EVENTS, REJECTED
from incidents.errors import NotReady, TryAgain
from streams.app import AT_ONCE, TOGETHER
from tests.conftest import environment
from tests.streams.fact_agents import Noted, a_fact, agent, all_committed, committed, facts, held_back, name, tell, until
from tests.waiting import until as wait_until

pytestmark = pytest.mark.stack


def test_an_effect_that_fails_five_times_loses_and_skips_nothing(settings: Settings) -> None:
    told = facts(cases=40, each=5)
    act = Noted(*[TryAgain("Kafka: away")] * 5)

    async def journey() -> None:
        await tell(settings, told)
        async with agent(settings, act) as app:
            await until(lambda: len(act.seen) >= len(told), "every fact")
            await until(lambda: all_committed(settings), "the commit")
            assert app.working

    asyncio.run(journey())
    assert sorted(act.seen) == sorted(map(name, told))
    assert all([s for c, s in act.seen if c == case] == [1, 2, 3, 4, 5] for case, _ in act.seen)


def test_two_roles_in_one_loop_each_read_every_fact(settings: Settings) -> None:
    told = facts(cases=30, each=2)
    routing, projection = Noted(), Noted()

    async def journey() -> None:
        await tell(settings, told)
        async with agent(settings, routing, "routing"), agent(settings, projection, "projection"):
            await until(lambda: len(routing.seen) == len(projection.seen) == len(told), "both to read all")

    asyncio.run(journey())
    assert sorted(routing.seen) == sorted(projection.seen) == sorted(map(name, told))


def test_facts_that_trickle_in_are_fetched_together_and_one_after_silence_at_once(settings: Settings) -> None:
    act = Noted()

    async def journey() -> None:
        async with agent(settings, act) as app:
            consumer: Any = app.consumer
            await until(lambda: bool(app.working), "its partitions")
            for number in (1, 2):
                await until(lambda: held_back(consumer._thread._consumer) == AT_ONCE, "silence")
                await tell(settings, [a_fact(number)])
                await until(lambda: held_back(consumer._thread._consumer) == TOGETHER, "a fact")
            await until(lambda: len(act.seen) == 2, "both facts")

    asyncio.run(journey())


def test_a_stop_while_an_engine_is_away_is_quick_and_the_facts_come_again(settings: Settings) -> None:
    told = facts(cases=10, each=1)
    away = Noted(*[TryAgain("Redis: away")] * 10_000)
    after = Noted()

    async def journey() -> float:
        await tell(settings, told)
        async with agent(settings, away) as app:
            await until(lambda: away.calls > 3, "some tries")
            assert not app.working
            stopping = time.monotonic()
        took = time.monotonic() - stopping
        async with agent(settings, after):
            await until(lambda: len(after.seen) >= len(told), "every fact")
        return took

    assert asyncio.run(journey()) < 30, "it does not wait for the engine that is away"
    assert sorted(after.seen) == sorted(map(name, told))


def test_a_hot_store_that_is_not_ready_is_rebuilt_and_the_same_batch_goes_on(settings: Settings) -> None:
    act = Noted(NotReady("empty"))
    rebuilt = 0

    async def rebuild() -> None:
        nonlocal rebuilt
        rebuilt += 1

    async def journey() -> None:
        await tell(settings, [a_fact()])
        async with agent(settings, act, rebuild=rebuild):
            await until(lambda: bool(act.seen), "the fact")

    asyncio.run(journey())
    assert (rebuilt, act.seen) == (1, [name(a_fact())])


def test_what_is_no_fact_goes_to_the_dead_letters_and_its_neighbours_go_on(settings: Settings) -> None:
    act = Noted()
    bad = {b"a": b"no json", b"b": None, b"c": b"\xff\x00", b"d": b'{"type":"city.case.opened.v1","data":{}}'}

    async def journey() -> dict[bytes | None, tuple[bytes | None, dict[str, bytes]]]:
        publisher, topic = Publisher(settings.kafka_bootstrap), settings.named(CASE_EVENTS.name)
        await tell(settings, [a_fact(1)])
        await publisher.publish([Out(topic, key, value) for key, value in bad.items()])
        await tell(settings, [a_fact(2)])
        async with agent(settings, act):
            await until(lambda: all_committed(settings), "the commit")
        follower = Follower(settings.kafka_bootstrap, settings.named(REJECTED.name))
        await follower.start()
        letters = await follower.read(wait_ms=5_000)
        while len(letters) < len(bad):
            letters += await follower.read(wait_ms=5_000)
        await follower.stop()
        await publisher.close()
        return {letter.key: (letter.value, dict(letter.headers)) for letter in letters}

    letters = asyncio.run(journey())
    assert sorted(act.seen) == [name(a_fact(1)), name(a_fact(2))]
    assert {key: value for key, (value, _) in letters.items()} == bad
    assert {headers["error-stage"] for _, headers in letters.values()} == {b"routing"}
    assert letters[b"b"][1]["error-reason"] == b"null_value"


def test_when_a_second_worker_comes_and_goes_every_fact_is_handled(settings: Settings) -> None:
    first, second = Noted(), Noted()
    told = facts(cases=40, each=6)

    async def journey() -> None:
        async with agent(settings, first) as app:
            await tell(settings, told[:80])
            await until(lambda: len(first.seen) >= 80, "the first third")
            async with agent(settings, second) as other:
                await until(lambda: bool(other.working and len(app.consumer.assignment()) == 4), "half of the partitions to move")
                await tell(settings, told[80:160])
                await until(lambda: len({*first.seen, *second.seen}) >= 160, "the second third")
            await tell(settings, told[160:])
            await until(lambda: len({*first.seen, *second.seen}) >= 240, "the last third")
            await until(lambda: all_committed(settings), "the commit")

    asyncio.run(journey())
    assert second.seen
    assert {*first.seen, *second.seen} == set(map(name, told))


class Process:
    """An agent in a process of its own."""

    def __init__(self, settings: Settings, notes: Path, then: str) -> None:
        command = [sys.executable, "-m", "tests.streams.agent_process", str(notes), then]
        self.notes = notes
        self.process = subprocess.Popen(
            command, env={**os.environ, **environment(settings), "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
        )

    def noted(self) -> list[str]:
        """The facts it was given so far."""
        return self.notes.read_text("utf-8").splitlines() if self.notes.exists() else []

    def kill(self) -> None:
        """As kill -9 does."""
        self.process.kill()
        self.process.communicate()


def test_a_killed_agent_s_facts_come_again_to_its_successor(settings: Settings, tmp_path: Path) -> None:
    told = facts(cases=8, each=2)
    asyncio.run(tell(settings, told))
    first = Process(settings, tmp_path / "first", "hang")
    wait_until(first.noted, "the first to have facts in hand")
    first.kill()
    assert asyncio.run(committed(settings)) == 0
    second = Process(settings, tmp_path / "second", "work")
    wait_until(lambda: len(set(second.noted())) == len(told), "every fact again")
    second.kill()


def test_a_bug_ends_the_process_with_70_and_commits_nothing(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(tell(settings, facts(cases=8, each=2)))
    process = Process(settings, tmp_path / "notes", "bug")
    _, errors = process.process.communicate(timeout=30)
    assert process.process.returncode == 70
    assert b"ZeroDivisionError" in errors
    assert asyncio.run(committed(settings)) == 0
