"""`POST /api/v1/events`: CloudEvents in, one or many; 202 says that they are durable."""

from typing import Annotated, Any, cast
from urllib.parse import unquote

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from console.access import CanReport
from console.problems import Problem
from console.reports import MOST_REPORTS, Looked, items, not_json, refusal
from console.world import World
from incidents.errors import BadReport, RejectReason
from incidents.steps.intake import from_headers

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PLAIN = "application/json"

EXAMPLE = {
    "specversion": "1.0",
    "id": "7f3c",
    "source": "/cameras/230017",
    "type": "city.incident.reported.v1",
    "time": "2026-11-21T08:15:02+08:00",
    "data": {
        "category": "road_spillage",
        "channel": "low_video",
        "location": {"lon": 120.3826, "lat": 36.0671, "accuracy_m": 10},
        "confidence": 0.87,
    },
}
REPORT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 256},
        "source": {"type": "string", "minLength": 1, "maxLength": 256},
        "type": {"const": "city.incident.reported.v1"},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object", "required": ["category", "channel"]},
    },
    "example": EXAMPLE,
}
ARRAY_SCHEMA = {"type": "array", "maxItems": MOST_REPORTS, "items": REPORT_SCHEMA, "example": [EXAMPLE]}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            PLAIN: {"schema": {"anyOf": [REPORT_SCHEMA, ARRAY_SCHEMA]}, "example": [EXAMPLE]},
            SINGLE: {"schema": REPORT_SCHEMA},
            BATCH: {"schema": ARRAY_SCHEMA},
        },
    }
}

Partial = Annotated[bool, Query(description="take what is good and say of the others why not, instead of all or nothing")]


class RefusedReport(BaseModel):
    """One report that was not taken."""

    index: int = Field(description="its place in the array, from 0")
    reason: RejectReason
    path: str | None = Field(description="the field, as in `data.location.lon`")
    detail: str


class Accepted(BaseModel):
    """What is durable in Kafka."""

    accepted: int
    ids: list[str]
    refused: list[RefusedReport] = Field(default_factory=list, description="only with ?partial=true")
    skipped: int = Field(0, description="records that the mapping leaves out on purpose")


def router(world: World) -> APIRouter:
    """`/api/v1/events`."""
    area = APIRouter(prefix="/api/v1", tags=["reports"])

    @area.post("/events", status_code=202, openapi_extra=BODY, summary="Send reports")
    async def report_events(request: Request, person: CanReport, partial: Partial = False) -> Accepted:
        """Reports as CloudEvents: one (structured, or binary with `ce-…` headers), or an array of up to 1,000.

        202: every one is durable, and will be told by its id. With a mistake in one of them nothing is taken (422 names its place, its
        field and what is right), unless `partial`.
        """
        found = values(request, await request.body())
        return accepted(await world.reports.take(found, partial), partial)

    return area


def accepted(looked: Looked, partial: bool) -> Accepted:
    """The answer. Raises Problem 422 when nothing was taken."""
    if looked.refused and (not partial or not looked.ids):
        raise refusal(looked)
    return Accepted(accepted=len(looked.ids), ids=looked.ids, refused=[RefusedReport(**each.told()) for each in looked.refused])


def values(request: Request, body: bytes) -> list[bytes]:
    """The reports of a request, each as bytes of one structured CloudEvent. Raises Problem 413, 415, 422."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "media_type", "This encoding is not taken", "send the body as it is, without Content-Encoding")
    media = request.headers.get("content-type", PLAIN).partition(";")[0].strip().lower()
    body = body.strip(b" \t\r\n")
    if media == BATCH:
        return items(body)
    if media == PLAIN and "ce-specversion" in request.headers:
        return [_binary(request, body)]
    if media == PLAIN and body[:1] == b"[":
        return items(body)
    if media in (PLAIN, SINGLE):
        return [body]
    raise Problem(415, "media_type", "This media type is not taken", f"{media!r}; send {SINGLE}, {BATCH} or {PLAIN}")


def _binary(request: Request, body: bytes) -> bytes:
    """Binary mode (CloudEvents' HTTP binding): attributes in `ce-…` headers, percent-encoded, around the bare data."""
    headers = [(f"ce_{key[3:]}", unquote(value).encode()) for key, value in request.headers.items() if key.startswith("ce-")]
    try:
        return cast(bytes, from_headers(headers, body))
    except BadReport as error:
        raise not_json(f"{error.reason}: {error.detail.partition(';')[0]}") from None
