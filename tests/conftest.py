"""Real servers for promises: one Kafka and one Redis for the whole run, on free ports, each test in a namespace of its own.

They need no `cityloop up`, touch no stack that runs beside, and end with pytest. A test that breaks Redis takes `redis_own`.
"""

import gc
import shutil
import signal
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from adapters import topics
from adapters.secrets import init_secrets
from adapters.stack_engines import KafkaEngine, RedisEngine, free_port
from adapters.stack_jars import ensure_jars, ensure_tools
from config.settings import Settings
from tests.outcome import Outcome
from tests.servers import Server

# A law says nothing about speed: on a busy machine an example may take any time.
hypothesis_settings.register_profile("any load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any load")

pytest_plugins = ("tests.databases",)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--outcome FOLDER`: see tests/outcome.py."""
    parser.addoption("--outcome", type=Path, metavar="FOLDER", help="write what the run came to there, as <date>-<commit>.json")


def pytest_configure(config: pytest.Config) -> None:
    """The outcome is written by the process that hands out the tests, not by those it hands them to.

    A run in a shell's background begins with Ctrl-C ignored, and so would everything that its tests start, to interrupt it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = config.getoption("outcome")
    if folder is not None and not hasattr(config, "workerinput"):
        processes = config.getoption("numprocesses", None) or 1
        config.pluginmanager.register(Outcome(folder, config.invocation_params.args, processes))


def _say(message: str) -> None:
    print(message, file=sys.__stderr__)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Where this run's servers keep their data; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cityloop-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _broker(folder: Path) -> Iterator[Server]:
    ensure_tools(_say)
    port = free_port()
    return _running(Server(KafkaEngine(ensure_jars(_say), folder, port, free_port({port})), folder.with_suffix(".log")))


def _redis(folder: Path) -> Iterator[Server]:
    ensure_tools(_say)
    return _running(Server(RedisEngine(folder, free_port()), folder.with_suffix(".log")))


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def kafka_server(server_folder: Path) -> Iterator[Server]:
    """The run's broker, as a server; do not stop it: others use it too."""
    yield from _broker(server_folder / "kafka")


@pytest.fixture(scope="session")
def kafka(kafka_server: Server) -> str:
    """Bootstrap address of the run's real broker."""
    return kafka_server.address


@pytest.fixture(scope="session")
def redis_server(server_folder: Path) -> Iterator[str]:
    """URL of the run's real Redis. Keys carry the test's namespace; never FLUSHALL here, take `redis_own`."""
    for server in _redis(server_folder / "redis"):
        yield server.address


@pytest.fixture
def redis_own(tmp_path: Path) -> Iterator[Server]:
    """A Redis for this test alone: it may be flushed, killed and started again (`.address .kill() .stop() .start() .restart()`)."""
    yield from _redis(tmp_path / "redis-own")


@pytest.fixture
def kafka_own(tmp_path: Path) -> Iterator[Server]:
    """A broker for this test alone, as `redis_own`; name it before `new_settings`, which takes its topics away in the end."""
    yield from _broker(tmp_path / "kafka-own")
    _let_go_of_refused_sockets()


def _let_go_of_refused_sockets() -> None:
    """kafka-python leaves a socket open that a dead broker refused, in a cycle: found later, it would fail whatever test runs then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@dataclass(frozen=True)
class Place:
    """Makes settings of one test; `environment` is what a process started by the test needs to have the same."""

    folder: Path
    kafka: str
    redis: str

    def settings(self, **changes: object) -> Settings:
        """Settings in a namespace that nobody else has, city qingdao, clock real; `changes` win. No topics are made here."""
        chosen: dict[str, object] = {
            "namespace": f"t{uuid.uuid4().hex[:8]}.",
            "kafka_bootstrap": self.kafka,
            "redis_url": self.redis,
            "city": "qingdao",
            "clock": "real",
            "http_port": 0,
            "local_dir": self.folder / "local",
            "secrets_dir": self.folder / "secrets",
        }
        init_secrets(self.folder / "secrets")
        return Settings.model_validate(chosen | changes)


def environment(settings: Settings) -> dict[str, str]:
    """The `CITYLOOP_…` variables that give a child process these settings."""
    return {f"CITYLOOP_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()}


@pytest.fixture
def new_settings(kafka: str, redis_server: str, tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """`new_settings(clock="events", city="boston")`: a fresh namespace with its topics on the real servers, as often as wanted."""
    place = Place(tmp_path, kafka, redis_server)
    made: list[Settings] = []

    def make(**changes: object) -> Settings:
        settings = place.settings(**changes)
        made.append(settings)
        topics.apply(settings)
        return settings

    yield make
    for settings in made:
        topics.delete(settings)


@pytest.fixture
def settings(new_settings: Callable[..., Settings]) -> Settings:
    """Settings in a fresh namespace on the real Kafka and Redis, with all topics there, city qingdao, clock real."""
    return new_settings()
