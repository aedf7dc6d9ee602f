"""Creates and checks the topics of the contract on a broker: `cityloop topics apply|check`, the stack and the tests use it.

Partition counts of `cases.*` never change once there: one case lives in one partition, and that is what keeps its facts in order. Nor do
those of `incidents.fates`: what was said of a partition's reports is looked for in one place. Elsewhere more are as good.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAlreadyExistsError

from adapters.stack_engines import listens
from config.settings import Settings
from config.topics import FATES, TOPICS, Topic
from incidents.errors import UserError

FIXED_PARTITIONS = ("cases.", FATES.name)  # bare names that begin so
CHANGES_WITHIN_S = 30.0
MORE_REPLICAS = 3  # from here on a write waits for two of them


@dataclass(frozen=True)
class Difference:
    """One thing in which a topic on the broker is not as the contract says; `found` is None when it is not there at all."""

    topic: str
    what: str
    wanted: str
    found: str | None
    fixable: bool = True

    def __str__(self) -> str:
        """One line for people."""
        if self.found is None:
            return f"{self.topic}: missing ({self.what})"
        remedy = "" if self.fixable else "; this cannot be changed in place: use another CITYLOOP_NAMESPACE, or move the topic by hand"
        return f"{self.topic}: {self.what} is {self.found}, wanted {self.wanted}{remedy}"


def differences(settings: Settings) -> list[Difference]:
    """Everything in which the broker's topics differ. Raises UserError when the broker does not answer."""
    with _admin(settings) as admin:
        return _differences(admin, settings, _wanted(settings))


def apply(settings: Settings, partitions: Mapping[str, int] = MappingProxyType({})) -> list[Difference]:
    """Creates what is missing, raises partitions, fixes configurations; returns what it changed.

    `partitions` asks for more of them than the contract, by bare name. Raises UserError when that is not possible, when the broker does not
    answer, and, after doing all that can be done, when something cannot be changed in place.
    """
    wanted = _wanted(settings, partitions)
    with _admin(settings) as admin:
        found = _differences(admin, settings, wanted)
        missing = {difference.topic for difference in found if difference.found is None}
        _create(admin, settings, {name: wanted[name] for name in missing})
        for name, topic in wanted.items():
            _fix(admin, topic, name, settings, [each for each in found if each.topic == name and each.fixable and name not in missing])
        if found:
            _wait_for("topics to change", lambda: not any(each.fixable for each in _differences(admin, settings, wanted)))
    if refused := [difference for difference in found if not difference.fixable]:
        raise UserError("topics differ:\n  " + "\n  ".join(map(str, refused)))
    return found


def delete(settings: Settings) -> None:
    """Deletes every topic of this namespace and returns when they are gone. The tests use it.

    Raises UserError when the broker does not answer, or when a topic is still there after 30 s.
    """
    mine = {topic.named(settings.namespace) for topic in TOPICS}
    with _admin(settings) as admin:
        if there := mine & set(admin.list_topics()):
            admin.delete_topics(list(there))
        _wait_for("topics to go", lambda: not mine & set(admin.list_topics()))


def wanted_config(topic: Topic, settings: Settings) -> dict[str, str]:
    """The topic's configuration on the broker, with what follows from the replication setting."""
    safety = {"min.insync.replicas": "2"} if settings.replication >= MORE_REPLICAS else {}
    return {"cleanup.policy": "delete", **topic.config, **safety}


@contextmanager
def _admin(settings: Settings) -> Iterator[Any]:
    act = "start one with `cityloop up`, or set CITYLOOP_KAFKA_BOOTSTRAP"
    brokers = settings.kafka_bootstrap.split(",")
    try:
        if not any(listens(broker) for broker in brokers):  # asked first: the client would ask for 5 s, and leak its sockets
            raise UserError(f"no Kafka listens at {settings.kafka_bootstrap}; {act}")
        admin = KafkaAdminClient(bootstrap_servers=brokers, bootstrap_timeout_ms=5_000)
    except (KafkaError, OSError, ValueError) as error:
        raise UserError(f"no Kafka answers at {settings.kafka_bootstrap} ({type(error).__name__}); {act}") from None
    try:
        yield admin
    except KafkaTimeoutError as error:
        raise UserError(f"Kafka at {settings.kafka_bootstrap} stopped answering ({error}); {act}") from None
    finally:
        admin.close()


def _wanted(settings: Settings, partitions: Mapping[str, int] = MappingProxyType({})) -> dict[str, Topic]:
    """The topics by their names on the broker, some with more partitions. Raises UserError when a count may not be."""
    contract = {topic.name: topic for topic in TOPICS}
    for name, many in partitions.items():
        if name not in contract:
            raise UserError(f"no topic {name!r}; there are {', '.join(contract)}")
        least = contract[name].partitions
        if many != least and name.startswith(FIXED_PARTITIONS):
            raise UserError(f"{name} has {least} partitions, always: what stands in order there would do so no more")
        if many < least:
            raise UserError(f"{name} has at least {least} partitions, not {many}")
    return {topic.named(settings.namespace): replace(topic, partitions=partitions.get(topic.name, topic.partitions)) for topic in TOPICS}


def _differences(admin: Any, settings: Settings, wanted: Mapping[str, Topic]) -> list[Difference]:
    there = [name for name in admin.list_topics() if name in wanted]
    found = [
        Difference(name, f"{topic.partitions} partitions", str(topic.partitions), None)
        for name, topic in wanted.items()
        if name not in there
    ]
    if not there:
        return found
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in there], config_filter="All")
    configs = next(iter(described.values()))
    for described_topic in admin.describe_topics(there):
        name = described_topic["name"]
        found += _shape(name, wanted[name], settings, described_topic["partitions"])
        found += _config(name, wanted_config(wanted[name], settings), configs[name])
    return found


def _shape(name: str, topic: Topic, settings: Settings, partitions: list[dict[str, Any]]) -> Iterator[Difference]:
    count = len(partitions)
    fixed = topic.name.startswith(FIXED_PARTITIONS)
    if count < topic.partitions or (fixed and count != topic.partitions):
        yield Difference(name, "partitions", str(topic.partitions), str(count), fixable=not fixed)
    replicas = min(len(partition["replica_nodes"]) for partition in partitions)
    if replicas < settings.replication:
        yield Difference(name, "replicas", str(settings.replication), str(replicas), fixable=False)


def _config(name: str, wanted: dict[str, str], effective: dict[str, dict[str, Any]]) -> Iterator[Difference]:
    for key, value in wanted.items():
        found = str(effective[key]["value"])
        if found != value:
            yield Difference(name, key, value, found)


def _create(admin: Any, settings: Settings, missing: Mapping[str, Topic]) -> None:
    new = {
        name: {"num_partitions": topic.partitions, "replication_factor": settings.replication, "configs": wanted_config(topic, settings)}
        for name, topic in missing.items()
    }
    if not new:
        return
    try:
        admin.create_topics(new)
    except TopicAlreadyExistsError:
        pass  # another `apply` at the same time
    except KafkaError as error:
        raise UserError(f"Kafka at {settings.kafka_bootstrap} refuses to create topics: {error}") from None
    admin.wait_for_topics(list(new), timeout_ms=int(CHANGES_WITHIN_S * 1000))


def _fix(admin: Any, topic: Topic, name: str, settings: Settings, found: list[Difference]) -> None:
    if any(difference.what == "partitions" for difference in found):
        admin.create_partitions({name: topic.partitions})
    if any(difference.what != "partitions" for difference in found):
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=wanted_config(topic, settings))])


def _wait_for(what: str, done: Callable[[], bool]) -> None:
    """The controller decides at once, but the broker shows it a moment later."""
    deadline = time.monotonic() + CHANGES_WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            raise UserError(f"waited {CHANGES_WITHIN_S:.0f} s for {what}; look at the broker's log")
        time.sleep(0.02)
