"""What the local stack remembers in `<local_dir>/stack/state.json`: ports chosen once, and the addresses while it is up.

`config/settings.py` reads the addresses of this file, so that a later shell finds the stack without setting anything. It is forgotten
when a person removes the folder; `down` only clears the addresses.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from incidents.errors import UserError


class Mode(StrEnum):
    """How the engines run."""

    NATIVE = "native"
    DOCKER = "docker"


@dataclass(frozen=True)
class State:
    """The content of state.json. `addresses` is empty while the stack is down; its keys are names of settings."""

    mode: Mode = Mode.NATIVE
    ports: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    socket: str = ""


@dataclass(frozen=True)
class ProcessStatus:
    """One process of the stack. `uptime_s` and `pid` are None while it does not run."""

    name: str
    state: str
    running: bool
    pid: int | None
    uptime_s: int | None
    address: str | None
    log: str


@dataclass(frozen=True)
class StackStatus:
    """The stack as it is now; `already` says that `up` found it running."""

    mode: Mode
    up: bool
    addresses: dict[str, str]
    processes: list[ProcessStatus]
    already: bool = False

    def found_running(self) -> "StackStatus":
        """The same, as `up` reports it when it had nothing to start."""
        return replace(self, already=True)


class StateFile:
    """The folder of one local stack: its state, and the lock that keeps two `up` or `down` apart."""

    def __init__(self, local_dir: Path) -> None:
        self.folder = local_dir.resolve() / "stack"
        self._path = self.folder / "state.json"

    def load(self) -> State:
        """What is remembered, or a first state. Raises UserError when the file cannot be read."""
        try:
            known = json.loads(self._path.read_text("utf-8"))
            return State(**{**known, "mode": Mode(known["mode"])})
        except FileNotFoundError:
            return State()
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{self._path} is damaged; remove it, then run `cityloop down`") from None

    def save(self, state: State) -> None:
        """Replaces the file in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(asdict(state), indent=2) + "\n", "utf-8")
        new.replace(self._path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One `up` or `down` at a time; the lock ends with the process that holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
