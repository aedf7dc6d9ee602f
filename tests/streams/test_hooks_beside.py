"""What goes beside the dispatcher: silences that outlast their database for a while, the sign of life, a city that tells nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from adapters.followed import Followed
from handlers.channel import Failure, NotSent, Outgoing
from handlers.outbound import HttpAnswer
from incidents.errors import TryAgain
from incidents.hooks import Heartbeat
from incidents.silences import KeptSilence
from streams.hooks import Hooks
from streams.hooks_heartbeat import Pulse
from streams.hooks_silences import SilenceWatch
from tests.streams.fact_agents import never_needed, until

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


@dataclass
class Shelf:
    """Silences, as long as the database answers."""

    kept: list[KeptSilence] = field(default_factory=list)
    away: bool = False
    asked: int = 0
    told: list[str] = field(default_factory=list)

    def listed(self, *, expired: bool = True) -> list[KeptSilence]:
        """All."""
        self.asked += 1
        self._answer()
        return list(self.kept)

    def warned(self, ids: Sequence[str]) -> None:
        """Kept."""
        self._answer()
        self.told += ids

    def _answer(self) -> None:
        if self.away:
            raise TryAgain("the database: away")


def silence(id_: str, minutes: int = 10, lasted: int = 60) -> KeptSilence:
    """One that ends in so many minutes."""
    times = {"starts_at": NOW - timedelta(minutes=lasted), "ends_at": NOW + timedelta(minutes=minutes), "updated_at": NOW}
    return KeptSilence.model_validate({"id": id_, "matchers": ("district=x",), "owner": "wang", "comment": "c", **times})


def play(scene: Callable[[SilenceWatch, Shelf], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Watch a shelf, asking it again at once."""
    monkeypatch.setattr("streams.hooks_silences.EVERY_S", 0.0)

    async def run() -> None:
        shelf = Shelf()
        watch = SilenceWatch(shelf, "Asia/Shanghai", lambda: NOW)
        await scene(watch, shelf)
        await watch.close()

    asyncio.run(run())


def test_silences_go_on_while_the_database_is_away_and_follow_it_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(watch: SilenceWatch, shelf: Shelf) -> None:
        shelf.kept = [silence("a")]
        await watch.first()
        assert [each.id for each in watch.in_force()] == ["a"]
        shelf.away, asked = True, shelf.asked
        await until(lambda: watch.look() or shelf.asked > asked + 2, "questions that failed")  # type: ignore[func-returns-value]
        assert [each.id for each in watch.in_force()] == ["a"]
        shelf.away, shelf.kept = False, [silence("b")]
        await until(lambda: watch.look() or [each.id for each in watch.in_force()] == ["b"], "the other one")  # type: ignore[func-returns-value]

    play(scene, monkeypatch)


def test_a_dispatcher_begins_without_silences_when_nobody_can_tell_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.hooks_silences.PATIENCE_S", 0.05)

    async def scene(watch: SilenceWatch, shelf: Shelf) -> None:
        shelf.away = True
        await watch.first()
        assert watch.in_force() == []

    play(scene, monkeypatch)


def test_an_owner_is_told_once_also_when_that_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(watch: SilenceWatch, shelf: Shelf) -> None:
        shelf.kept = [silence("soon"), silence("later", 120)]
        await watch.first()
        ending = watch.ending()
        assert [each.id for each in ending] == ["soon"]
        shelf.away = True
        await watch.told(ending)
        assert watch.ending() == [] and shelf.told == []

    play(scene, monkeypatch)


@dataclass
class Outside:
    """The address outside."""

    answers: list[int | None]
    got: list[Outgoing] = field(default_factory=list)

    async def send(self, outgoing: Outgoing) -> HttpAnswer:
        """An answer, or none."""
        self.got.append(outgoing)
        status = self.answers.pop(0)
        if status is None:
            raise NotSent(Failure.DEADLINE, "no answer")
        return HttpAnswer(status, {}, b"")

    async def close(self) -> None:
        """Nothing is open."""


def test_the_sign_of_life_is_sent_when_it_is_time_and_a_failure_ends_nothing() -> None:
    async def scene() -> None:
        outside = Outside([200, 503, None, 200])
        pulse = Pulse(Heartbeat("https://watch.example/alive", timedelta(0)), {"https": outside})
        for count in range(1, 5):
            pulse.beat()
            await until(lambda count=count: len(outside.got) == count, "a sign")
            await asyncio.sleep(0)
        rare = Pulse(Heartbeat("https://watch.example/alive", timedelta(hours=1)), {"https": outside})
        outside.answers = [200]
        for _ in range(3):
            rare.beat()
            await asyncio.sleep(0)
        assert len(outside.got) == 5 and outside.got[-1].url == "https://watch.example/alive"
        await rare.close()

    asyncio.run(scene())


def test_a_city_without_hooks_has_nothing_to_wait_for() -> None:
    async def scene() -> None:
        role = Hooks(Followed("hooks", [], lambda: None), never_needed)
        assert role.working and role.lag() == {}
        await role.start()
        await role.stop()

    asyncio.run(scene())
