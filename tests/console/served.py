"""A console for tests: the real application over real stores, with a clock and counters that stand still, served by a thread."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx
import uvicorn

from adapters.bus import Bus
from adapters.clock import CityClock
from adapters.secrets import init_secrets
from config.settings import Settings
from console.app import create_app
from console.counters import Counters
from console.opened import open_world
from console.world import World
from incidents.rights import Permission
from incidents.vocabulary import Role
from tests.console.door import a_door, bearer
from tests.waiting import until

FIGURES = {"reported": 6, "opened": 1, "merged": 2, "held": 0, "resent": 1, "rejected": 1, "lost": 0, "pending": 1}


class StandingCounters(Counters):
    """Counters without Kafka."""

    def figures(self) -> dict[str, int]:
        """Always the same."""
        return FIGURES

    async def run(self) -> None:
        """Nothing to follow."""
        self.working = True


class StandingClock:
    """Always the same moment."""

    speed = 600.0

    def now(self) -> datetime:
        """Nine in the morning in Qingdao."""
        return datetime(2026, 11, 21, 1, tzinfo=UTC)

    def at(self, append_ms: int, stated: datetime | None = None) -> datetime:
        """The same."""
        return self.now()

    async def refresh(self) -> None:
        """Nothing to hear."""


@dataclass(frozen=True)
class Served:
    """A running console; `client` is nobody, `as_(role)` somebody new with a token."""

    world: World
    address: str

    def as_(self, role: Role, scopes: frozenset[Permission] | None = None, **place: object) -> httpx.Client:
        """A client of this role for the whole city; `level`, `district` and `unit` narrow it."""
        return httpx.Client(base_url=self.address, headers=bearer(self.world.access, role, scopes, **place), timeout=30)

    @property
    def client(self) -> httpx.Client:
        """A client without a token."""
        return httpx.Client(base_url=self.address, timeout=30)


@contextmanager
def served(
    settings: Settings,
    publisher: Bus | None = None,
    clock: CityClock | None = None,
    change: Callable[[World], World] = lambda world: world,
) -> Iterator[Served]:
    """A console with these settings, publishing to this bus, by this clock, with a world that is changed before it is served."""
    settings = settings.model_copy(update={"secrets_dir": settings.secrets_dir or settings.local_dir / "secrets"})
    assert settings.secrets_dir is not None
    init_secrets(settings.secrets_dir)
    world = asyncio.run(open_world(settings, clock or StandingClock(), publisher))
    world = change(replace(world, counters=StandingCounters(settings), access=a_door(settings, world.city, world.database)))
    server = uvicorn.Server(uvicorn.Config(create_app(world), log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started, "the console to start")
            yield Served(world, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            world.hub.close()
            server.should_exit = True
            thread.join(60)
            world.database.close()
