"""`cityloop hooks`: what a person at a shell sees of the queue, and does about it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.deliveries import Attempt, Deliveries, End, Settled
from adapters.deliveries_redis import RedisDeliveries
from adapters.hook_state import Explained, Turn
from adapters.hook_state_redis import RedisHookState
from adapters.secrets import init_secrets
from cli.hooks_queue import now_ms
from cli.main import run
from config.settings import ROOT, Settings
from tests.adapters.test_deliveries import AT, LEASE, order
from tests.adapters.test_feed import hot_store
from tests.conftest import environment

Cityloop = Callable[..., tuple[int, Any, str]]
REFUSED = Attempt(at=AT, seconds=0.25, outcome="gone", reason="clientError", status=410, detail="HTTP 410")


@pytest.fixture
def here(tmp_path: Path, redis_server: str) -> Settings:
    """A stack of which Redis, the database and the secrets are needed."""
    init_secrets(tmp_path / "secrets")
    chosen = {"namespace": f"h{tmp_path.name[-12:].lower().replace('_', '-')}.", "redis_url": redis_server}
    return Settings.model_validate(chosen | {"local_dir": tmp_path / "local", "secrets_dir": tmp_path / "secrets"})


@pytest.fixture
def cityloop(here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cityloop:
    """`cityloop("list", "--json")` → exit code, stdout (parsed when it is JSON), stderr, of `cityloop hooks`."""
    for name, value in environment(here).items():
        monkeypatch.setenv(name, value)
    for module in ("hooks_queue", "hooks_explain"):
        monkeypatch.setattr(f"cli.{module}.hot_store", hot_store)  # without asking a Kafka for the cluster's name

    def call(*words: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run(["hooks", *words])
        said = capsys.readouterr()
        try:
            return code, json.loads(said.out), said.err
        except ValueError:
            return code, said.out, said.err

    return call


def on_queue(here: Settings, scene: Callable[[Deliveries], Awaitable[None]]) -> None:
    """Something happens in the queue."""

    async def happen() -> None:
        async with hot_store(here) as hot:
            await scene(RedisDeliveries(hot))

    asyncio.run(happen())


@pytest.fixture
def history(here: Settings) -> None:
    """`gone/webhook/1` said 410 to one of its two; `well/webhook/1` has been sent nothing yet."""

    async def happen(queue: Deliveries) -> None:
        now = now_ms()
        await queue.enqueue([order("c1", target="gone/webhook/1"), order("c2", target="gone/webhook/1")], now - 5000)
        first = min(await queue.claim(now, 1, LEASE), key=lambda each: each.id)
        await queue.settle([Settled(first.id, first.turn, End.DEAD, REFUSED, disable="said 410: HTTP 410")], now)
        await queue.enqueue([order("c1", target="well/webhook/1")], now)

    on_queue(here, happen)


def test_what_waits_and_what_was_given_up_is_listed_and_narrowed(cityloop: Cityloop, history: None) -> None:
    code, found, said = cityloop("list", "--json")
    assert code == 0 and [(each["id"], each["state"]) for each in found] == [
        ("c1_1@gone/webhook/1", "dead"),
        ("c2_1@gone/webhook/1", "waiting"),
        ("c1_1@well/webhook/1", "waiting"),
    ]
    assert "3 of 3 deliveries, 1 dead, 2 waiting" in said
    assert [each["id"] for each in cityloop("list", "--state", "dead", "--json")[1]] == ["c1_1@gone/webhook/1"]
    assert [each["id"] for each in cityloop("list", "--target", "gone", "--case", "c2", "--json")[1]] == ["c2_1@gone/webhook/1"]
    assert [each["id"] for each in cityloop("list", "--since", "2099-01-01T00:00+08:00", "--json")[1]] == []
    code, shown, _ = cityloop("list")
    assert code == 0 and "firing 1, filed" in shown and "gone clientError HTTP 410" in shown


def test_one_is_shown_with_every_attempt_on_the_citys_clock(cityloop: Cityloop, history: None) -> None:
    code, story, _ = cityloop("show", "c1_1@gone/webhook/1")
    assert code == 0
    for words in ("dead", "line: c1, sequence 1", "1 attempts:", "2026-11-23 12:00:00  0.250 s  gone clientError HTTP 410"):
        assert words in story
    code, _, said = cityloop("show", "nobody@x")
    assert code == 2 and "there is no delivery 'nobody@x'" in said


def test_a_target_in_trouble_is_named_enabled_and_told_again_and_all_of_it_journalled(cityloop: Cityloop, history: None) -> None:
    code, [trouble], _ = cityloop("targets", "--trouble", "--json")
    assert (code, trouble["target"], trouble["state"], trouble["waiting"]) == (1, "gone/webhook/1", "disabled", 1)
    assert len(cityloop("targets", "--json")[1]) == 2
    assert cityloop("replay", "--failed", "--dry-run", "--json")[1] == {"would_replay": ["c1_1@gone/webhook/1"]}
    assert cityloop("enable", "gone/webhook/1")[0] == 0
    assert cityloop("targets", "--trouble", "--json")[:2] == (0, [])
    assert cityloop("replay", "--failed", "--target", "gone", "--json")[:2] == (0, {"asked": 1, "replayed": 1})
    assert cityloop("list", "--state", "dead", "--json")[1] == []
    code, answer, said = cityloop("replay", "c1_1@gone/webhook/1", "--json")
    assert (code, answer["replayed"]) == (1, 0) and "30 days" in said
    assert run(["journal", "show", "--kind", "hooks"]) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [(("replay",), "--failed"), (("replay", "x@y", "--failed"), "--failed"), (("enable", "nobody"), "nothing was ever sent")],
)
def test_a_command_that_names_nothing_says_what_to_name(cityloop: Cityloop, words: tuple[str, ...], says: str) -> None:
    code, _, said = cityloop(*words)
    assert code == 2 and says in said


def test_a_silence_is_made_listed_and_ended_by_whoever_is_at_the_shell(cityloop: Cityloop) -> None:
    code, made, _ = cityloop("silence", "add", 'district="370202"', "category=~road.*", "-c", "resurfacing", "--for", "2h", "--json")
    assert code == 0 and made["owner"].startswith("shell:") and made["matchers"] == ['district="370202"', "category=~road.*"]
    night = (
        "--from",
        "2099-01-01T22:00+08:00",
        "--until",
        "2099-01-02T06:00+08:00",
        "--repeats",
        "daily",
        "--last",
        "2099-02-01T06:00+08:00",
    )
    assert cityloop("silence", "add", "channel=drone", "-c", "night flights", "--owner", "wang.fang", *night, "--json")[0] == 0
    code, [first, second], _ = cityloop("silence", "list", "--json")
    assert (code, first["id"], first["state"]) == (0, made["id"], "active")
    assert (second["owner"], second["state"], second["repeats"]) == ("wang.fang", "pending", "daily")
    assert "night flights" in cityloop("silence", "list")[1]
    assert cityloop("silence", "expire", made["id"], "--json")[1][0]["id"] == made["id"]
    assert [each["id"] for each in cityloop("silence", "list", "--json")[1]] == [second["id"]]
    assert len(cityloop("silence", "list", "--expired", "--json")[1]) == 2
    assert run(["journal", "show", "--kind", "silence"]) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("a=b", "-c", "why", "--for", "soon"), "no duration"),
        (("a=~(", "-c", "why"), "a=~("),
        (("a=~.*", "-c", "why"), "silence everything"),
        (("a=b", "-c", " "), "comment"),
        (("a=b", "-c", "why", "--until", "2001-01-01T00:00+08:00"), "before it starts"),
        (("a=b", "-c", "why", "--repeats", "daily"), "`until`"),
        (("a=b", "-c", "why", "--replaces", "nobody"), "there is no silence nobody"),
    ],
)
def test_a_wish_that_cannot_be_is_a_persons_mistake(cityloop: Cityloop, words: tuple[str, ...], says: str) -> None:
    code, _, said = cityloop("silence", "add", *words)
    assert code == 2 and says in said, said


def test_a_case_is_explained_with_what_became_of_each_message(cityloop: Cityloop, here: Settings, history: None) -> None:
    muted = Explained(at=AT, receiver="night", node="/1", group="{}", reason="muted", why="the interval `night` mutes it")
    sent = Explained(at=AT, receiver="gone", node="/0", group="{}", reason="first notification", why="2 fire", notice="c1_1")

    async def happen() -> None:
        async with hot_store(here) as hot:
            state = RedisHookState(hot)
            assert await state.take("me")
            await state.write("me", Turn(told=[("QD-1", sent), ("QD-1", muted)]))

    asyncio.run(happen())
    code, [first, second], _ = cityloop("explain", "QD-1", "--json")
    assert (code, first["reason"], second["reason"], second["deliveries"]) == (0, "first notification", "muted", [])
    assert [(each["id"], each["state"]) for each in first["deliveries"]] == [("c1_1@gone/webhook/1", "dead")]
    shown = cityloop("explain", "QD-1")[1]
    assert "gone/webhook/1 dead after 1" in shown and "the interval `night` mutes it" in shown
    code, _, said = cityloop("explain", "QD-2")
    assert code == 1 and "nothing was decided about QD-2" in said


def test_what_subscribers_were_told_is_explained_too(cityloop: Cityloop, here: Settings) -> None:
    async def happen(queue: Deliveries) -> None:
        made = order(target="data_platform/cloudevents/0")
        notice = made.notice.model_copy(update={"id": "QD_1_2_data_platform"})
        await queue.enqueue([replace(made, notice=notice)], now_ms())

    on_queue(here, happen)
    code, [told], _ = cityloop("explain", "QD-1", "--json")
    assert (code, told["receiver"], told["node"]) == (0, "data_platform", "subscription")
    assert "fact 2" in told["why"] and "'data_platform'" in told["why"]
    assert [(each["target"], each["state"]) for each in told["deliveries"]] == [("data_platform/cloudevents/0", "waiting")]


def test_many_are_listed_without_a_connection_each(cityloop: Cityloop, here: Settings) -> None:
    async def happen(queue: Deliveries) -> None:
        await queue.enqueue([order(f"c{number}") for number in range(300)], now_ms())

    on_queue(here, happen)
    code, found, said = cityloop("list", "--limit", "0", "--json")
    assert code == 0 and len(found) == 300, said


def test_a_command_loads_only_its_own_module() -> None:
    """Neither the streams, with Faust, nor the pages of the receiver."""
    said = "import sys; from cli.main import build; build('hooks', 'list'); print([name for name in sys.modules if 'hooks_' in name])"
    loaded = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "['cli.hooks_queue']"
