"""Makes the Faust app of one role; nothing here is global and importing it connects to nothing.

Each role is an app of its own, with its own consumer group, and several live in one loop: whichever way the roles are spread over
processes, routing and projection each read every fact. A role that drives its own consumer (intake, closure) or none (clock) is the same
app with Faust's Kafka side left out. Settings that differ from Faust's defaults answer a trap each; STREAMS.md §1 has the measurements.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, cast

import faust
from faust.app.base import BootStrategy
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as kafka
from faust.types import TP
from mode import Service, ServiceT

from adapters.consumer import GATHERED, hold_back
from config.settings import Settings
from streams.agents import Agent

AT_ONCE, TOGETHER = (1, 1500), (GATHERED, 100)
"""Bytes for which the broker holds a fetch back, and ms at most: Faust's own, and while facts trickle in. Fetched one by one, a city's 210
a second took a tenth of a core in each agent and as much of the broker for two of them; together 0.065 and half of that."""

Lag = Mapping[tuple[str, int], int]
"""(bare topic, partition) -> records behind."""


class Part(Protocol):
    """A mode Service that is a role: `Batches`, the clock stage."""

    working: bool

    def lag(self) -> Mapping[int, int]:
        """Partition -> records behind."""


class _NoKafka(BootStrategy):
    enable_kafka = False
    enable_web = False


class _ConsumerOnly(BootStrategy):
    enable_kafka_producer = False  # agents publish through adapters.bus: idempotent, and a failure is seen (STREAMS.md §2, sends)
    enable_web = False


class RoleApp(faust.App):
    """A Faust app that is one role of the worker."""

    role: str

    @property
    def working(self) -> bool:
        """What readiness shows for this role."""
        raise NotImplementedError

    def lag(self) -> Lag:
        """How far this role is behind, as of its last fetch."""
        raise NotImplementedError

    async def on_first_start(self) -> None:
        """No tables, so no folders for them."""


class ServiceApp(RoleApp):
    """A role that is one service of our own."""

    BootStrategy = _NoKafka
    part: Part
    reads: str

    async def on_start(self) -> None:
        """As Faust's, but makes no consumer: it would hold a thread's loop that nobody closes."""
        self.finalize()

    @property
    def working(self) -> bool:
        """The service's own word, once started."""
        return bool(self.started and self.part.working)

    def lag(self) -> Lag:
        """The service's own figure."""
        return {(self.reads, partition): behind for partition, behind in self.part.lag().items()}


class _GatheringThread(kafka.AIOKafkaConsumerThread):
    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109  # Faust's signature
        """The next records. After some the next fetch gathers; after a second of silence the first one comes at once."""
        records = await super().getmany(active_partitions, timeout)
        hold_back(self._ensure_consumer(), *(TOGETHER if records else AT_ONCE))
        return records


class _GatheringConsumer(kafka.Consumer):
    def _new_consumer_thread(self) -> kafka.AIOKafkaConsumerThread:
        return _GatheringThread(self, loop=self.loop, beacon=self.beacon)


class _GatheringTransport(kafka.Transport):
    Consumer = _GatheringConsumer


class AgentApp(RoleApp):
    """A role that is one agent on a topic."""

    BootStrategy = _ConsumerOnly
    agent_body: Agent[Any]

    @property
    def working(self) -> bool:
        """Partitions are ours, no rebalance is under way, and the agent is not waiting for an engine."""
        return bool(self.started and not self.rebalancing and self.consumer.assignment() and self.agent_body.working)

    def lag(self) -> Lag:
        """Records between the last handled one and the end of the log, for partitions that were read from."""
        if not self.started:
            return {}
        ends = {tp.partition: self.consumer.highwater(tp) for tp in self.consumer.assignment()}
        handled = self.agent_body.handled
        return {
            (self.agent_body.reads.name, p): max(0, end - handled[p] - 1) for p, end in ends.items() if end is not None and p in handled
        }


A = TypeVar("A", bound=RoleApp)


def service_app(settings: Settings, role: str, reads: str, part: Part) -> ServiceApp:
    """The app of a role that is a service; `reads` is the bare name of the topic it reads, for its lag."""
    app = _app(ServiceApp, settings, role)
    app.part, app.reads = part, reads
    app.service(cast(type[ServiceT], part))  # Faust takes an instance too, its annotation only a class
    return app


def agent_app(settings: Settings, body: Agent[Any], beside: Service | None = None) -> AgentApp:
    """The app of a role that is an agent on a topic; its group is `<namespace>cityloop-<role>`. `beside` is started and stopped with it."""
    app = _app(AgentApp, settings, body.name)
    app.transport = _GatheringTransport(app.conf.broker_consumer, app)
    app.agent_body = body
    topic = app.topic(settings.named(body.reads.name), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(topic, name=body.name)(body.run)
    if beside is not None:
        app.service(cast(type[ServiceT], beside))
    return app


def _app(kind: Callable[..., A], settings: Settings, role: str) -> A:
    app = kind(
        settings.named(f"cityloop-{role}"),
        broker=[f"kafka://{address}" for address in settings.kafka_bootstrap.split(",")],
        autodiscover=False,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,  # `cityloop topics apply` makes topics; a declared one would have Faust's partitions
        consumer_auto_offset_reset="earliest",  # a new group reads every fact
        broker_session_timeout=3.0,  # Faust's 60 s leave a killed worker's partitions idle for that long
        broker_heartbeat_interval=1.0,
        broker_request_timeout=10.0,
        broker_rebalance_timeout=10.0,
        broker_commit_interval=0.5,
        stream_wait_empty=False,  # else stopping and rebalancing wait for an engine that is away, without end; unacked facts come again
        stream_buffer_maxsize=4096,
    )
    app.role = role
    return app
