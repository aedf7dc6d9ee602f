"""Who runs: ours, the peers, and the bare consume limit. One row each; how to start one is all that differs.

A peer is a process with the variables BENCH_… (benchmarks/README.md has the protocol) that reads BENCH_IN from its beginning, writes
BENCH_OUT, and ends on SIGTERM. Ours is the product's own command line, with everything on.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from adapters.stack_engines import free_ports
from config.settings import ROOT, Settings
from config.topics import FATES
from streams.topology import WORKER

PEERS = ROOT / "benchmarks" / "peers"
PYTHON = ROOT / ".local" / "bench" / "peers-venv" / "bin" / "python"
STOP_WITHIN_S = 15.0


@dataclass(frozen=True)
class Engine:
    """One contestant. `most` bounds what a slow one gets of a topic; `rule` False: it only reads, and decides nothing."""

    name: str
    command: tuple[str, ...] = ()
    most: int | None = None
    rule: bool = True

    @property
    def ours(self) -> bool:
        """Whether it is the product."""
        return not self.command

    @property
    def threads(self) -> int:
        """Threads, or processes where the engine has no threads worth the name."""
        return int(self.name.rpartition("/")[2])


def _module(name: str) -> tuple[str, ...]:
    return (str(PYTHON), "-m", f"benchmarks.peers.{name}")


_STREAMS = (str(PEERS / "kafka_streams" / "run.sh"),)
ENGINES = (
    Engine("cityloop/1"),
    Engine("kafka-streams/1", _STREAMS),
    Engine("kafka-streams/2", _STREAMS),
    Engine("bytewax/1", _module("bytewax_engine")),
    Engine("bytewax/2", _module("bytewax_engine")),
    Engine("quix/1", _module("quix_engine"), most=150_000),
    Engine("faust/1", _module("faust_engine"), most=30_000),
    Engine("consume/1", _module("consume_engine"), rule=False),
)


@dataclass(frozen=True)
class Launch:
    """What a process is started with, and where it tells what it has done."""

    command: tuple[str, ...]
    out: str
    log: Path
    variables: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The process, in a group of its own; all of it is ended in the end."""
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"} | self.variables
        with self.log.open("wb") as out:
            process = subprocess.Popen(self.command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


TOGETHER = "trap 'kill $(jobs -p)' TERM; {0} wait; wait"
"""Bash that starts several commands and ends with them."""


def launch_ours(settings: Settings, log: Path, only: str = "intake", workers: int = 1) -> Launch:
    """The product's worker in the namespace of these settings; `only` "" runs all its roles, `workers` so many of it."""
    variables = {f"CITYLOOP_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    variables["CITYLOOP_METRICS_PORT"] = "0" if workers > 1 else str(free_ports(len(WORKER))[0])
    words = (sys.executable, "-m", "cli", "worker", *(("--only", only) if only else ()))
    command = words if workers == 1 else ("bash", "-c", TOGETHER.format(f"{shlex.join(words)} & " * workers))
    return Launch(command, settings.named(FATES.name), log, variables)


def launch_peer(engine: Engine, bootstrap: str, topic: str, mark: str, state: Path, assign: bool) -> Launch:
    """A peer over `topic`; `mark` names its group and its output."""
    variables = {
        "BENCH_BOOTSTRAP": bootstrap,
        "BENCH_IN": topic,
        "BENCH_OUT": f"{mark}.out",
        "BENCH_GROUP": mark,
        "BENCH_THREADS": str(engine.threads),
        "BENCH_ASSIGN": str(int(assign)),
        "BENCH_STATE": str(state),
        "BENCH_RADIUS_M": "50",
        "BENCH_WINDOW_S": "7200",
    }
    return Launch(engine.command, f"{mark}.out", state.with_suffix(".log"), variables)
