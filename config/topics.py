"""Every topic, named once, with its partitions and retention (ARCHITECTURE.md §2)."""

from dataclasses import dataclass, field

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True)
class Topic:
    """A topic of the contract: bare name (the namespace is prefixed by `named`), partitions, Kafka configuration."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)

    def named(self, namespace: str) -> str:
        """The topic's name on the broker."""
        return f"{namespace}{self.name}"


def _kept(days: float, **more: str) -> dict[str, str]:
    return {"message.timestamp.type": "LogAppendTime", "retention.ms": str(int(days * DAY_MS)), **more}


UNPACKED = {"compression.type": "uncompressed"}
"""Where anybody may write, the broker unpacks what a client packed: ours know no codec but gzip, and would stop there for ever."""

REPORTED = Topic("incidents.reported", 8, _kept(7, **UNPACKED, **{"max.message.bytes": str(3 << 20)}))
REJECTED = Topic("incidents.rejected", 4, _kept(30, **{"max.message.bytes": str(4 << 20)}))
FATES = Topic("incidents.fates", 8, _kept(30, **{"max.message.bytes": str(4 << 20)}))
CASE_COMMANDS = Topic("cases.commands", 8, _kept(30, **UNPACKED, **{"max.message.bytes": str(4 << 20)}))
CASE_EVENTS = Topic("cases.events", 8, {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1", "max.message.bytes": str(4 << 20)})
CASES_LATEST = Topic(
    "cases.latest", 8, {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact", "max.message.bytes": str(4 << 20)}
)
UNIT_POSITIONS = Topic("units.positions", 4, _kept(1, **UNPACKED))
PRECEDENTS = Topic("routes.precedents", 1, {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact"})
RULE_SETS = Topic(
    "city.config", 1, {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact", "max.message.bytes": str(4 << 20)}
)
ALERTS_UNDELIVERED = Topic("alerts.undelivered", 4, _kept(30))

TOPICS = (REPORTED, REJECTED, FATES, CASE_COMMANDS, CASE_EVENTS, CASES_LATEST, UNIT_POSITIONS, PRECEDENTS, RULE_SETS, ALERTS_UNDELIVERED)
