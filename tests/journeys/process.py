"""A real `cityloop worker` as a child of the test, for the journeys: started, watched through its own /readyz, killed or stopped by pid."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from adapters.stack_engines import free_ports
from config.settings import ROOT, Settings
from streams.topology import WORKER
from tests.conftest import environment
from tests.servers import die_with_us
from tests.stack.commands import bare_environment, cityloop
from tests.waiting import until

TAIL = 6000


class Worker:
    """One worker in a test's namespace; with `--only` it is one process, otherwise a parent with three children."""

    def __init__(self, settings: Settings, words: tuple[str, ...], variables: dict[str, object], log: Path) -> None:
        self.log = log
        self._ports = free_ports(1 if "--only" in words else len(WORKER))
        self._words = [*die_with_us(), sys.executable, "-m", "cli", "worker", *words]
        chosen = environment(settings) | {"CITYLOOP_METRICS_PORT": self._ports[0]} | variables
        self._environment = bare_environment(**chosen)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready: bool = True) -> "Worker":
        """Start it (again); with `ready` returns when every process of it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._words, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True)
        if ready:
            self.until_ready()
        return self

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        assert self._process is not None, "the worker was not started"
        return self._process.pid

    def child(self, role: str) -> int:
        """Pid of the process that runs this role now; waits for it to be there."""
        return until(lambda: next((pid for pid in self._children() if role in _words(pid)), 0), f"a process that runs {role}")

    def _children(self) -> list[int]:
        if "--only" in self._words:
            return [self.pid]
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def until_ready(self, within_s: float = 40.0) -> None:
        """Wait for /readyz of all its processes; fails the test with the end of its log."""
        until(lambda: self.ended() is not None or all(map(self.ready, range(len(self._ports)))), f"a ready worker\n{self.tail()}", within_s)
        assert self.ended() is None, f"the worker ended with {self.ended()}:\n{self.tail()}"

    def ready(self, process: int = 0) -> bool:
        """Whether /readyz of its process of this number says so."""
        status, _ = self._ask(process, "/readyz")
        return status == 200

    def roles(self) -> dict[str, bool]:
        """Which role is working, over all its processes that answer."""
        answers = [body for status, body in (self._ask(at, "/readyz") for at in range(len(self._ports))) if status]
        return {role: working for body in answers for role, working in json.loads(body)["roles"].items()}

    def metric(self, name: str, **labels: str) -> float:
        """The sum over its processes of a metric's samples with these labels; 0 when there is none."""
        pages = [self._ask(at, "/metrics")[1].decode() for at in range(len(self._ports))]
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = [line for page in pages for line in page.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in lines if all(each in line for each in wanted))

    def partitions(self, topic: str = "incidents.reported") -> set[int]:
        """The partitions of a topic that its roles read now, by the lag that they show."""
        pages = [self._ask(at, "/metrics")[1].decode() for at in range(len(self._ports))]
        lines = [line for page in pages for line in page.splitlines() if line.startswith("cityloop_consumer_lag_records{")]
        return {int(line.split('partition="')[1].split('"')[0]) for line in lines if f'topic="{topic}"' in line}

    def freeze(self) -> None:
        """SIGSTOP: it does nothing until `wake`, and holds all that it has in hand."""
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def ended(self) -> int | None:
        """The exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    def kill(self, pid: int | None = None) -> None:
        """kill -9 of the started process, or of one of its children."""
        os.kill(self.pid if pid is None else pid, signal.SIGKILL)
        if pid is None and self._process is not None:
            self._process.wait()

    def stop(self, within_s: float = 60.0) -> int | None:
        """SIGTERM, and SIGKILL when that does not help in time; the exit code, None when it was not running."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.terminate()
        process.send_signal(signal.SIGCONT)  # it may be asleep
        try:
            return process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the worker did not stop within {within_s:g} s of SIGTERM:\n{self.tail()}") from None

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-TAIL:] if self.log.exists() else ""

    def _ask(self, process: int, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[process]}{path}", timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""


def ask(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    """Runs `cityloop <words>` to its end in the namespace of `settings`."""
    variables: dict[str, Any] = dict(environment(settings))
    return cityloop(*words, **variables)


def _words(pid: int) -> list[str]:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:  # it ended between two looks
        return []
    return line[line.index("--only") + 1].split(",") if "--only" in line else []
