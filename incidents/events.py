"""What travels: CloudEvents 1.0 in JSON, and the report inside one (ARCHITECTURE.md §2).

The report is a TypedDict and not a model on purpose: intake validates ten thousands a second, and pydantic's compiled validator
needs 1.5 µs for a TypedDict against 3.3 µs for a BaseModel (PERFORMANCE.md). Everything behind intake is a frozen model.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal, NewType, NotRequired

from pydantic import AwareDatetime, ConfigDict, Discriminator, Field, Tag, with_config
from typing_extensions import TypedDict

from incidents.geography import Datum as Datum
from incidents.vocabulary import Channel, Severity

CaseId = NewType("CaseId", str)

REPORT_TYPE = "city.incident.reported.v1"
COMMAND_TYPE = "city.case.command.v1"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Short = Annotated[str, Field(min_length=1, max_length=256)]
Long = Annotated[str, Field(max_length=8000)]
Degrees = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Moment = Annotated[AwareDatetime, Field(strict=True)]  # text with an offset, no epoch number


def _kind(value: object) -> str:
    return "sealed" if isinstance(value, dict) else "plain"


def _kind_of_person(value: object) -> str:
    return "sealed" if isinstance(value, dict) and "sealed" in value else "plain"


@with_config(ConfigDict(extra="forbid"))
class Sealed(TypedDict):
    """A personal value under a key of its own; equality is asked of `match` (an HMAC) only."""

    sealed: Annotated[str, Field(max_length=4096)]
    key: Short
    match: Short


Seal = Annotated[Sealed, Tag("sealed")]
KNOWN_ONLY = ConfigDict(extra="ignore")  # said, for else these would inherit from what holds them; their unknown keys are not kept
EITHER = Discriminator(_kind)
"""Plain or sealed is told apart before validation, so that a seal with a part missing is refused as what it is."""


@with_config(ConfigDict(extra="allow"))
class Location(TypedDict):
    """Where, in degrees of `datum` (WGS-84 unless said); without both coordinates only an address is left of it."""

    lon: NotRequired[Degrees]
    lat: NotRequired[Degrees]
    datum: NotRequired[Datum | None]
    accuracy_m: NotRequired[Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False, strict=True)] | None]
    address: NotRequired[Annotated[str, Field(max_length=500)] | None]


Level = Annotated[str, Field(max_length=64)] | Annotated[int, Field(strict=True, ge=-9999, le=9999)]


@with_config(KNOWN_ONLY)
class Building(TypedDict):
    """A building by id; unit and floor are household data and may be sealed."""

    id: Short
    unit: NotRequired[Annotated[Annotated[Level, Tag("plain")] | Seal, EITHER] | None]
    floor: NotRequired[Annotated[Annotated[Level, Tag("plain")] | Seal, EITHER] | None]


@with_config(KNOWN_ONLY)
class EvidenceDict(TypedDict):
    """A picture or a recording, by address and hash."""

    url: NotRequired[Annotated[str, Field(max_length=2000)] | None]
    sha256: NotRequired[Annotated[str, Field(max_length=64)] | None]
    media_type: NotRequired[Annotated[str, Field(max_length=100)] | None]
    captured_at: NotRequired[Moment | None]


@with_config(KNOWN_ONLY)
class Reporter(TypedDict):
    """Who called; personal data, each value plain or sealed."""

    name: NotRequired[Annotated[Annotated[str, Field(max_length=200), Tag("plain")] | Seal, EITHER] | None]
    phone: NotRequired[Annotated[Annotated[str, Field(max_length=64), Tag("plain")] | Seal, EITHER] | None]


@with_config(KNOWN_ONLY)
class External(TypedDict):
    """The order in another system that waits for an answer."""

    system: Short
    number: Short
    reply_by: NotRequired[Moment | None]


@with_config(ConfigDict(extra="allow"))
class ReportData(TypedDict):
    """What was seen. A location, or an address, building or part that can be resolved, is required."""

    category: Short
    channel: Channel
    condition: NotRequired[Short | None]
    severity: NotRequired[Severity | None]
    location: NotRequired[Location | None]
    address: NotRequired[Annotated[str, Field(max_length=500)] | None]
    confidence: NotRequired[Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)] | None]
    algorithm: NotRequired[Short | None]
    plate: NotRequired[Annotated[Annotated[str, Field(max_length=32), Tag("plain")] | Seal, EITHER] | None]
    building: NotRequired[Building | None]
    part_id: NotRequired[Short | None]
    description: NotRequired[Long | None]
    evidence: NotRequired[Annotated[list[EvidenceDict], Field(max_length=50)] | None]
    reporter: NotRequired[Annotated[Annotated[Reporter, Tag("plain")] | Seal, Discriminator(_kind_of_person)] | None]
    external: NotRequired[External | None]
    attributes: NotRequired[dict[str, Any] | None]


@with_config(ConfigDict(extra="allow"))
class ReportEvent(TypedDict):
    """The value of `incidents.reported`, structured mode; `time` carries an offset and is no epoch number.

    Unknown keys are let through (CloudEvents extensions): intake compares the number of keys with the number of colons, and only a
    difference costs the exact look for duplicate keys.
    """

    specversion: Literal["1.0"]
    id: Short
    source: Short
    type: Literal["city.incident.reported.v1"]
    time: Annotated[str, Field(max_length=64)]  # RFC 3339 with an offset; `incidents.steps.intake` parses and judges it
    data: ReportData
    city: NotRequired[Short | None]
    origin: NotRequired[Short | None]


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC of an aware datetime, floored.

    >>> from datetime import UTC
    >>> epoch_ms(datetime(2026, 11, 21, tzinfo=UTC))
    1795219200000
    """
    return int(at.timestamp() * 1000 + 0.5)


def case_id(city_code: str, local_day: str, source: str, report_id: str, time_ms: int) -> CaseId:
    """The id of the case that this report would open: the same report names the same case on every replay.

    `local_day` is `YYYYMMDD` of the report's time in the city's zone. Ten characters of base 32 are 50 bits: with 5 million cases a year
    the chance of any collision in a year's day is below 1e-7 a day.

    >>> case_id("QD", "20261121", "/cameras/1", "a", 0)
    'QD-20261121-14YNDD4W6Y'
    """
    digest = hashlib.blake2b(f"{source}\0{report_id}\0{time_ms}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big") >> 14
    letters = "".join(CROCKFORD[(number >> shift) & 31] for shift in range(45, -5, -5))
    return CaseId(f"{city_code}-{local_day}-{letters}")
