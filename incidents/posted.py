"""Alerts that other systems post: what Prometheus and Alertmanager say of themselves, and warnings of authorities.

An alert is named by its labels, lasts from its first firing to its end, and each time it lasts is one report and so one case. How a
repeat meets what is known is Alertmanager's rule (alert/alert.go, provider/mem, api/v2): the earliest start wins, the latest end that
somebody said, what nobody repeats in time is over; after an end without an overlap it is a new occurrence. Kept by adapters/posted.py.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from incidents.catalogue import SYSTEM, WARNING, City, Frozen
from incidents.commands import Statement
from incidents.events import REPORT_TYPE, CaseId, Location, case_id, epoch_ms
from incidents.severity_scales import severity_of
from incidents.vocabulary import Channel, Severity

RESOLVED_AFTER = timedelta(minutes=5)
"""Alertmanager's `resolve_timeout`: an alert without an end is over when nobody repeats it for so long."""
WEBHOOK_AFTER = timedelta(hours=120)
"""The same for what Alertmanager's webhook told, which says itself when it is over: the longest that Alertmanager remembers telling."""
WARNING_AFTER = timedelta(hours=24)
"""The same for a warning without `expires`; CAP leaves it to the recipient."""
CLOCK_ERROR = timedelta(minutes=5)
MOST_LABELS, MOST_BYTES = 64, 32_000
"""Of one alert: labels or annotations, and bytes of all of it."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,127}$")]
Text = Annotated[str, Field(max_length=4096)]

_OFFSET, _PRIME, _SEPARATOR = 14695981039346656037, 1099511628211, 255


class Posted(Frozen):
    """One alert as it was posted. `timed_out` marks an end that nobody said. `place` and the severity are a warning's own."""

    labels: dict[Name, Text] = Field(min_length=1, max_length=MOST_LABELS)
    annotations: dict[Name, Text] = Field(default={}, max_length=MOST_LABELS)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    updated_at: AwareDatetime
    timed_out: bool = False
    generator: str = Field("", max_length=2048)
    category: str = SYSTEM
    severity: Severity = Severity.NORMAL
    place: Location | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.ends_at < self.starts_at:
            raise ValueError("the alert ends before it starts")
        if len(self.model_dump_json()) > MOST_BYTES:
            raise ValueError(f"the alert is larger than {MOST_BYTES} bytes")
        return self

    @property
    def fingerprint(self) -> str:
        """Names the alert, as Alertmanager does."""
        return fingerprint(self.labels)

    def fires(self, at: datetime) -> bool:
        """Whether it is not over at this moment."""
        return at < self.ends_at

    @property
    def title(self) -> str:
        """What it is about, for people: a line."""
        said = (self.annotations.get(name) for name in ("summary", "headline", "message", "description", "title"))
        return next(filter(None, said), None) or self.labels.get("alertname", "alert")


def fingerprint(labels: Mapping[str, str]) -> str:
    """FNV-1a, 64 bits, of the labels by name, as Prometheus has it (common/model/signature.go).

    >>> fingerprint({"alertname": "Down", "job": "api"})
    'c89fba827b26e2d5'
    """
    found = _OFFSET
    for name in sorted(labels):
        for byte in (*name.encode(), _SEPARATOR, *labels[name].encode(), _SEPARATOR):
            found = ((found ^ byte) * _PRIME) & 0xFFFF_FFFF_FFFF_FFFF
    return f"{found:016x}"


def posted(said: Mapping[str, Any], now: datetime, over_after: timedelta = RESOLVED_AFTER) -> Posted:
    """The alert of `{labels, annotations, startsAt, endsAt, generatorURL}` with parsed times or None. Raises ValidationError.

    Labels without a value are no labels. Without an end it lasts `over_after` from now, without a start it starts now or at its end.
    """
    ends = said.get("endsAt")
    labels = {name: value for name, value in said["labels"].items() if value}
    return Posted(
        labels=labels,
        annotations=said.get("annotations") or {},
        starts_at=said.get("startsAt") or ends or now,
        ends_at=ends or max(said.get("startsAt") or now, now) + over_after,
        updated_at=now,
        timed_out=ends is None,
        generator=said.get("generatorURL") or "",
        severity=severity_of(labels.get("severity", "")) or Severity.NORMAL,
    )


def met(known: Posted | None, told: Posted, now: datetime) -> Posted:
    """What is known after `told`, which is the younger word."""
    if known is None or not _overlap(known, told):
        return told
    ends = told.ends_at
    if told.fires(now):
        if known.ends_at > ends and not known.timed_out:
            ends = known.ends_at
    elif not known.fires(now):
        ends = max(ends, known.ends_at)
    return told.model_copy(update={"starts_at": min(known.starts_at, told.starts_at), "ends_at": ends})


def _overlap(known: Posted, told: Posted) -> bool:
    return known.starts_at < told.ends_at < known.ends_at or known.starts_at < told.starts_at < known.ends_at


class Occurrence(Frozen):
    """The report of one time that an alert fires, and the case that it opens."""

    case_id: CaseId
    report: dict[str, Any]


def occurrence(alert: Posted, city: City, at: datetime) -> Occurrence:
    """The alert begins to fire; `at` is the city's clock, by which the report is dated, for the sender's clock may be any."""
    name, time_ms = alert.fingerprint, epoch_ms(at)
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    source, report_id = f"/alerts/{name}", f"{name}-{time_ms}"
    data: dict[str, Any] = {
        "category": alert.category,
        "channel": Channel.BUSINESS_DATA,
        "severity": alert.severity,
        "description": alert.title[:2000],
        "attributes": {
            "labels": alert.labels,
            "annotations": alert.annotations,
            "starts_at": alert.starts_at.isoformat(),
            "generator_url": alert.generator,
        },
    }
    # An alert happens nowhere; intake wants a name for the thing where there is no place, and its category is matched by neither.
    data |= {"part_id": name} if alert.place is None else {"location": alert.place}
    head = {"specversion": "1.0", "id": report_id, "source": source, "type": REPORT_TYPE, "time": moment.isoformat(timespec="milliseconds")}
    day = moment.astimezone(city.worktime.zone).strftime("%Y%m%d")
    return Occurrence(case_id=case_id(city.code, day, source, report_id, time_ms), report=json.loads(json.dumps({**head, "data": data})))


def statement(alert: Posted, message: str, at: datetime) -> Statement:
    """What an update of a warning says, in its own words: kept beside the case as a person's would be."""
    return Statement(
        source=f"/alerts/{alert.fingerprint}", id=message[:256], time=at, channel=Channel.BUSINESS_DATA, description=alert.title[:2000]
    )


__all__ = ["SYSTEM", "WARNING", "Occurrence", "Posted", "fingerprint", "met", "occurrence", "posted", "statement"]
