"""Over the real broker: what the producers say is durable is on the topic, once, in order per source; a stop loses nothing."""

import json
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from adapters.producer import KafkaBus
from adapters.stack_engines import free_port
from config.load import load_city
from config.settings import ROOT, Settings
from config.topics import REPORTED
from incidents.errors import BadReport, UserError
from producers.run import run
from producers.simulation.plan import SimulationOptions
from producers.sources.simulate import Simulation
from tests.conftest import environment
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
        KafkaBus(settings.kafka_bootstrap, "no.such.topic", patience_ms=1000)


def test_a_broker_that_is_not_there_is_told_with_its_address() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(UserError, match=address):
        KafkaBus(address, "any")
