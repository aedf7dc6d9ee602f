"""A console whose reports go to a bus that keeps them; modules that need another one make their own."""

from collections.abc import Iterator

import httpx
import pytest

from config.settings import Settings
from incidents.vocabulary import Role
from tests.console.kept import Kept
from tests.console.served import Served, served


@pytest.fixture(scope="module")
def bus() -> Kept:
    """The console's bus."""
    return Kept()


@pytest.fixture(scope="module")
def console(redis_server: str, tmp_path_factory: pytest.TempPathFactory, bus: Kept, request: pytest.FixtureRequest) -> Iterator[Served]:
    """A console whose reports go to `bus`."""
    namespace = request.module.__name__.rpartition(".")[2].replace("_", "-") + "."
    settings = Settings(redis_url=redis_server, local_dir=tmp_path_factory.mktemp("console"), namespace=namespace, city="qingdao")
    with served(settings, bus) as console:
        yield console


@pytest.fixture(scope="module")
def lead(console: Served) -> Iterator[httpx.Client]:
    """Who sees and may do all of this."""
    with console.as_(Role.SHIFT_LEAD) as client:
        yield client
