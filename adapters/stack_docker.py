"""The same stack with a Docker engine: the services kafka and redis of docker-compose.yml, on free ports of this machine.

`cityloop up` starts only the engines, like the native stack; `docker compose up` starts the roles too.
"""

import json
import os
import shutil
import subprocess

from adapters.stack_engines import free_port, is_free
from adapters.stack_jars import Say
from adapters.stack_state import Mode, ProcessStatus, StackStatus, State, StateFile
from config.settings import ROOT
from incidents.errors import UserError

COMPOSE_FILE = ROOT / "docker-compose.yml"
SERVICES = ("kafka", "redis")
ANSWERS_WITHIN_S = 10


def engine_answers() -> bool:
    """Whether a Docker engine with the compose plugin is there."""
    return bool(shutil.which("docker")) and all(_succeeds(["docker", *words]) for words in (["info"], ["compose", "version"]))


class DockerStack:
    """The engines of one `local_dir` as containers; the compose project is named after that folder."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def up(self, say: Say) -> StackStatus:
        """Starts the containers and returns when they are healthy. Raises UserError with what compose said."""
        if self.status().up:
            return self.status().found_running()
        state = self._file.load()
        kept = {name: port for name, port in state.ports.items() if name in SERVICES and is_free(port)}
        ports = {name: kept[name] if name in kept else free_port(kept.values()) for name in SERVICES}
        state = State(Mode.DOCKER, ports, {}, "")
        self._file.save(state)
        try:
            say("starting the containers of Kafka and Redis …")
            self._compose(state, "up", "--detach", "--wait", *SERVICES)
        except BaseException:  # also Ctrl-C: nothing may stay behind
            self.down()
            raise
        addresses = {"kafka_bootstrap": f"127.0.0.1:{ports['kafka']}", "redis_url": f"redis://127.0.0.1:{ports['redis']}/0"}
        self._file.save(State(Mode.DOCKER, ports, addresses, ""))
        return self.status()

    def down(self) -> bool:
        """Stops and removes the containers, keeps their volumes; whether anything ran."""
        state = self._file.load()
        ran = any(process.running for process in self.status().processes)
        self._compose(state, "down")
        self._file.save(State(state.mode, state.ports, {}, ""))
        return ran

    def status(self) -> StackStatus:
        """What compose says of the two services."""
        state = self._file.load()
        if not state.addresses:
            return StackStatus(Mode.DOCKER, False, {}, [_status(name, {}, None) for name in SERVICES])
        listed = self._compose(state, "ps", "--all", "--format", "json")
        known = {row["Service"]: row for row in _rows(listed)}
        addresses = dict(zip(SERVICES, (state.addresses["kafka_bootstrap"], state.addresses["redis_url"]), strict=True))
        processes = [_status(name, known.get(name, {}), addresses[name]) for name in SERVICES]
        return StackStatus(Mode.DOCKER, all(process.running for process in processes), state.addresses, processes)

    def _compose(self, state: State, *words: str) -> str:
        published = {f"CITYLOOP_PUBLISHED_{name.upper()}": str(port) for name, port in state.ports.items()}
        project = f"cityloop-{self._file.folder.parent.parent.name}".lower()
        command = ["docker", "compose", "--project-name", project, "--file", str(COMPOSE_FILE), *words]
        if not shutil.which("docker"):
            raise UserError("there is no docker command; `cityloop up --native` needs none")
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | published)
        if done.returncode:
            raise UserError(f"docker compose {words[0]} failed: {done.stderr.strip()[-600:]}; `cityloop up --native` needs no Docker")
        return done.stdout


def _rows(listed: str) -> list[dict[str, str]]:
    """Older versions of compose print one array, newer ones an object per line."""
    rows: list[dict[str, str]] = json.loads(listed) if listed.startswith("[") else [json.loads(line) for line in listed.splitlines()]
    return rows


def _status(name: str, row: dict[str, str], address: str | None) -> ProcessStatus:
    state = row.get("State", "stopped").upper()
    return ProcessStatus(name, state, state == "RUNNING", None, None, address, f"docker compose logs {name}")


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=ANSWERS_WITHIN_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
