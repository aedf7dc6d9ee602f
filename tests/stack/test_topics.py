"""`cityloop topics apply|check` on the real broker."""

from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from adapters import topics
from config.settings import Settings
from config.topics import CASE_EVENTS, REPORTED, TOPICS
from incidents.errors import UserError
from tests.journeys.messages import records_of, report, send
from tests.servers import Server
from tests.waiting import until


def test_apply_creates_every_topic_and_a_second_apply_changes_nothing(settings: Settings) -> None:
    assert topics.differences(settings) == []
    assert topics.apply(settings) == []


def test_what_a_broker_holds_is_there_after_it_was_killed_and_started_again(
    kafka_own: Server, new_settings: Callable[..., Settings]
) -> None:
    settings = new_settings(kafka_bootstrap=kafka_own.address)
    sent = send(settings, report(1))
    kafka_own.kill()
    kafka_own.start()
    assert topics.differences(settings) == []
    assert [record.value for record in records_of(settings, REPORTED.name, 1)] == [each.value for each in sent]


def test_a_missing_topic_is_named_and_made_again(settings: Settings) -> None:
    topics.delete(settings)
    assert {difference.topic for difference in topics.differences(settings)} == {topic.named(settings.namespace) for topic in TOPICS}
    assert len(topics.apply(settings)) == len(TOPICS)
    assert topics.differences(settings) == []


def test_a_changed_retention_is_found_and_set_back(settings: Settings) -> None:
    name = REPORTED.named(settings.namespace)
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs={"retention.ms": "1000"})])
    admin.close()
    until(lambda: topics.differences(settings), "the change to be seen")
    assert [str(difference) for difference in topics.differences(settings)] == [f"{name}: retention.ms is 1000, wanted 604800000"]
    topics.apply(settings)
    assert topics.differences(settings) == []


def test_partitions_of_reports_are_raised_but_those_of_cases_never(new_settings: Callable[..., Settings]) -> None:
    settings = new_settings()
    topics.delete(settings)
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    narrow = {topic.named(settings.namespace): {"num_partitions": 2, "replication_factor": 1} for topic in (REPORTED, CASE_EVENTS)}
    admin.create_topics(narrow, wait_for_metadata=True)
    with pytest.raises(UserError, match=r"cases\.events: partitions is 2, wanted 8; this cannot be changed in place"):
        topics.apply(settings)
    partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(narrow))}
    admin.close()
    assert list(partitions.values()).count(8) == 1 and partitions[REPORTED.named(settings.namespace)] == 8


def test_more_partitions_of_reports_than_the_contract_has_are_made_on_request_and_are_no_difference(settings: Settings) -> None:
    changed = topics.apply(settings, {REPORTED.name: 16})
    assert [str(each) for each in changed] == [f"{REPORTED.named(settings.namespace)}: partitions is 8, wanted 16"]
    assert topics.differences(settings) == []
    assert topics.apply(settings, {REPORTED.name: 16}) == topics.apply(settings) == []


@pytest.mark.parametrize(
    ("partitions", "message"),
    [
        ({"cases.events": 16}, "cases.events has 8 partitions, always"),
        ({"incidents.fates": 16}, "incidents.fates has 8 partitions, always"),
        ({"incidents.reported": 4}, "incidents.reported has at least 8 partitions, not 4"),
        ({"reports": 16}, "no topic 'reports'; there are incidents.reported"),
    ],
)
def test_a_count_that_may_not_be_is_refused_before_the_broker_is_asked(partitions: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        topics.apply(Settings.model_validate({"kafka_bootstrap": "127.0.0.1:1"}), partitions)


def test_a_broker_that_does_not_answer_is_one_message_with_the_next_act() -> None:
    with pytest.raises(UserError, match=r"no Kafka listens at 127\.0\.0\.1:1; .*cityloop up"):
        topics.differences(Settings.model_validate({"kafka_bootstrap": "127.0.0.1:1"}))
