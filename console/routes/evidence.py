"""Pictures and recordings: bring one, look at it, look at it small (ARCHITECTURE.md §5).

What a browser gets is locked in: its type is ours, it runs nothing, and it is nobody else's to keep.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Header, Response, UploadFile
from pydantic import AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool

from console.access import CanGiveEvidence, CanRead
from console.wire import Moment
from console.world import World
from incidents.evidence_rules import SUFFIXES, Picture, Taken, address

LOCKED_IN = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, max-age=300"}
RANGE = re.compile(r"bytes=(\d{1,10})-(\d{0,10})")
Responses = dict[int | str, dict[str, Any]]
BINARY = {"schema": {"type": "string", "format": "binary"}}
SAME: Responses = {304: {"description": "the client has it (`If-None-Match`)"}}
FILE = {"content": {media_type: BINARY for media_type in SUFFIXES}}
KINDS: Responses = {200: FILE, 206: {"description": "the range that was asked for", **FILE}, **SAME}
SMALL: Responses = {200: {"content": {"image/jpeg": BINARY}}, **SAME}
REFUSALS: Responses = {
    404: {},
    413: {"description": "larger than 10 MB, or than 50 million pixels"},
    415: {"description": "the file is no JPEG, PNG, WebP or MP4; the detail says what is right"},
}

Lon = Annotated[float | None, Form(ge=-180, le=180, allow_inf_nan=False, description="WGS-84, as the device measured it")]
Lat = Annotated[float | None, Form(ge=-90, le=90, allow_inf_nan=False, description="WGS-84")]
At = Annotated[Moment | None, Form(description="when it was taken, by the device's clock, with an offset")]
CaseId = Annotated[str | None, Form(max_length=64, pattern=r"^[A-Za-z0-9._-]+$", description="the case that shall show it")]
Match = Annotated[str | None, Header(max_length=500)]
Bytes = Annotated[str | None, Header(alias="Range", max_length=100)]


class Stored(BaseModel):
    """What is known of a file; of one that was there already, what was known first. Commands name it by `sha256`."""

    sha256: str = Field(description="of the bytes as they are kept, without what they told; the hash of the file as it came is known, too")
    media_type: str
    size: int
    captured_at: AwareDatetime | None = Field(description="on the city's clock; null: nobody knows")
    lon: float | None = Field(description="WGS-84; null: a note must say where it was taken, and why that is not known")
    lat: float | None
    width: int | None
    height: int | None
    url: str
    thumbnail_url: str | None = Field(description="null of a recording")


def router(world: World) -> APIRouter:
    """`/api/v1/evidence`."""
    area = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])
    desk = world.evidence

    @area.post("", status_code=201, responses=REFUSALS, summary="Store a picture or a recording")
    async def bring(  # noqa: PLR0913  # the fields of a form
        person: CanGiveEvidence,
        file: Annotated[UploadFile, File(description="JPEG, PNG, WebP or MP4, at most 10 MB")],
        lon: Lon = None,
        lat: Lat = None,
        captured_at: At = None,
        case_id: CaseId = None,
    ) -> Stored:
        """Store a picture or a recording.

        Time and position are read out of it (EXIF), then taken out of it; what it does not say may be told beside it. The same file again
        changes nothing.
        """
        told = Taken(captured_at=captured_at, lon=lon, lat=lat) if lon is not None and lat is not None else Taken(captured_at=captured_at)
        picture = await run_in_threadpool(desk.take, await file.read(), person, told, case_id)
        return _stored(picture)

    @area.get("/{sha256}", response_class=Response, responses=KINDS, summary="A picture or a recording")
    def look(sha256: str, person: CanRead, if_none_match: Match = None, wanted: Bytes = None) -> Response:
        """The file, for whoever brought it or sees a case that shows it. `sha256` may be that of the file as it came."""
        picture = desk.find(sha256, person)
        name = f"{picture.sha256[:16]}.{SUFFIXES[picture.media_type]}"
        headers = _headers(picture.sha256, name) | {"Accept-Ranges": "bytes"}
        if _has_it(if_none_match, headers):
            return Response(None, 304, headers)
        return _part(desk.content(picture), wanted, picture.media_type, headers)

    @area.get("/{sha256}/thumbnail", response_class=Response, responses=SMALL, summary="A picture, small")
    def glance(sha256: str, person: CanRead, if_none_match: Match = None) -> Response:
        """The picture at most 320 pixels wide and high, as JPEG; 404 of a recording."""
        picture = desk.find(sha256, person)
        headers = _headers(f"{picture.sha256}-320", f"{picture.sha256[:16]}-320.jpg")
        if _has_it(if_none_match, headers):
            return Response(None, 304, headers)
        return Response(desk.thumbnail(picture), 200, headers, "image/jpeg")

    return area


def _stored(picture: Picture) -> Stored:
    at = address(picture.sha256)
    known = picture.model_dump(include=set(Stored.model_fields))
    return Stored(**known, url=at, thumbnail_url=f"{at}/thumbnail" if picture.width is not None else None)


def _headers(tag: str, name: str) -> dict[str, str]:
    return {**LOCKED_IN, "ETag": f'"{tag}"', "Content-Disposition": f'inline; filename="{name}"'}


def _has_it(if_none_match: str | None, headers: dict[str, str]) -> bool:
    return headers["ETag"] in [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]


def _part(content: bytes, wanted: str | None, media_type: str, headers: dict[str, str]) -> Response:
    """The bytes, or the one range of them that a player asks for (RFC 9110, 14); any other wish gets them all, which is allowed."""
    found = RANGE.fullmatch(wanted or "")
    begin = int(found[1]) if found else 0
    end = min(int(found[2] or len(content)) + 1, len(content)) if found else 0
    if not begin < end:
        return Response(content, 200, headers, media_type)
    headers |= {"Content-Range": f"bytes {begin}-{end - 1}/{len(content)}"}
    return Response(content[begin:end], 206, headers, media_type)
