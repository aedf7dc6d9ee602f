"""Over the real broker: what the producers say is durable is on the topic, once, in order per source; a stop loses nothing."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from adapters import topics
from adapters.bus import Publisher
from adapters.producer import KafkaBus
from adapters.stack_engines import free_port
from config.load import load_city
from config.settings import ROOT, Settings
from config.topics import REPORTED
from incidents.errors import BadReport, TryAgain, UserError
from producers.run import run
from producers.simulation.plan import SimulationOptions
from producers.sources.simulate import Simulation
from tests.conftest import environment
from tests.servers import Server
from tests.waiting import until

pytestmark = pytest.mark.stack

Record = tuple[bytes | None, bytes | None]


def on_topic(settings: Settings) -> list[Record]:
    """Everything on the topic of reports, partition by partition."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        parts = [TopicPartition(settings.named(REPORTED.name), number) for number in range(REPORTED.partitions)]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        consumer.seek_to_beginning()
        found: list[Record] = []
        while any(consumer.position(part) < ends[part] for part in parts):
            found += [(record.key, record.value) for batch in consumer.poll(1000).values() for record in batch]
        return found
    finally:
        consumer.close()


def in_order(records: list[Record]) -> dict[bytes | None, list[bytes | None]]:
    grouped = defaultdict(list)
    for key, value in records:
        grouped[key].append(value)
    return grouped


def test_every_item_is_acknowledged_and_on_the_topic_once_in_order(settings: Settings) -> None:
    options = SimulationOptions.model_validate({"start": "2026-11-21T10:00+08:00", "cameras": 300, "bad": 0.2, "count": 8000})
    city = load_city(settings)
    bus = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name), max_in_flight=1000)
    try:
        outcome = run(Simulation(city, None, options), bus)
    finally:
        bus.close()
    sent = [(item.key, item.value) for item in Simulation(city, None, options).reports()]
    assert (outcome.sent, outcome.durable, outcome.failure) == (8000, 8000, "")
    assert in_order(on_topic(settings)) == in_order(sent)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_simulation_says_how_many_are_durable_and_so_many_are_there(settings: Settings, tmp_path: Path, number: int) -> None:
    truth = tmp_path / "truth.jsonl"
    command = [sys.executable, "-m", "cli", "simulate", "--cameras", "200", "--rate", "2000", "--truth", str(truth), "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: process.poll() is not None or truth.exists() and truth.stat().st_size > 50_000, "the simulation to be at work", 60)
        process.send_signal(number)
        told, said = process.communicate(timeout=30)
    assert process.returncode == 0, said.decode()
    outcome = json.loads(told)
    assert outcome["stopped"]
    assert outcome["sent"] == outcome["durable"] == len(truth.read_text().splitlines()) > 100
    ids = Counter(json.loads(value or b"")["id"] for _, value in on_topic(settings))
    assert sum(ids.values()) == outcome["durable"] == len(ids)
    assert b"durable" in said


def test_a_record_above_the_brokers_limit_is_refused_and_nothing_else_is_lost(settings: Settings) -> None:
    bus = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name))
    try:
        with pytest.raises(BadReport, match="bytes"):
            bus.send(b"k", b"x" * (5 << 20))
        bus.send(b"k", b"small")
        bus.send(b"k", b"x" * (5 << 19))
        bus.flush(30)
        assert (bus.sent, bus.durable()) == (2, 2)
    finally:
        bus.close()


def test_a_topic_that_is_not_there_is_told_with_the_command_that_makes_it(settings: Settings) -> None:
    with pytest.raises(UserError, match="topics apply"):
        KafkaBus(settings.kafka_bootstrap, "no.such.topic")


def test_a_broker_that_is_not_there_is_told_with_its_address() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(UserError, match=address):
        KafkaBus(address, "any")


def test_while_the_broker_is_away_sending_waits_at_its_bound_and_all_is_durable_in_order_when_it_is_back(
    kafka_own: Server, new_settings: Callable[..., Settings]
) -> None:
    settings = new_settings(kafka_bootstrap=kafka_own.address)
    bus = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name), max_in_flight=500)
    try:
        bus.send(b"k", b"0")
        bus.flush(30)
        kafka_own.kill()
        for number in range(1, 501):
            bus.send(b"k", b"%d" % number)
        with pytest.raises(TryAgain, match="500 records were not acknowledged within 0 s"):
            bus.flush(0)
        last = threading.Thread(target=bus.send, args=(b"k", b"501"))
        last.start()
        last.join(0.2)
        assert last.is_alive() and (bus.sent, bus.durable()) == (501, 1)
        kafka_own.start()  # here: a server dies with the thread that started it
        last.join(60)
        bus.flush(60)
        assert (bus.sent, bus.durable()) == (502, 502)
    finally:
        bus.close()
    assert on_topic(settings) == [(b"k", b"%d" % number) for number in range(502)]


def test_behind_a_record_that_the_broker_refused_nothing_is_sent_any_more(settings: Settings) -> None:
    topic = settings.named(REPORTED.name)
    narrow = {"num_partitions": REPORTED.partitions, "replication_factor": 1, "configs": {"max.message.bytes": "2000"}}
    topics.delete(settings)  # made anew, for a changed limit holds only some time after the broker has accepted it
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    admin.create_topics({topic: narrow}, wait_for_metadata=True)
    admin.close()
    bus = KafkaBus(settings.kafka_bootstrap, topic)
    try:
        bus.send(b"k", b"small")
        bus.flush(30)
        bus.send(b"k", b"x" * 3000)
        with pytest.raises(TryAgain, match="refused a record after 1 were durable"):
            bus.flush(30)
        for again in (lambda: bus.send(b"k", b"later"), bus.durable, lambda: bus.flush(30)):
            with pytest.raises(TryAgain, match="refused"):
                again()
    finally:
        bus.close()
    assert on_topic(settings) == [(b"k", b"small")]


def test_a_bug_in_the_thread_that_publishes_is_raised_by_the_next_call_and_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wrong(*_: object) -> None:
        raise AttributeError("a bug")

    monkeypatch.setattr(Publisher, "publish", wrong)
    bus = KafkaBus(settings.kafka_bootstrap, settings.named(REPORTED.name))
    try:
        bus.send(b"k", b"1")
        with pytest.raises(AttributeError, match="a bug"):
            bus.flush(30)
        with pytest.raises(AttributeError, match="a bug"):
            bus.send(b"k", b"2")
    finally:
        bus.close()
