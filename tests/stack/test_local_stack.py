"""`cityloop up|down|status` natively, with real engines, in a folder whose path is long and has blanks and a percent sign."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from adapters.stack_processes import Mark, running
from tests.stack.commands import LAUNCHER, answer_of, bare_environment, cityloop
from tests.waiting import until

pytestmark = pytest.mark.stack


@dataclass(frozen=True)
class LocalStack:
    """A local stack in a folder of its own."""

    folder: Path

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return cityloop(*words, CITYLOOP_LOCAL_DIR=self.folder)

    def pids(self) -> dict[str, int]:
        return {process["name"]: process["pid"] for process in self.status()["processes"]}

    def status(self) -> Any:
        return json.loads(self.run("status", "--json").stdout)

    def left_behind(self) -> list[int]:
        stack = self.folder / "stack"
        marks = [Mark("supervisor.supervisord", stack / "supervisord.conf"), Mark("kafka.Kafka", stack / "kafka" / "server.properties")]
        return [pid for mark in (*marks, Mark("redis-server", stack / "redis" / "redis.conf")) for pid in running(mark)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack that is up; tests leave it up."""
    made = LocalStack(tmp_path_factory.mktemp("stack") / "a folder of 100% – with a name too long for a socket" / ("x" * 80))
    answer_of(made.run("up", "--native", "--json"))
    yield made
    assert answer_of(made.run("down", "--json")) == {"stopped": True}
    assert made.left_behind() == []
    assert answer_of(made.run("down", "--json")) == {"stopped": False}


def test_up_again_says_already_up_with_the_same_addresses(stack: LocalStack) -> None:
    before = stack.status()
    again = answer_of(stack.run("up", "--json"))
    assert again["already"] and again["addresses"] == before["addresses"]
    assert "already up (native)" in stack.run("up").stdout
    assert stack.pids() == {process["name"]: process["pid"] for process in before["processes"]}


def test_status_shows_each_process_and_answers_no_when_nothing_runs(stack: LocalStack, tmp_path: Path) -> None:
    answer = answer_of(stack.run("status", "--json"))
    assert answer["up"] and {process["name"] for process in answer["processes"]} == {"kafka", "redis"}
    assert all(process["pid"] and process["address"] and Path(process["log"]).exists() for process in answer["processes"])
    nothing = cityloop("status", CITYLOOP_LOCAL_DIR=tmp_path)
    assert nothing.returncode == 1 and "stopped" in nothing.stdout


def test_a_later_shell_finds_the_stack_and_its_topics_without_any_setting(stack: LocalStack) -> None:
    assert answer_of(stack.run("topics", "check", "--json")) == {"differences": []}


def test_the_environment_wins_over_the_stack_and_up_says_so(stack: LocalStack) -> None:
    other = cityloop("topics", "check", CITYLOOP_LOCAL_DIR=stack.folder, CITYLOOP_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert other.returncode == 2 and "no Kafka listens at 127.0.0.1:1" in other.stderr
    said = cityloop("up", CITYLOOP_LOCAL_DIR=stack.folder, CITYLOOP_KAFKA_BOOTSTRAP="127.0.0.1:1").stderr
    assert "CITYLOOP_KAFKA_BOOTSTRAP=127.0.0.1:1 in the environment wins" in said


def test_an_engine_that_dies_is_started_again(stack: LocalStack) -> None:
    before = stack.pids()["redis"]
    os.kill(before, signal.SIGKILL)
    until(lambda: stack.pids()["redis"] not in (None, before), "supervisord to start Redis again")


def test_up_after_kill_9_of_the_supervisor_keeps_the_data_and_touches_no_foreign_process(stack: LocalStack) -> None:
    addresses = stack.status()["addresses"]
    with Redis.from_url(addresses["redis_url"]) as redis:
        redis.set("kept", "yes")
    engines = stack.pids().values()
    pid_file = stack.folder / "stack" / "supervisord.pid"
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"]) as foreign:
        pid_file.write_text(f"{foreign.pid}\n")
        again = stack.run("up", "--json")
        untouched = foreign.poll() is None
        foreign.kill()
    assert untouched, "a process that only had a pid of ours was killed"
    again = answer_of(again)
    assert not again["already"] and again["addresses"] == addresses
    assert not set(engines) & set(stack.left_behind())
    with Redis.from_url(addresses["redis_url"], decode_responses=True) as redis:
        assert redis.get("kept") == "yes"


def test_ctrl_c_during_up_leaves_nothing_behind_and_does_not_touch_the_stack_beside(stack: LocalStack, tmp_path: Path) -> None:
    other = LocalStack(tmp_path / "other")
    environment = bare_environment(CITYLOOP_LOCAL_DIR=other.folder)
    with subprocess.Popen([LAUNCHER, "up", "--native"], env=environment, stderr=subprocess.PIPE, text=True) as starting:
        until(lambda: len(other.left_behind()) == 3, "supervisord, Kafka and Redis to start")
        starting.send_signal(signal.SIGINT)
        said = starting.communicate(timeout=60)[1]
    assert starting.returncode == 130 and "Traceback" not in said
    assert other.left_behind() == []
    assert answer_of(stack.run("status", "--json"))["up"]


@pytest.mark.parametrize("mode", ["--docker", "--native"])
def test_asking_for_the_impossible_is_one_message(stack: LocalStack, mode: str) -> None:
    done = stack.run("up", "--docker", "--native") if mode == "--native" else cityloop("up", mode, CITYLOOP_LOCAL_DIR=stack.folder)
    assert done.returncode == 2 and done.stderr.startswith("cityloop: ") and "Traceback" not in done.stderr
