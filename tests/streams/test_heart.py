"""The pulse of a process: what it shows of its roles, and that a role which ends by itself ends the process."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from mode import Service
from mode.utils.locks import Event

from adapters import metrics
from adapters.clock import RealClock
from config.load import load_city
from config.settings import Settings
from streams.app import ServiceApp, service_app
from streams.worker import Heart, RoleCrashed
from tests.streams.fact_agents import until


class Part(Service):
    """A role that works until it is broken."""

    wait_for_shutdown = True
    shutdown_timeout = 3.0

    def __init__(self) -> None:
        super().__init__()
        self.working = False
        self.lags = {0: 7}
        self.broken = Event()
        self.finished = False

    def lag(self) -> Mapping[int, int]:
        return self.lags

    @Service.task
    async def _run(self) -> None:
        self.working = True
        try:
            await self.wait_first(self.broken, self._stopped)
            if self.broken.is_set():
                raise ZeroDivisionError("a bug")
            await asyncio.sleep(0)
            self.finished = True
        finally:
            self.set_shutdown()


def role(part: Part) -> ServiceApp:
    return service_app(Settings(namespace="heart."), "intake", "incidents.reported", part)


def gauge(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"cityloop_{name}", labels)


def test_a_working_role_is_shown_with_its_lag_and_finishes_when_stopped() -> None:
    async def journey() -> Part:
        part = Part()
        app = role(part)
        heart = Heart(["intake"])
        assert heart.ready == {"intake": False}
        await app.start()
        heart.apps = [app]
        await until(lambda: part.working, "the part to work")
        heart.look()
        assert heart.ready == {"intake": True}
        await app.stop()
        return part

    assert asyncio.run(journey()).finished
    assert gauge("ready", role="intake") == 1
    assert gauge("consumer_lag_records", role="intake", topic="incidents.reported", partition="0") == 7


def test_the_lag_of_a_partition_that_went_away_is_shown_no_more() -> None:
    async def journey() -> None:
        part = Part()
        app = role(part)
        heart = Heart(["intake"])
        part.lags = {4: 7, 5: 1}
        heart.apps = [app]
        heart.look()
        part.lags = {5: 1}
        heart.look()

    asyncio.run(journey())
    shown = [gauge("consumer_lag_records", role="intake", topic="incidents.reported", partition=str(p)) for p in (4, 5)]
    assert shown == [None, 1]


def test_a_role_that_ends_by_a_bug_is_noticed_with_its_cause() -> None:
    async def journey() -> None:
        part = Part()
        app = role(part)
        heart = Heart(["intake"])
        await app.start()
        heart.apps = [app]
        part.broken.set()
        await until(lambda: app.crashed, "the crash")
        try:
            heart.look()
        finally:
            await app.stop()

    with pytest.raises(RoleCrashed, match="intake") as caught:
        asyncio.run(journey())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


class Standing(RealClock):
    """A city's clock that stands where the test puts it."""

    moment = datetime(2026, 10, 20, tzinfo=UTC)

    def now(self) -> datetime:
        """There."""
        return self.moment


def test_years_that_the_calendar_lacks_are_shown_when_the_city_s_clock_comes_near_them() -> None:
    async def journey() -> None:
        heart, clock = Heart([]), Standing()
        heart.city, heart.clock = load_city(Settings(city="qingdao")), clock
        beating = asyncio.create_task(heart.run(lambda: None))
        await until(lambda: gauge("calendar_missing_years") == 0, "nothing to be missing")
        clock.moment = datetime(2026, 11, 20, tzinfo=UTC)
        await until(lambda: gauge("calendar_missing_years") == 1, "2027 to be missing")
        beating.cancel()

    metrics.CALENDAR_MISSING_YEARS.set(-1)
    asyncio.run(journey())
