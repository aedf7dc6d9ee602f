"""`cityloop worker` over real servers: ready and healthy, back after a kill, quick to stop, and clear on what a person must put right."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.stack_engines import free_port, free_ports
from config.settings import ROOT, Settings
from streams.topology import WORKER
from streams.worker import GIVES_WAY, SHOWING_GIVES_WAY
from tests.conftest import environment
from tests.servers import Server
from tests.waiting import until

pytestmark = pytest.mark.stack


class Worker:
    """`cityloop worker` as a person starts it."""

    def __init__(self, settings: Settings, log: Path, *arguments: str, **variables: str) -> None:
        self.settings = settings
        self._log = log
        known = {**os.environ, **environment(settings), "PYTHONPATH": str(ROOT), **variables}
        with log.open("wb") as stderr:
            self.process = subprocess.Popen([sys.executable, "-m", "cli", "worker", *arguments], env=known, stderr=stderr)

    def log(self) -> str:
        """What it said."""
        return self._log.read_text("utf-8")

    def ask(self, path: str, above: int = 0) -> tuple[int, dict[str, Any]]:
        """Status and body of a path of the process `above` the first port; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.metrics_port + above}{path}", timeout=2) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except (OSError, ValueError):
            return 0, {}

    def ready(self, above: int = 0) -> bool:
        """Whether that process's roles all work."""
        return self.ask("/readyz", above)[0] == 200

    def wait_until_ready(self, processes: int = len(WORKER)) -> None:
        """Return when all its processes are ready."""
        until(lambda: all(self.ready(above) for above in range(processes)), "its processes to be ready")

    def children(self) -> list[int]:
        """Pids of its processes."""
        return [int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("utf-8").split()]

    def stop(self) -> tuple[int, float]:
        """SIGTERM; exit code and seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60), time.monotonic() - began


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts workers that end with the test."""
    started: list[Worker] = []

    def begin(settings: Settings, *arguments: str, **variables: str) -> Worker:
        started.append(Worker(settings, tmp_path / f"worker-{len(started)}.log", *arguments, **variables))
        return started[-1]

    yield begin
    for worker in started:
        worker.process.kill()
        worker.process.wait()


@pytest.fixture
def on_ports(settings: Settings) -> Settings:
    """Settings with free ports for metrics, one behind the other."""
    return settings.model_copy(update={"metrics_port": free_ports(len(WORKER))[0]})


def test_the_whole_path_is_three_processes_that_come_back_and_go_quickly(on_ports: Settings, start: Start) -> None:
    worker = start(on_ports)
    worker.wait_until_ready()
    assert list(worker.ask("/readyz")[1]["roles"]) == ["intake"]
    assert list(worker.ask("/readyz", 1)[1]["roles"]) == ["closure", "routing", "clock"]
    assert list(worker.ask("/readyz", 2)[1]["roles"]) == ["projection", "evaluation", "positions"]
    before = worker.children()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = [min(19, ours + each) for each in (GIVES_WAY, GIVES_WAY, SHOWING_GIVES_WAY)]
    assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in before] == wanted, "first goes what all wait for, last what only shows"
    os.kill(before[1], signal.SIGKILL)
    until(lambda: not worker.ready(1), "the killed process to be gone")
    worker.wait_until_ready()
    assert {before[0], before[2]} < set(worker.children())
    assert "starting it again" in worker.log()
    code, seconds = worker.stop()
    assert (code, seconds < 30) == (0, True), "a second and a half on a quiet machine; what hangs takes the supervisor's minute"
    assert "Unclosed" not in worker.log()


def test_a_killed_parent_s_processes_are_gone_soon(on_ports: Settings, start: Start) -> None:
    worker = start(on_ports)
    worker.wait_until_ready()
    children = worker.children()
    worker.process.kill()
    worker.process.wait()
    until(lambda: not any(map(alive, children)), "the end of the processes")


def test_a_redis_that_is_away_closes_readiness_and_not_health_and_does_not_delay_the_stop(
    on_ports: Settings, redis_own: Server, start: Start
) -> None:
    settings = on_ports.model_copy(update={"redis_url": redis_own.address})
    worker = start(settings, "--only", "closure,routing,clock,projection")
    worker.wait_until_ready(1)
    redis_own.kill()
    until(lambda: not worker.ready(), "readiness to close")
    assert "clock" in worker.ask("/readyz")[1]["waiting_for"]
    assert worker.ask("/healthz")[0] == 200
    code, seconds = worker.stop()
    assert (code, seconds < 30) == (0, True), "a second and a half on a quiet machine; what hangs takes the supervisor's minute"


def test_a_worker_without_a_broker_waits_unready_and_stops_quickly(on_ports: Settings, start: Start) -> None:
    worker = start(on_ports.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{free_port()}"}), "--only", "routing")
    until(lambda: worker.ask("/readyz")[0] == 503, "an answer")
    assert worker.ask("/healthz")[0] == 200
    code, seconds = worker.stop()
    assert (code, seconds < 30) == (0, True), "a second and a half on a quiet machine; what hangs takes the supervisor's minute"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"CITYLOOP_CLOCK": "fast"}, "CITYLOOP_CLOCK='fast' is no clock"),
        ({"CITYLOOP_CITY": "atlantis"}, "atlantis"),
        ({"CITYLOOP_METRICS_PORT": "many"}, "CITYLOOP_METRICS_PORT='many'"),
        (
            {"CITYLOOP_METRICS_PORT": "65534"},
            "CITYLOOP_METRICS_PORT=65534: the worker takes the 2 ports above it too; give one up to 65533",
        ),
    ],
)
def test_a_wrong_setting_is_one_message_and_exit_code_2(settings: Settings, start: Start, variables: dict[str, str], message: str) -> None:
    worker = start(settings, **variables)
    assert worker.process.wait(60) == 2
    assert message in worker.log()
    assert worker.log().count("cityloop:") == 1
    assert "Traceback" not in worker.log()


def test_a_port_that_is_taken_is_one_message_and_exit_code_2_without_a_second_try(on_ports: Settings, start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", on_ports.metrics_port))
        taken.listen()
        worker = start(on_ports)
        assert worker.process.wait(60) == 2
    assert worker.log().count("cityloop:") == 1
    assert f"CITYLOOP_METRICS_PORT={on_ports.metrics_port}: cannot listen" in worker.log()


def test_a_second_role_s_name_that_is_none_is_told_at_once(settings: Settings, start: Start) -> None:
    worker = start(settings, "--only", "intake,closer")
    assert worker.process.wait(60) == 2
    assert "no role 'closer'" in worker.log()
