"""The two engines of the native stack, Kafka and Redis: their configuration, their command, and when they are ready.

It stands below everything else: `adapters/stack.py` runs these engines under supervisord for a person, tests/conftest.py runs them as
children of pytest. An engine keeps everything below its own folder and listens on 127.0.0.1 only.
"""

import random
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from redis import Redis as RedisClient
from redis.exceptions import RedisError

from config.settings import ROOT
from incidents.errors import UserError

HEAP_MB = 512
MESSAGE_MAX_BYTES = 5 << 20  # the largest topic takes 4 MB, and a record has headers
READY_WITHIN_S = 60.0
LISTEN_PORTS = range(20_000, 32_000)  # below the range from which the kernel takes ports of outgoing connections
LOG4J = ROOT / "deploy" / "local" / "log4j2.properties"
REWRITING = {"auto-aof-rewrite-percentage": 300, "auto-aof-rewrite-min-size": "256mb", "rdbcompression": "no"}
"""When Redis writes its file anew. A city of 10,000 reports a second appends 5 MB a second: with the defaults, at 100 % and compressed,
that was every 45 s, each time a fork and 1.9 s of CPU over five seconds. Loading takes a second per 140 MB."""


def free_port(taken: Iterable[int] = ()) -> int:
    """A port of 127.0.0.1 that nobody listens on and that is not in `taken`."""
    while True:
        port = random.choice(LISTEN_PORTS)
        if port not in taken and is_free(port):
            return port


def free_ports(many: int) -> list[int]:
    """So many in a row, as a worker's processes take them for /metrics."""
    while True:
        first = free_port()
        if all(is_free(first + at) for at in range(many)):
            return [first + at for at in range(many)]


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(address: str) -> bool:
    """Whether something accepts connections at `host:port`. Raises ValueError when that is no address."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2.0).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class KafkaEngine:
    """One broker, which is its own controller (KRaft). `data` holds its properties, its formatted log folder and nothing of others."""

    jars: Path
    data: Path
    port: int
    controller_port: int

    @property
    def address(self) -> str:
        """What clients bootstrap from."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """The broker's process; it runs in the foreground and stops on SIGTERM."""
        return [*self._java(), "kafka.Kafka", str(self._properties)]

    def prepare(self) -> None:
        """Writes the properties and formats the log folder once. Raises UserError when formatting fails."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{key}={_escaped(value)}\n" for key, value in self._settings().items()), "utf-8")
        if (self.data / "log" / "__cluster_metadata-0").exists():  # a broker has run on it
            return
        shutil.rmtree(self.data / "log", ignore_errors=True)  # half formatted
        tool = [*self._java(), "kafka.tools.StorageTool", "format"]
        identity = uuid.uuid5(uuid.NAMESPACE_URL, str(self.data)).hex[:22]
        done = subprocess.run([*tool, "-t", identity, "-c", str(self._properties)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(
                f"Kafka cannot format {self.data}: {(done.stderr or done.stdout).strip()[-600:]}; remove that folder and try again"
            )

    def wait_until_ready(self, alive: Callable[[], bool] = lambda: True) -> None:
        """Returns when the broker answers. Raises UserError when `alive` says no, or after 60 s."""
        wait_for("Kafka", self.address, self._answers, alive)

    def _answers(self) -> bool:
        if not listens(self.address):
            return False
        try:
            KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=5_000).close()
        except (KafkaError, OSError):
            return False
        return True

    @property
    def _properties(self) -> Path:
        return self.data / "server.properties"

    def _java(self) -> list[str]:
        """The virtual machine; the locale is for folders with names that are not ASCII."""
        options = [f"-Xmx{HEAP_MB}m", "-Xms128m", "-XX:+UseSerialGC", "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={LOG4J}"]
        return ["env", "LC_ALL=C.UTF-8", "java", *options, "-cp", f"{self.jars}/*"]

    def _settings(self) -> dict[str, str | int]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.data / "log"),
            "auto.create.topics.enable": "false",
            "log.message.timestamp.type": "LogAppendTime",
            "message.max.bytes": MESSAGE_MAX_BYTES,
            "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
            "group.min.session.timeout.ms": 1_000,
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "log.segment.bytes": 128 << 20,
            "log.index.size.max.bytes": 1 << 20,  # enough for such a segment; the default of 10 MB is laid out per partition
            "log.cleaner.dedupe.buffer.size": 16 << 20,  # the default takes a quarter of our heap
        }


@dataclass(frozen=True)
class RedisEngine:
    """One Redis that has written every command to disk before it answers. `data` holds its configuration and its append-only file."""

    data: Path
    port: int

    @property
    def address(self) -> str:
        """The URL of its database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """The server's process; it runs in the foreground and stops on SIGTERM."""
        return ["redis-server", str(self.data / "redis.conf")]

    def prepare(self) -> None:
        """Writes the configuration."""
        self.data.mkdir(parents=True, exist_ok=True)
        lines = [f"port {self.port}", "bind 127.0.0.1", f'dir "{self.data}"', "daemonize no", 'save ""', "appendonly yes"]
        lines += ["appendfsync always", "aof-load-truncated yes", "maxmemory-policy noeviction", 'logfile ""']
        lines += [f"{name} {value}" for name, value in REWRITING.items()]
        lines += ["set-proc-title no"]  # its arguments are how a leftover is recognised
        (self.data / "redis.conf").write_text("\n".join(lines) + "\n", "utf-8")

    def wait_until_ready(self, alive: Callable[[], bool] = lambda: True) -> None:
        """Returns when the server answers. Raises UserError when `alive` says no, or after 60 s."""
        wait_for("Redis", self.address, self._answers, alive)

    def _answers(self) -> bool:
        try:
            with RedisClient.from_url(self.address, socket_timeout=2.0) as client:
                return bool(client.ping())
        except RedisError:
            return False


def _escaped(value: object) -> str:
    """Java reads properties as Latin-1, with backslash escapes of UTF-16."""
    text = str(value).replace("\\", "\\\\")
    return "".join(each if each.isascii() else "".join(f"\\u{unit}" for unit in _utf16(each)) for each in text)


def _utf16(character: str) -> list[str]:
    digits = character.encode("utf-16-be").hex()
    return [digits[i : i + 4] for i in range(0, len(digits), 4)]


def wait_for(name: str, address: str, answers: Callable[[], bool], alive: Callable[[], bool]) -> None:
    """Returns when an engine answers. Raises UserError when `alive` says no, or after 60 s."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not answers():
        if not alive():
            raise UserError(f"{name} ended while starting at {address}; its log says why")
        if time.monotonic() > deadline:
            raise UserError(f"{name} does not answer at {address} after {READY_WITHIN_S:.0f} s; its log says why")
        time.sleep(0.05)
