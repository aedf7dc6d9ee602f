"""A private PostgreSQL from Debian's package, for tests and benchmarks: one cluster on a Unix socket, its data below one folder.

PostgreSQL refuses to run as root, so that root runs it as the user `postgres` that the package made. Nothing is kept safe from a power
cut here (no fsync): a stack's own PostgreSQL is somebody else's, named by CITYLOOP_DATABASE_URL.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from adapters.stack_engines import wait_for
from incidents.errors import UserError

PACKAGED = Path("/usr/lib/postgresql")
USER = "postgres"
FAST: Mapping[str, str | int] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "max_connections": 100,
    "shared_buffers": "128MB",
}


@dataclass(frozen=True)
class PostgresEngine:
    """One cluster. `data` must be reachable for the user `postgres`; its path is short, for a socket's is at most 107 bytes long."""

    data: Path
    settings: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The URL of the cluster's database `postgres`."""
        return self.url("postgres")

    @property
    def port(self) -> int:
        """Only a part of the socket's name."""
        return 5432

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{USER}@/{database}?host={self.data}"

    def prepare(self) -> None:
        """Makes the cluster where there is none. Raises UserError when the package is missing or initdb fails."""
        if (self.data / "cluster" / "PG_VERSION").exists():
            return
        self.data.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.data, USER, USER)
        make = [
            *_as_user(),
            _program("initdb"),
            "-D",
            str(self.data / "cluster"),
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        done = subprocess.run([*make, "--no-sync"], capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise UserError(f"PostgreSQL cannot make a cluster below {self.data}: {done.stderr.strip()[-400:]}")

    def command(self) -> list[str]:
        """The server's process; SIGINT stops it at once and in order."""
        words = [*_as_user(), _program("postgres"), "-D", str(self.data / "cluster")]
        chosen = {"listen_addresses": "", "unix_socket_directories": str(self.data), **FAST, **self.settings}
        return words + [f"--{name}={value}" for name, value in chosen.items()]

    def wait_until_ready(self, alive: Callable[[], bool] = lambda: True) -> None:
        """Returns when the server answers. Raises UserError when `alive` says no, or after 60 s."""
        wait_for("PostgreSQL", self.address, self._answers, alive)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.address, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _program(name: str) -> str:
    """The newest packaged version's."""
    found = sorted(PACKAGED.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise UserError(f"{name} is missing: install the package postgresql (Debian: sudo apt-get install postgresql) and try again")
    return str(found[-1])


def _as_user() -> list[str]:
    """Changing the user clears what `setpriv --pdeathsig` set before."""
    drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--pdeathsig=KILL"]
    return drop if os.geteuid() == 0 else []
