"""The child processes of a demo: started with one environment, watched, ended by the one that started them, each with a log of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import ROOT, Settings
from incidents.errors import CityloopError

ENDS_WITHIN_S = 8.0
TAIL_LINES = 15
_START = "import sys; sys.path[:0] = sys.argv[1:2]; del sys.argv[1]; from cli.main import main; main()"


class Fallen(CityloopError):
    """A child ended that should still be running; the message carries the end of its log."""


@dataclass(frozen=True)
class _Player:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Players:
    """The children of one demo. `end_all` ends whatever still runs; a killed demo takes them along (Linux)."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        self._environment = os.environ | environment(settings)
        self._logs = logs
        self._players: dict[str, _Player] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        """Start `cityloop <arguments>` as `name`, out of reach of Ctrl-C, with its output in its log."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*_dies_with_us(), *command(arguments)],
                env=self._environment | dict(more or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._players[name] = _Player(name, process, log)

    def pid(self, name: str) -> int:
        """Of a child that was started."""
        return self._players[name].process.pid

    def ask(self, arguments: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run one `cityloop` command to its end with the same environment; its output and exit code."""
        return subprocess.run(
            command(arguments),
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raises Fallen when a child has ended by itself."""
        for player in self._players.values():
            code = player.process.poll()
            if code is not None:
                raise Fallen(f"{player.name} ended with exit code {code}; the end of {player.log}:\n{tail(player.log)}")

    def end(self, name: str) -> None:
        """End one child in order, by force after eight seconds; nothing when it was never started."""
        player = self._players.pop(name, None)
        if player is not None:
            self._end([player])

    def end_all(self) -> None:
        """End all that still run, all at once."""
        players, self._players = list(self._players.values()), {}
        self._end(players)

    def _end(self, players: Sequence[_Player]) -> None:
        for player in players:
            if player.process.poll() is None:
                player.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + ENDS_WITHIN_S
        for player in players:
            try:
                player.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                player.process.kill()
                player.process.wait()


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a child these settings."""
    return {f"CITYLOOP_{name.upper()}": str(value) for name, value in settings.model_dump(mode="json", exclude_none=True).items()}


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of this very installation, whatever the folder and the path are."""
    return [sys.executable, "-P", "-c", _START, str(ROOT), *arguments]


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text("utf-8", errors="replace").splitlines()[-TAIL_LINES:] if log.exists() else []
    return "\n".join(f"  {line}" for line in lines) or "  (it is empty)"


def _dies_with_us() -> list[str]:
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
