"""Bounded reading of a real topic."""

import time
from collections.abc import Sequence

import pytest

from adapters import reader
from adapters.bus import Out
from config.settings import Settings
from config.topics import REPORTED
from incidents.audit import Span
from incidents.errors import UserError
from tests.audit.records import publish

pytestmark = pytest.mark.stack


def reported(settings: Settings, values: Sequence[bytes], partition: int) -> None:
    """These values on one partition of incidents.reported."""
    publish(settings, [Out(settings.named(REPORTED.name), b"k", value, (("h", b"1"),), partition) for value in values])


def test_reading_ends_at_the_end_as_of_now_and_keeps_the_order_of_each_partition(settings: Settings) -> None:
    reported(settings, [b"%d" % n for n in range(2500)], 0)
    reported(settings, [b"a", b"b"], 5)
    topic = settings.named(REPORTED.name)
    found = reader.spans(settings.kafka_bootstrap, topic)
    reported(settings, [b"later"], 0)
    records = list(reader.read(settings.kafka_bootstrap, topic, found))
    assert found[0] == Span(0, 2500) and found[1] == Span(0, 0)
    assert [record.value for record in records if record.partition == 0] == [b"%d" % n for n in range(2500)]
    assert [(r.offset, r.value, r.header("h"), r.header("x")) for r in records if r.partition == 5] == [
        (0, b"a", "1", None),
        (1, b"b", "1", None),
    ]


def test_a_stretch_is_found_by_the_append_time(settings: Settings) -> None:
    topic = settings.named(REPORTED.name)
    reported(settings, [b"before"], 0)
    [before] = reader.read(settings.kafka_bootstrap, topic, {0: Span(0, 1)})
    while time.time() * 1000 <= before.timestamp_ms + 1:
        pass
    reported(settings, [b"after"], 0)
    assert reader.between(settings.kafka_bootstrap, topic, before.timestamp_ms + 1, before.timestamp_ms + 60_000)[0] == Span(1, 2)
    assert reader.between(settings.kafka_bootstrap, topic, before.timestamp_ms - 60_000, before.timestamp_ms)[0] == Span(0, 1)


@pytest.mark.parametrize(("partition", "offset", "says"), [(0, 7, "0 to 0"), (99, 0, "no partition 99")])
def test_a_record_that_is_not_there_is_answered_with_what_is(settings: Settings, partition: int, offset: int, says: str) -> None:
    reported(settings, [b"x"], 0)
    with pytest.raises(UserError, match=says):
        reader.one(settings.kafka_bootstrap, settings.named(REPORTED.name), partition, offset)


def test_a_topic_that_is_not_there_is_named(settings: Settings) -> None:
    with pytest.raises(UserError, match="nosuch"):
        reader.spans(settings.kafka_bootstrap, "nosuch")


def test_nothing_answers_is_a_persons_matter() -> None:
    with pytest.raises(UserError, match="no Kafka answers at 127.0.0.1:1"):
        reader.spans("127.0.0.1:1", "x")
