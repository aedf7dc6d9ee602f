"""The ground that all engines run on: a Kafka and a Redis of our own on free ports below .local/bench, filled topics, a clean start.

Every run has topics of its own, and ours a namespace; afterwards they are deleted and Redis is emptied.
"""

import fcntl
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from redis import Redis
from rich.console import Console

from adapters import stack, topics
from adapters.stack_state import Mode
from config.settings import ROOT, Settings, load_settings
from config.topics import REPORTED

FOLDER = ROOT / ".local" / "bench"
GONE_WITHIN_S = 30.0
say = Console(stderr=True, soft_wrap=True, highlight=False).print


@dataclass(frozen=True)
class Ground:
    """The servers of one run; `processes` names their pids."""

    settings: Settings
    processes: dict[str, int]
    logs: Path

    @property
    def bootstrap(self) -> str:
        """Where Kafka listens."""
        return self.settings.kafka_bootstrap

    def of(self, namespace: str, partitions: int = REPORTED.partitions) -> Settings:
        """The settings of ours in a namespace, with its topics made; `incidents.reported` with so many partitions."""
        settings = self.settings.model_copy(update={"namespace": f"{namespace}."})
        topics.apply(settings)
        if partitions != REPORTED.partitions:
            reported = settings.named(REPORTED.name)
            with self._admin() as admin:
                _delete(admin, {reported})
            self.make(reported, partitions)
        return settings

    def make(self, topic: str, partitions: int) -> None:
        """Create a topic whose records carry the time at which they were appended."""
        with self._admin() as admin:
            config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(4 << 20)}
            admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": config}})
            admin.wait_for_topics([topic], timeout_ms=30_000)

    def clean(self, marked: str) -> None:
        """Delete every topic whose name holds this word, an engine's own ones too, and empty Redis."""
        with self._admin() as admin:
            _delete(admin, {name for name in admin.list_topics() if marked in name})
        with Redis.from_url(self.settings.redis_url) as redis:
            redis.flushall()

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=5_000)
        try:
            yield admin
        finally:
            admin.close()


def _delete(admin: Any, names: set[str]) -> None:
    if names:
        admin.delete_topics(list(names))
    _wait("topics to go", lambda: not names & set(admin.list_topics()))


def _wait(what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {GONE_WITHIN_S:.0f} s for {what}; look at the broker's log below {FOLDER}")
        time.sleep(0.05)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While this lasts nobody else measures in this folder: whoever begins empties it. Raises SystemExit when somebody does already."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another benchmark runs in {folder}: wait for its end, or end it; nothing was begun") from None
        yield


@contextmanager
def ground() -> Iterator[Ground]:
    """Servers on empty data; stopped in the end, also by SIGTERM, which would leave them running."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    base = load_settings().model_copy(update={"local_dir": FOLDER, "city": "qingdao", "clock": "real", "namespace": ""})
    with alone(FOLDER):
        stack.down(base)
        for old in ("stack/kafka", "stack/redis", "database"):  # the tables too: those of another commit may have another schema
            shutil.rmtree(FOLDER / old, ignore_errors=True)
        up = stack.up(base, Mode.NATIVE, say)
        logs = FOLDER / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        try:
            pids = {each.name: each.pid for each in up.processes if each.pid is not None}
            yield Ground(base.model_copy(update=up.addresses), pids, logs)
        finally:
            stack.down(base)
