"""Reports that come in over HTTP: judged as intake would judge them, given city and origin, sealed, and durable before anybody is told.

What intake would reject is refused here, with the reason, and never reaches Kafka; so a 202 means a report that can only become a case,
join one or be told as a resend. The bytes of a report without personal data travel as they came.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec
from pydantic_core import from_json, to_json

from adapters import metrics
from adapters.bus import Bus, Out
from adapters.clock import CityClock
from console.problems import SHOWN, Problem
from incidents.catalogue import City
from incidents.errors import BadReport, RejectReason
from incidents.events import ReportEvent
from incidents.sealing import may_be_personal
from incidents.steps import intake

MOST_REPORTS = 1_000
MOST_UNDER_WAY = 20_000
"""Reports that one process may be waiting with for Kafka; then 429."""
YIELD_EVERY = 100
"""Reports between two looks at the loop, which the feeds share: a millisecond or two."""

_FIELD = re.compile(r"(?:data|specversion|id|source|type|time|city|origin)\b[\w.]*")
_FIELDS = {
    RejectReason.BAD_TIME: "time",
    RejectReason.TOO_OLD: "time",
    RejectReason.IN_FUTURE: "time",
    RejectReason.OTHER_CITY: "city",
    RejectReason.UNKNOWN_CATEGORY: "data.category",
    RejectReason.OUT_OF_BOUNDS: "data.location",
    RejectReason.NO_LOCATION: "data.location",
    RejectReason.BAD_PLATE: "data.plate",
}

_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Seals(Protocol):
    """What is needed of `adapters.seals`."""

    def seal_reports(self, reports: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """The reports with every personal value sealed, in this order. Blocks; raises TryAgain, and BadReport."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One report that was not taken: its place in the request, the field, and what is right."""

    index: int
    reason: RejectReason
    path: str | None
    detail: str

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"index": self.index, "reason": self.reason, "path": self.path, "detail": self.detail}


@dataclass
class Looked:
    """The reports of one request: which may go on, and which not."""

    outs: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Key and value."""
    ids: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    personal: list[int] = field(default_factory=list)
    """Places in `outs` of those that may hold personal data."""


class Reports:
    """Takes reports in; one per process."""

    def __init__(self, city: City, topic: str, clock: CityClock, publisher: Bus, seals: Seals) -> None:
        self._city = city
        self._topic = topic
        self._clock = clock
        self._publisher = publisher
        self._seals = seals
        self._under_way = 0

    async def take(self, values: Sequence[bytes | BadReport], partial: bool = False) -> Looked:
        """Judge, seal and publish; durable on return. With a report refused nothing is taken, unless `partial`.

        What is a BadReport already was refused by whoever made reports of something else.

        Raises Problem 429 when Kafka is behind, TryAgain when it (or the store of keys) is away: then the request may be repeated, and
        what was durable already is told as a resend.
        """
        if self._under_way + len(values) > MOST_UNDER_WAY:
            detail = f"{self._under_way} reports wait for Kafka: send this request again in a second"
            raise Problem(429, "too_many", "Too many reports at once", detail, headers={"Retry-After": "1"})
        self._under_way += len(values)
        try:
            looked = await self._look(values)
            if looked.outs and (partial or not looked.refused):
                await self._seal(looked)
                await self._publisher.publish([Out(self._topic, key, value) for key, value in looked.outs])
                metrics.PUBLISHED.labels("api").inc(len(looked.outs))
        finally:
            self._under_way -= len(values)
        return looked

    async def _look(self, values: Sequence[bytes | BadReport]) -> Looked:
        looked, city = Looked(), self._city
        head = f'{{"city":"{city.code}",'.encode()
        origin = f'{{"origin":"{city.key}",'.encode()
        appended = self._clock.now() if self._clock.speed else None  # a clock of events bounds nothing
        for index, value in enumerate(values):
            if index % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            try:
                if isinstance(value, BadReport):
                    raise value
                event = judged(value, city, appended)
            except BadReport as error:
                looked.refused.append(refused(index, error))
                continue
            if not event.get("city"):
                value = head + value[1:]
            if "origin" not in event:
                value = origin + value[1:]
            if may_be_personal(value):
                looked.personal.append(len(looked.outs))
            looked.outs.append((event["source"].encode(), value))
            looked.ids.append(event["id"])
        return looked

    async def _seal(self, looked: Looked) -> None:
        if not looked.personal:
            return
        plain = [from_json(looked.outs[at][1]) for at in looked.personal]
        sealed = await asyncio.to_thread(self._seals.seal_reports, plain)
        for at, report in zip(looked.personal, sealed, strict=True):
            looked.outs[at] = looked.outs[at][0], to_json(report)


def judged(value: bytes, city: City, appended: datetime | None) -> ReportEvent:
    """The report in these bytes, which this city's intake would take when appended now. Raises BadReport as intake does.

    `appended` None: the clock bounds nothing.
    """
    event = intake.read(value)
    at = intake.moment(event)
    if appended is not None:
        intake.judge_time(at, city, appended)
    category = intake.category_of(event, city)
    intake.point(event["data"], city)
    intake.identity(event["data"], category)
    return event


def refused(index: int, error: BadReport) -> Refused:
    """Why a report was not taken. What may be personal is named and not repeated."""
    found = _FIELD.match(error.detail)
    path = _FIELDS.get(error.reason) or (found[0] if found else None)
    if path is None and error.detail.startswith("condition "):
        path = "data.condition"
    return Refused(index, error.reason, path, error.detail)


def items(body: bytes) -> list[bytes]:
    """The elements of a JSON array, each as the bytes it was written with. Raises Problem 422 and 413."""
    try:
        found = _decode_array(body)
    except msgspec.DecodeError as error:
        raise not_json(str(error)) from None
    if len(found) > MOST_REPORTS:
        detail = f"{len(found)} reports in one array; send at most {MOST_REPORTS} at once"
        raise Problem(413, "too_large", "That is too much for one request", detail)
    return [bytes(each) for each in found]


def not_json(why: str) -> Problem:
    """The body is no JSON, or not the kind that the media type says."""
    return Problem(422, "not_json", "The body cannot be read", f"{why}; send one CloudEvent as JSON, or an array of them")


def refusal(looked: Looked) -> Problem:
    """422: none of the request was taken."""
    first = looked.refused[0]
    where = f"report {first.index}" + (f", {first.path}" if first.path else "")
    more = f" (and {len(looked.refused) - 1} more)" if len(looked.refused) > 1 else ""
    detail = f"{where}: {first.detail}{more}; nothing of the request was taken: mend it and send all again, or say ?partial=true"
    errors = [each.told() for each in looked.refused[:SHOWN]]
    return Problem(422, "bad_report", "A report cannot be taken", detail, refused=len(looked.refused), errors=errors)
