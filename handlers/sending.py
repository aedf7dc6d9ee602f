"""One attempt: the channel writes, the transport carries, the channel judges. Whatever goes wrong becomes a verdict."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

from adapters.deliveries import Attempt
from handlers.channel import Channel, Failure, NotSent, Outcome, Outgoing, Target, Transport, Verdict
from incidents.notices import Notice


class Means(Protocol):
    """How to send."""

    @property
    def channels(self) -> Mapping[str, Channel]:
        """By kind."""

    @property
    def transports(self) -> Mapping[str, Transport]:
        """By scheme."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it, for the engine and for the record."""

    verdict: Verdict
    attempt: Attempt


async def sent(notices: Sequence[Notice], target: Target, means: Means) -> Sent:
    """Send these (several as one digest) to a target."""
    at, began = datetime.now(UTC), time.monotonic()
    verdict, status = await _told(notices, target, means, at)
    seconds = round(time.monotonic() - began, 3)
    reason = None if verdict.outcome is Outcome.OK else (verdict.reason or Failure.OTHER)
    return Sent(
        verdict, Attempt(at=at, seconds=seconds, outcome=verdict.outcome, reason=reason, status=status, detail=verdict.detail[:300])
    )


async def _told(notices: Sequence[Notice], target: Target, means: Means, at: datetime) -> tuple[Verdict, int | None]:
    channel = means.channels[target.kind]
    try:
        outgoing = _written(channel, notices, target, at)
    except ValueError as error:
        return Verdict(Outcome.REFUSED, Failure.CLIENT, None, f"cannot be written: {error}"), None
    transport = means.transports.get(urlsplit(outgoing.url).scheme)
    if transport is None:
        return Verdict(Outcome.REFUSED, Failure.CLIENT, None, "no transport for this address"), None
    try:
        answer = await transport.send(outgoing)
    except NotSent as error:
        return Verdict(Outcome.REFUSED if error.final else Outcome.RETRY, error.reason, None, error.detail), None
    try:
        verdict = channel.judge(answer.status, answer.headers, answer.body)
        if verdict.outcome is Outcome.OK and outgoing.complaint and (wrong := outgoing.complaint(answer.body)) is not None:
            verdict = Verdict(Outcome.RETRY, Failure.OTHER, None, wrong)
        return verdict, answer.status
    except ValueError as error:
        return Verdict(Outcome.RETRY, Failure.OTHER, None, f"its answer cannot be read: {error}"), answer.status


def _written(channel: Channel, notices: Sequence[Notice], target: Target, at: datetime) -> Outgoing:
    outgoing = channel.requests(notices[0] if len(notices) == 1 else channel.digest(notices), target, at)
    if len(outgoing.body) > channel.most_bytes:
        raise ValueError(f"{len(outgoing.body)} bytes; {channel.kind} takes {channel.most_bytes}")
    return outgoing
