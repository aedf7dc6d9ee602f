"""Reads docker-compose.yml and runs its services natively: the same commands, environments and health checks, on this machine's ports.

There is no Docker engine in every place where tests run; what stays untested then is the images themselves and the network between them.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adapters.stack_engines import free_port, free_ports
from config.settings import ROOT
from tests.servers import die_with_us
from tests.stack.commands import bare_environment

FILE = ROOT / "docker-compose.yml"
JVM = ["java", "-XX:+UseSerialGC"]
FOLDERS = {"/var/lib/kafka/data": "kafka-data", "/data/secrets": "secrets"}
PYTHON = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}  # as in the Dockerfile


def services() -> dict[str, Any]:
    """The services, with `${NAME:-default}` replaced by its default."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", FILE.read_text("utf-8"))
    loaded: dict[str, Any] = yaml.safe_load(text)["services"]
    return loaded


@dataclass(frozen=True)
class Native:
    """Translates what a container sees into what this machine has: host names, ports, folders, programs."""

    folder: Path
    jars: Path
    ports: dict[str, str]

    def start(self, name: str, service: dict[str, Any]) -> "subprocess.Popen[bytes]":
        """Starts the service's command with its environment; its output goes to a file in the folder."""
        environment = {key: self.text(str(value)) for key, value in service.get("environment", {}).items()}
        command = self._kafka(environment) if name == "kafka" else self._command(service)
        variables = bare_environment(**environment, **PYTHON, CITYLOOP_LOCAL_DIR=self.folder / "local")
        with self.log(name).open("wb") as log:
            return subprocess.Popen([*die_with_us(), *command], env=variables, stdout=log, stderr=log, cwd=self.folder)

    def is_healthy(self, service: dict[str, Any]) -> bool:
        """Runs the service's own health check once."""
        kind, *words = service["healthcheck"]["test"]
        assert kind == "CMD"
        command = [sys.executable if word == "python" else self.text(word) for word in words]
        return subprocess.run(command, env=bare_environment(**PYTHON), capture_output=True, timeout=30, check=False).returncode == 0

    def log(self, name: str) -> Path:
        """Where a service's output went."""
        return self.folder / f"{name}.log"

    def text(self, value: str) -> str:
        """One word of a command, or one value of an environment, as it is here."""
        for there, here in FOLDERS.items():
            value = value.replace(there, str(self.folder / here))
        value = value.replace("://:", "://127.0.0.1:").replace("0.0.0.0", "127.0.0.1")
        value = re.sub(r"(?<![\w-])(kafka|redis)(?=[:/]\d|$)", "127.0.0.1", value)
        return re.sub(r"\b\d{4,5}\b", lambda found: self.ports.get(found[0], found[0]), value)

    def _command(self, service: dict[str, Any]) -> list[str]:
        words = [self.text(word) for word in service["command"]]
        return [sys.executable, "-m", "cli", *words] if "build" in service else words

    def _kafka(self, environment: dict[str, str]) -> list[str]:
        """As the official image does: `KAFKA_A_B` is the property `a.b`, the storage is formatted with CLUSTER_ID at first."""
        names = {key: key.removeprefix("KAFKA_").lower().replace("_", ".") for key in environment if key.startswith("KAFKA_")}
        properties = self.folder / "kafka.properties"
        properties.write_text("".join(f"{name}={environment[key]}\n" for key, name in names.items() if name != "heap.opts"), "utf-8")
        java = [*JVM, environment["KAFKA_HEAP_OPTS"], "-cp", f"{self.jars}/*"]
        tool = [*java, "kafka.tools.StorageTool", "format", "-t", environment["CLUSTER_ID"], "-c", str(properties)]
        subprocess.run(tool, check=True, capture_output=True)
        return [*java, "kafka.Kafka", str(properties)]


def native_ports() -> dict[str, str]:
    """A free port for each that the file names; the worker's stay in a row."""
    chosen = dict(zip(("9100", "9101", "9102"), free_ports(3), strict=True))
    for there in ("19092", "9092", "29093", "6379", "8080"):
        chosen[there] = free_port(chosen.values())
    return {there: str(here) for there, here in chosen.items()}
