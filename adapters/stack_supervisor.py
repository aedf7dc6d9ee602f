"""supervisord for the native stack: its configuration, starting it, asking it, ending it.

supervisord restarts an engine that dies, keeps its log short, and is asked over a socket that only this user may use.
"""

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from adapters.stack_processes import Mark, end, running
from incidents.errors import UserError

LONGEST_SOCKET_PATH = 90  # the kernel takes 108 bytes, and supervisord appends its pid while it binds
ANSWERS_WITHIN_S = 15.0
ENDS_WITHIN_S = 40.0


@dataclass(frozen=True)
class Program:
    """A process that supervisord keeps alive."""

    name: str
    command: list[str]


class Supervisor:
    """The supervisord of one stack folder. `socket` is what state.json remembers, or empty for a new one."""

    def __init__(self, folder: Path, socket: str = "") -> None:
        self.folder = folder
        self.socket = Path(socket) if socket else _socket_path(folder)
        self._config = folder / "supervisord.conf"
        self._mark = Mark("supervisor.supervisord", self._config)

    def log_of(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.folder / "logs" / f"{name}.log"

    def start(self, programs: list[Program]) -> None:
        """Starts supervisord with these programs and returns when it answers. Raises UserError when it does not."""
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        self._config.write_text(self._configuration(programs), "utf-8")
        self.socket.unlink(missing_ok=True)  # whoever calls has made sure that nobody answers there
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, start_new_session=True)
        if done.returncode:
            raise UserError(f"supervisord does not start: {(done.stderr or done.stdout).strip()[-400:]}")
        deadline = time.monotonic() + ANSWERS_WITHIN_S
        while self.processes() is None:
            if time.monotonic() > deadline:
                raise UserError(f"supervisord does not answer after {ANSWERS_WITHIN_S:.0f} s; see {self.folder}/logs/supervisord.log")
            time.sleep(0.05)

    def processes(self) -> dict[str, dict[str, Any]] | None:
        """What supervisord says of each program (`statename pid start now`), or None when nobody answers."""
        answer = self._ask("getAllProcessInfo")
        return None if answer is None else {info["name"]: info for info in answer}

    def revive(self, name: str) -> None:
        """Starts a program that supervisord has given up."""
        self._ask("startProcess", name, False)

    def stop(self) -> bool:
        """Ends supervisord and with it its programs; whether there was one."""
        there = bool(running(self._mark))
        if self._ask("shutdown") is not None:
            deadline = time.monotonic() + ENDS_WITHIN_S
            while running(self._mark) and time.monotonic() < deadline:
                time.sleep(0.05)
        end(self._mark)
        self.socket.unlink(missing_ok=True)
        return there

    def _ask(self, method: str, *arguments: object) -> Any:
        """The answer; None when nobody answers, or when the answer is a refusal (a shutdown that has begun)."""
        transport = SupervisorTransport(serverurl=f"unix://{self.socket}")
        try:
            return getattr(ServerProxy("http://localhost", transport=transport).supervisor, method)(*arguments)
        except (OSError, HTTPException, Fault):
            return None
        finally:
            transport.close()

    def _configuration(self, programs: list[Program]) -> str:
        sections: list[tuple[str, dict[str, object]]] = [
            ("unix_http_server", {"file": _escaped(self.socket), "chmod": "0700"}),
            ("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"}),
            ("supervisord", self._own_section()),
            *((f"program:{program.name}", self._program_section(program)) for program in programs),
        ]
        lines = [line for name, values in sections for line in (f"[{name}]", *(f"{key}={value}" for key, value in values.items()), "")]
        return "\n".join(lines)

    def _own_section(self) -> dict[str, object]:
        section: dict[str, object] = {
            "logfile": _escaped(self.log_of("supervisord")),
            "logfile_maxbytes": "1MB",
            "logfile_backups": 1,
            "pidfile": _escaped(self.folder / "supervisord.pid"),
            "directory": _escaped(self.folder),
        }
        return section | {"user": "root"} if os.geteuid() == 0 else section  # otherwise it warns about running as root

    def _program_section(self, program: Program) -> dict[str, object]:
        return {
            "command": _escaped(shlex.join(program.command)),
            "autorestart": "true",
            "startsecs": 1,
            "stopwaitsecs": 30,
            "redirect_stderr": "true",
            "stdout_logfile": f"logs/{program.name}.log",  # below the folder we start it in: it expands this one twice
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": 3,
        }


def _socket_path(folder: Path) -> Path:
    path = folder / "supervisor.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"cityloop-{os.getuid()}-{digest}.sock"


def _escaped(value: object) -> str:
    """supervisord expands `%(…)s` in values."""
    return str(value).replace("%", "%%")
