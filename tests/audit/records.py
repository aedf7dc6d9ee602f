"""Hand-written records of one small, whole history: what intake, closure and the dead letters say of twelve reports."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

import orjson
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition

from adapters import reader
from adapters.bus import Out, Publisher
from adapters.fates import encode_fates
from adapters.hot import HotStore, Keys, connect
from config.settings import Settings
from config.topics import CASE_COMMANDS, CASE_EVENTS, CASES_LATEST, FATES, REJECTED, REPORTED
from incidents.case import Case
from incidents.commands import Place, SourceTotal
from incidents.vocabulary import Channel, Severity, State
from tests.hot import let_in

Keep = Callable[[str, Out], bool]
TIME = "2026-11-21T08:15:02+08:00"


def publish(settings: Settings, outs: Sequence[Out]) -> None:
    """All of them, durable on return."""

    async def run() -> None:
        publisher = Publisher(settings.kafka_bootstrap)
        await publisher.publish(outs)
        await publisher.close()

    asyncio.run(run())


@dataclass(frozen=True)
class History:
    """Partition 0: case A is opened at 0, merged at 1, 2, 4, resent at 3; 5 is rejected. Partition 1: case B, held and joined twice."""

    settings: Settings
    topic_id: str
    a: str = "QD-20261121-AAAAAAAAAA"
    b: str = "QD-20261121-BBBBBBBBBB"

    @classmethod
    def of(cls, settings: Settings) -> "History":
        """The history in the namespace of these settings; nothing is written yet."""
        return cls(settings, reader.state(settings.kafka_bootstrap, settings.named(REPORTED.name)).topic_id)

    def write(self, keep: Keep = lambda _name, _out: True) -> "History":
        """All records that `keep` wants (given the name of each), the commits of both groups, and the totals of the hot store."""
        kept = [out for name, out in self.records() if keep(name, out)]
        for _, of_topic in groupby(kept, key=lambda out: out.topic):  # no fate stands on the log before its report
            publish(self.settings, list(of_topic))
        for topic, group in ((REPORTED, "intake"), (CASE_COMMANDS, "closure")):
            commit(self.settings, topic.name, group)
        asyncio.run(self.fill({self.a: 4, self.b: 3}))
        return self

    def records(self) -> list[tuple[str, Out]]:
        """Every record, with a name of its own."""
        return [*self._reports(), *self._fates(), *self._facts(), ("rejected 0:5", self._dead(5))]

    def _out(self, topic: str, key: str, value: object, partition: int | None = None) -> Out:
        raw = value if isinstance(value, bytes) else orjson.dumps(value)
        return Out(self.settings.named(topic), key.encode(), raw, partition=partition)

    def _reports(self) -> list[tuple[str, Out]]:
        ids = [("/cameras/1", f"a{n}", 0) for n in (0, 1, 2, 2, 4)] + [("/cameras/2", f"b{n}", 1) for n in range(3)]
        made = [(f"report {i}", self._out(REPORTED.name, s, report(s, i), p)) for s, i, p in ids]
        return [*made, ("report bad", self._out(REPORTED.name, "/cameras/9", b"{", 0))]

    def _fates(self) -> list[tuple[str, Out]]:
        first = [(self.a, "opened", "opened", "r1", [0]), (self.a, "merged", "same_source 1 m 2 s", "r1", [1, 2])]
        second = [(None, "resent", "resent", "r1", [3]), (self.a, "merged", "same_place 12 m 340 s", "r1", [4])]
        third = [(None, "rejected", "not_json", "r1", [5])]
        other = [(self.b, "held", "held", "r1", [0]), (self.b, "merged", "held 2/3 same_source", "r1", [1, 2])]
        made = [("fates 0", 0, first), ("fates 1", 0, second), ("fates 2", 0, third), ("fates other", 1, other)]
        return [(name, self._out(FATES.name, str(p), encode_fates(self.topic_id, p, cast(Any, rows)), p)) for name, p, rows in made]

    def _facts(self) -> list[tuple[str, Out]]:
        a = [self.case(self.a, n, state, told) for n, state, told in ((1, "reported", 1), (2, "filed", 1), (3, "dispatched", 3))]
        b = [self.case(self.b, n, state, told) for n, state, told in ((1, "held", 1), (2, "reported", 3))]
        types = {1: "opened", 2: "filed", 3: "dispatched"}
        made = [(f"fact {case.case_id[-1]}{case.sequence}", fact(case, types[case.sequence])) for case in (*a, *b)]
        facts = [(name, self._out(CASE_EVENTS.name, value["data"]["case_id"], value)) for name, value in made]
        latest = [
            (f"latest {case.case_id[-1]}", self._out(CASES_LATEST.name, case.case_id, case.model_dump_json().encode()))
            for case in (a[-1], b[-1])
        ]
        return [*facts, *latest]

    def _dead(self, offset: int) -> Out:
        headers = {
            "error-reason": "not_json",
            "error-detail": "…",
            "error-stage": "intake",
            "origin-topic": self.settings.named(REPORTED.name),
            "origin-partition": "0",
            "origin-offset": str(offset),
        }
        return Out(self.settings.named(REJECTED.name), b"/cameras/9", b"{", tuple((k, v.encode()) for k, v in headers.items()), 0)

    def case(self, case_id: str, sequence: int, state: str, told: int) -> Case:
        """A case of this history after a fact; `told` sightings of its one camera so far."""
        source, partition = ("/cameras/1", 0) if case_id == self.a else ("/cameras/2", 1)
        total = {"count": told, "first": TIME, "last": TIME, "topic_id": self.topic_id, "partition": partition, "offset": told - 1}
        return Case.model_validate(
            {
                "case_id": case_id,
                "city": "QD",
                "origin": "qingdao",
                "sequence": sequence,
                "state": State(state),
                "level": "city",
                "category": "road_spillage",
                "channel": Channel.LOW_VIDEO,
                "severity": Severity.MAJOR,
                "source": source,
                "report_id": "a0",
                "place": Place(lon=120.38, lat=36.06, accuracy_m=15, district="370202"),
                "reason": "opened",
                "rules": "r1",
                **dict.fromkeys(("opened_at", "first_seen", "last_seen", "entered_at"), TIME),
                "totals": {source: SourceTotal.model_validate(total)},
            }
        )

    async def fill(self, counts: dict[str, int]) -> None:
        """The hot store: ready, these totals, both cases as they stand."""
        keys = Keys(self.settings.namespace, self.settings.city)
        redis = connect(self.settings.redis_url)
        cluster = (await asyncio.to_thread(reader.state, self.settings.kafka_bootstrap, self.settings.named(REPORTED.name))).cluster_id
        await let_in(HotStore(redis, keys, cluster))
        for case_id, count in counts.items():
            partition = 0 if case_id == self.a else 1
            text = f"{count}|0|9|{self.topic_id}|{partition}|{4 if partition == 0 else 2}"
            await redis.hset(f"{keys.sift}seen:{case_id}", f"/cameras/{partition + 1}", text)
        await redis.aclose()


def report(source: str, report_id: str) -> dict[str, object]:
    """A CloudEvent as a camera sends it."""
    place = {"lon": 120.3826, "lat": 36.0671}
    said = {"category": "road_spillage", "channel": "low_video", "location": place}
    return {"specversion": "1.0", "id": report_id, "source": source, "type": "city.incident.reported.v1", "time": TIME, "data": said}


def fact(case: Case, kind: str) -> dict[str, Any]:
    """The CloudEvent of a fact that leads to this case."""
    said = {
        "case_id": case.case_id,
        "sequence": case.sequence,
        "at": TIME,
        "actor": {"id": "system:closure", "role": "system"},
        "command_id": "c",
    }
    head = {"specversion": "1.0", "id": f"{case.case_id}:{case.sequence}", "source": f"/cases/{case.case_id}", "time": TIME}
    data = {**said, "note": None, "reason": None, "case": case.model_dump(mode="json")}
    return {**head, "type": f"city.case.{kind}.v1", "city": "QD", "origin": "qingdao", "sequence": case.sequence, "data": data}


def commit(settings: Settings, topic: str, group: str, back: int = 0) -> None:
    """The group has committed all of the topic but the last `back` records of each partition."""
    name = settings.named(topic)
    state = reader.state(settings.kafka_bootstrap, name)
    offsets = {TopicPartition(name, p): OffsetAndMetadata(max(0, end - back), state.topic_id, -1) for p, end in state.ends.items()}
    reader.state(settings.kafka_bootstrap, name, settings.named(group))  # waits for the coordinator of a young broker
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    admin.alter_group_offsets(settings.named(group), offsets)
    admin.close()


def cut_off(settings: Settings, topic: str, partition: int, before: int) -> None:
    """Delete the first records of a partition, as retention does."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    admin.delete_records({TopicPartition(settings.named(topic), partition): before})
    admin.close()
