"""Runs one engine of the native stack as a child of pytest, for conftest.py: it can be killed and started again on the same data."""

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path

from adapters.stack_engines import KafkaEngine, RedisEngine
from adapters.stack_postgres import PostgresEngine


class Server:
    """A real Kafka, Redis or PostgreSQL. `log` is where it writes; it goes away when pytest itself is killed (Linux)."""

    def __init__(self, engine: KafkaEngine | RedisEngine | PostgresEngine, log: Path) -> None:
        self._engine = engine
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Kafka's bootstrap address, or the URL of Redis or PostgreSQL."""
        return self._engine.address

    @property
    def port(self) -> int:
        """The port it listens on at 127.0.0.1."""
        return self._engine.port

    def start(self) -> None:
        """Starts it on the data that is there, and returns when it answers."""
        self._engine.prepare()
        with self._log.open("ab") as log:
            command = [*die_with_us(), *self._engine.command()]
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self._process = process
        self._engine.wait_until_ready(lambda: process.poll() is None)

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """Ends it and returns when it has ended; with SIGKILL as a power cut would."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(with_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()

    def kill(self) -> None:
        """Ends it as kill -9 does."""
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        """Stops it in order and starts it again: same port, same data."""
        self.stop()
        self.start()


def die_with_us() -> list[str]:
    """A killed pytest runs no finalizer, so that the kernel must end its servers; our own session keeps Ctrl-C away from them."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
