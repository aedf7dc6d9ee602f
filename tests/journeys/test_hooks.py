"""From facts on Kafka to receivers: kill -9 at each step loses nothing and keeps every case in order; Redis lost tells once more."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from adapters.database import open_database
from adapters.silences import Silences
from config.settings import ROOT, Settings
from config.topics import CASE_EVENTS, CASES_LATEST
from incidents.case import Fact
from incidents.facts import encode_case, encode_fact
from incidents.silences import Repeats, Wish
from incidents.vocabulary import FactType
from tests.conftest import environment
from tests.journeys.conftest import NewWorker
from tests.journeys.messages import send_raw
from tests.journeys.receiving import Got, Street, check_order, receiving
from tests.servers import Server, die_with_us
from tests.stack.commands import bare_environment
from tests.streams.hook_desk import filed
from tests.waiting import until

HOOKS = """
operations = "operations"

[allow]
cidrs = ["127.0.0.0/8"]

[[receivers]]
name = "duty"
[[receivers.webhook]]
url = "http://127.0.0.1:{port}/duty"
secret_file = "duty"
profile = "urgent"

[[receivers]]
name = "log"
[[receivers.webhook]]
url = "http://127.0.0.1:{port}/log"

[[receivers]]
name = "operations"
[[receivers.webhook]]
url = "http://127.0.0.1:{port}/operations"

[tree]
receiver = "duty"
group_by = ["case_id"]
group_wait = "0s"
group_interval = "1s"

[[subscriptions]]
name = "log"
receiver = "log"

[heartbeat]
url = "http://127.0.0.1:{port}/alive"
every = "1s"
"""
POINTS = ("decided", "queued", "kept", "claimed", "sending:3", "sent", "settled")
FEW = ("queued", "sent")


def configured(folder: Path, settings: Settings, port: int) -> Settings:
    """The settings with a city whose hooks lead to that port."""
    made = folder / "config"
    shutil.copytree(settings.config_dir, made, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (made / "cities" / "qingdao" / "hooks.toml").write_text(HOOKS.format(port=port))
    (folder / "secrets" / "duty").write_text("whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    return settings.model_copy(update={"config_dir": made})


def publish(settings: Settings, facts: Sequence[Fact]) -> None:
    """As closure does."""
    for topic, value in ((CASE_EVENTS, encode_fact), (CASES_LATEST, lambda fact: encode_case(fact.case))):
        send_raw(settings, [(fact.case_id.encode(), value(fact)) for fact in facts], topic=topic.name)


@contextmanager
def telling(settings: Settings, fault: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    """The role `hooks`, in miniature waits."""
    variables = bare_environment(**environment(settings.model_copy(update={"fault": fault})))
    words = [*die_with_us(), sys.executable, "-m", "tests.journeys.telling"]
    with (settings.local_dir.parent / "telling.log").open("ab") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def ids(facts: Sequence[Fact]) -> set[str]:
    """Of the messages that the subscriber of all facts gets of them."""
    return {f"{fact.case_id}_{fact.sequence}_log".replace("-", "_") for fact in facts}


def told(cases: int, each: int) -> list[Fact]:
    """So many facts of each case, mixed."""
    types = (FactType.FILED, FactType.DISPATCHED, FactType.ACCEPTED)
    return [filed(number, sequence + 2, types[min(sequence, 2)]) for sequence in range(each) for number in range(cases)]


@pytest.fixture
def street() -> Iterator[Street]:
    """A receiver that refuses three of ten requests."""
    with receiving(Street(lambda _, count: count % 10 in (1, 4, 7))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("cases", "each", "points"), [(20, 6, FEW), pytest.param(100, 10, POINTS, marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_killed_at_each_step_it_misses_no_fact_and_keeps_every_case_in_order(
    settings: Settings, street: Street, tmp_path: Path, cases: int, each: int, points: Sequence[str]
) -> None:
    settings = configured(tmp_path, settings, street.port)
    facts = told(cases, each)
    killed, share = [], len(facts) // (len(points) + 1)
    for number, point in enumerate((*points, "")):
        with telling(settings, point and f"hooks:{point}") as process:
            if number == 0:
                until(lambda: (tmp_path / "telling.log").read_bytes().count(b"dispatching"), "a dispatcher")
            publish(settings, facts[number * share : (number + 1) * share if point else len(facts)])
            _until_told(street, facts[: (number + 1) * share] if point else facts, process)
            killed += [point] if process.poll() == -9 else []
    assert killed == list(points)
    assert {got.id for got in street.got("/log")} == ids(facts)
    check_order((got.data["case_id"], got.data["sequence"], got.id) for got in street.got("/log"))
    _one_content(street.got("/duty"))


def _until_told(street: Street, facts: Sequence[Fact], process: "subprocess.Popen[bytes]") -> None:
    """Or killed."""
    messages, cases = ids(facts), {fact.case_id for fact in facts}
    until(
        lambda: process.poll() is not None or (messages <= street.well("/log") and cases <= _firing(street)),
        "a kill, or everything told",
        60,
    )


def _firing(street: Street) -> set[str]:
    return {alert["case_id"] for got in street.got("/duty") if got.status == 200 for alert in got.data["alerts"]}


def _one_content(got: Sequence[Got]) -> None:
    """A repeat says what was said before: the same id, the same alerts in the same states."""
    contents: dict[str, set[str]] = {}
    for each in got:
        alerts = sorted((alert["case_id"], alert["ends_at"] is None) for alert in each.data["alerts"])
        contents.setdefault(each.id, set()).add(repr((each.data["status"], alerts)))
    assert all(len(said) == 1 for said in contents.values())


def test_silenced_cases_are_told_to_nobody_until_the_silence_ends(settings: Settings, worker: NewWorker, tmp_path: Path) -> None:
    with receiving(Street()) as street:
        settings = configured(tmp_path, settings, street.port)
        database = open_database(settings)
        database.upgrade()
        silences = Silences(database, settings.named("qingdao"), lambda *_: None)
        now = datetime.now(UTC)
        wish = Wish(matchers=('district="370202"',), starts_at=now, ends_at=now + timedelta(hours=1), owner="wang", comment="a festival")
        kept = silences.put(wish, "wang")
        nights = {"matchers": ('district="370203"',), "repeats": Repeats.DAILY, "until": now + timedelta(minutes=20)}
        silences.put(wish.model_copy(update={**nights, "starts_at": now - timedelta(days=1), "ends_at": now - timedelta(hours=23)}), "wang")
        hooks = worker(settings, "--only", "hooks")
        publish(settings, [filed(1)])
        until(lambda: street.well("/log"), "the fact told to its subscriber")
        until(lambda: hooks.metric("cityloop_hook_decisions_total", reason="silenced"), "a decision")
        assert street.got("/duty") == []
        until(lambda: hooks.metric("cityloop_heartbeats_total", result="ok"), "a sign of life")
        [warned] = until(lambda: street.got("/operations"), "the word that a silence ends soon")
        assert warned.body["type"] == "silence.expiring" and "wang" in str(warned.data)
        silences.expire(kept.id, "wang")
        until(lambda: street.well("/duty"), "the case told")
        assert hooks.metric("cityloop_hook_dispatching") == 1
        database.close()


@pytest.mark.slow
def test_one_of_two_dispatches_and_the_other_one_takes_over(settings: Settings, worker: NewWorker, tmp_path: Path) -> None:
    with receiving(Street()) as street:
        settings = configured(tmp_path, settings, street.port)
        first = worker(settings, "--only", "hooks")
        until(lambda: first.metric("cityloop_hook_dispatching") == 1, "a dispatcher")
        second = worker(settings, "--only", "hooks")
        assert second.metric("cityloop_hook_dispatching") == 0
        first.kill()
        publish(settings, [filed(1)])
        until(lambda: street.well("/log") and street.well("/duty"), "both told")
        assert second.metric("cityloop_hook_dispatching") == 1


def test_after_the_loss_of_redis_what_fires_is_told_once_more(
    new_settings: Callable[..., Settings], redis_own: Server, worker: NewWorker, tmp_path: Path
) -> None:
    with receiving(Street()) as street:
        settings = configured(tmp_path, new_settings(redis_url=redis_own.address), street.port)
        hooks = worker(settings, "--only", "hooks")
        publish(settings, [filed(1)])
        until(lambda: street.well("/duty"), "the case told")
        with Redis.from_url(redis_own.address) as redis:
            redis.flushall()
        publish(settings, [filed(2)])
        until(lambda: len(street.well("/log")) == 2 and len(_firing(street)) == 2, "the new case told")
        until(lambda: sum(each.data["case_id"] == filed(1).case_id for each in street.got("/log")) >= 2, "the old fact told again")
        assert len(street.well("/log")) == 2  # under its id
        assert hooks.metric("cityloop_rebuilds_total") == 2  # the first filled the empty one


@pytest.mark.slow
def test_a_redis_that_was_started_again_knows_what_was_told(
    new_settings: Callable[..., Settings], redis_own: Server, worker: NewWorker, tmp_path: Path
) -> None:
    with receiving(Street()) as street:
        settings = configured(tmp_path, new_settings(redis_url=redis_own.address), street.port)
        hooks = worker(settings, "--only", "hooks")
        publish(settings, [filed(1)])
        until(lambda: street.well("/duty") and street.well("/log"), "the case told")
        redis_own.restart()
        publish(settings, [filed(2)])
        until(lambda: len(street.well("/log")) == 2 and len(_firing(street)) == 2, "the new case told")
        assert hooks.metric("cityloop_rebuilds_total") == 2  # the first filled the empty one
        assert len({got.id for got in street.got("/duty")}) == 2
