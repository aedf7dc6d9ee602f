"""Dead letters of notices: what was given up goes to `alerts.undelivered`, whole, with every attempt; and what is told of failing targets.

A record's key is the target, its value the delivery as JSON; headers as on the other dead letters. It may stand there twice, never not.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import orjson

from adapters.bus import Bus, Out
from adapters.deliveries import Delivery
from incidents.notices import Notice

Bury = Callable[[Sequence[Delivery]], Awaitable[None]]


def on_topic(bus: Bus, topic: str) -> Bury:
    """Puts deliveries on the topic. What it returns raises TryAgain when Kafka is away."""

    async def bury(dead: Sequence[Delivery]) -> None:
        await bus.publish([Out(topic, each.target.encode(), _record(each), _headers(each)) for each in dead])

    return bury


def _record(dead: Delivery) -> bytes:
    return orjson.dumps(
        {
            "delivery": dead.id,
            "target": dead.target,
            "line": dead.line,
            "sequence": dead.sequence,
            "queued_at": datetime.fromtimestamp(dead.queued_ms / 1000, UTC).isoformat(),
            "digest": dead.digest,
            "notice": None if dead.notice is None else dead.notice.model_dump(mode="json"),
            "attempts": [attempt.model_dump(mode="json") for attempt in dead.attempts],
        }
    )


def _headers(dead: Delivery) -> tuple[tuple[str, bytes], ...]:
    last = dead.attempts[-1]
    return (
        ("stage", b"hooks"),
        ("error-reason", (last.reason or last.outcome).encode()),
        ("error-detail", last.detail.encode()[:500]),
        ("attempts", str(len(dead.attempts)).encode()),
        ("first-failed-at", dead.attempts[0].at.isoformat().encode()),
    )


def operational(event: str, target: str, detail: str, since: datetime) -> Notice:
    """A notice about a target: `endpoint.failing`, `endpoint.recovered` or `endpoint.disabled`. The same event has one id."""
    unique = hashlib.sha256(f"{event} {target} {since.isoformat()}".encode()).hexdigest()[:24]
    return Notice(
        id=f"ops_{unique}",
        group_key=f"endpoint {target}",
        group_labels={"target": target, "detail": detail},
        receiver="operations",
        reason=event,
        alerts=(),
        status="resolved" if event == "endpoint.recovered" else "firing",
        at=since,
        sequence=int(since.timestamp() * 1000),
        fact=event,
    )
