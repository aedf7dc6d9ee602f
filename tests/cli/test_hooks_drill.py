"""`cityloop hooks drill`: from the shell over the real queue and engine to real receivers, marked as an exercise to the last one."""

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.deliveries import Delivery
from adapters.deliveries_redis import RedisDeliveries
from adapters.secrets import init_secrets
from cli.main import run
from config.load import load_city
from config.load_hooks import load_hooks
from config.settings import Settings
from console.receiver import Inbox
from handlers.engine import Engine
from handlers.receivers import kinds
from streams.hooks_files import open_telling
from tests.adapters.test_feed import hot_store
from tests.conftest import environment
from tests.console.receiving import receiver
from tests.console.test_receiver import SECRET
from tests.waiting import until

Cityloop = Callable[..., tuple[int, Any, str]]
HOOKS = """
[allow]
cidrs = ["127.0.0.0/8"]
[[receivers]]
name = "desk"
[[receivers.webhook]]
url = "{address}/webhook"
secret_file = "desk"
[[receivers]]
name = "warning"
[[receivers.cap]]
url = "{address}/cap"
sender = "ops.example"
[[receivers]]
name = "gone"
[[receivers.webhook]]
url = "http://8.8.8.8/"
secret_file = "desk"
[tree]
receiver = "desk"
[[tree.routes]]
receiver = "warning"
matchers = ['category="gas_leak"']
continue = true
[[tree.routes]]
receiver = "gone"
matchers = ['category="street_stall"']
"""


@pytest.fixture
def here(tmp_path: Path, redis_server: str) -> Iterator[tuple[Settings, Inbox]]:
    """A city with three receivers, one of which may not be told anything (plain http to where nobody opened a network)."""
    init_secrets(tmp_path / "secrets")
    secret = SECRET
    (tmp_path / "secrets" / "desk").write_text(secret)
    chosen = Settings()
    config = tmp_path / "config"
    shutil.copytree(chosen.config_dir, config, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    with receiver(secret) as (inbox, address):
        (config / "cities" / "qingdao" / "hooks.toml").write_text(HOOKS.format(address=address))
        named = {"namespace": f"d{tmp_path.name[-12:].lower().replace('_', '-')}.", "redis_url": redis_server, "config_dir": config}
        yield Settings.model_validate(named | {"local_dir": tmp_path / "local", "secrets_dir": tmp_path / "secrets"}), inbox


@contextmanager
def delivering(settings: Settings) -> Iterator[None]:
    """An engine at work, as `cityloop hooks run` has one."""
    city = load_city(settings)
    hooks = load_hooks(settings, city, kinds())
    assert hooks is not None
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def bury(_: Sequence[Delivery]) -> None:
        return None

    async def work() -> None:
        stop, telling = asyncio.Event(), open_telling(settings, city, hooks)
        async with hot_store(settings) as hot:
            loops.append((asyncio.get_running_loop(), stop))
            await Engine(RedisDeliveries(hot), telling.receivers, bury).run(stop)
        for each in set(telling.receivers.transports.values()):
            await each.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        until(lambda: bool(loops), "the engine to begin")
        yield
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


@pytest.fixture
def cityloop(here: tuple[Settings, Inbox], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cityloop:
    """`cityloop("--json")` → exit code, stdout (parsed when it is JSON), stderr, of `cityloop hooks drill`."""
    for name, value in environment(here[0]).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("cli.hooks_drill.hot_store", hot_store)

    def call(*words: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run(["hooks", "drill", *words])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out.startswith(("[", "{")) else said.out, said.err

    return call


def test_everybody_is_asked_and_who_does_not_answer_is_named(here: tuple[Settings, Inbox], cityloop: Cityloop) -> None:
    settings, inbox = here
    with delivering(settings):
        code, answer, said = cityloop("--json")
        until(lambda: len(inbox.kept) == 4, "everybody to hear that it is over")
    assert code == 1 and "2 of 3 answered" in said
    assert {each["target"]: each["answered"] for each in answer} == {"desk/webhook/0": True, "gone/webhook/0": False, "warning/cap/0": True}
    assert "plain http" in next(each["what"] for each in answer if not each["answered"])
    got = inbox.kept
    assert all(each["drill"] for each in got) and {each["protocol"] for each in got} == {"webhook", "cap"}
    assert {each["signed"] for each in got if each["protocol"] == "webhook"} == {True}
    assert [each["kind"] for each in got if each["protocol"] == "webhook"] == ["drill.started", "drill.finished"]
    assert all(each["kind"].startswith("Exercise") for each in got if each["protocol"] == "cap")


def test_only_whom_such_a_case_would_reach_is_asked(here: tuple[Settings, Inbox], cityloop: Cityloop) -> None:
    with delivering(here[0]):
        code, answer, said = cityloop("--like", "category=gas_leak", "--json")
    assert code == 0, said
    assert [each["target"] for each in answer] == ["warning/cap/0"]
    assert run(["journal", "show", "--kind", "hooks"]) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [(("nobody",), "no receiver 'nobody'"), (("--like", "x"), "LABEL=VALUE"), (("warning", "--like", "a=b"), "no target")],
)
def test_a_drill_of_nobody_says_what_to_name(cityloop: Cityloop, words: tuple[str, ...], says: str) -> None:
    code, _, said = cityloop(*words)
    assert code == 2 and says in said, said
