"""The Common Alerting Protocol 1.2 (OASIS, CAP-v1.2-os): a warning of an authority as a value, and as an alert that is posted.

Only what a case is made of is kept. `Actual` messages count; an exercise, a test, a draft or what networks tell each other is
answered and never becomes a case, so nobody is sent anywhere.
"""

import math
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, Field

from incidents.catalogue import WARNING, Bounds, City, Frozen
from incidents.events import Location
from incidents.places import inside
from incidents.posted import CLOCK_ERROR, WARNING_AFTER, Posted
from incidents.severity_scales import severity_of
from incidents.vocabulary import Severity

CATEGORY_CODE = "cityloop:category"
"""`valueName` of an `eventCode` that names a category of the city's catalogue instead of `warning`."""
LANGUAGES = ("zh", "en")
METRES_PER_DEGREE = 111_320
MOST_ACCURACY_M = 100_000


class Status(StrEnum):
    """How a message is meant."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    """What a message does."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Info(Frozen):
    """One description of the event, in one language. `polygons` hold (lat, lon) rings, `circles` (lat, lon, radius in km)."""

    language: str = "en-US"
    event: str
    severity: str
    urgency: str = ""
    certainty: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    sender_name: str = ""
    web: str = ""
    codes: dict[str, str] = {}
    onset: AwareDatetime | None = None
    effective: AwareDatetime | None = None
    expires: AwareDatetime | None = None
    areas: tuple[str, ...] = ()
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    circles: tuple[tuple[float, float, float], ...] = ()


class CapMessage(Frozen):
    """One message. `references` are the names of those it is about."""

    identifier: str = Field(min_length=1, max_length=256)
    sender: str = Field(min_length=1, max_length=256)
    sent: AwareDatetime
    status: Status
    kind: MsgType
    references: tuple[str, ...] = ()
    note: str = ""
    infos: tuple[Info, ...] = ()

    @property
    def name(self) -> str:
        """As others refer to it."""
        return reference(self.sender, self.identifier, self.sent)

    @property
    def info(self) -> Info | None:
        """The description that operators read: Chinese, else English, else the first."""
        for language in LANGUAGES:
            for each in self.infos:
                if each.language.lower().startswith(language):
                    return each
        return self.infos[0] if self.infos else None


def reference(sender: str, identifier: str, sent: datetime) -> str:
    """The name of a message: the same moment is the same name, however it is written."""
    return f"{sender},{identifier},{int(sent.timestamp())}"


def alert_of(message: CapMessage, info: Info, city: City, now: datetime, known: Posted | None = None) -> Posted:
    """The alert that a message begins, or as it stands after an update (`known`, whose labels name it).

    Raises ValueError when it has no end that is after its beginning, and for a category that the city does not know.
    """
    category = known.category if known else info.codes.get(CATEGORY_CODE, WARNING)
    if category not in city.catalogue:
        raise ValueError(f"eventCode {CATEGORY_CODE} = {category!r} is no category of the catalogue")
    starts = info.onset or info.effective or message.sent
    starts = now if starts > now + CLOCK_ERROR else starts  # it is told of now, and cannot begin later than it is known
    said = {
        "headline": info.headline,
        "description": info.description,
        "instruction": info.instruction,
        "urgency": info.urgency,
        "severity": info.severity,
        "certainty": info.certainty,
        "onset": info.onset.isoformat() if info.onset else "",
        "area": "; ".join(info.areas),
        "sender_name": info.sender_name,
        "status": message.kind.value,
    }
    labels = {"alertname": info.event, "sender": message.sender, "identifier": message.identifier}
    return Posted(
        labels=known.labels if known else labels,
        annotations={name: text[:4000] for name, text in said.items() if text},
        starts_at=known.starts_at if known else starts,
        ends_at=info.expires or now + WARNING_AFTER,
        updated_at=now,
        timed_out=info.expires is None,
        generator=info.web,
        category=category,
        severity=severity_of(info.severity) or Severity.NORMAL,
        place=known.place if known else place_of(info, city.bounds),
    )


def cancelled(known: Posted, message: CapMessage, now: datetime) -> Posted:
    """The alert as it stands when its source takes it back."""
    note = {"note": message.note[:4000]} if message.note else {}
    said = {**known.annotations, **note, "status": message.kind.value}
    end = max(known.starts_at, now - timedelta(milliseconds=1))
    return known.model_copy(update={"annotations": said, "ends_at": end, "updated_at": now, "timed_out": False})


def place_of(info: Info, bounds: Bounds) -> Location | None:
    """The middle of the first area that lies in the city, with its reach as accuracy; None where there is none.

    CAP writes latitude first.
    """
    rings = (_round(ring) for ring in info.polygons)
    for lat, lon, radius_m in (*((lat, lon, km * 1000) for lat, lon, km in info.circles), *rings):
        if inside(bounds, lon, lat):
            return {"lon": round(lon, 6), "lat": round(lat, 6), "accuracy_m": min(MOST_ACCURACY_M, max(1.0, round(radius_m)))}
    return None


def _round(ring: tuple[tuple[float, float], ...]) -> tuple[float, float, float]:
    """The circle about the middle of a ring's corners that holds them all."""
    corners = ring[:-1]
    lat, lon = (sum(corner[axis] for corner in corners) / len(corners) for axis in (0, 1))
    shrink = math.cos(math.radians(lat))
    reach = max(math.hypot(corner[0] - lat, (corner[1] - lon) * shrink) for corner in corners)
    return lat, lon, reach * METRES_PER_DEGREE
