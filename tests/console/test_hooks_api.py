"""`GET /api/v1/hooks` and `/cases/{id}/notices`: what people see of notices, for whom, and while a part of it is away."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.deliveries import Attempt, End, Settled
from adapters.deliveries_redis import RedisDeliveries
from adapters.hook_state import Explained, Turn
from adapters.hook_state_redis import RedisHookState
from cli.hooks_queue import now_ms
from config.settings import Settings
from incidents.silences import Wish
from incidents.vocabulary import Role
from tests.adapters.test_deliveries import LEASE, order
from tests.adapters.test_feed import hot_store
from tests.api.town import A, B, Town
from tests.console.served import Served, served

pytestmark = pytest.mark.stack
NOW = datetime.now(UTC)
SAID = "first notification"


@pytest.fixture(scope="module")
def settings_here(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("hooks")
    return Settings(redis_url=redis_server, local_dir=folder, namespace=f"t{uuid.uuid4().hex[:8]}.", city="qingdao")


@pytest.fixture(scope="module")
def console(settings_here: Settings) -> Iterator[tuple[Served, str, str]]:
    """A console, a case of district A that was told to `gone`, which answered 410, and one that nobody was told of."""
    with served(settings_here) as found:
        town = Town(found.world.city)
        case_id, other = town.case(1, A), town.case(2, A)
        town.keep(found.world.database)
        asyncio.run(_happen(settings_here, case_id))
        wish = Wish(matchers=("district=370202",), starts_at=NOW, ends_at=NOW + timedelta(hours=9), owner="wang", comment="roadworks")
        found.world.silences.put(wish, "wang")
        yield found, case_id, other


async def _happen(settings: Settings, case_id: str) -> None:
    async with hot_store(settings) as hot:
        queue, state, now = RedisDeliveries(hot), RedisHookState(hot), now_ms()
        await queue.enqueue([order("c1", target="gone/webhook/1"), order("c2", target="gone/webhook/1")], now - 5000)
        first = min(await queue.claim(now, 1, LEASE), key=lambda each: each.id)
        gone = Attempt(at=NOW, outcome="gone", reason="clientError", status=410, detail="HTTP 410")
        await queue.settle([Settled(first.id, first.turn, End.DEAD, gone, disable="said 410")], now)
        assert await state.take("me")
        why = Explained(at=NOW, receiver="gone", node="0", group="g", reason=SAID, why="1 fires", notice="c1_1")
        await hot.redis.persist(f"{hot.keys.hooks}lease")
        await state.write("me", Turn(told=[(case_id, why)]))


def test_all_of_it_is_shown_to_who_sees_the_whole_city(console: tuple[Served, str, str]) -> None:
    found, *_ = console
    with found.as_(Role.DISPATCHER) as dispatcher:
        answer = dispatcher.get("/api/v1/hooks")
    told = answer.json()
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert (told["ready"], told["dispatching"], told["queue"]["waiting"], told["queue"]["dead"]) == (True, True, 1, 1)
    assert (told["targets"][0]["target"], told["targets"][0]["state"], told["targets"][0]["waiting"]) == ("gone/webhook/1", "disabled", 1)
    assert [each["last"]["detail"] for each in told["dead"]] == ["HTTP 410"]
    assert [each["cases"] for each in told["waiting"]] == [["c2"]]
    assert [(each["owner"], each["state"]) for each in told["silences"]] == [("wang", "active")]
    if told["configured"]:
        assert {each["times"] for each in told["rules"]} == {0} and len(told["targets"]) > 1


def test_who_sees_one_district_hears_why_of_its_cases_only(console: tuple[Served, str, str]) -> None:
    found, case_id, _ = console
    with (
        found.as_(Role.DISPATCHER, level="district", district=A) as ours,
        found.as_(Role.DISPATCHER, level="district", district=B) as theirs,
    ):
        assert ours.get("/api/v1/hooks").status_code == 403
        [notice] = ours.get(f"/api/v1/cases/{case_id}/notices").json()["notices"]
        assert theirs.get(f"/api/v1/cases/{case_id}/notices").status_code == 404
    assert (notice["reason"], notice["why"]) == (SAID, "1 fires")
    assert [(each["id"], each["state"]) for each in notice["deliveries"]] == [("c1_1@gone/webhook/1", "dead")]


def test_of_a_case_nothing_was_decided_about_it_says_so(console: tuple[Served, str, str]) -> None:
    found, _, other = console
    with found.as_(Role.DISPATCHER) as dispatcher:
        assert dispatcher.get(f"/api/v1/cases/{other}/notices").json() == {"notices": []}
